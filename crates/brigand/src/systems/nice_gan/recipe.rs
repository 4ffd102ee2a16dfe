//! What makes a NICE-GAN.

use brigand_core::batch::{IMAGES, Need, SECOND, SampleKind};
use brigand_core::limits::at_least_zero;
use brigand_core::networks::{CodeTranslatorRecipe, Doubling, EncodingDiscriminatorRecipe};
use brigand_core::objectives::{LeastSquares, Objective};
use brigand_core::players::{AdversarialRecipe, OptimizerRecipe, Schedule};
use brigand_core::recipe::SystemRecipe;
use brigand_core::system::System;
use brigand_core::{Result, Setup};
use serde::{Deserialize, Serialize};

use super::super::held_out::HeldOutRecipe;
use super::super::translation::TranslationOptimizers;
use super::NiceGan;

/// The weights of the translators' loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NiceGanLosses {
    /// Weight of the discriminators' part: the sum over the scores of smaller patches, of larger ones, and of the attention's
    /// classifier.
    pub adversarial: f64,
    /// Weight of the mean absolute distance to the original after both translations.
    pub cycle: f64,
    /// Weight of the mean absolute distance of an image to what its code gives when it is translated into its own domain.
    pub reconstruction: f64,
}

/// Everything that makes a NICE-GAN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NiceGanRecipe {
    /// Whether the translators' step trains the encoders as well, which the discriminators alone should (an ablation).
    #[serde(default)]
    pub couple: bool,
    /// Both translators' network, from codes to images.
    pub translator: CodeTranslatorRecipe,
    /// Both discriminators' network, whose first layers encode.
    pub discriminator: EncodingDiscriminatorRecipe,
    /// What generated samples and the discriminator are trained by.
    #[serde(flatten)]
    pub adversarial: AdversarialRecipe,
    /// The weights of the translators' loss.
    pub losses: NiceGanLosses,
    /// How they step.
    pub optimizer: TranslationOptimizers,
    /// How the step sizes change over the run.
    pub schedule: Schedule,
    /// When it is measured on samples kept from it.
    pub held_out: HeldOutRecipe,
}

impl SystemRecipe for NiceGanRecipe {
    const NEEDS: &'static [Need] = &[Need::Numbers(IMAGES), Need::Numbers(SECOND)];

    /// The paper's losses; networks and step sizes for images of 32 pixels.
    fn defaults(kind: SampleKind) -> Result<Self> {
        kind.refuse_points(
            "nice-gan needs images of two domains; give --data landscapes or unpaired:SPEC_A,SPEC_B",
        )?;
        let optimizer = OptimizerRecipe::adam(5e-4, 0.5, 0.999);
        Ok(Self {
            couple: false,
            translator: CodeTranslatorRecipe { width: 12, blocks: 3, doubling: Doubling::PixelShuffle },
            discriminator: EncodingDiscriminatorRecipe { width: 16, local_halvings: 0, global_halvings: 1 },
            adversarial: AdversarialRecipe::of(Objective::LeastSquares(LeastSquares {
                a: 0.0,
                b: 1.0,
                c: 1.0,
            })),
            losses: NiceGanLosses { adversarial: 1.0, cycle: 10.0, reconstruction: 10.0 },
            optimizer: TranslationOptimizers { translator: optimizer, discriminator: optimizer },
            schedule: Schedule::Linear { after: 0.5 },
            held_out: HeldOutRecipe { every: 500 },
        })
    }

    fn check(&self) -> Result<()> {
        self.translator.check()?;
        self.discriminator.check()?;
        self.adversarial.check()?;
        self.optimizer.check()?;
        self.schedule.check()?;
        let NiceGanLosses { adversarial, cycle, reconstruction } = self.losses;
        at_least_zero(&[
            ("losses.adversarial", adversarial),
            ("losses.cycle", cycle),
            ("losses.reconstruction", reconstruction),
        ])
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        self.schedule.spread_over_run()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        Ok(Box::new(NiceGan::new(self, setup)?))
    }
}
