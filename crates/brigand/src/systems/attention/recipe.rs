//! The recipe of SAGAN and BigGAN, and their rows of the registry.

use brigand_core::batch::{LABELS, Need, SampleKind};
use brigand_core::latent::{LatentRecipe, Prior};
use brigand_core::limits::at_least_zero;
use brigand_core::modules::Initialization;
use brigand_core::networks::{AttentionNetworkRecipe, Modulation};
use brigand_core::objectives::{Hinge, Objective};
use brigand_core::players::{AdversarialRecipe, AverageRecipe, DISCRIMINATOR, OptimizerRecipe, Schedule};
use brigand_core::recipe::{Family, Length, Make, Row, SystemRecipe, parse};
use brigand_core::system::System;
use brigand_core::{Error, Result, Setup};
use serde::{Deserialize, Serialize};

use super::super::two_player::{DiscriminatorUpdates, Players};
use super::AttentionGan;

/// Everything that makes a class-conditional residual GAN with self-attention.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttentionRecipe {
    /// The noise the generator starts from.
    pub latent: LatentRecipe,
    /// How noise and class reach the generator's blocks.
    #[serde(default)]
    pub modulation: Modulation,
    /// First values of the weights of both networks.
    #[serde(default = "glorot")]
    pub initialization: Initialization,
    /// The generator's network.
    pub generator: AttentionNetworkRecipe,
    /// The discriminator's network.
    pub discriminator: AttentionNetworkRecipe,
    /// What generated samples and the discriminator are trained by.
    #[serde(flatten)]
    pub adversarial: AdversarialRecipe,
    /// Weight of the generator's orthogonal regularisation (Brock et al. 2018, arXiv:1809.11096), over all weights but the
    /// embedding that blocks share; 0 is off.
    #[serde(default)]
    pub orthogonal: f64,
    /// How they step.
    pub optimizer: Players<OptimizerRecipe>,
    /// How the step sizes change over the run.
    pub schedule: Schedule,
    /// Who steps how often.
    #[serde(default)]
    pub update: DiscriminatorUpdates,
    /// The average of the generator's weights that samples are taken from.
    pub average: AverageRecipe,
}

fn glorot() -> Initialization {
    Initialization::Glorot
}

/// SAGAN's row of the registry.
pub const SAGAN: Row = Row {
    name: "sagan",
    family: Family::Images,
    summary: "self-attention GAN: spectral normalisation in both networks, projection discriminator",
    paper: "Zhang et al. 2018, arXiv:1805.08318",
    data: "digits",
    length: |_| Length { steps: 3000, batch: 64 },
    make: Make { defaults: |kind| Ok(Box::new(sagan(kind)?)), parse: parse::<AttentionRecipe> },
};

/// BigGAN's row of the registry.
pub const BIGGAN: Row = Row {
    name: "biggan",
    family: Family::Images,
    summary: "chunks of noise and a shared class embedding in every block, orthogonal regularisation, truncation",
    paper: "Brock et al. 2018, arXiv:1809.11096",
    make: Make { defaults: |kind| Ok(Box::new(biggan(kind)?)), parse: parse::<AttentionRecipe> },
    ..SAGAN
};

/// Refuses points, for the system called `name`.
fn images_only(name: &str, kind: SampleKind) -> Result<()> {
    kind.refuse_points(&format!(
        "{name} needs images with classes; give --data digits or another set of labelled images"
    ))
}

/// Narrow networks for small images, with the paper's ratio of step sizes at five times their size.
fn sagan(kind: SampleKind) -> Result<AttentionRecipe> {
    images_only("sagan", kind)?;
    let network = AttentionNetworkRecipe { width: 16, attention: 32 };
    Ok(AttentionRecipe {
        latent: LatentRecipe { size: 64, prior: Prior::Normal },
        modulation: Modulation::default(),
        initialization: Initialization::Glorot,
        generator: network,
        discriminator: network,
        adversarial: AdversarialRecipe::of(Objective::Hinge(Hinge {})),
        orthogonal: 0.0,
        optimizer: Players {
            generator: OptimizerRecipe::adam(5e-4, 0.0, 0.9),
            discriminator: OptimizerRecipe::adam(2e-3, 0.0, 0.9),
        },
        schedule: Schedule::Constant {},
        update: DiscriminatorUpdates::default(),
        average: AverageRecipe { decay: 0.995 },
    })
}

/// Narrow networks for small images. 60 numbers of noise are equal chunks for images of side 8 to 128; the paper's step
/// sizes, 5e-5 and 2e-4 for batches of 2048, are ten times as large here.
fn biggan(kind: SampleKind) -> Result<AttentionRecipe> {
    images_only("biggan", kind)?;
    Ok(AttentionRecipe {
        latent: LatentRecipe { size: 60, prior: Prior::Normal },
        modulation: Modulation::Chunks { embedding: 16 },
        initialization: Initialization::Orthogonal,
        orthogonal: 1e-4,
        optimizer: Players {
            generator: OptimizerRecipe::adam(5e-4, 0.0, 0.999),
            discriminator: OptimizerRecipe::adam(2e-3, 0.0, 0.999),
        },
        update: DiscriminatorUpdates { discriminator_steps: 2 },
        ..sagan(kind)?
    })
}

impl SystemRecipe for AttentionRecipe {
    const NEEDS: &'static [Need] = &[Need::Samples, Need::Indices(LABELS)];

    fn defaults(kind: SampleKind) -> Result<Self> {
        sagan(kind)
    }

    fn check(&self) -> Result<()> {
        self.latent.check()?;
        self.generator.check("generator")?;
        self.discriminator.check(DISCRIMINATOR)?;
        self.adversarial.check()?;
        self.optimizer.check()?;
        self.schedule.check()?;
        self.average.check()?;
        match self.modulation {
            Modulation::Chunks { embedding } if embedding == 0 || embedding > 4096 => {
                return Err(Error::Recipe(format!("modulation.embedding is {embedding}; give 1 to 4096")));
            }
            Modulation::Tables {} | Modulation::Chunks { .. } => {}
        }
        at_least_zero(&[("orthogonal", self.orthogonal)])?;
        self.update.check()
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        self.schedule.spread_over_run()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        Ok(Box::new(AttentionGan::new(self, setup)?))
    }
}
