//! Samples of a generator.

use brigand_autograd::Variable;
use brigand_core::capability::Sampler;
use brigand_core::latent::CLASS;
use brigand_core::objectives::largest;
use candle_core::{Device, Tensor};

use super::protocol::Source;
use super::samples::{Samples, Shapes, check_places, rows, undivided};
use brigand_core::error::{Error, Result};
use brigand_core::random::Stream;
use brigand_data::Labels;

/// Samples of a generator, made when they are read: the first ones for a seed.
pub struct GeneratedSamples<'a> {
    generator: &'a dyn Sampler,
    latents: Variable,
    name: String,
    shape: Vec<usize>,
    classes: Vec<String>,
}

impl<'a> GeneratedSamples<'a> {
    /// The first `count` samples of `generator` for `seed`; `name` says where it is from.
    ///
    /// # Errors
    /// If no sample is asked for or the generator draws no latents.
    pub fn new(generator: &'a dyn Sampler, name: &str, count: usize, seed: u64) -> Result<Self> {
        if count == 0 {
            return Err(Error::Request(format!(
                "0 samples of {name} cannot be measured; ask for at least 1"
            )));
        }
        let latents = generator.latents(count, &mut Stream::new(seed, "sample", 0))?;
        let (name, shape) = (name.to_owned(), generator.sample_shape().dims());
        Ok(Self { generator, latents, name, shape, classes: Vec::new() })
    }

    /// The same with the names of the generator's classes.
    pub fn with_classes(self, names: &[String]) -> Self {
        Self { classes: names.to_vec(), ..self }
    }
}

impl Samples for GeneratedSamples<'_> {
    fn source(&self) -> Source {
        undivided(&self.name, self)
    }

    fn count(&self) -> usize {
        self.latents.shape().first().copied().unwrap_or(0)
    }

    fn shapes(&self) -> Shapes {
        Shapes::One(self.shape.clone())
    }

    fn get(&self, places: &[usize]) -> Result<Vec<Tensor>> {
        check_places(places, self.count())?;
        let latents = Variable::constant(rows(self.latents.tensor(), places)?);
        Ok(vec![self.generator.generate(&latents)?.into_tensor().to_device(&Device::Cpu)?])
    }

    fn labels(&self) -> Option<Labels> {
        let (range, _) = self.generator.space().part(CLASS)?;
        let rows =
            self.latents.narrow(1, range.start, range.len()).and_then(|part| part.to_vec_f32()).ok()?;
        let values: Vec<u32> = rows.chunks_exact(range.len()).map(|row| largest(row) as u32).collect();
        let classes = self.classes.clone();
        values.iter().all(|&class| (class as usize) < classes.len()).then_some(Labels { classes, values })
    }

    fn generator(&self) -> Option<&dyn Sampler> {
        Some(self.generator)
    }
}
