//! One image file: what kind it is, and its picture.

use std::fs::File;
use std::io::{Cursor, Read};
use std::panic::catch_unwind;
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};

use super::super::background::Background;
use super::super::pixels;

/// Endings of the files that are read, in any case.
pub(super) const ENDINGS: [&str; 16] = [
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff", ".qoi",
    ".pnm", ".pbm", ".pgm", ".ppm",
];
/// Kinds that are known by their first bytes under any name; the other kinds begin with two letters that a text may
/// begin with.
const KNOWN_BY_CONTENT: [ImageFormat; 6] = [
    ImageFormat::Png,
    ImageFormat::Jpeg,
    ImageFormat::WebP,
    ImageFormat::Gif,
    ImageFormat::Tiff,
    ImageFormat::Qoi,
];
/// First bytes of a file, which identify its kind.
const FIRST_BYTES: u64 = 16;
/// Longest side a file may state; larger ones are taken for traps.
pub(crate) const LONGEST_SIDE: u32 = 20_000;
/// Most memory one image may need decoded, in bytes.
const LARGEST_IMAGE: u64 = 400 << 20;

/// The ending of a file's name in lower case with its dot; empty without one.
pub(crate) fn ending(path: &Path) -> String {
    path.extension()
        .map_or_else(String::new, |ending| format!(".{}", ending.to_string_lossy().to_lowercase()))
}

/// Whether the file is an image of a kind that is read: by its ending, or else by its content.
pub(super) fn is_image(path: &Path) -> bool {
    ENDINGS.contains(&ending(path).as_str()) || kind_by_content(path).is_some()
}

fn kind_by_content(path: &Path) -> Option<ImageFormat> {
    let mut first = Vec::new();
    File::open(path).ok()?.take(FIRST_BYTES).read_to_end(&mut first).ok()?;
    image::guess_format(&first).ok().filter(|kind| KNOWN_BY_CONTENT.contains(kind))
}

/// The image at `path` fitted to `size`, as grey when its colours all are; or why it cannot be read.
pub(super) fn read(path: &Path, size: usize, background: Background) -> Result<DynamicImage, String> {
    Ok(fitted(&decode_safely(path, background)?, size))
}

/// The left and the right half of the image at `path`, each as [`read`] gives it.
pub(super) fn read_halves(
    path: &Path,
    size: usize,
    background: Background,
) -> Result<[DynamicImage; 2], String> {
    let whole = decode_safely(path, background)?;
    let (width, height) = (whole.width(), whole.height());
    if width < 2 || width % 2 == 1 {
        return Err(format!("it is {width} pixels wide, which has no two halves"));
    }
    Ok([0, width / 2].map(|left| fitted(&whole.crop_imm(left, 0, width / 2, height), size)))
}

/// The image as [`decode`] gives it. A decoder may panic on malformed files: that skips this image and ends nothing else.
pub(crate) fn decode_safely(path: &Path, background: Background) -> Result<DynamicImage, String> {
    catch_unwind(|| decode(path, background)).unwrap_or_else(|_| Err("its decoder failed".to_owned()))
}

/// The centre square of `decoded` at this size, as grey when its colours all are.
pub(crate) fn fitted(decoded: &DynamicImage, size: usize) -> DynamicImage {
    let fitted = pixels::fit(decoded, size);
    let grey = fitted.as_rgb8().is_some_and(|colour| colour.pixels().all(|p| p[0] == p[1] && p[1] == p[2]));
    if grey { fitted.into_luma8().into() } else { fitted }
}

/// The image as stored, upright, 8 bits per channel, laid over `background` where it is transparent.
pub(super) fn decode(path: &Path, background: Background) -> Result<DynamicImage, String> {
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
        image if image.color().has_alpha() => over(background, &image).into(),
        image if image.color().has_color() => image.into_rgb8().into(),
        image => image.into_luma8().into(),
    })
}

/// Whether this is a JPEG that breaks off before the end marker of its picture, whatever follows: decoders fill the
/// missing part with grey and report nothing, and a network would be trained on grey lower halves.
fn is_cut_jpeg(bytes: &[u8]) -> bool {
    let Some(mut rest) = bytes.strip_prefix(&[0xff, 0xd8]) else { return false };
    let mut scanned = false;
    // From marker to marker, past coded pixels; segments are skipped whole, because a thumbnail inside one has markers
    // of its own.
    while let Some(marker) = rest.iter().position(|&byte| byte == 0xff).and_then(|at| rest.get(at..)) {
        rest = match *marker {
            // A filling byte before the marker.
            [0xff, 0xff, ..] => &marker[1..],
            // A pixel's own FF, or a marker without a segment inside a scan.
            [0xff, 0x00 | 0x01 | 0xd0..=0xd7, ref rest @ ..] => rest,
            [0xff, 0xd9, ..] => return !scanned,
            // Another picture begins.
            [0xff, 0xd8, ..] => return true,
            [0xff, kind, high, low, ref rest @ ..] => {
                scanned |= kind == 0xda;
                let length = usize::from(u16::from_be_bytes([high, low]));
                rest.get(length.saturating_sub(2)..).unwrap_or_default()
            }
            _ => return true,
        };
    }
    true
}

/// The image laid over `background`.
fn over(background: Background, image: &DynamicImage) -> RgbImage {
    let source = image.to_rgba8();
    let [ground_red, ground_green, ground_blue] = background.rgb().map(u32::from);
    RgbImage::from_fn(source.width(), source.height(), |x, y| {
        let [red, green, blue, alpha] = source.get_pixel(x, y).0.map(u32::from);
        let laid = |level: u32, ground: u32| ((level * alpha + ground * (255 - alpha) + 127) / 255) as u8;
        image::Rgb([laid(red, ground_red), laid(green, ground_green), laid(blue, ground_blue)])
    })
}
