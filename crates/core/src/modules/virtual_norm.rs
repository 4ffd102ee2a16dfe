//! Virtual batch normalisation (Salimans et al. 2016, arXiv:1606.03498, section 3.5).

use brigand_autograd::Variable;

use super::builder::Builder;
use super::initialization::Initialization;
use super::layer::{Layer, OnReference, Reference};
use super::norm::NormPlan;
use super::parameters::WeightId;
use super::pass::Pass;
use crate::error::{Error, Result};

/// The reference samples at the front of the batch are normalised among themselves, every other one by the `n` of them
/// and itself: `mean = x / (n + 1) + n / (n + 1) mean_ref`, and so the mean square. No sample influences another.
pub struct VirtualNorm {
    plan: NormPlan,
    scale: WeightId,
    shift: WeightId,
}

impl VirtualNorm {
    /// A normalisation of `channels`, with the scales, the epsilon and the activation of `plan`.
    pub fn new(builder: &mut Builder, plan: NormPlan, channels: usize) -> Result<Self> {
        let fans = (channels, channels);
        let scale = builder.weight("scale", &[channels], fans, plan.scale)?;
        let shift = builder.weight("shift", &[channels], fans, Initialization::ZERO)?;
        Ok(Self { plan, scale, shift })
    }
}

impl Layer<OnReference> for VirtualNorm {
    fn forward(
        &self,
        pass: &mut Pass<'_>,
        input: &Variable,
        Reference(reference): Reference,
    ) -> Result<Variable> {
        let count = input.shape().first().copied().unwrap_or(0);
        if reference == 0 || count <= reference {
            return Err(Error::Internal(format!(
                "virtual batch normalisation got {count} samples with {reference} of reference"
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
            let variance = square.sub(&mean.square()?)?.relu()?;
            Ok(values.sub(mean)?.div(&variance.affine(1.0, self.plan.epsilon)?.sqrt()?)?)
        };
        let parts = [centred(&front, &mean, &square)?, centred(&rest, &rest_mean, &rest_square)?];
        let (scale, shift) = (pass.weight(self.scale)?, pass.weight(self.shift)?);
        let mut shape = vec![1; input.rank()];
        shape[1] = scale.elements();
        let normal = Variable::concatenate(&[&parts[0], &parts[1]], 0)?;
        let output = normal.mul(&scale.reshape(&shape)?)?.add(&shift.reshape(&shape)?)?;
        Ok(output.activate(self.plan.activation)?)
    }
}
