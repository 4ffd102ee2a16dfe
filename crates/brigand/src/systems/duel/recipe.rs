//! What a duel is made of, and which parts go together.

use serde::{Deserialize, Serialize};

use super::conditions::{CodesRecipe, ConditionRecipe, DiscriminatorHears, GeneratorHears};
use crate::error::{Error, Result};
use crate::layers::Minibatch;
use crate::networks::NetworkRecipe;
use crate::objectives::{Energies, Objective};
use crate::penalties::{Constraint, Penalty};
use crate::systems::AverageRecipe;
use crate::systems::LatentRecipe;
use crate::systems::{OptimizerRecipe, Schedule};
use crate::techniques::{EncoderRecipe, Techniques};

/// A value for each player.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Players<T> {
    /// The generator's.
    pub generator: T,
    /// The discriminator's.
    pub discriminator: T,
}

/// Which fakes the generator's update uses, and which discriminator judges them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// The textbook's: the discriminator steps, then the generator steps on fresh latents.
    Alternating,
    /// The discriminator steps, then the generator steps on the same fakes, judged anew: one generator
    /// pass serves both.
    SharedFakes,
    /// Both step at once, from the same fakes and the discriminator before its step: a different
    /// algorithm, the simultaneous one, for less work.
    Merged,
}

/// Who steps when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateRecipe {
    /// Discriminator updates, each on a fresh real batch and fresh latents, for one generator update.
    pub discriminator_steps: u32,
    /// How the last of them and the generator's follow each other.
    pub order: Order,
}

impl Default for UpdateRecipe {
    fn default() -> Self {
        Self { discriminator_steps: 1, order: Order::Alternating }
    }
}

/// Everything that makes a duel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DuelRecipe {
    /// The noise the generator starts from.
    pub latent: LatentRecipe,
    /// Samples of a class that is asked for.
    pub condition: ConditionRecipe,
    /// Codes that are to mean something.
    pub codes: CodesRecipe,
    /// The generator's network.
    pub generator: NetworkRecipe,
    /// The discriminator's network.
    pub discriminator: NetworkRecipe,
    /// What the players minimise.
    pub objective: Objective,
    /// What is added to the discriminator's loss.
    pub penalty: Penalty,
    /// What holds the discriminator without a term in its loss.
    pub constraint: Constraint,
    /// How they step.
    pub optimizer: Players<OptimizerRecipe>,
    /// How the step sizes change over the run.
    pub schedule: Schedule,
    /// Who steps when.
    pub update: UpdateRecipe,
    /// The average of the generator's weights that samples are taken from.
    pub average: AverageRecipe,
    /// What else changes inputs, statistics and updates.
    pub techniques: Techniques,
}

impl DuelRecipe {
    /// Refuses values that no duel can be fought with, and parts that contradict each other.
    pub fn check(&self) -> Result<()> {
        self.latent.check()?;
        self.codes.check()?;
        self.objective.check()?;
        self.penalty.check()?;
        self.constraint.check()?;
        self.average.check()?;
        self.techniques.check()?;
        self.optimizer.generator.check("generator")?;
        self.optimizer.discriminator.check("discriminator")?;
        if self.update.discriminator_steps == 0 {
            return Err(Error::Recipe(
                "update.discriminator_steps is 0, so the discriminator would never learn; give at least 1"
                    .into(),
            ));
        }
        match self.contradiction() {
            Some(reason) => Err(Error::Recipe(reason.into())),
            None => Ok(()),
        }
    }

    /// Why two parts of the recipe cannot stand together.
    fn contradiction(&self) -> Option<&'static str> {
        let techniques = &self.techniques;
        let reconstructs = matches!(self.discriminator, NetworkRecipe::Autoencoder(_));
        let energies = self.objective.properties().energies;
        let unrolls = techniques.unrolling.steps > 0;
        let conditional = self.condition.is_on();
        let insists = self.condition.discriminator != (DiscriminatorHears::Nothing {});
        let rules = [
            (
                energies == Energies::Required && !reconstructs,
                "objective.kind=energy-based needs energies that are never negative; \
                 set discriminator.kind=autoencoder",
            ),
            (
                reconstructs && energies == Energies::Refused,
                "an auto-encoder's scores are never positive, so this objective cannot tell real from fake by \
                 them; set objective.kind to energy-based, loss-sensitive or wasserstein",
            ),
            (
                reconstructs && techniques.minibatch != Minibatch::None,
                "techniques.minibatch appends to a discriminator's features, and an auto-encoder has codes \
                 instead; set techniques.minibatch=none",
            ),
            (
                unrolls && self.constraint.clip_bound().is_some(),
                "unrolling differentiates through the discriminator's steps, and clipping is no differentiable \
                 step; choose another constraint or techniques.unrolling.steps=0",
            ),
            (
                unrolls && self.update.order == Order::Merged,
                "update.order=merged judges the fakes before any discriminator step, unrolling after several; \
                 set update.order=alternating or techniques.unrolling.steps=0",
            ),
            (
                techniques.consistency.weight > 0.0 && !self.discriminator.has_dropout(),
                "techniques.consistency compares two passes with different dropout masks, and without dropout \
                 they are equal; set discriminator.dropout, for example [0.2, 0.5, 0.5]",
            ),
            (
                techniques.feature_matching.alone && techniques.feature_matching.weight == 0.0,
                "techniques.feature_matching.alone leaves the generator without a loss while its weight is 0; \
                 set techniques.feature_matching.weight=1",
            ),
            (
                insists && !conditional,
                "condition.discriminator insists on a class that the generator does not hear; set \
                 condition.generator to latent or batch-norm",
            ),
            (
                (insists || self.codes.is_on()) && reconstructs,
                "an auto-encoder only says how well it reconstructs, not which class or code it sees; choose mlp, \
                 dcgan or resnet for discriminator.kind",
            ),
            (
                (conditional || self.codes.is_on()) && techniques.packing > 1,
                "packed samples have several classes or codes at once; set techniques.packing=1",
            ),
            (
                (conditional || self.codes.is_on()) && techniques.encoder != EncoderRecipe::None {},
                "techniques.encoder finds a sample's noise and not its class or codes; set \
                 techniques.encoder.kind=none",
            ),
            (
                self.condition.generator == GeneratorHears::BatchNorm && techniques.virtual_batch_norm,
                "the generator's batch normalisation can follow the class or a reference batch, not both; set \
                 condition.generator=latent or techniques.virtual_batch_norm=false",
            ),
        ];
        rules.into_iter().find_map(|(broken, reason)| broken.then_some(reason))
    }

    /// Refuses what needs every sample judged alone when the discriminator, as built, judges them together.
    pub(super) fn check_coupling(&self, discriminator_couples: bool) -> Result<()> {
        let needing = if self.penalty.is_active() {
            "penalty.kind=gradient"
        } else if self.constraint.normalizes_gradients() {
            "this constraint"
        } else {
            return Ok(());
        };
        if discriminator_couples {
            return Err(Error::Recipe(format!(
                "{needing} asks for each sample's own gradient, and this discriminator's batch normalisation or \
                 minibatch layer mixes samples; set discriminator.batch_norm=false (dcgan), \
                 discriminator.normalization=none (mlp) or techniques.minibatch=none"
            )));
        }
        Ok(())
    }
}
