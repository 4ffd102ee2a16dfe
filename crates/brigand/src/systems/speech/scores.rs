//! Error rates on held-out utterances, and what can be measured without references.

use brigand_core::Result;
use brigand_core::objectives::largest;
use brigand_core::players::Turn;

use super::super::held_out::for_each_portion;
use super::monophones::Monophones;
use super::segments::{Segment, Utterance, without_repeats};
use super::{Speech, phones_of};
use crate::evaluation::Edits;

/// Edits of the GAN's transcripts for a phoneme of the references.
const PHONE_ERRORS: &str = "phone_error_rate";
/// The share of frames to which the GAN gives another phoneme than the references.
const FRAME_ERRORS: &str = "frame_error_rate";
/// The same of the hidden Markov models' transcripts and frames.
pub(super) const OF_MODELS: [&str; 2] = ["hmm_phone_error_rate", "hmm_frame_error_rate"];
/// The same of models of the true phonemes of the utterances that are trained on.
pub(super) const SUPERVISED: [&str; 2] = ["supervised_phone_error_rate", "supervised_frame_error_rate"];
/// How unlikely the GAN's phonemes are as text, each segment with its most probable phoneme: nats of a phoneme under the language
/// model, and the divergence of how often phonemes are used. Needs no reference: of several seeds the one with the least is best.
const UNLIKELINESS: &str = "unlikeliness";
/// The same as text for the true phonemes, where they are known.
const UNLIKELINESS_OF_REFERENCES: &str = "unlikeliness_of_references";

/// Sums over utterances.
#[derive(Default)]
struct Errors {
    edits: Edits,
    wrong: usize,
    frames: usize,
}

impl Errors {
    fn count(&mut self, utterance: &Utterance, found: &[Segment]) {
        let (Some(phones), Some(reference)) = (&utterance.phones, utterance.reference()) else { return };
        self.edits = self.edits + Edits::between(&reference, &without_repeats(phones_of(found).into_iter()));
        let mut segments = found.iter().peekable();
        for (frame, phone) in phones.iter().enumerate() {
            while segments.peek().is_some_and(|segment| segment.end <= frame) {
                segments.next();
            }
            self.wrong += usize::from(segments.peek().is_none_or(|segment| segment.phone != *phone));
        }
        self.frames += phones.len();
    }

    fn note(&self, turn: &mut Turn<'_>, [phones, frames]: [&str; 2]) {
        if self.frames > 0 {
            turn.report.note_number(phones, self.edits.rate());
            turn.report.note_number(frames, self.wrong as f64 / self.frames as f64);
        }
    }
}

impl Speech {
    /// Notes how well the generator and the language model transcribe held-out utterances.
    pub(super) fn note_scores_of_gan(&self, turn: &mut Turn<'_>) -> Result<()> {
        let (mut errors, mut likely, mut references) = (Errors::default(), Vec::new(), Vec::new());
        for_each_portion(turn.feed(), |batch| {
            for utterance in Utterance::of_batch(batch)? {
                errors.count(&utterance, &self.decoded(&utterance)?);
                let ends = self.ends(&utterance);
                let scores = self.log_probabilities(&utterance, &ends)?;
                let rows = scores.chunks_exact(self.phones().max(1));
                likely.push(without_repeats(rows.map(|row| largest(row) as u32)));
                references.extend(utterance.reference());
            }
            Ok(())
        })?;
        errors.note(turn, [PHONE_ERRORS, FRAME_ERRORS]);
        let language = self.language()?;
        let unlikeliness =
            |lines: &[Vec<u32>]| language.cross_entropy(lines) + language.usage_divergence(lines);
        if !likely.is_empty() {
            turn.report.note_number(UNLIKELINESS, unlikeliness(&likely));
        }
        if !references.is_empty() {
            turn.report.note_number(UNLIKELINESS_OF_REFERENCES, unlikeliness(&references));
        }
        Ok(())
    }

    /// Notes how well `models` transcribe held-out utterances, under these names.
    pub(super) fn note_scores_of_models(
        &self,
        turn: &mut Turn<'_>,
        models: &Monophones,
        names: [&str; 2],
    ) -> Result<()> {
        let (mut errors, language) = (Errors::default(), self.language()?);
        for_each_portion(turn.feed(), |batch| {
            for utterance in Utterance::of_batch(batch)? {
                let found = models.decode(&utterance, language, self.recipe.hmm.language_weight);
                errors.count(&utterance, &found);
            }
            Ok(())
        })?;
        errors.note(turn, names);
        Ok(())
    }
}
