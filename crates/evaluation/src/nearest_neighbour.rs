//! A nearest-neighbour classifier of real against generated samples (Lopez-Paz and Oquab 2017).

use super::average::Average;
use super::error::{Result, refused};
use super::features::Features;
use super::inputs::Inputs;
use super::metric::{Better, MetricRow, ScoreRow};
use super::need::Need;
use super::neighbours::fold_distances;
use super::protocol::Setting;
use super::score::Score;

/// Its row of the table.
pub(super) const ROW: MetricRow = MetricRow {
    name: "nearest-neighbour",
    summary: "accuracy of a nearest-neighbour classifier of real against generated samples: 0.5 is ideal, near 0 is copying",
    needs: &[Need::RealFeatures, Need::GeneratedFeatures],
    scores: &[ScoreRow { name: "nearest-neighbour-accuracy", better: Better::Neither }],
    usual: false,
    slow: false,
    measure,
};

fn measure(inputs: &Inputs<'_>) -> brigand_core::error::Result<Vec<Score>> {
    let (real, generated) = (inputs.real_features()?, inputs.generated_features()?);
    let count = real.count().min(generated.count());
    let some = |features: &Features, purpose: &str| {
        let mut rows = inputs.permutation(purpose, features.count());
        rows.truncate(count);
        features.select(&rows)
    };
    let accuracy = NearestNeighbourAccuracy::of(&some(real, "real")?, &some(generated, "generated")?)?;
    let drawn = serde_json::json!([inputs.drawn("real"), inputs.drawn("generated")]);
    Ok(vec![accuracy.score(inputs.setting())?.with_parameter("drawn", drawn)])
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
                "{n} real and {m} generated samples are not a fair test; give the same number of both, at least 2"
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
    use brigand_core::random::Stream;

    fn line(values: &[f64]) -> Features {
        Features::new(values.to_vec(), 1).unwrap()
    }

    fn normal(count: usize, seed: u64, shift: f32) -> Features {
        let draws = Stream::new(seed, "features", 0).normal(count * 3);
        Features::new(draws.iter().map(|v| v + shift).collect::<Vec<f32>>(), 3).unwrap()
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
