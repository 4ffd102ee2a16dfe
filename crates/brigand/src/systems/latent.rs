//! The noise that generators start from.

use brigand_autograd::Variable;
use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::random::Stream;

/// How a latent's coordinates are distributed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prior {
    /// Standard normal.
    Normal,
    /// Uniform in [-1, 1].
    Uniform,
}

/// The latent space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatentRecipe {
    /// Coordinates of a latent.
    pub size: usize,
    /// Their distribution; all are independent.
    pub prior: Prior,
}

impl LatentRecipe {
    /// Refuses a latent space that no network can start from.
    pub fn check(&self) -> Result<()> {
        if self.size == 0 || self.size > 65_536 {
            return Err(Error::Recipe(format!("latent.size is {}; give 1 to 65536", self.size)));
        }
        Ok(())
    }

    /// `count` latents, `[count, size]`.
    pub fn draw(&self, count: usize, stream: &mut Stream, device: &Device) -> Result<Variable> {
        let values = match self.prior {
            Prior::Normal => stream.normal(count * self.size),
            Prior::Uniform => stream.uniform(count * self.size, -1.0, 1.0),
        };
        let tensor = Tensor::from_vec(values, (count, self.size), &Device::Cpu)?.to_device(device)?;
        Ok(Variable::constant(tensor))
    }
}
