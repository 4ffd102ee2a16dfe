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

mod format;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use self::format::{
    TensorsFile, VERSION, header_bytes, hex, parse_number, parse_tensors, read_header, tensor_bytes,
};
use brigand_core::batch::Schema;
use brigand_core::state::State;
use candle_core::{DType, Device, Tensor};

use crate::files::{
    FileError, remove_if_there, remove_partial_files, step_file_name, step_files, write_atomically,
};

const TENSORS: &str = "safetensors";
const HEADER: &str = "json";

/// Why a checkpoint could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The operating system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// A tensor's shape and data disagree.
    #[error("tensor {name:?} of shape {shape:?} cannot have {values} values")]
    Tensor {
        /// The tensor's name.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// The number of its values.
        values: usize,
    },
    /// The tensors cannot be stored in one file.
    #[error("cannot lay out the tensors of {}: {reason}", path.display())]
    Layout {
        /// The file that was to hold them.
        path: PathBuf,
        /// What stands against it.
        reason: String,
    },
    /// A file is torn, changed or no checkpoint at all.
    #[error("{} is no usable checkpoint: {reason}; use another one", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A checkpoint is from a later release.
    #[error(
        "{} is a checkpoint of format version {found}, this program reads up to {VERSION}; use a newer release",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// A checkpoint is from an earlier release.
    #[error(
        "{} is a checkpoint of format version {found}, this program reads version {VERSION}; use the release that wrote \
         it, or train the run anew",
        path.display()
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// A folder has no checkpoint that can be used.
    #[error("no usable checkpoint in {}{}; start a new run", folder.display(), listed(skipped))]
    NoneUsable {
        /// The folder.
        folder: PathBuf,
        /// The files looked at, newest first, and what is wrong with each.
        skipped: Vec<(PathBuf, String)>,
    },
}

impl From<CheckpointError> for brigand_core::Error {
    fn from(error: CheckpointError) -> Self {
        Self::other(error)
    }
}

fn listed(skipped: &[(PathBuf, String)]) -> String {
    let reasons: Vec<String> = skipped
        .iter()
        .map(|(path, reason)| format!("{}: {reason}", path.file_name().unwrap_or_default().to_string_lossy()))
        .collect();
    if reasons.is_empty() { " (it has none)".to_owned() } else { format!(" ({})", reasons.join("; ")) }
}

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

/// The checkpoint with the lowest score (of equal ones the earliest), by its JSON file; `None` when no
/// whole one has a score.
///
/// # Errors
/// [`CheckpointError::File`] when the folder cannot be read.
pub fn best(folder: &Path) -> Result<Option<PathBuf>, CheckpointError> {
    Ok(lowest_score(&entries(folder)?).map(|entry| entry.header.clone()))
}

/// Removes the checkpoints after `step`, for a run that continues there from an older one.
///
/// # Errors
/// [`CheckpointError::File`] when the folder cannot be read or a file not removed.
pub fn discard_after(folder: &Path, step: u64) -> Result<(), CheckpointError> {
    for extension in [HEADER, TENSORS] {
        for (_, path) in step_files(folder, extension)?.into_iter().filter(|(at, _)| *at > step) {
            remove_if_there(&path)?;
        }
    }
    Ok(())
}

/// A checkpoint as far as its JSON file tells.
struct Entry {
    step: u64,
    header: PathBuf,
    score: Option<f64>,
}

/// The checkpoints of a folder whose JSON is sound and whose tensors have the right size, by step.
fn entries(folder: &Path) -> Result<Vec<Entry>, CheckpointError> {
    let mut entries = Vec::new();
    for (step, header) in step_files(folder, HEADER)? {
        let Ok(body) = read_header(&header) else { continue };
        let size = std::fs::metadata(header.with_extension(TENSORS)).map(|file| file.len());
        if size.is_ok_and(|bytes| bytes == body.tensors.bytes) {
            let score = body.score.as_deref().and_then(|digits| parse_number(digits).ok());
            entries.push(Entry { step, header, score });
        }
    }
    Ok(entries)
}

fn lowest_score(entries: &[Entry]) -> Option<&Entry> {
    let score = |entry: &&Entry| entry.score.filter(|score| !score.is_nan());
    entries.iter().filter(|entry| score(entry).is_some()).min_by(|a, b| {
        let (a, b) = (score(a).unwrap_or(f64::INFINITY), score(b).unwrap_or(f64::INFINITY));
        a.total_cmp(&b)
    })
}

/// Removes what the checkpoint of `saved` makes superfluous, and tensors whose JSON was never written.
/// Damaged and foreign files are left for their owner to look at.
fn prune(folder: &Path, saved: u64, keep: usize) -> Result<(), CheckpointError> {
    let entries = entries(folder)?;
    let best = lowest_score(&entries).map(|entry| entry.step);
    let old = entries.len().saturating_sub(keep);
    for entry in entries.iter().take(old) {
        if Some(entry.step) != best && entry.step != saved {
            // In this order, a kill in between leaves no JSON without its tensors.
            remove_if_there(&entry.header)?;
            remove_if_there(&entry.header.with_extension(TENSORS))?;
        }
    }
    for (_, tensors) in step_files(folder, TENSORS)? {
        if !tensors.with_extension(HEADER).exists() {
            remove_if_there(&tensors)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::partial_path;
    use proptest::prelude::*;
    use std::ffi::OsString;
    use std::fs;
    use std::sync::OnceLock;

    fn snapshot(step: u64, score: Option<f64>) -> Snapshot {
        let tensor =
            |shape: &[usize], values: &[f32]| StoredTensor { shape: shape.to_vec(), data: values.to_vec() };
        let tensors = BTreeMap::from([
            (
                "generator.0.weight".to_owned(),
                tensor(&[2, 2], &[step as f32, -0.0, f32::MIN_POSITIVE, f32::NAN]),
            ),
            ("discriminator.0.bias".to_owned(), tensor(&[], &[0.1])),
            ("nothing".to_owned(), tensor(&[0, 3], &[])),
        ]);
        let numbers = BTreeMap::from([("rate".to_owned(), 0.1 + 0.2), ("sum".to_owned(), f64::NEG_INFINITY)]);
        let counters = BTreeMap::from([("adam.step".to_owned(), u64::MAX)]);
        Snapshot {
            step,
            tensors,
            numbers,
            schema: Schema::of_samples(&[1, 8, 8], &[3.0, 4.0]),
            counters,
            score,
            recipe: "seed = 1\n[data]\nsource = \"digits\"\n".to_owned(),
        }
    }

    fn bits(snapshot: &Snapshot) -> Vec<(&String, &[usize], Vec<u32>)> {
        let bits = |tensor: &StoredTensor| tensor.data.iter().map(|value| value.to_bits()).collect();
        snapshot.tensors.iter().map(|(name, tensor)| (name, tensor.shape.as_slice(), bits(tensor))).collect()
    }

    fn steps(folder: &Path) -> Vec<u64> {
        let tensors: Vec<u64> =
            step_files(folder, TENSORS).unwrap().into_iter().map(|(step, _)| step).collect();
        let headers: Vec<u64> =
            step_files(folder, HEADER).unwrap().into_iter().map(|(step, _)| step).collect();
        assert_eq!(tensors, headers);
        headers
    }

    #[test]
    fn what_is_saved_comes_back_to_the_bit() {
        let folder = tempfile::tempdir().unwrap();
        let saved = snapshot(1000, Some(1.0 / 3.0));
        let path = save(folder.path(), &saved, 3).unwrap();
        for path in [path.clone(), path.with_extension(TENSORS)] {
            let loaded = load(&path).unwrap();
            assert_eq!(bits(&loaded), bits(&saved));
            assert_eq!((loaded.step, loaded.score, &loaded.recipe), (1000, saved.score, &saved.recipe));
            assert_eq!((loaded.numbers, loaded.counters), (saved.numbers.clone(), saved.counters.clone()));
        }
        let first = (fs::read(&path).unwrap(), fs::read(path.with_extension(TENSORS)).unwrap());
        save(folder.path(), &saved, 3).unwrap();
        assert_eq!(first, (fs::read(&path).unwrap(), fs::read(path.with_extension(TENSORS)).unwrap()));
    }

    #[test]
    fn the_newest_and_the_best_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        for (step, score) in
            [(1, Some(5.0)), (2, Some(0.5)), (3, None), (4, Some(f64::NAN)), (5, Some(0.5)), (6, None)]
        {
            save(folder.path(), &snapshot(step, score), 3).unwrap();
        }
        assert_eq!(steps(folder.path()), [2, 4, 5, 6]);
        assert_eq!(best(folder.path()).unwrap(), Some(folder.path().join("step-00000002.json")));
        save(folder.path(), &snapshot(7, Some(0.25)), 0).unwrap();
        assert_eq!(steps(folder.path()), [7]);
        assert_eq!(latest(folder.path()).unwrap().snapshot.step, 7);
    }

    #[test]
    fn a_save_behind_later_checkpoints_keeps_itself_and_they_can_be_discarded() {
        let folder = tempfile::tempdir().unwrap();
        for step in [10, 20, 30, 5] {
            save(folder.path(), &snapshot(step, None), 1).unwrap();
        }
        assert_eq!(steps(folder.path()), [5, 30]);
        discard_after(folder.path(), 5).unwrap();
        assert_eq!(steps(folder.path()), [5]);
        assert_eq!(best(folder.path()).unwrap(), None);
    }

    #[test]
    fn left_overs_of_a_killed_save_are_passed_over_and_cleaned_up() {
        let folder = tempfile::tempdir().unwrap();
        save(folder.path(), &snapshot(1, None), 3).unwrap();
        fs::write(folder.path().join(".step-00000002.json.77.partial"), "{").unwrap();
        fs::write(folder.path().join("step-00000002.safetensors"), "tensors of a save without its JSON")
            .unwrap();
        assert_eq!(latest(folder.path()).unwrap().snapshot.step, 1);
        save(folder.path(), &snapshot(3, None), 3).unwrap();
        assert_eq!(steps(folder.path()), [1, 3]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
    }

    #[test]
    fn foreign_empty_and_newer_files_have_their_own_words() {
        let folder = tempfile::tempdir().unwrap();
        let message = latest(folder.path()).unwrap_err().to_string();
        assert!(message.contains("it has none"), "{message}");
        for (content, expected) in [
            ("", "EOF"),
            ("{\"a\": 1}", "unknown field"),
            ("[]", "invalid length"),
            ("{\"format\":\"x\",\"version\":2,\"digest\":\"\",\"body\":null}", "its format is \"x\""),
            ("{\"format\":\"brigand-checkpoint\",\"version\":2,\"digest\":\"\",\"body\":null}", "its digest"),
        ] {
            let path = folder.path().join("step-00000009.json");
            fs::write(&path, content).unwrap();
            let message = load(&path).unwrap_err().to_string();
            assert!(message.contains(expected) && message.contains("step-00000009.json"), "{message}");
            let message = latest(folder.path()).unwrap_err().to_string();
            assert!(message.contains(expected) && message.contains("start a new run"), "{message}");
        }
    }

    #[test]
    fn a_newer_version_is_not_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        save(folder.path(), &snapshot(1, None), 3).unwrap();
        let newer = format::sealed(3, serde_json::json!({"anything": 1})).unwrap();
        fs::write(folder.path().join("step-00000002.json"), newer).unwrap();
        let message = latest(folder.path()).unwrap_err().to_string();
        assert!(message.contains("version 3") && message.contains("newer release"), "{message}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_leaves_earlier_checkpoints_and_no_rubbish() {
        for extension in [TENSORS, HEADER] {
            let folder = tempfile::tempdir().unwrap();
            save(folder.path(), &snapshot(1, None), 1).unwrap();
            let beside = partial_path(&folder.path().join(step_file_name(2, extension)));
            std::os::unix::fs::symlink("/dev/full", &beside).unwrap();
            let message = write_pair(folder.path(), &snapshot(2, None)).unwrap_err().to_string();
            assert!(message.contains("free some space") && message.contains(extension), "{message}");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
            assert_eq!(steps(folder.path()), [1]);
            assert_eq!(latest(folder.path()).unwrap().snapshot.step, 1);
        }
    }

    #[test]
    fn unfit_shapes_and_folders_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut unfit = snapshot(1, None);
        unfit.tensors.insert("w".to_owned(), StoredTensor { shape: vec![2, 2], data: vec![1.0; 3] });
        let message = save(folder.path(), &unfit, 3).unwrap_err().to_string();
        assert_eq!(message, "tensor \"w\" of shape [2, 2] cannot have 3 values");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let message = save(&file, &snapshot(1, None), 3).unwrap_err().to_string();
        assert!(message.contains(&file.display().to_string()), "{message}");
    }

    /// Names and bytes of the files of two whole checkpoints, of steps 1 and 2.
    fn two_checkpoints() -> &'static [(OsString, Vec<u8>)] {
        static FILES: OnceLock<Vec<(OsString, Vec<u8>)>> = OnceLock::new();
        FILES.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            save(folder.path(), &snapshot(1, None), 3).unwrap();
            save(folder.path(), &snapshot(2, Some(0.5)), 3).unwrap();
            let entries = fs::read_dir(folder.path()).unwrap().map(Result::unwrap);
            entries.map(|entry| (entry.file_name(), fs::read(entry.path()).unwrap())).collect()
        })
    }

    /// What is found among two checkpoints when `damage` has changed a file of the second.
    fn after_damage(extension: &str, damage: impl FnOnce(&mut Vec<u8>)) -> Found {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in two_checkpoints() {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        let path = folder.path().join(step_file_name(2, extension));
        let mut bytes = fs::read(&path).unwrap();
        damage(&mut bytes);
        fs::write(&path, bytes).unwrap();
        latest(folder.path()).unwrap()
    }

    #[test]
    fn every_truncation_falls_back_to_the_one_before() {
        for extension in [TENSORS, HEADER] {
            let mut cut = 0;
            loop {
                let mut whole = 0;
                let found = after_damage(extension, |bytes| {
                    whole = bytes.len();
                    bytes.truncate(cut);
                });
                if cut >= whole {
                    assert_eq!((found.snapshot.step, found.skipped.len()), (2, 0));
                    break;
                }
                assert_eq!((found.snapshot.step, found.skipped.len()), (1, 1), "{extension} cut at {cut}");
                cut += 3.min(whole - cut);
            }
        }
    }

    proptest! {
        #[test]
        fn no_flipped_byte_goes_unnoticed(tensors in any::<bool>(), place in any::<prop::sample::Index>(), flip in 1_u8..) {
            let extension = if tensors { TENSORS } else { HEADER };
            let found = after_damage(extension, |bytes| {
                let place = place.index(bytes.len());
                bytes[place] ^= flip;
            });
            // Space between the JSON's entries may change into other space: the content is the same.
            let sound = snapshot(2, Some(0.5));
            let harmless = !tensors && found.snapshot.step == 2 && found.snapshot.numbers == sound.numbers
                && found.snapshot.counters == sound.counters && found.snapshot.score == sound.score
                && found.snapshot.recipe == sound.recipe && bits(&found.snapshot) == bits(&sound);
            prop_assert!(harmless || found.snapshot.step == 1, "step {}", found.snapshot.step);
        }

        #[test]
        fn random_files_never_panic(header in proptest::collection::vec(any::<u8>(), 0..300)) {
            let found = after_damage(HEADER, |bytes| *bytes = header);
            prop_assert_eq!(found.snapshot.step, 1);
        }
    }
}
