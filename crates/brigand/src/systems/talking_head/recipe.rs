//! The recipe of talking heads, and their row of the registry.

use brigand_core::batch::{IMAGES, LANDMARKS, Need, SampleKind};
use brigand_core::limits::at_least_zero;
use brigand_core::networks::{AttentionNetworkRecipe, HeadGeneratorRecipe};
use brigand_core::objectives::{Hinge, Objective};
use brigand_core::players::{AdversarialRecipe, AverageRecipe, DISCRIMINATOR, OptimizerRecipe, Schedule};
use brigand_core::recipe::{Family, Length, Make, Row, SystemRecipe};
use brigand_core::system::System;
use brigand_core::{Error, Result, Setup};
use serde::{Deserialize, Serialize};

use super::super::held_out::HeldOutRecipe;
use super::super::two_player::{DiscriminatorUpdates, Players};
use super::TalkingHead;
use super::losses::HeadLosses;
use super::person::PersonHead;

/// What is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Phase {
    /// All networks, on episodes of many people.
    Meta {},
    /// The generator, one person's style and a discriminator of that person, from where `brigand adapt` starts them.
    Person {},
}

impl Default for Phase {
    fn default() -> Self {
        Self::Meta {}
    }
}

/// Everything that makes a talking head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TalkingHeadRecipe {
    /// What is trained.
    #[serde(default)]
    pub phase: Phase,
    /// Numbers of an embedding.
    pub embedding: usize,
    /// The embedder's network.
    pub embedder: AttentionNetworkRecipe,
    /// The generator's network.
    pub generator: HeadGeneratorRecipe,
    /// The discriminator's network.
    pub discriminator: AttentionNetworkRecipe,
    /// What generated samples and the discriminator are trained by.
    #[serde(flatten)]
    pub adversarial: AdversarialRecipe,
    /// The parts of the generator's loss.
    pub losses: HeadLosses,
    /// How they step: the generator with embedder and projection, and the discriminator.
    pub optimizer: Players<OptimizerRecipe>,
    /// How the step sizes change over the run.
    pub schedule: Schedule,
    /// Who steps how often.
    #[serde(default)]
    pub update: DiscriminatorUpdates,
    /// The average of the weights that frames are made with.
    pub average: AverageRecipe,
    /// When it is measured on people who are kept from training.
    pub held_out: HeldOutRecipe,
}

/// Its row of the registry.
pub const ROW: Row = Row {
    name: "talking-head",
    family: Family::Translation,
    summary: "a person of whom a few frames are known, drawn in the poses of landmarks: embedder, AdaIN, fine-tuning",
    paper: "Zakharov et al. 2019, arXiv:1905.08233",
    data: "cartoon-faces",
    length: |_| Length { steps: 1500, batch: 8 },
    make: Make::of::<TalkingHeadRecipe>(),
};

impl SystemRecipe for TalkingHeadRecipe {
    const NEEDS: &'static [Need] = &[Need::Aligned(IMAGES.0, LANDMARKS.0)];

    /// Narrow networks for frames of 32 pixels, and larger steps than the paper's.
    fn defaults(kind: SampleKind) -> Result<Self> {
        kind.refuse_points(
            "talking-head needs images of people with landmarks; give --data cartoon-faces or identities:DIR",
        )?;
        Ok(Self {
            phase: Phase::default(),
            embedding: 64,
            embedder: AttentionNetworkRecipe { width: 12, attention: 0 },
            generator: HeadGeneratorRecipe { width: 24, halvings: 2, blocks: 2, attention: 0 },
            discriminator: AttentionNetworkRecipe { width: 12, attention: 0 },
            adversarial: AdversarialRecipe::of(Objective::Hinge(Hinge {})),
            losses: HeadLosses { content: 10.0, adversarial: 0.1, features: 1.0, matching: 0.1 },
            optimizer: Players {
                generator: OptimizerRecipe::adam(1e-3, 0.0, 0.99),
                discriminator: OptimizerRecipe::adam(1e-3, 0.0, 0.99),
            },
            schedule: Schedule::Linear { after: 0.5 },
            update: DiscriminatorUpdates { discriminator_steps: 1 },
            average: AverageRecipe::OFF,
            held_out: HeldOutRecipe { every: 500 },
        })
    }

    fn check(&self) -> Result<()> {
        if self.embedding == 0 || self.embedding > 4096 {
            return Err(Error::Recipe(format!("embedding is {}; give 1 to 4096", self.embedding)));
        }
        self.embedder.check("embedder")?;
        self.generator.check()?;
        self.discriminator.check(DISCRIMINATOR)?;
        self.adversarial.check()?;
        self.optimizer.check()?;
        self.schedule.check()?;
        self.average.check()?;
        let HeadLosses { content, adversarial, features, matching } = self.losses;
        at_least_zero(&[
            ("losses.content", content),
            ("losses.adversarial", adversarial),
            ("losses.features", features),
            ("losses.matching", matching),
        ])?;
        if content == 0.0 && !self.losses.use_discriminator() {
            return Err(Error::Recipe(
                "losses.content, losses.adversarial and losses.features are all 0, which leaves nothing to train by".into(),
            ));
        }
        if matching > 0.0 && !self.losses.use_discriminator() {
            return Err(Error::Recipe(
                "losses.matching needs a discriminator, and losses.adversarial and losses.features are 0; set \
                 losses.matching=0 too"
                    .into(),
            ));
        }
        self.update.check()
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        self.schedule.spread_over_run()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        Ok(match self.phase {
            Phase::Meta {} => Box::new(TalkingHead::new(self, setup)?),
            Phase::Person {} => Box::new(PersonHead::new(self, setup)?),
        })
    }
}
