//! Normalisation layers.

use brigand_autograd::{Activation, Variable};
use candle_core::Tensor;

use super::{BufferId, Builder, Initialization, Layer, Mode, Pass, WeightId};
use crate::error::Result;

/// The share of each new batch in the running statistics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Momentum(pub f64);

/// Batch normalisation (arXiv:1502.03167) over `[batch, channels, ...]`, fused with the activation after it.
///
/// In training it uses the batch's mean and biased variance; sampling uses the running statistics,
/// whose variance is the unbiased one.
pub struct BatchNormalization {
    scale: WeightId,
    shift: WeightId,
    mean: BufferId,
    variance: BufferId,
    epsilon: f64,
    momentum: f64,
    activation: Activation,
}

impl BatchNormalization {
    /// A layer for `channels`; scales are drawn by `scale`, shifts start at 0.
    pub fn new(
        builder: &mut Builder,
        channels: usize,
        scale: Initialization,
        epsilon: f64,
        Momentum(momentum): Momentum,
        activation: Activation,
    ) -> Result<Self> {
        let fans = (channels, channels);
        Ok(Self {
            scale: builder.weight("scale", &[channels], fans, scale)?,
            shift: builder.weight("shift", &[channels], fans, Initialization::Constant { value: 0.0 })?,
            mean: builder.buffer("running_mean", &[channels], 0.0)?,
            variance: builder.buffer("running_variance", &[channels], 1.0)?,
            epsilon,
            momentum,
            activation,
        })
    }

    fn mix(&self, running: &Tensor, seen: &Tensor) -> Result<Tensor> {
        Ok(((running * (1.0 - self.momentum))? + (seen * self.momentum)?)?)
    }
}

impl Layer for BatchNormalization {
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        let (scale, shift) = (pass.weights.get(self.scale)?, pass.weights.get(self.shift)?);
        let (mean, variance) = (pass.buffers.get(self.mean)?, pass.buffers.get(self.variance)?);
        if pass.mode == Mode::Sampling {
            let (mean, variance) = (Variable::constant(mean.clone()), Variable::constant(variance.clone()));
            let output = input.normalize_with(
                &mean,
                &variance,
                Some(scale),
                Some(shift),
                self.epsilon,
                self.activation,
            )?;
            return Ok(output);
        }
        let (output, seen) =
            input.batch_normalize(Some(scale), Some(shift), self.epsilon, self.activation)?;
        if pass.mode == Mode::Training {
            let mean = self.mix(mean, seen.mean.tensor())?;
            let variance = self.mix(variance, seen.unbiased_variance()?.tensor())?;
            pass.buffers.set(self.mean, mean);
            pass.buffers.set(self.variance, variance);
        }
        Ok(output)
    }

    fn couples_samples(&self) -> bool {
        true
    }
}
