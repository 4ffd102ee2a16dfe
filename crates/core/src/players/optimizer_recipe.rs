//! Which optimizer, and its settings.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Which optimizer, and its settings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum OptimizerRecipe {
    /// Adam (Kingma and Ba 2014, arXiv:1412.6980) with bias correction, as PyTorch computes it.
    Adam {
        /// Step size.
        #[serde(default = "adam::learning_rate")]
        learning_rate: f64,
        /// Decay of the first moment.
        #[serde(default = "adam::beta1")]
        beta1: f64,
        /// Decay of the second moment.
        #[serde(default = "adam::beta2")]
        beta2: f64,
        /// Added to the root of the second moment.
        #[serde(default = "adam::epsilon")]
        epsilon: f64,
        /// Decay of the weights themselves, apart from the gradient (AdamW, arXiv:1711.05101).
        #[serde(default)]
        weight_decay: f64,
    },
    /// RMSProp (Hinton 2012), as PyTorch computes it.
    Rmsprop {
        /// Step size.
        #[serde(default = "rmsprop::learning_rate")]
        learning_rate: f64,
        /// Decay of the mean square.
        #[serde(default = "rmsprop::alpha")]
        alpha: f64,
        /// Added to the root of the mean square.
        #[serde(default = "adam::epsilon")]
        epsilon: f64,
        /// Decay of the accumulated steps.
        #[serde(default)]
        momentum: f64,
    },
    /// Gradient descent with momentum.
    Sgd {
        /// Step size.
        #[serde(default = "sgd::learning_rate")]
        learning_rate: f64,
        /// Decay of the accumulated gradients.
        #[serde(default)]
        momentum: f64,
    },
}

/// DCGAN's values (arXiv:1511.06434, section 4).
mod adam {
    pub(super) const fn learning_rate() -> f64 {
        2e-4
    }
    pub(super) const fn beta1() -> f64 {
        0.5
    }
    pub(super) const fn beta2() -> f64 {
        0.999
    }
    pub(super) const fn epsilon() -> f64 {
        1e-8
    }
}

/// The Wasserstein GAN's values (arXiv:1701.07875).
mod rmsprop {
    pub(super) const fn learning_rate() -> f64 {
        5e-5
    }
    pub(super) const fn alpha() -> f64 {
        0.99
    }
}

mod sgd {
    pub(super) const fn learning_rate() -> f64 {
        1e-2
    }
}

impl OptimizerRecipe {
    /// Adam with DCGAN's other values.
    pub const fn adam(learning_rate: f64, beta1: f64, beta2: f64) -> Self {
        Self::Adam { learning_rate, beta1, beta2, epsilon: adam::epsilon(), weight_decay: 0.0 }
    }

    /// The same with `scale` times the step size.
    pub fn scaled(mut self, scale: f64) -> Self {
        match &mut self {
            Self::Adam { learning_rate, .. }
            | Self::Rmsprop { learning_rate, .. }
            | Self::Sgd { learning_rate, .. } => *learning_rate *= scale,
        }
        self
    }

    /// Which of the two accumulators it needs.
    pub fn accumulators(&self) -> (bool, bool) {
        match *self {
            Self::Adam { .. } => (true, true),
            Self::Rmsprop { momentum, .. } => (true, momentum > 0.0),
            Self::Sgd { momentum, .. } => (momentum > 0.0, false),
        }
    }

    /// Refuses values with which no step makes sense; `player` names whose optimizer it is.
    pub fn check(&self, player: &str) -> Result<()> {
        let (rate, decays, additions): (f64, Named<'_>, Named<'_>) = match self {
            Self::Adam { learning_rate, beta1, beta2, epsilon, weight_decay } => (
                *learning_rate,
                &[("beta1", *beta1), ("beta2", *beta2)],
                &[("epsilon", *epsilon), ("weight_decay", *weight_decay)],
            ),
            Self::Rmsprop { learning_rate, alpha, epsilon, momentum } => {
                (*learning_rate, &[("alpha", *alpha), ("momentum", *momentum)], &[("epsilon", *epsilon)])
            }
            Self::Sgd { learning_rate, momentum } => (*learning_rate, &[("momentum", *momentum)], &[]),
        };
        if !(rate > 0.0 && rate.is_finite()) {
            return Err(refuse(player, "learning_rate", rate, "a positive number"));
        }
        if let Some((key, value)) = decays.iter().find(|(_, value)| !(0.0..1.0).contains(value)) {
            return Err(refuse(player, key, *value, "0 or more and less than 1"));
        }
        if let Some((key, value)) = additions.iter().find(|(_, value)| !(*value >= 0.0 && value.is_finite()))
        {
            return Err(refuse(player, key, *value, "0 or more"));
        }
        Ok(())
    }
}

/// Settings by name.
type Named<'a> = &'a [(&'static str, f64)];

fn refuse(player: &str, key: &str, value: f64, wanted: &str) -> Error {
    Error::Recipe(format!("optimizer.{player}.{key} is {value}; give {wanted}"))
}
