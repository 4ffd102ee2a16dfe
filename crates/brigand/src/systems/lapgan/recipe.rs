//! What makes a LAPGAN.

use brigand_core::batch::{Need, SampleKind};
use brigand_core::latent::{LatentRecipe, Prior};
use brigand_core::limits::at_least_zero;
use brigand_core::networks::{
    DetailDiscriminatorRecipe, DetailGeneratorRecipe, Hidden, HiddenNormalization, MlpRecipe, NetworkRecipe,
};
use brigand_core::players::{AdversarialRecipe, AverageRecipe, OptimizerRecipe, Schedule};
use brigand_core::pyramid::{PyramidRecipe, Reduction};
use brigand_core::recipe::SystemRecipe;
use brigand_core::system::System;
use brigand_core::{Error, Result, Setup};
use serde::{Deserialize, Serialize};

use super::super::two_player::Players;
use super::Lapgan;

/// The networks of the smallest images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmallestRecipe {
    /// From noise and class to the smallest images.
    pub generator: NetworkRecipe,
    /// Scores them.
    pub discriminator: NetworkRecipe,
}

/// The networks of every larger size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetailRecipe {
    /// From enlarged smaller images to the detail that they lack.
    pub generator: DetailGeneratorRecipe,
    /// Scores images beside the enlarged smaller ones.
    pub discriminator: DetailDiscriminatorRecipe,
    /// The standard deviation of the noise on enlarged images in training. Generated smaller images differ from real ones,
    /// and detail is then made for both.
    pub noise: f64,
    /// The share of images whose class is withheld from these networks in training, which makes them work without one.
    pub unknown_class: f64,
}

/// Everything that makes a LAPGAN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LapganRecipe {
    /// The noise of the smallest images; the planes of noise for detail have the same distribution.
    pub latent: LatentRecipe,
    /// How images are taken apart.
    pub pyramid: PyramidRecipe,
    /// The networks of the smallest images.
    pub smallest: SmallestRecipe,
    /// The networks of every larger size.
    pub detail: DetailRecipe,
    /// What generated samples and the discriminator are trained by.
    #[serde(flatten)]
    pub adversarial: AdversarialRecipe,
    /// How they step.
    pub optimizer: Players<OptimizerRecipe>,
    /// How the step sizes change over the run.
    pub schedule: Schedule,
    /// The averages of the generators' weights that samples are taken from.
    pub average: AverageRecipe,
}

impl SystemRecipe for LapganRecipe {
    const NEEDS: &'static [Need] = &[Need::Samples];

    /// Networks for small grey images.
    fn defaults(kind: SampleKind) -> Result<Self> {
        kind.refuse_points("lapgan needs images; give --data digits, mnist or another set of images")?;
        let mlp = |widths: &[usize], activation, normalization| {
            let widths = widths.to_vec();
            NetworkRecipe::Mlp(MlpRecipe { widths, activation, normalization, ..MlpRecipe::default() })
        };
        let adam = OptimizerRecipe::adam(5e-4, 0.5, 0.999);
        Ok(Self {
            latent: LatentRecipe { size: 32, prior: Prior::Normal },
            pyramid: PyramidRecipe { reduction: Reduction::Blur, smallest: 4 },
            smallest: SmallestRecipe {
                generator: mlp(&[256, 256], Hidden::Relu, HiddenNormalization::BeforeActivation),
                discriminator: mlp(&[256, 256], Hidden::LeakyRelu, HiddenNormalization::None),
            },
            detail: DetailRecipe {
                generator: DetailGeneratorRecipe { width: 32 },
                discriminator: DetailDiscriminatorRecipe { width: 32, dropout: 0.0 },
                noise: 0.1,
                unknown_class: 0.1,
            },
            adversarial: AdversarialRecipe::default(),
            optimizer: Players { generator: adam, discriminator: adam },
            schedule: Schedule::Linear { after: 0.5 },
            average: AverageRecipe { decay: 0.99 },
        })
    }

    fn check(&self) -> Result<()> {
        self.latent.check()?;
        self.pyramid.check()?;
        self.detail.generator.check("detail.generator")?;
        self.detail.discriminator.check("detail.discriminator")?;
        at_least_zero(&[("detail.noise", self.detail.noise)])?;
        if !(0.0..=1.0).contains(&self.detail.unknown_class) {
            return Err(Error::Recipe(format!(
                "detail.unknown_class is {}; give a share from 0 to 1",
                self.detail.unknown_class
            )));
        }
        self.adversarial.check()?;
        self.optimizer.check()?;
        self.schedule.check()?;
        self.average.check()
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        self.schedule.spread_over_run()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        Ok(Box::new(Lapgan::new(self, setup)?))
    }
}
