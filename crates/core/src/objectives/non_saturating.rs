//! The generator loss that Goodfellow et al. (2014, arXiv:1406.2661, section 3) advise in practice.

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use super::minimax::{check_targets, classification, indifference};
use super::{AdversarialLoss, Energies, Merging, Properties, ScoreShape, Scores};
use crate::error::Result;

/// Goodfellow's losses with the non-saturating generator loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NonSaturating {
    /// The discriminator's target for real samples; less than 1 smooths the label.
    pub real_target: f64,
    /// The discriminator's target for generated samples.
    pub fake_target: f64,
}

impl Default for NonSaturating {
    fn default() -> Self {
        Self { real_target: 1.0, fake_target: 0.0 }
    }
}

impl AdversarialLoss for NonSaturating {
    /// As of [`Minimax`](super::Minimax): `mean softplus(-real) + mean softplus(fake)`.
    fn discriminator(&self, scores: &Scores<'_>) -> Result<Variable> {
        classification(scores, (self.real_target, self.fake_target))
    }

    /// `-mean ln D(G(z)) = mean softplus(-fake)`: the same fixed point as minimax, with a gradient that stays
    /// when D rejects every generated sample.
    fn generator(&self, scores: &Scores<'_>) -> Result<Variable> {
        Ok(scores.fake.neg()?.softplus()?.mean_all()?)
    }

    fn properties(&self) -> Properties {
        let (loss, probability) = indifference((self.real_target, self.fake_target));
        Properties {
            generator_uses_real: false,
            compares_samples: false,
            scores: ScoreShape::Any,
            energies: Energies::Refused,
            threshold: Some(0.0),
            equilibrium: Some((loss, -probability.ln())),
            merging: Merging::Rescaled,
        }
    }

    fn check(&self) -> Result<()> {
        check_targets((self.real_target, self.fake_target))
    }

    fn paper(&self) -> &'static str {
        "1406.2661"
    }
}
