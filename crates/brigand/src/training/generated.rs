//! Generated samples of a system, for evaluation.

use brigand_autograd::Variable;

use crate::error::{Error, Result};
use crate::evaluation::{GeneratedSamples, LatentGenerator};
use crate::random::Stream;
use crate::systems::{CLASS, System, largest};

/// A system that makes samples.
struct SystemGenerator<'a>(&'a dyn System);

impl LatentGenerator for SystemGenerator<'_> {
    fn sample_shape(&self) -> Vec<usize> {
        self.0.sample_shape().dims()
    }

    fn latents(&self, count: usize, stream: &mut Stream) -> Result<Variable> {
        self.0.latents(count, stream)
    }

    fn generate(&self, latents: &Variable) -> Result<Variable> {
        self.0.generate(latents)
    }

    fn choices(&self) -> Result<usize> {
        Ok(self.0.latent_space()?.choices())
    }

    fn classes(&self, latents: &Variable) -> Result<Vec<u32>> {
        let space = self.0.latent_space()?;
        let Some((range, _)) = space.part(CLASS) else { return Ok(Vec::new()) };
        let rows = latents.narrow(1, range.start, range.len())?.to_vec_f32()?;
        Ok(rows.chunks_exact(range.len().max(1)).map(|row| largest(row) as u32).collect())
    }
}

/// The first `count` samples of `system` for `seed`, the ones that [`System::sample`] gives; `name` tells where they
/// are from.
///
/// # Errors
/// If the system makes no samples or none is asked for.
pub fn generated_samples<'a>(
    system: &'a dyn System,
    name: &str,
    count: usize,
    seed: u64,
) -> Result<GeneratedSamples<'a>> {
    if !system.generates() {
        return Err(Error::Request(format!(
            "{name} makes no samples to be measured; give a run that does (a classifier is an extractor of features for \
             the samples of others: --features classifier:RUN)"
        )));
    }
    GeneratedSamples::new(Box::new(SystemGenerator(system)), name, count, seed)
}
