//! What makes a CycleGAN.

use brigand_core::batch::{IMAGES, Need, SECOND, SampleKind};
use brigand_core::limits::at_least_zero;
use brigand_core::networks::{GanillaRecipe, PatchRecipe, ResidualTranslatorRecipe, TranslatorRecipe};
use brigand_core::objectives::{LeastSquares, Objective};
use brigand_core::players::{AdversarialRecipe, OptimizerRecipe, Schedule};
use brigand_core::recipe::SystemRecipe;
use brigand_core::system::System;
use brigand_core::{Error, Result, Setup};
use serde::{Deserialize, Serialize};

use super::super::held_out::HeldOutRecipe;
use super::super::translation::TranslationOptimizers;
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
    /// What generated samples and the discriminator are trained by.
    #[serde(flatten)]
    pub adversarial: AdversarialRecipe,
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
        kind.refuse_points(&format!(
            "{name} needs images of two domains; give --data scenes or unpaired:SPEC_A,SPEC_B"
        ))?;
        let optimizer = OptimizerRecipe::adam(1e-3, 0.5, 0.999);
        Ok(Self {
            translator: TranslatorRecipe::Residual(ResidualTranslatorRecipe::default()),
            discriminator: PatchRecipe { width: 16, halvings: 1 },
            adversarial: AdversarialRecipe::of(Objective::LeastSquares(LeastSquares {
                a: 0.0,
                b: 1.0,
                c: 1.0,
            })),
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
        self.adversarial.check()?;
        self.optimizer.check()?;
        self.schedule.check()?;
        at_least_zero(&[("losses.cycle", self.losses.cycle), ("losses.identity", self.losses.identity)])?;
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
