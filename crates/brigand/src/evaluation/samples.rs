//! What is measured: samples that come in portions, so that a set never has to be in memory as a whole.

use std::path::Path;

use brigand_autograd::Variable;
use candle_core::{Device, Tensor};

use super::generator::LatentGenerator;
use super::protocol::Source;
use crate::data::{Dataset, Labels, Modes};
use crate::error::{Error, Result};
use crate::npy;
use crate::random::Stream;

/// A set of samples to be measured.
pub trait Samples {
    /// Where they came from and how many they are.
    fn source(&self) -> Source;

    /// How many.
    fn count(&self) -> usize;

    /// The shape of one: `[channels, height, width]` or `[dimensions]`.
    fn shape(&self) -> &[usize];

    /// The samples at `places`, `[n, shape...]`, images with values in [-1, 1].
    ///
    /// # Errors
    /// If they do not exist or cannot be made.
    fn get(&self, places: &[usize]) -> Result<Tensor>;

    /// The modes of the distribution they were drawn from, where it has modes.
    fn modes(&self) -> Option<&Modes> {
        None
    }

    /// The class of each, in their order, where they have classes: those of data, or those asked of a generator.
    fn labels(&self) -> Option<Labels> {
        None
    }

    /// What makes them when they are read, where something does.
    fn generator(&self) -> Option<&dyn LatentGenerator> {
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

    fn get(&self, places: &[usize]) -> Result<Tensor> {
        check_places(places, self.count())?;
        let stored: Vec<usize> = places.iter().filter_map(|&place| self.places.get(place)).copied().collect();
        let batch = self.dataset.get(&stored)?;
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

/// Samples of a generator, made when they are read: the first ones for a seed.
pub struct GeneratedSamples<'a> {
    generator: Box<dyn LatentGenerator + 'a>,
    latents: Variable,
    name: String,
    shape: Vec<usize>,
    classes: Vec<String>,
}

impl<'a> GeneratedSamples<'a> {
    /// The first `count` samples of `generator` for `seed`; `name` tells where it is from.
    ///
    /// # Errors
    /// If no sample is asked for or the generator draws no latents.
    pub fn new(
        generator: Box<dyn LatentGenerator + 'a>,
        name: &str,
        count: usize,
        seed: u64,
    ) -> Result<Self> {
        if count == 0 {
            return Err(Error::Request(format!(
                "0 samples of {name} cannot be measured; ask for at least 1"
            )));
        }
        let latents = generator.latents(count, &mut Stream::new(seed, "sample", 0))?;
        let (name, shape) = (name.to_owned(), generator.sample_shape());
        Ok(Self { generator, latents, name, shape, classes: Vec::new() })
    }

    /// The same with the names of the classes that can be asked of the generator.
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

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn get(&self, places: &[usize]) -> Result<Tensor> {
        check_places(places, self.count())?;
        let latents = Variable::constant(rows(self.latents.tensor(), places)?);
        Ok(self.generator.generate(&latents)?.into_tensor().to_device(&Device::Cpu)?)
    }

    fn labels(&self) -> Option<Labels> {
        let asked = self.generator.classes(&self.latents);
        let values = asked.ok().filter(|values| !values.is_empty())?;
        let classes = self.classes.clone();
        values.iter().all(|&class| (class as usize) < classes.len()).then_some(Labels { classes, values })
    }

    fn generator(&self) -> Option<&dyn LatentGenerator> {
        Some(self.generator.as_ref())
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

    fn get(&self, places: &[usize]) -> Result<Tensor> {
        check_places(places, self.count())?;
        rows(&self.values, places)
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

    fn get(&self, places: &[usize]) -> Result<Tensor> {
        self.all.get(places)
    }

    fn modes(&self) -> Option<&Modes> {
        self.all.modes()
    }

    fn labels(&self) -> Option<Labels> {
        let mut labels = self.all.labels()?;
        labels.values.truncate(self.count);
        Some(labels)
    }

    fn generator(&self) -> Option<&dyn LatentGenerator> {
        self.all.generator()
    }
}

/// Refuses places beyond the samples.
fn check_places(places: &[usize], count: usize) -> Result<()> {
    match places.iter().find(|&&place| place >= count) {
        None => Ok(()),
        Some(place) => {
            Err(Error::Request(format!("sample {place} was asked for, there are {count}, counted from 0")))
        }
    }
}

/// The rows of a tensor at `places`.
fn rows(all: &Tensor, places: &[usize]) -> Result<Tensor> {
    let numbers: Vec<u32> = places.iter().filter_map(|&place| u32::try_from(place).ok()).collect();
    let count = numbers.len();
    Ok(all.index_select(&Tensor::from_vec(numbers, count, all.device())?, 0)?)
}
