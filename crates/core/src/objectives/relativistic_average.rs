//! The relativistic average GAN (Jolicoeur-Martineau 2018, arXiv:1807.00734): each sample against the other side's
//! mean score. The generator's loss is the discriminator's with the sides exchanged.

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use super::{AdversarialLoss, Energies, Merging, Properties, ScoreShape, Scores};
use crate::error::Result;

/// Each sample against the other side's mean, by cross-entropy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelativisticAverage {}

impl AdversarialLoss for RelativisticAverage {
    /// `mean softplus(-(real - mean fake)) + mean softplus(fake - mean real)`.
    fn discriminator(&self, scores: &Scores<'_>) -> Result<Variable> {
        over_averages(scores.real, scores.fake, cost)
    }

    /// `mean softplus(-(fake - mean real)) + mean softplus(real - mean fake)`.
    fn generator(&self, scores: &Scores<'_>) -> Result<Variable> {
        over_averages(scores.fake, scores.real, cost)
    }

    fn properties(&self) -> Properties {
        let two_ln_2 = 2.0 * std::f64::consts::LN_2;
        Properties {
            generator_uses_real: true,
            compares_samples: false,
            scores: ScoreShape::Any,
            energies: Energies::Refused,
            threshold: None,
            equilibrium: Some((two_ln_2, two_ln_2)),
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
    Ok(lead.neg()?.softplus()?)
}

/// What a lead over the other side's mean costs: falling in its argument.
type Cost = fn(&Variable) -> Result<Variable>;

/// The mean cost of `higher - mean lower`, plus that of `mean higher - lower`, for the side `higher` whose scores should
/// be the higher ones. The means carry gradients.
pub(super) fn over_averages(higher: &Variable, lower: &Variable, cost: Cost) -> Result<Variable> {
    let lead = cost(&higher.sub(&lower.mean_all()?)?)?.mean_all()?;
    Ok(lead.add(&cost(&higher.mean_all()?.sub(lower)?)?.mean_all()?)?)
}
