//! Normalisation by mean and variance, with the affine map and the activation that follow it.

use brigand_kernels::normalization::BatchNormalization;

use crate::buffer::{Real, has_kernels, tensor_of, with_slice};
use crate::dispatch;
use crate::error::{Result, shape_error};
use crate::gradient::through_composition;
use crate::variable::{Backward, Variable, agree, is_recording};

use super::activation::Activation;

/// Which elements share a mean and a variance, in `[batch, channels, ...]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// Batch normalisation (arXiv:1502.03167): each channel over batch and positions.
    Batch,
    /// Instance normalisation (arXiv:1607.08022): each channel of each sample over positions.
    Instance,
    /// Layer normalisation (arXiv:1607.06450): each sample over everything else; scale and shift
    /// have the shape of a sample.
    Layer,
    /// Group normalisation (arXiv:1803.08494): each sample's channels in this many groups.
    Channels(usize),
}

/// What a training-mode batch normalisation saw, per channel: `[channels]`.
pub struct BatchStatistics {
    /// The means.
    pub mean: Variable,
    /// The biased variances.
    pub variance: Variable,
    /// How many elements each statistic was taken over.
    pub count: usize,
}

impl BatchStatistics {
    /// The unbiased variances (divided by `count - 1`), which running statistics use.
    pub fn unbiased_variance(&self) -> Result<Variable> {
        self.variance.scale(self.count as f64 / self.count.saturating_sub(1).max(1) as f64)
    }
}

impl Variable {
    /// `activation(scale (x - mean) / sqrt(variance + epsilon) + shift)` with statistics of this batch.
    ///
    /// `scale` and `shift` are `[channels]`, for [`Grouping::Layer`] the shape of one sample.
    ///
    /// # Errors
    /// If there is no channel dimension, groups do not divide the channels, or scale or shift do not fit.
    pub fn normalize(
        &self,
        grouping: Grouping,
        scale: Option<&Variable>,
        shift: Option<&Variable>,
        epsilon: f64,
        activation: Activation,
    ) -> Result<Variable> {
        if grouping == Grouping::Batch {
            return Ok(self.batch_normalize(scale, shift, epsilon, activation)?.0);
        }
        composed(self, grouping, scale, shift, epsilon)?.activate(activation)
    }

    /// [`Variable::normalize`] over the batch, with the statistics it found (constants).
    pub fn batch_normalize(
        &self,
        scale: Option<&Variable>,
        shift: Option<&Variable>,
        epsilon: f64,
        activation: Activation,
    ) -> Result<(Variable, BatchStatistics)> {
        let channels = self.size("batch_normalize", 1)?;
        for vector in [scale, shift].into_iter().flatten() {
            agree("batch_normalize", self, vector)?;
            per_channel(self, vector)?;
        }
        let count = self.elements() / channels.max(1);
        if count == 0 {
            return Err(shape_error("batch_normalize", format!("nothing to average in shape {:?}", self.shape())));
        }
        if has_kernels(self.tensor()) && activation.negative_slope().is_some() {
            let (output, mean, variance) =
                dispatch!(self.tensor(), T => fused::<T>(self, scale, shift, epsilon, activation))?;
            return Ok((output, BatchStatistics { mean, variance, count }));
        }
        let output = composed(self, Grouping::Batch, scale, shift, epsilon)?.activate(activation)?;
        let axes = statistics_axes(self, Grouping::Batch)?;
        let input = self.detach();
        let mean = input.mean_keeping(&axes)?.reshape(&[channels])?;
        let variance = input.variance_keeping(&axes)?.reshape(&[channels])?;
        Ok((output, BatchStatistics { mean, variance, count }))
    }

    /// `activation(scale (x - mean) / sqrt(variance + epsilon) + shift)` with given statistics `[channels]`:
    /// batch normalisation in evaluation mode.
    pub fn normalize_with(
        &self,
        mean: &Variable,
        variance: &Variable,
        scale: Option<&Variable>,
        shift: Option<&Variable>,
        epsilon: f64,
        activation: Activation,
    ) -> Result<Variable> {
        let inverse = variance.affine(1.0, epsilon)?.sqrt()?.recip()?;
        let centred = self.sub(&per_channel(self, mean)?)?.mul(&per_channel(self, &inverse)?)?;
        affine(centred, scale, shift, false)?.activate(activation)
    }
}

/// `values` `[channels]` shaped so that it broadcasts over `[batch, channels, ...]`.
fn per_channel(input: &Variable, values: &Variable) -> Result<Variable> {
    let channels = input.size("normalize", 1)?;
    if values.shape() != [channels] {
        let reason = format!("{:?} does not fit the channels of {:?}", values.shape(), input.shape());
        return Err(shape_error("normalize", reason));
    }
    let mut shape = vec![1; input.rank()];
    shape[1] = channels;
    values.reshape(&shape)
}

fn statistics_axes(input: &Variable, grouping: Grouping) -> Result<Vec<usize>> {
    input.size("normalize", 1)?;
    Ok(match grouping {
        Grouping::Batch => (0..input.rank()).filter(|&axis| axis != 1).collect(),
        Grouping::Instance | Grouping::Channels(_) => (2..input.rank()).collect(),
        Grouping::Layer => (1..input.rank()).collect(),
    })
}

fn composed(
    input: &Variable,
    grouping: Grouping,
    scale: Option<&Variable>,
    shift: Option<&Variable>,
    epsilon: f64,
) -> Result<Variable> {
    let grouped = match grouping {
        Grouping::Channels(groups) => {
            let (batch, channels) = (input.size("normalize", 0)?, input.size("normalize", 1)?);
            if groups == 0 || channels % groups != 0 {
                let reason = format!("{groups} groups do not divide the {channels} channels");
                return Err(shape_error("normalize", reason));
            }
            input.reshape(&[batch, groups, input.elements() / (batch * groups).max(1)])?
        }
        _ => input.clone(),
    };
    let axes = statistics_axes(&grouped, grouping)?;
    let centred = grouped.sub(&grouped.mean_keeping(&axes)?)?;
    let deviation = centred.square()?.mean_keeping(&axes)?.affine(1.0, epsilon)?.sqrt()?;
    let normal = centred.div(&deviation)?.reshape(input.shape())?;
    affine(normal, scale, shift, grouping == Grouping::Layer)
}

fn affine(
    normal: Variable,
    scale: Option<&Variable>,
    shift: Option<&Variable>,
    whole_sample: bool,
) -> Result<Variable> {
    let fitted = |values: &Variable| {
        if !whole_sample {
            return per_channel(&normal, values);
        }
        if normal.shape().get(1..) != Some(values.shape()) {
            let reason = format!("{:?} does not fit a sample of {:?}", values.shape(), normal.shape());
            return Err(shape_error("normalize", reason));
        }
        Ok(values.clone())
    };
    let scaled = match scale {
        Some(scale) => normal.mul(&fitted(scale)?)?,
        None => normal.clone(),
    };
    match shift {
        Some(shift) => scaled.add(&fitted(shift)?),
        None => Ok(scaled),
    }
}

/// `[batch, channels, positions]` of `[batch, channels, ...]`.
fn flat_shape(input: &Variable) -> [usize; 3] {
    let (batch, channels) = (input.shape()[0], input.shape()[1]);
    [batch, channels, input.elements() / (batch * channels).max(1)]
}

/// A vector that may be absent, as a plain copy: it has one element per channel only.
fn copied<T: Real>(vector: Option<&Variable>) -> Result<Option<Vec<T>>> {
    vector.map(|vector| with_slice::<T, _>(vector.tensor(), <[T]>::to_vec)).transpose()
}

/// Batch normalisation and a piecewise linear activation in one kernel: the output, means and variances.
fn fused<T: Real>(
    input: &Variable,
    scale: Option<&Variable>,
    shift: Option<&Variable>,
    epsilon: f64,
    activation: Activation,
) -> Result<(Variable, Variable, Variable)> {
    let (shape, channels) = (flat_shape(input), input.shape()[1]);
    let (gamma, beta) = (copied::<T>(scale)?, copied::<T>(shift)?);
    let norm = BatchNormalization {
        shape,
        gamma: gamma.as_deref(),
        beta: beta.as_deref(),
        negative_slope: activation.negative_slope().unwrap_or(1.0),
    };
    let mut output = vec![T::default(); input.elements()];
    let [mut mean, mut inverse, mut variance] = [(); 3].map(|()| vec![T::default(); channels]);
    with_slice::<T, _>(input.tensor(), |x| {
        norm.forward(x, epsilon, &mut output, &mut mean, &mut inverse, &mut variance);
    })?;
    let constant = |values: Vec<T>| Ok::<_, crate::Error>(Variable::constant(tensor_of(values, &[channels])?));
    let (value, statistics) = (tensor_of(output, input.shape())?, (mean.clone(), inverse));
    let inputs: Vec<&Variable> = [Some(input), scale, shift].into_iter().flatten().collect();
    let present = (scale.is_some(), shift.is_some());
    let output = Variable::record("batch_normalize", value, &inputs, &inputs, false, move |b| {
        if is_recording() {
            return through_composition(b, b.saved, |inputs| {
                let (scale, shift) = vectors(inputs, present);
                composed(&inputs[0], Grouping::Batch, scale, shift, epsilon)?.activate(activation)
            });
        }
        fused_backward::<T>(b, present, &statistics, activation)
    });
    Ok((output, constant(mean)?, constant(variance)?))
}

/// Scale and shift among `[input, scale?, shift?]`.
fn vectors(inputs: &[Variable], (scale, shift): (bool, bool)) -> (Option<&Variable>, Option<&Variable>) {
    let at = |there: bool, index: usize| if there { inputs.get(index) } else { None };
    (at(scale, 1), at(shift, 1 + usize::from(scale)))
}

fn fused_backward<T: Real>(
    b: &Backward,
    present: (bool, bool),
    (mean, inverse): &(Vec<T>, Vec<T>),
    activation: Activation,
) -> Result<Vec<Option<Variable>>> {
    let Some(input) = b.saved.first() else { return Ok(Vec::new()) };
    let (scale, shift) = vectors(b.saved, present);
    let (gamma, beta) = (copied::<T>(scale)?, copied::<T>(shift)?);
    let norm = BatchNormalization {
        shape: flat_shape(input),
        gamma: gamma.as_deref(),
        beta: beta.as_deref(),
        negative_slope: activation.negative_slope().unwrap_or(1.0),
    };
    let mut dx = vec![T::default(); input.elements()];
    let [mut dgamma, mut dbeta] = [(); 2].map(|()| vec![T::default(); mean.len()]);
    with_slice::<T, _>(input.tensor(), |x| {
        with_slice::<T, _>(b.gradient.tensor(), |upstream| {
            norm.backward(x, upstream, mean, inverse, &mut dx, &mut dgamma, &mut dbeta);
        })
    })??;
    let variable = |values: Vec<T>, shape: &[usize]| Ok::<_, crate::Error>(Variable::constant(tensor_of(values, shape)?));
    let mut gradients = vec![Some(variable(dx, input.shape())?)];
    let channels = [mean.len()];
    if present.0 {
        gradients.push(Some(variable(dgamma, &channels)?));
    }
    if present.1 {
        gradients.push(Some(variable(dbeta, &channels)?));
    }
    Ok(gradients)
}
