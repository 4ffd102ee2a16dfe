//! What makes a finder of labels.

use brigand_core::batch::{IMAGES, Need, SampleKind, TAGS};
use brigand_core::limits::{at_least_zero, within};
use brigand_core::networks::{DcganRecipe, MlpRecipe, NetworkRecipe};
use brigand_core::players::{AdversarialRecipe, AverageRecipe, OptimizerRecipe, Schedule};
use brigand_core::recipe::SystemRecipe;
use brigand_core::system::System;
use brigand_core::{Error, Result, Setup};
use serde::{Deserialize, Serialize};

use super::super::held_out::HeldOutRecipe;
use super::super::two_player::{DiscriminatorUpdates, Players};
use super::ImageToLabel;

/// What the discriminator is given of the generator's labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabelOutput {
    /// Their probabilities.
    Probabilities,
    /// 1 for a probability of 0.5 or more and 0 below, with the gradient of the probability (straight-through estimator, Bengio
    /// et al. 2013, arXiv:1308.3432).
    StraightThrough,
    /// 1 or 0, drawn by the probability of each label independently of the others, with the gradient of the relaxed draw (Jang et
    /// al. 2016, arXiv:1611.01144, at temperature 1): labels that do not go together are drawn together wherever both are
    /// uncertain.
    Sampled,
}

/// How labels are generated, and what the discriminator is given of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelsRecipe {
    /// Numbers of an image's features, which labels are found by and which the discriminator is given beside labels.
    pub features: usize,
    /// Numbers of the noise beside the features; 0 for none. Labels are found with noise of 0.
    pub noise: usize,
    /// What the discriminator is given of the generator's labels.
    pub output: LabelOutput,
    /// Real labels before the discriminator are moved towards the other value by up to this much, so that they cannot be separated from
    /// probabilities by being whole numbers; 0 leaves them.
    pub blur: f64,
}

/// The parts of the losses.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelLosses {
    /// Weight of the cross-entropy, a mean over samples and labels.
    pub cross_entropy: f64,
    /// Weight of the discriminator's part in the generator's loss; 0 trains a plain classifier, without a discriminator.
    pub adversarial: f64,
    /// Whether the discriminator also learns from images with the labels of others.
    pub mismatched: bool,
}

/// Everything that makes a conditional GAN of the labels of images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageToLabelRecipe {
    /// The network from images to features.
    pub encoder: NetworkRecipe,
    /// How labels are generated.
    pub labels: LabelsRecipe,
    /// The discriminator's network, of labels beside features.
    pub discriminator: NetworkRecipe,
    /// What generator and discriminator minimise beside the cross-entropy, and what constrains the discriminator; gradients of
    /// a penalty are those by the labels.
    #[serde(flatten)]
    pub adversarial: AdversarialRecipe,
    /// The parts of the losses.
    pub losses: LabelLosses,
    /// Who steps how often.
    pub update: DiscriminatorUpdates,
    /// How they step.
    pub optimizer: Players<OptimizerRecipe>,
    /// How the step sizes change over the run.
    pub schedule: Schedule,
    /// The average of the generator's weights that is measured and used afterwards.
    pub average: AverageRecipe,
    /// When it is measured on images kept from it.
    pub held_out: HeldOutRecipe,
}

impl SystemRecipe for ImageToLabelRecipe {
    const NEEDS: &'static [Need] = &[Need::Numbers(TAGS), Need::Aligned(IMAGES.0, TAGS.0)];

    fn defaults(kind: SampleKind) -> Result<Self> {
        kind.refuse_points("image-to-label needs images with several labels each; give --data tagged-shapes or tags:FILE.csv")?;
        Ok(Self {
            encoder: NetworkRecipe::Dcgan(DcganRecipe { width: 16, ..DcganRecipe::default() }),
            labels: LabelsRecipe { features: 64, noise: 0, output: LabelOutput::Sampled, blur: 0.0 },
            discriminator: NetworkRecipe::Mlp(MlpRecipe { widths: vec![128, 128], ..MlpRecipe::default() }),
            adversarial: AdversarialRecipe::wgan_gp(),
            losses: LabelLosses { cross_entropy: 1.0, adversarial: 0.1, mismatched: true },
            update: DiscriminatorUpdates { discriminator_steps: 1 },
            optimizer: Players {
                generator: OptimizerRecipe::adam(1e-3, 0.9, 0.999),
                discriminator: OptimizerRecipe::adam(1e-3, 0.5, 0.9),
            },
            schedule: Schedule::Linear { after: 0.5 },
            average: AverageRecipe { decay: 0.995 },
            held_out: HeldOutRecipe { every: 500 },
        })
    }

    fn check(&self) -> Result<()> {
        let LabelsRecipe { features, noise, blur, .. } = self.labels;
        within("labels.features", features, 1..=65_536)?;
        within("labels.noise", noise, 0..=65_536)?;
        if !(0.0..0.5).contains(&blur) {
            return Err(Error::Recipe(format!("labels.blur is {blur}; give 0 or more and less than 0.5")));
        }
        let LabelLosses { cross_entropy, adversarial, .. } = self.losses;
        at_least_zero(&[("losses.cross_entropy", cross_entropy), ("losses.adversarial", adversarial)])?;
        if cross_entropy == 0.0 && adversarial == 0.0 {
            return Err(Error::Recipe(
                "losses.cross_entropy and losses.adversarial are both 0, which leaves nothing to train by"
                    .into(),
            ));
        }
        self.update.check()?;
        self.adversarial.check()?;
        self.optimizer.check()?;
        self.schedule.check()?;
        self.average.check()
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        self.schedule.spread_over_run()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        Ok(Box::new(ImageToLabel::new(self, setup)?))
    }
}
