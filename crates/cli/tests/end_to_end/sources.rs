//! Data files made by the tests.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

/// An IDX file of `count` square images with a gradient that differs from image to image.
pub(crate) fn idx_images(count: usize, side: usize) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 3];
    for number in [count, side, side] {
        bytes.extend(u32::try_from(number).unwrap().to_be_bytes());
    }
    bytes.extend((0..count * side * side).map(|i| (i % 251) as u8));
    bytes
}

/// An IDX file of labels.
pub(crate) fn idx_labels(labels: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 1];
    bytes.extend(u32::try_from(labels.len()).unwrap().to_be_bytes());
    bytes.extend(labels);
    bytes
}

pub(crate) fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A colour PNG.
pub(crate) fn write_png(path: &Path, width: u32, height: u32) {
    let pixel = |x, y| image::Rgb([(x * 9) as u8, (y * 5) as u8, (x + y) as u8]);
    image::RgbImage::from_fn(width, height, pixel).save(path).unwrap();
}

/// A folder of `count` PNGs of different sizes and one JPEG that is none.
pub(crate) fn mixed_folder(folder: &Path, count: u32) {
    std::fs::create_dir(folder).unwrap();
    for index in 0..count {
        write_png(&folder.join(format!("{index:02}.png")), 14 + index, 30 - index);
    }
    std::fs::write(folder.join("torn.jpg"), b"\xff\xd8\xff\xe0 and then nothing").unwrap();
}
