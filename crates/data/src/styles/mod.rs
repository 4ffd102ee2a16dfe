//! Lines of text in two styles, of which none belong together: two files, or the embedded opinions.

pub mod opinions;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use brigand_core::Result;
use brigand_core::batch::{IndexKey, SECOND_TOKENS, Source, TOKENS};

use super::error::DataError;
use super::notes::{Notes, Skipped};
use super::run_data::{Part, RunData};
use super::text::{Lines, Tokens, check_lengths, kept_lines, lines_over, vocabulary};
use opinions::Opinions;

/// The fields of the two styles.
const FIELDS: [IndexKey; 2] = [TOKENS, SECOND_TOKENS];

/// Which lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StylesSpec {
    /// The lines of a small grammar in which every line has its partner in the other style.
    Opinions,
    /// Two UTF-8 files with a line of text in each line.
    Files {
        /// The file in the first style.
        negative: PathBuf,
        /// The file in the second style.
        positive: PathBuf,
    },
}

impl StylesSpec {
    /// Two files, from `NEGATIVE,POSITIVE`; the first comma ends the path of the first.
    pub(crate) fn of_files(files: &str) -> Option<Self> {
        let (negative, positive) = files.split_once(',')?;
        let path = |text: &str| (!text.is_empty()).then(|| super::files::path_of(text));
        Some(Self::Files { negative: path(negative)?, positive: path(positive)? })
    }

    /// The same with other paths, where it has any.
    pub(crate) fn with_path(
        &self,
        change: impl Fn(&PathBuf) -> std::result::Result<PathBuf, DataError>,
    ) -> std::result::Result<Self, DataError> {
        Ok(match self {
            Self::Opinions => Self::Opinions,
            Self::Files { negative, positive } => {
                Self::Files { negative: change(negative)?, positive: change(positive)? }
            }
        })
    }
}

impl fmt::Display for StylesSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opinions => f.write_str("opinions"),
            Self::Files { negative, positive } => {
                write!(f, "unpaired-lines:{},{}", negative.display(), positive.display())
            }
        }
    }
}

/// Lines of both styles, as their tokens.
struct Read {
    lines: [Vec<Vec<String>>; 2],
    skipped: [Vec<Skipped>; 2],
}

impl Read {
    fn of_files(files: [&Path; 2], (tokens, length): (Tokens, usize)) -> Result<Self> {
        let [first, second] = files.map(|path| kept_lines(path, tokens, length));
        let ((first, left_out), (second, also)) = (first?, second?);
        Ok(Self { lines: [first, second], skipped: [left_out, also] })
    }

    fn of_opinions(lines: [Vec<String>; 2], length: usize) -> Result<Self> {
        let split = |lines: Vec<String>| lines.iter().map(|line| Tokens::Words.split(line)).collect();
        let lines: [Vec<Vec<String>>; 2] = lines.map(split);
        check_lengths(lines.iter().flatten(), length, "opinions")?;
        Ok(Self { lines, skipped: [Vec::new(), Vec::new()] })
    }

    /// The different tokens of both styles.
    fn vocabulary(&self) -> Result<Vec<String>> {
        vocabulary(self.lines.iter().flatten(), &[""])
    }

    /// The lines over `vocabulary`, a source for each style.
    fn over(self, vocabulary: &[String], (tokens, length): (Tokens, usize)) -> Result<[Lines; 2]> {
        let [first, second] = self.lines;
        let [left_out, also] = self.skipped;
        let of = |lines: &[Vec<String>], skipped, key| {
            lines_over((key, vocabulary), lines, (tokens, length), skipped)
        };
        Ok([of(&first, left_out, FIELDS[0])?, of(&second, also, FIELDS[1])?])
    }
}

/// The lines of the two files, or those of the opinions that are trained on.
fn read(spec: &StylesSpec, (tokens, length): (Tokens, usize)) -> Result<(Read, Tokens)> {
    match spec {
        StylesSpec::Opinions => {
            Ok((Read::of_opinions(Opinions::default().training(), length)?, Tokens::Words))
        }
        StylesSpec::Files { negative, positive } => {
            Ok((Read::of_files([negative, positive], (tokens, length))?, tokens))
        }
    }
}

/// The lines of both styles as their tokens, however many these are; empty lines are left out.
///
/// # Errors
/// If they cannot be read, or are none.
pub fn read_lines(spec: &StylesSpec, tokens: Tokens) -> Result<[Vec<Vec<String>>; 2]> {
    Ok(read(spec, (tokens, usize::MAX))?.0.lines)
}

/// The two styles as the two sources of a run, which are drawn from independently, over one vocabulary.
pub(crate) fn open(spec: &StylesSpec, (tokens, length): (Tokens, usize)) -> Result<RunData> {
    let (read, tokens) = read(spec, (tokens, length))?;
    let vocabulary = read.vocabulary()?;
    Ok(run_data(read.over(&vocabulary, (tokens, length))?))
}

fn run_data(lines: [Lines; 2]) -> RunData {
    let mut data = RunData { sources: Vec::new(), dataset: None, notes: Notes::default(), parts: Vec::new() };
    for Lines { source, fingerprint, skipped } in lines {
        data.parts.push(Part::Read(fingerprint));
        data.sources.push(Arc::new(source));
        data.notes.lines.extend(skipped);
    }
    data
}

/// The opinions that are never trained on, each in both styles; none of files.
pub(crate) fn open_test_part(
    spec: &StylesSpec,
    (_, length): (Tokens, usize),
) -> Result<Vec<Option<Box<dyn Source>>>> {
    match spec {
        StylesSpec::Opinions => {
            let opinions = Opinions::default();
            let vocabulary = Read::of_opinions(opinions.training(), length)?.vocabulary()?;
            let held_out = Read::of_opinions(opinions.held_out(), length)?;
            let lines = held_out.over(&vocabulary, (Tokens::Words, length))?;
            Ok(lines.map(|lines| Some(Box::new(lines.source) as Box<dyn Source>)).into())
        }
        StylesSpec::Files { .. } => Ok(vec![None, None]),
    }
}

/// The lines of `named` over the vocabulary of `trained`.
///
/// # Errors
/// As [`open`] and [`lines_over`].
pub(crate) fn open_beside(
    named: &StylesSpec,
    trained: &StylesSpec,
    (tokens, length): (Tokens, usize),
) -> Result<RunData> {
    let vocabulary = read(trained, (tokens, length))?.0.vocabulary()?;
    let (read, tokens) = read(named, (tokens, length))?;
    Ok(run_data(read.over(&vocabulary, (tokens, length))?))
}

#[cfg(test)]
mod tests;
