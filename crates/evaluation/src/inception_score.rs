//! Inception Score (Salimans et al. 2016) and MODE score (Che et al. 2017), from a classifier's probabilities.

use super::classes::kullback_leibler;
use super::error::{Result, refused};
use super::inputs::Inputs;
use super::metric::{Better, MetricRow, ScoreRow};
use super::need::Need;
use super::parts::Parts;
use super::probabilities::{Probabilities, marginal};
use super::protocol::Setting;
use super::score::Score;

/// Splits, as everywhere.
const SPLITS: usize = 10;

/// The Inception Score's row of the table.
pub(super) const ROW: MetricRow = MetricRow {
    name: "is",
    summary: "the Inception Score: confident class predictions for single samples, and varied ones over all",
    needs: &[Need::GeneratedFeatures, Need::Classes],
    scores: &[ScoreRow { name: "inception-score", better: Better::Higher }],
    usual: true,
    slow: false,
    measure,
};

fn measure(inputs: &Inputs<'_>) -> brigand_core::error::Result<Vec<Score>> {
    let probabilities = inputs.generated_probabilities()?;
    let splits = SPLITS.min(probabilities.count());
    let mixed = probabilities.select(&inputs.permutation("splits", probabilities.count()));
    let score = InceptionScore::of(&mixed, splits)?.score(inputs.setting())?;
    Ok(vec![score.with_parameter("drawn", inputs.drawn("splits"))])
}

/// The score of each split.
#[derive(Clone, Debug, PartialEq)]
pub struct InceptionScore {
    classes: usize,
    parts: Parts,
}

impl InceptionScore {
    /// `exp(mean_x KL(p(y|x) || p(y)))` of each of `splits` runs of consecutive samples, `p(y)` being the mean within
    /// the split. Where the count is no multiple, the first splits hold one sample more.
    ///
    /// # Errors
    /// If a split would hold no sample.
    pub fn of(generated: &Probabilities, splits: usize) -> Result<Self> {
        let count = generated.count();
        if splits == 0 || splits > count {
            return refused(format!(
                "{count} samples cannot be cut into {splits} splits; ask for 1 to {count}"
            ));
        }
        let classes = generated.classes();
        let mut rest = generated.values();
        let mut values = Vec::with_capacity(splits);
        for split in 0..splits {
            let samples = count / splits + usize::from(split < count % splits);
            let (part, later) = rest.split_at(samples * classes);
            rest = later;
            values.push(mean_divergence(part, &marginal(part, classes)).exp());
        }
        Ok(Self { classes, parts: Parts(values) })
    }

    /// The mean over the splits, between 1 and the number of classes.
    pub fn mean(&self) -> f64 {
        self.parts.mean()
    }

    /// The standard deviation over the splits, with divisor `n`.
    pub fn deviation(&self) -> f64 {
        self.parts.deviation()
    }

    /// The score with one standard deviation to either side.
    ///
    /// # Errors
    /// If it is not finite.
    pub fn score(&self, setting: &Setting) -> Result<Score> {
        let splits = self.parts.count();
        let parameters = [("splits", splits.into()), ("classes", self.classes.into())];
        let each = setting.generated.unwrap_or(0) / splits as u64;
        let mut warnings = Vec::new();
        if each < 5 * self.classes as u64 {
            warnings.push(format!(
                "splits of {each} samples bias the score down (one of n samples cannot exceed n); \
                 splits of 5000 are usual for 1000 classes"
            ));
        }
        Score::new(
            self.mean(),
            Some(self.parts.interval()),
            setting.protocol("inception-score", parameters),
            warnings,
        )
    }
}

/// `exp(mean_x KL(p(y|x) || p_train(y)) - KL(p(y) || p_train(y)))`.
///
/// The terms with `p_train` cancel: wherever it is positive the MODE score in this form is the Inception Score of one
/// split (Zhou et al. 2018). It is here because papers report it; to see dropped classes, read the class histogram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModeScore {
    /// The score.
    pub value: f64,
    classes: usize,
}

impl ModeScore {
    /// Compares the probabilities of generated samples with `train`, the share of each class in training.
    ///
    /// # Errors
    /// If the numbers of classes differ, or a class never seen in training has been given probability.
    pub fn of(generated: &Probabilities, train: &[f64]) -> Result<Self> {
        let p = generated.marginal();
        if p.len() != train.len() {
            return refused(format!("{} classes generated and {} in training", p.len(), train.len()));
        }
        if let Some(class) = p.iter().zip(train).position(|(&p, &t)| p > 0.0 && t <= 0.0) {
            return refused(format!(
                "class {class} has no training samples but a probability in generated ones; \
                 the MODE score is infinite"
            ));
        }
        let value = (mean_divergence(generated.values(), train) - kullback_leibler(&p, train)).exp();
        Ok(Self { value, classes: p.len() })
    }

    /// The score.
    ///
    /// # Errors
    /// If it is not finite.
    pub fn score(self, setting: &Setting) -> Result<Score> {
        let protocol = setting.protocol("mode-score", [("classes", self.classes.into())]);
        Score::new(self.value, None, protocol, vec![])
    }
}

/// The mean over rows of `KL(row || to)`.
fn mean_divergence(rows: &[f64], to: &[f64]) -> f64 {
    let sum: f64 = rows.chunks_exact(to.len()).map(|row| kullback_leibler(row, to)).sum();
    sum / (rows.len() / to.len()) as f64
}

#[cfg(test)]
mod tests {
    use super::super::protocol::tests::setting;
    use super::*;

    fn score(rows: &[f64], classes: usize) -> f64 {
        InceptionScore::of(&Probabilities::new(rows.to_vec(), classes).unwrap(), 1).unwrap().mean()
    }

    #[test]
    fn small_examples() {
        assert!((score(&[0.9, 0.1, 0.1, 0.9], 2) - 1.444935).abs() < 1e-5);
        assert!((score(&[1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0], 2) - 1.754765).abs() < 1e-5);
        assert!((score(&[0.3, 0.7, 0.3, 0.7], 2) - 1.0).abs() < 1e-12);
        let one_hot: Vec<f64> = (0..25).map(|i| f64::from(u8::from(i % 6 == 0))).collect();
        assert!((score(&one_hot, 5) - 5.0).abs() < 1e-12);
    }

    #[test]
    fn splits_are_runs_of_which_the_first_are_longer() {
        let p = Probabilities::new(vec![1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0], 2).unwrap();
        let found = InceptionScore::of(&p, 2).unwrap();
        let third = (1.0_f64 / 3.0 * 3f64.ln() + 2.0 / 3.0 * 1.5f64.ln()).exp();
        assert!((found.parts.0[0] - third).abs() < 1e-12 && (found.parts.0[1] - 2.0).abs() < 1e-12);
        assert!((found.deviation() - (2.0 - third) / 2.0).abs() < 1e-12);
        assert!(InceptionScore::of(&p, 6).unwrap_err().to_string().contains("ask for 1 to 5"));
        assert!(InceptionScore::of(&p, 0).is_err());
    }

    #[test]
    fn the_mode_score_is_the_inception_score_where_training_has_every_class() {
        let rows = [0.9, 0.1, 0.2, 0.8, 0.7, 0.3];
        let p = Probabilities::new(rows.to_vec(), 2).unwrap();
        for train in [[0.5, 0.5], [0.9, 0.1]] {
            assert!((ModeScore::of(&p, &train).unwrap().value - score(&rows, 2)).abs() < 1e-12);
        }
        assert!(ModeScore::of(&p, &[1.0, 0.0]).unwrap_err().to_string().contains("class 1"));
        assert!(ModeScore::of(&p, &[1.0]).is_err());
    }

    #[test]
    fn short_splits_are_told() {
        let p = Probabilities::new([0.9, 0.1].repeat(20), 2).unwrap();
        let warnings =
            |splits| InceptionScore::of(&p, splits).unwrap().score(&setting(1, 20)).unwrap().warnings.len();
        assert_eq!((warnings(1), warnings(10)), (0, 1));
    }
}
