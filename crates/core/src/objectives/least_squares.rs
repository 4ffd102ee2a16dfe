//! Least squares GAN (Mao et al. 2016, arXiv:1611.04076).

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use super::{AdversarialLoss, Energies, Merging, Properties, ScoreShape, Scores};
use crate::error::{Error, Result};

/// Squared distances of scores to targets.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeastSquares {
    /// The discriminator's target for generated samples.
    pub a: f64,
    /// The discriminator's target for real samples.
    pub b: f64,
    /// The generator's target for its samples.
    pub c: f64,
}

impl Default for LeastSquares {
    fn default() -> Self {
        Self { a: 0.0, b: 1.0, c: 1.0 }
    }
}

impl AdversarialLoss for LeastSquares {
    /// `1/2 mean (real - b)² + 1/2 mean (fake - a)²`.
    fn discriminator(&self, scores: &Scores<'_>) -> Result<Variable> {
        Ok(half_square(scores.real, self.b)?.add(&half_square(scores.fake, self.a)?)?)
    }

    /// `1/2 mean (fake - c)²`.
    fn generator(&self, scores: &Scores<'_>) -> Result<Variable> {
        half_square(scores.fake, self.c)
    }

    fn properties(&self) -> Properties {
        let middle = (self.a + self.b) / 2.0;
        Properties {
            generator_uses_real: false,
            compares_samples: false,
            scores: ScoreShape::Any,
            energies: Energies::Refused,
            threshold: Some(middle),
            equilibrium: Some(((self.b - self.a).powi(2) / 4.0, (middle - self.c).powi(2) / 2.0)),
            merging: Merging::Rescaled,
        }
    }

    fn check(&self) -> Result<()> {
        let Self { a, b, c } = *self;
        if a.is_finite() && b.is_finite() && c.is_finite() && a != b {
            return Ok(());
        }
        Err(Error::Recipe(format!(
            "objective.a is {a}, b {b}, c {c}; give finite numbers with a different from b"
        )))
    }

    fn paper(&self) -> &'static str {
        "1611.04076"
    }
}

fn half_square(scores: &Variable, target: f64) -> Result<Variable> {
    Ok(scores.affine(1.0, -target)?.square()?.mean_all()?.scale(0.5)?)
}
