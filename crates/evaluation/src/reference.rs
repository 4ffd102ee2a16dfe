//! Statistics of real samples in files, so that the Fréchet distance needs them only once.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Seek, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::error::Result;
use super::moments::Moments;
use super::protocol::Origin;
use super::tensor_file::{self, Description, content};
use brigand_data::files::{FileError, write_atomically};
use brigand_data::npy::{self, Array};
use brigand_data::numbers::Numbers;

/// Moments with what they were computed from, where the file records it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// The moments.
    pub moments: Moments,
    /// What made the features of what; a `.npz` file of another program does not record it.
    pub origin: Option<Origin>,
}

/// Reads reference statistics: our `.safetensors`, or the `.npz` of pytorch-fid and TTUR with the arrays `mu`, `[d]`,
/// and `sigma`, `[d, d]`. Those record neither the extractor nor the number of samples, so what it is compared with must
/// be known from elsewhere; one of ours holds both in an entry that NumPy passes over.
///
/// # Errors
/// If the file cannot be read or holds something else.
pub fn read_reference(path: &Path) -> Result<Reference> {
    match ending(path).as_deref() {
        Some("npz") => {
            let file = std::fs::File::open(path).map_err(FileError::when("read", path))?;
            let mut archive = ZipArchive::new(std::io::BufReader::new(file)).map_err(content(path))?;
            let mean = member(&mut archive, "mu").map_err(content(path))?;
            let covariance = member(&mut archive, "sigma").map_err(content(path))?;
            let description = description(&mut archive).map_err(content(path))?;
            let count = description.as_ref().and_then(|description| description.count);
            let origin = description.and_then(|description| description.origin);
            Ok(Reference { moments: moments(path, mean, covariance, count)?, origin })
        }
        Some("safetensors") => {
            let (mut arrays, description) = tensor_file::read(path, "moments")?;
            let mut take = |name: &str| {
                let missing = || content(path)(format!("it has no array of floats called `{name}`"));
                arrays.remove(name).ok_or_else(missing)
            };
            let (mean, covariance) = (take("mu")?, take("sigma")?);
            let count = description.as_ref().and_then(|description| description.count);
            let origin = description.and_then(|description| description.origin);
            Ok(Reference { moments: moments(path, mean, covariance, count)?, origin })
        }
        _ => Err(content(path)(ENDINGS)),
    }
}

/// Writes reference statistics as the ending of `path` says: `.safetensors`, or `.npz` for pytorch-fid to read too.
///
/// # Errors
/// If the file cannot be written or ends otherwise.
pub fn write_reference(path: &Path, reference: &Reference) -> Result<()> {
    let Reference { moments, origin } = reference;
    let width = moments.dimensions();
    let description = Description::new("moments", moments.count(), origin.clone());
    match ending(path).as_deref() {
        Some("npz") => {
            let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
            let arrays =
                [("mu", moments.mean(), vec![width]), ("sigma", moments.covariance(), vec![width; 2])];
            for (name, values, shape) in arrays {
                let bytes = npy::encode(values, &shape).map_err(content(path))?;
                let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
                archive.start_file(format!("{name}.npy"), options).map_err(content(path))?;
                archive.write_all(&bytes).map_err(content(path))?;
            }
            let text = serde_json::to_string(&description).map_err(content(path))?;
            archive.start_file(DESCRIPTION, SimpleFileOptions::default()).map_err(content(path))?;
            archive.write_all(text.as_bytes()).map_err(content(path))?;
            let bytes = archive.finish().map_err(content(path))?.into_inner();
            Ok(write_atomically(path, &bytes)?)
        }
        Some("safetensors") => {
            let array = |values: &[f64], shape| Array { numbers: Numbers::Double(values.to_vec()), shape };
            let arrays = BTreeMap::from([
                ("mu", array(moments.mean(), vec![width])),
                ("sigma", array(moments.covariance(), vec![width; 2])),
            ]);
            tensor_file::write(path, &arrays, &description)
        }
        _ => Err(content(path)(ENDINGS)),
    }
}

/// Refuses a name that [`write_reference`] cannot write to.
///
/// # Errors
/// If it ends in something else than `.safetensors` or `.npz`.
pub fn check_reference_name(path: &Path) -> Result<()> {
    match ending(path).as_deref() {
        Some("npz" | "safetensors") => Ok(()),
        _ => Err(content(path)(ENDINGS)),
    }
}

/// The entry of a `.npz` file that records what its statistics are of.
const DESCRIPTION: &str = "brigand.json";
const ENDINGS: &str = "reference statistics are kept in files ending in .safetensors or .npz";

fn ending(path: &Path) -> Option<String> {
    path.extension().map(|ending| ending.to_string_lossy().to_lowercase())
}

fn member(archive: &mut ZipArchive<impl Read + Seek>, name: &str) -> std::result::Result<Array, String> {
    let missing =
        |reason| format!("it has no array `{name}` ({reason}); statistics for FID hold `mu` and `sigma`");
    let mut file = archive.by_name(&format!("{name}.npy")).map_err(missing)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|reason| format!("array `{name}` is damaged: {reason}"))?;
    npy::decode(&bytes).map_err(|reason| format!("array `{name}`: {reason}"))
}

fn description(
    archive: &mut ZipArchive<impl Read + Seek>,
) -> std::result::Result<Option<Description>, String> {
    let Ok(mut file) = archive.by_name(DESCRIPTION) else { return Ok(None) };
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(|reason| format!("`{DESCRIPTION}` is damaged: {reason}"))?;
    tensor_file::understand(&text, "moments").map(Some)
}

fn moments(path: &Path, mean: Array, covariance: Array, count: Option<u64>) -> Result<Moments> {
    match (&*mean.shape, &*covariance.shape) {
        (&[width], &[rows, columns]) if rows == width && columns == width => {
            let plain = |numbers: Numbers| numbers.get(0..numbers.len()).into_owned();
            Moments::new(plain(mean.numbers), plain(covariance.numbers), count).map_err(content(path))
        }
        (mean, covariance) => Err(content(path)(format!(
            "`mu` of shape {mean:?} and `sigma` of shape {covariance:?} are no mean [d] and covariance [d, d]"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::protocol::tests::origin;
    use super::*;

    fn reference() -> Reference {
        let moments = Moments::new(vec![0.1, 0.2], vec![1.0, 0.5, 0.5, 2.0], Some(9)).unwrap();
        Reference { moments, origin: Some(origin(9)) }
    }

    #[test]
    fn both_files_keep_everything() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["a.safetensors", "a.npz"].map(|name| folder.path().join(name)) {
            write_reference(&path, &reference()).unwrap();
            assert_eq!(read_reference(&path).unwrap(), reference());
            let first = std::fs::read(&path).unwrap();
            write_reference(&path, &reference()).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), first);
        }
    }

    #[test]
    fn other_files_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let message = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let message = read_reference(&path).unwrap_err().to_string();
            assert!(message.contains(name), "{message}");
            message
        };
        message("a.npz", b"no archive");
        message("a.safetensors", b"neither");
        assert!(message("a.txt", b"").contains(".safetensors or .npz"));
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        archive.start_file("mu.npy", SimpleFileOptions::default()).unwrap();
        archive.write_all(&npy::encode(&[1.0], &[1]).unwrap()).unwrap();
        let without = archive.finish().unwrap().into_inner();
        assert!(message("b.npz", &without).contains("no array `sigma`"));
    }

    #[test]
    fn features_are_no_reference() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.safetensors");
        let features = super::super::features::Features::new(vec![1.0; 4], 2).unwrap();
        super::super::feature_file::write_features(&path, &features, &origin(2)).unwrap();
        let message = read_reference(&path).unwrap_err().to_string();
        assert!(message.contains("it holds features of format version 1, not moments"), "{message}");
    }
}
