//! `aae`: codes that follow a prior.

use brigand_core::batch::{Need, SampleKind};
use brigand_core::capability::{Encoder, Sampler};
use brigand_core::latent::{LatentPart, LatentSpace, NOISE};
use brigand_core::measurements::GENERATOR_LOSS;
use brigand_core::networks::Discriminator;
use brigand_core::players::{AdversarialRecipe, Conditioned, Critic, DISCRIMINATOR, Turn};
use brigand_core::recipe::SystemRecipe;
use brigand_core::system::{Parts, System};
use brigand_core::{Result, Setup};
use serde::{Deserialize, Serialize};

use super::autoencoder::{Autoencoder, adversarial_loss};
use super::prior::PriorRecipe;
use super::recipe::{OptimizersRecipe, PhasesRecipe, Tables};

/// Everything that makes an adversarial auto-encoder without labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AaeRecipe {
    /// What all forms have.
    #[serde(flatten)]
    tables: Tables,
    /// What encoder and discriminators are trained by.
    #[serde(flatten)]
    adversarial: AdversarialRecipe,
    /// The distribution that codes should follow.
    prior: PriorRecipe,
    /// Which phases a step has.
    phases: PhasesRecipe,
    /// How weights step.
    optimizer: OptimizersRecipe,
}

impl SystemRecipe for AaeRecipe {
    const NEEDS: &'static [Need] = &[Need::Samples];

    fn defaults(kind: SampleKind) -> Result<Self> {
        let (prior, optimizer) =
            (PriorRecipe::Normal { deviation: 1.0 }, OptimizersRecipe::adam(1e-3, 5e-4, 5e-4));
        Ok(Self {
            tables: Tables::ordinary(kind, 2),
            adversarial: AdversarialRecipe::default(),
            prior,
            phases: PhasesRecipe::ALL,
            optimizer,
        })
    }

    fn check(&self) -> Result<()> {
        self.tables.check()?;
        self.adversarial.check()?;
        self.optimizer.check()?;
        self.prior.check(self.tables.latent.size)
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        self.tables.schedule.spread_over_run()
    }

    fn files(&mut self) -> Vec<&mut String> {
        self.prior.files()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        let (tables, size) = (&self.tables, self.tables.latent.size);
        let distribution = self.prior.distribution(size, setup.schema.class_counts().len())?;
        let space = LatentSpace::new(vec![LatentPart { name: NOISE, distribution }]);
        let shared = (tables, self.phases, self.optimizer);
        Ok(Box::new(Aae {
            autoencoder: Autoencoder::new(shared, (space, size), setup)?,
            discriminator: tables.critic(
                (DISCRIMINATOR, self.optimizer.discriminator),
                &self.adversarial,
                (size, 0),
                setup,
            )?,
        }))
    }
}

/// The encoder gives a code, and the code is the latent.
struct Aae {
    autoencoder: Autoencoder,
    discriminator: Critic<Discriminator>,
}

impl System for Aae {
    fn parts(&mut self) -> Parts<'_> {
        let mut parts = self.autoencoder.parts();
        parts.push((DISCRIMINATOR, &mut self.discriminator));
        parts
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let (draw, autoencoder) = (turn.only_draw(), &mut self.autoencoder);
        let samples = turn.batch(draw)?.samples()?.clone();
        autoencoder.learn_to_reconstruct((turn, draw), &samples, |codes| Ok(codes.clone()))?;
        if !autoencoder.phases.regularization {
            return Ok(());
        }
        let codes = autoencoder.outputs(draw, &samples)?;
        let prior = autoencoder.codec.draw(draw, "prior", codes.shape()[0])?;
        let sides = (Conditioned::alone(prior), Conditioned::alone(codes));
        let loss = adversarial_loss(&mut self.discriminator, (turn, draw), sides, GENERATOR_LOSS)?;
        autoencoder.regularize(turn, &loss)
    }

    fn as_sampler(&self) -> Option<&dyn Sampler> {
        Some(&self.autoencoder.codec)
    }

    fn as_encoder(&self) -> Option<&dyn Encoder> {
        Some(&self.autoencoder.codec)
    }
}
