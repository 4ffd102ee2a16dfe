//! Adversarial losses: pure functions on scores, both players minimise.
//!
//! Scores are raw logits `[batch]`, high for "real". Nothing here forms `ln(sigmoid(x))` from a
//! sigmoid; everything goes through softplus, finite for every finite score.

mod minimax;
mod non_saturating;

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// What the discriminator said about a real and a generated batch.
pub struct Scores<'a> {
    /// Scores of real samples, `[batch]`.
    pub real: &'a Variable,
    /// Scores of generated samples, `[batch]`.
    pub fake: &'a Variable,
}

/// What the two players minimise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Objective {
    /// Goodfellow's game with the saturating generator loss.
    Minimax {},
    /// Goodfellow's game with the generator loss that keeps a gradient.
    NonSaturating {},
}

impl Objective {
    /// The discriminator's loss, a scalar.
    pub fn discriminator_loss(&self, scores: &Scores<'_>) -> Result<Variable> {
        match self {
            Self::Minimax {} | Self::NonSaturating {} => minimax::discriminator(scores),
        }
    }

    /// The generator's loss, a scalar.
    pub fn generator_loss(&self, scores: &Scores<'_>) -> Result<Variable> {
        match self {
            Self::Minimax {} => minimax::generator(scores),
            Self::NonSaturating {} => non_saturating::generator(scores),
        }
    }

    /// The score above which a sample counts as judged real, where the objective has one.
    pub fn decision_threshold(&self) -> Option<f64> {
        match self {
            Self::Minimax {} | Self::NonSaturating {} => Some(0.0),
        }
    }

    /// Both losses when the discriminator cannot tell at all, `(discriminator, generator)`, for the lines
    /// in the history picture.
    pub fn equilibrium(&self) -> Option<(f64, f64)> {
        let two = std::f64::consts::LN_2;
        match self {
            Self::Minimax {} => Some((2.0 * two, -two)),
            Self::NonSaturating {} => Some((2.0 * two, two)),
        }
    }
}
