//! Optimizers whose whole state can be saved.

mod unrolled;

pub use unrolled::UnrolledOptimizer;

use std::collections::BTreeMap;

use brigand_autograd::{Variable, buffer};
use brigand_kernels::optimizer as kernel;
use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::state::{Fragment, State};
use crate::error::{Error, Result};
use crate::layers::Weights;
use crate::training::checkpoint::StoredTensor;

/// Which optimizer, and its settings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum OptimizerRecipe {
    /// Adam (Kingma and Ba 2014, arXiv:1412.6980) with bias correction, as PyTorch computes it.
    Adam {
        /// Step size.
        #[serde(default = "adam::learning_rate")]
        learning_rate: f64,
        /// Decay of the first moment.
        #[serde(default = "adam::beta1")]
        beta1: f64,
        /// Decay of the second moment.
        #[serde(default = "adam::beta2")]
        beta2: f64,
        /// Added to the root of the second moment.
        #[serde(default = "adam::epsilon")]
        epsilon: f64,
        /// Decay of the weights themselves, apart from the gradient (AdamW, arXiv:1711.05101).
        #[serde(default)]
        weight_decay: f64,
    },
    /// RMSProp (Hinton 2012), as PyTorch computes it.
    Rmsprop {
        /// Step size.
        #[serde(default = "rmsprop::learning_rate")]
        learning_rate: f64,
        /// Decay of the mean square.
        #[serde(default = "rmsprop::alpha")]
        alpha: f64,
        /// Added to the root of the mean square.
        #[serde(default = "adam::epsilon")]
        epsilon: f64,
        /// Decay of the accumulated steps.
        #[serde(default)]
        momentum: f64,
    },
    /// Gradient descent with momentum.
    Sgd {
        /// Step size.
        #[serde(default = "sgd::learning_rate")]
        learning_rate: f64,
        /// Decay of the accumulated gradients.
        #[serde(default)]
        momentum: f64,
    },
}

/// How step sizes change over a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Schedule {
    /// Not at all.
    Constant {},
    /// Linearly to 0 at the last step, after a share of the run at full size.
    Linear {
        /// The share of the run before the decay, 0 to 1.
        #[serde(default)]
        after: f64,
    },
    /// Along half a cosine to 0 at the last step.
    Cosine {},
    /// Exponentially to a share of the full size at the last step, after a share of the run at full size.
    Exponential {
        /// The share of the run before the decay, 0 to 1.
        #[serde(default)]
        after: f64,
        /// The factor at the last step, more than 0.
        #[serde(default = "hundredth")]
        end: f64,
    },
}

fn hundredth() -> f64 {
    0.01
}

impl Schedule {
    /// The factor of the step sizes at `step` of `steps`.
    pub fn at(&self, step: u64, steps: u64) -> f64 {
        let done = (step as f64 / steps.max(1) as f64).min(1.0);
        match *self {
            Self::Constant {} => 1.0,
            Self::Linear { after } => ((1.0 - done) / (1.0 - after.clamp(0.0, 0.999))).min(1.0),
            Self::Exponential { after, end } => {
                let after = after.clamp(0.0, 0.999);
                end.clamp(1e-9, 1.0).powf(((done - after) / (1.0 - after)).max(0.0))
            }
            Self::Cosine {} => 0.5 * (1.0 + (std::f64::consts::PI * done).cos()),
        }
    }
}

/// DCGAN's values (arXiv:1511.06434, section 4).
mod adam {
    pub(super) const fn learning_rate() -> f64 {
        2e-4
    }
    pub(super) const fn beta1() -> f64 {
        0.5
    }
    pub(super) const fn beta2() -> f64 {
        0.999
    }
    pub(super) const fn epsilon() -> f64 {
        1e-8
    }
}

/// The Wasserstein GAN's values (arXiv:1701.07875).
mod rmsprop {
    pub(super) const fn learning_rate() -> f64 {
        5e-5
    }
    pub(super) const fn alpha() -> f64 {
        0.99
    }
}

mod sgd {
    pub(super) const fn learning_rate() -> f64 {
        1e-2
    }
}

impl OptimizerRecipe {
    /// Adam with DCGAN's other values.
    pub const fn adam(learning_rate: f64, beta1: f64, beta2: f64) -> Self {
        Self::Adam { learning_rate, beta1, beta2, epsilon: adam::epsilon(), weight_decay: 0.0 }
    }

    /// The same with another learning rate.
    fn scaled(mut self, scale: f64) -> Self {
        match &mut self {
            Self::Adam { learning_rate, .. }
            | Self::Rmsprop { learning_rate, .. }
            | Self::Sgd { learning_rate, .. } => *learning_rate *= scale,
        }
        self
    }

    /// Which of the two accumulators it needs.
    fn accumulators(&self) -> (bool, bool) {
        match *self {
            Self::Adam { .. } => (true, true),
            Self::Rmsprop { momentum, .. } => (true, momentum > 0.0),
            Self::Sgd { momentum, .. } => (momentum > 0.0, false),
        }
    }

    /// Refuses values with which no step makes sense; `player` names whose optimizer it is.
    pub fn check(&self, player: &str) -> Result<()> {
        let (rate, decays, additions): (f64, Named<'_>, Named<'_>) = match self {
            Self::Adam { learning_rate, beta1, beta2, epsilon, weight_decay } => (
                *learning_rate,
                &[("beta1", *beta1), ("beta2", *beta2)],
                &[("epsilon", *epsilon), ("weight_decay", *weight_decay)],
            ),
            Self::Rmsprop { learning_rate, alpha, epsilon, momentum } => {
                (*learning_rate, &[("alpha", *alpha), ("momentum", *momentum)], &[("epsilon", *epsilon)])
            }
            Self::Sgd { learning_rate, momentum } => (*learning_rate, &[("momentum", *momentum)], &[]),
        };
        if !(rate > 0.0 && rate.is_finite()) {
            return Err(refuse(player, "learning_rate", rate, "a positive number"));
        }
        if let Some((key, value)) = decays.iter().find(|(_, value)| !(0.0..1.0).contains(value)) {
            return Err(refuse(player, key, *value, "0 or more and less than 1"));
        }
        if let Some((key, value)) = additions.iter().find(|(_, value)| !(*value >= 0.0 && value.is_finite()))
        {
            return Err(refuse(player, key, *value, "0 or more"));
        }
        Ok(())
    }
}

/// Settings by name.
type Named<'a> = &'a [(&'static str, f64)];

fn refuse(player: &str, key: &str, value: f64, wanted: &str) -> Error {
    Error::Recipe(format!("optimizer.{player}.{key} is {value}; give {wanted}"))
}

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
