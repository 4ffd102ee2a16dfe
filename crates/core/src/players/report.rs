//! The report of a step: numbers that stay on the device until they are read.

use std::collections::{BTreeMap, BTreeSet};

use brigand_autograd::Variable;
use candle_core::{DType, Device, Tensor};

use crate::error::{Error, Result};

/// Named numbers of one step, as they are read: losses, accuracies.
pub type Measurements = BTreeMap<String, f64>;

/// How a number is computed from values when it is read.
type Derived = Box<dyn Fn(&[f32]) -> f64 + Send>;

enum Value {
    Known(f64),
    /// Values on the device, and what is computed from them.
    Waiting(Tensor, Derived),
}

/// Named numbers of one step.
#[derive(Default)]
pub struct Report {
    values: BTreeMap<String, Value>,
    /// The networks that the step trained.
    trained: BTreeSet<String>,
}

impl Report {
    /// Notes a one-element variable without reading it.
    pub fn note(&mut self, name: &str, value: &Variable) {
        self.note_derived(name, value, |values| values.first().map_or(f64::NAN, |&value| value.into()));
    }

    /// Notes what `derive` computes from `values` if it is read.
    pub fn note_derived(
        &mut self,
        name: &str,
        values: &Variable,
        derive: impl Fn(&[f32]) -> f64 + Send + 'static,
    ) {
        self.values.insert(name.to_owned(), Value::Waiting(values.tensor().clone(), Box::new(derive)));
    }

    /// Notes a number.
    pub fn note_number(&mut self, name: &str, value: f64) {
        self.values.insert(name.to_owned(), Value::Known(value));
    }

    /// Notes that the step trained the network called `name`.
    pub(super) fn note_trained(&mut self, name: &str) {
        self.trained.insert(name.to_owned());
    }

    /// All numbers, fetched from the device at once.
    ///
    /// # Errors
    /// If one is not finite.
    pub fn read(&self, step: u64) -> Result<Measurements> {
        let waiting = self.values.values().filter_map(|value| match value {
            Value::Known(_) => None,
            Value::Waiting(tensor, _) => Some(tensor),
        });
        let flat = waiting.map(|tensor| tensor.flatten_all()?.to_dtype(DType::F32));
        let flat: Vec<Tensor> = flat.collect::<candle_core::Result<_>>()?;
        let fetched = match flat.as_slice() {
            [] => Vec::new(),
            several => Tensor::cat(several, 0)?.to_device(&Device::Cpu)?.to_vec1::<f32>()?,
        };
        let (mut rest, mut read) = (fetched.as_slice(), Measurements::new());
        for (name, value) in &self.values {
            let value = match value {
                Value::Known(value) => *value,
                Value::Waiting(tensor, derive) => {
                    let (own, others) = rest.split_at(tensor.elem_count().min(rest.len()));
                    rest = others;
                    derive(own)
                }
            };
            if !value.is_finite() {
                let trained = self.trained.iter().cloned().collect();
                return Err(Error::NotFinite { what: name.clone(), value, step, trained, keys: Vec::new() });
            }
            read.insert(name.clone(), value);
        }
        Ok(read)
    }
}

/// The share of `scores` above `threshold`.
pub fn share_above(scores: &[f32], threshold: f64) -> f64 {
    let above = scores.iter().filter(|&&score| f64::from(score) > threshold).count();
    above as f64 / scores.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_together_and_each_gets_its_own_values() {
        let mut report = Report::default();
        let variable = |values: &[f32]| Variable::from_slice(values, &[values.len()]).unwrap();
        report.note("b", &variable(&[2.5]));
        report.note_derived("a", &variable(&[1.0, -1.0, 3.0, 0.0]), |scores| share_above(scores, 0.5));
        report.note_number("c", 7.0);
        let read = report.read(1).unwrap();
        assert_eq!(
            read.into_iter().collect::<Vec<_>>(),
            [("a".to_owned(), 0.5), ("b".to_owned(), 2.5), ("c".to_owned(), 7.0)]
        );
        report.note("loss", &variable(&[f32::NAN]));
        report.note_trained("encoder");
        let error = report.read(4).unwrap_err();
        assert!(error.to_string().contains("loss became NaN at step 4"), "{error}");
        assert!(matches!(error, Error::NotFinite { trained, .. } if trained == ["encoder"]));
    }
}
