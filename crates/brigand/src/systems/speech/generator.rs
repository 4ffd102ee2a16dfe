//! From segments to phonemes.

use brigand_autograd::{Activation, Variable};
use brigand_core::Result;
use brigand_core::modules::{Activate, Builder, Chain, Initialization, Linear, Pass, Plan};

use super::recipe::SegmentGeneratorRecipe;
use super::segments::Utterance;

/// The share of a segment's length that is the deviation of the frame drawn from it.
const DEVIATION: f32 = 0.15;

/// A network from what stands for a segment to a logit of each phoneme.
pub(super) struct SegmentGenerator {
    body: Chain,
}

impl SegmentGenerator {
    /// That of `recipe` for frames of `size` numbers.
    ///
    /// # Errors
    /// If a path is taken.
    pub(super) fn new(
        b: &mut Builder,
        recipe: SegmentGeneratorRecipe,
        (size, phones): (usize, usize),
    ) -> Result<Self> {
        let mut body = Chain::new();
        let input = recipe.input(size);
        match recipe {
            SegmentGeneratorRecipe::Clusters { .. } => {
                let plan = Plan::new(Initialization::Normal { mean: 0.0, deviation: 0.1 }).without_bias();
                body.push_named(b, "probabilities", |b| Linear::new(b, input, phones, &plan))?;
            }
            SegmentGeneratorRecipe::Frames { hidden, .. } => {
                let plan = Plan::new(Initialization::Glorot);
                body.push_named(b, "hidden", |b| Linear::new(b, input, hidden, &plan))?;
                body.push_plain(Activate(Activation::Relu));
                body.push_named(b, "logits", |b| Linear::new(b, hidden, phones, &plan))?;
            }
        }
        Ok(Self { body })
    }

    /// `rows` `[segments, input]` as logits `[segments, phonemes]`.
    pub(super) fn forward(&self, pass: &mut Pass<'_>, rows: &Variable) -> Result<Variable> {
        self.body.run(pass, rows)
    }
}

impl SegmentGeneratorRecipe {
    /// Numbers that stand for a segment of frames of `size` numbers.
    pub(super) fn input(self, size: usize) -> usize {
        match self {
            Self::Clusters { count } => count,
            Self::Frames { context, .. } => (2 * context + 1) * size,
        }
    }
}

/// The frame of a segment that stands for it: its middle, moved by `noise` (standard normal) times a share of its length.
pub(super) fn frame_of(start: usize, end: usize, noise: f32) -> usize {
    let length = end.saturating_sub(start).max(1) as f32;
    let place = start as f32 + length * (0.5 + DEVIATION * noise);
    (place.max(start as f32) as usize).min(end.saturating_sub(1).max(start))
}

/// A frame with its `context` neighbours on each side, one after another; the first and last frames are repeated.
pub(super) fn with_neighbours(utterance: &Utterance, frame: usize, context: usize, to: &mut Vec<f32>) {
    let size = utterance.frames.columns;
    let last = utterance.frames.count().saturating_sub(1);
    for place in frame..=frame + 2 * context {
        let from = place.saturating_sub(context).min(last) * size;
        to.extend(utterance.frames.values.iter().skip(from).take(size));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::sound::Rows;

    #[test]
    fn a_frame_of_a_segment_is_inside_it() {
        assert_eq!(
            [frame_of(4, 9, 0.0), frame_of(4, 9, -9.0), frame_of(4, 9, 9.0), frame_of(4, 5, 1.0)],
            [6, 4, 8, 4]
        );
        let frames = Rows { values: vec![1.0, 2.0, 3.0], columns: 1 };
        let utterance = Utterance { number: None, frames, segments: None, phones: None };
        let mut found = Vec::new();
        with_neighbours(&utterance, 0, 1, &mut found);
        with_neighbours(&utterance, 2, 1, &mut found);
        assert_eq!(found, [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]);
    }
}
