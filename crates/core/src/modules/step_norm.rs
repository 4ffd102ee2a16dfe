//! Normalisation in networks that are run in steps.

use brigand_autograd::Variable;

use super::builder::Builder;
use super::layer::{Layer, OnStep, Step};
use super::norm::{Norm, NormPlan};
use super::pass::Pass;
use crate::error::{Error, Result};

/// A normalisation for each step of a network whose other layers are shared by all steps, with statistics, scales and shifts
/// of its own (Cooijmans et al. 2016, arXiv:1603.09025): what a layer is given differs from step to step, and sampling
/// with means over all of them would normalise none of them.
pub struct StepNorm(Vec<Norm>);

impl StepNorm {
    /// For `channels` in each of so many steps.
    ///
    /// # Errors
    /// If a path is taken.
    pub fn new(builder: &mut Builder, plan: NormPlan, channels: usize, steps: usize) -> Result<Self> {
        let norms =
            (0..steps).map(|step| builder.block(format!("step{step}"), |b| Norm::new(b, plan, channels)));
        Ok(Self(norms.collect::<Result<_>>()?))
    }
}

impl Layer<OnStep> for StepNorm {
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable, Step(step): Step) -> Result<Variable> {
        let missing = || Error::Internal(format!("no step {step} in a network of {}", self.0.len()));
        self.0.get(step).ok_or_else(missing)?.run(pass, input)
    }

    fn couples_samples(&self) -> bool {
        self.0.iter().any(Layer::<OnStep>::couples_samples)
    }
}
