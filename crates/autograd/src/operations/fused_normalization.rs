//! Normalisation, affine map and piecewise linear activation in one kernel, forward and backward.

use brigand_kernels::group_normalization::GroupNormalization;
use brigand_kernels::normalization::BatchNormalization;
use candle_core::Tensor;

use crate::buffer::{Real, tensor_of, with_slice};
use crate::error::{Result, internal_error};
use crate::gradient::through_composition;
use crate::variable::{Backward, Variable, is_recording};

use super::activation::Activation;
use super::composed_normalization::composed;
use super::grouping::{Grouping, Plan};

/// The kernel of a plan, with scale and shift.
enum Kernel<'a, T> {
    Batch(BatchNormalization<'a, T>),
    Groups(GroupNormalization<'a, T>),
}

impl<'a, T: Real> Kernel<'a, T> {
    fn new(plan: Plan, gamma: Option<&'a [T]>, beta: Option<&'a [T]>, activation: Activation) -> Self {
        let (shape, negative_slope) = (plan.shape, activation.negative_slope().unwrap_or(1.0));
        match plan.grouping {
            Grouping::Batch => Self::Batch(BatchNormalization { shape, gamma, beta, negative_slope }),
            _ => {
                let groups = plan.statistics / shape[0].max(1);
                Self::Groups(GroupNormalization { shape, groups, gamma, beta, negative_slope })
            }
        }
    }
}

/// What a fused forward pass gives.
pub(super) struct Run {
    pub(super) output: Variable,
    pub(super) mean: Tensor,
    /// Of the batch; empty for the other groupings.
    pub(super) variance: Tensor,
}

/// A vector that may be absent, as a plain copy: it is small.
fn copied<T: Real>(vector: Option<&Variable>) -> Result<Option<Vec<T>>> {
    vector.map(|vector| with_slice::<T, _>(vector.tensor(), <[T]>::to_vec)).transpose()
}

/// `activation(scale normal + shift)`, for an activation with a negative slope.
pub(super) fn fused<T: Real>(
    input: &Variable,
    plan: Plan,
    vectors: [Option<&Variable>; 2],
    epsilon: f64,
    activation: Activation,
) -> Result<Run> {
    let (gamma, beta) = (copied::<T>(vectors[0])?, copied::<T>(vectors[1])?);
    let mut output = vec![T::default(); input.elements()];
    let [mut mean, mut inverse] = [(); 2].map(|()| vec![T::default(); plan.statistics]);
    let mut variance = Vec::new();
    with_slice::<T, _>(input.tensor(), |x| {
        match Kernel::new(plan, gamma.as_deref(), beta.as_deref(), activation) {
            Kernel::Batch(kernel) => {
                variance.resize(plan.statistics, T::default());
                kernel.forward(x, epsilon, &mut output, &mut mean, &mut inverse, &mut variance);
            }
            Kernel::Groups(kernel) => kernel.forward(x, epsilon, &mut output, &mut mean, &mut inverse),
        }
    })?;
    let value = tensor_of(output, input.shape())?;
    let counts = (mean.len(), variance.len());
    let (mean_values, variance) = (tensor_of(mean.clone(), &[counts.0])?, tensor_of(variance, &[counts.1])?);
    let inputs: Vec<&Variable> = std::iter::once(input).chain(vectors.into_iter().flatten()).collect();
    let present = vectors.map(|vector| vector.is_some());
    let output = Variable::record("normalize", value, &inputs, &inputs, false, move |b| {
        if is_recording() {
            return through_composition(b, b.saved, |inputs| {
                let (input, [scale, shift]) = parts(inputs, present)?;
                composed(input, plan.grouping, scale, shift, epsilon)?.activate(activation)
            });
        }
        backward::<T>(b, plan, present, [&mean, &inverse], activation)
    });
    Ok(Run { output, mean: mean_values, variance })
}

/// The input, scale and shift of `[input, scale?, shift?]`.
fn parts(inputs: &[Variable], present: [bool; 2]) -> Result<(&Variable, [Option<&Variable>; 2])> {
    match (present, inputs) {
        ([false, false], [input]) => Ok((input, [None, None])),
        ([true, false], [input, scale]) => Ok((input, [Some(scale), None])),
        ([false, true], [input, shift]) => Ok((input, [None, Some(shift)])),
        ([true, true], [input, scale, shift]) => Ok((input, [Some(scale), Some(shift)])),
        _ => {
            let what = format!("{} saved variables for scale and shift {present:?}", inputs.len());
            Err(internal_error("normalize", what))
        }
    }
}

fn backward<T: Real>(
    b: &Backward,
    plan: Plan,
    present: [bool; 2],
    [mean, inverse]: [&[T]; 2],
    activation: Activation,
) -> Result<Vec<Option<Variable>>> {
    let (input, [scale, shift]) = parts(b.saved, present)?;
    let (gamma, beta) = (copied::<T>(scale)?, copied::<T>(shift)?);
    let mut dx = vec![T::default(); input.elements()];
    let [mut dgamma, mut dbeta] = [(); 2].map(|()| vec![T::default(); plan.shape[1]]);
    with_slice::<T, _>(input.tensor(), |x| {
        with_slice::<T, _>(b.gradient.tensor(), |upstream| {
            match Kernel::new(plan, gamma.as_deref(), beta.as_deref(), activation) {
                Kernel::Batch(kernel) => {
                    kernel.backward(x, upstream, mean, inverse, &mut dx, &mut dgamma, &mut dbeta);
                }
                Kernel::Groups(kernel) => {
                    kernel.backward(x, upstream, mean, inverse, &mut dx, &mut dgamma, &mut dbeta);
                }
            }
        })
    })??;
    let variable = |values: Vec<T>, like: &Variable| -> Result<_> {
        Ok(Some(Variable::constant(tensor_of(values, like.shape())?)))
    };
    let mut gradients = vec![variable(dx, input)?];
    for (vector, values) in [(scale, dgamma), (shift, dbeta)] {
        if let Some(vector) = vector {
            gradients.push(variable(values, vector)?);
        }
    }
    Ok(gradients)
}
