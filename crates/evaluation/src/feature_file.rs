//! Feature matrices in files, so that samples need to go through an extractor only once.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::Result;
use super::features::Features;
use super::probabilities::Probabilities;
use super::protocol::Origin;
use super::tensor_file::{self, Description, content};
use brigand_data::npy::{self, Array};
use brigand_data::numbers::Numbers;

/// Features with what they were made of, where the file records it.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureFile {
    /// The features.
    pub features: Features,
    /// What made them of what; a `.npy` file does not record it.
    pub origin: Option<Origin>,
}

/// Reads a feature matrix: `.npy` of shape `[n, d]`, or `.safetensors` with the array `features` of that shape, and
/// with `labels`, `[n]`, and `probabilities`, `[n, classes]`, where they are known.
///
/// # Errors
/// If the file cannot be read or holds something else.
pub fn read_features(path: &Path) -> Result<FeatureFile> {
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npy")) {
        let features = matrix(path, npy::read(path)?)?;
        return Ok(FeatureFile { features, origin: None });
    }
    if !path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("safetensors")) {
        return Err(content(path)("features are read from files ending in .npy or .safetensors"));
    }
    let (mut arrays, description) = tensor_file::read(path, "features")?;
    let Some(array) = arrays.remove("features") else {
        return Err(content(path)("it has no array of floats called `features`"));
    };
    let mut features = matrix(path, array)?;
    if let Some(Array { numbers, .. }) = arrays.remove("labels") {
        let labels = numbers.get(0..numbers.len()).iter().map(|&label| label as u32).collect();
        features = features.with_labels(labels).map_err(content(path))?;
    }
    if let Some(Array { numbers, shape }) = arrays.remove("probabilities") {
        let classes = shape.last().copied().unwrap_or(0);
        let probabilities = Probabilities::new(numbers, classes).map_err(content(path))?;
        features = features.with_probabilities(probabilities).map_err(content(path))?;
    }
    Ok(FeatureFile { features, origin: description.and_then(|description| description.origin) })
}

/// Writes a feature matrix as `.safetensors`, in the precision it has, with its labels, probabilities and origin.
///
/// # Errors
/// If the file cannot be written.
pub fn write_features(path: &Path, features: &Features, origin: &Origin) -> Result<()> {
    let mut arrays = BTreeMap::new();
    let shape = vec![features.count(), features.dimensions()];
    arrays.insert("features", Array { numbers: features.numbers().clone(), shape });
    if let Some(labels) = features.labels() {
        let numbers = Numbers::Double(labels.iter().map(|&label| f64::from(label)).collect());
        arrays.insert("labels", Array { numbers, shape: vec![features.count()] });
    }
    if let Some(probabilities) = features.probabilities() {
        let shape = vec![probabilities.count(), probabilities.classes()];
        let numbers = Numbers::Double(probabilities.values().to_vec());
        arrays.insert("probabilities", Array { numbers, shape });
    }
    let count = Some(features.count() as u64);
    tensor_file::write(path, &arrays, &Description::new("features", count, Some(origin.clone())))
}

fn matrix(path: &Path, array: Array) -> Result<Features> {
    match *array.shape {
        [_, width] => Features::new(array.numbers, width).map_err(content(path)),
        ref other => Err(content(path)(format!(
            "its array has the shape {other:?}; features have [samples, features]"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::protocol::tests::origin;
    use super::*;

    #[test]
    fn everything_survives_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        let probabilities = Probabilities::new(vec![0.25, 0.75, 1.0, 0.0], 2).unwrap();
        let features = Features::new(vec![1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0], 3).unwrap();
        let features = features.with_labels(vec![7, 0]).unwrap().with_probabilities(probabilities).unwrap();
        write_features(&path, &features, &origin(2)).unwrap();
        let found = read_features(&path).unwrap();
        assert_eq!(found, FeatureFile { features: features.clone(), origin: Some(origin(2)) });
        let first = std::fs::read(&path).unwrap();
        write_features(&path, &features, &origin(2)).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), first);
    }

    #[test]
    fn plain_arrays_are_read_and_others_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        npy::write(&path, &[1.0, 2.0, 3.0, 4.0], &[2, 2]).unwrap();
        assert_eq!(read_features(&path).unwrap().features.dimensions(), 2);
        npy::write(&path, &[1.0, 2.0], &[2]).unwrap();
        let message = read_features(&path).unwrap_err().to_string();
        assert!(message.contains("a.npy") && message.contains("the shape [2]"), "{message}");
        npy::write(&path, &[1.0, f32::NAN], &[1, 2]).unwrap();
        assert!(read_features(&path).unwrap_err().to_string().contains("feature 1 of sample 0 is NaN"));
        assert!(
            read_features(&folder.path().join("a.csv")).unwrap_err().to_string().contains(".safetensors")
        );
    }
}
