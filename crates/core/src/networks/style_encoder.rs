//! The encoder of GauGAN (Park et al. 2019, arXiv:1903.07291, section A.1): from an image to numbers that describe its style.

use brigand_autograd::{Activation, Variable};
use serde::{Deserialize, Serialize};

use super::sides::channels;
use crate::error::{Error, Result};
use crate::modules::{
    Builder, Chain, Convolution, Initialization, Linear, Norm, NormKind, NormPlan, Padding, Pass, Plan,
    Reshape, Window,
};

/// The most times as many channels as the largest maps have.
const WIDEST: usize = 8;
const PLAN: Plan = Plan::new(Initialization::Glorot);
/// 3x3, stride 2: halves an even size.
const WINDOW: Window =
    Window { kernel: [3; 2], stride: 2, padding: [1; 2], around: Padding::Zeros, groups: 1 };

/// The size of an encoder of styles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StyleEncoderRecipe {
    /// Channels of the largest maps; each further halving doubles them, up to 8 times.
    pub width: usize,
    /// How often height and width are halved.
    pub halvings: usize,
}

impl StyleEncoderRecipe {
    /// Refuses sizes that no network has.
    ///
    /// # Errors
    /// [`Error::Recipe`], saying which value to give.
    pub fn check(&self) -> Result<()> {
        for (key, value, [low, high]) in
            [("width", self.width, [1, 1024]), ("halvings", self.halvings, [1, 8])]
        {
            if !(low..=high).contains(&value) {
                return Err(Error::Recipe(format!("encoder.{key} is {value}; give {low} to {high}")));
            }
        }
        Ok(())
    }
}

/// From images `[batch, channels, height, width]` to `[batch, outputs]`.
pub struct StyleEncoder(Chain);

impl StyleEncoder {
    /// `(conv3 stride 2, instance norm, leaky relu)..., linear`. All convolutions are spectrally normalised.
    ///
    /// # Errors
    /// If images `[channels, height, width]` cannot be halved so often, or maps of a single pixel would remain, of which
    /// instance normalisation leaves nothing.
    pub fn new(
        b: &mut Builder,
        recipe: &StyleEncoderRecipe,
        [from, height, width]: [usize; 3],
        outputs: usize,
    ) -> Result<Self> {
        let multiple = 1 << recipe.halvings;
        let whole = height.is_multiple_of(multiple) && width.is_multiple_of(multiple);
        if !whole || height.min(width) < 2 * multiple {
            return Err(Error::Recipe(format!(
                "encoder.halvings is {}, and images of {width}x{height} cannot be halved so often to maps of 2x2 or more; \
                 give less, or set data.size to a multiple of {multiple} from {}",
                recipe.halvings,
                2 * multiple
            )));
        }
        let (mut layers, mut from) = (Chain::new(), from);
        for number in 0..recipe.halvings {
            let to = channels(recipe.width, number, WIDEST);
            let plan = PLAN.spectral();
            layers
                .push_named(b, format!("down{number}"), |b| Convolution::new(b, (from, to), WINDOW, &plan))?;
            let norm = NormPlan::new(NormKind::Instance, Activation::LeakyRelu(0.2));
            layers.push_named(b, format!("down{number}_norm"), |b| Norm::new(b, norm, to))?;
            from = to;
        }
        let features = from * (height / multiple) * (width / multiple);
        layers.push_plain(Reshape(vec![features]));
        layers.push_named(b, "leave", |b| Linear::new(b, features, outputs, &PLAN))?;
        Ok(Self(layers))
    }

    /// The outputs for `images`, which must have the size it was built for.
    ///
    /// # Errors
    /// If they have another.
    pub fn run(&self, pass: &mut Pass<'_>, images: &Variable) -> Result<Variable> {
        self.0.run(pass, images)
    }
}
