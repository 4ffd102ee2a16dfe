//! f-GAN (Nowozin et al. 2016, arXiv:1606.00709): the variational bound of any f-divergence
//! `D_F(P || Q) = E_Q F(p / q)`, with `T = g(score)` mapping scores into the conjugate's domain.

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use super::{AdversarialLoss, Energies, Merging, Properties, ScoreShape, Scores, refuse};
use crate::error::Result;

/// Which divergence, named from data `P` to generator `Q`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Divergence {
    /// `F(u) = u ln u`.
    Kl,
    /// `F(u) = -ln u`.
    ReverseKl,
    /// `F(u) = (u - 1)²`.
    Pearson,
    /// `F(u) = (1 - u)² / u`.
    Neyman,
    /// `F(u) = (√u - 1)²`.
    SquaredHellinger,
    /// `F(u) = u ln u - (1 + u) ln((1 + u) / 2)`: twice the Jensen-Shannon divergence.
    JensenShannon,
    /// `F(u) = u ln u - (1 + u) ln(1 + u)`: the original GAN.
    Gan,
    /// `F(u) = |u - 1| / 2`.
    TotalVariation,
    /// `F(u) = (u^a - 1 - a (u - 1)) / (a (a - 1))`.
    Alpha,
}

/// What the generator minimises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GeneratorUpdate {
    /// The bound: `-E F*(T(fake))`.
    Exact,
    /// `-E T(fake)`, as the paper does in its experiments: gradients that stay large.
    Trick,
}

/// Scores are cut here before an exponential, so that no loss overflows.
const CEILING: f64 = 20.0;

impl Divergence {
    /// Every divergence.
    pub const ALL: [Self; 9] = [
        Self::Kl,
        Self::ReverseKl,
        Self::Pearson,
        Self::Neyman,
        Self::SquaredHellinger,
        Self::JensenShannon,
        Self::Gan,
        Self::TotalVariation,
        Self::Alpha,
    ];

    /// `T = g(v)`, increasing in the score.
    fn activation(self, v: &Variable, alpha: f64) -> Result<Variable> {
        let log_sigmoid = || v.log_sigmoid();
        Ok(match self {
            Self::Kl | Self::Pearson => v.clone(),
            Self::ReverseKl => v.neg()?.safe_exp(CEILING)?.neg()?,
            Self::Neyman | Self::SquaredHellinger => v.neg()?.safe_exp(CEILING)?.affine(-1.0, 1.0)?,
            Self::JensenShannon => log_sigmoid()?.affine(1.0, std::f64::consts::LN_2)?,
            Self::Gan => log_sigmoid()?,
            Self::TotalVariation => v.tanh()?.scale(0.5)?,
            Self::Alpha if alpha > 1.0 => v.clone(),
            Self::Alpha => log_sigmoid()?.affine(1.0, 1.0 / (1.0 - alpha))?,
        })
    }

    /// `F*(g(v))`, simplified so that it is finite for every score.
    fn conjugate(self, v: &Variable, alpha: f64) -> Result<Variable> {
        Ok(match self {
            Self::Kl => v.affine(1.0, -1.0)?.safe_exp(CEILING)?,
            Self::ReverseKl => v.affine(1.0, -1.0)?,
            Self::Pearson => v.square()?.scale(0.25)?.add(v)?,
            Self::Neyman => v.scale(-0.5)?.safe_exp(CEILING)?.affine(-2.0, 2.0)?,
            Self::SquaredHellinger => v.safe_exp(CEILING)?.affine(1.0, -1.0)?,
            Self::JensenShannon => v.softplus()?.affine(1.0, -std::f64::consts::LN_2)?,
            Self::Gan => v.softplus()?,
            Self::TotalVariation => v.tanh()?.scale(0.5)?,
            Self::Alpha => {
                let base = self.activation(v, alpha)?.affine(alpha - 1.0, 1.0)?.clamp(1e-6, 1e12)?;
                base.powf(alpha / (alpha - 1.0))?.affine(1.0 / alpha, -1.0 / alpha)?
            }
        })
    }

    /// `F'(1)`, above which `T` says real, and `F(1)`.
    fn at_equality(self) -> (f64, f64) {
        match self {
            Self::Kl => (1.0, 0.0),
            Self::ReverseKl => (-1.0, 0.0),
            Self::Gan => (-std::f64::consts::LN_2, -2.0 * std::f64::consts::LN_2),
            Self::Pearson
            | Self::Neyman
            | Self::SquaredHellinger
            | Self::JensenShannon
            | Self::TotalVariation
            | Self::Alpha => (0.0, 0.0),
        }
    }

    /// The score at which `T = F'(1)`.
    fn threshold(self, alpha: f64) -> f64 {
        match self {
            Self::Kl => 1.0,
            Self::Alpha if alpha < 1.0 => -(1.0 / (1.0 - alpha)).exp_m1().ln(),
            Self::ReverseKl
            | Self::Pearson
            | Self::Neyman
            | Self::SquaredHellinger
            | Self::JensenShannon
            | Self::Gan
            | Self::TotalVariation
            | Self::Alpha => 0.0,
        }
    }
}

/// The bound of an f-divergence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FGan {
    /// Which.
    pub divergence: Divergence,
    /// What the generator minimises.
    pub update: GeneratorUpdate,
    /// The exponent of the alpha divergence, neither 0 nor 1.
    pub alpha: f64,
}

impl Default for FGan {
    fn default() -> Self {
        Self { divergence: Divergence::Kl, update: GeneratorUpdate::Trick, alpha: 0.5 }
    }
}

impl AdversarialLoss for FGan {
    /// `-mean T(real) + mean F*(T(fake))`: minus a lower bound of the divergence.
    fn discriminator(&self, scores: &Scores<'_>) -> Result<Variable> {
        let real = self.divergence.activation(scores.real, self.alpha)?.mean_all()?;
        Ok(self.divergence.conjugate(scores.fake, self.alpha)?.mean_all()?.sub(&real)?)
    }

    /// `-mean F*(T(fake))`, or `-mean T(fake)`.
    fn generator(&self, scores: &Scores<'_>) -> Result<Variable> {
        let value = match self.update {
            GeneratorUpdate::Exact => self.divergence.conjugate(scores.fake, self.alpha)?,
            GeneratorUpdate::Trick => self.divergence.activation(scores.fake, self.alpha)?,
        };
        Ok(value.mean_all()?.neg()?)
    }

    fn properties(&self) -> Properties {
        let (slope, value) = self.divergence.at_equality();
        let generator = match self.update {
            GeneratorUpdate::Exact => value - slope,
            GeneratorUpdate::Trick => -slope,
        };
        Properties {
            generator_uses_real: false,
            compares_samples: false,
            scores: ScoreShape::Any,
            energies: Energies::Refused,
            threshold: Some(self.divergence.threshold(self.alpha)),
            equilibrium: Some((-value, generator)),
            merging: Merging::Rescaled,
        }
    }

    fn check(&self) -> Result<()> {
        let alpha = self.alpha;
        match self.divergence {
            Divergence::Alpha if !alpha.is_finite() || alpha == 0.0 || alpha == 1.0 => {
                refuse("alpha", alpha, "a number other than 0 (reverse-kl) and 1 (kl)")
            }
            Divergence::Kl
            | Divergence::ReverseKl
            | Divergence::Pearson
            | Divergence::Neyman
            | Divergence::SquaredHellinger
            | Divergence::JensenShannon
            | Divergence::Gan
            | Divergence::TotalVariation
            | Divergence::Alpha => Ok(()),
        }
    }

    fn paper(&self) -> &'static str {
        "1606.00709"
    }
}
