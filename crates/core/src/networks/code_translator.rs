//! The translator of NICE-GAN (Chen et al. 2020, arXiv:2003.00273) without its encoder: from the code that a discriminator makes
//! of an image to an image of the other domain.

use brigand_autograd::{Activation, Variable};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::limits::within;
use crate::modules::{
    Activate, AdaptiveInstanceLayerNorm, Builder, Chain, Convolution, DCGAN, Double, InstanceLayerNorm,
    Layer, Linear, OnVector, Pass, PixelShuffle, Plan, Skip, Window,
};

const PLAN: Plan = Plan::new(DCGAN);
/// Doublings of a code's height and width.
const DOUBLINGS: usize = 2;

/// How height and width are doubled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doubling {
    /// A convolution of 1x1 to four times as many channels, which become 2x2 pixels each.
    PixelShuffle,
    /// Every pixel is repeated before the convolution.
    Nearest,
}

/// The size of a translator of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeTranslatorRecipe {
    /// Channels of the largest maps; the smallest have four times as many.
    pub width: usize,
    /// Residual blocks at the size of the codes.
    pub blocks: usize,
    /// How height and width are doubled.
    pub doubling: Doubling,
}

impl CodeTranslatorRecipe {
    /// Refuses sizes that no network has.
    ///
    /// # Errors
    /// [`crate::Error::Recipe`], saying which value to give.
    pub fn check(&self) -> Result<()> {
        within("translator.width", self.width, 1..=1024)?;
        within("translator.blocks", self.blocks, 1..=64)
    }
}

/// From codes to images in [-1, 1].
pub struct CodeTranslator {
    enter: Chain,
    /// From the mean of each channel to the scales and shifts of the blocks, which all blocks share.
    affine: Chain,
    blocks: Chain<OnVector>,
    leave: Chain,
}

impl CodeTranslator {
    /// `c3`, residual blocks with adaptive instance-layer normalisation, two doublings, `c7, tanh`; codes of `from` channels,
    /// images of `to`.
    ///
    /// # Errors
    /// If a layer cannot be made.
    pub fn new(b: &mut Builder, recipe: &CodeTranslatorRecipe, (from, to): (usize, usize)) -> Result<Self> {
        let three = Window::same(3).reflecting();
        let convolution =
            |channels, window| move |b: &mut Builder| Convolution::new(b, channels, window, &PLAN);
        let norm = |channels| move |b: &mut Builder| InstanceLayerNorm::new(b, channels, Activation::Relu);
        let mut channels = recipe.width << DOUBLINGS;
        let mut enter = Chain::new();
        enter.push_named(b, "enter", convolution((from, channels), three))?;
        enter.push_named(b, "enter_norm", norm(channels))?;
        let mut affine = Chain::new();
        for number in 0..2 {
            affine.push_named(b, format!("affine{number}"), |b| {
                Linear::new(b, channels, channels, &PLAN.without_bias())
            })?;
            affine.push_plain(Activate(Activation::Relu));
        }
        affine.push_named(b, "affine", |b| Linear::new(b, channels, 2 * channels, &PLAN.without_bias()))?;
        let mut blocks = Chain::new();
        for number in 0..recipe.blocks {
            blocks.push_named(b, format!("block{number}"), |b| {
                Skip::new(b, channels, &PLAN, |b, activated| {
                    let activation = if activated { Activation::Relu } else { Activation::Identity };
                    AdaptiveInstanceLayerNorm::new(b, channels, activation)
                })
            })?;
        }
        let mut leave = Chain::new();
        for number in 0..DOUBLINGS {
            let half = channels / 2;
            if recipe.doubling == Doubling::Nearest {
                leave.push_plain(Double);
            }
            leave.push_named(b, format!("up{number}"), convolution((channels, half), three))?;
            leave.push_named(b, format!("up{number}_norm"), norm(half))?;
            if recipe.doubling == Doubling::PixelShuffle {
                leave.push_named(
                    b,
                    format!("shuffle{number}"),
                    convolution((half, 4 * half), Window::same(1)),
                )?;
                leave.push_plain(PixelShuffle);
                leave.push_named(b, format!("shuffle{number}_norm"), norm(half))?;
            }
            channels = half;
        }
        leave.push_named(b, "leave", convolution((channels, to), Window::same(7).reflecting()))?;
        leave.push_plain(Activate(Activation::Tanh));
        Ok(Self { enter, affine, blocks, leave })
    }

    /// The images `[batch, channels, 4 height, 4 width]` that codes `[batch, channels, height, width]` stand for.
    ///
    /// # Errors
    /// If the codes have other channels.
    pub fn run(&self, pass: &mut Pass<'_>, codes: &Variable) -> Result<Variable> {
        let maps = self.enter.run(pass, codes)?;
        let affine = self.affine.run(pass, &maps.mean(&[2, 3])?)?;
        let maps = self.blocks.forward(pass, &maps, &affine)?;
        self.leave.run(pass, &maps)
    }
}
