//! The hinge loss (Lim and Ye 2017, arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957). The generator's
//! loss is the Wasserstein one, without a hinge.

use brigand_autograd::Variable;

use super::Scores;
use crate::error::Result;

/// `mean max(0, 1 - real) + mean max(0, 1 + fake)`; 2 at scores of 0.
pub(super) fn discriminator(scores: &Scores<'_>) -> Result<Variable> {
    let real = scores.real.affine(-1.0, 1.0)?.relu()?.mean_all()?;
    Ok(real.add(&scores.fake.affine(1.0, 1.0)?.relu()?.mean_all()?)?)
}
