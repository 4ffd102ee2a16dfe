//! Label maps of files, read when they are asked for.

use std::path::{Path, PathBuf};

use brigand_core::batch::MapLabel;

use super::{one_hot, read_map};
use crate::error::DataError;
use crate::folder::{Found, Original, find};
use crate::notes::Skipped;

/// Label maps as they are stored, each in its own size, with the labels of a trained system.
#[derive(Clone, Debug)]
pub struct MapFiles {
    files: Vec<PathBuf>,
    labels: Vec<MapLabel>,
    skipped: Vec<Skipped>,
}

impl MapFiles {
    /// The maps below the folder `root`, in the order of their paths.
    ///
    /// # Errors
    /// [`DataError`] if there is no such folder or it has none.
    pub fn open(root: &Path, labels: &[MapLabel]) -> Result<Self, DataError> {
        let Found { images: files, unreadable: skipped, .. } = find(root)?;
        Ok(Self { files, labels: labels.to_vec(), skipped })
    }

    /// The one map in the file `path`.
    ///
    /// # Errors
    /// [`DataError::NotFound`] if there is none.
    pub fn of_file(path: &Path, labels: &[MapLabel]) -> Result<Self, DataError> {
        match path.is_file() {
            true => Ok(Self { files: vec![path.to_owned()], labels: labels.to_vec(), skipped: Vec::new() }),
            false => Err(DataError::NotFound(path.to_owned())),
        }
    }

    /// The file of each map.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(PathBuf::as_path)
    }

    /// Files that could not be listed.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Map `number`, one-hot: `[labels, height, width]` and its values.
    ///
    /// # Errors
    /// [`DataError`] if there is no such map, it cannot be read, or a pixel has none of the labels.
    pub fn get(&self, number: usize) -> Result<Original, DataError> {
        let samples = self.files.len();
        let path = self.files.get(number).ok_or(DataError::NoSuchSample { index: number, samples })?;
        let map = read_map(path).and_then(|map| Ok((map.size, map.labels(&self.labels)?)));
        let ([height, width], values) = map.map_err(|problem| DataError::WrongKind {
            path: path.clone(),
            wanted: "a label map",
            problem,
        })?;
        let count = self.labels.len();
        Ok(([count, height, width], one_hot(&values, count).collect()))
    }
}
