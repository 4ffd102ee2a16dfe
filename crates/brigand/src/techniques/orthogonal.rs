//! Orthogonal regularisation in BigGAN's form (Brock et al. 2018, arXiv:1809.11096, section 3.1).

use brigand_autograd::Variable;

use crate::error::Result;
use crate::layers::Weights;

/// `sum_W |WᵀW ∘ (1 - I)|²` over all matrices and kernels, with the filters (the slices along the first axis of a
/// weight) as columns of `W`: filters should be orthogonal, their lengths are free. `None` without matrices.
pub fn off_diagonal_penalty(weights: &Weights) -> Result<Option<Variable>> {
    let mut sum: Option<Variable> = None;
    for weight in weights.values().iter().filter(|weight| weight.rank() >= 2) {
        let filters = weight.flatten_from_second()?;
        let gram = filters.matmul(&filters.transposed()?)?.square()?.sum_all()?;
        let diagonal = filters.square()?.sum(&[1])?.square()?.sum_all()?;
        let term = gram.sub(&diagonal)?;
        sum = Some(match sum {
            Some(sum) => sum.add(&term)?,
            None => term,
        });
    }
    Ok(sum)
}
