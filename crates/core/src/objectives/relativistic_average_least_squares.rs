//! The relativistic average GAN (Jolicoeur-Martineau 2018, arXiv:1807.00734) with squared distances.

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use super::relativistic_average::over_averages;
use super::{AdversarialLoss, Energies, Merging, Properties, ScoreShape, Scores};
use crate::error::Result;

/// Each sample against the other side's mean, by squared distances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelativisticAverageLeastSquares {}

impl AdversarialLoss for RelativisticAverageLeastSquares {
    /// `mean (real - mean fake - 1)² + mean (fake - mean real + 1)²`.
    fn discriminator(&self, scores: &Scores<'_>) -> Result<Variable> {
        over_averages(scores.real, scores.fake, cost)
    }

    /// `mean (fake - mean real - 1)² + mean (real - mean fake + 1)²`.
    fn generator(&self, scores: &Scores<'_>) -> Result<Variable> {
        over_averages(scores.fake, scores.real, cost)
    }

    fn properties(&self) -> Properties {
        Properties {
            generator_uses_real: true,
            compares_samples: false,
            scores: ScoreShape::Any,
            energies: Energies::Refused,
            threshold: None,
            equilibrium: Some((2.0, 2.0)),
            merging: Merging::Rescaled,
        }
    }

    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn paper(&self) -> &'static str {
        "1807.00734"
    }
}

fn cost(lead: &Variable) -> Result<Variable> {
    Ok(lead.affine(1.0, -1.0)?.square()?)
}
