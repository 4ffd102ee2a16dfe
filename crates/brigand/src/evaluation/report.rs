//! Evaluations in files, each number with its protocol, and their comparison.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::{EvaluationError, Result};
use super::score::Score;
use super::tensor_file::content;
use crate::files::{FileError, remove_if_there, write_atomically};

const FORMAT: &str = "brigand-evaluation";
const VERSION: u64 = 1;

/// The scores of one set of generated samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// Where the generated samples came from.
    pub generated: String,
    /// The step of their run, where they are of a run.
    #[serde(default)]
    pub step: Option<u64>,
    /// What was measured.
    pub scores: Vec<Score>,
}

/// A file of evaluations, the latest last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluationFile {
    format: String,
    version: u64,
    /// The evaluations in the order in which they were made.
    pub evaluations: Vec<Evaluation>,
}

impl EvaluationFile {
    /// A file with these evaluations.
    pub fn new(evaluations: Vec<Evaluation>) -> Self {
        Self { format: FORMAT.to_owned(), version: VERSION, evaluations }
    }

    /// Reads a file, which holds at least one.
    ///
    /// # Errors
    /// If it cannot be read or is something else.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(FileError::when("read", path))?;
        let file: Self = serde_json::from_slice(&bytes).map_err(|reason| {
            content(path)(format!("it is no file that `brigand evaluate` has written ({reason})"))
        })?;
        if file.format != FORMAT || file.version > VERSION || file.evaluations.is_empty() {
            return Err(content(path)(format!(
                "it is a `{}` of version {} with {} evaluations; give one of `brigand evaluate`, up to version {VERSION}",
                file.format,
                file.version,
                file.evaluations.len()
            )));
        }
        Ok(file)
    }

    /// Adds `evaluation` to the file, which need not exist yet.
    ///
    /// # Errors
    /// If the file exists and is something else, or cannot be written.
    pub fn append(path: &Path, evaluation: &Evaluation) -> Result<()> {
        let mut file = if path.exists() { Self::read(path)? } else { Self::new(Vec::new()) };
        file.evaluations.push(evaluation.clone());
        file.write(path)
    }

    /// Drops the evaluations after `step`, for a run that continues there. A file that does not exist has none.
    ///
    /// # Errors
    /// If the file is something else, or cannot be written.
    pub fn rewind(path: &Path, step: u64) -> Result<()> {
        if !path.exists() {
            return Ok(());
        }
        let mut file = Self::read(path)?;
        let before = file.evaluations.len();
        file.evaluations.retain(|evaluation| evaluation.step.is_none_or(|at| at <= step));
        match file.evaluations.len() {
            0 => Ok(remove_if_there(path)?),
            left if left < before => file.write(path),
            _ => Ok(()),
        }
    }

    fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(content(path))?;
        Ok(write_atomically(path, format!("{text}\n").as_bytes())?)
    }
}

/// A metric of two evaluations.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The metric.
    pub metric: String,
    /// The first score.
    pub first: Score,
    /// The second one.
    pub second: Score,
    /// The second value less the first.
    pub difference: f64,
}

impl Comparison {
    /// Whether the intervals lie apart; none where one score has no interval.
    pub fn apart(&self) -> Option<bool> {
        let (first, second) = (self.first.interval.as_ref()?, self.second.interval.as_ref()?);
        Some(first.high < second.low || second.high < first.low)
    }
}

/// Every metric that both evaluations have, in the order of the first.
///
/// # Errors
/// [`EvaluationError::Protocol`] if a metric was not measured in the same way, naming every difference, or if they
/// have none in common.
pub fn compare(first: &Evaluation, second: &Evaluation) -> Result<Vec<Comparison>> {
    let mut found = Vec::new();
    for score in &first.scores {
        let metric = &score.protocol.metric;
        let Some(other) = second.scores.iter().find(|other| other.protocol.metric == *metric) else {
            continue;
        };
        let difference = -score.difference(other)?;
        found.push(Comparison {
            metric: metric.clone(),
            first: score.clone(),
            second: other.clone(),
            difference,
        });
    }
    if found.is_empty() {
        return Err(EvaluationError::Protocol(
            "the two evaluations have no metric in common; measure the same ones of both".into(),
        ));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::protocol::tests::setting;
    use super::super::score::{Interval, IntervalKind};
    use super::*;

    fn evaluation(value: f64, generated: u64) -> Evaluation {
        let kind = IntervalKind::Jackknife { groups: 10 };
        let interval = Some(Interval { low: value - 1.0, high: value + 1.0, kind });
        let protocol = setting(5, generated).protocol("fid", []);
        Evaluation {
            generated: "a".into(),
            step: None,
            scores: vec![Score::new(value, interval, protocol, vec![]).unwrap()],
        }
    }

    #[test]
    fn files_grow() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("evaluation.json");
        let (a, b) = (evaluation(1.5, 5), evaluation(4.0, 5));
        EvaluationFile::append(&path, &a).unwrap();
        EvaluationFile::append(&path, &b).unwrap();
        assert_eq!(EvaluationFile::read(&path).unwrap().evaluations, [a, b]);
        let at = |step| Evaluation { step: Some(step), ..evaluation(2.0, 5) };
        EvaluationFile::append(&path, &at(10)).unwrap();
        EvaluationFile::append(&path, &at(20)).unwrap();
        EvaluationFile::rewind(&path, 10).unwrap();
        assert_eq!(
            EvaluationFile::read(&path).unwrap().evaluations,
            [evaluation(1.5, 5), evaluation(4.0, 5), at(10)]
        );
        std::fs::write(&path, "{}").unwrap();
        assert!(
            EvaluationFile::append(&path, &evaluation(1.0, 5))
                .unwrap_err()
                .to_string()
                .contains("evaluation.json")
        );
        assert_eq!(std::fs::read(&path).unwrap(), b"{}");
    }

    #[test]
    fn like_is_compared_with_like_only() {
        let found = compare(&evaluation(1.5, 5), &evaluation(4.0, 5)).unwrap();
        assert_eq!((found[0].difference, found[0].apart()), (2.5, Some(true)));
        let near = compare(&evaluation(1.5, 5), &evaluation(2.0, 5)).unwrap();
        assert_eq!(near[0].apart(), Some(false));
        let message = compare(&evaluation(1.5, 5), &evaluation(4.0, 6)).unwrap_err().to_string();
        assert!(message.contains("generated: 5 and 6"), "{message}");
        let none = Evaluation { generated: "b".into(), step: None, scores: vec![] };
        assert!(compare(&evaluation(1.5, 5), &none).unwrap_err().to_string().contains("no metric in common"));
    }
}
