//! Poses to draw a person in: the landmarks of a folder or CSV file.

use std::path::{Path, PathBuf};

use image::GenericImageView;

use super::drawing::{Fitting, draw};
use super::landmarks::{LANDMARKS, Table, edges_for};
use crate::background::Background;
use crate::error::DataError;
use crate::folder::decode_safely;

/// Landmark drawings in the order of their file, each under the name of its frame.
#[derive(Debug)]
pub struct Driving {
    /// The names of the frames.
    pub names: Vec<String>,
    /// The drawings, `[3, size, size]` each, one after another, in [-1, 1].
    pub drawings: Vec<f32>,
}

impl Driving {
    /// The landmarks in `path`, a CSV file or a folder with a `landmarks.csv`, drawn at `size`. Coordinates are pixels of
    /// the frames beside the file; where a frame is not there, of frames of `frame` `[width, height]`.
    ///
    /// # Errors
    /// If there is no such file, it is no file of landmarks, or the size of a frame is not known.
    pub fn read(path: &Path, size: usize, frame: Option<[u32; 2]>) -> Result<Self, DataError> {
        let file = if path.is_dir() { path.join(LANDMARKS) } else { path.to_owned() };
        let table = Table::read(&file)?;
        let folder = file.parent().unwrap_or(Path::new(""));
        let edges = edges_for(folder, table.points())?;
        let (mut names, mut drawings) =
            (Vec::new(), Vec::with_capacity(table.names().len() * 3 * size * size));
        for name in table.names() {
            let Some(points) = table.of(name) else { continue };
            let own = folder.join(name);
            let frame = if own.is_file() { Some(size_of(&own)?) } else { frame };
            let unknown = || DataError::WrongKind {
                path: own.clone(),
                wanted: "the frame of landmarks",
                problem:
                    "it is not there, so that the size of frames, in whose pixels landmarks are, is not known"
                        .into(),
            };
            let fitting = Fitting::new(frame.ok_or_else(unknown)?, size);
            let drawn = draw(&fitting.apply(points), &edges, size);
            drawings.extend(drawn.into_iter().map(|level| f32::from(level) / 127.5 - 1.0));
            names.push(name.clone());
        }
        Ok(Self { names, drawings })
    }

    /// `[width, height]` of the first frame of the person in `folder`.
    ///
    /// # Errors
    /// If there is none, or it cannot be read.
    pub fn frame_size(folder: &Path) -> Result<[u32; 2], DataError> {
        let (images, _) = crate::folder::find_images(folder)?;
        let first: Option<&PathBuf> = images.first();
        first.map_or_else(|| Err(DataError::NotFound(folder.to_owned())), |path| size_of(path))
    }
}

fn size_of(path: &Path) -> Result<[u32; 2], DataError> {
    let problem =
        |problem| DataError::WrongKind { path: path.to_owned(), wanted: "the frame of landmarks", problem };
    let (width, height) = decode_safely(path, Background::default()).map_err(problem)?.dimensions();
    Ok([width, height])
}
