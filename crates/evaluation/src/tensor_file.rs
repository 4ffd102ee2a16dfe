//! Named arrays with a description, as `.safetensors` files.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};

use super::error::{EvaluationError, Result};
use super::protocol::Origin;
use brigand_data::files::{FileError, write_atomically};
use brigand_data::npy::Array;
use brigand_data::numbers::Numbers;

/// The entry of the file's metadata that holds the description.
const ENTRY: &str = "brigand";
/// The format version written, and the highest one read.
const VERSION: u64 = 1;

/// The metadata of a file's arrays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Description {
    version: u64,
    /// `"features"` or `"moments"`.
    kind: String,
    /// How many samples, for moments.
    pub(crate) count: Option<u64>,
    /// What was measured with what.
    pub(crate) origin: Option<Origin>,
}

impl Description {
    pub(crate) fn new(kind: &str, count: Option<u64>, origin: Option<Origin>) -> Self {
        Self { version: VERSION, kind: kind.to_owned(), count, origin }
    }
}

/// For `map_err`: what is wrong with the content of `path`.
pub(crate) fn content<E: ToString>(path: &Path) -> impl Fn(E) -> EvaluationError + '_ {
    move |reason| EvaluationError::Content { path: path.to_owned(), reason: reason.to_string() }
}

/// Writes arrays, in order of their names.
pub(crate) fn write(path: &Path, arrays: &BTreeMap<&str, Array>, description: &Description) -> Result<()> {
    let bytes: Vec<(&str, Dtype, &[usize], Vec<u8>)> = arrays
        .iter()
        .map(|(name, array)| {
            let (kind, bytes) = match &array.numbers {
                Numbers::Single(values) => {
                    (Dtype::F32, values.iter().flat_map(|v| v.to_le_bytes()).collect())
                }
                Numbers::Double(values) => {
                    (Dtype::F64, values.iter().flat_map(|v| v.to_le_bytes()).collect())
                }
            };
            (*name, kind, &*array.shape, bytes)
        })
        .collect();
    let views: Vec<(&str, TensorView<'_>)> = bytes
        .iter()
        .map(|(name, kind, shape, bytes)| Ok((*name, TensorView::new(*kind, shape.to_vec(), bytes)?)))
        .collect::<std::result::Result<_, safetensors::SafeTensorError>>()
        .map_err(content(path))?;
    let text = serde_json::to_string(description).map_err(content(path))?;
    // One entry, so that the order of a hash map cannot show.
    let metadata = HashMap::from([(ENTRY.to_owned(), text)]);
    let file = safetensors::serialize(views, Some(metadata)).map_err(content(path))?;
    Ok(write_atomically(path, &file)?)
}

/// The description in `text`, which must be of `kind`; or what is wrong with it.
pub(crate) fn understand(text: &str, kind: &str) -> std::result::Result<Description, String> {
    let found: Description = serde_json::from_str(text)
        .map_err(|reason| format!("its description is of another version of this program ({reason})"))?;
    if found.version > VERSION || found.kind != kind {
        return Err(format!(
            "it holds {} of format version {}, not {kind} of version {VERSION}",
            found.kind, found.version
        ));
    }
    Ok(found)
}

/// Reads all arrays of floats, and the description if the file is one of ours; it must then be of `kind`.
pub(crate) fn read(path: &Path, kind: &str) -> Result<(BTreeMap<String, Array>, Option<Description>)> {
    let file = std::fs::read(path).map_err(FileError::when("read", path))?;
    let tensors = SafeTensors::deserialize(&file).map_err(content(path))?;
    let (_, metadata) = SafeTensors::read_metadata(&file).map_err(content(path))?;
    let text = metadata.metadata().as_ref().and_then(|entries| entries.get(ENTRY));
    let description = text.map(|text| understand(text, kind)).transpose().map_err(content(path))?;
    let mut arrays = BTreeMap::new();
    for (name, view) in tensors.iter() {
        let numbers = match view.dtype() {
            Dtype::F32 => {
                let (words, _) = view.data().as_chunks::<4>();
                Numbers::Single(words.iter().map(|word| f32::from_le_bytes(*word)).collect())
            }
            Dtype::F64 => {
                let (words, _) = view.data().as_chunks::<8>();
                Numbers::Double(words.iter().map(|word| f64::from_le_bytes(*word)).collect())
            }
            _ => continue,
        };
        arrays.insert(name.to_owned(), Array { numbers, shape: view.shape().to_vec() });
    }
    Ok((arrays, description))
}
