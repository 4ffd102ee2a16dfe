//! Measurements on samples that training never uses.

use brigand_autograd::Variable;
use brigand_core::batch::{Batch, Feed};
use brigand_core::measurements::HELD_OUT_ACCURACY;
use brigand_core::objectives::count_correct;
use brigand_core::players::Turn;
use brigand_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// Samples that are measured at once.
const PORTION: usize = 500;
/// Samples that are trained on, which may be long utterances, that are read at once.
const TRAINED_PORTION: usize = 64;

/// When held-out samples are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldOutRecipe {
    /// Steps between two measurements of the held-out samples; 0 for none. What falls between two lines of the
    /// measurements is not written, so let it be a multiple of `training.report_every`.
    pub every: u64,
}

impl HeldOutRecipe {
    /// Whether the held-out samples are measured after this step.
    pub(super) fn is_due(self, turn: &mut Turn<'_>) -> bool {
        turn.is_due(self.every) && turn.feed().held_out_count() > 0
    }
}

/// Gives all held-out samples to `measure`, portion by portion.
///
/// # Errors
/// If they cannot be read, or as `measure`.
pub(super) fn for_each_portion(feed: &Feed, mut measure: impl FnMut(&Batch) -> Result<()>) -> Result<()> {
    let count = feed.held_out_count();
    for start in (0..count).step_by(PORTION) {
        measure(&feed.held_out(start..(start + PORTION).min(count))?)?;
    }
    Ok(())
}

/// Gives `of` all samples that are trained on, of the source with the field called `name`, portion by portion.
///
/// # Errors
/// If there is no such source or it cannot be read, or as `of`.
pub(super) fn for_each_trained_portion(
    feed: &Feed,
    name: &str,
    mut of: impl FnMut(&Batch) -> Result<()>,
) -> Result<()> {
    let count = feed.trained_count(name)?;
    for start in (0..count).step_by(TRAINED_PORTION) {
        of(&feed.trained(name, start..(start + TRAINED_PORTION).min(count))?)?;
    }
    Ok(())
}

/// Notes the share of the held-out samples whose row of `classify` (probabilities or logits `[n, classes]`) is largest at
/// their class.
///
/// # Errors
/// If the data has no labels.
pub(super) fn note_accuracy(
    turn: &mut Turn<'_>,
    mut classify: impl FnMut(&Batch) -> Result<Variable>,
) -> Result<()> {
    let feed = turn.feed();
    let (mut correct, count) = (0, feed.held_out_count());
    for_each_portion(feed, |batch| {
        let labels = batch.required_labels()?;
        correct += count_correct(&classify(batch)?.to_vec_f32()?, labels);
        Ok(())
    })?;
    turn.report.note_number(HELD_OUT_ACCURACY, correct as f64 / count.max(1) as f64);
    Ok(())
}

/// Refuses to give `count` labels where the classes have less samples, `class_counts`.
///
/// # Errors
/// [`Error::Recipe`], saying how many there are.
pub(super) fn check_labelled(count: usize, class_counts: &[f64]) -> Result<()> {
    let samples = class_counts.iter().sum::<f64>();
    if count as f64 > samples {
        return Err(Error::Recipe(format!(
            "labels.count is {count}, and the data has {samples} samples; give at most that"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_the_data_does_not_have_are_refused() {
        assert!(check_labelled(5, &[2.0, 3.0]).is_ok());
        assert!(check_labelled(6, &[2.0, 3.0]).unwrap_err().to_string().contains("has 5 samples"));
    }
}
