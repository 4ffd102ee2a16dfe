//! The translator of GANILLA (Hicsonmez et al. 2020, arXiv:2002.05638): residual blocks that concatenate, and a decoder that
//! adds the maps of every size, so that edges of the first layers reach the output.

use brigand_autograd::{Activation, Variable};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::modules::{
    Activate, Builder, Chain, Concatenation, Convolution, DCGAN, Double, Initialization, Layer, MaxHalve,
    Norm, NormKind, NormPlan, Pass, Plan, Window,
};

/// Convolutions before a normalisation have no bias.
const PLAN: Plan = Plan::new(DCGAN).without_bias();
/// Of the decoder. Departs: the authors start it from N(0, 0.02) too, and as nothing normalises its three layers, outputs then
/// start close to 0 and stay there for hundreds of steps.
const DECODER: Plan = Plan::new(Initialization::FanIn);
/// Stride and channels, as multiples of the width, of each of the layers.
const LAYERS: [(usize, usize); 4] = [(1, 1), (2, 2), (2, 2), (2, 4)];
/// Blocks in a layer.
const BLOCKS: usize = 2;
/// Channels of the decoder's sums, as a multiple of the width.
const LATERAL: usize = 2;

/// The size of GANILLA's translator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GanillaRecipe {
    /// Channels of the largest maps; the smallest have four times as many.
    pub width: usize,
    /// Whether the largest maps have half the height and width of images, by max pooling, as the authors' have. Small images
    /// lose their details by it.
    pub pooled: bool,
}

impl Default for GanillaRecipe {
    /// For images of 32 pixels.
    fn default() -> Self {
        Self { width: 8, pooled: false }
    }
}

impl GanillaRecipe {
    /// Heights and widths of images must be multiples of this.
    pub(super) fn multiple(&self) -> usize {
        let strides: usize = LAYERS.iter().map(|(stride, _)| stride).product();
        if self.pooled { 2 * strides } else { strides }
    }

    /// The least height and width: instance normalisation leaves nothing of a map of one pixel.
    pub(super) fn least(&self) -> usize {
        2 * self.multiple()
    }

    /// Refuses sizes that no network has.
    pub(super) fn check(&self) -> Result<()> {
        match self.width {
            1..=1024 => Ok(()),
            width => Err(Error::Recipe(format!("translator.width is {width}; give 1 to 1024"))),
        }
    }
}

/// Four layers of maps, each but the first half as large as the one before, and the sums of all of them.
pub(super) struct PyramidTranslator {
    enter: Chain,
    layers: Vec<Chain>,
    /// From the maps of each layer to equally many channels.
    laterals: Vec<Convolution>,
    leave: Chain,
}

fn norm(builder: &mut Builder, activation: Activation, channels: usize) -> Result<Norm> {
    Norm::new(builder, NormPlan::new(NormKind::Instance, activation), channels)
}

/// `conv norm relu conv norm` and the shortcut (a convolution of 1x1 where size or channels change) joined, then `conv norm
/// relu`.
fn block(b: &mut Builder, (from, to): (usize, usize), stride: usize) -> Result<Chain> {
    let three = Window::same(3).reflecting();
    let (mut main, mut shortcut) = (Chain::new(), Chain::new());
    let striding = Window { stride, ..three };
    main.push_named(b, "conv1", |b| Convolution::new(b, (from, to), striding, &PLAN))?;
    main.push_named(b, "norm1", |b| norm(b, Activation::Relu, to))?;
    main.push_named(b, "conv2", |b| Convolution::new(b, (to, to), three, &PLAN))?;
    main.push_named(b, "norm2", |b| norm(b, Activation::Identity, to))?;
    if stride != 1 || from != to {
        let one = Window { stride, ..Window::same(1) };
        shortcut.push_named(b, "shortcut", |b| Convolution::new(b, (from, to), one, &PLAN))?;
        shortcut.push_named(b, "shortcut_norm", |b| norm(b, Activation::Identity, to))?;
    }
    let mut layers = Chain::new();
    layers.push_plain(Concatenation { main, shortcut });
    layers.push_named(b, "joined", |b| Convolution::new(b, (2 * to, to), three, &PLAN))?;
    layers.push_named(b, "joined_norm", |b| norm(b, Activation::Relu, to))?;
    Ok(layers)
}

impl PyramidTranslator {
    /// `c7s1, [max-pool], four layers of two blocks`; their maps, each after a convolution of 1x1, are doubled and added from the
    /// smallest to the largest; `[double], c3s1, c7s1, tanh`.
    pub(super) fn new(b: &mut Builder, recipe: &GanillaRecipe, (from, to): (usize, usize)) -> Result<Self> {
        let (width, wide) = (recipe.width, Window::same(7).reflecting());
        let (mut enter, mut leave) = (Chain::new(), Chain::new());
        enter.push_named(b, "enter", |b| Convolution::new(b, (from, width), wide, &PLAN))?;
        enter.push_named(b, "enter_norm", |b| norm(b, Activation::Relu, width))?;
        if recipe.pooled {
            enter.push_plain(MaxHalve);
            leave.push_plain(Double);
        }
        let (mut layers, mut laterals, mut channels) = (Vec::new(), Vec::new(), width);
        for (number, (stride, multiple)) in LAYERS.into_iter().enumerate() {
            let next = multiple * width;
            let mut layer = Chain::new();
            for place in 0..BLOCKS {
                let (from, stride) = if place == 0 { (channels, stride) } else { (next, 1) };
                let made = b.block(format!("layer{number}"), |b| {
                    b.block(format!("block{place}"), |b| block(b, (from, next), stride))
                })?;
                layer.extend(made);
            }
            layers.push(layer);
            laterals.push(b.block(format!("lateral{number}"), |b| {
                Convolution::new(b, (next, LATERAL * width), Window::same(1), &DECODER)
            })?);
            channels = next;
        }
        let three = Window::same(3).reflecting();
        leave.push_named(b, "smooth", |b| Convolution::new(b, (LATERAL * width, width), three, &DECODER))?;
        leave.push_named(b, "leave", |b| Convolution::new(b, (width, to), wide, &DECODER))?;
        leave.push_plain(Activate(Activation::Tanh));
        Ok(Self { enter, layers, laterals, leave })
    }
}

impl Layer for PyramidTranslator {
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable, (): ()) -> Result<Variable> {
        let mut maps = self.enter.run(pass, input)?;
        let mut found = Vec::with_capacity(self.layers.len());
        for (layer, lateral) in self.layers.iter().zip(&self.laterals) {
            maps = layer.run(pass, &maps)?;
            found.push(lateral.run(pass, &maps)?);
        }
        let mut sum: Option<Variable> = None;
        for maps in found.into_iter().rev() {
            sum = Some(match sum {
                None => maps,
                Some(sum) => {
                    let (_, _, height, width) = maps.dims4("a decoder")?;
                    maps.add(&sum.resize_nearest(height, width)?)?
                }
            });
        }
        let sum = sum.ok_or_else(|| Error::Internal("a translator has no layers".into()))?;
        self.leave.run(pass, &sum)
    }
}
