//! Whether a generator repeats its training samples.

use super::average::Average;
use super::bootstrap::{bootstrap, quantile};
use super::error::{EvaluationError, Result};
use super::features::Features;
use super::inputs::{Inputs, Pair};
use super::metric::{Better, MetricRow, ScoreRow};
use super::need::Need;
use super::neighbours::nearest;
use super::protocol::Setting;
use super::score::Score;
use brigand_core::random::Stream;

/// Without samples held out, one of every so many real ones stands for them.
const HELD_OUT_OF: usize = 6;
/// What they are drawn for.
const HELD_OUT: &str = "held-out";

/// Its row of the table.
pub(super) const ROW: MetricRow = MetricRow {
    name: "memorisation",
    summary: "the distance to the nearest training sample beside that of held-out samples; far below 1 is copying",
    needs: &[Need::RealFeatures, Need::GeneratedFeatures, Need::TrainingSamples],
    scores: &[
        ScoreRow { name: "memorisation-median-ratio", better: Better::Neither },
        ScoreRow { name: "memorisation-closer-than-any", better: Better::Neither },
    ],
    usual: false,
    slow: true,
    measure,
};

fn measure(inputs: &Inputs<'_>) -> brigand_core::error::Result<Vec<Score>> {
    let (real, generated) = (inputs.real_features()?, inputs.generated_features()?);
    // Which sample each row of the training features is.
    let (train, held_out, places) = match inputs.training_samples() {
        Some(train) => {
            let features = inputs.features_of(train, "features of the training samples")?;
            let places: Vec<usize> = (0..train.count()).collect();
            (features, real.clone(), places)
        }
        None => {
            if real.count() < HELD_OUT_OF {
                return inputs.needed(None, "at least 6 real samples, of which one is held out");
            }
            let mut places = inputs.permutation(HELD_OUT, real.count());
            let held_out = places.split_off(real.count() - real.count() / HELD_OUT_OF);
            places.sort_unstable();
            (real.select(&places)?, real.select(&held_out)?, places)
        }
    };
    let found = Memorisation::of(&train, generated, &held_out)?;
    let pair = |(own, &(row, distance)): (usize, &(usize, f64))| Some((own, *places.get(row)?, distance));
    let mut pairs: Vec<Pair> = found.nearest.iter().enumerate().filter_map(pair).collect();
    pairs.sort_by(|a, b| a.2.total_cmp(&b.2).then(a.0.cmp(&b.0)));
    inputs.keep_pairs(pairs);
    let drawn = || match inputs.training_samples() {
        Some(_) => "the real samples".into(),
        None => inputs.drawn(HELD_OUT),
    };
    Ok(found.scores(inputs.setting())?.map(|score| score.with_parameter("drawn", drawn())).to_vec())
}

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

#[cfg(test)]
mod tests {
    use super::super::protocol::tests::setting;
    use super::*;
    use brigand_core::random::Stream;

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
}
