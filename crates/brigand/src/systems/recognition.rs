//! How well samples are recognised.

use brigand_autograd::Variable;
use candle_core::Device;

use super::feed::{Feed, RealBatch};
use crate::error::{Error, Result};

/// Name of the share of the held-out samples that are recognised.
pub const HELD_OUT_ACCURACY: &str = "held_out_accuracy";
/// Held-out samples judged at once.
const PORTION: usize = 500;

/// The classes of a batch.
///
/// # Errors
/// If the data has none.
pub fn labels(batch: &RealBatch) -> Result<&[u32]> {
    batch.labels.as_deref().ok_or_else(no_labels)
}

pub(super) fn no_labels() -> Error {
    Error::Request(
        "this system needs labelled data; use digits, mnist, idx:IMAGES,LABELS or a folder with a sub-folder for \
         each class"
            .into(),
    )
}

/// How many rows of `logits` `[n, classes]` are largest at their label.
pub fn recognised(logits: &Variable, labels: &[u32]) -> Result<usize> {
    let (values, classes) = (logits.to_vec_f32()?, logits.elements() / labels.len().max(1));
    let rows = values.chunks_exact(classes.max(1)).zip(labels);
    Ok(rows.filter(|(row, label)| largest(row) == **label as usize).count())
}

/// The place of the first largest number of a row.
pub fn largest(row: &[f32]) -> usize {
    let better = |best: (usize, f32), next: (usize, &f32)| {
        if *next.1 > best.1 { (next.0, *next.1) } else { best }
    };
    row.iter().enumerate().fold((usize::MAX, f32::NEG_INFINITY), better).0
}

/// The share of the held-out samples whose class `judge` (samples to logits `[n, classes]`) names.
///
/// # Errors
/// If the data has no labels.
pub fn held_out_accuracy(
    feed: &Feed,
    device: &Device,
    mut judge: impl FnMut(&Variable) -> Result<Variable>,
) -> Result<f64> {
    let mut right = 0;
    look_at_held_out(feed, device, |batch| {
        right += recognised(&judge(&batch.samples)?, labels(batch)?)?;
        Ok(())
    })?;
    Ok(right as f64 / feed.held_out_count().max(1) as f64)
}

/// Shows all held-out samples on `device`, portion by portion.
pub(super) fn look_at_held_out(
    feed: &Feed,
    device: &Device,
    mut look: impl FnMut(&RealBatch) -> Result<()>,
) -> Result<()> {
    let count = feed.held_out_count();
    for start in (0..count).step_by(PORTION) {
        let mut batch = feed.held_out(start..(start + PORTION).min(count))?;
        batch.samples = Variable::constant(batch.samples.tensor().to_device(device)?);
        look(&batch)?;
    }
    Ok(())
}
