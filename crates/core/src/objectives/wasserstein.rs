//! Wasserstein GAN (Arjovsky et al. 2017, arXiv:1701.07875). The critic must be kept Lipschitz by a penalty
//! or a constraint; minus its loss then estimates the distance.

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use super::{AdversarialLoss, Energies, Merging, Properties, ScoreShape, Scores};
use crate::error::Result;

/// Differences of mean scores; the critic must be kept Lipschitz.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wasserstein {}

impl AdversarialLoss for Wasserstein {
    /// `mean fake - mean real`.
    fn discriminator(&self, scores: &Scores<'_>) -> Result<Variable> {
        Ok(scores.fake.mean_all()?.sub(&scores.real.mean_all()?)?)
    }

    /// `-mean fake`.
    fn generator(&self, scores: &Scores<'_>) -> Result<Variable> {
        mean_score(scores)
    }

    fn properties(&self) -> Properties {
        Properties {
            generator_uses_real: false,
            compares_samples: false,
            scores: ScoreShape::Any,
            energies: Energies::Accepted,
            threshold: None,
            equilibrium: Some((0.0, 0.0)),
            merging: Merging::Rescaled,
        }
    }

    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn paper(&self) -> &'static str {
        "1701.07875"
    }
}

/// `-mean fake`: the generator's loss of every objective that bounds or penalises only the discriminator's scores.
pub(super) fn mean_score(scores: &Scores<'_>) -> Result<Variable> {
    Ok(scores.fake.mean_all()?.neg()?)
}
