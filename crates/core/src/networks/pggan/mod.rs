//! The growing networks of PGGAN (Karras et al. 2017, arXiv:1710.10196): blocks for 4x4 maps and for each doubling of them,
//! of which a stage of growth uses the first ones. A new block fades in: its output is mixed with what the networks gave
//! without it, which at first is all there is.

mod stage;

use brigand_autograd::{Activation, Variable};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::modules::{
    Activate, Builder, Chain, Convolution, Double, Halve, Initialization, Linear, MinibatchDeviation, Pass,
    PixelNorm, Plan, Reparametrisation, Reshape, Window,
};
use crate::players::{Scored, Scorer};

pub use stage::{FIRST_SIDE, Stage, StagedImages, doublings_to};

/// The size of one of the growing networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrowingNetworkRecipe {
    /// Channels of the largest maps; each halving of the side doubles them.
    pub width: usize,
    /// The most channels.
    pub widest: usize,
}

impl GrowingNetworkRecipe {
    /// Refuses widths that no network has; `network` names whose it is.
    ///
    /// # Errors
    /// [`Error::Recipe`], saying which value to give.
    pub fn check(&self, network: &str) -> Result<()> {
        for (key, value) in [("width", self.width), ("widest", self.widest)] {
            if value == 0 || value > 4096 {
                return Err(Error::Recipe(format!("{network}.{key} is {value}; give 1 to 4096")));
            }
        }
        Ok(())
    }

    /// Channels of maps after so many doublings of the first side, of `all`.
    fn channels(&self, doublings: usize, all: usize) -> usize {
        self.widest.min(self.width << (all - doublings).min(20))
    }
}

/// Weights drawn from the standard normal and scaled at run time by `gain / sqrt(fan_in)` (section 4.1).
const fn equalised(gain: f64) -> Plan {
    let normal = Initialization::Normal { mean: 0.0, deviation: 1.0 };
    Plan::new(normal).reparametrised(Reparametrisation::Equalised { gain })
}

/// He's gain, for layers before a leaky rectifier.
const HIDDEN: Plan = equalised(std::f64::consts::SQRT_2);
/// Layers that no activation follows.
const LAST: Plan = equalised(1.0);
/// The generator's first layer, whose inputs have a mean square of 1 and which the reference networks start smaller.
const FIRST: Plan = equalised(std::f64::consts::SQRT_2 / 4.0);

fn convolution(layers: &mut Chain, b: &mut Builder, channels: (usize, usize), window: Window) -> Result<()> {
    layers.push(b, |b| Convolution::new(b, channels, window, &HIDDEN))?;
    layers.push_plain(Activate(Activation::LeakyRelu(0.2)));
    Ok(())
}

/// From latents to images, of as many sizes as there are stages.
pub struct GrowingGenerator {
    /// The first from latents to 4x4 maps, each other one from maps to maps of twice their side.
    blocks: Vec<Chain>,
    /// From the maps of each stage to images.
    images: Vec<Convolution>,
}

impl GrowingGenerator {
    /// A generator of images of so many `channels` and `doublings` from so many numbers of `noise`.
    ///
    /// # Errors
    /// If a path is taken.
    pub fn new(
        b: &mut Builder,
        recipe: &GrowingNetworkRecipe,
        noise: usize,
        (channels, doublings): (usize, usize),
    ) -> Result<Self> {
        let of = |number| recipe.channels(number, doublings);
        let (mut blocks, mut images) = (Vec::new(), Vec::new());
        for number in 0..=doublings {
            let side = FIRST_SIDE << number;
            blocks.push(b.block(format!("maps{side}"), |b| {
                let mut layers = Chain::new();
                if number == 0 {
                    layers.push_plain(PixelNorm);
                    layers.push(b, |b| Linear::new(b, noise, of(0) * side * side, &FIRST))?;
                    layers.push_plain(Reshape(vec![of(0), side, side]));
                    layers.push_plain(Activate(Activation::LeakyRelu(0.2)));
                } else {
                    layers.push_plain(Double);
                    convolution(&mut layers, b, (of(number - 1), of(number)), Window::same(3))?;
                }
                layers.push_plain(PixelNorm);
                convolution(&mut layers, b, (of(number), of(number)), Window::same(3))?;
                layers.push_plain(PixelNorm);
                Ok(layers)
            })?);
            images.push(b.block(format!("image{side}"), |b| {
                Convolution::new(b, (of(number), channels), Window::same(1), &LAST)
            })?);
        }
        Ok(Self { blocks, images })
    }

    /// The images `[batch, channels, side, side]` of `latents` `[batch, noise]` at a stage. They are not bounded.
    ///
    /// # Errors
    /// If the latents do not fit, or there is no such stage.
    pub fn run(&self, pass: &mut Pass<'_>, latents: &Variable, stage: Stage) -> Result<Variable> {
        let (mut maps, mut before) = (latents.clone(), latents.clone());
        for block in self.blocks.iter().take(stage.doublings + 1) {
            before = maps;
            maps = block.run(pass, &before)?;
        }
        let new = conversion(&self.images, stage.doublings)?.run(pass, &maps)?;
        let Some(former) = stage.former() else { return Ok(new) };
        let former = conversion(&self.images, former)?.run(pass, &before)?;
        stage.mix(&new, &former.resize_nearest(stage.side(), stage.side())?)
    }

    /// The paths of the weights that a stage uses.
    pub fn paths(&self, stage: Stage) -> Vec<String> {
        stage.paths("maps", "image")
    }
}

fn conversion(of: &[Convolution], number: usize) -> Result<&Convolution> {
    of.get(number).ok_or_else(|| Error::Internal(format!("a network that grows has no stage {number}")))
}

/// Scores images of a stage.
pub struct GrowingDiscriminator {
    /// The first from 4x4 maps to features, each other one to maps of half the side.
    blocks: Vec<Chain>,
    /// From images of each stage to maps.
    images: Vec<Convolution>,
    deviation: bool,
    score: Linear,
}

impl GrowingDiscriminator {
    /// A discriminator of images of so many `channels` and `doublings`; `deviation` appends the minibatch deviation to its
    /// 4x4 maps.
    ///
    /// # Errors
    /// If a path is taken.
    pub fn new(
        b: &mut Builder,
        recipe: &GrowingNetworkRecipe,
        deviation: bool,
        (channels, doublings): (usize, usize),
    ) -> Result<Self> {
        let of = |number| recipe.channels(number, doublings);
        let (mut blocks, mut images) = (Vec::new(), Vec::new());
        for number in 0..=doublings {
            let side = FIRST_SIDE << number;
            blocks.push(b.block(format!("maps{side}"), |b| {
                let mut layers = Chain::new();
                if number == 0 {
                    if deviation {
                        b.couple_samples();
                        layers.push_plain(MinibatchDeviation);
                    }
                    let from = of(0) + usize::from(deviation);
                    convolution(&mut layers, b, (from, of(0)), Window::same(3))?;
                    convolution(&mut layers, b, (of(0), of(0)), Window::whole(side))?;
                    layers.push_plain(Reshape(vec![of(0)]));
                } else {
                    convolution(&mut layers, b, (of(number), of(number)), Window::same(3))?;
                    convolution(&mut layers, b, (of(number), of(number - 1)), Window::same(3))?;
                    layers.push_plain(Halve);
                }
                Ok(layers)
            })?);
            images.push(b.block(format!("image{side}"), |b| {
                Convolution::new(b, (channels, of(number)), Window::same(1), &HIDDEN)
            })?);
        }
        let score = b.block("score", |b| Linear::new(b, of(0), 1, &LAST))?;
        Ok(Self { blocks, images, deviation, score })
    }

    /// The paths of the weights that a stage uses.
    pub fn paths(&self, stage: Stage) -> Vec<String> {
        let mut paths = stage.paths("maps", "image");
        paths.push("score".into());
        paths
    }

    fn maps_of(&self, pass: &mut Pass<'_>, images: &Variable, number: usize) -> Result<Variable> {
        let maps = conversion(&self.images, number)?.run(pass, images)?;
        Ok(maps.activate(Activation::LeakyRelu(0.2))?)
    }
}

impl Scorer for GrowingDiscriminator {
    type Input = StagedImages;
    type Also = ();

    fn score(&self, pass: &mut Pass<'_>, input: &StagedImages) -> Result<Scored<()>> {
        let StagedImages { images, stage } = input;
        let mut maps = self.maps_of(pass, images, stage.doublings)?;
        for (number, block) in self.blocks.iter().enumerate().take(stage.doublings + 1).rev() {
            maps = block.run(pass, &maps)?;
            if number == stage.doublings
                && let Some(former) = stage.former()
            {
                let before = self.maps_of(pass, &images.avg_pool2d(2, 2, 0)?, former)?;
                maps = stage.mix(&maps, &before)?;
            }
        }
        let scores = self.score.run(pass, &maps)?;
        Ok(Scored::new(scores.reshape(&[maps.shape()[0]])?, maps))
    }

    fn couples_samples(&self) -> bool {
        self.deviation
    }
}

#[cfg(test)]
mod tests;
