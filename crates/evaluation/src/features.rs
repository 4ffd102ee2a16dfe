//! What metrics are computed from: one row of numbers for each sample.

use std::borrow::Cow;
use std::ops::Range;

use super::error::{EvaluationError, Result, refused};
use super::probabilities::Probabilities;
use brigand_data::numbers::Numbers;

/// A matrix of features, `[count, dimensions]`, with the classes and the classifier's outputs of the samples where
/// they are known. Every number is finite and there is at least one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    numbers: Numbers,
    dimensions: usize,
    labels: Option<Vec<u32>>,
    probabilities: Option<Probabilities>,
}

impl Features {
    /// Takes row-major `numbers`, `dimensions` for each sample.
    ///
    /// # Errors
    /// If there are none, they do not make whole rows, or one is NaN or infinite (naming its row).
    pub fn new(numbers: impl Into<Numbers>, dimensions: usize) -> Result<Self> {
        let numbers = numbers.into();
        if dimensions == 0 || numbers.is_empty() {
            return refused("the feature matrix is empty; a metric needs at least one sample");
        }
        if !numbers.len().is_multiple_of(dimensions) {
            return refused(format!(
                "{} numbers do not make rows of {dimensions} features; check the shape",
                numbers.len()
            ));
        }
        if let Some((place, value)) = numbers.first_not_finite() {
            return refused(format!(
                "feature {} of sample {} is {value}; a metric of it would be meaningless, find out where it comes from",
                place % dimensions,
                place / dimensions
            ));
        }
        Ok(Self { numbers, dimensions, labels: None, probabilities: None })
    }

    /// Adds the class of each sample.
    ///
    /// # Errors
    /// If there is not one for each.
    pub fn with_labels(mut self, labels: Vec<u32>) -> Result<Self> {
        self.check_count("labels", labels.len())?;
        self.labels = Some(labels);
        Ok(self)
    }

    /// Adds the probabilities that a classifier gave each sample.
    ///
    /// # Errors
    /// If there is not one row for each.
    pub fn with_probabilities(mut self, probabilities: Probabilities) -> Result<Self> {
        self.check_count("rows of probabilities", probabilities.count())?;
        self.probabilities = Some(probabilities);
        Ok(self)
    }

    /// The same without probabilities.
    #[must_use]
    pub(crate) fn without_probabilities(self) -> Self {
        Self { probabilities: None, ..self }
    }

    /// The same in memory that suffices for `count` rows, so that more can follow without being copied.
    #[must_use]
    pub(crate) fn with_room_for(mut self, count: usize) -> Self {
        self.numbers.reserve(count.saturating_sub(self.count()) * self.dimensions);
        self
    }

    fn check_count(&self, what: &str, found: usize) -> Result<()> {
        if found == self.count() {
            return Ok(());
        }
        refused(format!("{found} {what} for {} samples; give one for each", self.count()))
    }

    /// Adds the rows of `other` below; it must have the same width, and labels and probabilities if these have.
    ///
    /// # Errors
    /// If the two do not fit together.
    pub fn append(&mut self, other: &Self) -> Result<()> {
        self.check_dimensions(other)?;
        let one_sided = |what: &str| refused(format!("only one of two batches of features has {what}"));
        match (&mut self.labels, &other.labels) {
            (Some(own), Some(other)) => own.extend(other),
            (None, None) => {}
            _ => return one_sided("labels"),
        }
        match (&mut self.probabilities, &other.probabilities) {
            (Some(own), Some(other)) => own.append(other)?,
            (None, None) => {}
            _ => return one_sided("probabilities"),
        }
        self.numbers.append(&other.numbers);
        Ok(())
    }

    /// How many samples.
    pub fn count(&self) -> usize {
        self.numbers.len() / self.dimensions
    }

    /// How many features each sample has.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// All numbers, row-major.
    pub fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    /// The class of each sample.
    pub fn labels(&self) -> Option<&[u32]> {
        self.labels.as_deref()
    }

    /// The probabilities that a classifier gave each sample.
    pub fn probabilities(&self) -> Option<&Probabilities> {
        self.probabilities.as_ref()
    }

    /// The rows in `range` as `f64`, row-major.
    pub fn rows(&self, range: Range<usize>) -> Cow<'_, [f64]> {
        self.numbers.get(range.start * self.dimensions..range.end * self.dimensions)
    }

    /// The given rows in the given order, without labels and probabilities. Rows may repeat.
    ///
    /// # Errors
    /// If a row does not exist or none is asked for.
    pub fn select(&self, rows: &[usize]) -> Result<Self> {
        if let Some(row) = rows.iter().find(|&&row| row >= self.count()) {
            return refused(format!("sample {row} was asked for, there are {}", self.count()));
        }
        Self::new(self.numbers.select(rows, self.dimensions), self.dimensions)
    }

    /// Refuses two matrices of different widths.
    ///
    /// # Errors
    /// [`EvaluationError::Input`] with both widths.
    pub(crate) fn check_dimensions(&self, other: &Self) -> Result<()> {
        check_dimensions(self.dimensions, other.dimensions)
    }
}

/// Refuses to bring together what has not the same number of features.
pub(crate) fn check_dimensions(one: usize, other: usize) -> Result<()> {
    if one == other {
        return Ok(());
    }
    Err(EvaluationError::Input(format!(
        "one set has {one} features a sample and the other {other}; make both with the same extractor"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<T: std::fmt::Debug>(outcome: Result<T>) -> String {
        outcome.unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_matrix_of_numbers_is_refused() {
        assert!(message(Features::new(Vec::<f32>::new(), 3)).contains("empty"));
        assert!(message(Features::new(vec![1.0_f32; 4], 0)).contains("empty"));
        assert!(message(Features::new(vec![1.0_f32; 4], 3)).contains("4 numbers do not make rows of 3"));
        let nan = message(Features::new(vec![0.0, 1.0, 2.0, f64::NAN], 2));
        assert!(nan.contains("feature 1 of sample 1 is NaN"), "{nan}");
        let infinite = message(Features::new(vec![f32::INFINITY, 1.0], 2));
        assert!(infinite.contains("feature 0 of sample 0 is inf"), "{infinite}");
    }

    #[test]
    fn counts_must_agree() {
        let features = Features::new(vec![1.0_f32; 6], 2).unwrap();
        assert!(message(features.clone().with_labels(vec![0, 1])).contains("2 labels for 3 samples"));
        let other = Features::new(vec![1.0_f32; 6], 3).unwrap();
        assert!(message(features.clone().append(&other)).contains("2 features a sample and the other 3"));
        let mut labelled = features.clone().with_labels(vec![0, 1, 2]).unwrap();
        assert!(message(labelled.append(&features)).contains("only one of two batches"));
    }

    #[test]
    fn rows_are_selected_and_appended_in_either_precision() {
        let mut features = Features::new(vec![1.0_f32, 2.0, 3.0, 4.0], 2).unwrap();
        features.append(&Features::new(vec![5.0_f64, 6.5], 2).unwrap()).unwrap();
        assert_eq!((features.count(), features.dimensions()), (3, 2));
        assert_eq!(*features.rows(1..3), [3.0, 4.0, 5.0, 6.5]);
        assert_eq!(*features.select(&[2, 0, 2]).unwrap().rows(0..3), [5.0, 6.5, 1.0, 2.0, 5.0, 6.5]);
        assert!(message(features.select(&[3])).contains("sample 3 was asked for, there are 3"));
    }
}
