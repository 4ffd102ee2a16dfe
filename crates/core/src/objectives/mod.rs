//! Adversarial losses: pure functions on scores, both players minimise.
//!
//! Scores are raw logits `[batch]`, high for "real" (energies are their negatives). Nothing here forms
//! `ln(sigmoid(x))` from a sigmoid; everything goes through softplus, finite for every finite score.

mod c_transform;
mod energy_based;
mod f_gan;
mod hinge;
mod least_squares;
mod loss_sensitive;
mod minimax;
mod non_saturating;
mod quadratic_potential;
mod recognition;
mod relativistic;
mod rescaling;
mod wasserstein;

pub use c_transform::TransportCost;
pub use energy_based::pull_away;
pub use f_gan::{Divergence, GeneratorUpdate};
pub use quadratic_potential::PairDistance;
pub use recognition::{count_correct, cross_entropy, entropies, entropy_of_mean, largest, mean_entropy};

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What the discriminator said about a real and a generated batch.
#[derive(Clone, Copy)]
pub struct Scores<'a> {
    /// Scores of real samples, `[batch]`.
    pub real: &'a Variable,
    /// Scores of generated samples, `[batch]`.
    pub fake: &'a Variable,
    /// The real and the generated samples themselves, `[batch, sample...]`, for objectives that compare them.
    pub samples: Option<(&'a Variable, &'a Variable)>,
    /// The discriminator's features of the generated samples, `[batch, features]`.
    pub fake_features: Option<&'a Variable>,
}

impl<'a> Scores<'a> {
    /// Scores alone.
    pub fn new(real: &'a Variable, fake: &'a Variable) -> Self {
        Self { real, fake, samples: None, fake_features: None }
    }

    /// The real and the generated samples.
    fn samples(&self, objective: &str) -> Result<(&'a Variable, &'a Variable)> {
        self.samples
            .ok_or_else(|| Error::Network(format!("the objective {objective} needs the samples themselves")))
    }
}

/// What the two players minimise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Objective {
    /// Goodfellow's game with the saturating generator loss.
    Minimax {
        /// The discriminator's target for real samples; less than 1 smooths the label.
        #[serde(default = "one")]
        real_target: f64,
        /// The discriminator's target for fakes.
        #[serde(default)]
        fake_target: f64,
    },
    /// Goodfellow's game with the generator loss that keeps a gradient.
    NonSaturating {
        /// The discriminator's target for real samples; less than 1 smooths the label.
        #[serde(default = "one")]
        real_target: f64,
        /// The discriminator's target for fakes.
        #[serde(default)]
        fake_target: f64,
    },
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
    /// The bound of an f-divergence.
    FGan {
        /// Which.
        #[serde(default = "kl")]
        divergence: Divergence,
        /// What the generator minimises.
        #[serde(default = "trick")]
        update: GeneratorUpdate,
        /// The exponent of the alpha divergence, neither 0 nor 1.
        #[serde(default = "half")]
        alpha: f64,
    },
    /// Real against fake, pair by pair.
    Relativistic {},
    /// Each sample against the other side's mean.
    RelativisticAverage {},
    /// The same with squared distances.
    RelativisticAverageLeastSquares {},
    /// The same with hinges.
    RelativisticAverageHinge {},
    /// A quadratic potential over pairs.
    GanQp {
        /// The factor of the pairs' distance in the best lead.
        #[serde(default = "ten")]
        lambda: f64,
        /// The pairs' distance.
        #[serde(default = "l1")]
        distance: PairDistance,
    },
    /// Optimal transport between the batches.
    CTransform {
        /// The cost of moving.
        #[serde(default = "euclidean")]
        cost: TransportCost,
        /// The softness of the minimum; 0 is the exact one.
        #[serde(default)]
        epsilon: f64,
    },
    /// Energies with a margin.
    EnergyBased {
        /// The energy above which a fake is left alone.
        #[serde(default = "one")]
        margin: f64,
        /// Whether that energy is `margin` times the mean energy of the real samples instead, so that it falls as the
        /// auto-encoder learns.
        #[serde(default)]
        relative: bool,
        /// The weight of the pull-away term in the generator's loss.
        #[serde(default = "tenth")]
        pull_away: f64,
    },
    /// Losses with margins that grow with the distance of the pair.
    LossSensitive {
        /// The margin for each unit of the pair's L1 distance.
        #[serde(default = "small")]
        lambda: f64,
        /// The weight of the real samples' own loss.
        #[serde(default)]
        gamma: f64,
        /// The slope of the cost below zero.
        #[serde(default)]
        slope: f64,
    },
}

fn one() -> f64 {
    1.0
}

fn half() -> f64 {
    0.5
}

fn ten() -> f64 {
    10.0
}

fn tenth() -> f64 {
    0.1
}

fn small() -> f64 {
    2e-4
}

fn kl() -> Divergence {
    Divergence::Kl
}

fn trick() -> GeneratorUpdate {
    GeneratorUpdate::Trick
}

fn l1() -> PairDistance {
    PairDistance::L1
}

fn euclidean() -> TransportCost {
    TransportCost::Euclidean
}

impl Objective {
    /// Goodfellow's saturating game, without smoothing.
    pub const MINIMAX: Self = Self::Minimax { real_target: 1.0, fake_target: 0.0 };
    /// Goodfellow's game as played in practice, without smoothing.
    pub const NON_SATURATING: Self = Self::NonSaturating { real_target: 1.0, fake_target: 0.0 };

    /// The discriminator's loss, a scalar.
    pub fn discriminator_loss(&self, scores: &Scores<'_>) -> Result<Variable> {
        let (real, fake) = (scores.real, scores.fake);
        match *self {
            Self::Minimax { real_target, fake_target } | Self::NonSaturating { real_target, fake_target } => {
                minimax::discriminator(scores, real_target, fake_target)
            }
            Self::LeastSquares { a, b, .. } => least_squares::discriminator(scores, a, b),
            Self::Wasserstein {} => wasserstein::discriminator(scores),
            Self::Hinge {} => hinge::discriminator(scores),
            Self::FGan { divergence, alpha, .. } => divergence.discriminator(scores, alpha),
            Self::Relativistic {} => relativistic::paired(real, fake),
            Self::RelativisticAverage {} => relativistic::average(real, fake),
            Self::RelativisticAverageLeastSquares {} => relativistic::average_least_squares(real, fake),
            Self::RelativisticAverageHinge {} => relativistic::average_hinge(real, fake),
            Self::GanQp { lambda, distance } => quadratic_potential::discriminator(scores, lambda, distance),
            Self::CTransform { cost, epsilon } => c_transform::discriminator(scores, cost, epsilon),
            Self::EnergyBased { margin, relative, .. } => {
                energy_based::discriminator(scores, margin, relative)
            }
            Self::LossSensitive { lambda, gamma, slope } => {
                loss_sensitive::discriminator(scores, lambda, gamma, slope)
            }
        }
    }

    /// The generator's loss, a scalar.
    pub fn generator_loss(&self, scores: &Scores<'_>) -> Result<Variable> {
        let (real, fake) = (scores.real, scores.fake);
        match *self {
            Self::Minimax { .. } => minimax::generator(scores),
            Self::NonSaturating { .. } => non_saturating::generator(scores),
            Self::LeastSquares { c, .. } => least_squares::generator(scores, c),
            Self::Wasserstein {} | Self::Hinge {} | Self::LossSensitive { .. } => {
                wasserstein::generator(scores)
            }
            Self::FGan { divergence, update, alpha } => divergence.generator(scores, update, alpha),
            Self::Relativistic {} => relativistic::paired(fake, real),
            Self::RelativisticAverage {} => relativistic::average(fake, real),
            Self::RelativisticAverageLeastSquares {} => relativistic::average_least_squares(fake, real),
            Self::RelativisticAverageHinge {} => relativistic::average_hinge(fake, real),
            Self::GanQp { .. } => quadratic_potential::generator(scores),
            Self::CTransform { cost, epsilon } => c_transform::generator(scores, cost, epsilon),
            Self::EnergyBased { pull_away, .. } => energy_based::generator(scores, pull_away),
        }
    }

    /// Whether the generator's loss looks at real samples or their scores.
    pub fn generator_sees_real(&self) -> bool {
        matches!(
            self,
            Self::Relativistic {}
                | Self::RelativisticAverage {}
                | Self::RelativisticAverageLeastSquares {}
                | Self::RelativisticAverageHinge {}
                | Self::GanQp { .. }
                | Self::CTransform { .. }
        )
    }

    /// Whether the losses compare the samples themselves.
    pub fn compares_samples(&self) -> bool {
        match self {
            Self::GanQp { .. } | Self::CTransform { .. } | Self::LossSensitive { .. } => true,
            Self::Minimax { .. }
            | Self::NonSaturating { .. }
            | Self::LeastSquares { .. }
            | Self::Wasserstein {}
            | Self::Hinge {}
            | Self::FGan { .. }
            | Self::Relativistic {}
            | Self::RelativisticAverage {}
            | Self::RelativisticAverageLeastSquares {}
            | Self::RelativisticAverageHinge {}
            | Self::EnergyBased { .. } => false,
        }
    }

    /// Whether the losses are means of functions of single scores, so that maps of scores work.
    pub fn takes_score_maps(&self) -> bool {
        !self.compares_samples() && !matches!(self, Self::EnergyBased { .. })
    }

    /// Refuses values that no loss can have.
    pub fn check(&self) -> Result<()> {
        let refuse = |key: &str, value: f64, wanted: &str| {
            Err(Error::Recipe(format!("objective.{key} is {value}; give {wanted}")))
        };
        let positive = |value: f64| value > 0.0 && value.is_finite();
        match *self {
            Self::Minimax { real_target: real, fake_target: fake }
            | Self::NonSaturating { real_target: real, fake_target: fake }
                if !(0.0 <= fake && fake < real && real <= 1.0) =>
            {
                Err(Error::Recipe(format!(
                    "objective.real_target is {real} and objective.fake_target {fake}; give numbers with \
                     0 <= fake_target < real_target <= 1"
                )))
            }
            Self::LeastSquares { a, b, c }
                if !(a.is_finite() && b.is_finite() && c.is_finite() && a != b) =>
            {
                Err(Error::Recipe(format!(
                    "objective.a is {a}, b {b}, c {c}; give finite numbers with a different from b"
                )))
            }
            Self::FGan { divergence: Divergence::Alpha, alpha, .. }
                if !alpha.is_finite() || alpha == 0.0 || alpha == 1.0 =>
            {
                refuse("alpha", alpha, "a number other than 0 (reverse-kl) and 1 (kl)")
            }
            Self::GanQp { lambda, .. } | Self::LossSensitive { lambda, .. } if !positive(lambda) => {
                refuse("lambda", lambda, "a positive number")
            }
            Self::LossSensitive { gamma, .. } if !(gamma >= 0.0 && gamma.is_finite()) => {
                refuse("gamma", gamma, "0 or more")
            }
            Self::LossSensitive { slope, .. } if !(0.0..=1.0).contains(&slope) => {
                refuse("slope", slope, "0 to 1")
            }
            Self::CTransform { epsilon, .. } if !(epsilon >= 0.0 && epsilon.is_finite()) => {
                refuse("epsilon", epsilon, "0 or more")
            }
            Self::EnergyBased { margin, relative: true, .. } if !(margin > 1.0 && margin.is_finite()) => {
                refuse("margin", margin, "more than 1 with objective.relative=true: fakes are not to be real")
            }
            Self::EnergyBased { margin, .. } if !positive(margin) => {
                refuse("margin", margin, "a positive number")
            }
            Self::EnergyBased { pull_away, .. } if !(pull_away >= 0.0 && pull_away.is_finite()) => {
                refuse("pull_away", pull_away, "0 or more")
            }
            _ => Ok(()),
        }
    }

    /// The score above which a sample counts as judged real, where the objective has one.
    pub fn decision_threshold(&self) -> Option<f64> {
        match *self {
            Self::Minimax { .. } | Self::NonSaturating { .. } | Self::Hinge {} => Some(0.0),
            Self::LeastSquares { a, b, .. } => Some((a + b) / 2.0),
            Self::FGan { divergence, alpha, .. } => Some(divergence.decision_threshold(alpha)),
            _ => None,
        }
    }

    /// Both losses when the discriminator cannot tell at all, `(discriminator, generator)`, for the lines
    /// in the history picture.
    pub fn equilibrium(&self) -> Option<(f64, f64)> {
        let ln_2 = std::f64::consts::LN_2;
        let smoothed = |real: f64, fake: f64| {
            // The best constant answer to both labels.
            let mean = (real + fake) / 2.0;
            let entropy = |p: f64| if p > 0.0 { -p * p.ln() } else { 0.0 };
            (2.0 * (entropy(mean) + entropy(1.0 - mean)), mean)
        };
        match *self {
            Self::Minimax { real_target, fake_target } => {
                let (loss, mean) = smoothed(real_target, fake_target);
                Some((loss, (1.0 - mean).ln()))
            }
            Self::NonSaturating { real_target, fake_target } => {
                let (loss, mean) = smoothed(real_target, fake_target);
                Some((loss, -mean.ln()))
            }
            Self::LeastSquares { a, b, c } => {
                let middle = (a + b) / 2.0;
                Some(((b - a).powi(2) / 4.0, (middle - c).powi(2) / 2.0))
            }
            Self::Hinge {} => Some((2.0, 0.0)),
            Self::FGan { divergence, update, .. } => {
                let (slope, value) = divergence.at_equality();
                let generator = match update {
                    GeneratorUpdate::Exact => value - slope,
                    GeneratorUpdate::Trick => -slope,
                };
                Some((-value, generator))
            }
            Self::Relativistic {} => Some((ln_2, ln_2)),
            Self::RelativisticAverage {} => Some((2.0 * ln_2, 2.0 * ln_2)),
            Self::RelativisticAverageLeastSquares {} | Self::RelativisticAverageHinge {} => Some((2.0, 2.0)),
            Self::Wasserstein {} => Some((0.0, 0.0)),
            Self::GanQp { .. }
            | Self::CTransform { .. }
            | Self::EnergyBased { .. }
            | Self::LossSensitive { .. } => None,
        }
    }
}
