//! How well labels of held-out images are found.

use brigand_autograd::Variable;
use brigand_core::batch::TAGS;
use brigand_core::capability::{Tagger, UNMEASURED_THRESHOLD};
use brigand_core::modules::Part;
use brigand_core::players::Turn;
use brigand_core::state::State;
use brigand_core::{Error, Result};

use super::super::held_out::for_each_portion;
use super::ImageToLabel;
use crate::evaluation::{MultiLabelScores, best_threshold, broken_rules};

/// Name of the F1 over all held-out samples and labels.
pub const MICRO_F1: &str = "micro_f1";
/// Name of the mean of the labels' F1.
pub const MACRO_F1: &str = "macro_f1";
/// Name of the mean of the held-out samples' F1.
pub const EXAMPLE_F1: &str = "example_f1";
/// Name of the share of found labels that hold.
pub const PRECISION: &str = "precision";
/// Name of the share of holding labels that are found.
pub const RECALL: &str = "recall";
/// Name of how many of the data's rules between labels the found labels of a sample break, a mean over held-out samples.
pub const RULE_VIOLATIONS: &str = "rule_violations";
/// Name of the probability from which labels count as found.
pub const THRESHOLD: &str = "threshold";

/// The probability from which labels count as found, if it was measured.
#[derive(Default)]
pub(super) struct Threshold(pub(super) Option<f64>);

impl Threshold {
    /// The measured one, or what counts without.
    pub(super) fn counting(&self) -> f64 {
        self.0.unwrap_or(UNMEASURED_THRESHOLD)
    }
}

impl Part for Threshold {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        // No number stands for none.
        state.count(format!("{name}.bits"), self.0.unwrap_or(f64::NAN).to_bits());
        Ok(())
    }

    fn restore(&mut self, name: &str, state: &mut State) -> Result<()> {
        let found = f64::from_bits(state.counter(&format!("{name}.bits"))?);
        if found.is_nan() {
            self.0 = None;
            return Ok(());
        }
        if !(0.0..=1.0).contains(&found) {
            return Err(Error::State(format!(
                "the checkpoint's `{name}` is {found}, which is no probability"
            )));
        }
        self.0 = Some(found);
        Ok(())
    }
}

/// Which of some numbers are at least `threshold`.
pub(super) fn holding(values: &Variable, threshold: f64) -> Result<Vec<bool>> {
    Ok(values.to_vec_f32()?.into_iter().map(|value| f64::from(value) >= threshold).collect())
}

impl ImageToLabel {
    /// Chooses the threshold on every second held-out image, and notes the scores on the others.
    pub(super) fn note_held_out(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let labels = self.names.len();
        // Probabilities and what holds: of the images that the threshold is chosen on, then of the others.
        let (mut found, mut hold) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
        let mut number = 0;
        for_each_portion(turn.feed(), |batch| {
            let (probabilities, tags) = (self.probabilities(batch)?.to_vec_f32()?, batch.numbers(TAGS)?);
            let tags = holding(tags, 0.5)?;
            for (own, tags) in probabilities.chunks(labels).zip(tags.chunks(labels)) {
                found[number % 2].extend_from_slice(own);
                hold[number % 2].extend_from_slice(tags);
                number += 1;
            }
            Ok(())
        })?;
        let ([chosen_on, measured], [chosen_hold, hold]) = (found, hold);
        if measured.is_empty() {
            return Ok(());
        }
        if let Some(threshold) = best_threshold(&chosen_on, &chosen_hold)? {
            self.threshold.0 = Some(threshold);
        }
        let threshold = self.threshold.counting();
        let found: Vec<bool> = measured.iter().map(|&value| f64::from(value) >= threshold).collect();
        let scores = MultiLabelScores::of(&found, &hold, labels)?;
        for (name, value) in [
            (MICRO_F1, scores.micro_f1),
            (MACRO_F1, scores.macro_f1),
            (EXAMPLE_F1, scores.example_f1),
            (PRECISION, scores.precision),
            (RECALL, scores.recall),
            (RULE_VIOLATIONS, broken_rules(&found, labels, &self.rules)?),
            (THRESHOLD, threshold),
        ] {
            turn.report.note_number(name, value);
        }
        Ok(())
    }
}
