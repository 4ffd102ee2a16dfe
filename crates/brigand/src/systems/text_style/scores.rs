//! Measurements of held-out lines that are brought to the other style, while `text-style` trains.

use brigand_core::Result;
use brigand_core::batch::{Feed, IndexKey, Indices, SECOND_TOKENS, TOKENS};
use brigand_core::capability::LineTranslator;
use brigand_core::players::Turn;

use super::super::held_out::for_each_portion;
use super::super::text::indices;
use super::TextStyle;
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

/// What held-out lines are measured by.
pub(super) struct Reference {
    classifier: StyleClassifier,
    words: StyleWords,
}

impl Reference {
    /// Of the lines that are trained on.
    fn of(system: &TextStyle, feed: &Feed) -> Result<Self> {
        let lines = |key: IndexKey| -> Result<Vec<Vec<String>>> {
            let batch = feed.trained(key.0, 0..feed.trained_count(key.0))?;
            Ok(system.split(batch.indices(key)?).map(|line| system.words(line)).collect())
        };
        let (first, second) = (lines(TOKENS)?, lines(SECOND_TOKENS)?);
        let words = StyleWords::of([&first, &second], system.lines().vocabulary);
        let classifier = match words.is_exact() {
            true => StyleClassifier::Opinions,
            false => StyleClassifier::of([&first, &second]),
        };
        Ok(Self { classifier, words })
    }
}

impl TextStyle {
    fn split<'a>(&self, lines: &'a Indices) -> impl Iterator<Item = &'a [u32]> {
        lines.values.chunks(self.vocabulary.size().1.max(1))
    }

    /// The words of a line.
    fn words(&self, line: &[u32]) -> Vec<String> {
        self.vocabulary.up_to_end(line)
    }

    /// Notes how held-out lines of both styles are translated.
    pub(super) fn note_scores(&self, turn: &mut Turn<'_>) -> Result<()> {
        let feed = turn.feed();
        let reference = match self.reference.get() {
            Some(reference) => reference,
            None => {
                let made = Reference::of(self, feed)?;
                self.reference.get_or_init(|| made)
            }
        };
        let (mut all, mut same, mut tokens) = (Vec::new(), 0, 0);
        for_each_portion(feed, |batch| {
            for (key, to) in [(TOKENS, 1), (SECOND_TOKENS, 0)] {
                let lines = batch.indices(key)?;
                let there = self.transfer(lines, to)?;
                let back = self.transfer(&indices(&there), 1 - to)?;
                for ((line, there), back) in self.split(lines).zip(&there).zip(&back) {
                    let (source, again) = (self.words(line), self.words(back));
                    tokens += source.len();
                    same += source.iter().zip(&again).filter(|(a, b)| a == b).count();
                    all.push(Transferred { source, made: self.words(there), to });
                }
            }
            Ok(())
        })?;
        let scores = TransferScores::of(&all, &reference.classifier, &reference.words);
        turn.report.note_number(STYLE_ACCURACY, scores.style);
        turn.report.note_number(CONTENT_KEPT, scores.content);
        turn.report.note_number(BACK_KEPT, same as f64 / f64::max(tokens as f64, 1.0));
        if let Some(partners) = scores.partners {
            turn.report.note_number(PARTNERS_FOUND, partners);
        }
        Ok(())
    }
}
