//! Directions in latent space along which an attribute of the samples grows (Shen et al. 2019, arXiv:1907.10786).

use super::arithmetic::settled;
use super::grid::{LatentGrid, to_rows, to_variable};
use super::linear_direction::{logistic, mean_difference, orthogonal_to};
use super::rank_correlation::spearman;
use crate::error::{Error, Result};
use crate::evaluation::extractors::Extractor;
use crate::evaluation::{Probabilities, features_of};
use crate::random::Stream;
use brigand_core::capability::Sampler;
use brigand_core::latent::LatentSpace;

/// How far a sweep goes to both sides, in standard deviations.
const REACH: f64 = 3.0;
/// The fewest samples with and without an attribute from which its direction is estimated.
const FEWEST: usize = 10;

/// How a direction is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// [`logistic`] regression.
    #[default]
    Logistic,
    /// The [`mean_difference`].
    MeanDifference,
}

/// What directions are found from.
#[derive(Clone, Copy, Debug)]
pub struct DirectionSettings<'a> {
    /// How.
    pub method: Method,
    /// Labelled samples; a thousand or more.
    pub count: usize,
    /// Which samples.
    pub seed: u64,
    /// The classes whose directions are wanted; empty for all that occur often enough.
    pub classes: &'a [u32],
    /// Classes whose directions the others must not share; see [`orthogonal_to`]. The directions of all classes
    /// together depend on each other, so at most all but one can be given.
    pub against: &'a [u32],
}

/// A direction along which the probability of a class grows.
#[derive(Clone, Debug, PartialEq)]
pub struct Direction {
    /// The class.
    pub class: u32,
    /// How many of the labelled samples were of it.
    pub found: usize,
    /// What a latent moves by for one standard deviation along the direction, `[size]`; 0 at categories.
    pub step: Vec<f32>,
}

/// Directions towards classes that `extractor` names, from the latents of samples that it has labelled.
///
/// # Errors
/// If the extractor has no classes, a chosen class does not exist or is too rare, or a direction lies in the span of those
/// of `against`.
pub fn directions(
    sampler: &dyn Sampler,
    extractor: &Extractor,
    settings: DirectionSettings<'_>,
) -> Result<Vec<Direction>> {
    let labelled = Labelled::new(sampler, extractor, settings)?;
    let against: Vec<(u32, Vec<f64>)> = settings
        .against
        .iter()
        .map(|&class| Ok((class, labelled.needed(class)?.1)))
        .collect::<Result<_>>()?;
    let wanted: Vec<(u32, usize, Vec<f64>)> = if settings.classes.is_empty() {
        labelled.frequent(settings.against)?
    } else {
        let one = |&class: &u32| labelled.needed(class).map(|(found, direction)| (class, found, direction));
        settings.classes.iter().map(one).collect::<Result<_>>()?
    };
    let finished = |(class, found, direction): (u32, usize, Vec<f64>)| {
        let others: Vec<Vec<f64>> = against
            .iter()
            .filter(|(other, _)| *other != class)
            .map(|(_, direction)| direction.clone())
            .collect();
        let left = orthogonal_to(&direction, &others).ok_or_else(|| {
            Error::Request(format!(
                "nothing of the direction of class {class} is left when those of {:?} are taken away; leave some out",
                settings.against
            ))
        })?;
        Ok(Direction { class, found, step: spread(&left, &labelled.scales) })
    };
    wanted.into_iter().map(finished).collect()
}

/// Latents and what their samples show.
struct Labelled {
    method: Method,
    /// The standard deviation of each coordinate; `None` for those of categories.
    scales: Vec<Option<f64>>,
    /// The coordinates that have one, divided by it, latent by latent.
    points: Vec<f64>,
    labels: Vec<u32>,
    classes: usize,
}

impl Labelled {
    fn new(sampler: &dyn Sampler, extractor: &Extractor, settings: DirectionSettings<'_>) -> Result<Self> {
        let scales = deviations(sampler.space());
        if scales.iter().all(Option::is_none) {
            return Err(Error::Request(
                "this system's latents are categories only; nothing can be moved".into(),
            ));
        }
        let drawn = sampler.latents(settings.count, &mut Stream::new(settings.seed, "directions", 0))?;
        let latents = to_rows(&drawn)?;
        let probabilities = classified(sampler, extractor, &latents)?;
        let standardised = |row: &Vec<f32>| -> Vec<f64> {
            row.iter()
                .zip(&scales)
                .filter_map(|(&value, scale)| scale.map(|s| f64::from(value) / s))
                .collect()
        };
        Ok(Self {
            method: settings.method,
            points: latents.iter().flat_map(standardised).collect(),
            labels: probabilities.predictions(),
            classes: probabilities.classes(),
            scales,
        })
    }

    /// How many samples are of the class, and its direction if there are enough.
    fn find(&self, class: u32) -> (usize, Option<Vec<f64>>) {
        let has: Vec<bool> = self.labels.iter().map(|&label| label == class).collect();
        let found = has.iter().filter(|has| **has).count();
        if found < FEWEST || self.labels.len() - found < FEWEST {
            return (found, None);
        }
        let direction = match self.method {
            Method::Logistic => logistic,
            Method::MeanDifference => mean_difference,
        };
        (found, direction(&self.points, self.points.len() / self.labels.len().max(1), &has))
    }

    fn needed(&self, class: u32) -> Result<(usize, Vec<f64>)> {
        let (found, direction) = self.find(class);
        direction.map(|direction| (found, direction)).ok_or_else(|| {
            Error::Request(format!(
                "{found} of {} samples are of class {class}, too few (or too many) for a direction (there are classes 0 to {}); take \
                 more samples or another class",
                self.labels.len(),
                self.classes.saturating_sub(1)
            ))
        })
    }

    /// The directions of all classes that occur often enough, but for those `without`.
    fn frequent(&self, without: &[u32]) -> Result<Vec<(u32, usize, Vec<f64>)>> {
        let found: Vec<(u32, usize, Vec<f64>)> = (0..self.classes as u32)
            .filter(|class| !without.contains(class))
            .filter_map(|class| {
                let (found, direction) = self.find(class);
                direction.map(|direction| (class, found, direction))
            })
            .collect();
        if found.is_empty() {
            return Err(Error::Request(format!(
                "no class has {FEWEST} of {} samples with and without it; take more samples or train longer",
                self.labels.len()
            )));
        }
        Ok(found)
    }
}

/// The standard deviation of each coordinate; `None` for those of categories.
fn deviations(space: &LatentSpace) -> Vec<Option<f64>> {
    let of_part = |(range, part): (std::ops::Range<usize>, &brigand_core::latent::LatentPart)| {
        let deviation = part.distribution.deviation();
        range.map(move |_| deviation)
    };
    space.placed().flat_map(of_part).collect()
}

/// A direction of standardised coordinates as a step of whole latents.
fn spread(direction: &[f64], scales: &[Option<f64>]) -> Vec<f32> {
    let mut values = direction.iter();
    let step =
        |scale: &Option<f64>| scale.and_then(|scale| values.next().map(|value| value * scale)).unwrap_or(0.0);
    scales.iter().map(step).map(|value| value as f32).collect()
}

/// The extractor's class probabilities for the samples of `latents`.
fn classified(sampler: &dyn Sampler, extractor: &Extractor, latents: &[Vec<f32>]) -> Result<Probabilities> {
    let samples = sampler.generate_all(&to_variable(latents, &sampler.place().device)?)?;
    features_of(extractor, samples.tensor())?.probabilities().cloned().ok_or_else(|| {
        Error::Request(format!(
            "the features `{}` have no class probabilities, which directions are found from; train a classifier with `brigand \
             train classifier --data ...` and give --features classifier:RUN",
            extractor.identity()
        ))
    })
}

/// `columns` evenly spaced places from -3 to 3 standard deviations.
fn places(columns: usize) -> Vec<f64> {
    super::moments(columns).map(|t| REACH * (2.0 * t - 1.0)).collect()
}

/// `start` moved `amount` steps along `direction`, uniform coordinates as far as their range goes.
fn moved(space: &LatentSpace, start: &[f32], direction: &Direction, amount: f64) -> Vec<f32> {
    let there =
        start.iter().zip(&direction.step).map(|(&from, &step)| from + (amount * f64::from(step)) as f32);
    settled(space, &there.collect::<Vec<_>>())
}

/// The probability of a class along its direction.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// Places along the direction, in standard deviations.
    pub places: Vec<f64>,
    /// The class's mean probability at each.
    pub scores: Vec<f64>,
}

impl Sweep {
    /// [`spearman`]'s correlation of place and probability: 1 if it increases monotonically.
    pub fn monotonicity(&self) -> f64 {
        spearman(&self.places, &self.scores)
    }
}

/// The class's probability from three standard deviations before to three behind latents drawn for `seed`, averaged
/// over `starts` of them.
///
/// # Errors
/// If the extractor has no such class.
pub fn sweep(
    sampler: &dyn Sampler,
    extractor: &Extractor,
    direction: &Direction,
    (columns, starts): (usize, usize),
    seed: u64,
) -> Result<Sweep> {
    let space = sampler.space();
    // Other latents than those the direction was found from.
    let starts = to_rows(&sampler.latents(starts, &mut Stream::new(seed, "directions/sweep", 0))?)?;
    let places = places(columns);
    let score = |&amount: &f64| {
        let latents: Vec<Vec<f32>> =
            starts.iter().map(|start| moved(space, start, direction, amount)).collect();
        Ok(classified(sampler, extractor, &latents)?
            .marginal()
            .get(direction.class as usize)
            .copied()
            .unwrap_or(0.0))
    };
    let scores = places.iter().map(score).collect::<Result<_>>()?;
    Ok(Sweep { places, scores })
}

/// One latent drawn for `seed`, moved along each of `directions` in a row of its own.
///
/// # Errors
/// If there are no directions or no columns.
pub fn direction_grid(
    sampler: &dyn Sampler,
    directions: &[Direction],
    columns: usize,
    seed: u64,
) -> Result<LatentGrid> {
    let space = sampler.space();
    let start = sampler.latents(1, &mut Stream::new(seed, "directions/sweep", 0))?.to_vec_f32()?;
    let latents: Vec<Vec<f32>> = directions
        .iter()
        .flat_map(|direction| {
            places(columns)
                .into_iter()
                .map(|amount| moved(space, &start, direction, amount))
                .collect::<Vec<_>>()
        })
        .collect();
    LatentGrid::new(&latents, columns, &sampler.place().device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use brigand_core::latent::{CLASS, Distribution, LatentPart, LatentRecipe, Prior};

    #[test]
    fn a_direction_leaves_categories_alone_and_ranges_whole() {
        let space = LatentSpace::new(vec![
            LatentPart { name: CLASS, distribution: Distribution::Category { shares: vec![1.0; 2] } },
            LatentPart { name: "wide", distribution: Distribution::Normal { size: 1, deviation: 2.0 } },
            LatentRecipe { size: 1, prior: Prior::Uniform }.part(),
        ]);
        let scales = deviations(&space);
        assert_eq!(&scales[..3], &[None, None, Some(2.0)]);
        let step = spread(&[0.5, 1.0], &scales);
        assert_eq!(&step[..3], &[0.0, 0.0, 1.0]);
        assert!((step[3] - 1.0 / 3.0_f32.sqrt()).abs() < 1e-6, "{step:?}");
        let direction = Direction { class: 0, found: 20, step };
        assert_eq!(moved(&space, &[0.0, 1.0, 0.25, 0.0], &direction, 3.0), [0.0, 1.0, 3.25, 1.0]);
    }

    #[test]
    fn places_are_even_around_the_middle() {
        assert_eq!(places(5), [-3.0, -1.5, 0.0, 1.5, 3.0]);
        let sweep = Sweep { places: places(3), scores: vec![0.1, 0.0, 0.4] };
        assert!((sweep.monotonicity() - 0.5).abs() < 1e-12);
    }
}
