//! The thousand modes of stacked digits: three digits as the channels of one image (Metz et al. 2017).

use super::classes::{ClassHistogram, bootstrap_counts, kullback_leibler, shares};
use super::error::{Result, refused};
use super::gathering::{features_of, portion, take_alike};
use super::inputs::Inputs;
use super::metric::{Better, MetricRow, ScoreRow};
use super::need::{CLASSES, Need};
use super::protocol::Setting;
use super::score::Score;

/// Its row of the table.
pub(super) const ROW: MetricRow = MetricRow {
    name: "stacked-digits",
    summary: "the thousand modes of three digits as the channels of one image",
    needs: &[Need::GeneratedSamples, Need::Classes],
    scores: &[
        ScoreRow { name: "stacked-digits-modes", better: Better::Higher },
        ScoreRow { name: "stacked-digits-kl", better: Better::Lower },
    ],
    usual: false,
    slow: true,
    measure,
};

fn measure(inputs: &Inputs<'_>) -> brigand_core::error::Result<Vec<Score>> {
    let samples = inputs.needed(inputs.generated_samples(), "the images themselves")?;
    let [3, height, width] = *samples.shape()? else {
        return inputs.needed(None, "images of three channels, a digit in each");
    };
    let (all, mut digits): (Vec<usize>, _) = ((0..samples.count()).collect(), Vec::new());
    for places in all.chunks(portion(samples)) {
        let apart = take_alike(samples, places)?.reshape((3 * places.len(), 1, height, width))?;
        let features = features_of(inputs.extractor(), &apart)?;
        let found = inputs.needed(features.probabilities(), CLASSES)?.predictions();
        digits.extend(found.as_chunks::<3>().0);
    }
    Ok(StackedDigits::of(&digits)?.scores(inputs.setting())?.to_vec())
}

/// Modes: ten digits in each of three channels.
pub const MODES: usize = 1000;

/// How often each triple of digits was generated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackedDigits {
    histogram: ClassHistogram,
}

impl StackedDigits {
    /// Counts triples of digits that a classifier recognised in the three channels.
    ///
    /// # Errors
    /// If there is none, or a prediction is no digit.
    pub fn of(digits: &[[u32; 3]]) -> Result<Self> {
        if let Some(bad) = digits.iter().position(|triple| triple.iter().any(|&digit| digit > 9)) {
            return refused(format!(
                "sample {bad} has a prediction above 9; use a classifier of the ten digits"
            ));
        }
        let modes: Vec<u32> = digits.iter().map(|[r, g, b]| 100 * r + 10 * g + b).collect();
        Ok(Self { histogram: ClassHistogram::of(&modes, MODES)? })
    }

    /// Samples of each mode, that of digits `r`, `g`, `b` at `100 r + 10 g + b`.
    pub fn histogram(&self) -> &ClassHistogram {
        &self.histogram
    }

    /// `KL(generated || uniform)` in nats.
    pub fn divergence_from_uniform(&self) -> f64 {
        from_uniform(self.histogram.counts())
    }

    /// The number of modes covered and the divergence from uniform, as scores.
    ///
    /// # Errors
    /// If one is not finite.
    pub fn scores(&self, setting: &Setting) -> Result<[Score; 2]> {
        let total = self.histogram.total();
        let mut warnings = vec![];
        let reachable = expected_coverage(total);
        if reachable < MODES as f64 - 0.5 {
            warnings
                .push(format!("{total} perfect samples would cover {reachable:.1} modes; 25600 are usual"));
        }
        let chance = format!(
            "{total} perfect samples would score about {:.4} by chance alone",
            (MODES - 1) as f64 / (2 * total) as f64
        );
        let covered = self.histogram.covered_interval(setting.seed, "stacked-digits-modes")?;
        let (value, counts) = (self.divergence_from_uniform(), self.histogram.counts());
        let scatter = bootstrap_counts(value, counts, setting.seed, "stacked-digits-kl", from_uniform)?;
        let modes = setting.protocol("stacked-digits-modes", [("samples", total.into())]);
        let divergence = setting
            .protocol("stacked-digits-kl", [("samples", total.into()), ("reference", "uniform".into())]);
        Ok([
            Score::new(self.histogram.covered() as f64, Some(covered), modes, warnings)?,
            Score::new(self.divergence_from_uniform(), Some(scatter), divergence, vec![chance])?,
        ])
    }
}

fn from_uniform(counts: &[u64]) -> f64 {
    kullback_leibler(&shares(counts), &[1.0 / MODES as f64; MODES])
}

/// How many of the modes `samples` perfect samples would cover on average.
pub fn expected_coverage(samples: u64) -> f64 {
    let missed = (1.0 - 1.0 / MODES as f64).powf(samples as f64);
    MODES as f64 * (1.0 - missed)
}

#[cfg(test)]
mod tests {
    use super::super::protocol::tests::setting;
    use super::*;
    use brigand_core::random::Stream;

    fn perfect(samples: usize) -> StackedDigits {
        let mut stream = Stream::new(1, "digits", 0);
        let digits: Vec<[u32; 3]> = (0..samples).map(|_| [(); 3].map(|()| stream.index(10) as u32)).collect();
        StackedDigits::of(&digits).unwrap()
    }

    #[test]
    fn a_perfect_sampler_has_the_expected_values() {
        assert!((expected_coverage(1000) - 632.3).abs() < 0.05);
        assert!((perfect(1000).histogram().covered() as f64 - 632.3).abs() < 40.0);
        let many = perfect(25_600);
        assert_eq!(many.histogram().covered(), 1000);
        assert!((many.divergence_from_uniform() - 0.0195).abs() < 0.003);
    }

    #[test]
    fn one_mode_is_as_far_from_uniform_as_can_be() {
        let one = StackedDigits::of(&[[1, 2, 3]; 10]).unwrap();
        assert_eq!(one.histogram().counts()[123], 10);
        assert!((one.divergence_from_uniform() - 1000f64.ln()).abs() < 1e-12);
        let scores = one.scores(&setting(10, 10)).unwrap();
        assert_eq!(scores[0].value, 1.0);
        assert!(scores[0].warnings[0].contains("would cover 10.0 modes"), "{:?}", scores[0].warnings);
        assert!(StackedDigits::of(&[[0, 10, 0]]).is_err() && StackedDigits::of(&[]).is_err());
    }
}
