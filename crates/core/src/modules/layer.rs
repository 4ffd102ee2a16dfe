//! Layers, and what they are conditioned on besides their input.

use brigand_autograd::Variable;

use super::pass::Pass;
use crate::error::Result;

/// What the layers of a stack are conditioned on, as a type: a stack that needs a label map cannot be run with a vector.
pub trait Conditioning: 'static {
    /// The condition in a pass.
    type Value<'a>: Copy;
}

/// Nothing.
pub struct Unconditional;

impl Conditioning for Unconditional {
    type Value<'a> = ();
}

/// A vector of each sample, `[batch, size]`: a class, a style, latent chunks.
pub struct OnVector;

impl Conditioning for OnVector {
    type Value<'a> = &'a Variable;
}

/// A one-hot map of each sample, `[batch, classes, height, width]`.
pub struct OnMap;

/// A one-hot map of each sample that modulates maps, `[batch, classes, height, width]`.
#[derive(Clone, Copy)]
pub struct LabelMap<'a>(pub &'a Variable);

impl Conditioning for OnMap {
    type Value<'a> = LabelMap<'a>;
}

/// The samples at the front of the batch, by which virtual batch normalisation normalises the others.
pub struct OnReference;

/// How many samples at the front of the batch are the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference(pub usize);

impl Conditioning for OnReference {
    type Value<'a> = Reference;
}

/// The step of a network that is run in steps.
pub struct OnStep;

/// A step, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step(pub usize);

impl Conditioning for OnStep {
    type Value<'a> = Step;
}

/// A part of a network with one input and one output. Layers that ignore conditions are layers under any.
pub trait Layer<C: Conditioning = Unconditional>: Send + Sync {
    /// The output for `input`.
    ///
    /// # Errors
    /// If the input or the condition does not fit.
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable, condition: C::Value<'_>) -> Result<Variable>;

    /// Whether, in training, a sample's output depends on the other samples of its batch.
    fn couples_samples(&self) -> bool {
        false
    }
}

/// Makes a type with a method `run(&self, &mut Pass, &Variable) -> Result<Variable>` a layer under any condition. The
/// second argument names the method that says whether it couples samples; without it, it does not.
macro_rules! unconditional_layer {
    ($type:ty) => {
        unconditional_layer!($type, alone);

        impl $type {
            fn alone(&self) -> bool {
                false
            }
        }
    };
    ($type:ty, $couples:ident) => {
        impl<C: $crate::modules::Conditioning> $crate::modules::Layer<C> for $type {
            fn forward(
                &self,
                pass: &mut $crate::modules::Pass<'_>,
                input: &brigand_autograd::Variable,
                _: C::Value<'_>,
            ) -> $crate::error::Result<brigand_autograd::Variable> {
                self.run(pass, input)
            }

            fn couples_samples(&self) -> bool {
                self.$couples()
            }
        }
    };
}

pub(super) use unconditional_layer;
