//! How well codes stand for samples that were kept from training.

use brigand_autograd::Variable;

use super::super::feed::{Feed, RealBatch};
use super::super::neighbours::nearest_class_accuracy;
use super::super::{Report, System};
use crate::error::Result;
use crate::evaluation::Features;
use crate::networks::SampleKind;

/// Name of the mean squared error of reconstructions; images count from 0 to 1.
pub(super) const ERROR: &str = "held-out squared error";
/// Name of the share of samples whose nearest code among training samples is of their class.
pub(super) const NEAREST: &str = "held-out 1-NN accuracy";

/// Held-out samples encoded at once.
pub(super) const PORTION: usize = 500;
/// Samples whose nearest codes are looked for, at most.
const QUERIES: usize = 1000;
/// Training samples among which they are looked for, at most.
const REFERENCES: usize = 5000;

/// [`ERROR`], and [`NEAREST`] where the data has classes.
pub(super) fn judge(system: &dyn System, feed: &mut Feed) -> Result<Report> {
    let held_out = feed.held_out(0..QUERIES.min(feed.held_out_count()))?;
    let mut report = Report::from([(ERROR.to_owned(), squared_error(system, &held_out)?)]);
    let batches = (REFERENCES.min(feed.dataset().len()) / feed.batch_size()).max(1);
    let known: Vec<RealBatch> = (0..batches as u64).map(|draw| feed.batch(draw)).collect::<Result<_>>()?;
    let (queries, references) = (codes(system, &[held_out])?, codes(system, &known)?);
    if let Some(share) = nearest_class_accuracy(&queries, &references)? {
        report.insert(NEAREST.to_owned(), share);
    }
    Ok(report)
}

fn squared_error(system: &dyn System, batch: &RealBatch) -> Result<f64> {
    let Some(made) = system.reconstruct(&batch.samples, batch.labels.as_deref())? else { return Ok(0.0) };
    let error = made.sub(&batch.samples)?.square()?.mean_all()?.scalar()?;
    Ok(match system.sample_shape().kind() {
        SampleKind::Image => error / 4.0,
        SampleKind::Points => error,
    })
}

/// The codes of all batches, with their classes.
fn codes(system: &dyn System, batches: &[RealBatch]) -> Result<Features> {
    let mut values = Vec::new();
    let mut labels = Some(Vec::new());
    let mut width = 0;
    for batch in batches {
        let Some(codes) = system.encode(&batch.samples, batch.labels.as_deref())? else { continue };
        width = codes.elements() / codes.shape()[0].max(1);
        values.extend(codes.to_vec_f32()?);
        labels = labels.zip(batch.labels.as_deref()).map(|(all, more)| [all.as_slice(), more].concat());
    }
    let features = Features::new(values, width)?;
    Ok(match labels {
        Some(labels) => features.with_labels(labels)?,
        None => features,
    })
}

/// The mean of `loss` over all held-out samples.
pub(super) fn mean_loss(feed: &Feed, mut loss: impl FnMut(&Variable) -> Result<f64>) -> Result<f64> {
    let count = feed.held_out_count();
    let mut sum = 0.0;
    for start in (0..count).step_by(PORTION) {
        let end = (start + PORTION).min(count);
        sum += loss(&feed.held_out(start..end)?.samples)? * (end - start) as f64;
    }
    Ok(sum / count.max(1) as f64)
}
