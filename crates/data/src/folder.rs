//! A folder of images, with sub-folders as classes if there are any.

mod originals;

use std::io::Cursor;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits, RgbImage};
use walkdir::WalkDir;

use super::dataset::{Dataset, Labels, Skipped};
use super::error::DataError;
use super::load::Options;
use super::parallel;
use super::pixels::{self, Images};

pub use originals::{Original, Originals};

/// Side length when none is asked for.
const SIZE: usize = 64;
/// Endings of the files that are read, in any case.
const EXTENSIONS: [&str; 4] = ["png", "jpg", "jpeg", "webp"];
/// Longest side a file may state; larger ones are taken for traps.
const LONGEST_SIDE: u32 = 20_000;
/// Most memory one image may need decoded, in bytes.
const LARGEST_IMAGE: u64 = 400 << 20;

/// The images below `root`, in the order of their paths.
///
/// Hidden files and folders are passed over. When every image lies in a sub-folder, the first-level
/// sub-folders are the classes, in sorted order; otherwise there are no labels. Rotation noted by a camera
/// (EXIF) is applied, transparency is laid over white. An image that cannot be read is left out and recorded.
pub(crate) fn load(root: &Path, options: &Options) -> Result<Dataset, DataError> {
    pixels::check(options)?;
    let kind = std::fs::metadata(root).map_err(|source| DataError::io("read", root, source))?;
    if !kind.is_dir() {
        return Err(DataError::NotAFolder(root.to_owned()));
    }
    let (paths, mut skipped) = find(root);
    if paths.is_empty() && skipped.is_empty() {
        let extensions = EXTENSIONS.map(|extension| format!(".{extension}")).join(", ");
        return Err(DataError::EmptyFolder { path: root.to_owned(), extensions });
    }
    let size = options.size.unwrap_or(SIZE);
    let mut images = Vec::new();
    let mut kept = Vec::new();
    for (path, read) in paths.iter().zip(parallel::map(&paths, |path| read(path, size))) {
        match read {
            Ok(image) => {
                images.push(image);
                kept.push(path.as_path());
            }
            Err(reason) => skipped.push(Skipped { path: path.clone(), reason }),
        }
    }
    if let (true, Some(first)) = (images.is_empty(), skipped.first()) {
        let (count, Skipped { path: first, reason }) = (skipped.len(), first.clone());
        return Err(DataError::NothingReadable { path: root.to_owned(), count, first, reason });
    }
    let all_grey = images.iter().all(|image| matches!(image, DynamicImage::ImageLuma8(_)));
    let channels = options.channels.unwrap_or(if all_grey { 1 } else { 3 });
    let bytes = images.iter().flat_map(|image| pixels::to_planes(image, channels)).collect();
    let name = format!("folder:{}", root.display());
    Images { bytes, channels, height: size, width: size, top: u8::MAX }
        .into_dataset(name, classes(root, &kept), "not stated (your own files)", options)
        .map(|set| set.with_skipped(skipped))
}

/// Image files below `root` in sorted order, and what could not even be listed.
fn find(root: &Path) -> (Vec<PathBuf>, Vec<Skipped>) {
    let mut paths = Vec::new();
    let mut skipped = Vec::new();
    let visible = |entry: &walkdir::DirEntry| {
        entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b".")
    };
    for entry in WalkDir::new(root).follow_links(true).into_iter().filter_entry(visible) {
        match entry {
            Ok(entry) if entry.file_type().is_file() && is_image(entry.path()) => {
                paths.push(entry.into_path())
            }
            Ok(_) => {}
            Err(error) => {
                let path = error.path().unwrap_or(root).to_owned();
                skipped.push(Skipped { path, reason: error.to_string() });
            }
        }
    }
    paths.sort();
    skipped.sort_by(|a, b| a.path.cmp(&b.path));
    (paths, skipped)
}

fn is_image(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()))
}

/// The first-level sub-folder of each path, when all have one.
fn classes(root: &Path, paths: &[&Path]) -> Option<Labels> {
    let folder = |path: &&Path| {
        let mut parts = path.strip_prefix(root).ok()?.components();
        let first = parts.next()?.as_os_str().to_string_lossy().into_owned();
        parts.next().map(|_| first)
    };
    let folders: Vec<String> = paths.iter().map(folder).collect::<Option<_>>()?;
    let mut classes = folders.clone();
    classes.sort();
    classes.dedup();
    let values =
        folders.iter().filter_map(|name| classes.binary_search(name).ok()).map(|c| c as u32).collect();
    Some(Labels { classes, values })
}

/// The image at `path` fitted to `size`, as grey when its colours all are; or why it cannot be read.
fn read(path: &Path, size: usize) -> Result<DynamicImage, String> {
    // Decoders meet files nobody foresaw: one that panics costs this image, not the run.
    let decoded = catch_unwind(|| decode(path)).unwrap_or_else(|_| Err("its decoder failed".to_owned()))?;
    let fitted = pixels::fit(&decoded, size);
    let grey = fitted.as_rgb8().is_some_and(|colour| colour.pixels().all(|p| p[0] == p[1] && p[1] == p[2]));
    Ok(if grey { fitted.into_luma8().into() } else { fitted })
}

/// The image as stored, upright, 8 bits per channel, without transparency.
fn decode(path: &Path) -> Result<DynamicImage, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    if is_cut_jpeg(&bytes) {
        return Err("it ends before the picture does".to_owned());
    }
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    let mut reader = reader.map_err(|error| error.to_string())?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(LARGEST_IMAGE);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| error.to_string())?;
    if decoder.total_bytes() > LARGEST_IMAGE {
        return Err(format!("it would need {} MiB of memory", decoder.total_bytes() >> 20));
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| error.to_string())?;
    image.apply_orientation(orientation);
    Ok(match image {
        image if image.color().has_alpha() => over_white(&image).into(),
        image if image.color().has_color() => image.into_rgb8().into(),
        image => image.into_luma8().into(),
    })
}

/// Whether this is a JPEG without an end marker after its first scan. Decoders fill the missing part with grey
/// and report nothing, which would teach a network grey lower halves.
fn is_cut_jpeg(bytes: &[u8]) -> bool {
    let Some(mut rest) = bytes.strip_prefix(&[0xff, 0xd8]) else { return false };
    // Segments before the scan are skipped whole: a thumbnail inside one has an end marker of its own.
    while let Some((&[0xff, kind, high, low], after)) = rest.split_first_chunk::<4>() {
        rest = match (kind, u16::from_be_bytes([high, low])) {
            (0xda, _) => return !after.windows(2).any(|pair| pair == [0xff, 0xd9]),
            // A filling byte before the marker.
            (0xff, _) => rest.get(1..).unwrap_or_default(),
            (_, length) => rest.get(2 + usize::from(length)..).unwrap_or_default(),
        };
    }
    rest.len() < 4
}

/// The image laid over a white ground.
fn over_white(image: &DynamicImage) -> RgbImage {
    let source = image.to_rgba8();
    RgbImage::from_fn(source.width(), source.height(), |x, y| {
        let [red, green, blue, alpha] = source.get_pixel(x, y).0.map(u32::from);
        let laid = |level: u32| ((level * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        image::Rgb([laid(red), laid(green), laid(blue)])
    })
}

#[cfg(test)]
mod tests;
