//! What can go wrong in the library, in sentences for people.

use crate::data::DataError;
use crate::evaluation::EvaluationError;
use crate::files::FileError;
use crate::pictures::PictureError;
use crate::theory::TheoryError;
use crate::training::checkpoint::CheckpointError;
use crate::training::metrics::MetricsError;
use crate::training::run_folder::RunFolderError;

/// Every error of the library. Messages say what was wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Reading, decoding or downloading data.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A file or folder could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A checkpoint could not be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A run folder could not be made or used.
    #[error(transparent)]
    RunFolder(#[from] RunFolderError),
    /// Measurements could not be written or read.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// A picture could not be drawn or written.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// Numbers that no divergence can be computed from.
    #[error(transparent)]
    Theory(#[from] TheoryError),
    /// Samples could not be measured.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// A computation on tensors.
    #[error(transparent)]
    Autograd(#[from] brigand_autograd::Error),
    /// A recipe that cannot be followed: an unknown key, an impossible value or combination.
    #[error("{0}")]
    Recipe(String),
    /// A network that cannot be built for the data.
    #[error("{0}")]
    Network(String),
    /// A loss or weight that is no longer a number.
    #[error(
        "{what} became {value} at step {step}; the last good checkpoint is kept. \
         Try a lower learning rate (--set optimizer.discriminator.learning_rate=..., same for generator), \
         a larger batch, or another objective"
    )]
    NotFinite {
        /// The quantity.
        what: String,
        /// What it became.
        value: f64,
        /// The step at which it happened.
        step: u64,
    },
    /// An invariant of the library that does not hold: nothing the user can mend.
    #[error("this is a fault of Brigand: {0}; please report it with the command and the recipe")]
    Internal(String),
    /// A request that a trained system cannot answer.
    #[error("{0}")]
    Request(String),
}

impl From<candle_core::Error> for Error {
    fn from(error: candle_core::Error) -> Self {
        Self::Autograd(error.into())
    }
}

/// `Result` with the library's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
