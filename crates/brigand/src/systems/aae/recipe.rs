//! The tables that the recipes of the four forms have in common.

use brigand_core::batch::{SampleKind, SampleShape};
use brigand_core::networks::{
    ConditionUse, Discriminator, DiscriminatorOptions, Hidden, MlpRecipe, NetworkRecipe,
};
use brigand_core::objectives::Objective;
use brigand_core::players::{Critic, OptimizerRecipe, Player, Rules, Schedule};
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

/// What all forms have: networks, code, and what the discriminators minimise.
pub(super) struct Tables {
    pub(super) encoder: NetworkRecipe,
    pub(super) decoder: NetworkRecipe,
    pub(super) discriminator: NetworkRecipe,
    pub(super) latent: CodeRecipe,
    pub(super) rules: Rules,
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
            rules: Rules::plain(Objective::NON_SATURATING),
            schedule: Schedule::Constant {},
        }
    }

    /// Refuses values that no form can have.
    pub(super) fn check(&self) -> Result<()> {
        self.rules.check()?;
        self.rules.objective.refuse_energies()?;
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
        name: &str,
        optimizer: OptimizerRecipe,
        (size, condition): (usize, usize),
        setup: &Setup,
    ) -> Result<Critic<Discriminator>> {
        let options = DiscriminatorOptions {
            reparametrisation: self.rules.constraint.reparametrisation(),
            condition: match condition {
                0 => ConditionUse::None,
                size => ConditionUse::BesideSample(size),
            },
            ..DiscriminatorOptions::default()
        };
        let codes = SampleShape::Points { dimensions: size };
        let network = self.discriminator.discriminator(name, setup, codes, options)?;
        Critic::new(Player::new(network, optimizer)?.scheduled(self.schedule), self.rules)
    }
}

/// Declares the recipe of a form: the tables that all forms have, then its own.
macro_rules! autoencoder_recipe {
    ($(#[$about:meta])* $name:ident { $($(#[$meaning:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            /// From samples to codes.
            encoder: brigand_core::networks::NetworkRecipe,
            /// From codes to samples.
            decoder: brigand_core::networks::NetworkRecipe,
            /// Scores codes.
            discriminator: brigand_core::networks::NetworkRecipe,
            /// The code.
            latent: super::recipe::CodeRecipe,
            /// What discriminator and encoder minimise.
            objective: brigand_core::objectives::Objective,
            /// What is added to the discriminator's loss.
            #[serde(default)]
            penalty: brigand_core::penalties::Penalty,
            /// What constrains the discriminator without a term in its loss.
            #[serde(default)]
            constraint: brigand_core::penalties::Constraint,
            /// Noise on codes before the discriminator.
            #[serde(default)]
            instance_noise: brigand_core::techniques::InstanceNoise,
            /// How step sizes change.
            schedule: brigand_core::players::Schedule,
            $($(#[$meaning])* $field: $kind,)*
        }

        impl $name {
            fn new(tables: super::recipe::Tables, $($field: $kind),*) -> Self {
                let super::recipe::Tables { encoder, decoder, discriminator, latent, rules, schedule } = tables;
                Self {
                    encoder,
                    decoder,
                    discriminator,
                    latent,
                    objective: rules.objective,
                    penalty: rules.penalty,
                    constraint: rules.constraint,
                    instance_noise: rules.noise,
                    schedule,
                    $($field,)*
                }
            }

            /// The tables that all forms have.
            fn tables(&self) -> super::recipe::Tables {
                super::recipe::Tables {
                    encoder: self.encoder.clone(),
                    decoder: self.decoder.clone(),
                    discriminator: self.discriminator.clone(),
                    latent: self.latent,
                    rules: brigand_core::players::Rules {
                        penalty: self.penalty,
                        constraint: self.constraint,
                        noise: self.instance_noise,
                        ..brigand_core::players::Rules::plain(self.objective)
                    },
                    schedule: self.schedule,
                }
            }
        }
    };
}

pub(super) use autoencoder_recipe;
