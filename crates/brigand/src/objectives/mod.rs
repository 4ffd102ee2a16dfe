//! Adversarial losses: pure functions on scores, both players minimise.
//!
//! Scores are raw logits `[batch]`, high for "real". Nothing here forms `ln(sigmoid(x))` from a
//! sigmoid; everything goes through softplus, finite for every finite score.

mod hinge;
mod least_squares;
mod minimax;
mod non_saturating;
mod wasserstein;

use brigand_autograd::{Variable, grad};
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
    /// Squared distances to targets: `a` for fakes, `b` for real samples, `c` what the generator wants.
    LeastSquares {
        /// The discriminator's target for fakes.
        #[serde(default)]
        a: f64,
        /// The discriminator's target for real samples.
        #[serde(default = "one")]
        b: f64,
        /// The generator's target for its fakes.
        #[serde(default = "one")]
        c: f64,
    },
    /// Differences of mean scores; the critic must be kept Lipschitz.
    Wasserstein {},
    /// Hinges at 1 and -1.
    Hinge {},
}

fn one() -> f64 {
    1.0
}

impl Objective {
    /// The discriminator's loss, a scalar.
    pub fn discriminator_loss(&self, scores: &Scores<'_>) -> Result<Variable> {
        match self {
            Self::Minimax {} | Self::NonSaturating {} => minimax::discriminator(scores),
            Self::LeastSquares { a, b, .. } => least_squares::discriminator(scores, *a, *b),
            Self::Wasserstein {} => wasserstein::discriminator(scores),
            Self::Hinge {} => hinge::discriminator(scores),
        }
    }

    /// The generator's loss, a scalar.
    pub fn generator_loss(&self, scores: &Scores<'_>) -> Result<Variable> {
        match self {
            Self::Minimax {} => minimax::generator(scores),
            Self::NonSaturating {} => non_saturating::generator(scores),
            Self::LeastSquares { c, .. } => least_squares::generator(scores, *c),
            Self::Wasserstein {} | Self::Hinge {} => wasserstein::generator(scores),
        }
    }

    /// The score above which a sample counts as judged real, where the objective has one.
    pub fn decision_threshold(&self) -> Option<f64> {
        match self {
            Self::Minimax {} | Self::NonSaturating {} | Self::Hinge {} => Some(0.0),
            Self::LeastSquares { a, b, .. } => Some((a + b) / 2.0),
            Self::Wasserstein {} => None,
        }
    }

    /// Both losses when the discriminator cannot tell at all, `(discriminator, generator)`, for the lines
    /// in the history picture.
    pub fn equilibrium(&self) -> Option<(f64, f64)> {
        let ln_2 = std::f64::consts::LN_2;
        match self {
            Self::Minimax {} => Some((2.0 * ln_2, -ln_2)),
            Self::NonSaturating {} => Some((2.0 * ln_2, ln_2)),
            Self::LeastSquares { a, b, c } => {
                let middle = (a + b) / 2.0;
                Some(((b - a).powi(2) / 4.0, (middle - c).powi(2) / 2.0))
            }
            Self::Wasserstein {} => Some((0.0, 0.0)),
            Self::Hinge {} => Some((2.0, 0.0)),
        }
    }

    /// How much each fake's gradient changes from the discriminator's loss to the generator's:
    /// `g_i / d_i` of the two losses' derivatives by the fake scores, `[batch]`.
    ///
    /// `None` where one pass cannot serve both players: a fake that the discriminator's loss ignores
    /// (hinge), or a ratio too large for single precision.
    pub(crate) fn fake_rescaling(&self, scores: &Scores<'_>) -> Result<Option<Variable>> {
        let fake = Variable::leaf(scores.fake.tensor().clone());
        let real = scores.real.detach();
        let apart = Scores { real: &real, fake: &fake };
        let slope = |loss: Variable| grad(&loss, &[&fake], false);
        let discriminator = slope(self.discriminator_loss(&apart)?)?;
        let generator = slope(self.generator_loss(&apart)?)?;
        let ([discriminator], [generator]) = (discriminator.as_slice(), generator.as_slice()) else {
            return Ok(None);
        };
        let ratio = generator.div(discriminator)?;
        let bearable = ratio.to_vec_f32()?.iter().all(|value| value.abs() < 1e6);
        Ok(bearable.then_some(ratio))
    }
}
