//! Samples that are chosen: of a class, or from the middle of the latent space.

use brigand_autograd::Variable;

use super::truncation::truncate;
use crate::error::Result;
use crate::random::Stream;
use brigand_core::capability::Sampler;
use brigand_core::latent::CLASS;
use brigand_core::system::{System, estimate_statistics};

/// Batches, and samples in each, over which the statistics of truncated samples are estimated.
const STATISTICS: (usize, usize) = (50, 64);

/// Which samples are wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// Numbers of the classes of the samples, in turn; empty draws them at random.
    pub classes: Vec<u32>,
    /// Normal coordinates beyond so many standard deviations are drawn again.
    pub truncation: Option<f64>,
}

impl Choice {
    /// Lets a system with batch normalisation sample by statistics of samples at the truncation, if there is one, of all
    /// classes in the data's proportions: those of other latents give pale or saturated images (Brock et al. 2018,
    /// arXiv:1809.11096, section 3.1).
    ///
    /// # Errors
    /// If nothing can be truncated.
    pub fn estimate_statistics(&self, system: &mut dyn System) -> Result<()> {
        let Some(limit) = self.truncation else { return Ok(()) };
        let (batches, count) = STATISTICS;
        let latents = |sampler: &dyn Sampler, number: u64| {
            let latents = sampler.latents(count, &mut Stream::new(0, "statistics", number))?;
            let stream = &mut Stream::new(0, "statistics/truncation", number);
            truncate(sampler.space(), &latents, limit, stream)
        };
        estimate_statistics(system, batches, &latents)
    }

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
}
