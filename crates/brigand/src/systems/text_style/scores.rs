//! Measurements of held-out lines that are brought to the other style.

use brigand_core::Result;
use brigand_core::batch::{Feed, IndexKey, SECOND_TOKENS, TOKENS, TokenField};
use brigand_core::capability::LineTranslator;
use brigand_core::players::Turn;

use super::super::held_out::{for_each_portion, for_each_trained_portion};
use super::TextStyle;
use super::transfer::Round;
use crate::evaluation::{StyleClassifier, StyleWords, TransferScores, Transferred};

/// Name of the share of held-out lines whose style, brought to the other one, is that one: by the words of the grammar of opinions,
/// or by naive Bayes of the lines that are trained on.
pub const STYLE_ACCURACY: &str = "style_accuracy";
/// Name of the share of the content words of held-out lines that what is made of them has.
pub const CONTENT_KEPT: &str = "content_kept";
/// Name of the share of held-out opinions that become their partners.
pub const PARTNERS_FOUND: &str = "partners_found";
/// Name of the share of tokens of held-out lines that are the same after a translation and back.
pub const BACK_KEPT: &str = "back_kept";

/// What translated lines are measured by.
pub struct StyleReference {
    classifier: StyleClassifier,
    words: StyleWords,
}

/// Held-out lines in the other style.
pub struct HeldOutStyles {
    /// Those of the first style, then those of the second.
    pub lines: Vec<Transferred>,
    /// The share of tokens that are the same after a translation and back.
    pub back_kept: f64,
}

impl StyleReference {
    /// Made of the lines that are trained on, over the vocabulary of `field`.
    ///
    /// # Errors
    /// If they cannot be read, or are over another vocabulary.
    pub fn of(field: &TokenField<'_>, feed: &Feed) -> Result<Self> {
        field.refuse_other_vocabulary(&feed.schema().tokens(TOKENS)?)?;
        let lines = |key: IndexKey| -> Result<Vec<Vec<String>>> {
            let mut lines = Vec::new();
            for_each_trained_portion(feed, key.0, |batch| {
                lines.extend(batch.indices(key)?.rows()?.map(|line| field.words(line)));
                Ok(())
            })?;
            Ok(lines)
        };
        let (first, second) = (lines(TOKENS)?, lines(SECOND_TOKENS)?);
        let words = StyleWords::of([&first, &second], field.vocabulary);
        let classifier = match words.opinions() {
            Some(opinions) => StyleClassifier::Opinions(opinions.clone()),
            None => StyleClassifier::of([&first, &second]),
        };
        Ok(Self { classifier, words })
    }

    /// The same with another classifier of styles.
    #[must_use]
    pub fn with_classifier(self, classifier: StyleClassifier) -> Self {
        Self { classifier, ..self }
    }

    /// How lines compare with what was wanted.
    pub fn scores(&self, lines: &[Transferred]) -> TransferScores {
        TransferScores::of(lines, &self.classifier, &self.words)
    }

    /// The lines as a rule on words makes them: each mark of their style replaced by one of the other.
    pub fn replaced(&self, lines: &[Transferred]) -> Vec<Transferred> {
        let made = |line: &Transferred| self.words.replaced(&line.source, line.to);
        lines.iter().map(|line| Transferred { made: made(line), ..line.clone() }).collect()
    }
}

impl HeldOutStyles {
    /// The held-out lines of `feed` as `translator` makes them.
    ///
    /// # Errors
    /// If they cannot be read or translated.
    pub fn of(translator: &dyn LineTranslator, feed: &Feed) -> Result<Self> {
        let field = translator.lines();
        let (mut all, mut same, mut tokens) = ([Vec::new(), Vec::new()], 0, 0);
        for_each_portion(feed, |batch| {
            for Round { to, source, there, back } in Round::of(translator, batch)? {
                let (source, again) = (field.words(&source), field.words(&back));
                tokens += source.len();
                same += source.iter().zip(&again).filter(|(a, b)| a == b).count();
                if let Some(all) = all.get_mut(1 - to) {
                    all.push(Transferred { source, made: field.words(&there), to });
                }
            }
            Ok(())
        })?;
        Ok(Self { lines: all.concat(), back_kept: same as f64 / f64::max(tokens as f64, 1.0) })
    }
}

impl TextStyle {
    /// Notes how held-out lines of both styles are translated.
    pub(super) fn note_scores(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let feed = turn.feed();
        let found = HeldOutStyles::of(self, feed)?;
        let reference = match self.reference.take() {
            Some(reference) => reference,
            None => StyleReference::of(&self.lines(), feed)?,
        };
        let scores = reference.scores(&found.lines);
        turn.report.note_number(STYLE_ACCURACY, scores.style);
        turn.report.note_number(CONTENT_KEPT, scores.content);
        turn.report.note_number(BACK_KEPT, found.back_kept);
        if let Some(partners) = scores.partners {
            turn.report.note_number(PARTNERS_FOUND, partners);
        }
        self.reference = Some(reference);
        Ok(())
    }
}
