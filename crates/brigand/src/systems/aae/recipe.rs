//! The tables that the recipes of the four forms have in common.

use brigand_core::batch::{SampleKind, SampleShape};
use brigand_core::networks::{
    ConditionUse, Discriminator, DiscriminatorOptions, Hidden, MlpRecipe, NetworkRecipe,
};
use brigand_core::players::{AdversarialRecipe, Critic, OptimizerRecipe, Player, Schedule};
use brigand_core::{Error, Result, Setup};
use serde::{Deserialize, Serialize};

/// The code that a sample is encoded into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeRecipe {
    /// Its coordinates.
    pub(super) size: usize,
}

/// The labels that training uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LabelsRecipe {
    /// How many samples have one, as evenly of every class as there are.
    pub(super) count: usize,
}

impl LabelsRecipe {
    /// Refuses 0 labels.
    pub(super) fn check(self) -> Result<()> {
        if self.count == 0 {
            return Err(Error::Recipe(
                "labels.count is 0; give at least 1, or train aae without labels".into(),
            ));
        }
        Ok(())
    }
}

/// The phases of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PhasesRecipe {
    /// Whether encoder and decoder learn to reconstruct.
    pub(super) reconstruction: bool,
    /// Whether codes are made to follow the prior.
    pub(super) regularization: bool,
}

impl PhasesRecipe {
    /// Both phases.
    pub(super) const ALL: Self = Self { reconstruction: true, regularization: true };
}

/// An optimizer for each phase, and the discriminators'.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OptimizersRecipe {
    /// Encoder and decoder, reconstructing.
    pub(super) reconstruction: OptimizerRecipe,
    /// The discriminators.
    pub(super) discriminator: OptimizerRecipe,
    /// The encoder, against the discriminators.
    pub(super) regularization: OptimizerRecipe,
}

impl OptimizersRecipe {
    /// Adam for all of them, with step sizes for reconstruction, discriminators and regularisation.
    pub(super) const fn adam(reconstruction: f64, discriminator: f64, regularization: f64) -> Self {
        Self {
            reconstruction: OptimizerRecipe::adam(reconstruction, 0.9, 0.999),
            discriminator: OptimizerRecipe::adam(discriminator, 0.5, 0.999),
            regularization: OptimizerRecipe::adam(regularization, 0.5, 0.999),
        }
    }

    /// Refuses values with which no step makes sense.
    pub(super) fn check(&self) -> Result<()> {
        self.reconstruction.check("reconstruction")?;
        self.discriminator.check("discriminator")?;
        self.regularization.check("regularization")
    }
}

/// What all forms have: networks, code and schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Tables {
    /// From samples to codes.
    pub(super) encoder: NetworkRecipe,
    /// From codes to samples.
    pub(super) decoder: NetworkRecipe,
    /// Scores codes.
    pub(super) discriminator: NetworkRecipe,
    /// The code.
    pub(super) latent: CodeRecipe,
    /// How step sizes change.
    pub(super) schedule: Schedule,
}

impl Tables {
    /// Two hidden layers everywhere, codes of `size` coordinates.
    pub(super) fn ordinary(kind: SampleKind, size: usize) -> Self {
        let width = match kind {
            SampleKind::Image => 256,
            SampleKind::Points => 128,
        };
        let layers = |activation| {
            NetworkRecipe::Mlp(MlpRecipe { widths: vec![width; 2], activation, ..MlpRecipe::default() })
        };
        Self {
            encoder: layers(Hidden::Relu),
            decoder: layers(Hidden::Relu),
            discriminator: layers(Hidden::LeakyRelu),
            latent: CodeRecipe { size },
            schedule: Schedule::Constant {},
        }
    }

    /// Refuses values that no form can have.
    pub(super) fn check(&self) -> Result<()> {
        self.schedule.check()?;
        let size = self.latent.size;
        if size == 0 || size > 65_536 {
            return Err(Error::Recipe(format!("latent.size is {size}; give 1 to 65536")));
        }
        for (name, network) in [("encoder", &self.encoder), ("discriminator", &self.discriminator)] {
            if network.reconstructs() {
                return Err(Error::Recipe(format!(
                    "{name}.kind=autoencoder has no codes to give; choose mlp, dcgan or resnet"
                )));
            }
        }
        Ok(())
    }

    /// A discriminator called `name` of codes of `size` coordinates, beside which it has a condition of `condition` numbers
    /// (0 for none).
    ///
    /// # Errors
    /// If the network does not fit codes, or its constraint does not fit the network.
    pub(super) fn critic(
        &self,
        (name, optimizer): (&str, OptimizerRecipe),
        adversarial: &AdversarialRecipe,
        (size, condition): (usize, usize),
        setup: &Setup,
    ) -> Result<Critic<Discriminator>> {
        let options = DiscriminatorOptions {
            reparametrisation: adversarial.constraint.reparametrisation(),
            condition: match condition {
                0 => ConditionUse::None,
                size => ConditionUse::BesideSample(size),
            },
            ..DiscriminatorOptions::default()
        };
        let codes = SampleShape::Points { dimensions: size };
        let network = self.discriminator.discriminator(name, setup, codes, options)?;
        Critic::new(Player::new(network, optimizer)?.scheduled(self.schedule), adversarial.rules())
    }
}
