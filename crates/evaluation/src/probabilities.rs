//! The probabilities of classes that a classifier gives samples.

use super::error::{Result, refused};
use brigand_data::numbers::Numbers;

/// How far a row's sum may lie from 1: what rounding to 32 bits leaves of a few thousand classes.
const TOLERANCE: f64 = 1e-3;

/// Class probabilities of samples, `[count, classes]`, each row summing to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Probabilities {
    values: Vec<f64>,
    classes: usize,
}

impl Probabilities {
    /// Takes row-major probabilities, `classes` for each sample.
    ///
    /// # Errors
    /// If there are none, or a row holds a negative number or does not sum to 1 within 0.001.
    pub fn new(values: impl Into<Numbers>, classes: usize) -> Result<Self> {
        let values = whole_rows(&values.into(), classes)?;
        for (sample, row) in values.chunks(classes).enumerate() {
            let sum: f64 = row.iter().sum();
            if row.iter().any(|&p| p < 0.0) || sum.is_nan() || (sum - 1.0).abs() > TOLERANCE {
                return refused(format!(
                    "the class probabilities of sample {sample} sum to {sum} or hold a negative number; \
                     give probabilities, or logits to the softmax"
                ));
            }
        }
        Ok(Self { values, classes })
    }

    /// The softmax of row-major `logits`, `classes` for each sample.
    ///
    /// # Errors
    /// If there are none, or one is NaN or infinite.
    pub fn softmax(logits: impl Into<Numbers>, classes: usize) -> Result<Self> {
        let mut values = whole_rows(&logits.into(), classes)?;
        if let Some(place) = values.iter().position(|logit| !logit.is_finite()) {
            return refused(format!("a logit of sample {} is not finite", place / classes));
        }
        for row in values.chunks_mut(classes) {
            let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            row.iter_mut().for_each(|logit| *logit = (*logit - largest).exp());
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|share| *share /= sum);
        }
        Ok(Self { values, classes })
    }

    /// How many samples.
    pub fn count(&self) -> usize {
        self.values.len() / self.classes
    }

    /// How many classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The rows one after another.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, f64> {
        self.values.chunks_exact(self.classes)
    }

    /// The mean row, `p(y)`.
    pub fn marginal(&self) -> Vec<f64> {
        marginal(&self.values, self.classes)
    }

    /// The likeliest class of each sample, the first one where several are.
    pub fn predictions(&self) -> Vec<u32> {
        let likeliest = |row: &[f64]| {
            let first = (0, f64::NEG_INFINITY);
            row.iter()
                .enumerate()
                .fold(first, |best, (class, &p)| if p > best.1 { (class, p) } else { best })
                .0
        };
        self.rows().map(|row| likeliest(row) as u32).collect()
    }

    /// The mean over samples of the largest probability: how sure the classifier is.
    pub fn mean_confidence(&self) -> f64 {
        let sum: f64 = self.rows().map(|row| row.iter().copied().fold(0.0, f64::max)).sum();
        sum / self.count() as f64
    }

    /// The given rows in the given order.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        let row =
            |&row: &usize| self.values.get(row * self.classes..(row + 1) * self.classes).unwrap_or_default();
        Self { values: rows.iter().flat_map(row).copied().collect(), classes: self.classes }
    }

    pub(crate) fn append(&mut self, other: &Self) -> Result<()> {
        if self.classes != other.classes {
            return refused(format!("one batch has {} classes and another {}", self.classes, other.classes));
        }
        self.values.extend(&other.values);
        Ok(())
    }

    /// The numbers, row-major.
    pub(crate) fn values(&self) -> &[f64] {
        &self.values
    }
}

/// The mean of row-major rows of `classes` numbers.
pub(crate) fn marginal(values: &[f64], classes: usize) -> Vec<f64> {
    let mut sums = vec![0.0; classes];
    for row in values.chunks_exact(classes) {
        sums.iter_mut().zip(row).for_each(|(sum, p)| *sum += p);
    }
    let count = (values.len() / classes) as f64;
    sums.into_iter().map(|sum| sum / count).collect()
}

fn whole_rows(numbers: &Numbers, classes: usize) -> Result<Vec<f64>> {
    if classes == 0 || numbers.is_empty() || !numbers.len().is_multiple_of(classes) {
        return refused(format!("{} numbers do not make rows of {classes} classes", numbers.len()));
    }
    Ok(numbers.get(0..numbers.len()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softmax_survives_large_logits() {
        let p = Probabilities::softmax(vec![1000.0_f32, 1000.0, -1000.0, 0.0, 0.0, 3f32.ln()], 3).unwrap();
        let expected = [0.5, 0.5, 0.0, 0.2, 0.2, 0.6];
        assert!(p.values().iter().zip(expected).all(|(p, e)| (p - e).abs() < 1e-6), "{p:?}");
        assert_eq!(p.predictions(), [0, 2]);
        assert!((p.mean_confidence() - 0.55).abs() < 1e-6);
        assert!(p.marginal().iter().zip([0.35, 0.35, 0.3]).all(|(p, e)| (p - e).abs() < 1e-6));
    }

    #[test]
    fn what_are_no_probabilities_is_refused() {
        for bad in [vec![0.5, 0.4], vec![1.5, -0.5], vec![f64::NAN, 1.0]] {
            let message = Probabilities::new(bad, 2).unwrap_err().to_string();
            assert!(message.contains("sample 0"), "{message}");
        }
        assert!(Probabilities::new(vec![0.5, 0.4996], 2).is_ok());
        assert!(Probabilities::new(vec![1.0; 3], 2).is_err());
        assert!(Probabilities::softmax(vec![f32::NAN, 1.0], 2).is_err());
    }
}
