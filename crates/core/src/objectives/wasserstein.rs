//! Wasserstein GAN (Arjovsky et al. 2017, arXiv:1701.07875). The critic must be kept Lipschitz by a penalty
//! or a constraint; minus its loss then estimates the distance.

use brigand_autograd::Variable;

use super::Scores;
use crate::error::Result;

/// `mean fake - mean real`.
pub(super) fn discriminator(scores: &Scores<'_>) -> Result<Variable> {
    Ok(scores.fake.mean_all()?.sub(&scores.real.mean_all()?)?)
}

/// `-mean fake`.
pub(super) fn generator(scores: &Scores<'_>) -> Result<Variable> {
    Ok(scores.fake.mean_all()?.neg()?)
}
