//! A generator of images from noise and the vector of a caption.

use brigand_autograd::{Activation, Variable};

use super::NetworkRecipe;
use super::generator_layout::GeneratorLayout;
use super::normalizing::Learned;
use crate::batch::SampleShape;
use crate::error::Result;
use crate::modules::{Builder, Chain, Initialization, Linear, Pass, Plan, Reparametrisation};

/// What a generator starts from, and what it makes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CaptionLayout {
    /// Numbers of noise.
    pub noise: usize,
    /// Numbers of a caption's vector.
    pub caption: usize,
    /// Numbers that a caption's vector becomes before it stands beside the noise.
    pub condition: usize,
    /// What a linear layer makes of a caption's vector.
    pub output: ConditionOutput,
    /// Its images.
    pub sample: SampleShape,
}

/// What a linear layer makes of a caption's vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionOutput {
    /// The condition, after a leaky ReLU.
    Condition,
    /// Means and log-variances of the condition, without an activation, so that variances can be below 1.
    Distribution,
}

/// The linear layer from a caption's vector to a condition or its distribution.
pub(super) struct ConditionLayer {
    layer: Linear,
    output: ConditionOutput,
}

impl ConditionLayer {
    pub(super) fn new(
        b: &mut Builder,
        (caption, condition): (usize, usize),
        output: ConditionOutput,
    ) -> Result<Self> {
        let outputs = match output {
            ConditionOutput::Condition => condition,
            ConditionOutput::Distribution => 2 * condition,
        };
        let plan = Plan::new(Initialization::Glorot);
        Ok(Self { layer: b.block("condition", |b| Linear::new(b, caption, outputs, &plan))?, output })
    }

    pub(super) fn run(&self, pass: &mut Pass<'_>, captions: &Variable) -> Result<Variable> {
        let outputs = self.layer.run(pass, captions)?;
        Ok(match self.output {
            ConditionOutput::Condition => outputs.activate(Activation::LeakyRelu(0.2))?,
            ConditionOutput::Distribution => outputs,
        })
    }
}

/// A generator from its input and a condition, which a layer of it makes of a caption's vector.
pub trait ConditionedGenerator: Send + Sync {
    /// The condition `[batch, condition]` of captions' vectors `[batch, caption]`, or its means and log-variances.
    ///
    /// # Errors
    /// If they do not fit.
    fn condition(&self, pass: &mut Pass<'_>, captions: &Variable) -> Result<Variable>;

    /// The images `[batch, channels, height, width]` of inputs (noise, or smaller images) and conditions.
    ///
    /// # Errors
    /// If the inputs do not fit.
    fn run(&self, pass: &mut Pass<'_>, input: &Variable, condition: &Variable) -> Result<Variable>;
}

/// From noise `[batch, noise]` and a condition `[batch, condition]` to images in [-1, 1].
pub struct CaptionGenerator {
    condition: ConditionLayer,
    images: Chain,
}

impl CaptionGenerator {
    /// A generator of this layout whose layers from noise and condition on are `recipe`'s.
    ///
    /// # Errors
    /// If the network does not fit the images.
    pub fn new(b: &mut Builder, recipe: &NetworkRecipe, layout: &CaptionLayout) -> Result<Self> {
        let CaptionLayout { noise, caption, condition, output, sample } = *layout;
        let layers = GeneratorLayout {
            latent: noise + condition,
            sample,
            logits: false,
            reparametrisation: Reparametrisation::Plain,
            normalizing: Learned,
        };
        Ok(Self {
            condition: ConditionLayer::new(b, (caption, condition), output)?,
            images: recipe.generator_layers(b, &layers)?,
        })
    }
}

impl ConditionedGenerator for CaptionGenerator {
    fn condition(&self, pass: &mut Pass<'_>, captions: &Variable) -> Result<Variable> {
        self.condition.run(pass, captions)
    }

    fn run(&self, pass: &mut Pass<'_>, noise: &Variable, condition: &Variable) -> Result<Variable> {
        self.images.run(pass, &Variable::concatenate(&[noise, condition], 1)?)
    }
}
