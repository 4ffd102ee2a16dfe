//! Optimizers whose state stays where the weights are.

use brigand_autograd::{Variable, buffer, without_recording};
use brigand_kernels::optimizer as kernel;
use candle_core::{DType, Device, Tensor};

use super::optimizer_recipe::OptimizerRecipe;
use crate::error::{Error, Result};
use crate::modules::{Part, Weights};
use crate::state::State;

/// The accumulators of one parameter, empty where unused: moments for Adam, mean square and momentum for RMSProp,
/// momentum for gradient descent.
#[derive(Clone)]
enum Moments {
    /// In ordinary memory, stepped by the kernels: single precision on the CPU.
    Host { first: Vec<f32>, second: Vec<f32> },
    /// On the device, stepped by its own operations.
    Device(Variable, Variable),
}

impl Moments {
    /// As before the first step.
    fn clear(&mut self) -> Result<()> {
        match self {
            Self::Host { first, second } => {
                first.fill(0.0);
                second.fill(0.0);
            }
            Self::Device(first, second) => {
                *first = first.full_like(0.0)?;
                *second = second.full_like(0.0)?;
            }
        }
        Ok(())
    }
}

/// One parameter's part of an optimizer.
#[derive(Clone)]
struct Slot {
    moments: Moments,
    /// Its steps: one that joins late starts its moments' bias correction then.
    steps: u64,
}

/// An optimizer of one network's weights.
#[derive(Clone)]
pub struct Optimizer {
    recipe: OptimizerRecipe,
    names: Vec<String>,
    slots: Vec<Slot>,
    steps: u64,
}

fn on_host(tensor: &Tensor) -> bool {
    matches!(tensor.device(), Device::Cpu) && tensor.dtype() == DType::F32
}

impl Optimizer {
    /// An optimizer of `weights` that has not stepped yet.
    pub fn new(recipe: OptimizerRecipe, weights: &Weights) -> Result<Self> {
        let start = |value: &Variable| -> Result<Slot> {
            let moments = if on_host(value.tensor()) {
                let (first, second) = recipe.accumulators();
                let zeros = |needed: bool| vec![0.0; if needed { value.elements() } else { 0 }];
                Moments::Host { first: zeros(first), second: zeros(second) }
            } else {
                let zeros = value.full_like(0.0)?;
                Moments::Device(zeros.clone(), zeros)
            };
            Ok(Slot { moments, steps: 0 })
        };
        let slots = weights.values().iter().map(start).collect::<Result<_>>()?;
        Ok(Self { recipe, names: weights.names().to_vec(), slots, steps: 0 })
    }

    /// Steps taken so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The weights after one step of all parameters along their `gradients`, in the weights' order.
    ///
    /// # Errors
    /// If gradients and weights differ in number or shape.
    pub fn step_all(&mut self, weights: &Weights, gradients: &[Variable]) -> Result<Weights> {
        let all: Vec<usize> = (0..weights.values().len()).collect();
        self.step(weights, (&all, gradients), 1.0)
    }

    /// The weights after one step of the parameters `active` along their `gradients`, with `scale` times the step size.
    ///
    /// # Errors
    /// If gradients and weights differ in number or shape.
    pub(super) fn step(
        &mut self,
        weights: &Weights,
        (active, gradients): (&[usize], &[Variable]),
        scale: f64,
    ) -> Result<Weights> {
        check_counts((active, gradients), self.slots.len(), weights)?;
        self.steps += 1;
        let (recipe, mut stepped) = (self.recipe.scaled(scale), weights.values().to_vec());
        for (&index, gradient) in active.iter().zip(gradients) {
            let place = (self.slots.get_mut(index), stepped.get_mut(index), self.names.get(index));
            let (Some(slot), Some(weight), Some(name)) = place else { return Err(no_parameter(index)) };
            check_shape(name, weight, gradient)?;
            slot.steps += 1;
            let next = match &mut slot.moments {
                Moments::Host { first, second } => {
                    host_step(recipe, slot.steps, weight.tensor(), gradient.tensor(), (first, second))?
                }
                Moments::Device(first, second) => without_recording(|| {
                    let gradient = gradient.to_dtype(weight.dtype())?;
                    Ok::<_, Error>(
                        next(recipe, slot.steps, weight, &gradient, (first, second))?.into_tensor(),
                    )
                })?,
            };
            *weight = Variable::leaf(next);
        }
        weights.with_values(stepped)
    }

    /// Where steps of `scale` times the step size would start from here, as constants; the optimizer itself does not
    /// move.
    pub fn unrolled(&self, weights: &Weights, scale: f64) -> Result<UnrolledOptimizer> {
        let constant = |values: &[f32], like: &Variable| -> Result<Variable> {
            if values.is_empty() {
                return Ok(like.full_like(0.0)?);
            }
            Ok(Variable::constant(Tensor::from_slice(values, like.shape(), &Device::Cpu)?))
        };
        let held = self.slots.iter().zip(weights.values()).map(|(slot, like)| {
            let (first, second) = match &slot.moments {
                Moments::Host { first, second } => (constant(first, like)?, constant(second, like)?),
                Moments::Device(first, second) => (first.clone(), second.clone()),
            };
            Ok(UnrolledSlot { first, second, steps: slot.steps })
        });
        Ok(UnrolledOptimizer { recipe: self.recipe.scaled(scale), slots: held.collect::<Result<_>>()? })
    }
}

struct UnrolledSlot {
    first: Variable,
    second: Variable,
    steps: u64,
}

/// A copy of an optimizer whose steps can be differentiated.
pub struct UnrolledOptimizer {
    recipe: OptimizerRecipe,
    slots: Vec<UnrolledSlot>,
}

impl UnrolledOptimizer {
    /// The weights after one more step, the same numbers as the optimizer gives, differentiable by weights and
    /// gradients.
    ///
    /// # Errors
    /// If gradients and weights differ in number or shape.
    pub fn step(&mut self, weights: &Weights, gradients: &[Variable]) -> Result<Weights> {
        let all: Vec<usize> = (0..weights.values().len()).collect();
        self.step_active(weights, (&all, gradients))
    }

    /// The same for the parameters `active` alone.
    pub(super) fn step_active(
        &mut self,
        weights: &Weights,
        (active, gradients): (&[usize], &[Variable]),
    ) -> Result<Weights> {
        check_counts((active, gradients), self.slots.len(), weights)?;
        let mut stepped = weights.values().to_vec();
        for (&index, gradient) in active.iter().zip(gradients) {
            let place = (self.slots.get_mut(index), stepped.get_mut(index), weights.names().get(index));
            let (Some(slot), Some(weight), Some(name)) = place else { return Err(no_parameter(index)) };
            check_shape(name, weight, gradient)?;
            slot.steps += 1;
            *weight = next(self.recipe, slot.steps, weight, gradient, (&mut slot.first, &mut slot.second))?;
        }
        weights.with_values(stepped)
    }
}

fn check_counts((active, gradients): (&[usize], &[Variable]), slots: usize, weights: &Weights) -> Result<()> {
    if gradients.len() == active.len() && slots == weights.values().len() {
        return Ok(());
    }
    Err(Error::Internal(format!("{} gradients for {} parameters", gradients.len(), active.len())))
}

fn no_parameter(index: usize) -> Error {
    Error::Internal(format!("no parameter number {index} in this network"))
}

fn check_shape(name: &str, weight: &Variable, gradient: &Variable) -> Result<()> {
    if weight.shape() == gradient.shape() {
        return Ok(());
    }
    Err(Error::Internal(format!(
        "the gradient of `{name}` has shape {:?}, the parameter {:?}",
        gradient.shape(),
        weight.shape()
    )))
}

/// The rule of each optimizer, in operations that work on every device and can be differentiated.
fn next(
    recipe: OptimizerRecipe,
    step: u64,
    weight: &Variable,
    gradient: &Variable,
    (first, second): (&mut Variable, &mut Variable),
) -> Result<Variable> {
    let mix = |old: &Variable, new: &Variable, kept: f64| old.scale(kept)?.add(&new.scale(1.0 - kept)?);
    // The square root, with a finite slope at 0 that no gradient in single precision is small enough to notice.
    let root = |square: &Variable| square.affine(1.0, 1e-24)?.sqrt();
    Ok(match recipe {
        OptimizerRecipe::Adam { learning_rate, beta1, beta2, epsilon, weight_decay } => {
            *first = mix(first, gradient, beta1)?;
            *second = mix(second, &gradient.square()?, beta2)?;
            let (mean, square) = (1.0 - beta1.powf(step as f64), 1.0 - beta2.powf(step as f64));
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

fn host_step(
    recipe: OptimizerRecipe,
    step: u64,
    parameter: &Tensor,
    gradient: &Tensor,
    (first, second): (&mut Vec<f32>, &mut Vec<f32>),
) -> Result<Tensor> {
    let gradient = gradient.to_dtype(DType::F32)?;
    let (updated, done) = buffer::written_by::<f32, _>(parameter.elem_count(), |updated| {
        buffer::with_slice::<f32, _>(parameter, |parameter| {
            buffer::with_slice::<f32, _>(&gradient, |gradient| match recipe {
                OptimizerRecipe::Adam { learning_rate, beta1, beta2, epsilon, weight_decay } => {
                    let decoupled = true;
                    let settings = kernel::AdamStep {
                        learning_rate,
                        beta1,
                        beta2,
                        epsilon,
                        weight_decay,
                        decoupled,
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
                    let (nesterov, weight_decay, first_step) = (false, 0.0, step == 1);
                    let settings = kernel::SgdStep {
                        learning_rate,
                        momentum,
                        nesterov,
                        weight_decay,
                        first: first_step,
                    };
                    kernel::sgd(&settings, parameter, gradient, first, updated);
                }
            })
        })
    });
    done??;
    Ok(buffer::tensor_of(updated, parameter.dims())?)
}

/// An accumulator as checkpoints hold it, flat, and empty where the optimizer does not use it: the same on all devices.
fn kept(accumulator: &Variable, used: bool) -> Result<Tensor> {
    Ok(accumulator.tensor().flatten_all()?.narrow(0, 0, if used { accumulator.elements() } else { 0 })?)
}

impl Part for Optimizer {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        state.count(format!("{name}.steps"), self.steps);
        let (uses_first, uses_second) = self.recipe.accumulators();
        for (path, slot) in self.names.iter().zip(&self.slots) {
            // Most parameters step every time; those that joined late say how many steps they missed.
            if slot.steps != self.steps {
                state.count(format!("{name}.missed.{path}"), self.steps - slot.steps);
            }
            // The moments of a parameter that has not stepped are zeros.
            if slot.steps == 0 {
                continue;
            }
            let host = |values: &[f32]| Tensor::from_slice(values, values.len(), &Device::Cpu);
            let (first, second) = match &slot.moments {
                Moments::Host { first, second } => (host(first)?, host(second)?),
                Moments::Device(first, second) => (kept(first, uses_first)?, kept(second, uses_second)?),
            };
            state.put(format!("{name}.first.{path}"), &first)?;
            state.put(format!("{name}.second.{path}"), &second)?;
        }
        Ok(())
    }

    fn restore(&mut self, name: &str, state: &mut State) -> Result<()> {
        self.steps = state.counter(&format!("{name}.steps"))?;
        let (uses_first, uses_second) = self.recipe.accumulators();
        for (path, slot) in self.names.iter().zip(&mut self.slots) {
            let missed = state.optional_counter(&format!("{name}.missed.{path}")).unwrap_or(0);
            slot.steps = self.steps.saturating_sub(missed);
            let (first_name, second_name) = (format!("{name}.first.{path}"), format!("{name}.second.{path}"));
            if slot.steps == 0 && !state.holds(&first_name) {
                slot.moments.clear()?;
                continue;
            }
            match &mut slot.moments {
                Moments::Host { first, second } => {
                    for (name, values) in [(first_name, first), (second_name, second)] {
                        let like = Tensor::zeros(values.len(), DType::F32, &Device::Cpu)?;
                        *values = state.take(&name, &like)?.to_vec1()?;
                    }
                }
                Moments::Device(first, second) => {
                    let parts = [(first_name, first, uses_first), (second_name, second, uses_second)];
                    for (name, value, used) in parts {
                        let flat = state.take(&name, &kept(value, used)?)?;
                        if used {
                            *value = Variable::constant(flat.reshape(value.shape())?);
                        }
                    }
                }
            }
        }
        Ok(())
    }
}
