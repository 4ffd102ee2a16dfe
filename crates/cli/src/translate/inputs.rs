//! What is translated: images or label maps, of a file or below a folder.

use std::path::Path;

use brigand::batch::MapLabel;
use brigand::data::{Background, DataError, MapFiles, Original, Originals, Skipped};

/// Images or label maps, each in its own size, read when they are asked for.
pub(super) enum Inputs {
    Images(Originals),
    Maps(MapFiles),
}

impl Inputs {
    /// The image, or the images of the folder, at `path`.
    pub(super) fn images(path: &Path, reading: (Option<usize>, Background)) -> Result<Self, DataError> {
        let found = match path.is_dir() {
            true => Originals::open(path, reading, usize::MAX, |count| (0..count).collect()),
            false => Originals::of_file(path, reading),
        };
        found.map(Self::Images)
    }

    /// The label map, or the maps of the folder, at `path`.
    pub(super) fn maps(path: &Path, labels: &[MapLabel]) -> Result<Self, DataError> {
        let found = match path.is_dir() {
            true => MapFiles::open(path, labels),
            false => MapFiles::of_file(path, labels),
        };
        found.map(Self::Maps)
    }

    /// Their files.
    pub(super) fn paths(&self) -> Vec<&Path> {
        match self {
            Self::Images(images) => images.paths().collect(),
            Self::Maps(maps) => maps.paths().collect(),
        }
    }

    /// Files that were left out.
    pub(super) fn skipped(&self) -> &[Skipped] {
        match self {
            Self::Images(images) => images.skipped(),
            Self::Maps(maps) => maps.skipped(),
        }
    }

    /// The values of one of them and their shape; a map is one-hot.
    pub(super) fn get(&self, number: usize) -> Result<Original, DataError> {
        match self {
            Self::Images(images) => {
                let missing = DataError::NoSuchSample { index: number, samples: images.len() };
                images.get(&[number])?.into_iter().next().ok_or(missing)
            }
            Self::Maps(maps) => maps.get(number),
        }
    }
}
