//! Whether a generator repeats its training samples.

use super::average::Average;
use super::bootstrap::{bootstrap, quantile};
use super::error::{EvaluationError, Result, refused};
use super::features::Features;
use super::neighbours::{fold_distances, nearest};
use super::protocol::Setting;
use super::score::Score;
use crate::random::Stream;

/// Below this ratio of median distances generated samples lie suspiciously close to training ones.
const SUSPICIOUS: f64 = 0.5;
/// Resampled sets that give the ratio its interval.
const RESAMPLES: usize = 200;

/// How close generated samples lie to training ones, beside samples that were held out.
#[derive(Clone, Debug, PartialEq)]
pub struct Memorisation {
    /// For each generated sample the nearest training sample and the Euclidean distance to it.
    pub nearest: Vec<(usize, f64)>,
    /// The distance of each held-out sample to its nearest training sample.
    pub held_out: Vec<f64>,
    /// Median of the generated distances over median of the held-out ones: near 1 is good, far below 1 is memorised.
    pub median_ratio: f64,
    /// The share of generated samples closer to a training sample than any held-out one is.
    pub closer_than_any: f64,
}

impl Memorisation {
    /// Compares generated with held-out samples, both against the training set, in pixels or features.
    ///
    /// # Errors
    /// If the dimensions differ, or held-out samples are copies of training samples.
    pub fn of(train: &Features, generated: &Features, held_out: &Features) -> Result<Self> {
        let found = nearest(generated, train)?;
        let beside: Vec<f64> = nearest(held_out, train)?.into_iter().map(|(_, distance)| distance).collect();
        let median = |distances: &mut Vec<f64>| {
            distances.sort_by(f64::total_cmp);
            quantile(distances, 0.5)
        };
        let mut sorted: Vec<f64> = found.iter().map(|&(_, distance)| distance).collect();
        let mut sorted_beside = beside.clone();
        let (own, other) = (median(&mut sorted), median(&mut sorted_beside));
        if other <= 0.0 {
            return Err(EvaluationError::Input(
                "half of the held-out samples are copies of training samples; hold out other ones".into(),
            ));
        }
        let least = sorted_beside.first().copied().unwrap_or(0.0);
        let closer = sorted.partition_point(|&distance| distance < least);
        let closer_than_any = closer as f64 / sorted.len() as f64;
        Ok(Self { nearest: found, held_out: beside, median_ratio: own / other, closer_than_any })
    }

    /// Whether the samples look memorised.
    pub fn suspicious(&self) -> bool {
        self.median_ratio < SUSPICIOUS
    }

    /// The ratio of medians and the share closer than any held-out sample, as scores.
    ///
    /// # Errors
    /// If one is not finite.
    pub fn scores(&self, setting: &Setting) -> Result<[Score; 2]> {
        let parameters = || [("held_out", self.held_out.len().into()), ("distance", "euclidean".into())];
        let mut warnings = Vec::new();
        if self.suspicious() {
            warnings.push(format!(
                "generated samples lie {:.2} times as far from training samples as held-out ones: look at the nearest \
                 pairs, they may be copies",
                self.median_ratio
            ));
        }
        let ratio = setting.protocol("memorisation-median-ratio", parameters());
        let closer = setting.protocol("memorisation-closer-than-any", parameters());
        let least = self.held_out.iter().copied().fold(f64::INFINITY, f64::min);
        let distances: Vec<f64> = self.nearest.iter().map(|&(_, distance)| distance).collect();
        let close = distances.iter().map(|&distance| f64::from(u8::from(distance < least))).collect();
        let mut stream = Stream::new(setting.seed, "evaluation/memorisation/bootstrap", 0);
        let mut beside = self.held_out.clone();
        beside.sort_by(f64::total_cmp);
        let beside = quantile(&beside, 0.5);
        let interval = bootstrap(self.median_ratio, distances.len(), RESAMPLES, &mut stream, |rows| {
            let mut drawn: Vec<f64> = rows.iter().filter_map(|&row| distances.get(row).copied()).collect();
            drawn.sort_by(f64::total_cmp);
            Ok(quantile(&drawn, 0.5) / beside)
        })?;
        Ok([
            Score::new(self.median_ratio, Some(interval), ratio, warnings)?,
            Average::new(close)?.score(closer, vec![])?,
        ])
    }
}

/// Accuracy of telling real from generated samples by their nearest other sample (Lopez-Paz and Oquab 2017).
#[derive(Clone, Debug, PartialEq)]
pub struct NearestNeighbourAccuracy {
    /// The share of all samples whose nearest other is of their own set: 0.5 is ideal, 1 separable, near 0 copied.
    pub overall: f64,
    /// That of the real samples; low where the generator memorises.
    pub real: f64,
    /// That of the generated samples; high where the generator collapses.
    pub generated: f64,
    /// 1 for each sample whose nearest other is of its own set, the real ones first.
    pub right: Average,
}

impl NearestNeighbourAccuracy {
    /// Leaves out each sample in turn. Where the nearest of both sets are equally far, the sample counts half.
    ///
    /// # Errors
    /// If the sets differ in number (0.5 would not be ideal) or dimensions, or hold fewer than two samples each.
    pub fn of(real: &Features, generated: &Features) -> Result<Self> {
        real.check_dimensions(generated)?;
        let (n, m) = (real.count(), generated.count());
        if n != m || n < 2 {
            return refused(format!(
                "{n} real and {m} generated samples cannot be told apart fairly; give the same number, at least 2"
            ));
        }
        let within = |set| {
            fold_distances(set, set, f64::INFINITY, |best, own, first, distances| {
                let others = (first..).zip(distances).filter(|(other, _)| *other != own);
                *best = others.fold(*best, |best, (_, &distance)| best.min(distance));
            })
        };
        let across = |from, to| {
            fold_distances(from, to, f64::INFINITY, |best, _, _, distances| {
                *best = distances.iter().copied().fold(*best, f64::min);
            })
        };
        let right = |own: Vec<f64>, other: Vec<f64>| -> Vec<f64> {
            let right = |(own, other): (&f64, &f64)| match own.total_cmp(other) {
                std::cmp::Ordering::Less => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Greater => 0.0,
            };
            own.iter().zip(&other).map(right).collect()
        };
        let of_real = right(within(real)?, across(real, generated)?);
        let of_generated = right(within(generated)?, across(generated, real)?);
        let share = |right: &[f64]| right.iter().sum::<f64>() / right.len() as f64;
        let (real, generated) = (share(&of_real), share(&of_generated));
        let right = Average::new([of_real, of_generated].concat())?;
        Ok(Self { overall: (real + generated) / 2.0, real, generated, right })
    }

    /// The overall accuracy as a score.
    ///
    /// # Errors
    /// If it is not finite.
    pub fn score(&self, setting: &Setting) -> Result<Score> {
        let protocol = setting.protocol("nearest-neighbour-accuracy", [("distance", "euclidean".into())]);
        self.right.score(protocol, vec![])
    }
}

#[cfg(test)]
mod tests {
    use super::super::protocol::tests::setting;
    use super::*;
    use crate::random::Stream;

    fn line(values: &[f64]) -> Features {
        Features::new(values.to_vec(), 1).unwrap()
    }

    fn normal(count: usize, seed: u64, shift: f32) -> Features {
        let draws = Stream::new(seed, "features", 0).normal(count * 3);
        Features::new(draws.iter().map(|v| v + shift).collect::<Vec<f32>>(), 3).unwrap()
    }

    #[test]
    fn the_small_example_is_flagged() {
        let found = Memorisation::of(&line(&[0.0, 10.0]), &line(&[0.1, 9.9]), &line(&[1.0, 9.0])).unwrap();
        assert_eq!(found.nearest.iter().map(|pair| pair.0).collect::<Vec<_>>(), [0, 1]);
        assert!((found.median_ratio - 0.1).abs() < 1e-5 && found.closer_than_any == 1.0);
        assert!(found.suspicious());
        assert_eq!(found.scores(&setting(2, 2)).unwrap()[0].warnings.len(), 1);
    }

    #[test]
    fn a_good_generator_is_not_flagged() {
        let found =
            Memorisation::of(&normal(500, 1, 0.0), &normal(500, 2, 0.0), &normal(500, 3, 0.0)).unwrap();
        assert!((found.median_ratio - 1.0).abs() < 0.15, "{}", found.median_ratio);
        assert!(!found.suspicious() && found.closer_than_any < 0.05);
        let copied = line(&[1.0, 2.0]);
        assert!(Memorisation::of(&copied, &copied, &copied).is_err());
    }

    #[test]
    fn accuracy_tells_ideal_separable_and_copied() {
        let real = normal(400, 1, 0.0);
        let accuracy = |generated: &Features| NearestNeighbourAccuracy::of(&real, generated).unwrap();
        assert!((accuracy(&normal(400, 2, 0.0)).overall - 0.5).abs() < 0.08);
        assert_eq!(accuracy(&normal(400, 2, 50.0)).overall, 1.0);
        let interval = accuracy(&normal(400, 2, 0.0)).score(&setting(400, 400)).unwrap().interval.unwrap();
        assert!((0.05..0.09).contains(&(interval.high - interval.low)), "{interval:?}");
        let near: Vec<f64> = real.rows(0..400).iter().map(|v| v + 1e-6).collect();
        assert_eq!(accuracy(&Features::new(near, 3).unwrap()).overall, 0.0);
        let turned = NearestNeighbourAccuracy::of(&normal(400, 2, 1.0), &real).unwrap();
        let straight = accuracy(&normal(400, 2, 1.0));
        assert_eq!((turned.overall, turned.real), (straight.overall, straight.generated));
    }

    #[test]
    fn sets_of_different_size_are_refused() {
        let message =
            NearestNeighbourAccuracy::of(&line(&[0.0, 1.0]), &line(&[0.0])).unwrap_err().to_string();
        assert!(message.contains("2 real and 1 generated"), "{message}");
        assert!(NearestNeighbourAccuracy::of(&line(&[0.0]), &line(&[0.0])).is_err());
    }
}
