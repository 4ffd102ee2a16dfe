//! The original minimax problem, `min_G max_D E ln D(x) + E ln(1 - D(G(z)))` (Goodfellow et al. 2014, arXiv:1406.2661),
//! with `D = sigmoid(score)`.

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use super::{AdversarialLoss, Energies, Merging, Properties, ScoreShape, Scores};
use crate::error::{Error, Result};

/// Goodfellow's losses with the saturating generator loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Minimax {
    /// The discriminator's target for real samples; less than 1 smooths the label.
    pub real_target: f64,
    /// The discriminator's target for generated samples.
    pub fake_target: f64,
}

impl Default for Minimax {
    fn default() -> Self {
        Self { real_target: 1.0, fake_target: 0.0 }
    }
}

impl AdversarialLoss for Minimax {
    /// `mean softplus(-real) + mean softplus(fake)`, with other targets the cross-entropy with smoothed labels.
    fn discriminator(&self, scores: &Scores<'_>) -> Result<Variable> {
        classification(scores, (self.real_target, self.fake_target))
    }

    /// `mean ln(1 - D(G(z))) = -mean softplus(fake)`: its gradient vanishes when D rejects every generated sample.
    fn generator(&self, scores: &Scores<'_>) -> Result<Variable> {
        Ok(scores.fake.softplus()?.mean_all()?.neg()?)
    }

    fn properties(&self) -> Properties {
        let (loss, probability) = indifference((self.real_target, self.fake_target));
        Properties {
            generator_uses_real: false,
            compares_samples: false,
            scores: ScoreShape::Any,
            energies: Energies::Refused,
            threshold: Some(0.0),
            equilibrium: Some((loss, (1.0 - probability).ln())),
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

/// `mean softplus(-real) + mean softplus(fake)`; `2 ln 2` where D is 1/2 everywhere. With targets `(real, fake)` other than
/// `(1, 0)` it is the cross-entropy with smoothed labels (Salimans et al. 2016, arXiv:1606.03498, section 3.4),
/// `mean(softplus(s) - target s)` of either side.
pub(super) fn classification(scores: &Scores<'_>, (real, fake): (f64, f64)) -> Result<Variable> {
    Ok(cross_entropy(scores.real, real)?.add(&cross_entropy(scores.fake, fake)?)?)
}

fn cross_entropy(scores: &Variable, target: f64) -> Result<Variable> {
    if target == 1.0 {
        return Ok(scores.neg()?.softplus()?.mean_all()?);
    }
    let certain = scores.softplus()?;
    Ok(if target == 0.0 { certain } else { certain.sub(&scores.scale(target)?)? }.mean_all()?)
}

/// The discriminator's loss at its best constant output for both labels, and that output, a probability.
pub(super) fn indifference((real, fake): (f64, f64)) -> (f64, f64) {
    let mean = (real + fake) / 2.0;
    let entropy = |p: f64| if p > 0.0 { -p * p.ln() } else { 0.0 };
    (2.0 * (entropy(mean) + entropy(1.0 - mean)), mean)
}

/// Refuses targets that are no probabilities in their order.
pub(super) fn check_targets((real, fake): (f64, f64)) -> Result<()> {
    if 0.0 <= fake && fake < real && real <= 1.0 {
        return Ok(());
    }
    Err(Error::Recipe(format!(
        "objective.real_target is {real} and objective.fake_target {fake}; give numbers with \
         0 <= fake_target < real_target <= 1"
    )))
}
