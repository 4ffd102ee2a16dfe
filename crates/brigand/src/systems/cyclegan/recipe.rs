//! What makes a CycleGAN.

use brigand_core::batch::{IMAGES, Need, SECOND, SampleKind};
use brigand_core::networks::{GanillaRecipe, PatchRecipe, ResidualTranslatorRecipe, TranslatorRecipe};
use brigand_core::objectives::{LeastSquares, Objective};
use brigand_core::penalties::{Constraint, Penalty};
use brigand_core::players::{OptimizerRecipe, Rules, Schedule};
use brigand_core::recipe::SystemRecipe;
use brigand_core::system::System;
use brigand_core::techniques::InstanceNoise;
use brigand_core::{Error, Result, Setup};
use serde::{Deserialize, Serialize};

use super::super::held_out::HeldOutRecipe;
use super::super::translation::{TranslationOptimizers, check_losses};
use super::CycleGan;

/// The parts of the translators' loss besides the discriminators'.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CycleGanLosses {
    /// Weight of the mean absolute distance to the original after both translations.
    pub cycle: f64,
    /// Weight, as a share of the former, of the change to images that are of the wanted domain already; 0 where the domains
    /// have different channels.
    pub identity: f64,
}

/// Earlier translations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolRecipe {
    /// Translations that are kept for the discriminators' updates; 0 to give them the newest only.
    pub size: usize,
}

/// Everything that makes a CycleGAN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CycleGanRecipe {
    /// Both translators' network.
    pub translator: TranslatorRecipe,
    /// Both discriminators' network.
    pub discriminator: PatchRecipe,
    /// What translators and discriminators minimise.
    pub objective: Objective,
    /// What is added to the discriminators' losses.
    #[serde(default)]
    pub penalty: Penalty,
    /// What constrains the discriminators without a term in their losses.
    #[serde(default)]
    pub constraint: Constraint,
    /// Noise on images before the discriminators.
    #[serde(default)]
    pub instance_noise: InstanceNoise,
    /// The other parts of the translators' loss.
    pub losses: CycleGanLosses,
    /// Earlier translations for the discriminators.
    pub pool: PoolRecipe,
    /// How they step.
    pub optimizer: TranslationOptimizers,
    /// How the step sizes change over the run.
    pub schedule: Schedule,
    /// When it is measured on samples kept from it.
    pub held_out: HeldOutRecipe,
}

impl CycleGanRecipe {
    pub(super) fn rules(&self) -> Rules {
        let Self { penalty, constraint, instance_noise: noise, .. } = *self;
        Rules { penalty, constraint, noise, ..Rules::plain(self.objective) }
    }

    /// GANILLA's values: its translator, patches that are large enough for a flat sky, and the identity loss, whose images have the
    /// same colours in both domains.
    pub(super) fn ganilla(kind: SampleKind) -> Result<Self> {
        let mut recipe = Self::named("ganilla", kind)?;
        recipe.translator = TranslatorRecipe::Ganilla(GanillaRecipe::default());
        recipe.discriminator.halvings = 2;
        recipe.losses.identity = 0.5;
        recipe.optimizer.discriminator = OptimizerRecipe::adam(2e-4, 0.5, 0.999);
        Ok(recipe)
    }

    /// CycleGAN's values for a system of this name.
    fn named(name: &str, kind: SampleKind) -> Result<Self> {
        match kind {
            SampleKind::Image => {}
            SampleKind::Points => {
                return Err(Error::Recipe(format!(
                    "{name} needs images of two domains; give --data scenes or unpaired:SPEC_A,SPEC_B"
                )));
            }
        }
        let optimizer = OptimizerRecipe::adam(1e-3, 0.5, 0.999);
        Ok(Self {
            translator: TranslatorRecipe::Residual(ResidualTranslatorRecipe::default()),
            discriminator: PatchRecipe { width: 16, halvings: 1 },
            objective: Objective::LeastSquares(LeastSquares { a: 0.0, b: 1.0, c: 1.0 }),
            penalty: Penalty::default(),
            constraint: Constraint::default(),
            instance_noise: InstanceNoise::default(),
            losses: CycleGanLosses { cycle: 10.0, identity: 0.0 },
            pool: PoolRecipe { size: 50 },
            optimizer: TranslationOptimizers { translator: optimizer, discriminator: optimizer },
            schedule: Schedule::Linear { after: 0.5 },
            held_out: HeldOutRecipe { every: 500 },
        })
    }
}

impl SystemRecipe for CycleGanRecipe {
    const NEEDS: &'static [Need] = &[Need::Numbers(IMAGES), Need::Numbers(SECOND)];

    /// The paper's losses; networks for images of 16 to 64 pixels.
    fn defaults(kind: SampleKind) -> Result<Self> {
        Self::named("cyclegan", kind)
    }

    fn check(&self) -> Result<()> {
        self.translator.check()?;
        self.discriminator.check()?;
        self.rules().check()?;
        self.optimizer.check()?;
        self.schedule.check()?;
        check_losses(&[("cycle", self.losses.cycle), ("identity", self.losses.identity)])?;
        if self.pool.size > 10_000 {
            return Err(Error::Recipe(format!("pool.size is {}; give 0 to 10000", self.pool.size)));
        }
        Ok(())
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        self.schedule.spread_over_run()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        Ok(Box::new(CycleGan::new(self, setup)?))
    }
}
