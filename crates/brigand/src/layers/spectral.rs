//! Spectral normalisation (Miyato et al. 2018, arXiv:1802.05957): weights divided by their largest singular value.

use brigand_autograd::{Variable, without_recording};

use super::{BufferId, Builder, Mode, Pass, WeightId};
use crate::error::Result;
use crate::random::Stream;

/// Power iterations when the layer is made, so that the first estimate is already good.
const WARM_UP: usize = 15;

/// A weight that may be divided by its largest singular value, as a matrix `[out, everything else]`.
pub(super) struct NormedWeight {
    weight: WeightId,
    /// The left singular vector's estimate, `[out]`; `None` leaves the weight as it is.
    left: Option<BufferId>,
    /// Whether the outputs are the second axis, as in transposed convolutions.
    transposed: bool,
}

impl NormedWeight {
    /// Takes over `weight` `[out, ...]`; where the builder asks for it, it keeps an estimate of its singular
    /// vector.
    pub(super) fn new(builder: &mut Builder, weight: WeightId) -> Result<Self> {
        Self::make(builder, weight, false)
    }

    /// The same for `[in, out, ...]`.
    pub(super) fn transposed(builder: &mut Builder, weight: WeightId) -> Result<Self> {
        Self::make(builder, weight, true)
    }

    fn make(builder: &mut Builder, weight: WeightId, transposed: bool) -> Result<Self> {
        if !builder.spectral {
            return Ok(Self { weight, left: None, transposed });
        }
        let matrix = rows(&builder.weights.get(weight)?.detach(), transposed)?;
        let out = matrix.shape()[0];
        let mut left = Stream::new(builder.seed(), &builder.purpose("singular"), 0).normal(out);
        let mut estimate = unit(&Variable::from_slice(&left, &[out, 1])?)?;
        for _ in 0..WARM_UP {
            estimate = iterate(&matrix, &estimate)?.0;
        }
        left = estimate.to_vec_f32()?;
        let buffer = builder.buffer("singular", &[out], 0.0)?;
        builder.buffers.set(buffer, Variable::from_slice(&left, &[out])?.into_tensor());
        Ok(Self { weight, left: Some(buffer), transposed })
    }

    /// The weight to use in this pass. Training refreshes the estimate by one power iteration; the
    /// singular vectors count as constants in the gradient, the weight does not.
    pub(super) fn get(&self, pass: &mut Pass<'_>) -> Result<Variable> {
        let weight = pass.weights.get(self.weight)?.clone();
        let Some(buffer) = self.left else { return Ok(weight) };
        let matrix = rows(&weight, self.transposed)?;
        let out = matrix.shape()[0];
        let left = Variable::constant(pass.buffers.get(buffer)?.clone()).reshape(&[out, 1])?;
        let (next, right) = without_recording(|| iterate(&matrix.detach(), &left))?;
        let left = if pass.mode == Mode::Training {
            pass.buffers.set(buffer, next.reshape(&[out])?.into_tensor());
            next
        } else {
            left
        };
        let sigma = left.transposed()?.matmul(&matrix.matmul(&right)?)?;
        let ones = vec![1; weight.rank()];
        Ok(weight.mul(&sigma.reshape(&ones)?.recip()?)?)
    }
}

/// The weight as a matrix with a row for each output.
fn rows(weight: &Variable, transposed: bool) -> Result<Variable> {
    Ok(if transposed { weight.transpose(0, 1)? } else { weight.clone() }.flatten_from_second()?)
}

/// One power iteration from left vector `u` `[out, 1]`: `v = n(Wᵀ u)`, then `n(W v)` and `v`.
fn iterate(matrix: &Variable, left: &Variable) -> Result<(Variable, Variable)> {
    let right = unit(&matrix.transposed()?.matmul(left)?)?;
    Ok((unit(&matrix.matmul(&right)?)?, right))
}

fn unit(vector: &Variable) -> Result<Variable> {
    let norm = vector.square()?.sum_all()?.safe_sqrt()?;
    Ok(vector.div(&norm)?)
}
