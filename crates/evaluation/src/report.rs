//! Evaluations in files, each number with its protocol, and their comparison.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::{EvaluationError, Result};
use super::score::Score;
use super::tensor_file::content;
use brigand_data::files::{FileError, remove_if_there, write_atomically};

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
        match Self::understand(path)? {
            Understood::File(file) => Ok(file),
            Understood::Newer(reason) | Understood::Damaged(reason) => Err(content(path)(reason)),
        }
    }

    fn understand(path: &Path) -> Result<Understood> {
        /// What every version begins with.
        #[derive(Deserialize)]
        struct Beginning {
            format: String,
            version: u64,
        }
        let bytes = std::fs::read(path).map_err(FileError::when("read", path))?;
        if let Ok(Beginning { format, version }) = serde_json::from_slice(&bytes)
            && format == FORMAT
            && version > VERSION
        {
            return Ok(Understood::Newer(format!(
                "it is of format version {version}, which a newer brigand has written; this one reads up to version \
                 {VERSION}"
            )));
        }
        Ok(match serde_json::from_slice::<Self>(&bytes) {
            Ok(file) if file.format == FORMAT && !file.evaluations.is_empty() => Understood::File(file),
            Ok(file) => Understood::Damaged(format!(
                "it is a `{}` with {} evaluations; give one of `brigand evaluate`",
                file.format,
                file.evaluations.len()
            )),
            Err(reason) => {
                Understood::Damaged(format!("it is no file that `brigand evaluate` has written ({reason})"))
            }
        })
    }

    /// Looks whether [`EvaluationFile::append`] can add to the file; answers what is wrong with it where it is damaged
    /// and will be set aside.
    ///
    /// # Errors
    /// If it cannot be read, or a newer program has written it.
    pub fn check(path: &Path) -> Result<Option<String>> {
        if !path.exists() {
            return Ok(None);
        }
        match Self::understand(path)? {
            Understood::File(_) => Ok(None),
            Understood::Damaged(reason) => Ok(Some(reason)),
            Understood::Newer(reason) => Err(content(path)(reason)),
        }
    }

    /// The file at `path`, none where there is none. A damaged one is set aside under another name, which is answered.
    fn open(path: &Path) -> Result<(Option<Self>, Option<PathBuf>)> {
        if !path.exists() {
            return Ok((None, None));
        }
        match Self::understand(path)? {
            Understood::File(file) => Ok((Some(file), None)),
            Understood::Newer(reason) => Err(content(path)(reason)),
            Understood::Damaged(_) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let free = (1..).map(|number| path.with_file_name(format!("{name}.damaged-{number}")));
                let Some(aside) = free.take(usize::from(u16::MAX)).find(|aside| !aside.exists()) else {
                    return Err(content(path)("it is damaged, and so are too many beside it; remove them"));
                };
                std::fs::rename(path, &aside).map_err(FileError::when("set aside", path))?;
                Ok((None, Some(aside)))
            }
        }
    }

    /// Adds `evaluation` to the file, which need not exist yet. A damaged file is set aside, and its new name answered.
    ///
    /// # Errors
    /// If a newer program has written the file, or it cannot be written.
    pub fn append(path: &Path, evaluation: &Evaluation) -> Result<Option<PathBuf>> {
        let (file, aside) = Self::open(path)?;
        let mut file = file.unwrap_or_else(|| Self::new(Vec::new()));
        file.evaluations.push(evaluation.clone());
        file.write(path)?;
        Ok(aside)
    }

    /// Drops the evaluations after `step`, for a run that continues there. A file that does not exist has none; a
    /// damaged one is set aside, and its new name answered.
    ///
    /// # Errors
    /// If a newer program has written the file, or it cannot be written.
    pub fn rewind(path: &Path, step: u64) -> Result<Option<PathBuf>> {
        let (file, aside) = Self::open(path)?;
        let Some(mut file) = file else { return Ok(aside) };
        let before = file.evaluations.len();
        file.evaluations.retain(|evaluation| evaluation.step.is_none_or(|at| at <= step));
        match file.evaluations.len() {
            0 => remove_if_there(path)?,
            left if left < before => file.write(path)?,
            _ => {}
        }
        Ok(aside)
    }

    fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(content(path))?;
        Ok(write_atomically(path, format!("{text}\n").as_bytes())?)
    }
}

/// What a file turned out to be.
enum Understood {
    File(EvaluationFile),
    /// Of a newer program, and why it cannot be used.
    Newer(String),
    /// What is wrong with it.
    Damaged(String),
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
    }

    #[test]
    fn damaged_files_are_set_aside_and_newer_ones_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("evaluation.json");
        for number in 1..3 {
            std::fs::write(&path, "{\"format\": ").unwrap();
            assert!(EvaluationFile::check(&path).unwrap().unwrap().contains("no file that"));
            let aside = EvaluationFile::append(&path, &evaluation(1.0, 5)).unwrap().unwrap();
            assert_eq!(aside, folder.path().join(format!("evaluation.json.damaged-{number}")));
            assert_eq!(std::fs::read(&aside).unwrap(), b"{\"format\": ");
            assert_eq!(EvaluationFile::read(&path).unwrap().evaluations, [evaluation(1.0, 5)]);
            assert_eq!(EvaluationFile::check(&path).unwrap(), None);
        }
        let newer = format!("{{\"format\": \"{FORMAT}\", \"version\": {}, \"more\": 1}}", VERSION + 1);
        std::fs::write(&path, &newer).unwrap();
        assert!(EvaluationFile::check(&path).unwrap_err().to_string().contains("a newer brigand"));
        assert!(EvaluationFile::append(&path, &evaluation(1.0, 5)).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), newer);
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
