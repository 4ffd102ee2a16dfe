//! Handwritten digits that need no download: the test part of "Optical Recognition of Handwritten Digits"
//! (E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998, CC BY 4.0; see `digits-LICENCE.md`).
//!
//! 1,797 images of 8x8 pixels with levels 0 to 16, written by 13 people. `digits.bin` is gzip over the
//! 1797 x 64 levels, image after image and row after row, followed by the 1,797 labels. It was made from the
//! `digits.csv.gz` in scikit-learn's wheel, whose rows are 64 levels and a label:
//!
//! ```python
//! import csv, gzip
//! rows = [[int(v) for v in row] for row in csv.reader(gzip.open("digits.csv.gz", "rt"))]
//! content = bytes(v for row in rows for v in row[:64]) + bytes(row[64] for row in rows)
//! open("digits.bin", "wb").write(gzip.compress(content, 9, mtime=0))
//! ```

use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;

use super::compressed::read_error;
use super::dataset::{Dataset, Labels};
use super::error::DataError;
use super::options::Options;
use super::pixels::Images;

/// Number of images.
pub(crate) const COUNT: usize = 1797;
/// Pixels of one image.
const AREA: usize = 64;
/// The terms of use, with the credit they require.
pub(crate) const LICENCE: &str = "CC BY 4.0, E. Alpaydin and C. Kaynak, UCI Machine Learning Repository";

static PACKED: &[u8] = include_bytes!("digits.bin");

/// The digits, fitted to the options.
pub(crate) fn load(options: &Options) -> Result<Dataset, DataError> {
    let mut bytes = unpacked()?;
    let labels = Labels::numbered(bytes.split_off(COUNT * AREA).into_iter().map(u32::from).collect());
    Images { bytes, channels: 1, height: 8, width: 8, top: 16 }.into_dataset(
        "digits",
        Some(labels),
        LICENCE,
        options,
    )
}

/// Levels, then labels.
fn unpacked() -> Result<Vec<u8>, DataError> {
    let mut bytes = vec![0; COUNT * (AREA + 1)];
    GzDecoder::new(PACKED)
        .read_exact(&mut bytes)
        .map_err(|source| read_error(Path::new("digits.bin"), source))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::sha256;

    #[test]
    fn they_are_the_published_ones() {
        let digits = load(&Options::default()).unwrap();
        assert_eq!((digits.len(), digits.shape()), (1797, [1, 8, 8].as_slice()));
        assert_eq!(digits.class_counts(), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
        assert_eq!(digits.labels().unwrap().values[..4], [0, 1, 2, 3]);
        assert_eq!(
            sha256(unpacked().unwrap().as_slice()).unwrap(),
            "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"
        );
    }

    #[test]
    fn levels_map_to_the_range_without_rounding() {
        let digits = load(&Options::default()).unwrap();
        assert_eq!(digits.value_range(), (-1.0, 1.0));
        let first_row = [0.0, 0.0, 5.0, 13.0, 9.0, 1.0, 0.0, 0.0].map(|level: f32| level / 8.0 - 1.0);
        assert_eq!(digits.get(&[0]).unwrap().values[..8], first_row);
    }

    #[test]
    fn they_can_be_resized_and_coloured() {
        let options = Options { size: Some(28), channels: Some(3), ..Options::default() };
        let large = load(&options).unwrap();
        assert_eq!((large.len(), large.shape()), (1797, [3, 28, 28].as_slice()));
        let mean = |set: &Dataset| {
            let values = set.get(&[0, 1, 2, 3]).unwrap().values;
            values.iter().sum::<f32>() / values.len() as f32
        };
        assert!((mean(&large) - mean(&load(&Options::default()).unwrap())).abs() < 0.03);
        assert!(large.value_range().1 > 0.95);
    }
}
