//! A folder of images, with sub-folders as classes if there are any.

mod decode;
mod originals;
mod pairs;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use image::DynamicImage;
use walkdir::WalkDir;

use super::dataset::{Dataset, Labels};
use super::error::DataError;
use super::natural;
use super::notes::{Notes, Skipped, endings};
use super::options::Options;
use super::parallel;
use super::pixels::{self, Images};

pub(crate) use decode::{LONGEST_SIDE, decode_safely, ending, fitted};
pub use originals::{Original, Originals};
pub(crate) use pairs::{load_pairs, of_equal_names};

/// Side length when none is asked for.
pub(crate) const SIZE: usize = 64;

/// The images below `root`, in the order of their paths.
///
/// An image is known by its ending or, under any other name, by its content; of several pictures in one file the first
/// is taken. Hidden files and folders are passed over. When every image lies in a sub-folder, the first-level
/// sub-folders are the classes, in natural order (2 before 10); otherwise there are no labels. Rotation noted by a
/// camera (EXIF) is applied, transparency is laid over the options' background. What is left out is noted.
pub(crate) fn load(root: &Path, options: &Options) -> Result<Dataset, DataError> {
    pixels::check(options)?;
    let Found { images: paths, unreadable, others } = find(root)?;
    let Readable { images, are_read, unreadable } = read_images((root, &paths), unreadable, options)?;
    let kept: Vec<&Path> = of_read(&paths, &are_read).map(PathBuf::as_path).collect();
    let (labels, beside_classes) = classes(root, &kept);
    let notes = Notes { unreadable, others, beside_classes, ..Notes::default() };
    let name = format!("folder:{}", root.display());
    square_images(&name, &images, labels, options).map(|set| set.with_notes(notes))
}

/// The images of some files that can be read.
pub(crate) struct Readable {
    /// They in the order of their files.
    pub(crate) images: Vec<DynamicImage>,
    /// Of each file whether its image is among them.
    pub(crate) are_read: Vec<bool>,
    /// The files that cannot be read, after what could not before.
    pub(crate) unreadable: Vec<Skipped>,
}

/// The images of `files` that can be read, as those of a folder are fitted. `whole` is the folder or table of the files;
/// `unreadable` are files of it that could not even be listed.
///
/// # Errors
/// If images cannot have the options' size, or none can be read.
pub(crate) fn read_images(
    (whole, files): (&Path, &[PathBuf]),
    mut unreadable: Vec<Skipped>,
    options: &Options,
) -> Result<Readable, DataError> {
    pixels::check(options)?;
    let size = options.size.unwrap_or(SIZE);
    let read = parallel::map(files, |path| decode::read(path, size, options.background));
    let (mut images, mut are_read) = (Vec::new(), Vec::new());
    for (path, read) in files.iter().zip(read) {
        are_read.push(read.is_ok());
        match read {
            Ok(image) => images.push(image),
            Err(reason) => unreadable.push(Skipped { path: path.clone(), reason }),
        }
    }
    if let (true, Some(first)) = (images.is_empty(), unreadable.first()) {
        let (count, Skipped { path: first, reason }) = (unreadable.len(), first.clone());
        return Err(DataError::NothingReadable { path: whole.to_owned(), count, first, reason });
    }
    Ok(Readable { images, are_read, unreadable })
}

/// What belongs to the files that were read, given what belongs to each.
pub(crate) fn of_read<T>(each: impl IntoIterator<Item = T>, are_read: &[bool]) -> impl Iterator<Item = T> {
    each.into_iter().zip(are_read).filter(|(_, is_read)| **is_read).map(|(one, _)| one)
}

/// The set of images that [`read_images`] gave.
///
/// # Errors
/// If there are not as many labels.
pub(crate) fn square_images(
    name: &str,
    images: &[DynamicImage],
    labels: Option<Labels>,
    options: &Options,
) -> Result<Dataset, DataError> {
    images_of_size(name, images, labels, options.size.unwrap_or(SIZE), options)
}

/// The set of `images`, squares of `size`, grey where all of them are.
pub(crate) fn images_of_size(
    name: &str,
    images: &[DynamicImage],
    labels: Option<Labels>,
    size: usize,
    options: &Options,
) -> Result<Dataset, DataError> {
    let all_grey = images.iter().all(|image| matches!(image, DynamicImage::ImageLuma8(_)));
    let channels = options.channels.unwrap_or(if all_grey { 1 } else { 3 });
    let bytes = images.iter().flat_map(|image| pixels::to_planes(image, channels)).collect();
    Images { bytes, channels, height: size, width: size, top: u8::MAX }.into_dataset(
        name,
        labels,
        "not stated (your own files)",
        options,
    )
}

/// The images below `root` in the order of their paths, and what else was found there.
///
/// # Errors
/// If it is no folder, or has no image.
pub(crate) fn find_images(root: &Path) -> Result<(Vec<PathBuf>, Notes), DataError> {
    let Found { images, unreadable, others } = find(root)?;
    Ok((images, Notes { unreadable, others, ..Notes::default() }))
}

/// What lies below a folder.
pub(crate) struct Found {
    /// Images in sorted order.
    pub(crate) images: Vec<PathBuf>,
    /// What could not even be listed.
    pub(crate) unreadable: Vec<Skipped>,
    /// How many other files there are, by ending.
    pub(crate) others: BTreeMap<String, usize>,
}

/// Lists a folder.
///
/// # Errors
/// If it is none, or has no image.
pub(crate) fn find(root: &Path) -> Result<Found, DataError> {
    let (files, unreadable) = files_below(root)?;
    let (mut images, mut others) = (Vec::new(), BTreeMap::new());
    let are_images = parallel::map(&files, |path| decode::is_image(path));
    for (path, is_image) in files.into_iter().zip(are_images) {
        if is_image {
            images.push(path);
        } else {
            *others.entry(ending(&path)).or_insert(0) += 1;
        }
    }
    if images.is_empty() && unreadable.is_empty() {
        let extensions = decode::ENDINGS.join(", ");
        return Err(DataError::EmptyFolder { path: root.to_owned(), extensions, others: endings(&others) });
    }
    Ok(Found { images, unreadable, others })
}

/// The files below a folder in the order of their paths, without hidden ones, and what could not be listed.
///
/// # Errors
/// If it is none.
pub(crate) fn files_below(root: &Path) -> Result<(Vec<PathBuf>, Vec<Skipped>), DataError> {
    let kind = std::fs::metadata(root).map_err(|source| DataError::io("read", root, source))?;
    if !kind.is_dir() {
        return Err(DataError::NotAFolder(root.to_owned()));
    }
    let mut files = Vec::new();
    let mut unreadable = Vec::new();
    let visible = |entry: &walkdir::DirEntry| {
        entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b".")
    };
    for entry in WalkDir::new(root).follow_links(true).into_iter().filter_entry(visible) {
        match entry {
            Ok(entry) if entry.file_type().is_file() => files.push(entry.into_path()),
            Ok(_) => {}
            Err(error) => {
                let path = error.path().unwrap_or(root).to_owned();
                unreadable.push(Skipped { path, reason: error.to_string() });
            }
        }
    }
    files.sort();
    unreadable.sort_by(|a, b| a.path.cmp(&b.path));
    Ok((files, unreadable))
}

/// The first-level sub-folder of each path, when all have one; or else those that have none, when some have one.
fn classes(root: &Path, paths: &[&Path]) -> (Option<Labels>, Vec<PathBuf>) {
    let folder = |path: &&Path| {
        let mut parts = path.strip_prefix(root).ok()?.components();
        let first = parts.next()?.as_os_str().to_string_lossy().into_owned();
        parts.next().map(|_| first)
    };
    let folders: Vec<Option<String>> = paths.iter().map(folder).collect();
    if folders.iter().any(Option::is_none) {
        let mixed = folders.iter().any(Option::is_some);
        let beside = paths.iter().zip(&folders).filter(|(_, folder)| mixed && folder.is_none());
        return (None, beside.map(|(path, _)| (*path).to_owned()).collect());
    }
    let folders: Vec<String> = folders.into_iter().flatten().collect();
    let mut classes = folders.clone();
    classes.sort_by(|a, b| natural::compare(a, b));
    classes.dedup();
    let place = |name: &String| classes.binary_search_by(|class| natural::compare(class, name)).ok();
    let values = folders.iter().filter_map(place).map(|class| class as u32).collect();
    (Some(Labels { classes, values }), Vec::new())
}

#[cfg(test)]
mod tests;
