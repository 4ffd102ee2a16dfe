//! Checkpoints: all a run needs to go on as if it had never stopped.
//!
//! A checkpoint is a pair of files, `step-00001000.safetensors` with the tensors and
//! `step-00001000.json` with the rest and the tensors' SHA-256. Both are written beside, synced and
//! renamed, the JSON last: it exists only when the tensors are whole. The JSON's `digest` is the SHA-256
//! of its version and body in compact form, so that damage to either file is noticed.
//!
//! ```json
//! {"format": "brigand-checkpoint", "version": 2, "digest": "...", "body": {
//!   "step": 1000, "score": "0.25", "numbers": {"...": "0.1"}, "counters": {"...": 3}, "schema": {"...": "..."},
//!   "recipe": "...", "tensors": {"bytes": 4096, "sha256": "..."}}}
//! ```
//!
//! Numbers are strings of the shortest digits that give back the same 64 bits (any NaN is `NaN`).

mod error;
mod format;
mod retention;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use brigand_core::batch::Schema;
use brigand_core::state::State;
use candle_core::{DType, Device, Tensor};

pub use self::error::CheckpointError;
use self::format::{TensorsFile, header_bytes, hex, parse_number, parse_tensors, read_header, tensor_bytes};
use self::retention::prune;
pub use self::retention::{best, discard_after};
use crate::files::{
    FileError, remove_if_there, remove_partial_files, step_file_name, step_files, write_atomically,
};

const TENSORS: &str = "safetensors";
const HEADER: &str = "json";

/// A tensor of 32-bit floats, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredTensor {
    /// Its shape; empty for a scalar.
    pub shape: Vec<usize>,
    /// Its values, the last index running fastest.
    pub data: Vec<f32>,
}

/// The state of a run after a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The last step taken.
    pub step: u64,
    /// Parameters, running statistics and optimizer moments by path. Their bits are kept.
    pub tensors: BTreeMap<String, StoredTensor>,
    /// Other state in numbers; their bits are kept, but for a NaN's.
    pub numbers: BTreeMap<String, f64>,
    /// The fields of the data, so that the system can be built without it.
    pub schema: Schema,
    /// Other state in counts.
    pub counters: BTreeMap<String, u64>,
    /// How good the run was at this step, lower is better, when it was evaluated.
    pub score: Option<f64>,
    /// The resolved recipe, as TOML.
    pub recipe: String,
}

impl Snapshot {
    /// The tensors and counters of `state`, without step, schema and recipe.
    pub fn of(state: &State) -> crate::Result<Self> {
        let stored = state.tensors.iter().map(|(name, tensor)| {
            let data = tensor.flatten_all()?.to_dtype(DType::F32)?.to_vec1::<f32>()?;
            Ok((name.clone(), StoredTensor { shape: tensor.dims().to_vec(), data }))
        });
        let tensors = stored.collect::<candle_core::Result<_>>()?;
        Ok(Self { tensors, counters: state.counters.clone(), ..Self::default() })
    }

    /// The bytes of the file of its tensors.
    pub(super) fn laid_out(&self) -> Result<Vec<u8>, CheckpointError> {
        tensor_bytes(self, Path::new(&step_file_name(self.step, TENSORS)))
    }

    /// What a system is restored from.
    pub fn into_state(self) -> crate::Result<State> {
        let mut state = State::default();
        for (name, StoredTensor { shape, data }) in self.tensors {
            state.put(name, &Tensor::from_vec(data, shape, &Device::Cpu)?)?;
        }
        self.counters.into_iter().for_each(|(name, value)| state.count(name, value));
        Ok(state)
    }
}

/// The newest usable checkpoint of a folder.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its JSON file.
    pub path: PathBuf,
    /// What it holds.
    pub snapshot: Snapshot,
    /// Newer ones that cannot be used, newest first, and what is wrong with each: worth a warning.
    pub skipped: Vec<(PathBuf, String)>,
}

/// Writes a checkpoint into `folder` and then removes all but the newest `keep` (at least one) and the
/// one with the lowest score. Returns the path of its JSON file. On an error earlier checkpoints are as
/// they were, and nothing half-written stays.
///
/// # Errors
/// [`CheckpointError::Tensor`] for a tensor whose shape does not fit its data, [`CheckpointError::File`]
/// when the folder is missing, read-only or the disk is full.
pub fn save(folder: &Path, snapshot: &Snapshot, keep: usize) -> Result<PathBuf, CheckpointError> {
    remove_partial_files(folder)?;
    let path = write_pair(folder, snapshot)?;
    prune(folder, snapshot.step, keep.max(1))?;
    Ok(path)
}

fn write_pair(folder: &Path, snapshot: &Snapshot) -> Result<PathBuf, CheckpointError> {
    let tensors_path = folder.join(step_file_name(snapshot.step, TENSORS));
    let header_path = tensors_path.with_extension(HEADER);
    let tensors = tensor_bytes(snapshot, &tensors_path)?;
    let file = TensorsFile { bytes: tensors.len() as u64, sha256: hex(&tensors) };
    let header = header_bytes(snapshot, file)?;
    // A resumed run that reaches a step again makes the same tensors: the pair stays whole meanwhile.
    if std::fs::read(&tensors_path).ok().as_deref() != Some(tensors.as_slice()) {
        write_atomically(&tensors_path, &tensors)?;
    }
    if let Err(reason) = write_atomically(&header_path, &header) {
        if !header_path.exists() {
            // Its room may be what the disk lacks; the first error is the one worth telling.
            let _ = remove_if_there(&tensors_path);
        }
        return Err(reason.into());
    }
    Ok(header_path)
}

/// Reads a checkpoint, given either file of its pair, and verifies it to the last bit.
///
/// # Errors
/// [`CheckpointError::File`] when a file of the pair cannot be read, [`CheckpointError::Damaged`] when
/// it is torn, changed or foreign, [`CheckpointError::Newer`] when it is of a later format version.
pub fn load(path: &Path) -> Result<Snapshot, CheckpointError> {
    let header_path = path.with_extension(HEADER);
    let body = read_header(&header_path)?;
    let tensors_path = path.with_extension(TENSORS);
    let bytes = std::fs::read(&tensors_path).map_err(FileError::when("read", &tensors_path))?;
    if bytes.len() as u64 != body.tensors.bytes {
        let reason = format!("it has {} bytes instead of {}", bytes.len(), body.tensors.bytes);
        return Err(CheckpointError::Damaged { path: tensors_path, reason });
    }
    if hex(&bytes) != body.tensors.sha256 {
        let reason = "its SHA-256 differs from the recorded one".to_owned();
        return Err(CheckpointError::Damaged { path: tensors_path, reason });
    }
    let tensors =
        parse_tensors(&bytes).map_err(|reason| CheckpointError::Damaged { path: tensors_path, reason })?;
    let damaged = |reason: String| CheckpointError::Damaged { path: header_path.clone(), reason };
    let numbers = body.numbers.into_iter().map(|(name, digits)| Ok((name, parse_number(&digits)?)));
    Ok(Snapshot {
        step: body.step,
        tensors,
        numbers: numbers.collect::<Result<_, String>>().map_err(damaged)?,
        schema: body.schema,
        counters: body.counters,
        score: body.score.as_deref().map(parse_number).transpose().map_err(damaged)?,
        recipe: body.recipe,
    })
}

/// Reads the newest checkpoint of `folder` that is whole, passing over damaged and foreign ones.
///
/// # Errors
/// [`CheckpointError::NoneUsable`] when there is none, with what is wrong with each;
/// [`CheckpointError::Newer`] when a whole one of a later format version comes first: to go on from an
/// older one would throw its progress away.
pub fn latest(folder: &Path) -> Result<Found, CheckpointError> {
    let mut skipped = Vec::new();
    for (_, path) in step_files(folder, HEADER)?.into_iter().rev() {
        match load(&path) {
            Ok(snapshot) => return Ok(Found { path, snapshot, skipped }),
            Err(other @ (CheckpointError::Newer { .. } | CheckpointError::Older { .. })) => {
                return Err(other);
            }
            Err(CheckpointError::Damaged { path, reason }) => skipped.push((path, reason)),
            Err(CheckpointError::File(error)) => skipped.push((error.path, error.reason.to_string())),
            Err(other) => skipped.push((path, other.to_string())),
        }
    }
    Err(CheckpointError::NoneUsable { folder: folder.to_owned(), skipped })
}

#[cfg(test)]
mod tests;
