//! Samples as pictures and as files.

use std::fs;
use std::path::{Path, PathBuf};

use brigand_autograd::Variable;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::files::{FileError, partial_path, refuse_missing_folder};
use crate::hardware::{in_gibibytes, memory};
use crate::npy;
use crate::pictures::{Grid, Histogram, Picture, Scatter, image_grid, single_image};
use brigand_core::batch::SampleShape;

/// Points in a picture of points.
pub const POINTS: usize = 2000;
const BINS: usize = 60;
/// How often samples are held at once: in portions, joined, and as numbers to be written.
const COPIES: usize = 3;
/// The share of the memory that samples may take; latents and networks need some, too.
const SHARE_OF_MEMORY: u64 = 2;
/// Samples asked for at once take no more bytes than this where it is not known how much memory there is.
const MOST_BYTES: u64 = 8 << 30;

/// What samples are drawn upon: images side by side, points over the real ones, numbers as a histogram.
#[derive(Clone, Debug)]
pub enum Backdrop {
    /// A grid of images.
    Images,
    /// The plane, with real points.
    Plane(Scatter),
    /// The line, with the density of real numbers.
    Line(Histogram),
}

impl Backdrop {
    /// The one for the samples in `data`.
    ///
    /// # Errors
    /// If samples of that shape have no picture.
    pub fn new(data: &Dataset) -> Result<Self> {
        let real = || data.get(&evenly_chosen(data.len(), POINTS));
        match *data.shape() {
            [_, _, _] => Ok(Self::Images),
            [2] => Ok(Self::Plane(Scatter::new(&real()?.values)?)),
            [1] => Ok(Self::Line(Histogram::new(&real()?.values, BINS)?)),
            ref other => Err(Error::Network(format!(
                "samples of shape {other:?} have no picture; use images or points with 1 or 2 coordinates"
            ))),
        }
    }

    /// Draws row-major `values` of `shape` (`[n, channels, height, width]` or `[n, dimensions]`). Images come in
    /// `columns` (by default about a square of them); a picture of points has `caption` above.
    ///
    /// # Errors
    /// If the shape does not fit the backdrop.
    pub fn draw(
        &self,
        values: &[f32],
        shape: &[usize],
        columns: Option<usize>,
        caption: &str,
    ) -> Result<Picture> {
        match (self, shape) {
            (Self::Images, &[count, channels, height, width]) => {
                let grid = Grid { columns, ..Grid::default() };
                Ok(image_grid(values, [count, channels, height, width], grid)?)
            }
            (Self::Plane(scatter), &[_, 2]) => Ok(scatter.draw(values, caption)?),
            (Self::Line(histogram), &[_, 1]) => Ok(histogram.draw(values, caption)?),
            _ => Err(Error::Request(format!(
                "samples of shape {shape:?} do not fit the picture of the real ones"
            ))),
        }
    }
}

/// A picture of up to 64 images, or of up to [`POINTS`] points, of real data, evenly chosen.
///
/// # Errors
/// If samples of that shape have no picture.
pub fn draw_data(data: &Dataset) -> Result<Picture> {
    let backdrop = Backdrop::new(data)?;
    match backdrop {
        Backdrop::Images => {
            let batch = data.get(&evenly_chosen(data.len(), 64))?;
            backdrop.draw(&batch.values, &batch.shape, None, data.name())
        }
        Backdrop::Plane(_) => backdrop.draw(&[], &[0, 2], None, data.name()),
        Backdrop::Line(_) => backdrop.draw(&[], &[0, 1], None, data.name()),
    }
}

/// At most `most` of the indices `0..count`, evenly spaced from the first on.
pub(crate) fn evenly_chosen(count: usize, most: usize) -> Vec<usize> {
    let chosen = count.min(most);
    (0..chosen).map(|index| index * count / chosen).collect()
}

/// Refuses a number of samples that would not fit into memory.
///
/// # Errors
/// [`Error::Request`], saying how many would.
pub fn check_count(count: usize, shape: SampleShape) -> Result<()> {
    let each = (COPIES * size_of::<f32>()).saturating_mul(shape.elements()).max(1) as u64;
    let there = memory();
    let most = there.map_or(MOST_BYTES, |bytes| bytes / SHARE_OF_MEMORY) / each;
    match count as u64 {
        0 => Err(Error::Request("asked for 0 samples; ask for at least 1".into())),
        wanted if wanted > most => Err(Error::Request(format!(
            "{count} samples at once are too many: they take about {} of memory{}; ask for {most} or fewer, several times with other \
             seeds",
            in_gibibytes(wanted.saturating_mul(each)),
            there.map(|there| format!(", of {}", in_gibibytes(there))).unwrap_or_default()
        ))),
        _ => Ok(()),
    }
}

/// Where samples are written, as the ending of the path says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// `FILE.png`: one picture of all.
    Picture(PathBuf),
    /// `FILE.npy`: the numbers, `[n, channels, height, width]` in [-1, 1] or `[n, dimensions]`.
    Array(PathBuf),
    /// `DIR/`: one picture each, `sample-00000.png` and on; an absent or empty folder.
    Folder(PathBuf),
}

impl Destination {
    /// Understands a path. One without an ending is a folder.
    ///
    /// # Errors
    /// For any other ending, a file whose folder is not there, a folder that is not empty, or a folder for samples that are no images.
    pub fn new(path: &Path, shape: SampleShape) -> Result<Self> {
        let in_folder = |path: &Path| refuse_missing_folder(path).map(|()| path.to_owned());
        let refuse = |reason: &str| Err(Error::Request(format!("{}: {reason}", path.display())));
        let folder = path.as_os_str().to_string_lossy().ends_with(std::path::is_separator) || path.is_dir();
        match path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).as_deref() {
            Some("png") if !folder => Ok(Self::Picture(in_folder(path)?)),
            Some("npy") if !folder => Ok(Self::Array(in_folder(path)?)),
            Some(_) if !folder => refuse(
                "samples are written to a file ending in .png or .npy, or into a folder (end its path with /)",
            ),
            _ if !matches!(shape, SampleShape::Image { .. }) => refuse(
                "only images can be written one by one into a folder; give a file ending in .png or .npy",
            ),
            _ if fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some()) => {
                refuse("the folder is not empty; choose another one")
            }
            _ => Ok(Self::Folder(path.to_owned())),
        }
    }

    /// Refuses a number of samples that would not fit into memory, or into the picture, whose grid has `columns` (by default it is
    /// about a square).
    ///
    /// # Errors
    /// [`Error::Request`] as [`check_count`], and with the size that the picture would have.
    pub fn check_count(&self, count: usize, shape: SampleShape, columns: Option<usize>) -> Result<()> {
        check_count(count, shape)?;
        match (self, shape) {
            (Self::Picture(path), SampleShape::Image { height, width, .. }) => {
                let grid = Grid { columns, ..Grid::default() };
                grid.refuse_too_large(count, [height, width]).map_err(|error| {
                    let path = path.display();
                    Error::Request(format!(
                        "{path}: {error}, or write them to a file ending in .npy or into a folder"
                    ))
                })
            }
            (Self::Picture(_), SampleShape::Points { .. }) | (Self::Array(_) | Self::Folder(_), _) => Ok(()),
        }
    }

    /// Writes `samples`, `[n, sample...]`. Nothing half-written stays when it fails.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write(&self, samples: &Variable, backdrop: &Backdrop, caption: &str) -> Result<()> {
        let (values, shape) = (samples.to_vec_f32()?, samples.shape());
        match self {
            Self::Picture(path) => Ok(backdrop.draw(&values, shape, None, caption)?.save_png(path)?),
            Self::Array(path) => Ok(npy::write(path, &values, shape)?),
            Self::Folder(path) => write_folder(path, &values, shape),
        }
    }
}

/// Fills a hidden folder and renames it when it is complete.
fn write_folder(path: &Path, values: &[f32], shape: &[usize]) -> Result<()> {
    let path: PathBuf = path.components().collect();
    let beside = partial_path(&path);
    let fill = || -> Result<()> {
        fs::create_dir_all(&beside).map_err(FileError::when("create", &beside))?;
        let [_, channels, height, width] = *shape else {
            return Err(Error::Request(format!("samples of shape {shape:?} are no images")));
        };
        for (index, image) in values.chunks_exact(channels * height * width).enumerate() {
            let name = format!("sample-{index:05}.png");
            single_image(image, [channels, height, width])?.save_png(&beside.join(name))?;
        }
        fs::rename(&beside, &path).map_err(FileError::when("create", &path))?;
        Ok(())
    };
    fill().inspect_err(|_| {
        // The first error is the one worth telling.
        let _ = fs::remove_dir_all(&beside);
    })
}
