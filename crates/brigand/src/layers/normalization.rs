//! Normalisation layers.

use brigand_autograd::{Activation, Variable};
use candle_core::Tensor;

use super::condition::condition;
use super::{BufferId, Builder, Initialization, Layer, Mode, Pass, WeightId};
use crate::error::{Error, Result};

/// The share of each new batch in the running statistics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Momentum(pub f64);

/// Batch normalisation (arXiv:1502.03167) over `[batch, channels, ...]`, fused with the activation after it.
///
/// In training it uses the batch's mean and biased variance; sampling uses the running statistics,
/// whose variance is the unbiased one. Where the builder is conditional, scale and shift are rows of tables chosen (or
/// mixed) by the condition (Dumoulin et al. 2016, arXiv:1610.07629; de Vries et al. 2017, arXiv:1707.00683).
pub struct BatchNormalization {
    scale: WeightId,
    shift: WeightId,
    mean: BufferId,
    variance: BufferId,
    epsilon: f64,
    momentum: f64,
    activation: Activation,
    virtual_statistics: bool,
    conditional: bool,
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
        let (fans, zero) = ((channels, channels), Initialization::Constant { value: 0.0 });
        let shape: Vec<usize> = builder.conditional.into_iter().chain([channels]).collect();
        Ok(Self {
            scale: builder.weight("scale", &shape, fans, scale)?,
            shift: builder.weight("shift", &shape, fans, zero)?,
            mean: builder.buffer("running_mean", &[channels], 0.0)?,
            variance: builder.buffer("running_variance", &[channels], 1.0)?,
            epsilon,
            momentum,
            activation,
            virtual_statistics: builder.virtual_statistics,
            conditional: builder.conditional.is_some(),
        })
    }

    /// Virtual batch normalisation (Salimans et al. 2016, arXiv:1606.03498, section 3.5): the reference samples at
    /// the front are normalised among themselves, every other one by the `n` of them and itself:
    /// `mean = x / (n + 1) + n / (n + 1) mean_ref`, and so the mean square. No sample influences another.
    fn normalize_by_reference(
        &self,
        input: &Variable,
        reference: usize,
        scale: &Variable,
        shift: &Variable,
    ) -> Result<Variable> {
        let count = input.shape().first().copied().unwrap_or(0);
        if reference == 0 || count <= reference {
            return Err(Error::Network(format!(
                "virtual batch normalisation got {count} samples with {reference} of reference; give the network a \
                 reference batch and samples behind it"
            )));
        }
        let positions: Vec<usize> = (2..input.rank()).collect();
        let (front, rest) = (input.narrow(0, 0, reference)?, input.narrow(0, reference, count - reference)?);
        let over_batch: Vec<usize> = std::iter::once(0).chain(positions.iter().copied()).collect();
        let moments = |of: &Variable, axes: &[usize]| -> Result<(Variable, Variable)> {
            Ok((of.mean_keeping(axes)?, of.square()?.mean_keeping(axes)?))
        };
        let (mean, square) = moments(&front, &over_batch)?;
        let own = 1.0 / (reference as f64 + 1.0);
        let joined =
            |own_moment: &Variable, shared: &Variable| own_moment.scale(own)?.add(&shared.scale(1.0 - own)?);
        let (own_mean, own_square) = moments(&rest, &positions)?;
        let (rest_mean, rest_square) = (joined(&own_mean, &mean)?, joined(&own_square, &square)?);
        let centred = |values: &Variable, mean: &Variable, square: &Variable| -> Result<Variable> {
            let deviation = square.sub(&mean.square()?)?.relu()?.affine(1.0, self.epsilon)?.sqrt()?;
            Ok(values.sub(mean)?.div(&deviation)?)
        };
        let parts = [centred(&front, &mean, &square)?, centred(&rest, &rest_mean, &rest_square)?];
        let mut shape = vec![1; input.rank()];
        shape[1] = scale.elements();
        let normal = Variable::concatenate(&[&parts[0], &parts[1]], 0)?;
        let output = normal.mul(&scale.reshape(&shape)?)?.add(&shift.reshape(&shape)?)?;
        Ok(output.activate(self.activation)?)
    }

    /// The normalised maps, each sample scaled and shifted by its condition's rows of the tables.
    fn by_condition(
        &self,
        pass: &Pass<'_>,
        normal: &Variable,
        scale: &Variable,
        shift: &Variable,
    ) -> Result<Variable> {
        let condition = condition(pass)?;
        let mut shape = vec![1; normal.rank()];
        shape[..2].clone_from_slice(&normal.shape()[..2]);
        let rows = |table: &Variable| condition.matmul(table)?.reshape(&shape);
        Ok(normal.mul(&rows(scale)?)?.add(&rows(shift)?)?.activate(self.activation)?)
    }

    fn mix(&self, running: &Tensor, seen: &Tensor) -> Result<Tensor> {
        Ok(((running * (1.0 - self.momentum))? + (seen * self.momentum)?)?)
    }
}

impl Layer for BatchNormalization {
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        let (scale, shift) = (pass.weights.get(self.scale)?, pass.weights.get(self.shift)?);
        if self.virtual_statistics {
            return self.normalize_by_reference(input, pass.reference, scale, shift);
        }
        // Conditional scales and shifts come after, each sample's own.
        let (affine, activation) = match self.conditional {
            true => (None, Activation::Identity),
            false => (Some((scale, shift)), self.activation),
        };
        let (inner_scale, inner_shift) = affine.unzip();
        let (mean, variance) = (pass.buffers.get(self.mean)?, pass.buffers.get(self.variance)?);
        if pass.mode == Mode::Sampling {
            let (mean, variance) = (Variable::constant(mean.clone()), Variable::constant(variance.clone()));
            let output =
                input.normalize_with(&mean, &variance, inner_scale, inner_shift, self.epsilon, activation)?;
            return match self.conditional {
                true => self.by_condition(pass, &output, scale, shift),
                false => Ok(output),
            };
        }
        let (output, seen) = input.batch_normalize(inner_scale, inner_shift, self.epsilon, activation)?;
        if pass.mode == Mode::Training {
            let mean = self.mix(mean, seen.mean.tensor())?;
            let variance = self.mix(variance, seen.unbiased_variance()?.tensor())?;
            pass.buffers.set(self.mean, mean);
            pass.buffers.set(self.variance, variance);
        }
        match self.conditional {
            true => self.by_condition(pass, &output, scale, shift),
            false => Ok(output),
        }
    }

    fn couples_samples(&self) -> bool {
        !self.virtual_statistics
    }
}
