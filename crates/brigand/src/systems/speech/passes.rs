//! Passes over all utterances: what an iteration begins with, and the hidden Markov models that it ends with.

use brigand_core::batch::{END, FRAMES, TOKENS};
use brigand_core::players::Turn;
use brigand_core::random::Stream;
use brigand_core::{Error, Result};

use super::super::held_out::for_each_trained_portion;
use super::clusters::centres;
use super::decoding::decode_segments;
use super::language_model::Bigram;
use super::monophones::Monophones;
use super::recipe::{SegmentGeneratorRecipe, Segmentation};
use super::scores::SUPERVISED;
use super::segments::{Segment, Utterance, threshold, true_segments, without_repeats};
use super::{Speech, with_neighbours};

/// The probability that the next segment has the same phoneme, at least, when phonemes are decoded.
const LEAST_REPEAT: f64 = 0.01;

impl Speech {
    /// All utterances that are trained on.
    fn all_utterances(turn: &mut Turn<'_>) -> Result<Vec<Utterance>> {
        let mut all = Vec::new();
        for_each_trained_portion(turn.feed(), FRAMES.0, |batch| {
            all.extend(Utterance::of_batch(batch)?);
            Ok(())
        })?;
        Ok(all)
    }

    /// What follows what in the text that is trained on, and the phonemes of a line.
    fn read_text(&self, turn: &mut Turn<'_>) -> Result<(Bigram, f64)> {
        let mut lines: Vec<Vec<u32>> = Vec::new();
        for_each_trained_portion(turn.feed(), TOKENS.0, |batch| {
            lines.extend(batch.indices(TOKENS)?.rows()?.map(|line| {
                let phones = line.iter().take_while(|&&token| token != END);
                without_repeats(phones.map(|&token| token.saturating_sub(1)))
            }));
            Ok(())
        })?;
        let mean = lines.iter().map(Vec::len).sum::<usize>() as f64 / lines.len().max(1) as f64;
        Ok((Bigram::of(self.phones(), lines.iter().map(Vec::as_slice)), mean))
    }

    /// Finds boundaries where there are none, clusters, and how much the segments outnumber the phonemes of text.
    pub(super) fn begin(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        self.learned.begun += 1;
        let (language, phones) = self.read_text(turn)?;
        self.learned.language = Some(language);
        let utterances = Self::all_utterances(turn)?;
        if self.learned.models.is_none() && self.recipe.segments == Segmentation::Found {
            let heights =
                utterances.iter().flat_map(|one| one.changes().into_iter().map(|(_, height)| height));
            let wanted = (utterances.len() as f64
                * (phones * self.recipe.segments_per_phoneme - 1.0).max(0.0))
            .round() as usize;
            self.learned.threshold = threshold(heights.collect(), wanted);
        }
        let ends: Vec<Vec<usize>> = utterances.iter().map(|utterance| self.ends(utterance)).collect();
        let segments = ends.iter().map(Vec::len).sum::<usize>() as f64 / ends.len().max(1) as f64;
        self.learned.repeat = (1.0 - phones / segments.max(1.0)).max(0.0) as f32;
        match self.recipe.generator {
            SegmentGeneratorRecipe::Clusters { count } => {
                let vectors = utterances.iter().zip(&ends).flat_map(|(one, ends)| one.segment_vectors(ends));
                let vectors: Vec<Vec<f32>> = vectors.collect();
                let before = std::mem::take(&mut self.learned.centres);
                let start = (!before.is_empty()).then_some(before);
                let stream = &mut Stream::new(self.setup.seed, "speech/clusters", self.learned.begun);
                self.learned.centres = centres(&vectors, count, start, stream);
            }
            SegmentGeneratorRecipe::Frames { .. } => {}
        }
        Ok(())
    }

    /// Trains hidden Markov models on the generator's transcripts of all utterances, and finds new segments with them.
    pub(super) fn refine(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let mut transcribed = Vec::new();
        for utterance in Self::all_utterances(turn)? {
            let segments = self.decoded(&utterance)?;
            transcribed.push((utterance, segments));
        }
        let models = self.models_of(&transcribed);
        let language = self.language()?;
        let found = transcribed.iter().filter_map(|(utterance, _)| {
            let segments = models.decode(utterance, language, self.recipe.hmm.language_weight);
            Some((utterance.number?, segments.iter().map(|segment| segment.end as u32).collect::<Vec<u32>>()))
        });
        // An utterance that is too short for the models has its given or found segments.
        self.learned.ends = found.filter(|(_, ends)| !ends.is_empty()).collect();
        self.learned.models = Some(models);
        if self.recipe.hmm.supervised {
            let known = transcribed.into_iter().filter_map(|(utterance, _)| {
                let segments = true_segments(utterance.phones.as_ref()?);
                Some((utterance, segments))
            });
            let models = self.models_of(&known.collect::<Vec<_>>());
            self.note_scores_of_models(turn, &models, SUPERVISED)?;
        }
        Ok(())
    }

    /// Hidden Markov models of utterances with these transcripts.
    fn models_of(&self, transcribed: &[(Utterance, Vec<Segment>)]) -> Monophones {
        let hmm = self.recipe.hmm;
        Monophones::trained((self.phones(), hmm.states), transcribed, (hmm.passes, hmm.counting))
    }

    pub(super) fn language(&self) -> Result<&Bigram> {
        let untrained = || Error::Request("this run has not been trained for a step; train it first".into());
        self.learned.language.as_ref().ok_or_else(untrained)
    }

    /// The log-probabilities `[segments, phonemes]` of the phonemes in the segments of an utterance. Where a frame stands for a
    /// segment, the mean of those of its frames.
    pub(super) fn log_probabilities(&self, utterance: &Utterance, ends: &[usize]) -> Result<Vec<f32>> {
        let (mut rows, mut counts, mut start) = (Vec::new(), Vec::new(), 0);
        for &end in ends {
            match self.recipe.generator {
                SegmentGeneratorRecipe::Clusters { .. } => {
                    self.represent(utterance, (start, end), None, &mut rows)?;
                    counts.push(1);
                }
                SegmentGeneratorRecipe::Frames { context, .. } => {
                    let frames = start..end.max(start + 1);
                    counts.push(frames.len());
                    frames.for_each(|frame| with_neighbours(utterance, frame, context, &mut rows));
                }
            }
            start = end;
        }
        let input = self.recipe.generator.input(self.frames.0);
        let count: usize = counts.iter().sum();
        let rows = self.setup.place.numbers(rows, &[count, input])?;
        let probabilities = self
            .generator
            .sample(&rows, |generator, pass| Ok(generator.forward(pass, &rows)?.log_softmax(1)?))?
            .to_vec_f32()?;
        let phones = self.phones().max(1);
        let mut each = probabilities.chunks_exact(phones);
        let mut found = Vec::with_capacity(ends.len() * phones);
        for count in counts {
            let mut mean = vec![0.0; phones];
            for row in each.by_ref().take(count) {
                mean.iter_mut().zip(row).for_each(|(mean, x)| *mean += x / count as f32);
            }
            found.extend(mean);
        }
        Ok(found)
    }

    /// The phonemes of an utterance by the generator and the language model.
    pub(super) fn decoded(&self, utterance: &Utterance) -> Result<Vec<Segment>> {
        let ends = self.ends(utterance);
        let scores = self.log_probabilities(utterance, &ends)?;
        let repeat = f64::from(self.learned.repeat).max(LEAST_REPEAT);
        Ok(decode_segments(&scores, &ends, self.language()?, (self.recipe.language_weight, repeat)))
    }

    /// The phonemes of an utterance by the hidden Markov models, or by the generator before there are any.
    pub(super) fn transcribed(&self, utterance: &Utterance) -> Result<Vec<Segment>> {
        match &self.learned.models {
            Some(models) => Ok(models.decode(utterance, self.language()?, self.recipe.hmm.language_weight)),
            None => self.decoded(utterance),
        }
    }

    /// Phonemes as people read them.
    pub(super) fn text(&self, phones: &[u32]) -> String {
        self.vocabulary.text(&phones.iter().map(|phone| phone + 1).collect::<Vec<_>>())
    }
}
