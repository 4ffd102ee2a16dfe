//! One picture that is all the data: of a file, or drawn.

use std::path::Path;

use brigand_core::random::Stream;
use image::DynamicImage;
use image::imageops::FilterType;

use super::dataset::Dataset;
use super::error::DataError;
use super::folder::decode_safely;
use super::options::Options;
use super::pixels::{self, Images};

/// The longer side where no other is asked for.
pub(crate) const SIDE: usize = 48;
/// The terms of use of the drawn picture.
pub(crate) const LICENCE: &str = "none needed, generated";

/// The picture in `path`, all of it: its longer side becomes the options' size, or at most [`SIDE`] without one.
pub(crate) fn of_file(path: &Path, options: &Options) -> Result<Dataset, DataError> {
    pixels::check(options)?;
    std::fs::metadata(path).map_err(|source| DataError::io("read", path, source))?;
    let image = decode_safely(path, options.background).map_err(|problem| DataError::WrongKind {
        path: path.to_owned(),
        wanted: "an image",
        problem,
    })?;
    let (longer, shorter) = (image.width().max(image.height()), image.width().min(image.height()));
    let side = options.size.unwrap_or(SIDE.min(longer as usize)) as u32;
    let other = ((f64::from(shorter) * f64::from(side) / f64::from(longer)).round() as u32).max(1);
    let [width, height] = if image.width() >= image.height() { [side, other] } else { [other, side] };
    let filter = if side < longer { FilterType::Lanczos3 } else { FilterType::CatmullRom };
    let image = match side == longer {
        true => image,
        false => image.resize_exact(width, height, filter),
    };
    let grey = match &image {
        DynamicImage::ImageLuma8(_) => true,
        colour => colour.to_rgb8().pixels().all(|p| p[0] == p[1] && p[1] == p[2]),
    };
    let channels = options.channels.unwrap_or(if grey { 1 } else { 3 });
    let bytes = pixels::to_planes(&image, channels);
    let images = Images { bytes, channels, height: height as usize, width: width as usize, top: u8::MAX };
    let read = Options { size: None, ..options.clone() };
    images.into_dataset(format!("image:{}", path.display()), None, "not stated (your own file)", &read)
}

/// Stones along a side.
const STONES: usize = 5;
/// Pixels along a stone before the picture is scaled.
const CELL: usize = 24;
/// The colours of stones.
const COLOURS: [[f64; 3]; 5] = [
    [172.0, 120.0, 84.0],
    [150.0, 150.0, 158.0],
    [196.0, 166.0, 120.0],
    [118.0, 126.0, 142.0],
    [142.0, 88.0, 70.0],
];
/// The colour between them.
const MORTAR: [f64; 3] = [46.0, 42.0, 44.0];
/// Pixels of mortar between two stones.
const GAP: f64 = 4.0;

/// Paving stones of five colours, irregular, lit from above on the left: the cells of points on a grid that were moved by
/// chance. The same picture whatever the options' seed.
pub(crate) fn stones(options: &Options) -> Result<Dataset, DataError> {
    pixels::check(options)?;
    let (drawn, mut stream) = (STONES * CELL, Stream::new(0, "picture/stones", 0));
    let mut centres = Vec::new();
    // One row and column more on each side, so that stones at the border are cut as others are not.
    for place in 0..(STONES + 2) * (STONES + 2) {
        let (row, column) = (place / (STONES + 2), place % (STONES + 2));
        let moved = stream.uniform(2, -0.3, 0.3);
        let at = |index: usize, moved: f32| (index as f64 - 0.5 + f64::from(moved)) * CELL as f64;
        let (across, down) = (moved.first().copied().unwrap_or(0.0), moved.last().copied().unwrap_or(0.0));
        centres.push((at(column, across), at(row, down), stream.index(COLOURS.len())));
    }
    let mut image = image::RgbImage::new(drawn as u32, drawn as u32);
    for (x, y, pixel) in image.enumerate_pixels_mut() {
        let (x, y) = (f64::from(x) + 0.5, f64::from(y) + 0.5);
        let mut near: Vec<(f64, usize)> =
            centres.iter().enumerate().map(|(number, c)| ((c.0 - x).hypot(c.1 - y), number)).collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0));
        let [(first, number), (second, _), ..] = near.as_slice() else { continue };
        let Some((left, top, colour)) = centres.get(*number) else { continue };
        let edge = second - first;
        // Full light in the middle, falling towards the edge, more so on the lower right.
        let slope = ((x - left) + (y - top)) / CELL as f64;
        let light = (1.05 - 0.35 * slope) * (0.6 + 0.4 * (edge / CELL as f64 * 2.5).min(1.0));
        let stone = ((edge - GAP / 2.0) / 2.0).clamp(0.0, 1.0);
        let base = COLOURS.get(*colour).copied().unwrap_or(MORTAR);
        for ((level, base), mortar) in pixel.0.iter_mut().zip(base).zip(MORTAR) {
            *level = (stone * base * light + (1.0 - stone) * mortar).clamp(0.0, 255.0).round() as u8;
        }
    }
    let side = options.size.unwrap_or(SIDE);
    let image = pixels::fit(&image.into(), side);
    let channels = options.channels.unwrap_or(3);
    let bytes = pixels::to_planes(&image, channels);
    let images = Images { bytes, channels, height: side, width: side, top: u8::MAX };
    images.into_dataset("stones", None, LICENCE, &Options { size: None, ..options.clone() })
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma, Rgb, RgbImage};

    use super::*;

    fn read(path: &Path, size: Option<usize>) -> Dataset {
        of_file(path, &Options { size, ..Options::default() }).unwrap()
    }

    #[test]
    fn all_of_a_picture_is_kept_with_its_longer_side_at_the_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wide.png");
        // Left half black, right half white: a centre square would lose the outer parts.
        RgbImage::from_fn(120, 40, |x, _| if x < 60 { Rgb([0; 3]) } else { Rgb([255, 254, 255]) })
            .save(&path)
            .unwrap();
        let set = read(&path, None);
        assert_eq!((set.len(), set.shape()), (1, &[3, 16, 48][..]));
        let values = set.get(&[0]).unwrap().values;
        assert!(values[..16].iter().all(|&v| v < -0.9) && values[32..48].iter().all(|&v| v > 0.9));
        assert_eq!(read(&path, Some(60)).shape(), [3, 20, 60]);
        let tall = folder.path().join("tall.png");
        GrayImage::from_pixel(7, 21, Luma([51])).save(&tall).unwrap();
        // A small one stays as it is, unless a size is asked for.
        assert_eq!(
            (read(&tall, None).shape(), read(&tall, Some(42)).shape()),
            (&[1, 21, 7][..], &[1, 42, 14][..])
        );
        assert_eq!(read(&tall, None).get(&[0]).unwrap().values[0], -0.6);
    }

    #[test]
    fn what_is_no_picture_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        let message = |path: &Path| of_file(path, &Options::default()).unwrap_err().to_string();
        assert!(message(&path).contains("notes.txt"));
        std::fs::write(&path, "no picture").unwrap();
        assert!(message(&path).contains("notes.txt"), "{}", message(&path));
        assert!(of_file(&path, &Options { size: Some(0), ..Options::default() }).is_err());
    }

    #[test]
    fn the_drawn_picture_is_the_same_for_every_seed_and_has_stones_and_mortar() {
        let of = |seed| stones(&Options { seed, ..Options::default() }).unwrap();
        assert_eq!(of(0).fingerprint(), of(7).fingerprint());
        let (low, high) = of(0).value_range();
        assert!(low < -0.5 && high > 0.4, "{low} {high}");
        assert_eq!(stones(&Options { size: Some(32), ..Options::default() }).unwrap().shape(), [3, 32, 32]);
    }
}
