//! How well codes stand for samples that training never uses.

use brigand_core::Result;
use brigand_core::batch::{Batch, SampleKind};
use brigand_core::capability::{Encoder, Sampler};
use brigand_core::players::Turn;

use crate::evaluation::{Features, nearest};

/// Name of the mean squared error of reconstructions; images count from 0 to 1.
const SQUARED_ERROR: &str = "held_out_squared_error";
/// Name of the share of samples whose nearest code among training samples is of their class.
const NEAREST_NEIGHBOUR_ACCURACY: &str = "held_out_nearest_neighbour_accuracy";

/// Samples whose nearest codes are looked for, at most.
const QUERIES: usize = 1000;
/// Training samples among which they are looked for, at most.
const REFERENCES: usize = 5000;

/// Notes [`SQUARED_ERROR`], and [`NEAREST_NEIGHBOUR_ACCURACY`] where the data has classes.
pub(super) fn note_code_quality(
    (sampler, encoder): (&dyn Sampler, &dyn Encoder),
    turn: &mut Turn<'_>,
) -> Result<()> {
    let feed = turn.feed();
    let held_out = feed.held_out(0..QUERIES.min(feed.held_out_count()))?;
    let batches = (REFERENCES.min(feed.count()) / feed.batch_size().max(1)).max(1);
    let known: Vec<Batch> = (0..batches as u64).map(|number| feed.batch(number)).collect::<Result<_>>()?;
    let error = squared_error((sampler, encoder), &held_out)?;
    let (queries, references) = (codes(encoder, &[held_out])?, codes(encoder, &known)?);
    let accuracy = nearest_class_accuracy(&queries, &references)?;
    turn.report.note_number(SQUARED_ERROR, error);
    if let Some(accuracy) = accuracy {
        turn.report.note_number(NEAREST_NEIGHBOUR_ACCURACY, accuracy);
    }
    Ok(())
}

fn squared_error((sampler, encoder): (&dyn Sampler, &dyn Encoder), batch: &Batch) -> Result<f64> {
    let reconstructions = sampler.generate(&encoder.encode(batch)?)?;
    let error = reconstructions.sub(batch.samples()?)?.square()?.mean_all()?.scalar()?;
    Ok(match sampler.sample_shape().kind() {
        SampleKind::Image => error / 4.0,
        SampleKind::Points => error,
    })
}

/// The codes of all batches, with their classes.
fn codes(encoder: &dyn Encoder, batches: &[Batch]) -> Result<Features> {
    let (mut values, mut labels, mut size) = (Vec::new(), Some(Vec::new()), 0);
    for batch in batches {
        let codes = encoder.encode(batch)?;
        size = codes.shape().get(1).copied().unwrap_or(0);
        values.extend(codes.to_vec_f32()?);
        labels = labels.zip(batch.labels()).map(|(all, more)| [all.as_slice(), more].concat());
    }
    let features = Features::new(values, size)?;
    Ok(match labels {
        Some(labels) => features.with_labels(labels)?,
        None => features,
    })
}

/// The share of `queries` whose nearest one among `references` is of their class; `None` without classes.
///
/// # Errors
/// If the codes differ in size.
fn nearest_class_accuracy(queries: &Features, references: &Features) -> Result<Option<f64>> {
    let (Some(classes), Some(known)) = (queries.labels(), references.labels()) else { return Ok(None) };
    let found = nearest(queries, references)?;
    let equal =
        found.iter().zip(classes).filter(|((place, _), class)| known.get(*place) == Some(class)).count();
    Ok(Some(equal as f64 / classes.len().max(1) as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_code_decides_the_class() {
        let features = |values: &[f32], labels: &[u32]| {
            Features::new(values.to_vec(), 1).unwrap().with_labels(labels.to_vec()).unwrap()
        };
        let references = features(&[0.0, 1.0, 5.0], &[0, 1, 2]);
        let queries = features(&[0.4, 0.6, 4.0, 9.0], &[0, 1, 1, 2]);
        assert_eq!(nearest_class_accuracy(&queries, &references).unwrap(), Some(0.75));
        let unlabelled = Features::new(vec![0.0], 1).unwrap();
        assert_eq!(nearest_class_accuracy(&unlabelled, &references).unwrap(), None);
    }
}
