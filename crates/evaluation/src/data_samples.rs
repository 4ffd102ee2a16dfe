//! Samples of data sets and of folders of images.

use std::path::Path;

use candle_core::{Device, Tensor};

use super::protocol::Source;
use super::samples::{Samples, Shapes, check_places, draw, drawn, permutation};
use brigand_core::error::Result;
use brigand_data::{Background, Dataset, Labels, Modes, Notes, Originals};

/// Samples of a data set.
pub struct DataSamples {
    dataset: Dataset,
    split: Option<String>,
    places: Vec<usize>,
    drawn: Option<String>,
    images: Option<String>,
}

impl DataSamples {
    /// All samples of `dataset`, which is the `split` part of its source where that is divided.
    pub fn new(dataset: Dataset, split: Option<&str>) -> Self {
        let places = (0..dataset.len()).collect();
        Self { dataset, split: split.map(str::to_owned), places, drawn: None, images: None }
    }

    /// The same, which were scaled from another size when they were read.
    #[must_use]
    pub fn scaled(mut self, size: Option<usize>) -> Self {
        let square = matches!(self.dataset.shape(), [_, height, width] if height == width);
        let images = |size: usize| match square {
            true => format!("centre square scaled to {size}x{size} pixels"),
            false => format!("longer side scaled to {size} pixels"),
        };
        self.images = size.filter(|_| self.dataset.is_image()).map(images);
        self
    }

    /// The same, whose transparent parts were laid over `background` when they were read.
    #[must_use]
    pub fn over(mut self, background: Background) -> Self {
        self.images = remarks([self.images, background.remark()]);
        self
    }

    /// At most `most` of them, drawn by a permutation that `seed` decides.
    #[must_use]
    pub fn at_most(mut self, most: usize, seed: u64) -> Self {
        let (chosen, drawn) = draw(self.places.len(), most, seed);
        self.places = chosen.into_iter().filter_map(|place| self.places.get(place)).copied().collect();
        self.drawn = drawn.or(self.drawn);
        self
    }
}

impl Samples for DataSamples {
    fn source(&self) -> Source {
        Source {
            name: self.dataset.name().to_owned(),
            split: self.split.clone(),
            count: Some(self.count() as u64),
            shape: self.shapes().one(),
            images: self.images.clone(),
            drawn: self.drawn.clone(),
        }
    }

    fn count(&self) -> usize {
        self.places.len()
    }

    fn shapes(&self) -> Shapes {
        Shapes::One(self.dataset.shape().to_vec())
    }

    fn get(&self, places: &[usize]) -> Result<Vec<Tensor>> {
        check_places(places, self.count())?;
        let stored: Vec<usize> = places.iter().filter_map(|&place| self.places.get(place)).copied().collect();
        let batch = self.dataset.get(&stored)?;
        Ok(vec![Tensor::from_vec(batch.values, batch.shape, &Device::Cpu)?])
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

/// What is recorded of how images were read, joined.
fn remarks(parts: [Option<String>; 2]) -> Option<String> {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The images of a folder as they are stored, each in its own size.
pub struct OriginalSamples {
    images: Originals,
    background: Background,
    shapes: Shapes,
    drawn: Option<String>,
}

impl OriginalSamples {
    /// At most `most` of the images below `folder`, drawn by a permutation that `seed` decides, their transparent parts
    /// over `background`.
    ///
    /// # Errors
    /// If there is no such folder or none of its images can be read.
    pub fn open(folder: &Path, background: Background, most: usize, seed: u64) -> Result<Self> {
        let images = Originals::open(folder, (None, background), most, |count| permutation(count, seed))?;
        let shapes = Shapes::of_images(images.channels(), images.sizes());
        let drawn = (images.listed() > most).then(|| drawn(images.listed(), seed));
        Ok(Self { images, background, shapes, drawn })
    }

    /// What was noticed in the folder.
    pub fn notes(&self) -> &Notes {
        self.images.notes()
    }
}

impl Samples for OriginalSamples {
    fn source(&self) -> Source {
        let images = match &self.shapes {
            Shapes::One(_) => None,
            Shapes::Several { least, most, .. } => {
                let ([low, narrow], [high, wide]) = (least, most);
                Some(format!("as stored, {low} to {high} pixels high and {narrow} to {wide} wide"))
            }
        };
        Source {
            name: self.images.name().to_owned(),
            split: None,
            count: Some(self.count() as u64),
            shape: self.shapes.clone().one(),
            images: remarks([images, self.background.remark()]),
            drawn: self.drawn.clone(),
        }
    }

    fn count(&self) -> usize {
        self.images.len()
    }

    fn shapes(&self) -> Shapes {
        self.shapes.clone()
    }

    fn get(&self, places: &[usize]) -> Result<Vec<Tensor>> {
        let read = self.images.get(places)?;
        let alike = read.chunk_by(|(own, _), (next, _)| own == next);
        let tensor = |images: &[([usize; 3], Vec<f32>)]| {
            let [channels, height, width] = images.first().map(|(shape, _)| *shape).unwrap_or_default();
            let values: Vec<f32> = images.iter().flat_map(|(_, values)| values).copied().collect();
            Ok(Tensor::from_vec(values, (images.len(), channels, height, width), &Device::Cpu)?)
        };
        alike.map(tensor).collect()
    }

    fn labels(&self) -> Option<Labels> {
        self.images.labels().cloned()
    }
}
