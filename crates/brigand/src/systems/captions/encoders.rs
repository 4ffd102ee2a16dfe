//! Encoders of captions and images to vectors of one space, trained so that an image is nearer to its own caption than to
//! others, and then frozen.

use brigand_autograd::Variable;
use brigand_core::batch::{Batch, CAPTION, END, IMAGES, Indices, MEANING, UNKNOWN};
use brigand_core::modules::{Mode, Network, PixelNorm};
use brigand_core::networks::{CaptionEncoder, Encoder};
use brigand_core::objectives::{count_correct, cross_entropy};
use brigand_core::players::{Draw, Player, Turn};
use brigand_core::{Place, Result, Setup};

use super::recipe::CaptionGanRecipe;
use crate::systems::text::Vocabulary;

/// Name of the mean cross-entropy of choosing an image's caption, and a caption's image, in a training batch, in nats.
pub const CONTRASTIVE_LOSS: &str = "contrastive_loss";
/// Name of the share of a training batch's images whose own caption is the nearest.
pub const CONTRASTIVE_ACCURACY: &str = "contrastive_accuracy";

/// What is taken from the logits of pairs that are neither right nor wrong.
const EXCLUDED: f32 = 1e4;

/// The encoders of captions and images.
pub(super) struct CaptionEncoders {
    pub(super) captions: Player<CaptionEncoder>,
    pub(super) images: Player<Encoder>,
    pub(super) vocabulary: Vocabulary,
    place: Place,
    temperature: f64,
    unknown: f64,
}

impl CaptionEncoders {
    pub(super) fn new(recipe: &CaptionGanRecipe, setup: &Setup) -> Result<Self> {
        let vocabulary = Vocabulary::of_field(setup, CAPTION)?;
        let (size, steps) = (recipe.matching.size, recipe.optimizer.encoders);
        let sizes = (vocabulary.size().0, size);
        let captions = Network::build("caption_encoder", setup, |b| {
            CaptionEncoder::new(b, &recipe.caption_encoder, sizes)
        })?;
        let images =
            recipe.image_encoder.encoder("image_encoder", setup, setup.schema.sample_shape()?, size)?;
        Ok(Self {
            captions: Player::new(captions, steps)?,
            images: Player::new(images, steps)?,
            vocabulary,
            place: setup.place.clone(),
            temperature: recipe.matching.temperature,
            unknown: recipe.matching.unknown,
        })
    }

    /// One step of both on a real batch.
    pub(super) fn learn(&mut self, turn: &mut Turn<'_>, draw: Draw) -> Result<()> {
        let batch = turn.batch(draw)?;
        let captions = self.some_unknown(batch.indices(CAPTION)?, draw);
        let place = &self.place;
        let texts = self.captions.train(|encoder, pass| encoder.run(pass, &captions, place))?;
        let mut masks = draw.stream("dropout/image_encoder");
        let samples = batch.numbers(IMAGES)?;
        let images = self.images.run(Mode::Training, &mut masks, |encoder, pass| {
            let vectors = encoder.forward(pass, samples)?;
            PixelNorm.run(pass, &vectors)
        })?;
        let meanings = &batch.indices(MEANING)?.values;
        let logits = logits((&images, &texts), meanings, self.temperature, place)?;
        let loss = contrastive_loss(&logits, place)?;
        turn.note(CONTRASTIVE_LOSS, &loss);
        let own: Vec<u32> = (0..meanings.len() as u32).collect();
        turn.note_derived(CONTRASTIVE_ACCURACY, &logits, move |logits| {
            count_correct(logits, &own) as f64 / own.len().max(1) as f64
        });
        turn.descend(&mut [&mut self.captions, &mut self.images], &loss)
    }

    /// `captions` with some words replaced by the unknown one, so that captions with such words have a trained vector.
    fn some_unknown(&self, captions: &Indices, draw: Draw) -> Indices {
        let draws = draw.stream("unknown words").uniform(captions.values.len(), 0.0, 1.0);
        let replaced = captions.values.iter().zip(draws).map(|(&token, drawn)| {
            if token != END && f64::from(drawn) < self.unknown { UNKNOWN } else { token }
        });
        Indices { values: replaced.collect(), shape: captions.shape.clone() }
    }

    /// The vectors `[batch, size]` of captions `[batch, length]`, as constants.
    pub(super) fn vectors(&self, captions: &Indices) -> Result<Variable> {
        let idle = self.place.numbers(vec![0.0], &[1])?;
        self.captions.sample(&idle, |encoder, pass| encoder.run(pass, captions, &self.place))
    }

    /// The vectors of the captions of a batch.
    pub(super) fn of_batch(&self, batch: &Batch) -> Result<Variable> {
        self.vectors(batch.indices(CAPTION)?)
    }

    /// The vectors `[batch, size]` of images.
    pub(super) fn image_vectors(&self, images: &Variable) -> Result<Variable> {
        self.images.sample(images, |encoder, pass| {
            let vectors = encoder.forward(pass, images)?;
            PixelNorm.run(pass, &vectors)
        })
    }
}

/// The likeness of every image to every caption, `[images, captions]`: the cosine of their vectors over `temperature`. That of
/// other pairs of one meaning is excluded, since they are not wrong.
fn logits(
    (images, captions): (&Variable, &Variable),
    meanings: &[u32],
    temperature: f64,
    place: &Place,
) -> Result<Variable> {
    let size = captions.shape().last().copied().unwrap_or(1) as f64;
    let likeness = images.matmul(&captions.transposed()?)?.scale(1.0 / (size * temperature))?;
    let count = meanings.len();
    let mut excluded = vec![0.0; count * count];
    for (row, own) in excluded.chunks_mut(count.max(1)).zip(0..count) {
        for (other, value) in row.iter_mut().enumerate() {
            if other != own && meanings.get(other) == meanings.get(own) {
                *value = EXCLUDED;
            }
        }
    }
    Ok(likeness.sub(&place.numbers(excluded, &[count, count])?)?)
}

/// The mean cross-entropy of each image's own caption among those of the batch, and of each caption's own image (Radford et
/// al. 2021, arXiv:2103.00020).
fn contrastive_loss(logits: &Variable, place: &Place) -> Result<Variable> {
    let count = logits.shape().first().copied().unwrap_or(0);
    let own = place.one_hot(&(0..count as u32).collect::<Vec<_>>(), count)?;
    let (of_images, of_captions) =
        (cross_entropy(logits, &own)?, cross_entropy(&logits.transposed()?, &own)?);
    Ok(of_images.add(&of_captions)?.scale(0.5)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_of_one_meaning_are_neither_right_nor_wrong() {
        let place = Place::cpu();
        let vectors = place.numbers(vec![1.0, 1.0, 1.0, -1.0, 1.0, 1.0], &[3, 2]).unwrap();
        let logits = |meanings| logits((&vectors, &vectors), meanings, 0.5, &place).unwrap();
        assert_eq!(logits(&[0, 1, 2]).to_vec().unwrap(), [2.0, 0.0, 2.0, 0.0, 2.0, 0.0, 2.0, 0.0, 2.0]);
        let loss = |of: &Variable| contrastive_loss(of, &place).unwrap().scalar().unwrap();
        // Two equal rows halve the probability; excluded, they leave a choice of two.
        let (alone, e) = ((1.0 + (-2.0_f64).exp()).ln(), (-2.0_f64).exp());
        let all = (2.0 * (2.0 + e).ln() + (1.0 + 2.0 * e).ln()) / 3.0;
        assert!((loss(&logits(&[0, 1, 2])) - all).abs() < 1e-6);
        let found = loss(&logits(&[0, 1, 0]));
        assert!((found - (2.0 * alone + (1.0 + 2.0 * e).ln()) / 3.0).abs() < 1e-6, "{found}");
    }
}
