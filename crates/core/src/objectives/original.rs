//! The original minimax problem, `min_G max_D E ln D(x) + E ln(1 - D(G(z)))` (Goodfellow et al. 2014, arXiv:1406.2661),
//! with `D = sigmoid(score)`, and the generator loss that the paper's section 3 advises in practice.

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use super::{AdversarialLoss, Energies, Merging, Properties, ScoreShape, Scores};
use crate::error::{Error, Result};

/// Makes an objective of the minimax problem with this loss of the generator, a function of the generated samples'
/// scores, and its value where the discriminator is this probability everywhere.
macro_rules! original_objective {
    ($(#[$about:meta])* $name:ident, $generator:expr, $indifferent:expr) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            /// The discriminator's target for real samples; less than 1 smooths the label.
            pub real_target: f64,
            /// The discriminator's target for generated samples.
            pub fake_target: f64,
        }

        impl Default for $name {
            fn default() -> Self {
                Self { real_target: 1.0, fake_target: 0.0 }
            }
        }

        impl AdversarialLoss for $name {
            fn discriminator(&self, scores: &Scores<'_>) -> Result<Variable> {
                classification(scores, (self.real_target, self.fake_target))
            }

            fn generator(&self, scores: &Scores<'_>) -> Result<Variable> {
                let loss: fn(&Variable) -> Result<Variable> = $generator;
                loss(scores.fake)
            }

            fn properties(&self) -> Properties {
                let (loss, probability) = indifference((self.real_target, self.fake_target));
                let generator: fn(f64) -> f64 = $indifferent;
                Properties {
                    generator_uses_real: false,
                    compares_samples: false,
                    scores: ScoreShape::Any,
                    energies: Energies::Refused,
                    threshold: Some(0.0),
                    equilibrium: Some((loss, generator(probability))),
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
    };
}

original_objective! {
    /// Goodfellow's losses with the saturating generator loss, `mean ln(1 - D(G(z))) = -mean softplus(fake)`: its gradient
    /// vanishes when D rejects every generated sample.
    Minimax,
    |fake| Ok(fake.softplus()?.mean_all()?.neg()?),
    |probability| (1.0 - probability).ln()
}

original_objective! {
    /// Goodfellow's losses with the non-saturating generator loss `-mean ln D(G(z)) = mean softplus(-fake)`: the same fixed point as
    /// minimax, with a gradient that stays when D rejects every generated sample.
    NonSaturating,
    |fake| Ok(fake.neg()?.softplus()?.mean_all()?),
    |probability| -probability.ln()
}

/// `mean softplus(-real) + mean softplus(fake)`; `2 ln 2` where D is 1/2 everywhere. With targets `(real, fake)` other than
/// `(1, 0)` it is the cross-entropy with smoothed labels (Salimans et al. 2016, arXiv:1606.03498, section 3.4),
/// `mean(softplus(s) - target s)` of either side.
fn classification(scores: &Scores<'_>, (real, fake): (f64, f64)) -> Result<Variable> {
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
fn indifference((real, fake): (f64, f64)) -> (f64, f64) {
    let mean = (real + fake) / 2.0;
    let entropy = |p: f64| if p > 0.0 { -p * p.ln() } else { 0.0 };
    (2.0 * (entropy(mean) + entropy(1.0 - mean)), mean)
}

/// Refuses targets that are no probabilities in their order.
fn check_targets((real, fake): (f64, f64)) -> Result<()> {
    if 0.0 <= fake && fake < real && real <= 1.0 {
        return Ok(());
    }
    Err(Error::Recipe(format!(
        "objective.real_target is {real} and objective.fake_target {fake}; give numbers with \
         0 <= fake_target < real_target <= 1"
    )))
}
