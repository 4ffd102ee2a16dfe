//! What is measured: samples that come in portions, so that a set never has to be in memory as a whole.

use brigand_core::capability::Sampler;
use std::fmt;

use candle_core::Tensor;

use super::protocol::Source;
use brigand_core::error::{Error, Result};
use brigand_core::random::Stream;
use brigand_data::{Labels, Modes};

/// A set of samples to be measured.
pub trait Samples {
    /// Where they came from and how many they are.
    fn source(&self) -> Source;

    /// How many.
    fn count(&self) -> usize;

    /// What shape they have.
    fn shapes(&self) -> Shapes;

    /// The samples at `places`, images with values in [-1, 1], in that order. Those with one shape that follow one
    /// another are one tensor, `[n, shape...]`.
    ///
    /// # Errors
    /// If they do not exist or cannot be made.
    fn get(&self, places: &[usize]) -> Result<Vec<Tensor>>;

    /// The modes of the distribution they were drawn from, where it has modes.
    fn modes(&self) -> Option<&Modes> {
        None
    }

    /// The class of each, in their order, where they have classes: labels of data, or conditions of a generator.
    fn labels(&self) -> Option<Labels> {
        None
    }

    /// What makes them when they are read, where something does.
    fn generator(&self) -> Option<&dyn Sampler> {
        None
    }

    /// The one shape that all have: `[channels, height, width]` or `[dimensions]`.
    ///
    /// # Errors
    /// If they are images of several sizes.
    fn shape(&self) -> Result<Vec<usize>> {
        match self.shapes() {
            Shapes::One(shape) => Ok(shape),
            several @ Shapes::Several { .. } => Err(Error::Request(format!(
                "the images of {} have several sizes, {several}; bring them to one with --size N, or choose an extractor \
                 that resizes each (--features inception:FILE or efficientnet:FILE) and metrics of features",
                self.source().name
            ))),
        }
    }
}

/// What shape the samples of a set have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shapes {
    /// All the same: `[channels, height, width]` or `[dimensions]`.
    One(Vec<usize>),
    /// Images of several sizes.
    Several {
        /// Channels of each.
        channels: usize,
        /// The smallest height and the smallest width.
        least: [usize; 2],
        /// The largest height and the largest width.
        most: [usize; 2],
    },
}

impl Shapes {
    /// Those of images with so many channels and these sizes, `[height, width]`.
    pub fn of_images(channels: usize, sizes: impl Iterator<Item = [usize; 2]>) -> Self {
        let (mut least, mut most) = ([usize::MAX; 2], [0; 2]);
        for [height, width] in sizes {
            least = [least[0].min(height), least[1].min(width)];
            most = [most[0].max(height), most[1].max(width)];
        }
        match least == most {
            true => Self::One(vec![channels, most[0], most[1]]),
            false => Self::Several { channels, least, most },
        }
    }

    /// Channels, where they are images.
    pub fn channels(&self) -> Option<usize> {
        match self {
            Self::One(shape) => match **shape {
                [channels, _, _] => Some(channels),
                _ => None,
            },
            Self::Several { channels, .. } => Some(*channels),
        }
    }

    /// Numbers that the largest sample has at most.
    pub fn largest(&self) -> usize {
        match self {
            Self::One(shape) => shape.iter().product(),
            Self::Several { channels, most: [height, width], .. } => channels * height * width,
        }
    }

    /// The same images with another number of channels.
    pub(super) fn with_channels(self, channels: usize) -> Self {
        match self {
            Self::One(mut shape) => {
                if let [own, _, _] = &mut *shape {
                    *own = channels;
                }
                Self::One(shape)
            }
            Self::Several { least, most, .. } => Self::Several { channels, least, most },
        }
    }

    /// The one shape, for a [`Source`].
    pub(super) fn one(self) -> Option<Vec<usize>> {
        match self {
            Self::One(shape) => Some(shape),
            Self::Several { .. } => None,
        }
    }
}

impl fmt::Display for Shapes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(shape) => write!(f, "{shape:?}"),
            Self::Several { channels, least, most } => {
                write!(f, "[{channels}, {} to {}, {} to {}]", least[0], most[0], least[1], most[1])
            }
        }
    }
}

/// The shape that two sets share.
///
/// # Errors
/// If a set has several, or the two have different ones.
pub(super) fn common_shape(real: &dyn Samples, generated: &dyn Samples) -> Result<Vec<usize>> {
    let (own, other) = (real.shape()?, generated.shape()?);
    if own == other { Ok(own) } else { Err(different_shapes(real, generated)) }
}

/// Why two sets of different shapes are not compared, and what to do.
pub(super) fn different_shapes(real: &dyn Samples, generated: &dyn Samples) -> Error {
    let (own, other) = (real.shapes(), generated.shapes());
    let remedy = match (own.channels(), other.channels()) {
        (Some(own), Some(other)) if own != other => {
            "bring both to the same colours: --channels 1 for grey, --channels 3 for colour"
        }
        (Some(_), Some(_)) => {
            "bring both to the same size: --size N for data, or an extractor that resizes each image by its own rule \
             (--features inception:FILE or efficientnet:FILE)"
        }
        _ => "give two sets of images, or two of points with as many coordinates",
    };
    Error::Request(format!(
        "real samples ({}) have the shape {own} and generated ones ({}) {other}; {remedy}",
        real.source().name,
        generated.source().name
    ))
}

/// Where samples are from that have no parts.
pub(super) fn undivided(name: &str, samples: &dyn Samples) -> Source {
    Source {
        name: name.to_owned(),
        split: None,
        count: Some(samples.count() as u64),
        shape: samples.shapes().one(),
        images: None,
        drawn: None,
    }
}

/// At most `most` of the numbers below `count`, in rising order, drawn by a permutation that `seed` decides, so that
/// the order of the samples does not matter; and how a protocol names the draw, where there is one.
pub(super) fn draw(count: usize, most: usize, seed: u64) -> (Vec<usize>, Option<String>) {
    if count <= most {
        return ((0..count).collect(), None);
    }
    let mut places = permutation(count, seed);
    places.truncate(most);
    places.sort_unstable();
    (places, Some(drawn(count, seed)))
}

/// The order in which samples are drawn from so many.
pub(super) fn permutation(count: usize, seed: u64) -> Vec<usize> {
    Stream::new(seed, "evaluation/samples", 0).permutation(count)
}

/// How a protocol names a draw from so many samples.
pub(super) fn drawn(count: usize, seed: u64) -> String {
    format!("from {count} by seeded permutation evaluation/samples, seed {seed}")
}

/// Some samples of another set.
pub struct DrawnSamples<'a> {
    all: &'a dyn Samples,
    places: Vec<usize>,
    drawn: Option<String>,
}

impl<'a> DrawnSamples<'a> {
    /// At most `most` of `all`, drawn by a permutation that `seed` decides.
    pub fn new(all: &'a dyn Samples, most: usize, seed: u64) -> Self {
        let (places, drawn) = draw(all.count(), most, seed);
        Self { all, places, drawn }
    }
}

impl Samples for DrawnSamples<'_> {
    fn source(&self) -> Source {
        let drawn = self.drawn.clone();
        Source { count: Some(self.places.len() as u64), drawn, ..self.all.source() }
    }

    fn count(&self) -> usize {
        self.places.len()
    }

    fn shapes(&self) -> Shapes {
        self.all.shapes()
    }

    fn get(&self, places: &[usize]) -> Result<Vec<Tensor>> {
        check_places(places, self.count())?;
        let own: Vec<usize> = places.iter().filter_map(|&place| self.places.get(place)).copied().collect();
        self.all.get(&own)
    }

    fn modes(&self) -> Option<&Modes> {
        self.all.modes()
    }

    fn labels(&self) -> Option<Labels> {
        let Labels { classes, values } = self.all.labels()?;
        let values = self.places.iter().filter_map(|&place| values.get(place).copied()).collect();
        Some(Labels { classes, values })
    }
}

/// Refuses places beyond the samples.
pub(super) fn check_places(places: &[usize], count: usize) -> Result<()> {
    match places.iter().find(|&&place| place >= count) {
        None => Ok(()),
        Some(place) => {
            Err(Error::Request(format!("sample {place} was asked for, there are {count}, counted from 0")))
        }
    }
}

/// The rows of a tensor at `places`.
pub(super) fn rows(all: &Tensor, places: &[usize]) -> Result<Tensor> {
    let numbers: Vec<u32> = places.iter().filter_map(|&place| u32::try_from(place).ok()).collect();
    let count = numbers.len();
    Ok(all.index_select(&Tensor::from_vec(numbers, count, all.device())?, 0)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_of_images_are_one_or_a_range() {
        let of = |sizes: &[[usize; 2]]| Shapes::of_images(3, sizes.iter().copied());
        assert_eq!(of(&[[4, 6], [4, 6]]), Shapes::One(vec![3, 4, 6]));
        let several = of(&[[4, 6], [9, 2]]);
        assert_eq!((several.to_string(), several.largest()), ("[3, 4 to 9, 2 to 6]".into(), 162));
        assert_eq!(several.with_channels(1).channels(), Some(1));
        assert_eq!(Shapes::One(vec![2]).channels(), None);
    }

    #[test]
    fn what_is_drawn_is_random_named_and_decided_by_the_seed() {
        assert_eq!(draw(3, 5, 0), (vec![0, 1, 2], None));
        let (places, named) = draw(1000, 100, 7);
        assert_eq!((places.len(), draw(1000, 100, 7).0 == places), (100, true));
        assert!(places.is_sorted() && places.windows(2).all(|pair| pair[0] < pair[1]));
        // Of consecutive ones all, of evenly spaced ones exactly half were below the middle.
        let below = places.iter().filter(|&&place| place < 500).count();
        assert!((30..70).contains(&below) && places[99] > 900, "{below}");
        assert_ne!(draw(1000, 100, 8).0, places);
        assert_eq!(named.unwrap(), "from 1000 by seeded permutation evaluation/samples, seed 7");
    }
}
