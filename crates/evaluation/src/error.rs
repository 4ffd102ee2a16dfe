//! What can go wrong while measuring.

use std::path::PathBuf;

use brigand_data::files::FileError;
use brigand_linear_algebra::LinearAlgebraError;

/// Why there is no score.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
    /// Samples, features or settings that the metric cannot be computed from.
    #[error("{0}")]
    Input(String),
    /// Numbers that must not be compared, because they were not measured in the same way.
    #[error("{0}")]
    Protocol(String),
    /// A computation that had no usable result.
    #[error("{0}")]
    Computation(String),
    /// A computation on matrices that has no result.
    #[error(transparent)]
    LinearAlgebra(#[from] LinearAlgebraError),
    /// A file whose content is not what was asked for.
    #[error("cannot use {}: {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl From<EvaluationError> for brigand_core::Error {
    fn from(error: EvaluationError) -> Self {
        Self::other(error)
    }
}

/// `Result` with [`EvaluationError`].
pub(crate) type Result<T> = std::result::Result<T, EvaluationError>;

/// Shorthand for a refused input.
pub(crate) fn refused<T>(reason: impl Into<String>) -> Result<T> {
    Err(EvaluationError::Input(reason.into()))
}
