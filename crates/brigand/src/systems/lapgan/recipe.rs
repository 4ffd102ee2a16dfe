//! What makes a LAPGAN.

use brigand_core::batch::{Need, SampleKind};
use brigand_core::latent::{LatentRecipe, Prior};
use brigand_core::networks::{
    DetailDiscriminatorRecipe, DetailGeneratorRecipe, Hidden, HiddenNormalization, MlpRecipe, NetworkRecipe,
};
use brigand_core::objectives::Objective;
use brigand_core::penalties::{Constraint, Penalty};
use brigand_core::players::{AverageRecipe, DISCRIMINATOR, OptimizerRecipe, Rules, Schedule};
use brigand_core::pyramid::{PyramidRecipe, Reduction};
use brigand_core::recipe::SystemRecipe;
use brigand_core::system::System;
use brigand_core::techniques::InstanceNoise;
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
    /// What the players of each size minimise.
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
    /// How they step.
    pub optimizer: Players<OptimizerRecipe>,
    /// How the step sizes change over the run.
    pub schedule: Schedule,
    /// The averages of the generators' weights that samples are taken from.
    pub average: AverageRecipe,
}

impl LapganRecipe {
    pub(super) fn rules(&self) -> Rules {
        let Self { penalty, constraint, instance_noise: noise, .. } = *self;
        Rules { penalty, constraint, noise, ..Rules::plain(self.objective) }
    }
}

impl SystemRecipe for LapganRecipe {
    const NEEDS: &'static [Need] = &[Need::Samples];

    /// Networks for small grey images.
    fn defaults(kind: SampleKind) -> Result<Self> {
        match kind {
            SampleKind::Image => {}
            SampleKind::Points => {
                return Err(Error::Recipe(
                    "lapgan needs images; give --data digits, mnist or another set of images".into(),
                ));
            }
        }
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
            objective: Objective::NON_SATURATING,
            penalty: Penalty::default(),
            constraint: Constraint::default(),
            instance_noise: InstanceNoise::default(),
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
        if !(self.detail.noise >= 0.0 && self.detail.noise.is_finite()) {
            return Err(Error::Recipe(format!("detail.noise is {}; give 0 or more", self.detail.noise)));
        }
        if !(0.0..=1.0).contains(&self.detail.unknown_class) {
            return Err(Error::Recipe(format!(
                "detail.unknown_class is {}; give a share from 0 to 1",
                self.detail.unknown_class
            )));
        }
        self.objective.refuse_energies()?;
        self.rules().check()?;
        self.optimizer.generator.check("generator")?;
        self.optimizer.discriminator.check(DISCRIMINATOR)?;
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
