//! Metrics that are the mean of something measured on each sample.

use super::bootstrap::bootstrap;
use super::error::{Result, refused};
use super::protocol::Protocol;
use super::score::Score;
use brigand_core::random::Stream;

/// Resampled sets that give an average its interval.
const RESAMPLES: usize = 200;

/// A quantity of each sample, whose mean is the metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Average {
    values: Vec<f64>,
}

impl Average {
    /// The mean of `values`.
    ///
    /// # Errors
    /// If there are none.
    pub(crate) fn new(values: Vec<f64>) -> Result<Self> {
        if values.is_empty() {
            return refused("there is nothing to average; give at least one sample");
        }
        Ok(Self { values })
    }

    /// The metric.
    pub fn mean(&self) -> f64 {
        self.values.iter().sum::<f64>() / self.values.len() as f64
    }

    /// The quantity of each sample, in their order.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The standard error of the mean, `sd / sqrt(n)`; 0 for a single sample.
    pub fn standard_error(&self) -> f64 {
        let (mean, count) = (self.mean(), self.values.len() as f64);
        let squares: f64 = self.values.iter().map(|value| (value - mean).powi(2)).sum();
        if count < 2.0 { 0.0 } else { (squares / (count - 1.0) / count).sqrt() }
    }

    /// The mean with its bootstrap interval over these samples, drawn with the protocol's seed. What they were
    /// compared with is not resampled.
    ///
    /// # Errors
    /// If the mean is not finite.
    pub fn score(&self, protocol: Protocol, warnings: Vec<String>) -> Result<Score> {
        let mean = |rows: &[usize]| {
            let sum: f64 = rows.iter().filter_map(|&row| self.values.get(row)).sum();
            Ok(sum / rows.len() as f64)
        };
        let mut stream =
            Stream::new(protocol.setting.seed, &format!("evaluation/{}/bootstrap", protocol.metric), 0);
        let interval = bootstrap(self.mean(), self.values.len(), RESAMPLES, &mut stream, mean)?;
        Score::new(self.mean(), Some(interval), protocol, warnings)
    }
}

#[cfg(test)]
mod tests {
    use super::super::protocol::tests::setting;
    use super::*;

    #[test]
    fn mean_error_and_interval_belong_together() {
        let average = Average::new((0..100).map(|i| f64::from(i % 2)).collect()).unwrap();
        assert_eq!(average.mean(), 0.5);
        assert!((average.standard_error() - 0.5 / 99f64.sqrt()).abs() < 1e-12);
        let score = average.score(setting(1, 100).protocol("half", []), vec![]).unwrap();
        let interval = score.interval.clone().unwrap();
        assert!(
            (0.36..0.44).contains(&interval.low) && (0.56..0.64).contains(&interval.high),
            "{interval:?}"
        );
        assert_eq!(score, average.score(setting(1, 100).protocol("half", []), vec![]).unwrap());
        assert!(Average::new(vec![]).is_err());
    }
}
