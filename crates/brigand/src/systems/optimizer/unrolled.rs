//! Optimizer steps as functions of the gradients, through which unrolling differentiates.

use brigand_autograd::Variable;
use candle_core::{DType, Device, Tensor};

use brigand_core::players::OptimizerRecipe;

use super::Optimizer;
use crate::error::{Error, Result};
use crate::layers::Weights;

/// A copy of an optimizer whose accumulators are variables; the optimizer itself does not move.
pub struct UnrolledOptimizer {
    recipe: OptimizerRecipe,
    steps: u64,
    moments: Vec<(Variable, Variable)>,
}

impl Optimizer {
    /// Where steps from here on `weights` would start, as constants.
    pub fn unrolled(&self, weights: &Weights) -> Result<UnrolledOptimizer> {
        let held = |name: &str, value: &Variable| {
            let moments = self.moments.get(name);
            let variable = |values: Option<&Vec<f32>>| -> Result<Variable> {
                let tensor = match values {
                    Some(values) if !values.is_empty() => {
                        Tensor::from_vec(values.clone(), value.shape(), &Device::Cpu)?
                    }
                    _ => Tensor::zeros(value.shape(), DType::F32, &Device::Cpu)?,
                };
                Ok(Variable::constant(tensor.to_device(value.device())?))
            };
            Ok((variable(moments.map(|held| &held.first))?, variable(moments.map(|held| &held.second))?))
        };
        let pairs = weights.names().iter().zip(weights.values());
        let moments = pairs.map(|(name, value)| held(name, value)).collect::<Result<_>>()?;
        Ok(UnrolledOptimizer { recipe: self.recipe.scaled(self.scale), steps: self.steps, moments })
    }
}

impl UnrolledOptimizer {
    /// The weights after one more step, the same numbers as [`Optimizer::step`] gives, differentiable by the
    /// weights and gradients.
    pub fn step(&mut self, weights: &[Variable], gradients: &[Variable]) -> Result<Vec<Variable>> {
        if weights.len() != self.moments.len() || gradients.len() != self.moments.len() {
            return Err(Error::Network(format!(
                "{} weights and {} gradients for {} parameters",
                weights.len(),
                gradients.len(),
                self.moments.len()
            )));
        }
        self.steps += 1;
        let (recipe, steps) = (self.recipe, self.steps);
        let parts = weights.iter().zip(gradients).zip(&mut self.moments);
        parts.map(|((weight, gradient), moments)| one(recipe, steps, weight, gradient, moments)).collect()
    }
}

fn one(
    recipe: OptimizerRecipe,
    step: u64,
    weight: &Variable,
    gradient: &Variable,
    (first, second): &mut (Variable, Variable),
) -> Result<Variable> {
    let mix = |old: &Variable, new: &Variable, kept: f64| old.scale(kept)?.add(&new.scale(1.0 - kept)?);
    Ok(match recipe {
        OptimizerRecipe::Adam { learning_rate, beta1, beta2, epsilon, weight_decay } => {
            *first = mix(first, gradient, beta1)?;
            *second = mix(second, &gradient.square()?, beta2)?;
            let exponent = step as f64;
            let (mean, square) = (1.0 - beta1.powf(exponent), 1.0 - beta2.powf(exponent));
            let size = root(&second.scale(1.0 / square)?)?.affine(1.0, epsilon)?;
            let moved = first.scale(learning_rate / mean)?.div(&size)?;
            weight.scale(1.0 - learning_rate * weight_decay)?.sub(&moved)?
        }
        OptimizerRecipe::Rmsprop { learning_rate, alpha, epsilon, momentum } => {
            *first = mix(first, &gradient.square()?, alpha)?;
            let direction = gradient.div(&root(first)?.affine(1.0, epsilon)?)?;
            *second = second.scale(momentum)?.add(&direction)?;
            weight.sub(&second.scale(learning_rate)?)?
        }
        OptimizerRecipe::Sgd { learning_rate, momentum } => {
            *first = first.scale(momentum)?.add(gradient)?;
            weight.sub(&first.scale(learning_rate)?)?
        }
    })
}

/// The square root, with a finite slope at 0 that no gradient in single precision is small enough to notice.
fn root(square: &Variable) -> Result<Variable> {
    Ok(square.affine(1.0, 1e-24)?.sqrt()?)
}
