//! The moments of features in groups, which give the Fréchet distance an interval without keeping the features.

use super::error::{Result, refused};
use super::features::Features;
use super::frechet::{self, FrechetDistance};
use super::moments::{Moments, RunningMoments};
use super::score::{Interval, IntervalKind};
use brigand_core::random::Stream;

/// Groups of samples that are left out in turn.
const GROUPS: usize = 10;
/// Samples that a group must have.
const LEAST: usize = 2;
/// Student's t for 95 percent and nine degrees of freedom.
const WIDTH: f64 = 2.262;

/// Accumulates moments of features in ten groups of equal size, to which a seeded permutation assigns the samples.
///
/// Memory is bounded by ten covariances however many samples come; batches do not matter.
#[derive(Clone, Debug)]
pub struct GroupedMoments {
    groups: Vec<RunningMoments>,
    /// For each sample its place in the permutation; its group is that place modulo their number.
    places: Vec<usize>,
    next: usize,
}

impl GroupedMoments {
    /// Nothing yet, of `count` samples to come with that many features. Too few for groups make one.
    pub fn new(dimensions: usize, count: usize, seed: u64) -> Self {
        let groups = if count < GROUPS * LEAST { 1 } else { GROUPS };
        let places = Stream::new(seed, frechet::GROUPS, 0).permutation(count);
        Self { groups: vec![RunningMoments::new(dimensions); groups], places, next: 0 }
    }

    /// Adds every row of `batch`.
    ///
    /// # Errors
    /// If its rows have another width, or more come than were to.
    pub fn add(&mut self, batch: &Features) -> Result<()> {
        let (groups, expected) = (self.groups.len(), self.places.len());
        let Some(places) = self.places.get(self.next..self.next + batch.count()) else {
            return refused(format!("{expected} samples were expected for groups of moments, and more came"));
        };
        for (index, group) in self.groups.iter_mut().enumerate() {
            let own = places.iter().enumerate().filter(|(_, place)| **place % groups == index);
            let rows: Vec<usize> = own.map(|(row, _)| row).collect();
            if !rows.is_empty() {
                group.add(&batch.select(&rows)?)?;
            }
        }
        self.next += batch.count();
        Ok(())
    }

    /// The moments of each group.
    ///
    /// # Errors
    /// If a group has fewer than two samples.
    pub fn finish(self) -> Result<Groups> {
        let groups = self.groups.into_iter().map(RunningMoments::finish).collect::<Result<_>>()?;
        Ok(Groups { groups })
    }
}

/// The moments of groups of samples.
#[derive(Clone, Debug)]
pub struct Groups {
    groups: Vec<Moments>,
}

impl Groups {
    /// The moments of all samples.
    ///
    /// # Errors
    /// If they cannot be put together.
    pub fn whole(&self) -> Result<Moments> {
        Moments::merged(self.groups.iter())
    }

    /// The 95 percent interval of a distance to `real` by the jackknife that leaves out one group at a time: `value`
    /// and 2.262 standard errors to either side, the square of which is 9/10 of the summed squared deviations of the
    /// ten distances from their mean. None where the samples are too few for groups.
    ///
    /// # Errors
    /// As [`FrechetDistance::between`].
    pub fn interval(&self, real: &Moments, value: f64) -> Result<Option<Interval>> {
        let count = self.groups.len();
        if count < 2 {
            return Ok(None);
        }
        let without = |left_out: usize| {
            let others = self.groups.iter().enumerate().filter(|(index, _)| *index != left_out);
            let moments = Moments::merged(others.map(|(_, group)| group))?;
            Ok(FrechetDistance::between(real, &moments)?.value)
        };
        let values: Vec<f64> = (0..count).map(without).collect::<Result<_>>()?;
        let mean = values.iter().sum::<f64>() / count as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let reach = WIDTH * (squares * (count - 1) as f64 / count as f64).sqrt();
        let kind = IntervalKind::Jackknife { groups: count };
        Ok(Some(Interval { low: value - reach, high: value + reach, kind }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(count: usize, seed: u64) -> Features {
        Features::new(Stream::new(seed, "features", 0).normal(count * 3), 3).unwrap()
    }

    fn grouped(features: &Features, batch: usize) -> Groups {
        let mut moments = GroupedMoments::new(3, features.count(), 1);
        for first in (0..features.count()).step_by(batch) {
            let rows: Vec<usize> = (first..features.count().min(first + batch)).collect();
            moments.add(&features.select(&rows).unwrap()).unwrap();
        }
        moments.finish().unwrap()
    }

    #[test]
    fn groups_together_are_the_whole_whatever_the_batches() {
        let features = random(437, 1);
        let (plain, whole) = (Moments::of(&features).unwrap(), grouped(&features, 437).whole().unwrap());
        assert_eq!(whole.count(), Some(437));
        let pairs = plain.mean().iter().zip(whole.mean());
        for (a, b) in pairs.chain(plain.covariance().iter().zip(whole.covariance())) {
            assert!((a - b).abs() < 1e-12, "{a} {b}");
        }
        assert_eq!(grouped(&features, 7).whole().unwrap(), whole);
        let mut full = GroupedMoments::new(3, 3, 1);
        assert!(full.add(&random(4, 1)).unwrap_err().to_string().contains("3 samples were expected"));
        assert_eq!(grouped(&random(12, 1), 5).whole().unwrap().count(), Some(12));
    }

    #[test]
    fn the_interval_is_as_wide_as_distances_scatter() {
        let real =
            Moments::new(vec![0.5; 3], vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0], None).unwrap();
        let of = |groups: &Groups| FrechetDistance::between(&real, &groups.whole().unwrap()).unwrap().value;
        let (mut values, mut widths) = (Vec::new(), Vec::new());
        for seed in 0..30 {
            let groups = grouped(&random(500, seed), 500);
            values.push(of(&groups));
            let interval = groups.interval(&real, of(&groups)).unwrap().unwrap();
            widths.push(interval.high - interval.low);
        }
        let mean = values.iter().sum::<f64>() / 30.0;
        let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 29.0).sqrt();
        let width = widths.iter().sum::<f64>() / 30.0;
        let ratio = width / (2.0 * WIDTH * deviation);
        assert!((0.7..1.4).contains(&ratio), "{ratio}");
        assert!(grouped(&random(12, 1), 5).interval(&real, 1.0).unwrap().is_none());
    }
}
