//! Instance noise (Sønderby et al. 2016, arXiv:1610.04490; Arjovsky and Bottou 2017, arXiv:1701.04862).

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::modules::with_noise;
use crate::random::Stream;

/// Normal noise on real and generated samples, in both players' updates, fading linearly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InstanceNoise {
    /// The standard deviation at the first step; 0 is off.
    pub deviation: f64,
    /// The step at which it has faded to nothing; 0 never fades.
    pub until: u64,
}

impl InstanceNoise {
    /// The standard deviation at `step`.
    pub fn at(&self, step: u64) -> f64 {
        if self.until == 0 {
            return self.deviation;
        }
        self.deviation * (1.0 - step as f64 / self.until as f64).max(0.0)
    }

    /// `samples` with fresh noise.
    pub fn add(&self, samples: &Variable, step: u64, stream: &mut Stream) -> Result<Variable> {
        with_noise(samples, self.at(step), stream)
    }
}
