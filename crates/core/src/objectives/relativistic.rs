//! The relativistic GAN (Jolicoeur-Martineau 2018, arXiv:1807.00734): is a real sample more real than a generated one?

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use super::{AdversarialLoss, Energies, Merging, Properties, ScoreShape, Scores};
use crate::error::Result;

/// Real against generated samples, pair by pair, taken as they come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relativistic {}

impl AdversarialLoss for Relativistic {
    /// `mean softplus(-(real_i - fake_i))`.
    fn discriminator(&self, scores: &Scores<'_>) -> Result<Variable> {
        paired(scores.real, scores.fake)
    }

    /// `mean softplus(-(fake_i - real_i))`.
    fn generator(&self, scores: &Scores<'_>) -> Result<Variable> {
        paired(scores.fake, scores.real)
    }

    fn properties(&self) -> Properties {
        let ln_2 = std::f64::consts::LN_2;
        Properties {
            generator_uses_real: true,
            compares_samples: false,
            scores: ScoreShape::Any,
            energies: Energies::Refused,
            threshold: None,
            equilibrium: Some((ln_2, ln_2)),
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

/// The loss of the side whose scores should be the higher ones.
fn paired(higher: &Variable, lower: &Variable) -> Result<Variable> {
    Ok(higher.sub(lower)?.neg()?.softplus()?.mean_all()?)
}
