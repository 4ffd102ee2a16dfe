//! The U-Net of pix2pix (Isola et al. 2016, arXiv:1611.07004): an encoder and a decoder whose maps of equal size are joined,
//! so that details reach the output without passing the smallest maps.

use brigand_autograd::{Activation, Variable};
use serde::{Deserialize, Serialize};

use super::translator::check_size;
use crate::error::{Error, Result};
use crate::modules::{
    Activate, Builder, Chain, Convolution, DCGAN, Dropout, Norm, NormKind, NormPlan, Pass, Plan,
    TransposedConvolution, Window,
};

const PLAN: Plan = Plan::new(DCGAN);
/// Blocks of the decoder, from the smallest maps on, that are followed by dropout.
const DROPPED: usize = 3;
/// The most times as many channels as the largest maps have.
const WIDEST: usize = 8;

/// The size of a U-Net.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnetRecipe {
    /// Channels of the largest maps; each further halving doubles them, up to 8 times.
    pub width: usize,
    /// How often height and width are halved.
    pub halvings: usize,
    /// Rate of the dropout after the decoder's first three blocks, in training.
    pub dropout: f64,
}

impl UnetRecipe {
    /// Refuses sizes that no network has.
    ///
    /// # Errors
    /// [`Error::Recipe`], saying which value to give.
    pub fn check(&self) -> Result<()> {
        for (key, value, [low, high]) in
            [("width", self.width, [1, 1024]), ("halvings", self.halvings, [1, 10])]
        {
            if !(low..=high).contains(&value) {
                return Err(Error::Recipe(format!("translator.{key} is {value}; give {low} to {high}")));
            }
        }
        Dropout::check(&[self.dropout])
    }

    /// Channels of the maps after `halvings`, at least 1.
    fn channels(&self, halvings: usize) -> usize {
        self.width * WIDEST.min(1 << (halvings.max(1) - 1).min(8))
    }
}

/// From an image of one domain to one of another of the same size, in [-1, 1].
pub struct Unet {
    down: Vec<Chain>,
    /// From the smallest maps to the image.
    up: Vec<Chain>,
}

impl Unet {
    /// `[leaky relu] conv [norm]` down to the smallest maps, `relu transposed-conv [norm] [dropout]` up again, each on its
    /// input joined with the encoder's maps of that size; kernels of 4x4, stride 2, instance normalisation. The first and
    /// the last layer of the encoder and the last of the decoder are not normalised.
    ///
    /// # Errors
    /// If a layer cannot be made.
    pub fn new(b: &mut Builder, recipe: &UnetRecipe, (from, to): (usize, usize)) -> Result<Self> {
        let instance = NormPlan::new(NormKind::Instance, Activation::Identity);
        let (mut down, mut up) = (Vec::new(), Vec::new());
        for number in 0..recipe.halvings {
            let channels =
                (if number == 0 { from } else { recipe.channels(number) }, recipe.channels(number + 1));
            down.push(b.block(format!("down{number}"), |b| {
                let mut layers = Chain::new();
                if number > 0 {
                    layers.push_plain(Activate(Activation::LeakyRelu(0.2)));
                }
                layers.push_named(b, "conv", |b| Convolution::new(b, channels, Window::HALVING, &PLAN))?;
                if number > 0 && number + 1 < recipe.halvings {
                    layers.push_named(b, "norm", |b| Norm::new(b, instance, channels.1))?;
                }
                Ok(layers)
            })?);
        }
        for number in 0..recipe.halvings {
            let halvings = recipe.halvings - number;
            let joined = if number == 0 { 1 } else { 2 };
            let last = halvings == 1;
            let channels =
                (joined * recipe.channels(halvings), if last { to } else { recipe.channels(halvings - 1) });
            up.push(b.block(format!("up{number}"), |b| {
                let mut layers = Chain::new();
                layers.push_plain(Activate(Activation::Relu));
                layers.push_named(b, "conv", |b| {
                    TransposedConvolution::new(b, channels, Window::HALVING, &PLAN)
                })?;
                if last {
                    layers.push_plain(Activate(Activation::Tanh));
                    return Ok(layers);
                }
                layers.push_named(b, "norm", |b| Norm::new(b, instance, channels.1))?;
                if number < DROPPED {
                    layers.push_plain(Dropout(recipe.dropout));
                }
                Ok(layers)
            })?);
        }
        Ok(Self { down, up })
    }

    /// Refuses images whose height or width cannot be halved so often.
    ///
    /// # Errors
    /// [`Error::Request`], saying which can.
    pub fn check_size(&self, height: usize, width: usize) -> Result<()> {
        let multiple = 1 << self.down.len();
        check_size([height, width], multiple, multiple)
    }

    /// The translation of `images` `[batch, channels, height, width]`, of the same height and width.
    ///
    /// # Errors
    /// If height or width do not fit: the message says which do.
    pub fn run(&self, pass: &mut Pass<'_>, images: &Variable) -> Result<Variable> {
        let (_, _, height, width) = images.dims4("a translator")?;
        self.check_size(height, width)?;
        let mut maps = Vec::with_capacity(self.down.len());
        for layers in &self.down {
            maps.push(layers.run(pass, maps.last().unwrap_or(images))?);
        }
        let smallest = maps.pop().ok_or_else(|| Error::Internal("a U-Net has no layers".into()))?;
        let (mut value, mut joined) = (smallest, maps.into_iter().rev());
        for layers in &self.up {
            value = layers.run(pass, &value)?;
            if let Some(beside) = joined.next() {
                value = Variable::concatenate(&[&value, &beside], 1)?;
            }
        }
        Ok(value)
    }
}
