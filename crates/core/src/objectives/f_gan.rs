//! f-GAN (Nowozin et al. 2016, arXiv:1606.00709): the variational bound of any f-divergence
//! `D_F(P || Q) = E_Q F(p / q)`, with `T = g(score)` mapping scores into the conjugate's domain.

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use super::Scores;
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

/// How the generator learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GeneratorUpdate {
    /// It minimises the bound: `-E F*(T(fake))`.
    Exact,
    /// It maximises `E T(fake)`, as the paper does in its experiments: gradients that stay large.
    Trick,
}

/// Scores are cut here before an exponential, so that no loss overflows.
const CEILING: f64 = 20.0;

impl Divergence {
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
    pub(super) fn at_equality(self) -> (f64, f64) {
        match self {
            Self::Kl => (1.0, 0.0),
            Self::ReverseKl => (-1.0, 0.0),
            Self::Gan => (-std::f64::consts::LN_2, -2.0 * std::f64::consts::LN_2),
            _ => (0.0, 0.0),
        }
    }

    /// The score at which `T = F'(1)`.
    pub(super) fn decision_threshold(self, alpha: f64) -> f64 {
        match self {
            Self::Kl => 1.0,
            Self::Alpha if alpha < 1.0 => -(1.0 / (1.0 - alpha)).exp_m1().ln(),
            _ => 0.0,
        }
    }

    /// `-mean T(real) + mean F*(T(fake))`: minus a lower bound of the divergence.
    pub(super) fn discriminator(self, scores: &Scores<'_>, alpha: f64) -> Result<Variable> {
        let real = self.activation(scores.real, alpha)?.mean_all()?;
        Ok(self.conjugate(scores.fake, alpha)?.mean_all()?.sub(&real)?)
    }

    /// `-mean F*(T(fake))`, or `-mean T(fake)`.
    pub(super) fn generator(
        self,
        scores: &Scores<'_>,
        update: GeneratorUpdate,
        alpha: f64,
    ) -> Result<Variable> {
        let value = match update {
            GeneratorUpdate::Exact => self.conjugate(scores.fake, alpha)?,
            GeneratorUpdate::Trick => self.activation(scores.fake, alpha)?,
        };
        Ok(value.mean_all()?.neg()?)
    }
}
