//! A metric that is measured on several parts of the samples, and how its values scatter.

use super::score::{Interval, IntervalKind};

/// The value of each part; there is at least one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parts(pub(super) Vec<f64>);

impl Parts {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// The mean of the values.
    pub(super) fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len() as f64
    }

    /// Their standard deviation, with divisor `n`.
    pub(super) fn deviation(&self) -> f64 {
        let mean = self.mean();
        let squares: f64 = self.0.iter().map(|value| (value - mean).powi(2)).sum();
        (squares / self.0.len() as f64).sqrt()
    }

    /// One standard deviation to either side of the mean.
    pub(super) fn interval(&self) -> Interval {
        let (mean, deviation) = (self.mean(), self.deviation());
        let kind = IntervalKind::Deviation { parts: self.count() };
        Interval { low: mean - deviation, high: mean + deviation, kind }
    }
}
