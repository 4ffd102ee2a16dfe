//! The content of a checkpoint's two files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use brigand_core::batch::Schema;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{CheckpointError, HEADER, Snapshot, StoredTensor};
use crate::files::{FileError, step_file_name};

const FORMAT: &str = "brigand-checkpoint";
/// The format version that is written and read.
pub(super) const VERSION: u64 = 2;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    format: String,
    version: u64,
    digest: String,
    body: serde_json::Value,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    pub(super) step: u64,
    pub(super) score: Option<String>,
    pub(super) numbers: BTreeMap<String, String>,
    pub(super) schema: Schema,
    pub(super) counters: BTreeMap<String, u64>,
    pub(super) recipe: String,
    pub(super) tensors: TensorsFile,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TensorsFile {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

pub(super) fn tensor_bytes(snapshot: &Snapshot, path: &Path) -> Result<Vec<u8>, CheckpointError> {
    let mut stored = BTreeMap::new();
    for (name, tensor) in &snapshot.tensors {
        let count = tensor.shape.iter().try_fold(1_usize, |product, &side| product.checked_mul(side));
        if count != Some(tensor.data.len()) {
            let (shape, values) = (tensor.shape.clone(), tensor.data.len());
            return Err(CheckpointError::Tensor { name: name.clone(), shape, values });
        }
        let bytes: Vec<u8> = tensor.data.iter().flat_map(|value| value.to_le_bytes()).collect();
        stored.insert(name, (tensor.shape.clone(), bytes));
    }
    let failed = |reason: safetensors::SafeTensorError| CheckpointError::Layout {
        path: path.to_owned(),
        reason: reason.to_string(),
    };
    let mut views = Vec::with_capacity(stored.len());
    for (name, (shape, bytes)) in &stored {
        views.push((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(failed)?));
    }
    safetensors::serialize(views, None).map_err(failed)
}

pub(super) fn parse_tensors(bytes: &[u8]) -> Result<BTreeMap<String, StoredTensor>, String> {
    let parsed = SafeTensors::deserialize(bytes).map_err(|reason| reason.to_string())?;
    let mut tensors = BTreeMap::new();
    for (name, view) in parsed.iter() {
        if view.dtype() != Dtype::F32 {
            return Err(format!("tensor {name:?} is of type {:?}, not F32", view.dtype()));
        }
        let (words, _) = view.data().as_chunks::<4>();
        let data = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
        tensors.insert(name.to_owned(), StoredTensor { shape: view.shape().to_vec(), data });
    }
    Ok(tensors)
}

pub(super) fn header_bytes(snapshot: &Snapshot, tensors: TensorsFile) -> Result<Vec<u8>, CheckpointError> {
    let body = Body {
        step: snapshot.step,
        score: snapshot.score.map(digits),
        numbers: snapshot.numbers.iter().map(|(name, value)| (name.clone(), digits(*value))).collect(),
        schema: snapshot.schema.clone(),
        counters: snapshot.counters.clone(),
        recipe: snapshot.recipe.clone(),
        tensors,
    };
    serde_json::to_value(body).and_then(|body| sealed(VERSION, body)).map_err(|reason| {
        CheckpointError::Layout {
            path: PathBuf::from(step_file_name(snapshot.step, HEADER)),
            reason: reason.to_string(),
        }
    })
}

/// The bytes of a JSON file of this version around `body`.
pub(super) fn sealed(version: u64, body: serde_json::Value) -> Result<Vec<u8>, serde_json::Error> {
    let digest = digest(version, &body)?;
    serde_json::to_vec_pretty(&Envelope { format: FORMAT.to_owned(), version, digest, body })
}

pub(super) fn read_header(path: &Path) -> Result<Body, CheckpointError> {
    let bytes = std::fs::read(path).map_err(FileError::when("read", path))?;
    let damaged = |reason: String| CheckpointError::Damaged { path: path.to_owned(), reason };
    let envelope: Envelope = serde_json::from_slice(&bytes).map_err(|reason| damaged(reason.to_string()))?;
    if envelope.format != FORMAT {
        return Err(damaged(format!("its format is {:?}, not {FORMAT:?}", envelope.format)));
    }
    let expected = digest(envelope.version, &envelope.body).map_err(|reason| damaged(reason.to_string()))?;
    if envelope.digest != expected {
        return Err(damaged("its content does not fit its digest".to_owned()));
    }
    if envelope.version > VERSION {
        return Err(CheckpointError::Newer { path: path.to_owned(), found: envelope.version });
    }
    if envelope.version < VERSION {
        return Err(CheckpointError::Older { path: path.to_owned(), found: envelope.version });
    }
    serde_json::from_value(envelope.body).map_err(|reason| damaged(reason.to_string()))
}

fn digest(version: u64, body: &serde_json::Value) -> Result<String, serde_json::Error> {
    Ok(hex(&serde_json::to_vec(&(version, body))?))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn digits(value: f64) -> String {
    format!("{value:?}")
}

pub(super) fn parse_number(digits: &str) -> Result<f64, String> {
    digits.parse().map_err(|_| format!("{digits:?} is no number"))
}
