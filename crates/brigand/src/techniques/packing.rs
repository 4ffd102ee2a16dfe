//! Packing (PacGAN, Lin et al. 2017, arXiv:1712.04086).

use brigand_autograd::Variable;

use crate::error::{Error, Result};

/// `[batch, channels, ...]` as `[batch / size, size channels, ...]`: neighbours stand beside each other in channels
/// (or coordinates), so that a discriminator judges them together.
pub fn pack(samples: &Variable, size: usize) -> Result<Variable> {
    if size == 1 {
        return Ok(samples.clone());
    }
    let shape = samples.shape();
    if !shape[0].is_multiple_of(size) {
        return Err(Error::Recipe(format!(
            "a batch of {} cannot be packed by {size}; give training.batch a multiple of techniques.packing",
            shape[0]
        )));
    }
    let mut packed = shape.to_vec();
    packed[0] /= size;
    packed[1] *= size;
    Ok(samples.reshape(&packed)?)
}
