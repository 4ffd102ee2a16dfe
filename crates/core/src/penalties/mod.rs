//! Penalties and constraints on a critic's gradient. A penalty takes the gradient at the points of a [`Probe`] and
//! penalises its norm by a [`Cost`]; a [`Constraint`] holds without a term in the loss.
//!
//! | name | probe | cost | weight |
//! |---|---|---|---|
//! | WGAN-GP (arXiv:1704.00028) | line | two-sided | 10 |
//! | WGAN-LP (arXiv:1709.08894) | line | one-sided | 10 |
//! | DRAGAN (arXiv:1705.07215) | around-real | two-sided | 10 |
//! | WGAN-LP, its other sampling | around-both | one-sided | 10 |
//! | R1 (arXiv:1801.04406) | real | squared | gamma / 2 |
//! | R2 | fake | squared | gamma / 2 |
//! | R1 + R2 (R3GAN, arXiv:2501.05441) | both | squared | gamma / 2 |
//! | WGAN-div (arXiv:1712.01026) | line | sixth-power | 2 |
//! | WGAN-GP of score maps (SinGAN, arXiv:1905.01164) | line | two-sided-by-position | 0.1 |

mod constraint;

pub use constraint::Constraint;

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The points at which a critic's gradient is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Probe {
    /// `e x + (1 - e) y` between a real and a fake sample, one `e ~ U[0, 1]` for each pair.
    Line,
    /// The real samples.
    Real,
    /// The fake samples.
    Fake,
    /// The real and the fake samples; the cost is the sum of both sides' means.
    Both,
    /// `x + (1 - e) 0.5 std(x) u`: real samples moved by noise `u ~ U[0, 1]` of each element, with one
    /// standard deviation over the whole batch and one `e` for each sample.
    AroundReal,
    /// `x + 0.5 std(X) u`: real and fake samples moved by noise `u ~ U[0, 1]` of each element, with one standard
    /// deviation over all of them.
    AroundBoth,
}

/// How the gradient's norm is penalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cost {
    /// `mean (|g| - 1)²`.
    TwoSided,
    /// `mean max(0, |g| - 1)²`.
    OneSided,
    /// `mean |g|²`.
    Squared,
    /// `mean |g|⁶`.
    SixthPower,
    /// `mean (|g_p| - 1)²` over samples and positions `p` of maps `[batch, channels, ...]`, `g_p` being the gradient by the
    /// channels of one position: what each position changes in the sum of a map of scores (SinGAN, arXiv:1905.01164).
    TwoSidedByPosition,
}

/// A term added to the discriminator's loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Penalty {
    /// Nothing is added.
    None {},
    /// A cost of the critic's gradient by its input.
    Gradient {
        /// Where.
        #[serde(default = "line")]
        probe: Probe,
        /// How the norm is penalised.
        #[serde(default = "two_sided")]
        cost: Cost,
        /// The factor.
        #[serde(default = "ten")]
        weight: f64,
    },
}

fn line() -> Probe {
    Probe::Line
}

fn two_sided() -> Cost {
    Cost::TwoSided
}

fn ten() -> f64 {
    10.0
}

impl Default for Penalty {
    fn default() -> Self {
        Self::None {}
    }
}

impl Penalty {
    /// The penalty of Gulrajani et al.: two-sided, on lines between real and fake, weight 10.
    pub const WGAN_GP: Self = Self::Gradient { probe: Probe::Line, cost: Cost::TwoSided, weight: 10.0 };

    /// Refuses a weight that no penalty can have.
    pub fn check(&self) -> Result<()> {
        match *self {
            Self::Gradient { weight, .. } if !(weight > 0.0 && weight.is_finite()) => Err(Error::Recipe(
                format!("penalty.weight is {weight}; give a positive number, or set penalty.kind=none"),
            )),
            Self::None {} | Self::Gradient { .. } => Ok(()),
        }
    }

    /// Whether it takes the gradient of a gradient.
    pub fn is_active(&self) -> bool {
        match self {
            Self::None {} => false,
            Self::Gradient { .. } => true,
        }
    }
}

impl Cost {
    /// Whether it takes the gradient of each position of a map apart.
    pub fn is_by_position(self) -> bool {
        match self {
            Self::TwoSided | Self::OneSided | Self::Squared | Self::SixthPower => false,
            Self::TwoSidedByPosition => true,
        }
    }

    /// The mean cost of the gradients `[batch, ...]` of the scores by the samples.
    pub fn of(self, gradient: &Variable) -> Result<Variable> {
        let excess = || gradient.sample_norm()?.affine(1.0, -1.0);
        Ok(match self {
            Self::TwoSided => excess()?.square()?,
            Self::OneSided => excess()?.relu()?.square()?,
            Self::Squared => gradient.sample_square()?,
            Self::SixthPower => gradient.sample_square()?.powf(3.0)?,
            Self::TwoSidedByPosition => {
                gradient.square()?.sum(&[1])?.safe_sqrt()?.affine(1.0, -1.0)?.square()?
            }
        }
        .mean_all()?)
    }
}
