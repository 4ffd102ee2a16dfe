//! The relativistic GANs (Jolicoeur-Martineau 2018, arXiv:1807.00734): is a real sample more real than a generated one?
//! The generator's loss is the discriminator's with the sides exchanged.

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use super::{AdversarialLoss, Energies, Merging, Properties, ScoreShape, Scores};
use crate::error::Result;

/// Real against generated samples, pair by pair, taken as they come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relativistic {}

/// Each sample against the other side's mean score, by cross-entropy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelativisticAverage {}

/// Each sample against the other side's mean score, by squared distances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelativisticAverageLeastSquares {}

/// Each sample against the other side's mean score, by hinges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelativisticAverageHinge {}

/// A loss that both players share, each for its own side.
trait Exchanged {
    /// The loss at equal scores.
    const EQUILIBRIUM: f64;
    /// Whether one backward pass serves both players.
    const MERGING: Merging;

    /// The loss of the side whose scores should be the higher ones.
    fn loss(higher: &Variable, lower: &Variable) -> Result<Variable>;
}

impl Exchanged for Relativistic {
    const EQUILIBRIUM: f64 = std::f64::consts::LN_2;
    const MERGING: Merging = Merging::Rescaled;

    /// `mean softplus(-(higher_i - lower_i))`.
    fn loss(higher: &Variable, lower: &Variable) -> Result<Variable> {
        Ok(higher.sub(lower)?.neg()?.softplus()?.mean_all()?)
    }
}

impl Exchanged for RelativisticAverage {
    const EQUILIBRIUM: f64 = 2.0 * std::f64::consts::LN_2;
    const MERGING: Merging = Merging::Rescaled;

    /// `mean softplus(-(higher - mean lower)) + mean softplus(lower - mean higher)`.
    fn loss(higher: &Variable, lower: &Variable) -> Result<Variable> {
        over_averages(higher, lower, |lead| Ok(lead.neg()?.softplus()?))
    }
}

impl Exchanged for RelativisticAverageLeastSquares {
    const EQUILIBRIUM: f64 = 2.0;
    const MERGING: Merging = Merging::Rescaled;

    /// `mean (higher - mean lower - 1)² + mean (lower - mean higher + 1)²`.
    fn loss(higher: &Variable, lower: &Variable) -> Result<Variable> {
        over_averages(higher, lower, |lead| Ok(lead.affine(1.0, -1.0)?.square()?))
    }
}

impl Exchanged for RelativisticAverageHinge {
    const EQUILIBRIUM: f64 = 2.0;
    const MERGING: Merging = Merging::Apart;

    /// `mean max(0, 1 - (higher - mean lower)) + mean max(0, 1 + lower - mean higher)`.
    fn loss(higher: &Variable, lower: &Variable) -> Result<Variable> {
        over_averages(higher, lower, |lead| Ok(lead.affine(-1.0, 1.0)?.relu()?))
    }
}

impl<T: Exchanged> AdversarialLoss for T {
    fn discriminator(&self, scores: &Scores<'_>) -> Result<Variable> {
        T::loss(scores.real, scores.fake)
    }

    fn generator(&self, scores: &Scores<'_>) -> Result<Variable> {
        T::loss(scores.fake, scores.real)
    }

    fn properties(&self) -> Properties {
        Properties {
            generator_uses_real: true,
            compares_samples: false,
            scores: ScoreShape::Any,
            energies: Energies::Refused,
            threshold: None,
            equilibrium: Some((T::EQUILIBRIUM, T::EQUILIBRIUM)),
            merging: T::MERGING,
        }
    }

    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn paper(&self) -> &'static str {
        "1807.00734"
    }
}

/// The mean cost of `higher - mean lower`, plus that of `mean higher - lower`, for a cost that falls in its argument. The
/// means carry gradients.
fn over_averages(
    higher: &Variable,
    lower: &Variable,
    cost: fn(&Variable) -> Result<Variable>,
) -> Result<Variable> {
    let lead = cost(&higher.sub(&lower.mean_all()?)?)?.mean_all()?;
    Ok(lead.add(&cost(&higher.mean_all()?.sub(lower)?)?.mean_all()?)?)
}
