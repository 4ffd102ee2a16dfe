//! What makes a SinGAN.

use brigand_core::batch::{Need, PICTURE, SampleKind};
use brigand_core::limits::{at_least_zero, within};
use brigand_core::networks::ScaleNetworkRecipe;
use brigand_core::objectives::{Objective, Wasserstein};
use brigand_core::penalties::{Cost, Penalty, Probe};
use brigand_core::players::{AdversarialRecipe, OptimizerRecipe, Schedule};
use brigand_core::recipe::SystemRecipe;
use brigand_core::system::System;
use brigand_core::{Result, Setup};
use serde::{Deserialize, Serialize};

use super::super::two_player::Players;
use super::Singan;
use super::pyramid::PyramidRecipe;

/// The other parts of the generators' loss, and their noise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SinganLosses {
    /// Weight of the mean square distance of the picture to what its fixed noise gives.
    pub reconstruction: f64,
    /// Noise of a scale above the coarsest, as a factor of the root mean square of what that reconstruction lacks there.
    pub noise: f64,
}

/// How often the networks step in one step of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Updates {
    /// Updates of the discriminator.
    pub discriminator_steps: u64,
    /// Updates of the generator after them.
    pub generator_steps: u64,
}

/// Everything that makes a SinGAN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SinganRecipe {
    /// The sizes of the picture that are trained one after another.
    pub pyramid: PyramidRecipe,
    /// The networks of each scale.
    pub networks: ScaleNetworkRecipe,
    /// What generated samples and the discriminator are trained by.
    #[serde(flatten)]
    pub adversarial: AdversarialRecipe,
    /// The other parts of the generators' loss.
    pub losses: SinganLosses,
    /// Updates of the two networks in a step.
    pub updates: Updates,
    /// How they step.
    pub optimizer: Players<OptimizerRecipe>,
    /// How the step sizes change while one scale is trained.
    pub schedule: Schedule,
}

impl SystemRecipe for SinganRecipe {
    const NEEDS: &'static [Need] = &[Need::Numbers(PICTURE)];

    /// The paper's losses and step sizes, with one update of each network in a step and narrow networks, for a picture of
    /// 32 to 64 pixels.
    fn defaults(kind: SampleKind) -> Result<Self> {
        kind.refuse_points("singan needs images: one picture, for example --data image:FILE")?;
        let adam = OptimizerRecipe::adam(5e-4, 0.5, 0.999);
        Ok(Self {
            pyramid: PyramidRecipe { smallest: 16, factor: 0.7 },
            networks: ScaleNetworkRecipe { width: 16, doubled_after: 4, layers: 5 },
            adversarial: AdversarialRecipe {
                penalty: Penalty::Gradient {
                    probe: Probe::Line,
                    cost: Cost::TwoSidedByPosition,
                    weight: 0.1,
                },
                ..AdversarialRecipe::of(Objective::Wasserstein(Wasserstein {}))
            },
            losses: SinganLosses { reconstruction: 10.0, noise: 0.1 },
            updates: Updates { discriminator_steps: 1, generator_steps: 1 },
            optimizer: Players { generator: adam, discriminator: adam },
            schedule: Schedule::Drop { after: 0.8, end: 0.1 },
        })
    }

    fn check(&self) -> Result<()> {
        self.pyramid.check()?;
        self.networks.check()?;
        self.adversarial.check()?;
        self.optimizer.check()?;
        self.schedule.check()?;
        let SinganLosses { reconstruction, noise } = self.losses;
        at_least_zero(&[("losses.reconstruction", reconstruction), ("losses.noise", noise)])?;
        let Updates { discriminator_steps, generator_steps } = self.updates;
        within("updates.discriminator_steps", discriminator_steps, 1..=100)?;
        within("updates.generator_steps", generator_steps, 1..=100)
    }

    /// The steps are shared by the scales.
    fn spread_over_run(&self) -> Vec<&'static str> {
        [vec!["pyramid"], self.schedule.spread_over_run()].concat()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        Ok(Box::new(Singan::new(self, setup)?))
    }
}
