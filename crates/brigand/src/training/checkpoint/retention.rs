//! Which checkpoints of a folder are kept: the newest ones and the best.

use std::path::{Path, PathBuf};

use super::format::{parse_number, read_header};
use super::{CheckpointError, HEADER, TENSORS};
use crate::files::{remove_if_there, step_files};

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
pub(super) fn prune(folder: &Path, saved: u64, keep: usize) -> Result<(), CheckpointError> {
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
