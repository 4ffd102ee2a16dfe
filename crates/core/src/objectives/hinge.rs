//! The hinge loss (Lim and Ye 2017, arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957). The generator's
//! loss is the Wasserstein one, without a hinge.

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use super::wasserstein::mean_score;
use super::{AdversarialLoss, Energies, Merging, Properties, ScoreShape, Scores};
use crate::error::Result;

/// Hinges at 1 and -1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hinge {}

impl AdversarialLoss for Hinge {
    /// `mean max(0, 1 - real) + mean max(0, 1 + fake)`; 2 at scores of 0.
    fn discriminator(&self, scores: &Scores<'_>) -> Result<Variable> {
        let real = scores.real.affine(-1.0, 1.0)?.relu()?.mean_all()?;
        Ok(real.add(&scores.fake.affine(1.0, 1.0)?.relu()?.mean_all()?)?)
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
            energies: Energies::Refused,
            threshold: Some(0.0),
            equilibrium: Some((2.0, 0.0)),
            merging: Merging::Apart,
        }
    }

    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn paper(&self) -> &'static str {
        "1705.02894"
    }
}
