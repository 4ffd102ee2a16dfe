//! What the generator minimises, in meta-training and in fine-tuning.

use brigand_autograd::Variable;
use brigand_core::Result;
use brigand_core::batch::{Batch, IMAGES, LANDMARKS};
use brigand_core::networks::HeadDiscriminator;
use brigand_core::players::{Conditioned, Critic, Draw, Turn};

use serde::{Deserialize, Serialize};

use super::super::translation::distance;

/// Name of the mean absolute distance of generated training frames to the true ones, on the scale [-1, 1].
pub const CONTENT_LOSS: &str = "content_loss";
/// Name of the mean absolute distance of embeddings to the discriminator's vectors of the same people.
pub const MATCHING_LOSS: &str = "matching_loss";

/// The parts of the generator's loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadLosses {
    /// Weight of the mean absolute distance to the true frame.
    pub content: f64,
    /// Weight of the discriminator's scores.
    pub adversarial: f64,
    /// Weight of the mean absolute distance of the discriminator's features to those of the true frame.
    pub features: f64,
    /// Weight of the mean absolute distance of embeddings to the discriminator's vectors of the people.
    pub matching: f64,
}

impl HeadLosses {
    /// Whether there is a discriminator to train.
    pub(super) fn use_discriminator(self) -> bool {
        self.adversarial > 0.0 || self.features > 0.0
    }
}

/// Frames beside the landmark drawings of `batch`, as the discriminator takes them.
pub(super) fn beside_landmarks(
    frames: &Variable,
    batch: &Batch,
    people: Option<&Variable>,
) -> Result<Conditioned> {
    let samples = Variable::concatenate(&[frames, batch.numbers(LANDMARKS)?], 1)?;
    Ok(Conditioned { samples, condition: people.cloned() })
}

/// The generator's loss on the generated `frames` of `batch`, with the discriminator as it is; `embeddings` where there is
/// an embedder to match with the discriminator's vectors.
pub(super) fn generator_loss(
    turn: &mut Turn<'_>,
    draw: Draw,
    discriminator: &mut Critic<HeadDiscriminator>,
    losses: HeadLosses,
    (batch, frames, people, embeddings): (&Batch, &Variable, Option<&Variable>, Option<&Variable>),
) -> Result<Variable> {
    let truth = batch.numbers(IMAGES)?;
    let content = distance(frames, truth)?;
    turn.note(CONTENT_LOSS, &content);
    let mut loss = content.scale(losses.content)?;
    if !losses.use_discriminator() {
        return Ok(loss);
    }
    let real = beside_landmarks(truth, batch, people)?;
    let fake = beside_landmarks(frames, batch, people)?;
    let sides = discriminator.sides((real.clone(), fake), "generator", draw)?;
    let scored = discriminator.generator_loss(None, &sides, draw)?;
    if losses.adversarial > 0.0 {
        loss = loss.add(&scored.loss.scale(losses.adversarial)?)?;
    }
    if losses.features > 0.0 {
        let features = discriminator.feature_distance(&real, &scored.fake, draw)?;
        loss = loss.add(&features.scale(losses.features)?)?;
    }
    if let (Some(embeddings), Some(vectors)) = (embeddings, &scored.fake.also)
        && losses.matching > 0.0
    {
        let matching = distance(embeddings, &vectors.detach())?;
        turn.note(MATCHING_LOSS, &matching);
        loss = loss.add(&matching.scale(losses.matching)?)?;
    }
    Ok(loss)
}
