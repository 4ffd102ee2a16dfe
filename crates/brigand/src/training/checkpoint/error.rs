//! Why a checkpoint could not be written or read.

use std::path::PathBuf;

use super::format::VERSION;
use crate::files::FileError;

/// Why a checkpoint could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The operating system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// A tensor's shape and data disagree.
    #[error("tensor {name:?} of shape {shape:?} cannot have {values} values")]
    Tensor {
        /// The tensor's name.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// The number of its values.
        values: usize,
    },
    /// The tensors cannot be stored in one file.
    #[error("cannot lay out the tensors of {}: {reason}", path.display())]
    Layout {
        /// The file that was to hold them.
        path: PathBuf,
        /// What stands against it.
        reason: String,
    },
    /// A file is torn, changed or no checkpoint at all.
    #[error("{} is no usable checkpoint: {reason}; use another one", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A checkpoint is from a later release.
    #[error(
        "{} is a checkpoint of format version {found}, this program reads up to {VERSION}; use a newer release",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// A checkpoint is from an earlier release.
    #[error(
        "{} is a checkpoint of format version {found}, this program reads version {VERSION}; use the release that wrote \
         it, or train the run anew",
        path.display()
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// A folder has no checkpoint that can be used.
    #[error("no usable checkpoint in {}{}; start a new run", folder.display(), listed(skipped))]
    NoneUsable {
        /// The folder.
        folder: PathBuf,
        /// The files looked at, newest first, and what is wrong with each.
        skipped: Vec<(PathBuf, String)>,
    },
}

impl From<CheckpointError> for brigand_core::Error {
    fn from(error: CheckpointError) -> Self {
        Self::other(error)
    }
}

fn listed(skipped: &[(PathBuf, String)]) -> String {
    let reasons: Vec<String> = skipped
        .iter()
        .map(|(path, reason)| format!("{}: {reason}", path.file_name().unwrap_or_default().to_string_lossy()))
        .collect();
    if reasons.is_empty() { " (it has none)".to_owned() } else { format!(" ({})", reasons.join("; ")) }
}
