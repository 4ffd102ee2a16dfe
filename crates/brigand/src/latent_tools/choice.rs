//! Samples that are chosen: of a class, or from the middle of the latent space.

use brigand_autograd::Variable;

use super::truncation::{truncate, truncated_statistics};
use crate::error::Result;
use crate::random::Stream;
use brigand_core::capability::Sampler;
use brigand_core::latent::CLASS;
use brigand_core::modules::Statistics;

/// Which samples are wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// Numbers of the classes of the samples, in turn; empty draws them at random.
    pub classes: Vec<u32>,
    /// Normal coordinates beyond so many standard deviations are drawn again.
    pub truncation: Option<f64>,
}

impl Choice {
    /// `count` latents for `seed`, `[count, size]`: those of [`Sampler::sample`], of the chosen classes and within the
    /// truncation.
    ///
    /// # Errors
    /// If the system has no classes or not these, or nothing can be truncated.
    pub fn latents(&self, sampler: &dyn Sampler, count: usize, seed: u64) -> Result<Variable> {
        let space = sampler.space();
        let mut latents = sampler.latents(count, &mut Stream::new(seed, "sample", 0))?;
        if !self.classes.is_empty() {
            let chosen: Vec<u32> = self.classes.iter().copied().cycle().take(count).collect();
            latents = space.with_category(&latents, CLASS, &chosen)?;
        }
        if let Some(limit) = self.truncation {
            latents = truncate(space, &latents, limit, &mut Stream::new(seed, "sample/truncation", 0))?;
        }
        Ok(latents)
    }

    /// The samples of [`Choice::latents`], with the statistics that such latents need.
    ///
    /// # Errors
    /// As [`Choice::latents`].
    pub fn samples(&self, sampler: &dyn Sampler, count: usize, seed: u64) -> Result<Variable> {
        self.samples_of(sampler, &self.latents(sampler, count, seed)?)
    }

    /// The samples of `latents`, which are those of [`Choice::latents`].
    ///
    /// # Errors
    /// As [`Choice::latents`].
    pub fn samples_of(&self, sampler: &dyn Sampler, latents: &Variable) -> Result<Variable> {
        match truncated_statistics(sampler, self.truncation)? {
            Some(estimate) => sampler.generate_all_with(latents, &mut Statistics::Given(&estimate)),
            None => sampler.generate_all(latents),
        }
    }
}
