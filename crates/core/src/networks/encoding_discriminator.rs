//! The discriminator of NICE-GAN (Chen et al. 2020, arXiv:2003.00273), whose first layers are the encoder of the translator
//! that leads away from its domain.

use brigand_autograd::{Activation, Variable};
use serde::{Deserialize, Serialize};

use super::translator::check_size;
use crate::error::{Error, Result};
use crate::limits::within;
use crate::modules::{Activate, Builder, Chain, ClassActivation, Convolution, DCGAN, Pass, Plan, Window};
use crate::players::{Scored, Scorer};

const PLAN: Plan = Plan::new(DCGAN).spectral();
const LEAKY: Activation = Activation::LeakyRelu(0.2);
/// Halvings of the encoder.
const HALVINGS: usize = 2;
/// The height and width of maps that two convolutions of 4x4 leave one score of.
const SMALLEST: usize = 3;
/// The path of the encoder's weights.
const ENCODER: &str = "encoder";

/// The size of a discriminator that encodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncodingDiscriminatorRecipe {
    /// Channels of the encoder's first maps; codes have twice as many, and every layer after them doubles them, up to 16 times.
    pub width: usize,
    /// Halvings of a code's height and width before the scores of smaller patches.
    pub local_halvings: usize,
    /// Halvings of a code's height and width before the scores of larger patches.
    pub global_halvings: usize,
}

impl EncodingDiscriminatorRecipe {
    /// Refuses sizes that no network has.
    ///
    /// # Errors
    /// [`Error::Recipe`], saying which value to give.
    pub fn check(&self) -> Result<()> {
        within("discriminator.width", self.width, 1..=1024)?;
        within("discriminator.local_halvings", self.local_halvings, 0..=4)?;
        within("discriminator.global_halvings", self.global_halvings, self.local_halvings + 1..=6)
    }
}

/// What the encoder makes of images.
#[derive(Clone)]
pub struct Code {
    /// `[batch, channels, height / 4, width / 4]`, which a translator makes an image of the other domain of.
    pub maps: Variable,
    /// Logits of the classifier of its attention, `[batch]`, high for real.
    pub logits: Variable,
}

/// Encodes images and scores them: small and large patches, and by the classifier of the encoder's attention.
pub struct EncodingDiscriminator {
    encoder: Chain,
    attention: ClassActivation,
    shared: Chain,
    local: Chain,
    global: Chain,
    channels: usize,
}

impl EncodingDiscriminator {
    /// How many score tensors it gives: those of smaller patches, of larger ones, and the classifier's.
    pub const HEADS: usize = 3;

    /// A discriminator of images `[channels, height, width]`. All but the 1x1 convolution of the attention is spectrally
    /// normalised.
    ///
    /// # Errors
    /// If the images are too small for its heads, or cannot be halved evenly.
    pub fn new(
        b: &mut Builder,
        recipe: &EncodingDiscriminatorRecipe,
        [from, height, width]: [usize; 3],
    ) -> Result<Self> {
        let side = SMALLEST << (HALVINGS + recipe.global_halvings);
        if height.min(width) < side {
            return Err(Error::Recipe(format!(
                "discriminator.global_halvings is {}, which needs images of at least {side}x{side}, and these are \
                 {width}x{height}; give less, or larger images by data.size",
                recipe.global_halvings
            )));
        }
        let halving = |layers: &mut Chain, b: &mut Builder, name: String, channels| {
            layers.push_named(b, name, |b| {
                Convolution::new(b, channels, Window::HALVING.reflecting(), &PLAN)
            })?;
            layers.push_plain(Activate(LEAKY));
            Ok::<_, Error>(())
        };
        let wider = |channels: usize| (2 * channels).min(32 * recipe.width);
        let (code, mut encoder) = (2 * recipe.width, Chain::new());
        let attention = b.block(ENCODER, |b| {
            halving(&mut encoder, b, "down0".into(), (from, recipe.width))?;
            halving(&mut encoder, b, "down1".into(), (recipe.width, code))?;
            b.block("attention", |b| ClassActivation::new(b, code, &PLAN))
        })?;
        let (mut shared, mut channels) = (Chain::new(), code);
        for number in 0..recipe.local_halvings {
            halving(&mut shared, b, format!("shared{number}"), (channels, wider(channels)))?;
            channels = wider(channels);
        }
        let head = |b: &mut Builder, mut channels: usize, halvings: usize| {
            let (mut layers, four) = (Chain::new(), Window { stride: 1, ..Window::HALVING }.reflecting());
            for number in 0..halvings {
                halving(&mut layers, b, format!("down{number}"), (channels, wider(channels)))?;
                channels = wider(channels);
            }
            let last = wider(channels);
            layers.push_named(b, "last", |b| Convolution::new(b, (channels, last), four, &PLAN))?;
            layers.push_plain(Activate(LEAKY));
            layers.push_named(b, "score", |b| Convolution::new(b, (last, 1), four, &PLAN.without_bias()))?;
            Ok(layers)
        };
        let further = recipe.global_halvings.saturating_sub(recipe.local_halvings);
        Ok(Self {
            encoder,
            attention,
            shared,
            local: b.block("local", |b| head(b, channels, 0))?,
            global: b.block("global", |b| head(b, channels, further))?,
            channels: code,
        })
    }

    /// Channels of its codes.
    pub fn code_channels(&self) -> usize {
        self.channels
    }

    /// The path of its encoder's weights.
    pub fn encoder_path(&self) -> &'static str {
        ENCODER
    }

    /// Refuses images that cannot be encoded.
    ///
    /// # Errors
    /// [`Error::Request`], saying which can.
    pub fn check_size(&self, height: usize, width: usize) -> Result<()> {
        let multiple = 1 << HALVINGS;
        check_size([height, width], multiple, 2 * multiple)
    }

    /// The code of `images` `[batch, channels, height, width]`.
    ///
    /// # Errors
    /// If height or width do not fit: the message says which do.
    pub fn encode(&self, pass: &mut Pass<'_>, images: &Variable) -> Result<Code> {
        let (_, _, height, width) = images.dims4("an encoder")?;
        self.check_size(height, width)?;
        let maps = self.encoder.run(pass, images)?;
        let (maps, logits) = self.attention.run(pass, &maps)?;
        Ok(Code { maps: maps.activate(LEAKY)?, logits })
    }
}

impl Scorer for EncodingDiscriminator {
    type Input = Variable;
    /// The code's maps.
    type Also = Variable;

    fn score(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Scored<Variable>> {
        let Code { maps, logits } = self.encode(pass, input)?;
        let shared = self.shared.run(pass, &maps)?;
        let scores = vec![self.local.run(pass, &shared)?, self.global.run(pass, &shared)?, logits];
        Ok(Scored { scores, features: Vec::new(), also: maps })
    }
}
