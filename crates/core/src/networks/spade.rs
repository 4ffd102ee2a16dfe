//! The generator of GauGAN (Park et al. 2019, arXiv:1903.07291): from a label map and a code to an image. The map modulates
//! every normalisation (SPADE), so that no normalisation can remove what it says; the alternative for comparison is a map that
//! enters at the input alone.

use brigand_autograd::{Activation, Variable};
use serde::{Deserialize, Serialize};

use super::sides::channels;
use super::translator::check_size;
use crate::error::{Error, Result};
use crate::limits::within;
use crate::modules::{
    Activate, Builder, Chain, Conditioning, Convolution, Double, Initialization, LabelMap, Layer, Linear,
    MapNorm, Norm, NormKind, NormPlan, OnMap, Pass, Plan, Residual, Window, append_condition,
};

/// The most times as many channels as the largest maps have.
const WIDEST: usize = 16;
const LEAKY: Activation = Activation::LeakyRelu(0.2);
const PLAN: Plan = Plan::new(Initialization::Glorot);
const SPECTRAL: Plan = PLAN.spectral();

/// Where the label map enters a generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MapLayout {
    /// At every normalisation, which it scales and shifts position by position.
    Spade,
    /// At the input alone, beside the code, which is the same at every position; an encoder of halving convolutions brings
    /// both to the size at which the blocks begin. Normalisations have learned constants.
    Input,
}

/// Over what the normalisations of a generator take means and variances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MapNormalization {
    /// Each channel over batch and positions, as in the paper.
    Batch,
    /// Each channel of each sample over positions.
    Instance,
}

/// The size of a generator from label maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpadeRecipe {
    /// Where the label map enters.
    pub layout: MapLayout,
    /// Over what normalisations are taken.
    pub normalization: MapNormalization,
    /// Channels of the largest maps; each halving doubles them, up to 16 times.
    pub width: usize,
    /// How often the maps of the first block are doubled up to the image.
    pub halvings: usize,
    /// Channels between a label map and the scales and shifts that are made of it.
    pub hidden: usize,
}

impl SpadeRecipe {
    /// Refuses sizes that no network has.
    ///
    /// # Errors
    /// [`Error::Recipe`], saying which value to give.
    pub fn check(&self) -> Result<()> {
        within("generator.width", self.width, 1..=1024)?;
        within("generator.halvings", self.halvings, 1..=8)?;
        within("generator.hidden", self.hidden, 1..=1024)
    }

    /// Channels of maps that are `halvings` smaller than the image.
    fn channels(&self, halvings: usize) -> usize {
        channels(self.width, halvings, WIDEST)
    }

    fn norm(&self, activation: Activation) -> NormPlan {
        let kind = match self.normalization {
            MapNormalization::Batch => NormKind::Batch,
            MapNormalization::Instance => NormKind::Instance,
        };
        NormPlan::new(kind, activation)
    }
}

/// The layers from codes and maps to images.
enum Layers {
    Spade {
        enter: Linear,
        /// Channels, height and width of the first block's maps.
        start: [usize; 3],
        blocks: Chain<OnMap>,
    },
    Input {
        enter: Chain,
        blocks: Chain,
    },
}

/// From label maps and codes to images in [-1, 1] of the maps' height and width.
pub struct SpadeGenerator {
    layers: Layers,
    halvings: usize,
}

impl SpadeGenerator {
    /// A generator of images `[channels, height, width]` from maps of so many labels and codes of so many numbers.
    ///
    /// # Errors
    /// If the images cannot be halved so often.
    pub fn new(
        b: &mut Builder,
        recipe: &SpadeRecipe,
        image: [usize; 3],
        (labels, code): (usize, usize),
    ) -> Result<Self> {
        let ([to, height, width], halvings) = (image, recipe.halvings);
        check_size([height, width], 1 << halvings, 1 << halvings).map_err(|error| {
            Error::Recipe(format!("generator.halvings is {halvings}: {error}; give less, or set data.size"))
        })?;
        let layers = match recipe.layout {
            MapLayout::Spade => {
                let start = [recipe.channels(halvings), height >> halvings, width >> halvings];
                Layers::Spade {
                    enter: b.block("enter", |b| Linear::new(b, code, start.iter().product(), &PLAN))?,
                    start,
                    blocks: blocks(b, recipe, to, &|b, channels, activation| {
                        let sizes = (channels, labels, recipe.hidden);
                        MapNorm::new(b, recipe.norm(activation), sizes, &PLAN)
                    })?,
                }
            }
            MapLayout::Input => Layers::Input {
                enter: b.block("enter", |b| halving(b, recipe, labels + code))?,
                blocks: blocks(b, recipe, to, &|b, channels, activation| {
                    Norm::new(b, recipe.norm(activation), channels)
                })?,
            },
        };
        Ok(Self { layers, halvings })
    }

    /// The images of one-hot `maps` `[batch, labels, height, width]` in the style of `codes` `[batch, code]`. Maps of other
    /// sizes than those of training begin with the first block's maps stretched to theirs.
    ///
    /// # Errors
    /// If the number of labels or the size of the maps does not fit.
    pub fn run(&self, pass: &mut Pass<'_>, codes: &Variable, maps: &Variable) -> Result<Variable> {
        let (batch, _, height, width) = maps.dims4("label maps")?;
        check_size([height, width], 1 << self.halvings, 1 << self.halvings)?;
        match &self.layers {
            Layers::Spade { enter, start: [channels, rows, columns], blocks } => {
                let first = enter.run(pass, codes)?.reshape(&[batch, *channels, *rows, *columns])?;
                let (own_rows, own_columns) = (height >> self.halvings, width >> self.halvings);
                let first = if [own_rows, own_columns] == [*rows, *columns] {
                    first
                } else {
                    first.resize_nearest(own_rows, own_columns)?
                };
                blocks.forward(pass, &first, LabelMap(maps))
            }
            Layers::Input { enter, blocks } => {
                let first = enter.run(pass, &append_condition(maps, codes)?)?;
                blocks.run(pass, &first)
            }
        }
    }
}

/// `conv norm act (conv4 stride 2, norm, act)...` from `from` channels at the image's size to the first block's maps.
fn halving(b: &mut Builder, recipe: &SpadeRecipe, from: usize) -> Result<Chain> {
    let (mut layers, mut from) = (Chain::new(), from);
    for number in 0..=recipe.halvings {
        let to = recipe.channels(number);
        let window = if number == 0 { Window::same(3) } else { Window::HALVING };
        layers
            .push_named(b, format!("down{number}"), |b| Convolution::new(b, (from, to), window, &SPECTRAL))?;
        layers.push_named(b, format!("down{number}_norm"), |b| Norm::new(b, recipe.norm(LEAKY), to))?;
        from = to;
    }
    Ok(layers)
}

/// Makes a normalisation of so many channels with its activation.
type MakeNorm<'a, N> = &'a dyn Fn(&mut Builder, usize, Activation) -> Result<N>;

/// A residual block at each size, from the smallest maps to the image's, each after the first behind a doubling; then
/// `act conv3 tanh`.
fn blocks<C: Conditioning, N: Layer<C> + 'static>(
    b: &mut Builder,
    recipe: &SpadeRecipe,
    to: usize,
    norm: MakeNorm<'_, N>,
) -> Result<Chain<C>> {
    let mut layers = Chain::new();
    let mut from = recipe.channels(recipe.halvings);
    for halvings in (0..=recipe.halvings).rev() {
        if halvings < recipe.halvings {
            layers.push_plain(Double);
        }
        let channels = (from, recipe.channels(halvings));
        layers.push_named(b, format!("block{}", recipe.halvings - halvings), |b| block(b, channels, norm))?;
        from = channels.1;
    }
    layers.push_plain(Activate(LEAKY));
    layers.push_named(b, "leave", |b| Convolution::new(b, (from, to), Window::same(3), &PLAN))?;
    layers.push_plain(Activate(Activation::Tanh));
    Ok(layers)
}

/// `norm act conv norm act conv`, around it the identity, or `norm conv1` where channels change.
fn block<C: Conditioning, N: Layer<C> + 'static>(
    b: &mut Builder,
    (from, to): (usize, usize),
    norm: MakeNorm<'_, N>,
) -> Result<Residual<C>> {
    let (mut main, mut shortcut) = (Chain::new(), Chain::new());
    let middle = from.min(to);
    for (number, channels) in [(1, (from, middle)), (2, (middle, to))] {
        main.push_named(b, format!("norm{number}"), |b| norm(b, channels.0, LEAKY))?;
        main.push_named(b, format!("conv{number}"), |b| {
            Convolution::new(b, channels, Window::same(3), &SPECTRAL)
        })?;
    }
    if from != to {
        shortcut.push_named(b, "norm_shortcut", |b| norm(b, from, Activation::Identity))?;
        shortcut.push_named(b, "conv_shortcut", |b| {
            Convolution::new(b, (from, to), Window::same(1), &SPECTRAL.without_bias())
        })?;
    }
    Ok(Residual { main, shortcut })
}
