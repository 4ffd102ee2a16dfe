//! The IDX format of MNIST: two zero bytes, the kind of number, the number of dimensions, each dimension as a
//! big-endian 32-bit integer, then the numbers.

use std::io::Read;
use std::path::Path;

use super::compressed::{open, read_error};
use super::dataset::{Dataset, Labels};
use super::error::DataError;
use super::options::Options;
use super::pixels::Images;

/// Unsigned bytes, the one kind of number images and labels come in.
const BYTES: u8 = 0x08;

/// The data set of IDX files given by the user.
pub(crate) fn load(
    name: String,
    images_path: &Path,
    labels_path: Option<&Path>,
    options: &Options,
) -> Result<Dataset, DataError> {
    let images = images(&mut open(images_path)?, images_path)?;
    let labels = labels_path.map(|path| labels(&mut open(path)?, path)).transpose()?;
    let count = images.bytes.len() / (images.height * images.width);
    if let (Some(labels), Some(labels_path)) = (&labels, labels_path) {
        check_counts(images_path, count, labels_path, labels.len())?;
    }
    images.into_dataset(name, labels.map(Labels::numbered), "not stated (your own files)", options)
}

/// Refuses labels that are not one per image.
pub(crate) fn check_counts(
    images_path: &Path,
    images: usize,
    labels_path: &Path,
    labels: usize,
) -> Result<(), DataError> {
    if images == labels {
        return Ok(());
    }
    Err(DataError::CountMismatch {
        images_path: images_path.to_owned(),
        images,
        labels_path: labels_path.to_owned(),
        labels,
    })
}

/// Grey images: bytes of dimensions `[count, height, width]`. `path` is for messages.
pub(crate) fn images(reader: &mut dyn Read, path: &Path) -> Result<Images, DataError> {
    let ([_, height, width], bytes) = array(reader, path, "IDX images")?;
    Ok(Images { bytes, channels: 1, height, width, top: u8::MAX })
}

/// Labels: bytes of dimension `[count]`. `path` is for messages.
pub(crate) fn labels(reader: &mut dyn Read, path: &Path) -> Result<Vec<u32>, DataError> {
    let ([_], bytes) = array(reader, path, "IDX labels")?;
    Ok(bytes.into_iter().map(u32::from).collect())
}

/// The dimensions and numbers of an IDX file that must have `D` dimensions of bytes.
fn array<const D: usize>(
    reader: &mut dyn Read,
    path: &Path,
    wanted: &'static str,
) -> Result<([usize; D], Vec<u8>), DataError> {
    let wrong = |problem| DataError::WrongKind { path: path.to_owned(), wanted, problem };
    let mut word = || -> Result<[u8; 4], DataError> {
        let mut word = [0; 4];
        reader.read_exact(&mut word).map_err(|source| read_error(path, source))?;
        Ok(word)
    };
    match word()? {
        [0, 0, BYTES, dimensions] if usize::from(dimensions) == D => {}
        [0, 0, BYTES, dimensions] => {
            return Err(wrong(format!("it has {dimensions} dimensions, {D} are needed")));
        }
        [0, 0, kind @ 0x09..=0x0e, _] => {
            return Err(wrong(format!("it holds numbers of kind 0x{kind:02x}, only bytes (0x08) are read")));
        }
        magic => return Err(wrong(format!("it begins with {magic:02x?} instead of an IDX header"))),
    }
    let mut sizes = [0; D];
    let mut total = 1u64;
    for size in &mut sizes {
        let stated = u32::from_be_bytes(word()?);
        *size = stated as usize;
        total = total.saturating_mul(u64::from(stated));
    }
    if total == 0 {
        return Err(wrong(format!("its header says {sizes:?}, which is empty")));
    }
    // Reading stops one byte past the stated length, and memory grows only with what is really there: a header
    // with a wrong size allocates nothing.
    let mut bytes = Vec::new();
    reader
        .take(total.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|source| read_error(path, source))?;
    let found = bytes.len() as u64;
    if found != total {
        let found = if found > total { "more".to_owned() } else { format!("only {found}") };
        let problem = format!("its header {sizes:?} needs {total} bytes but there are {found}");
        return Err(DataError::Damaged { path: path.to_owned(), problem });
    }
    Ok((sizes, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;
    use std::path::PathBuf;

    fn idx(kind: u8, sizes: &[u32], numbers: usize) -> Vec<u8> {
        let mut bytes = vec![0, 0, kind, sizes.len() as u8];
        sizes.iter().for_each(|size| bytes.extend(size.to_be_bytes()));
        bytes.extend((0..numbers).map(|i| i as u8 % 7));
        bytes
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    struct Files(tempfile::TempDir);

    impl Files {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
            std::fs::write(self.0.path().join(name), bytes).unwrap();
            self.0.path().join(name)
        }

        fn load(&self, images: &[u8], labels: Option<&[u8]>) -> Result<Dataset, DataError> {
            let images = self.write("images", images);
            let labels = labels.map(|labels| self.write("labels", labels));
            super::load("mine".into(), &images, labels.as_deref(), &Options::default())
        }
    }

    #[test]
    fn plain_and_gzip_read_alike() {
        let (images, labels) = (idx(8, &[3, 2, 4], 24), idx(8, &[3], 3));
        let files = Files::new();
        for (images, labels) in
            [(images.clone(), labels.clone()), (gzip(&images), labels.clone()), (images, gzip(&labels))]
        {
            let set = files.load(&images, Some(&labels)).unwrap();
            assert_eq!((set.len(), set.shape()), (3, [1, 2, 4].as_slice()));
            assert_eq!(set.labels().unwrap().values, [0, 1, 2]);
            assert_eq!(set.get(&[1]).unwrap().values[0], 2.0 / 255.0 - 1.0);
        }
        assert!(files.load(&idx(8, &[3, 2, 4], 24), None).unwrap().labels().is_none());
    }

    fn refused(images: &[u8], labels: Option<&[u8]>) -> String {
        let message = Files::new().load(images, labels).unwrap_err().to_string();
        assert!(message.lines().count() <= 2 && !message.ends_with('.'), "{message}");
        message
    }

    #[test]
    fn what_is_wrong_is_said() {
        let good = idx(8, &[3, 2, 4], 24);
        assert!(refused(&good[..27], None).contains("needs 24 bytes but there are only 11"));
        assert!(refused(&good[..7], None).contains("images is damaged: it ends too early"));
        assert!(refused(&[], None).contains("ends too early"));
        assert!(refused(&[good.as_slice(), &[0]].concat(), None).contains("there are more"));
        assert!(refused(&idx(8, &[3, 2, 4, 1], 24), None).contains("4 dimensions, 3 are needed"));
        assert!(refused(&idx(0x0d, &[3, 2, 4], 96), None).contains("kind 0x0d"));
        assert!(refused(b"\x89PNG\r\n\x1a\n", None).contains("instead of an IDX header"));
        assert!(refused(&idx(8, &[0, 28, 28], 0), None).contains("which is empty"));
        assert!(refused(&good, Some(&idx(8, &[4], 4))).contains("holds 3 images but"));
        assert!(refused(&good, Some(&good)).contains("labels cannot be used as IDX labels"));
    }

    #[test]
    fn a_cut_or_altered_gzip_is_damaged() {
        let packed = gzip(&idx(8, &[50, 20, 20], 20_000));
        for cut in [3, 12, packed.len() / 2, packed.len() - 1] {
            assert!(refused(&packed[..cut], None).contains("ends too early"), "{cut}");
        }
        let mut altered = packed.clone();
        *altered.iter_mut().rev().nth(6).unwrap() ^= 1;
        assert!(refused(&altered, None).contains("is damaged"));
    }

    #[test]
    fn a_header_that_lies_costs_no_memory() {
        let lie = idx(8, &[u32::MAX, u32::MAX, u32::MAX], 10);
        assert!(refused(&lie, None).contains("but there are only 10"));
        assert!(refused(&gzip(&lie), None).contains("but there are only 10"));
    }

    #[test]
    fn a_missing_file_is_named() {
        let message = super::load("mine".into(), Path::new("/no/such"), None, &Options::default())
            .unwrap_err()
            .to_string();
        assert_eq!(message, "/no/such does not exist: check the path");
    }
}
