//! A generator from the vectors of captions, and the discriminator that compares images with captions.

use brigand_autograd::Variable;
use brigand_core::measurements::GENERATOR_LOSS;
use brigand_core::modules::{Network, Statistics};
use brigand_core::networks::{ConditionedGenerator, Discriminator, Heads};
use brigand_core::objectives::Scores;
use brigand_core::players::{Conditioned, Critic, Draw, Player, Scored, Triple, Turn, Wrong};
use brigand_core::{Error, Place, Result};

use super::recipe::{CaptionCondition, CaptionGanRecipe, PairScores, StageSteps};
use crate::systems::encoders::{KL_DIVERGENCE, Posterior};

/// Name of the part of both players' losses that does not regard captions.
pub const UNCONDITIONAL: &str = "unconditional_loss";

/// The images of a size, in training.
pub(super) struct Stage<G> {
    pub(super) generator: Player<G>,
    pub(super) discriminator: Critic<Discriminator>,
    condition: CaptionCondition,
    scores: PairScores,
    place: Place,
}

/// A training batch of a stage.
pub(super) struct Given<'a> {
    /// Real images of the stage's size.
    pub(super) images: &'a Variable,
    /// The vectors of their captions, `[batch, size]`.
    pub(super) captions: &'a Variable,
    /// Vectors of captions of other meanings, if wrong pairs are shown.
    pub(super) wrong: Option<&'a Variable>,
    /// The vectors that images are generated from: those of captions, or between two.
    pub(super) mixed: &'a Variable,
    /// Noise, or smaller images.
    pub(super) input: &'a Variable,
}

impl<G: ConditionedGenerator> Stage<G> {
    pub(super) fn new(
        generator: Network<G>,
        discriminator: Network<Discriminator>,
        recipe: &CaptionGanRecipe,
        place: &Place,
    ) -> Result<Self> {
        let StageSteps { rules, schedule, average } = recipe.steps();
        let generator = Player::new(generator, recipe.optimizer.generator)?;
        let discriminator = Player::new(discriminator, recipe.optimizer.discriminator)?;
        Ok(Self {
            generator: generator.scheduled(schedule).averaged(average),
            discriminator: Critic::new(discriminator.scheduled(schedule), rules)?,
            condition: recipe.condition,
            scores: recipe.pairs.scores,
            place: place.clone(),
        })
    }

    /// One step of the discriminator, then one of the generator.
    pub(super) fn learn(&mut self, turn: &mut Turn<'_>, draw: Draw, given: &Given<'_>) -> Result<()> {
        let (condition, place) = (self.condition, &self.place);
        let noise = draw.rows("condition", given.mixed.shape()[0], |count, stream| {
            place.normal(&[count, condition.size()], stream)
        })?;
        let (fake, divergence) = self.generator.train(|generator, pass| {
            let outputs = generator.condition(pass, given.mixed)?;
            let (drawn, divergence) = drawn(condition, outputs, &noise)?;
            Ok((generator.run(pass, given.input, &drawn)?, divergence))
        })?;
        let under = |captions: &Variable| Conditioned::under(given.images.clone(), captions.clone());
        let (real, wrong) = (under(given.captions), given.wrong.map(under));
        let fake = Conditioned::under(fake, given.mixed.clone());
        let objective = self.discriminator.rules().objective;
        let wrong = match (&wrong, self.scores) {
            (None, _) => Wrong::None,
            (Some(pairs), PairScores::Joint) => Wrong::Beside(pairs),
            (Some(pairs), PairScores::Separate) => Wrong::Instead(pairs),
        };
        let triple = Triple { real: &real, wrong, fake: &fake };
        self.discriminator.learn_triple(turn, draw, triple, |real, fake| {
            let (Some(real), Some(fake)) = (without_captions(real)?, without_captions(fake)?) else {
                return Ok(Vec::new());
            };
            Ok(vec![(UNCONDITIONAL, objective.discriminator_loss(&Scores::new(&real, &fake))?)])
        })?;
        let sides = self.discriminator.sides((real, fake), "generator", draw)?;
        let scored = self.discriminator.generator_loss(None, &sides, draw)?;
        let mut loss = scored.loss;
        if let Some(fake) = without_captions(&scored.fake)? {
            // Objectives that compare both sides have real scores here.
            let real = scored.real.as_ref().map(without_captions).transpose()?.flatten();
            let scores = Scores::new(real.as_ref().unwrap_or(&fake), &fake);
            loss = loss.add(&objective.generator_loss(&scores)?)?;
        }
        turn.note(GENERATOR_LOSS, &loss);
        if let (Some(divergence), CaptionCondition::Augmentation { size, divergence: weight }) =
            (divergence, condition)
        {
            turn.note(KL_DIVERGENCE, &divergence);
            loss = loss.add(&divergence.scale(weight / size as f64)?)?;
        }
        turn.descend(&mut [&mut self.generator], &loss)
    }

    /// The images of inputs and captions' vectors; `noise` `[batch, condition]` chooses conditions that are drawn.
    pub(super) fn generate(
        &self,
        input: &Variable,
        (captions, noise): (&Variable, Option<&Variable>),
        statistics: &mut Statistics<'_>,
    ) -> Result<Variable> {
        self.generator.sample_with(input, statistics, |generator, pass| {
            let outputs = generator.condition(pass, captions)?;
            let condition = match (self.condition, noise) {
                (CaptionCondition::Projection { .. }, _) => outputs,
                (CaptionCondition::Augmentation { .. }, Some(noise)) => {
                    Posterior::of(&outputs)?.sample(noise)?
                }
                (CaptionCondition::Augmentation { .. }, None) => {
                    return Err(Error::Internal("a drawn condition without noise".into()));
                }
            };
            generator.run(pass, input, &condition)
        })
    }
}

/// The conditions of a training batch from what the generator's layer gives, and the divergence of their distribution where
/// they are drawn.
fn drawn(
    condition: CaptionCondition,
    outputs: Variable,
    noise: &Variable,
) -> Result<(Variable, Option<Variable>)> {
    Ok(match condition {
        CaptionCondition::Projection { .. } => (outputs, None),
        CaptionCondition::Augmentation { .. } => {
            let posterior = Posterior::of(&outputs)?;
            (posterior.sample(noise)?, Some(posterior.divergence()?))
        }
    })
}

/// Scores that do not regard captions, `[batch]`, where the discriminator gives such.
fn without_captions(scored: &Scored<Heads>) -> Result<Option<Variable>> {
    let scores = scored.also.auxiliary.as_ref();
    Ok(scores.map(|scores| scores.reshape(&[scores.elements()])).transpose()?)
}
