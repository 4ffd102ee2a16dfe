//! Packing (PacGAN, Lin et al. 2017, arXiv:1712.04086).

use brigand_autograd::Variable;

use crate::error::{Error, Result};

/// `[batch, channels, ...]` as `[batch / size, size channels, ...]`: neighbours are concatenated along the channels
/// (or coordinates), so that a discriminator scores them together.
pub fn pack(samples: &Variable, size: usize) -> Result<Variable> {
    if size == 1 {
        return Ok(samples.clone());
    }
    match *samples.shape() {
        [batch, channels, ref rest @ ..] if size > 0 && batch.is_multiple_of(size) => {
            let packed: Vec<usize> =
                [batch / size, channels * size].into_iter().chain(rest.iter().copied()).collect();
            Ok(samples.reshape(&packed)?)
        }
        ref other => Err(Error::Recipe(format!(
            "a batch of shape {other:?} cannot be packed by {size}; give training.batch a multiple of \
             techniques.packing, and samples [batch, channels, ...]"
        ))),
    }
}
