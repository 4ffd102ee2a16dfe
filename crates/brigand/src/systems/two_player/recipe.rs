//! The recipe of a two-player system, and which parts can be combined.

use brigand_core::batch::{Need, SampleKind};
use brigand_core::latent::LatentRecipe;
use brigand_core::modules::Minibatch;
use brigand_core::networks::NetworkRecipe;
use brigand_core::objectives::{Energies, Objective};
use brigand_core::penalties::{Constraint, Penalty};
use brigand_core::players::{AverageRecipe, DISCRIMINATOR, OptimizerRecipe, Rules, Schedule};
use brigand_core::recipe::SystemRecipe;
use brigand_core::system::System;
use brigand_core::{Error, Result, Setup};
use serde::{Deserialize, Serialize};

use super::TwoPlayer;
use super::conditions::{CodesRecipe, ConditionRecipe, DiscriminatorCondition, GeneratorCondition};
use super::rows::ordinary;
use super::techniques::{EncoderRecipe, Techniques};

/// A value for each player.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Players<T> {
    /// The generator's.
    pub generator: T,
    /// The discriminator's.
    pub discriminator: T,
}

impl Players<OptimizerRecipe> {
    /// Refuses settings that no optimizer has.
    pub(in super::super) fn check(&self) -> Result<()> {
        self.generator.check("generator")?;
        self.discriminator.check(DISCRIMINATOR)
    }
}

/// Refuses a generator that steps against a discriminator that never does; `key` is where the number stands.
pub(in super::super) fn check_discriminator_steps(key: &str, steps: u64) -> Result<()> {
    match steps {
        0 => {
            Err(Error::Recipe(format!("{key} is 0, so the discriminator would never learn; give at least 1")))
        }
        _ => Ok(()),
    }
}

/// How often the discriminator steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiscriminatorUpdates {
    /// Discriminator updates, each on a fresh real batch and fresh latents, for one generator update.
    pub discriminator_steps: u32,
}

impl Default for DiscriminatorUpdates {
    fn default() -> Self {
        Self { discriminator_steps: 1 }
    }
}

impl DiscriminatorUpdates {
    /// Refuses a discriminator that never steps.
    pub(in super::super) fn check(&self) -> Result<()> {
        check_discriminator_steps("update.discriminator_steps", self.discriminator_steps.into())
    }
}

/// Which fakes the generator's update uses, and which discriminator scores them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// The textbook's: the discriminator steps, then the generator steps on fresh latents.
    Alternating,
    /// The discriminator steps, then the generator steps on the same fakes, scored anew: one generator pass serves both.
    SharedFakes,
    /// Both step at once, from the same fakes and the discriminator before its step: a different algorithm, the
    /// simultaneous one, for less work.
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

/// Everything that makes a two-player system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TwoPlayerRecipe {
    /// The noise the generator starts from.
    pub latent: LatentRecipe,
    /// Samples of a given class.
    pub condition: ConditionRecipe,
    /// Codes that should be recognisable in the samples.
    pub codes: CodesRecipe,
    /// The generator's network.
    pub generator: NetworkRecipe,
    /// The discriminator's network.
    pub discriminator: NetworkRecipe,
    /// What the players minimise.
    pub objective: Objective,
    /// What is added to the discriminator's loss.
    pub penalty: Penalty,
    /// What constrains the discriminator without a term in its loss.
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

impl SystemRecipe for TwoPlayerRecipe {
    /// Labels are needed only under a condition, which [`TwoPlayer::new`] checks.
    const NEEDS: &'static [Need] = &[Need::Samples];

    fn defaults(kind: SampleKind) -> Result<Self> {
        Ok(ordinary(kind))
    }

    fn check(&self) -> Result<()> {
        self.latent.check()?;
        self.codes.check()?;
        self.objective.check()?;
        self.penalty.check()?;
        self.constraint.check()?;
        self.schedule.check()?;
        self.average.check()?;
        self.techniques.check()?;
        self.optimizer.check()?;
        check_discriminator_steps("update.discriminator_steps", self.update.discriminator_steps.into())?;
        match self.contradiction() {
            Some(reason) => Err(Error::Recipe(reason.into())),
            None => Ok(()),
        }
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        self.schedule.spread_over_run()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        Ok(Box::new(TwoPlayer::new(self.clone(), setup)?))
    }
}

impl TwoPlayerRecipe {
    /// What the discriminator minimises and is constrained by.
    pub(super) fn rules(&self) -> Rules {
        Rules {
            objective: self.objective,
            penalty: self.penalty,
            constraint: self.constraint,
            noise: self.techniques.instance_noise,
            consistency: self.techniques.consistency,
            feature_matching: self.techniques.feature_matching,
        }
    }

    /// Why two parts of the recipe cannot stand together.
    fn contradiction(&self) -> Option<&'static str> {
        let rules = self.network_rules().into_iter().chain(self.technique_rules());
        rules.chain(self.condition_rules()).find_map(|(broken, reason)| broken.then_some(reason))
    }

    /// Which networks go with which objective.
    fn network_rules(&self) -> [(bool, &'static str); 3] {
        let reconstructs = self.discriminator.reconstructs();
        let energies = self.objective.properties().energies;
        [
            (
                energies == Energies::Required && !reconstructs,
                "objective.kind=energy-based needs energies that are never negative; \
                 set discriminator.kind=autoencoder",
            ),
            (
                energies == Energies::Refused && reconstructs,
                "an auto-encoder's scores are never positive, so this objective cannot separate real from fake by \
                 them; set objective.kind to energy-based, loss-sensitive or wasserstein",
            ),
            (
                reconstructs && self.techniques.minibatch != Minibatch::None,
                "techniques.minibatch appends to a discriminator's features, and an auto-encoder has codes \
                 instead; set techniques.minibatch=none",
            ),
        ]
    }

    /// Which techniques go with which updates and networks.
    fn technique_rules(&self) -> [(bool, &'static str); 4] {
        let techniques = &self.techniques;
        let unrolls = techniques.unrolling.steps > 0;
        [
            (
                unrolls && self.constraint.clip_bound().is_some(),
                "unrolling differentiates through the discriminator's steps, and clipping is no differentiable \
                 step; choose another constraint or techniques.unrolling.steps=0",
            ),
            (
                unrolls && self.update.order == Order::Merged,
                "update.order=merged scores the fakes before any discriminator step, unrolling after several; \
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
        ]
    }

    /// What goes with classes and codes.
    fn condition_rules(&self) -> [(bool, &'static str); 5] {
        let techniques = &self.techniques;
        let conditional = self.condition.is_on();
        let uses_class = self.condition.discriminator != (DiscriminatorCondition::Nothing {});
        [
            (
                uses_class && !conditional,
                "condition.discriminator uses a class that the generator does not get; set condition.generator to \
                 latent or batch-norm",
            ),
            (
                (uses_class || self.codes.is_on()) && self.discriminator.reconstructs(),
                "an auto-encoder only scores how well it reconstructs, whatever the class or code; choose mlp, dcgan \
                 or resnet for discriminator.kind",
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
                self.condition.generator == GeneratorCondition::BatchNorm && techniques.virtual_batch_norm,
                "the generator's batch normalisation can follow the class or a reference batch, not both; set \
                 condition.generator=latent or techniques.virtual_batch_norm=false",
            ),
        ]
    }
}
