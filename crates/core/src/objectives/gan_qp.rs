//! GAN-QP (Su 2018, arXiv:1811.07296): a quadratic potential instead of a Lipschitz constraint.

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use super::{AdversarialLoss, Energies, Merging, Properties, ScoreShape, Scores, check_range};
use crate::error::Result;

/// How far apart a real and a generated sample are.
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
    fn of(self, real: &Variable, fake: &Variable) -> Result<Variable> {
        let difference = real.detach().sub(&fake.detach())?.flatten_from_second()?;
        Ok(match self {
            Self::L1 => difference.abs()?.mean(&[1])?,
            Self::L2 => difference.square()?.mean(&[1])?.safe_sqrt()?,
        })
    }
}

/// A quadratic potential over pairs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GanQp {
    /// The factor of the pairs' distance in the best lead.
    pub lambda: f64,
    /// The pairs' distance.
    pub distance: PairDistance,
}

impl Default for GanQp {
    fn default() -> Self {
        Self { lambda: 10.0, distance: PairDistance::L1 }
    }
}

impl AdversarialLoss for GanQp {
    /// `mean(-D + D² / (2 lambda d))` with `D_i = real_i - fake_i` and the pairs' distances `d_i`; at its
    /// optimum `D_i = lambda d_i`.
    fn discriminator(&self, scores: &Scores<'_>) -> Result<Variable> {
        let (real, fake) = scores.samples("gan-qp")?;
        let lead = scores.real.sub(scores.fake)?;
        let scale = self.distance.of(real, fake)?.affine(2.0 * self.lambda, 1e-8)?;
        Ok(lead.square()?.div(&scale)?.sub(&lead)?.mean_all()?)
    }

    /// `mean(real - fake)`.
    fn generator(&self, scores: &Scores<'_>) -> Result<Variable> {
        Ok(scores.real.mean_all()?.sub(&scores.fake.mean_all()?)?)
    }

    fn properties(&self) -> Properties {
        Properties {
            generator_uses_real: true,
            compares_samples: true,
            scores: ScoreShape::PerSample,
            energies: Energies::Refused,
            threshold: None,
            equilibrium: None,
            merging: Merging::Rescaled,
        }
    }

    fn check(&self) -> Result<()> {
        check_range("lambda", self.lambda, self.lambda > 0.0, "a positive number")
    }

    fn paper(&self) -> &'static str {
        "1811.07296"
    }
}
