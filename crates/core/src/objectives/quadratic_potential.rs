//! GAN-QP (Su 2018, arXiv:1811.07296): a quadratic potential instead of a Lipschitz constraint.

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use super::Scores;
use crate::error::Result;

/// How far apart a real and a fake sample are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PairDistance {
    /// `mean |x - y|` over the elements.
    L1,
    /// `sqrt(mean (x - y)²)` over the elements.
    L2,
}

impl PairDistance {
    /// The distances `[batch]` of the pairs, constants for every gradient.
    pub(super) fn of(self, real: &Variable, fake: &Variable) -> Result<Variable> {
        let difference = real.detach().sub(&fake.detach())?.flatten_from_second()?;
        Ok(match self {
            Self::L1 => difference.abs()?.mean(&[1])?,
            Self::L2 => difference.square()?.mean(&[1])?.safe_sqrt()?,
        })
    }
}

/// `mean(-D + D² / (2 lambda d))` with `D_i = real_i - fake_i` and the pairs' distances `d_i`; at its
/// optimum `D_i = lambda d_i`.
pub(super) fn discriminator(scores: &Scores<'_>, lambda: f64, distance: PairDistance) -> Result<Variable> {
    let (real, fake) = scores.samples("gan-qp")?;
    let lead = scores.real.sub(scores.fake)?;
    let scale = distance.of(real, fake)?.affine(2.0 * lambda, 1e-8)?;
    Ok(lead.square()?.div(&scale)?.sub(&lead)?.mean_all()?)
}

/// `mean(real - fake)`.
pub(super) fn generator(scores: &Scores<'_>) -> Result<Variable> {
    Ok(scores.real.mean_all()?.sub(&scores.fake.mean_all()?)?)
}
