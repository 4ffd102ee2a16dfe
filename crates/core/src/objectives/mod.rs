//! Adversarial losses: pure functions on scores, both players minimise.
//!
//! Scores are raw logits `[batch]`, high for "real" (energies are their negatives). Nothing here forms
//! `ln(sigmoid(x))` from a sigmoid; everything goes through softplus, finite for every finite score.
//!
//! One file is one objective, or a family of them: its fields, both losses, its [`Properties`] and its
//! paper. The table in this file lists them all; everything else follows from it.

mod c_transform;
mod energy_based;
mod f_gan;
mod gan_qp;
mod hinge;
mod least_squares;
mod loss;
mod loss_sensitive;
mod merging;
mod original;
mod recognition;
mod relativistic;
mod scores;
mod wasserstein;

pub use c_transform::{CTransform, TransportCost};
pub use energy_based::{EnergyBased, pull_away};
pub use f_gan::{Divergence, FGan, GeneratorUpdate};
pub use gan_qp::{GanQp, PairDistance};
pub use hinge::Hinge;
pub use least_squares::LeastSquares;
pub use loss::{AdversarialLoss, Energies, Merging, Properties, ScoreShape};
pub use loss_sensitive::LossSensitive;
pub(crate) use merging::SharedPass;
pub use original::{Minimax, NonSaturating};
pub use recognition::{
    binary_cross_entropy, count_correct, cross_entropy, entropies, entropy_of_mean, largest, mean_entropy,
};
pub use relativistic::{
    Relativistic, RelativisticAverage, RelativisticAverageHinge, RelativisticAverageLeastSquares,
};
pub use scores::Scores;
pub use wasserstein::Wasserstein;

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Makes [`Objective`] of a table with a row for each: the kind as recipes have it, and the type.
macro_rules! objectives {
    ($($kind:literal => $name:ident,)*) => {
        /// What the two players minimise, by `objective.kind`.
        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind")]
        pub enum Objective {
            $(
                #[doc = concat!("`", $kind, "`")]
                #[serde(rename = $kind)]
                $name($name),
            )*
        }

        impl Objective {
            /// The kind of each objective, as recipes have it.
            pub const KINDS: &'static [&'static str] = &[$($kind),*];

            /// Each objective with the values its fields have where a recipe gives none, in the order of
            /// [`Self::KINDS`].
            pub fn all() -> Vec<Self> {
                vec![$(Self::$name($name::default())),*]
            }

            /// Its kind, as recipes have it.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => $kind,)*
                }
            }

            /// Its losses and properties.
            pub fn as_loss(&self) -> &dyn AdversarialLoss {
                match self {
                    $(Self::$name(loss) => loss,)*
                }
            }
        }

        $(
            impl From<$name> for Objective {
                fn from(loss: $name) -> Self {
                    Self::$name(loss)
                }
            }
        )*
    };
}

objectives! {
    "minimax" => Minimax,
    "non-saturating" => NonSaturating,
    "least-squares" => LeastSquares,
    "wasserstein" => Wasserstein,
    "hinge" => Hinge,
    "f-gan" => FGan,
    "relativistic" => Relativistic,
    "relativistic-average" => RelativisticAverage,
    "relativistic-average-least-squares" => RelativisticAverageLeastSquares,
    "relativistic-average-hinge" => RelativisticAverageHinge,
    "gan-qp" => GanQp,
    "c-transform" => CTransform,
    "energy-based" => EnergyBased,
    "loss-sensitive" => LossSensitive,
}

impl Objective {
    /// Goodfellow's losses with the saturating generator loss, without smoothing.
    pub const MINIMAX: Self = Self::Minimax(Minimax { real_target: 1.0, fake_target: 0.0 });
    /// Goodfellow's losses with the non-saturating generator loss, without smoothing.
    pub const NON_SATURATING: Self =
        Self::NonSaturating(NonSaturating { real_target: 1.0, fake_target: 0.0 });

    /// The discriminator's loss, a scalar.
    ///
    /// # Errors
    /// As of [`AdversarialLoss::discriminator`].
    pub fn discriminator_loss(&self, scores: &Scores<'_>) -> Result<Variable> {
        self.as_loss().discriminator(scores)
    }

    /// The generator's loss, a scalar.
    ///
    /// # Errors
    /// As of [`AdversarialLoss::generator`].
    pub fn generator_loss(&self, scores: &Scores<'_>) -> Result<Variable> {
        self.as_loss().generator(scores)
    }

    /// What other code decides by.
    pub fn properties(&self) -> Properties {
        self.as_loss().properties()
    }

    /// Refuses values that no loss can have.
    ///
    /// # Errors
    /// If a field has such a value.
    pub fn check(&self) -> Result<()> {
        self.as_loss().check()
    }

    /// Refuses objectives on energies, for a system whose discriminator is no auto-encoder.
    ///
    /// # Errors
    /// If the objective works on nothing but energies.
    pub fn refuse_energies(&self) -> Result<()> {
        match self.properties().energies {
            Energies::Refused | Energies::Accepted => Ok(()),
            Energies::Required => Err(Error::Recipe(format!(
                "objective.kind={} needs energies that are never negative, and this system's discriminator cannot be \
                 an auto-encoder; choose another objective",
                self.kind()
            ))),
        }
    }
}

/// A refusal of `value` for a field of an objective.
fn refuse(key: &str, value: f64, wanted: &str) -> Result<()> {
    Err(Error::Recipe(format!("objective.{key} is {value}; give {wanted}")))
}

/// Refuses `value` unless it is finite and `allowed`.
fn check_range(key: &str, value: f64, allowed: bool, wanted: &str) -> Result<()> {
    if allowed && value.is_finite() { Ok(()) } else { refuse(key, value, wanted) }
}

#[cfg(test)]
mod tests;
