//! A measured value that cannot be parted from how it was measured.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::{EvaluationError, Result};
use super::protocol::Protocol;

/// How sure a value is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Where it comes from.
    pub kind: IntervalKind,
}

/// Where an [`Interval`] comes from, and so what it may be read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IntervalKind {
    /// 95 percent of the values of resampled sets lie in it.
    Bootstrap {
        /// How many sets were resampled.
        resamples: usize,
    },
    /// 95 percent, from the scatter of the values without one group of samples at a time.
    Jackknife {
        /// How many groups.
        groups: usize,
    },
    /// One standard deviation of the values of parts of the samples to either side of their mean.
    Deviation {
        /// How many parts.
        parts: usize,
    },
}

/// A value of a metric with its interval, its protocol, and what to be wary of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// The value; always finite.
    pub value: f64,
    /// How sure it is, where that was measured.
    pub interval: Option<Interval>,
    /// How it was measured.
    pub protocol: Protocol,
    /// What to expect of a value measured so, in sentences.
    pub warnings: Vec<String>,
}

impl Score {
    /// A value measured under a protocol.
    ///
    /// # Errors
    /// If the value is NaN or infinite.
    pub fn new(
        value: f64,
        interval: Option<Interval>,
        protocol: Protocol,
        warnings: Vec<String>,
    ) -> Result<Self> {
        if value.is_finite() {
            return Ok(Self { value, interval, protocol, warnings });
        }
        Err(EvaluationError::Computation(format!(
            "{} of {} is {value}, which is no score; look at the samples",
            protocol.metric, protocol.setting.real.name
        )))
    }

    /// The same with a further parameter in its protocol.
    #[must_use]
    pub(super) fn with_parameter(mut self, name: &str, value: Value) -> Self {
        self.protocol.parameters.insert(name.to_owned(), value);
        self
    }

    /// Its name among the curves of a run: that of the metric, with `_` between the words.
    pub fn curve(&self) -> String {
        self.protocol.metric.replace('-', "_")
    }

    /// This value less the other's.
    ///
    /// # Errors
    /// [`EvaluationError::Protocol`], naming every difference, if the two were not measured in the same way.
    pub fn difference(&self, other: &Self) -> Result<f64> {
        let differences = self.protocol.differences(&other.protocol)?;
        if differences.is_empty() {
            return Ok(self.value - other.value);
        }
        Err(EvaluationError::Protocol(format!(
            "the two scores cannot be compared, they were measured differently: {}; measure both in one way",
            differences.join("; ")
        )))
    }
}

impl fmt::Display for Score {
    /// The value, the interval, and enough of the protocol never to mistake it for another.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Protocol { metric, setting, .. } = &self.protocol;
        write!(f, "{metric} {}", significant(self.value))?;
        if let Some(interval) = &self.interval {
            write!(f, " [{}, {}]", significant(interval.low), significant(interval.high))?;
        }
        let split = setting.real.split.as_ref().map(|split| format!(" {split}")).unwrap_or_default();
        let count = |count: Option<u64>| count.map_or("?".to_owned(), |count| count.to_string());
        write!(
            f,
            " ({} features, {} generated against {} real of {}{split})",
            setting.extractor.name,
            count(setting.generated),
            count(setting.real.count),
            setting.real.name
        )
    }
}

/// The number in five significant digits, without an exponent where that stays readable.
pub fn significant(value: f64) -> String {
    let exponent = if value == 0.0 { 0 } else { value.abs().log10().floor() as i32 };
    match exponent {
        -6..=8 => format!("{value:.*}", usize::try_from(4 - exponent).unwrap_or(0)),
        _ => format!("{value:.4e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::protocol::tests::setting;
    use super::*;

    fn score(value: f64, generated: u64) -> Score {
        let interval = Interval { low: 1.0, high: 2.5, kind: IntervalKind::Bootstrap { resamples: 10 } };
        let protocol = setting(100, generated).protocol("fid", []);
        Score::new(value, Some(interval), protocol, vec!["few".into()]).unwrap()
    }

    #[test]
    fn scores_of_one_protocol_are_compared_and_others_refused() {
        assert_eq!(score(3.0, 50).difference(&score(1.0, 50)).unwrap(), 2.0);
        let message = score(3.0, 50).difference(&score(1.0, 60)).unwrap_err().to_string();
        assert!(message.contains("generated: 50 and 60"), "{message}");
    }

    #[test]
    fn what_is_no_number_is_no_score() {
        let protocol = setting(100, 50).protocol("fid", []);
        assert!(Score::new(f64::NAN, None, protocol, vec![]).is_err());
    }

    #[test]
    fn a_score_says_how_it_was_measured() {
        let text = score(1.23456, 50).to_string();
        assert_eq!(
            text,
            "fid 1.2346 [1.0000, 2.5000] (pixels features, 50 generated against 100 real of digits train)"
        );
        assert_eq!(significant(12345.678), "12346");
        assert_eq!(significant(0.00012345), "0.00012345");
        assert_eq!(significant(-1.5e-9), "-1.5000e-9");
    }

    #[test]
    fn scores_survive_json() {
        let text = serde_json::to_string(&score(0.1, 50)).unwrap();
        assert_eq!(serde_json::from_str::<Score>(&text).unwrap(), score(0.1, 50), "{text}");
    }
}
