//! Optimizers whose whole state can be saved.

mod unrolled;

pub use unrolled::UnrolledOptimizer;

use std::collections::BTreeMap;

use brigand_autograd::{Variable, buffer};
use brigand_core::players::OptimizerRecipe;
use brigand_kernels::optimizer as kernel;
use candle_core::{Device, Tensor};

use super::state::{Fragment, State};
use crate::error::{Error, Result};
use crate::layers::Weights;
use crate::training::checkpoint::StoredTensor;

/// Two accumulators of a parameter's size, empty if unused: moments for Adam, mean square and momentum for
/// RMSProp, momentum for gradient descent.
#[derive(Clone, Debug)]
struct Moments {
    first: Vec<f32>,
    second: Vec<f32>,
}

/// An optimizer of one network's weights.
#[derive(Clone, Debug)]
pub struct Optimizer {
    /// Factor of the learning rate in the next step.
    pub scale: f64,
    recipe: OptimizerRecipe,
    moments: BTreeMap<String, Moments>,
    steps: u64,
}

impl Optimizer {
    /// An optimizer that has not stepped yet.
    pub fn new(recipe: OptimizerRecipe) -> Self {
        Self { scale: 1.0, recipe, moments: BTreeMap::new(), steps: 0 }
    }

    /// Steps taken so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// One step on every parameter of `weights`; `gradients` in the same order.
    ///
    /// # Errors
    /// If the number or the shapes of the gradients differ from the weights'.
    pub fn step(&mut self, weights: &mut Weights, gradients: &[Variable]) -> Result<()> {
        if gradients.len() != weights.values().len() {
            return Err(Error::Network(format!(
                "{} gradients for {} parameters",
                gradients.len(),
                weights.values().len()
            )));
        }
        self.steps += 1;
        let recipe = self.recipe.scaled(self.scale);
        for (index, gradient) in gradients.iter().enumerate() {
            let (name, parameter) =
                (weights.names()[index].clone(), weights.values()[index].tensor().clone());
            if parameter.dims() != gradient.shape() {
                return Err(Error::Network(format!(
                    "the gradient of `{name}` has shape {:?}, the parameter {:?}",
                    gradient.shape(),
                    parameter.dims()
                )));
            }
            let count = parameter.elem_count();
            let moments = self.moments.entry(name).or_insert_with(|| {
                let (first, second) = self.recipe.accumulators();
                let zeros = |needed: bool| vec![0.0; if needed { count } else { 0 }];
                Moments { first: zeros(first), second: zeros(second) }
            });
            let updated = step_one(recipe, self.steps, &parameter, gradient.tensor(), moments)?;
            weights.replace(index, updated);
        }
        Ok(())
    }
}

/// The parameter after the step. The moments stay in ordinary memory on every device.
fn step_one(
    recipe: OptimizerRecipe,
    step: u64,
    parameter: &Tensor,
    gradient: &Tensor,
    moments: &mut Moments,
) -> Result<Tensor> {
    let host = |tensor: &Tensor| tensor.to_device(&Device::Cpu);
    let (on_host, gradient) = (host(parameter)?, host(gradient)?);
    let Moments { first, second } = moments;
    let (updated, done) = buffer::written_by::<f32, _>(parameter.elem_count(), |updated| {
        buffer::with_slice::<f32, _>(&on_host, |parameter| {
            buffer::with_slice::<f32, _>(&gradient, |gradient| match recipe {
                OptimizerRecipe::Adam { learning_rate, beta1, beta2, epsilon, weight_decay } => {
                    let settings = kernel::AdamStep {
                        learning_rate,
                        beta1,
                        beta2,
                        epsilon,
                        weight_decay,
                        decoupled: true,
                        step,
                    };
                    kernel::adam(&settings, parameter, gradient, first, second, updated);
                }
                OptimizerRecipe::Rmsprop { learning_rate, alpha, epsilon, momentum } => {
                    let settings =
                        kernel::RmspropStep { learning_rate, alpha, epsilon, momentum, weight_decay: 0.0 };
                    kernel::rmsprop(&settings, parameter, gradient, first, second, updated);
                }
                OptimizerRecipe::Sgd { learning_rate, momentum } => {
                    let settings = kernel::SgdStep {
                        learning_rate,
                        momentum,
                        nesterov: false,
                        weight_decay: 0.0,
                        first: step == 1,
                    };
                    kernel::sgd(&settings, parameter, gradient, first, updated);
                }
            })
        })
    });
    done??;
    Ok(buffer::tensor_of(updated, parameter.dims())?.to_device(parameter.device())?)
}

impl Fragment for Optimizer {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        state.counters.insert(format!("{name}.steps"), self.steps);
        for (path, moments) in &self.moments {
            for (part, values) in [("first", &moments.first), ("second", &moments.second)] {
                let stored = StoredTensor { shape: vec![values.len()], data: values.clone() };
                state.tensors.insert(format!("{name}.{part}.{path}"), stored);
            }
        }
        Ok(())
    }

    fn restore(&mut self, name: &str, state: &State) -> Result<()> {
        self.steps = state.counter(&format!("{name}.steps"))?;
        self.moments.clear();
        for part in ["first", "second"] {
            let prefix = format!("{name}.{part}.");
            let stored =
                state.tensors.range(prefix.clone()..).take_while(|(key, _)| key.starts_with(&prefix));
            for (key, tensor) in stored {
                let path = key[prefix.len()..].to_owned();
                let empty = || Moments { first: Vec::new(), second: Vec::new() };
                let moments = self.moments.entry(path).or_insert_with(empty);
                let slot = if part == "first" { &mut moments.first } else { &mut moments.second };
                slot.clone_from(&tensor.data);
            }
        }
        Ok(())
    }
}
