//! Constraints that hold without a term in the loss.

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::modules::Reparametrisation;

/// How a critic is kept from growing steep.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Constraint {
    /// It is not.
    None {},
    /// Every weight is cut to `[-bound, bound]` after each of its steps (Arjovsky et al. 2017, arXiv:1701.07875).
    Clip {
        /// The largest weight.
        #[serde(default = "hundredth")]
        bound: f64,
    },
    /// Every weight matrix is divided by its largest singular value (Miyato et al. 2018, arXiv:1802.05957).
    Spectral {},
    /// GN-GAN: the score becomes `s / (|∇s| + |s|)`, whose slope is at most 1 where the critic is piecewise
    /// linear (Wu et al. 2021, arXiv:2109.02235).
    GradientNormalization {},
    /// GraN-GAN: the score becomes `factor s |∇s| / (|∇s|² + epsilon)`, of slope about `factor` where the critic
    /// is piecewise linear (Bhaskara et al. 2021, arXiv:2111.03162).
    GranNormalization {
        /// Keeps the score bounded where the critic is flat.
        #[serde(default = "tenth")]
        epsilon: f64,
        /// The slope.
        #[serde(default = "one")]
        factor: f64,
    },
}

fn hundredth() -> f64 {
    0.01
}

fn tenth() -> f64 {
    0.1
}

fn one() -> f64 {
    1.0
}

impl Default for Constraint {
    fn default() -> Self {
        Self::None {}
    }
}

impl Constraint {
    /// How a discriminator that it constrains uses its weights.
    pub fn reparametrisation(&self) -> Reparametrisation {
        match self {
            Self::Spectral {} => Reparametrisation::Spectral,
            Self::None {}
            | Self::Clip { .. }
            | Self::GradientNormalization {}
            | Self::GranNormalization { .. } => Reparametrisation::Plain,
        }
    }

    /// Refuses values that no constraint can have.
    pub fn check(&self) -> Result<()> {
        let (key, value) = match *self {
            Self::Clip { bound } => ("bound", bound),
            Self::GranNormalization { epsilon, factor } if factor > 0.0 && factor.is_finite() => {
                ("epsilon", epsilon)
            }
            Self::GranNormalization { factor, .. } => ("factor", factor),
            Self::None {} | Self::Spectral {} | Self::GradientNormalization {} => return Ok(()),
        };
        if value > 0.0 && value.is_finite() {
            return Ok(());
        }
        Err(Error::Recipe(format!("constraint.{key} is {value}; give a positive number")))
    }

    /// The largest weight after each step, where weights are cut.
    pub fn clip_bound(&self) -> Option<f64> {
        match *self {
            Self::Clip { bound } => Some(bound),
            Self::None {}
            | Self::Spectral {}
            | Self::GradientNormalization {}
            | Self::GranNormalization { .. } => None,
        }
    }

    /// Whether it needs the gradient of the scores by the samples, in both players' updates.
    pub fn normalizes_gradients(&self) -> bool {
        match self {
            Self::GradientNormalization {} | Self::GranNormalization { .. } => true,
            Self::None {} | Self::Clip { .. } | Self::Spectral {} => false,
        }
    }

    /// The scores `[batch]` normalised by the gradients `[batch, ...]` of the scores by the samples, differentiable;
    /// `gradients` is asked for them only where [`Constraint::normalizes_gradients`].
    ///
    /// # Errors
    /// As of `gradients`, or if the shapes do not fit.
    pub fn normalize(
        &self,
        scores: &Variable,
        gradients: impl FnOnce() -> Result<Variable>,
    ) -> Result<Variable> {
        match *self {
            Self::None {} | Self::Clip { .. } | Self::Spectral {} => Ok(scores.clone()),
            Self::GradientNormalization {} => {
                // Only a flat critic with scores of 0 would be divided by 0.
                let size = gradients()?.sample_norm()?.add(&scores.abs()?)?.affine(1.0, 1e-12)?;
                Ok(scores.div(&size)?)
            }
            Self::GranNormalization { epsilon, factor } => {
                let gradients = gradients()?;
                let slope = gradients.sample_norm()?.scale(factor)?;
                Ok(scores.mul(&slope)?.div(&gradients.sample_square()?.affine(1.0, epsilon)?)?)
            }
        }
    }
}
