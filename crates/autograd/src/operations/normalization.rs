//! Normalisation by mean and variance, with the affine map and the activation that follow it.

use crate::buffer::has_kernels;
use crate::dispatch;
use crate::error::{Result, shape_error};
use crate::variable::{Variable, agree};

use super::activation::Activation;
use super::composed_normalization::{affine, along_channels, composed, statistics_axes};
use super::fused_normalization::fused;
use super::grouping::{Grouping, Plan};

/// What a training-mode batch normalisation saw, per channel: `[channels]`, in `f32` where the input's type is narrower.
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
    /// `activation(scale (x - mean) / sqrt(variance + epsilon) + shift)` with statistics of this batch, for `x` of
    /// shape `[batch, channels, ...]`.
    ///
    /// `scale` and `shift` are `[channels]`, for [`Grouping::Layer`] the shape of one sample; or `[batch, channels]`,
    /// chosen for each sample: conditional batch normalisation (arXiv:1707.00683), adaptive instance
    /// normalisation (arXiv:1703.06868).
    ///
    /// # Errors
    /// If there is no channel dimension or no element, groups do not divide the channels, or scale or shift do not fit.
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
        let plan = Plan::new("normalize", self, grouping)?;
        check_vectors("normalize", self, grouping, [scale, shift])?;
        if let Some(single) = self.single()? {
            let [scale, shift] = singles([scale, shift])?;
            let output = single.normalize(grouping, scale.as_ref(), shift.as_ref(), epsilon, activation)?;
            return output.to_dtype(self.dtype());
        }
        let fusible = has_kernels(self.tensor()) && activation.negative_slope().is_some();
        match (fusible, per_sample(self, grouping, [scale, shift])) {
            (true, false) => {
                let run = dispatch!(self.tensor(), T => fused::<T>(self, plan, [scale, shift], epsilon, activation))?;
                Ok(run.output)
            }
            (true, true) => {
                let normal = self.normalize(grouping, None, None, epsilon, Activation::Identity)?;
                affine(normal, grouping, scale, shift)?.activate(activation)
            }
            (false, _) => composed(self, grouping, scale, shift, epsilon)?.activate(activation),
        }
    }

    /// [`Variable::normalize`] over the batch, with the statistics it found (constants).
    pub fn batch_normalize(
        &self,
        scale: Option<&Variable>,
        shift: Option<&Variable>,
        epsilon: f64,
        activation: Activation,
    ) -> Result<(Variable, BatchStatistics)> {
        let (operation, grouping) = ("batch_normalize", Grouping::Batch);
        let plan = Plan::new(operation, self, grouping)?;
        check_vectors(operation, self, grouping, [scale, shift])?;
        if let Some(single) = self.single()? {
            let [scale, shift] = singles([scale, shift])?;
            let (output, statistics) =
                single.batch_normalize(scale.as_ref(), shift.as_ref(), epsilon, activation)?;
            return Ok((output.to_dtype(self.dtype())?, statistics));
        }
        let channels = self.size(operation, 1)?;
        let count = self.elements() / channels.max(1);
        let fusible = has_kernels(self.tensor()) && activation.negative_slope().is_some();
        if per_sample(self, grouping, [scale, shift]) {
            let (normal, statistics) = self.batch_normalize(None, None, epsilon, Activation::Identity)?;
            return Ok((affine(normal, grouping, scale, shift)?.activate(activation)?, statistics));
        }
        if fusible {
            let run =
                dispatch!(self.tensor(), T => fused::<T>(self, plan, [scale, shift], epsilon, activation))?;
            let [mean, variance] = [run.mean, run.variance].map(Variable::constant);
            return Ok((run.output, BatchStatistics { mean, variance, count }));
        }
        let output = composed(self, grouping, scale, shift, epsilon)?.activate(activation)?;
        let (axes, input) = (statistics_axes(self, grouping), self.detach());
        let mean = input.mean(&axes)?;
        let variance = input.variance(&axes)?;
        Ok((output, BatchStatistics { mean, variance, count }))
    }

    /// `activation(scale (x - mean) / sqrt(variance + epsilon) + shift)` with given statistics `[channels]`:
    /// batch normalisation in evaluation mode. `scale` and `shift` are `[channels]` or `[batch, channels]`. The
    /// other groupings take their statistics from the sample itself, in evaluation too. For an input of a type narrower
    /// than `f32` the statistics may be of that type or, as [`BatchStatistics`] has them, `f32`.
    ///
    /// # Errors
    /// If there is no channel dimension, or a vector does not fit.
    pub fn normalize_with(
        &self,
        mean: &Variable,
        variance: &Variable,
        scale: Option<&Variable>,
        shift: Option<&Variable>,
        epsilon: f64,
        activation: Activation,
    ) -> Result<Variable> {
        check_vectors("normalize_with", self, Grouping::Batch, [scale, shift])?;
        if let Some(single) = self.single()? {
            let [scale, shift] = singles([scale, shift])?;
            let (scale, shift) = (scale.as_ref(), shift.as_ref());
            let (mean, variance) = (mean.at_least_single()?, variance.at_least_single()?);
            let output = single.normalize_with(&mean, &variance, scale, shift, epsilon, activation)?;
            return output.to_dtype(self.dtype());
        }
        check_vectors("normalize_with", self, Grouping::Batch, [Some(mean), Some(variance)])?;
        let inverse = variance.affine(1.0, epsilon)?.sqrt()?.recip()?;
        let centred = self.sub(&along_channels(self, mean)?)?.mul(&along_channels(self, &inverse)?)?;
        affine(centred, Grouping::Batch, scale, shift)?.activate(activation)
    }
}

/// Refuses scales and shifts of other shapes than [`Variable::normalize`] lists.
fn check_vectors(
    operation: &'static str,
    input: &Variable,
    grouping: Grouping,
    vectors: [Option<&Variable>; 2],
) -> Result<()> {
    let (batch, channels) = (input.size(operation, 0)?, input.size(operation, 1)?);
    for vector in vectors.into_iter().flatten() {
        agree(operation, input, vector)?;
        let whole =
            if grouping == Grouping::Layer { input.shape().get(1..).unwrap_or(&[]) } else { &[channels] };
        if vector.shape() != whole && vector.shape() != [batch, channels] {
            let reason = format!(
                "{:?} does not fit an input of {:?}; expected {whole:?} or {:?}",
                vector.shape(),
                input.shape(),
                [batch, channels]
            );
            return Err(shape_error(operation, reason));
        }
    }
    Ok(())
}

/// Scale and shift in `f32`, where they are narrower.
fn singles([scale, shift]: [Option<&Variable>; 2]) -> Result<[Option<Variable>; 2]> {
    let single = |vector: Option<&Variable>| vector.map(Variable::at_least_single).transpose();
    Ok([single(scale)?, single(shift)?])
}

/// Whether a scale or shift differs from sample to sample.
fn per_sample(input: &Variable, grouping: Grouping, vectors: [Option<&Variable>; 2]) -> bool {
    let whole = if grouping == Grouping::Layer { input.rank() - 1 } else { 1 };
    let chosen = |vector: &Variable| {
        vector.rank() != whole
            || grouping == Grouping::Layer && Some(vector.shape()) != input.shape().get(1..)
    };
    vectors.into_iter().flatten().any(chosen)
}
