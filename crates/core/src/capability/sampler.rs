//! What makes images or points from latents.

use brigand_autograd::Variable;

use crate::batch::SampleShape;
use crate::error::{Error, Result};
use crate::latent::LatentSpace;
use crate::modules::Statistics;
use crate::place::Place;
use crate::random::Stream;
use crate::setup::Setup;

/// Latents whose samples are generated at once, so that memory stays bounded.
const PORTION: usize = 256;

/// What a sampler's latents consist of, where it computes, and what a sample looks like.
#[derive(Clone, Debug)]
pub struct Sampling {
    /// What latents consist of.
    pub space: LatentSpace,
    /// Where samples are computed.
    pub place: Place,
    /// What a sample looks like.
    pub shape: SampleShape,
}

impl Sampling {
    /// Of samples like the data's, where training computes.
    ///
    /// # Errors
    /// If the data has neither images nor points.
    pub fn new(space: LatentSpace, setup: &Setup) -> Result<Self> {
        Ok(Self { space, place: setup.place.clone(), shape: setup.schema.sample_shape()? })
    }
}

/// Makes images or points from latents.
pub trait Sampler {
    /// Its latents, its place and its samples' shape.
    fn sampling(&self) -> &Sampling;

    /// What latents consist of.
    fn space(&self) -> &LatentSpace {
        &self.sampling().space
    }

    /// Where it computes.
    fn place(&self) -> &Place {
        &self.sampling().place
    }

    /// What a sample looks like.
    fn sample_shape(&self) -> SampleShape {
        self.sampling().shape
    }

    /// The samples `[count, sample...]` that `latents` `[count, size]` stand for; with stored statistics each depends on its
    /// own latent alone. Latents with a history are searched, so gradients must flow back to them.
    ///
    /// # Errors
    /// If the latents are not of its space.
    fn generate_with(&self, latents: &Variable, statistics: &mut Statistics<'_>) -> Result<Variable>;

    /// The samples that `latents` stand for, with stored statistics.
    ///
    /// # Errors
    /// As [`Sampler::generate_with`].
    fn generate(&self, latents: &Variable) -> Result<Variable> {
        self.generate_with(latents, &mut Statistics::Stored)
    }

    /// Whether latents modulate its batch normalisation, so that the statistics of batches depend on how widely latents are
    /// drawn in more than their scale. Truncated latents then need statistics of their own (Brock et al. 2018,
    /// arXiv:1809.11096); where latents only enter at the start, statistics of truncated ones would scale them up again.
    fn is_modulated_by_latents(&self) -> bool {
        false
    }

    /// `count` latents `[count, size]` drawn from `stream`.
    ///
    /// # Errors
    /// If they do not fit the device.
    fn latents(&self, count: usize, stream: &mut Stream) -> Result<Variable> {
        let latents = self.space().draw(count, stream, &self.place().device)?;
        Ok(if latents.dtype() == self.place().compute {
            latents
        } else {
            latents.to_dtype(self.place().compute)?
        })
    }

    /// As [`Sampler::generate`], in portions that bound the memory.
    ///
    /// # Errors
    /// As [`Sampler::generate`].
    fn generate_all(&self, latents: &Variable) -> Result<Variable> {
        self.generate_all_with(latents, &mut Statistics::Stored)
    }

    /// As [`Sampler::generate_with`], in portions that bound the memory.
    ///
    /// # Errors
    /// As [`Sampler::generate_with`].
    fn generate_all_with(&self, latents: &Variable, statistics: &mut Statistics<'_>) -> Result<Variable> {
        let count = latents.shape().first().copied().unwrap_or(0);
        if count <= PORTION {
            return self.generate_with(latents, statistics);
        }
        let portions = (0..count).step_by(PORTION);
        let portions = portions.map(|start| {
            self.generate_with(&latents.narrow(0, start, PORTION.min(count - start))?, statistics)
        });
        let portions: Vec<Variable> = portions.collect::<Result<_>>()?;
        Ok(Variable::concatenate(&portions.iter().collect::<Vec<_>>(), 0)?)
    }

    /// `count` samples for `seed`, `[count, sample...]`.
    ///
    /// # Errors
    /// If none are asked for.
    fn sample(&self, count: usize, seed: u64) -> Result<Variable> {
        if count == 0 {
            return Err(Error::Request("asked for 0 samples; ask for at least 1".into()));
        }
        self.generate_all(&self.latents(count, &mut Stream::new(seed, "sample", 0))?)
    }
}
