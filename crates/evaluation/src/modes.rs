//! How many modes of a mixture of Gaussians are covered, and how well (Srivastava et al. 2017; Lin et al. 2018).

use super::average::Average;
use super::classes::ClassHistogram;
use super::classes::{bootstrap_counts, kullback_leibler, shares, total_variation};
use super::error::{Result, refused};
use super::features::Features;
use super::inputs::Inputs;
use super::metric::{Better, MetricRow, ScoreRow};
use super::need::{MODES_OR_CLASSES, Need};
use super::protocol::Setting;
use super::score::{Interval, Score};
use brigand_data::Modes;

/// Its row of the table.
pub(super) const ROW: MetricRow = MetricRow {
    name: "modes",
    summary: "which modes of a mixture of points, or classes of images, are missing",
    needs: &[Need::RealFeatures, Need::GeneratedFeatures, Need::ModesOrClasses],
    scores: &[
        ScoreRow { name: "classes-covered", better: Better::Higher },
        ScoreRow { name: "class-histogram-kl", better: Better::Lower },
        ScoreRow { name: "modes", better: Better::Higher },
        ScoreRow { name: "high-quality", better: Better::Higher },
        ScoreRow { name: "modes-kl", better: Better::Lower },
        ScoreRow { name: "modes-total-variation", better: Better::Lower },
    ],
    usual: true,
    slow: false,
    measure,
};

fn measure(inputs: &Inputs<'_>) -> brigand_core::error::Result<Vec<Score>> {
    let (real, generated) = (inputs.real_features()?, inputs.generated_features()?);
    if let Some(modes) = inputs.modes() {
        return Ok(ModeCoverage::of(generated, modes)?.scores(1, inputs.setting())?);
    }
    let histogram = |features: &Features| {
        let probabilities = inputs.needed(features.probabilities(), MODES_OR_CLASSES)?;
        let found = ClassHistogram::of(&probabilities.predictions(), probabilities.classes())?;
        Ok::<_, brigand_core::error::Error>(found)
    };
    let (real, generated) = (histogram(real)?, histogram(generated)?);
    let mut covered = generated.covered_score(inputs.setting())?;
    match generated.divergence_score(&real, inputs.setting()) {
        Ok(divergence) => Ok(vec![covered, divergence]),
        Err(reason) => {
            covered.warnings.push(reason.to_string());
            Ok(vec![covered])
        }
    }
}

/// A sample is of high quality within so many standard deviations of a centre.
const REACH: f64 = 3.0;

/// What is measured of the counts of the modes.
type Statistic<'a> = &'a dyn Fn(&[u64]) -> f64;

/// Which mode each sample belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct ModeCoverage {
    /// High-quality samples of each mode.
    pub counts: Vec<u64>,
    /// 1 for each sample within three standard deviations of its nearest centre. A perfect sampler of the plane has a
    /// mean of `1 - e^-4.5`, 0.98889.
    pub high_quality: Average,
}

impl ModeCoverage {
    /// Assigns each of `samples`, `[n, d]`, to the nearest centre.
    ///
    /// # Errors
    /// If there are no modes or they have other dimensions.
    pub fn of(samples: &Features, modes: &Modes) -> Result<Self> {
        let width = samples.dimensions();
        if modes.centres.is_empty() || modes.centres.iter().any(|centre| centre.len() != width) {
            return refused(format!(
                "samples with {width} coordinates cannot be assigned to {} modes of other dimensions; \
                 use the modes of the distribution the generator was trained on",
                modes.centres.len()
            ));
        }
        let reach = REACH * f64::from(modes.deviation);
        let mut counts = vec![0; modes.centres.len()];
        let rows = samples.rows(0..samples.count());
        let good = rows.chunks_exact(width).map(|sample| {
            let (mode, distance) = nearest(sample, &modes.centres);
            let good = distance <= reach;
            counts.iter_mut().skip(mode).take(1).for_each(|count| *count += u64::from(good));
            f64::from(u8::from(good))
        });
        let high_quality = Average::new(good.collect())?;
        Ok(Self { counts, high_quality })
    }

    /// Modes with at least `least` high-quality samples.
    pub fn covered(&self, least: u64) -> usize {
        self.counts.iter().filter(|&&count| count >= least.max(1)).count()
    }

    /// The share of each mode among the high-quality samples; none if there is no such sample.
    pub fn shares(&self) -> Option<Vec<f64>> {
        self.counts.iter().any(|&count| count > 0).then(|| shares(&self.counts))
    }

    /// `KL(shares || uniform)` in nats; none without high-quality samples.
    pub fn divergence_from_uniform(&self) -> Option<f64> {
        Some(kullback_leibler(&self.shares()?, &self.uniform()))
    }

    /// The total variation between the shares and the uniform distribution; none without high-quality samples.
    pub fn variation_from_uniform(&self) -> Option<f64> {
        Some(total_variation(&self.shares()?, &self.uniform()))
    }

    fn uniform(&self) -> Vec<f64> {
        vec![1.0 / self.counts.len() as f64; self.counts.len()]
    }

    /// Modes covered (by at least `least` samples) and high-quality share; with high-quality samples also divergence
    /// and total variation from uniform.
    ///
    /// # Errors
    /// If one is not finite.
    pub fn scores(&self, least: u64, setting: &Setting) -> Result<Vec<Score>> {
        let (modes, samples) = (self.counts.len(), self.high_quality.values().len());
        let protocol = |metric: &str| {
            setting.protocol(
                metric,
                [("modes", modes.into()), ("reach", REACH.into()), ("least", least.max(1).into())],
            )
        };
        let warnings = if samples < 100 * modes {
            vec![format!(
                "{samples} samples of {modes} modes scatter: a perfect sampler diverges from uniform by about {:.4}; \
                 use {} or more",
                (modes.saturating_sub(1)) as f64 / (2 * samples) as f64,
                100 * modes
            )]
        } else {
            vec![]
        };
        let least = least.max(1);
        let interval = |value: f64, purpose: &str, statistic: Statistic<'_>| {
            bootstrap_counts(value, &self.counts, setting.seed, purpose, statistic)
        };
        let covered = |counts: &[u64]| counts.iter().filter(|&&count| count >= least).count() as f64;
        let found = interval(covered(&self.counts), "modes", &covered)?;
        let found = Interval { high: found.high.min(modes as f64), ..found };
        let mut scores = vec![
            Score::new(covered(&self.counts), Some(found), protocol("modes"), warnings.clone())?,
            self.high_quality.score(protocol("high-quality"), vec![])?,
        ];
        let uniform = self.uniform();
        let divergence = |counts: &[u64]| kullback_leibler(&shares(counts), &uniform);
        let variation = |counts: &[u64]| total_variation(&shares(counts), &uniform);
        let from_uniform: [(&str, Statistic<'_>); 2] =
            [("modes-kl", &divergence), ("modes-total-variation", &variation)];
        for (metric, statistic) in from_uniform.into_iter().filter(|_| self.counts.iter().sum::<u64>() > 0) {
            let value = statistic(&self.counts);
            let found = interval(value, metric, statistic)?;
            scores.push(Score::new(value, Some(found), protocol(metric), warnings.clone())?);
        }
        Ok(scores)
    }
}

/// The nearest centre, the first one of several, and the Euclidean distance to it.
fn nearest(sample: &[f64], centres: &[Vec<f32>]) -> (usize, f64) {
    let distance = |centre: &[f32]| {
        let squares = sample.iter().zip(centre).map(|(x, &c)| (x - f64::from(c)).powi(2));
        squares.sum::<f64>().sqrt()
    };
    centres.iter().map(|centre| distance(centre)).enumerate().fold(
        (0, f64::INFINITY),
        |best, (mode, distance)| {
            if distance < best.1 { (mode, distance) } else { best }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::super::protocol::tests::setting;
    use super::*;
    use brigand_core::random::Stream;
    use brigand_data::Toy;

    fn at_centres(toy: Toy, counts: &[usize]) -> ModeCoverage {
        let modes = toy.modes().unwrap();
        let points: Vec<f32> =
            modes.centres.iter().zip(counts).flat_map(|(centre, &count)| centre.repeat(count)).collect();
        ModeCoverage::of(&Features::new(points, 2).unwrap(), &modes).unwrap()
    }

    #[test]
    fn small_examples() {
        let two = at_centres(Toy::Ring8, &[50, 0, 0, 50]);
        assert!((two.divergence_from_uniform().unwrap() - 1.386294).abs() < 1e-6);
        assert_eq!((two.covered(1), two.covered(51), two.high_quality.mean()), (2, 0, 1.0));
        let uneven = ModeCoverage { counts: vec![5, 3, 2, 0], high_quality: two.high_quality };
        assert!((uneven.divergence_from_uniform().unwrap() - 0.356641).abs() < 1e-6);
        assert!((uneven.variation_from_uniform().unwrap() - 0.3).abs() < 1e-12);
        assert_eq!(uneven.covered(0), 3);
    }

    #[test]
    fn a_perfect_sampler_covers_everything() {
        for toy in [Toy::Ring8, Toy::Grid25] {
            let (points, _) = toy.draw(50_000, &mut Stream::new(1, "points", 0));
            let found = ModeCoverage::of(&Features::new(points, 2).unwrap(), &toy.modes().unwrap()).unwrap();
            assert_eq!(found.covered(500), toy.parts());
            assert!((found.high_quality.mean() - 0.988891).abs() < 0.0015, "{}", found.high_quality.mean());
            assert!(found.divergence_from_uniform().unwrap() < 0.001);
        }
    }

    #[test]
    fn reach_ends_at_three_deviations() {
        let modes = Toy::Ring8.modes().unwrap();
        let points = vec![2.0_f64, 0.0599, 2.0, 0.0601, 5.0, 5.0];
        let found = ModeCoverage::of(&Features::new(points, 2).unwrap(), &modes).unwrap();
        assert_eq!(found.high_quality.values(), [1.0, 0.0, 0.0]);
        assert_eq!(found.counts[0], 1);
    }

    #[test]
    fn scores_leave_out_what_has_no_value() {
        let modes = Toy::Ring8.modes().unwrap();
        let lost = ModeCoverage::of(&Features::new(vec![9.0; 4], 2).unwrap(), &modes).unwrap();
        assert_eq!(lost.divergence_from_uniform(), None);
        let names = |coverage: &ModeCoverage| -> Vec<String> {
            let scores = coverage.scores(1, &setting(2, 2)).unwrap();
            scores.into_iter().map(|score| score.protocol.metric).collect()
        };
        assert_eq!(names(&lost), ["modes", "high-quality"]);
        let even = at_centres(Toy::Ring8, &[1; 8]).scores(1, &setting(8, 8)).unwrap();
        let ends =
            |score: &Score| score.interval.as_ref().map(|interval| (interval.low, interval.high)).unwrap();
        assert_eq!(even.len(), 4);
        // Eight draws of eight modes leave out three of them, more or less.
        assert!(ends(&even[0]).0 < 8.0 && ends(&even[0]).1 == 8.0, "{even:?}");
        assert!(ends(&even[2]).0 < 0.0 && ends(&even[2]).1 > 0.0, "{even:?}");
        assert!(ModeCoverage::of(&Features::new(vec![9.0; 4], 1).unwrap(), &modes).is_err());
    }
}
