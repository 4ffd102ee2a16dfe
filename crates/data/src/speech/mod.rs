//! Utterances and unrelated text of phonemes: a folder of recordings, or the embedded cipher.

pub(crate) mod cipher;
mod folder;
mod labels;
mod utterances;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use brigand_core::batch::{Kind, Source, TOKENS};
use brigand_core::error::Result;

pub use folder::{BANDS, COEFFICIENTS, FEWEST, RATE, Recordings, coefficients, features};
pub use labels::{Phone, read_labels};

use super::error::DataError;
use super::fingerprint::{Content, Fingerprint};
use super::notes::Notes;
use super::options::Options;
use super::run_data::{Part, RunData};
use super::text::Lines;

/// Which utterances and which text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpeechSpec {
    /// Sequences of symbols of a small invented language, each symbol replaced by one of several clusters.
    Cipher,
    /// Recordings with the places of their phonemes, and a text of phonemes.
    Folder {
        /// The folder with the recordings.
        sounds: PathBuf,
        /// The file with the phonemes of an utterance in each line.
        text: PathBuf,
    },
}

impl SpeechSpec {
    /// The same with other paths, where it has any.
    pub(crate) fn with_path(
        &self,
        change: impl Fn(&PathBuf) -> std::result::Result<PathBuf, DataError>,
    ) -> std::result::Result<Self, DataError> {
        Ok(match self {
            Self::Cipher => Self::Cipher,
            Self::Folder { sounds, text } => Self::Folder { sounds: change(sounds)?, text: change(text)? },
        })
    }
}

impl fmt::Display for SpeechSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cipher => f.write_str("cipher"),
            Self::Folder { sounds, text } => write!(f, "speech:{},{}", sounds.display(), text.display()),
        }
    }
}

/// The utterances and the text as the two sources of a run, which are drawn from independently.
pub(crate) fn open(spec: &SpeechSpec, options: &Options) -> Result<RunData> {
    let (utterances, lines, notes) = match spec {
        SpeechSpec::Cipher => {
            let (utterances, lines) = cipher::open(options.seed)?;
            (utterances, lines, Notes::default())
        }
        SpeechSpec::Folder { sounds, text } => folder::open(sounds, text, options)?,
    };
    let Lines { source: text, fingerprint, skipped } = lines;
    let notes = Notes { lines: skipped, ..notes };
    Ok(RunData {
        parts: vec![Part::Read(utterances.fingerprint()), Part::Read(fingerprint)],
        sources: vec![Arc::new(utterances), Arc::new(text)],
        dataset: None,
        notes,
    })
}

/// The words of a source of text.
fn vocabulary(text: &impl Source) -> Result<Vec<String>> {
    Ok(text.schema().tokens(TOKENS)?.vocabulary.to_vec())
}

/// The kind of a field of phonemes over `vocabulary`.
fn phones(vocabulary: &[String]) -> Kind {
    Kind::Tokens { vocabulary: vocabulary.to_vec(), separator: " ".into(), examples: Vec::new() }
}

/// The fingerprint of utterances with features of `size` numbers a frame.
fn fingerprint(samples: usize, shape: &[usize], content: Content) -> Fingerprint {
    Fingerprint { samples, shape: shape.to_vec(), classes: Vec::new(), sha256: content.finish() }
}

#[cfg(test)]
mod tests;
