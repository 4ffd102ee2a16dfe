//! What can go wrong in the library, in sentences for people.

use crate::data::DataError;
use crate::evaluation::EvaluationError;
use crate::files::FileError;
use crate::pictures::PictureError;
use crate::theory::TheoryError;
use crate::training::checkpoint::CheckpointError;
use crate::training::metrics::MetricsError;
use crate::training::run_folder::RunFolderError;

pub use brigand_core::{Error, Result};

/// Makes errors of this crate errors of the library.
macro_rules! errors_of_the_library {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::other(error)
            }
        })+
    };
}

errors_of_the_library!(
    DataError,
    FileError,
    CheckpointError,
    RunFolderError,
    MetricsError,
    PictureError,
    TheoryError,
    EvaluationError,
);
