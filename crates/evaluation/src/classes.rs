//! What a classifier makes of generated samples: class histograms, and classification accuracy.

use super::average::Average;
use super::bootstrap::bootstrap;
use super::error::{Result, refused};
use super::protocol::Setting;
use super::score::{Interval, Score};
use brigand_core::random::Stream;

/// Resampled sets that give the divergence its interval.
const RESAMPLES: usize = 200;

/// `KL(p || q) = sum p ln(p / q)` in nats; terms with `p = 0` are 0, and it is infinite where `q = 0 < p`.
pub fn kullback_leibler(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).map(|(&p, &q)| if p > 0.0 { p * (p / q).ln() } else { 0.0 }).sum()
}

/// `TV(p, q) = 1/2 sum |p - q|`.
pub fn total_variation(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0
}

/// How often each class occurs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassHistogram {
    counts: Vec<u64>,
}

impl ClassHistogram {
    /// Counts `labels` of `classes` classes.
    ///
    /// # Errors
    /// If there is none, or one is of no class.
    pub fn of(labels: &[u32], classes: usize) -> Result<Self> {
        let mut counts = vec![0; classes];
        for &label in labels {
            match counts.get_mut(label as usize) {
                Some(count) => *count += 1,
                None => return refused(format!("label {label} but only {classes} classes")),
            }
        }
        if labels.is_empty() {
            return refused("there are no labels to count; give at least one sample");
        }
        Ok(Self { counts })
    }

    /// Samples of each class.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Samples in all.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Classes that occur.
    pub fn covered(&self) -> usize {
        self.counts.iter().filter(|&&count| count > 0).count()
    }

    /// The share of each class.
    pub fn shares(&self) -> Vec<f64> {
        shares(&self.counts)
    }

    /// `KL(self || reference)` in nats.
    ///
    /// # Errors
    /// If the numbers of classes differ, or a class occurs here that the reference lacks.
    pub fn divergence(&self, reference: &Self) -> Result<f64> {
        let (own, other) = (self.counts.len(), reference.counts.len());
        if own != other {
            return refused(format!("one histogram has {own} classes and the other {other}"));
        }
        let missing = |(&own, &other): (&u64, &u64)| own > 0 && other == 0;
        match self.counts.iter().zip(&reference.counts).position(missing) {
            None => Ok(kullback_leibler(&self.shares(), &reference.shares())),
            Some(class) => refused(format!(
                "class {class} was generated but does not occur in the reference; the divergence is infinite"
            )),
        }
    }

    /// The divergence of generated classes from real ones as a score.
    ///
    /// # Errors
    /// As [`ClassHistogram::divergence`].
    pub fn divergence_score(&self, real: &Self, setting: &Setting) -> Result<Score> {
        let (classes, total) = (self.counts.len(), self.total());
        let noise = classes.saturating_sub(1) as f64 / (2 * total) as f64;
        let value = self.divergence(real)?;
        let warning = format!(
            "a perfect sampler scores about {noise:.4} with {total} samples of {classes} classes, by chance alone"
        );
        let warnings = if value < 10.0 * noise { vec![warning] } else { vec![] };
        let protocol = setting.protocol("class-histogram-kl", [("classes", classes.into())]);
        let reference = real.shares();
        let interval = bootstrap_counts(value, &self.counts, setting.seed, "class-histogram", |counts| {
            kullback_leibler(&shares(counts), &reference)
        })?;
        Score::new(value, Some(interval), protocol, warnings)
    }

    /// How many classes occur, as a score.
    ///
    /// # Errors
    /// None that a count of classes could have.
    pub fn covered_score(&self, setting: &Setting) -> Result<Score> {
        let protocol = setting.protocol("classes-covered", [("classes", self.counts.len().into())]);
        let interval = self.covered_interval(setting.seed, "classes-covered")?;
        Score::new(self.covered() as f64, Some(interval), protocol, vec![])
    }

    /// How much [`ClassHistogram::covered`] scatters, at most up to all classes.
    pub(super) fn covered_interval(&self, seed: u64, purpose: &str) -> Result<Interval> {
        let covered = |counts: &[u64]| counts.iter().filter(|&&count| count > 0).count() as f64;
        let found = bootstrap_counts(self.covered() as f64, &self.counts, seed, purpose, covered)?;
        Ok(Interval { high: found.high.min(self.counts.len() as f64), ..found })
    }
}

/// The share of each class.
pub(super) fn shares(counts: &[u64]) -> Vec<f64> {
    let total: u64 = counts.iter().sum();
    counts.iter().map(|&count| count as f64 / total as f64).collect()
}

/// The interval of a statistic of counts when the samples that were counted are resampled.
pub(super) fn bootstrap_counts(
    value: f64,
    counts: &[u64],
    seed: u64,
    purpose: &str,
    statistic: impl Fn(&[u64]) -> f64,
) -> Result<Interval> {
    let mut stream = Stream::new(seed, &format!("evaluation/{purpose}/bootstrap"), 0);
    let of_class = |(class, &count): (usize, &u64)| std::iter::repeat_n(class, count as usize);
    let labels: Vec<usize> = counts.iter().enumerate().flat_map(of_class).collect();
    bootstrap(value, labels.len(), RESAMPLES, &mut stream, |rows| {
        let mut drawn = vec![0; counts.len()];
        for label in rows.iter().filter_map(|&row| labels.get(row)) {
            drawn.iter_mut().skip(*label).take(1).for_each(|count| *count += 1);
        }
        Ok(statistic(&drawn))
    })
}

/// Which samples a classifier was trained on before it was tested on the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrainedOn {
    /// Generated ones, tested on real ones: the classification accuracy score (Ravuri and Vinyals 2019), low where
    /// the generator lacks variety or gives samples of the wrong class.
    Generated,
    /// Real ones, tested on generated ones: GAN-test (Shmelkov et al. 2018), low where samples look like no class.
    Real,
}

/// Whether a classifier was right about each sample.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassificationAccuracy {
    /// 1 where it was right.
    pub right: Average,
    /// The share it was right about of each class; NaN of a class without samples.
    pub by_class: Vec<f64>,
}

impl ClassificationAccuracy {
    /// Compares predictions with the true classes.
    ///
    /// # Errors
    /// If there is not one for each, or a class is out of range.
    pub fn of(predictions: &[u32], labels: &[u32], classes: usize) -> Result<Self> {
        if predictions.len() != labels.len() {
            return refused(format!("{} predictions for {} labels", predictions.len(), labels.len()));
        }
        let all = ClassHistogram::of(labels, classes)?;
        let right: Vec<bool> = predictions.iter().zip(labels).map(|(p, l)| p == l).collect();
        let mut right_of_class = vec![0_u64; classes];
        for (&label, _) in labels.iter().zip(&right).filter(|(_, right)| **right) {
            right_of_class.iter_mut().skip(label as usize).take(1).for_each(|count| *count += 1);
        }
        let by_class = right_of_class.iter().zip(all.counts()).map(|(&r, &n)| r as f64 / n as f64).collect();
        let values = right.iter().map(|&right| f64::from(u8::from(right))).collect();
        Ok(Self { right: Average::new(values)?, by_class })
    }

    /// The accuracy as a score, called after what the classifier was trained on.
    ///
    /// # Errors
    /// If it is not finite.
    pub fn score(&self, trained_on: TrainedOn, setting: &Setting) -> Result<Score> {
        let metric = match trained_on {
            TrainedOn::Generated => "classification-accuracy-score",
            TrainedOn::Real => "gan-test",
        };
        self.right.score(setting.protocol(metric, [("classes", self.by_class.len().into())]), vec![])
    }
}

#[cfg(test)]
mod tests {
    use super::super::protocol::tests::setting;
    use super::*;

    #[test]
    fn divergences_of_small_examples() {
        let (p, q) = ([0.5, 0.5, 0.0], [0.25, 0.25, 0.5]);
        assert!((kullback_leibler(&p, &q) - 2f64.ln()).abs() < 1e-6);
        assert_eq!(kullback_leibler(&q, &p), f64::INFINITY);
        assert_eq!(total_variation(&p, &q), 0.5);
    }

    #[test]
    fn histograms_are_compared() {
        let own = ClassHistogram::of(&[0, 0, 1, 1], 3).unwrap();
        let real = ClassHistogram::of(&[0, 1, 2, 2], 3).unwrap();
        assert_eq!((own.covered(), own.total()), (2, 4));
        assert!((own.divergence(&real).unwrap() - 2f64.ln()).abs() < 1e-12);
        assert!(real.divergence(&own).unwrap_err().to_string().contains("class 2 was generated"));
        assert!(ClassHistogram::of(&[3], 3).unwrap_err().to_string().contains("label 3 but only 3"));
        assert!(ClassHistogram::of(&[], 3).is_err());
        assert!(own.divergence(&ClassHistogram::of(&[0], 2).unwrap()).is_err());
    }

    #[test]
    fn chance_is_told_where_it_could_be_all() {
        let even = ClassHistogram::of(&[0, 1, 2, 0, 1, 2], 3).unwrap();
        let score = even.divergence_score(&even, &setting(6, 6)).unwrap();
        assert_eq!(score.value, 0.0);
        assert!(score.warnings[0].contains("about 0.1667 with 6 samples"), "{:?}", score.warnings);
    }

    #[test]
    fn a_generator_of_one_class_of_two_scores_a_half() {
        // Its classifier predicts class 0 only.
        let accuracy = ClassificationAccuracy::of(&[0; 10], &[0, 1, 0, 1, 0, 1, 0, 1, 0, 1], 2).unwrap();
        let score = accuracy.score(TrainedOn::Generated, &setting(10, 10)).unwrap();
        assert_eq!((score.value, &*score.protocol.metric), (0.5, "classification-accuracy-score"));
        assert_eq!(accuracy.by_class, [1.0, 0.0]);
        assert!(ClassificationAccuracy::of(&[0], &[0, 1], 2).is_err());
    }
}
