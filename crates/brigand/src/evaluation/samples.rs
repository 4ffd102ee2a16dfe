//! What is measured: samples that come in portions, so that a set never has to be in memory as a whole.

use std::ops::Range;
use std::path::Path;

use brigand_autograd::Variable;
use candle_core::{Device, Tensor};

use super::protocol::Source;
use crate::data::{Dataset, Labels, Modes};
use crate::error::{Error, Result};
use crate::npy;
use crate::random::Stream;
use crate::systems::{CLASS, System, largest};

/// A set of samples to be measured.
pub trait Samples {
    /// Where they came from and how many they are.
    fn source(&self) -> Source;

    /// How many.
    fn count(&self) -> usize;

    /// The shape of one: `[channels, height, width]` or `[dimensions]`.
    fn shape(&self) -> &[usize];

    /// The samples in `range`, `[n, shape...]`, images with values in [-1, 1].
    ///
    /// # Errors
    /// If they do not exist or cannot be made.
    fn get(&self, range: Range<usize>) -> Result<Tensor>;

    /// The modes of the distribution they were drawn from, where it has modes.
    fn modes(&self) -> Option<&Modes> {
        None
    }

    /// The class of each, in their order, where they have classes: those of data, or those a generator was asked for.
    fn labels(&self) -> Option<Labels> {
        None
    }

    /// What makes them when they are asked for, where something does.
    fn generator(&self) -> Option<&dyn System> {
        None
    }
}

/// Where samples are from that have no parts.
fn undivided(name: &str, samples: &dyn Samples) -> Source {
    Source {
        name: name.to_owned(),
        split: None,
        count: Some(samples.count() as u64),
        shape: Some(samples.shape().to_vec()),
    }
}

/// Samples of a data set.
pub struct DataSamples {
    dataset: Dataset,
    split: Option<String>,
    places: Vec<usize>,
}

impl DataSamples {
    /// All samples of `dataset`, which is the `split` part of its source where that is divided.
    pub fn new(dataset: Dataset, split: Option<&str>) -> Self {
        let places = (0..dataset.len()).collect();
        Self { dataset, split: split.map(str::to_owned), places }
    }

    /// At most `most` of them, evenly spaced from the first on: which ones depends on nothing else.
    #[must_use]
    pub fn at_most(mut self, most: usize) -> Self {
        let (all, chosen) = (self.places.len(), self.places.len().min(most));
        self.places = (0..chosen).map(|index| index * all / chosen).collect();
        self
    }
}

impl Samples for DataSamples {
    fn source(&self) -> Source {
        Source {
            name: self.dataset.name().to_owned(),
            split: self.split.clone(),
            count: Some(self.count() as u64),
            shape: Some(self.shape().to_vec()),
        }
    }

    fn count(&self) -> usize {
        self.places.len()
    }

    fn shape(&self) -> &[usize] {
        self.dataset.shape()
    }

    fn get(&self, range: Range<usize>) -> Result<Tensor> {
        let places = self.places.get(range.clone()).ok_or_else(|| missing(&range, self.count()))?;
        let batch = self.dataset.get(places)?;
        Ok(Tensor::from_vec(batch.values, batch.shape, &Device::Cpu)?)
    }

    fn modes(&self) -> Option<&Modes> {
        self.dataset.modes()
    }

    fn labels(&self) -> Option<Labels> {
        let Labels { classes, values } = self.dataset.labels()?;
        let values = self.places.iter().filter_map(|&place| values.get(place).copied()).collect();
        Some(Labels { classes: classes.clone(), values })
    }
}

/// Samples of a generator, made when they are asked for: the ones that [`System::sample`] gives for the same seed.
pub struct GeneratedSamples<'a> {
    system: &'a dyn System,
    latents: Variable,
    name: String,
    shape: Vec<usize>,
    classes: Vec<String>,
}

impl<'a> GeneratedSamples<'a> {
    /// The first `count` samples of `system` for `seed`; `name` tells where it is from.
    ///
    /// # Errors
    /// If the system makes no samples or none is asked for.
    pub fn new(system: &'a dyn System, name: &str, count: usize, seed: u64) -> Result<Self> {
        if !system.generates() {
            return Err(Error::Request(format!(
                "{name} makes no samples to be measured; give a run that does (a classifier judges the samples of \
                 others: --features classifier:RUN)"
            )));
        }
        if count == 0 {
            return Err(Error::Request(format!(
                "0 samples of {name} cannot be measured; ask for at least 1"
            )));
        }
        let latents = system.latents(count, &mut Stream::new(seed, "sample", 0))?;
        let (name, shape) = (name.to_owned(), system.sample_shape().dims());
        Ok(Self { system, latents, name, shape, classes: Vec::new() })
    }

    /// The same with the names of the classes that the system can be asked for.
    pub fn with_classes(self, names: &[String]) -> Self {
        Self { classes: names.to_vec(), ..self }
    }

    /// The classes that were asked for.
    fn asked(&self) -> Result<Vec<u32>> {
        let space = self.system.latent_space()?;
        let Some((range, _)) = space.part(CLASS) else { return Ok(Vec::new()) };
        let rows = self.latents.narrow(1, range.start, range.len())?.to_vec_f32()?;
        Ok(rows.chunks_exact(range.len().max(1)).map(|row| largest(row) as u32).collect())
    }
}

impl Samples for GeneratedSamples<'_> {
    fn source(&self) -> Source {
        undivided(&self.name, self)
    }

    fn count(&self) -> usize {
        self.latents.shape().first().copied().unwrap_or(0)
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn get(&self, range: Range<usize>) -> Result<Tensor> {
        if range.end > self.count() {
            return Err(missing(&range, self.count()));
        }
        let latents = self.latents.narrow(0, range.start, range.len())?;
        Ok(self.system.generate(&latents)?.into_tensor().to_device(&Device::Cpu)?)
    }

    fn labels(&self) -> Option<Labels> {
        let values = self.asked().ok().filter(|values| !values.is_empty())?;
        let classes = self.classes.clone();
        values.iter().all(|&class| (class as usize) < classes.len()).then_some(Labels { classes, values })
    }

    fn generator(&self) -> Option<&dyn System> {
        Some(self.system)
    }
}

/// Samples from a file of NumPy's.
pub struct ArraySamples {
    name: String,
    values: Tensor,
    shape: Vec<usize>,
}

impl ArraySamples {
    /// Images `[n, channels, height, width]` in [-1, 1] or points `[n, dimensions]`, as `brigand sample` writes them.
    ///
    /// # Errors
    /// If the file cannot be read, holds something else, or images in another range.
    pub fn read(path: &Path) -> Result<Self> {
        let npy::Array { numbers, shape } = npy::read(path)?;
        let refuse = |reason: String| Err(Error::Request(format!("{}: {reason}", path.display())));
        if ![2, 4].contains(&shape.len()) || numbers.is_empty() {
            return refuse(format!(
                "an array of shape {shape:?} holds no samples; save images [n, channels, height, width] or points \
                 [n, dimensions]"
            ));
        }
        let values: Vec<f32> = numbers.get(0..numbers.len()).iter().map(|&value| value as f32).collect();
        let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        if shape.len() == 4 && largest > 1.01 {
            return refuse(format!(
                "images have values from -1 (black) to 1 (white), this array reaches {largest}; scale it \
                 (bytes / 127.5 - 1)"
            ));
        }
        Ok(Self {
            name: path.display().to_string(),
            shape: shape.get(1..).unwrap_or_default().to_vec(),
            values: Tensor::from_vec(values, shape, &Device::Cpu)?,
        })
    }
}

impl Samples for ArraySamples {
    fn source(&self) -> Source {
        undivided(&self.name, self)
    }

    fn count(&self) -> usize {
        self.values.dims().first().copied().unwrap_or(0)
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn get(&self, range: Range<usize>) -> Result<Tensor> {
        if range.end > self.count() {
            return Err(missing(&range, self.count()));
        }
        Ok(self.values.narrow(0, range.start, range.len())?)
    }
}

/// The first samples of another set.
pub struct FirstSamples<'a> {
    all: &'a dyn Samples,
    count: usize,
}

impl<'a> FirstSamples<'a> {
    /// At most `most` of `all`.
    pub fn new(all: &'a dyn Samples, most: usize) -> Self {
        Self { all, count: all.count().min(most) }
    }
}

impl Samples for FirstSamples<'_> {
    fn source(&self) -> Source {
        Source { count: Some(self.count as u64), ..self.all.source() }
    }

    fn count(&self) -> usize {
        self.count
    }

    fn shape(&self) -> &[usize] {
        self.all.shape()
    }

    fn get(&self, range: Range<usize>) -> Result<Tensor> {
        self.all.get(range)
    }

    fn modes(&self) -> Option<&Modes> {
        self.all.modes()
    }

    fn labels(&self) -> Option<Labels> {
        let mut labels = self.all.labels()?;
        labels.values.truncate(self.count);
        Some(labels)
    }

    fn generator(&self) -> Option<&dyn System> {
        self.all.generator()
    }
}

fn missing(range: &Range<usize>, count: usize) -> Error {
    Error::Request(format!("samples {range:?} were asked for, there are {count}"))
}
