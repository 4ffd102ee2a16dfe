//! The images of a folder in the size they are stored in, read when they are asked for.

use std::path::{Path, PathBuf};

use image::{DynamicImage, GenericImageView};

use super::super::background::Background;
use super::super::dataset::Labels;
use super::super::error::DataError;
use super::super::notes::{Notes, Skipped};
use super::super::{parallel, pixels};
use super::decode::decode_safely;
use super::{Found, classes, find};

/// Images that are decoded before it is asked again whether there are enough of them.
const AT_ONCE: usize = 512;

/// The images below a folder as they are stored, each in its own size, with values in [-1, 1].
///
/// Files, classes, rotation, transparency and what is left out are those of a folder that is trained on. Only the
/// places of the files are kept: an image is decoded once to see that it can be, and again whenever it is read.
#[derive(Clone, Debug)]
pub struct Originals {
    name: String,
    files: Vec<File>,
    listed: usize,
    channels: usize,
    background: Background,
    labels: Option<Labels>,
    notes: Notes,
}

#[derive(Clone, Debug)]
struct File {
    path: PathBuf,
    size: [usize; 2],
}

/// An image: `[channels, height, width]` and its values, row-major.
pub type Original = ([usize; 3], Vec<f32>);

impl Originals {
    /// The images below `root`, in the order of their paths. `order` returns the numbers below a count in the order in
    /// which files are tried; the first `most` that can be read are taken. Channels are 1 for grey, 3 for colour;
    /// without a number they are grey when all of them are.
    ///
    /// # Errors
    /// [`DataError`] if there is no such folder or none of its images can be read.
    pub fn open(
        root: &Path,
        (channels, background): (Option<usize>, Background),
        most: usize,
        order: impl FnOnce(usize) -> Vec<usize>,
    ) -> Result<Self, DataError> {
        let Found { images: paths, mut unreadable, others } = find(root)?;
        let tried: Vec<&PathBuf> = match paths.len() <= most {
            true => paths.iter().collect(),
            false => order(paths.len()).into_iter().filter_map(|number| paths.get(number)).collect(),
        };
        let (mut files, mut all_grey, mut rest) = (Vec::new(), true, tried.as_slice());
        while files.len() < most && !rest.is_empty() {
            let (some, later) = rest.split_at(AT_ONCE.min(most - files.len()).min(rest.len()));
            rest = later;
            for (path, found) in some.iter().zip(parallel::map(some, |path| facts(path, background))) {
                match found {
                    Ok((size, grey)) => {
                        all_grey &= grey;
                        files.push(File { path: (*path).clone(), size });
                    }
                    Err(reason) => unreadable.push(Skipped { path: (*path).clone(), reason }),
                }
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        unreadable.sort_by(|a, b| a.path.cmp(&b.path));
        if let (true, Some(first)) = (files.is_empty(), unreadable.first()) {
            let (count, Skipped { path: first, reason }) = (unreadable.len(), first.clone());
            return Err(DataError::NothingReadable { path: root.to_owned(), count, first, reason });
        }
        let kept: Vec<&Path> = files.iter().map(|file| file.path.as_path()).collect();
        let (labels, beside_classes) = classes(root, &kept);
        Ok(Self {
            name: format!("folder:{}", root.display()),
            listed: paths.len(),
            channels: channels.unwrap_or(if all_grey { 1 } else { 3 }),
            background,
            labels,
            files,
            notes: Notes { unreadable, others, beside_classes, ..Notes::default() },
        })
    }

    /// The single image in the file `path`, its channels and background as [`Originals::open`] takes them.
    ///
    /// # Errors
    /// [`DataError::WrongKind`] if it cannot be read as an image.
    pub fn of_file(
        path: &Path,
        (channels, background): (Option<usize>, Background),
    ) -> Result<Self, DataError> {
        if !path.exists() {
            return Err(DataError::NotFound(path.to_owned()));
        }
        let (size, grey) = facts(path, background).map_err(|problem| DataError::WrongKind {
            path: path.to_owned(),
            wanted: "an image",
            problem,
        })?;
        Ok(Self {
            name: path.display().to_string(),
            files: vec![File { path: path.to_owned(), size }],
            listed: 1,
            channels: channels.unwrap_or(if grey { 1 } else { 3 }),
            background,
            labels: None,
            notes: Notes::default(),
        })
    }

    /// The file of each image.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|file| file.path.as_path())
    }

    /// What the set is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number of images; never 0.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Number of image files below the folder, of which some may not have been taken or could not be read.
    pub fn listed(&self) -> usize {
        self.listed
    }

    /// 1 for grey, 3 for colour.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// `[height, width]` of each image.
    pub fn sizes(&self) -> impl Iterator<Item = [usize; 2]> + '_ {
        self.files.iter().map(|file| file.size)
    }

    /// Class of each image and class names, when every image lies in a sub-folder.
    pub fn labels(&self) -> Option<&Labels> {
        self.labels.as_ref()
    }

    /// Files that could not be read and are not part of the set.
    pub fn skipped(&self) -> &[Skipped] {
        &self.notes.unreadable
    }

    /// What was noticed in the folder.
    pub fn notes(&self) -> &Notes {
        &self.notes
    }

    /// The images at `places`, in that order.
    ///
    /// # Errors
    /// [`DataError`] for a place that is not below [`Originals::len`], or a file that can no longer be read.
    pub fn get(&self, places: &[usize]) -> Result<Vec<Original>, DataError> {
        let samples = self.len();
        let files: Vec<&File> = places
            .iter()
            .map(|&index| self.files.get(index).ok_or(DataError::NoSuchSample { index, samples }))
            .collect::<Result<_, _>>()?;
        parallel::map(&files, |file| Ok(self.original(&self.decoded(file)?))).into_iter().collect()
    }

    /// The centre square of the image at `place` at a side of `side`, as images of a folder are fitted for training.
    ///
    /// # Errors
    /// As [`Originals::get`].
    pub fn fitted(&self, place: usize, side: usize) -> Result<Original, DataError> {
        let missing = DataError::NoSuchSample { index: place, samples: self.len() };
        let image = self.decoded(self.files.get(place).ok_or(missing)?)?;
        Ok(self.original(&pixels::fit(&image, side)))
    }

    fn decoded(&self, file: &File) -> Result<DynamicImage, DataError> {
        decode_safely(&file.path, self.background).map_err(|problem| DataError::WrongKind {
            path: file.path.clone(),
            wanted: "an image",
            problem,
        })
    }

    fn original(&self, image: &DynamicImage) -> Original {
        let (width, height) = image.dimensions();
        let levels = pixels::to_planes(image, self.channels);
        let values = levels.into_iter().map(|level| f32::from(level) / 127.5 - 1.0).collect();
        ([self.channels, height as usize, width as usize], values)
    }
}

/// Size and greyness of the image at `path`.
fn facts(path: &Path, background: Background) -> Result<([usize; 2], bool), String> {
    let image = decode_safely(path, background)?;
    let grey = match &image {
        DynamicImage::ImageLuma8(_) => true,
        colour => colour.to_rgb8().pixels().all(|p| p[0] == p[1] && p[1] == p[2]),
    };
    let (width, height) = image.dimensions();
    Ok(([height as usize, width as usize], grey))
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma, Rgb, RgbImage};

    use super::*;

    fn all(count: usize) -> Vec<usize> {
        (0..count).collect()
    }

    #[test]
    fn images_keep_their_sizes_and_levels() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        GrayImage::from_pixel(20, 10, Luma([51])).save(path("a.png")).unwrap();
        RgbImage::from_pixel(5, 128, Rgb([0, 255, 51])).save(path("b.png")).unwrap();
        std::fs::write(path("c.png"), b"no image").unwrap();
        let set = Originals::open(folder.path(), (None, Background::WHITE), 100, all).unwrap();
        assert_eq!((set.len(), set.listed(), set.channels(), set.skipped().len()), (2, 3, 3, 1));
        assert_eq!(set.sizes().collect::<Vec<_>>(), [[10, 20], [128, 5]]);
        let read = set.get(&[1, 0]).unwrap();
        assert_eq!((read[0].0, read[1].0), ([3, 128, 5], [3, 10, 20]));
        assert_eq!((read[0].1[0], read[0].1[640]), (-1.0, 1.0));
        assert!(read[1].1.iter().all(|value| (value + 0.6).abs() < 1e-6));
        assert!(
            set.get(&[2]).is_err()
                && Originals::open(&path("a.png"), (None, Background::WHITE), 9, all).is_err()
        );
    }

    #[test]
    fn the_first_of_the_order_that_can_be_read_are_taken() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..6_u8 {
            let path = folder.path().join(format!("{number}.png"));
            match number {
                4 => std::fs::write(path, b"no image").unwrap(),
                _ => GrayImage::from_pixel(3, 3, Luma([number])).save(path).unwrap(),
            }
        }
        let set = Originals::open(folder.path(), (Some(1), Background::WHITE), 2, |count| {
            (0..count).rev().collect()
        })
        .unwrap();
        let levels: Vec<f32> = set.get(&[0, 1]).unwrap().iter().map(|(_, values)| values[0]).collect();
        let level = |level: f32| level / 127.5 - 1.0;
        assert_eq!((levels, set.listed()), (vec![level(3.0), level(5.0)], 6));
    }
}
