//! The second generator of StackGAN (Zhang et al. 2016, arXiv:1612.03242): from small images and the vectors of their
//! captions to larger images.

use brigand_autograd::{Activation, Variable};
use serde::{Deserialize, Serialize};

use super::caption_generator::{CaptionLayout, ConditionLayer, ConditionedGenerator};
use super::sides::channels;
use crate::error::{Error, Result};
use crate::modules::{
    Activate, Builder, Chain, Convolution, DCGAN, Norm, NormKind, NormPlan, Pass, Plan, Residual, Window,
    append_condition,
};

/// The most times as many channels as the first maps have.
const WIDEST: usize = 8;
/// Convolutions before batch normalisation need no bias.
const PLAN: Plan = Plan::new(DCGAN).without_bias();

/// The size of the second generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StackRefinerRecipe {
    /// Channels of the maps of the small image's size; each halving doubles them, up to 8 times, and each doubling halves
    /// them.
    pub width: usize,
    /// How often the small image is halved before the caption stands beside its maps.
    pub halvings: usize,
    /// Residual blocks, each of two convolutions, on maps with the caption.
    pub blocks: usize,
}

impl StackRefinerRecipe {
    /// Refuses sizes that no network has.
    ///
    /// # Errors
    /// [`Error::Recipe`], saying which to give.
    pub fn check(&self) -> Result<()> {
        if !(1..=4096).contains(&self.width) || self.halvings > 8 || self.blocks > 64 {
            return Err(Error::Recipe(format!(
                "the second generator has width {}, {} halvings and {} blocks; give a width from 1 to 4096, at most 8 halvings and \
                 at most 64 blocks",
                self.width, self.halvings, self.blocks
            )));
        }
        Ok(())
    }
}

/// From small images and conditions to images of a multiple of their height and width, in [-1, 1].
pub struct StackRefiner {
    condition: ConditionLayer,
    before: Chain,
    after: Chain,
}

/// `convolution norm ReLU`, under `name`.
fn push(
    layers: &mut Chain,
    b: &mut Builder,
    name: &str,
    to: usize,
    convolution: impl FnOnce(&mut Builder) -> Result<Convolution>,
) -> Result<()> {
    layers.push_named(b, name, convolution)?;
    let norm = NormPlan::new(NormKind::Batch, Activation::Relu);
    layers.push_named(b, format!("{name}_norm"), |b| Norm::new(b, norm, to))
}

impl StackRefiner {
    /// A generator of images of `doublings` times twice the side of `small` images `[channels, height, width]`.
    ///
    /// # Errors
    /// If the small images cannot be halved so often.
    pub fn new(
        b: &mut Builder,
        recipe: &StackRefinerRecipe,
        (small, doublings): ([usize; 3], usize),
        layout: &CaptionLayout,
    ) -> Result<Self> {
        let (StackRefinerRecipe { width, halvings, blocks }, [colours, height, across]) = (*recipe, small);
        let multiple = 1 << halvings;
        if !height.is_multiple_of(multiple)
            || !across.is_multiple_of(multiple)
            || height.min(across) < 2 * multiple
        {
            return Err(Error::Recipe(format!(
                "the second generator has {halvings} halvings, and small images of {across}x{height} cannot be halved so often to \
                 maps of 2x2 or more; give less"
            )));
        }
        let mut before = Chain::new();
        before.push_named(b, "enter", |b| {
            Convolution::new(b, (colours, width), Window::same(3), &PLAN.with_bias(true))
        })?;
        before.push_plain(Activate(Activation::Relu));
        for number in 0..halvings {
            let (from, to) = (channels(width, number, WIDEST), channels(width, number + 1, WIDEST));
            push(&mut before, b, &format!("down{number}"), to, |b| {
                Convolution::new(b, (from, to), Window::HALVING, &PLAN)
            })?;
        }
        let (wide, mut after) = (channels(width, halvings, WIDEST), Chain::new());
        push(&mut after, b, "join", wide, |b| {
            Convolution::new(b, (wide + layout.condition, wide), Window::same(3), &PLAN)
        })?;
        for number in 0..blocks {
            after.push_named(b, format!("block{number}"), |b| {
                let mut main = Chain::new();
                push(&mut main, b, "conv1", wide, |b| {
                    Convolution::new(b, (wide, wide), Window::same(3), &PLAN)
                })?;
                main.push_named(b, "conv2", |b| Convolution::new(b, (wide, wide), Window::same(3), &PLAN))?;
                let norm = NormPlan::new(NormKind::Batch, Activation::Identity);
                main.push_named(b, "conv2_norm", |b| Norm::new(b, norm, wide))?;
                Ok(Residual { main, shortcut: Chain::new() })
            })?;
            after.push_plain(Activate(Activation::Relu));
        }
        let mut from = wide;
        for number in 0..halvings + doublings {
            let to = (from / 2).max(1);
            push(&mut after, b, &format!("up{number}"), to, |b| {
                Ok(Convolution::new(b, (from, to), Window::same(3), &PLAN)?.doubling())
            })?;
            from = to;
        }
        after.push_named(b, "leave", |b| {
            Convolution::new(b, (from, colours), Window::same(3), &PLAN.with_bias(true))
        })?;
        after.push_plain(Activate(Activation::Tanh));
        let condition = ConditionLayer::new(b, (layout.caption, layout.condition), layout.output)?;
        Ok(Self { condition, before, after })
    }
}

impl ConditionedGenerator for StackRefiner {
    fn condition(&self, pass: &mut Pass<'_>, captions: &Variable) -> Result<Variable> {
        self.condition.run(pass, captions)
    }

    fn run(&self, pass: &mut Pass<'_>, small: &Variable, condition: &Variable) -> Result<Variable> {
        let maps = append_condition(&self.before.run(pass, small)?, condition)?;
        self.after.run(pass, &maps)
    }
}
