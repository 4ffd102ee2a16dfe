//! The recipe of systems that make images from captions, and their rows of the registry.

use brigand_core::batch::{CAPTION, IMAGES, MEANING, Need, SampleKind};
use brigand_core::latent::{LatentRecipe, Prior};
use brigand_core::limits::{above_zero, within};
use brigand_core::networks::{
    CaptionEncoderRecipe, CaptionReader, ConditionUse, DcganRecipe, DiscriminatorOptions, NetworkRecipe,
    StackRefinerRecipe,
};
use brigand_core::penalties::Penalty;
use brigand_core::players::{
    AdversarialRecipe, AverageRecipe, DISCRIMINATOR, OptimizerRecipe, Rules, Schedule,
};
use brigand_core::recipe::{Family, Length, Make, Row, SystemRecipe, parse};
use brigand_core::system::System;
use brigand_core::{Error, Result, Setup};
use serde::{Deserialize, Serialize};

use super::CaptionGan;
use crate::systems::held_out::HeldOutRecipe;
use crate::systems::phases::check_shares;

/// The space of captions' and images' vectors, and how their encoders are trained.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchingRecipe {
    /// Numbers of a vector.
    pub size: usize,
    /// What the cosine of two vectors is divided by in the contrastive loss.
    pub temperature: f64,
    /// The share of words that are taken for unknown ones in training.
    pub unknown: f64,
}

/// What a generator gets of a caption's vector.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum CaptionCondition {
    /// A linear map of it (Reed et al. 2016, arXiv:1605.05396).
    Projection {
        /// Numbers of the condition.
        #[serde(default = "usual_condition")]
        size: usize,
    },
    /// A draw from a normal distribution whose means and variances are linear in it (Zhang et al. 2016, arXiv:1612.03242).
    Augmentation {
        /// Numbers of the condition.
        #[serde(default = "usual_condition")]
        size: usize,
        /// Weight of the distribution's divergence from the standard normal, in nats a number.
        #[serde(default = "usual_divergence")]
        divergence: f64,
    },
}

const fn usual_condition() -> usize {
    32
}

const fn usual_divergence() -> f64 {
    1.0
}

impl CaptionCondition {
    pub(super) fn size(self) -> usize {
        match self {
            Self::Projection { size } | Self::Augmentation { size, .. } => size,
        }
    }

    /// Whether conditions are drawn.
    pub(super) fn is_drawn(self) -> bool {
        match self {
            Self::Projection { .. } => false,
            Self::Augmentation { .. } => true,
        }
    }
}

/// Which pairs of images and captions the players are given.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairsRecipe {
    /// Whether the discriminator is given real images with captions of other meanings.
    pub wrong: bool,
    /// The share of these pairs whose caption is one of the four of the batch whose vectors are nearest to that of the own one.
    pub near: f64,
    /// The share of generated images whose caption's vector is the mean of two captions'.
    pub interpolated: f64,
    /// Which scores of images and pairs there are.
    #[serde(default)]
    pub scores: PairScores,
}

/// Whether one score of a discriminator says all about an image and a caption.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PairScores {
    /// One score says whether an image is real and shows what its caption says; wrong and generated pairs should have low ones
    /// (Reed et al. 2016, arXiv:1605.05396).
    #[default]
    Joint,
    /// A score without captions separates real from generated images; a score of pairs separates right from wrong pairs of real
    /// images. The generator raises both. Without wrong pairs there is nothing that a score of pairs could be trained on, and
    /// the discriminator has none. In a batch whose captions all mean the same, generated pairs stand for wrong ones.
    Separate,
}

/// Where a discriminator compares images with captions' vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Comparison {
    /// The vector stands beside the features of the whole image, before a hidden layer.
    Features,
    /// The last layer has the scalar product of the vector's and the image's features (Miyato and Koyama 2018,
    /// arXiv:1802.05637).
    Projection,
}

impl Comparison {
    pub(super) fn of(self, size: usize) -> ConditionUse {
        match self {
            Self::Features => ConditionUse::BesideFeatures(size),
            Self::Projection => ConditionUse::Projection(size),
        }
    }
}

/// A second generator that makes larger images of the first one's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Stacking {
    /// None: one generator makes images of the data's size.
    None {},
    /// The first generator makes images of a part of the data's side; once it is trained it stays as it is, and the second one
    /// is trained on its images.
    Second {
        /// How often the side is doubled.
        doublings: usize,
        /// The second generator's network.
        generator: StackRefinerRecipe,
        /// The network of its discriminator, which also scores images without their captions.
        discriminator: NetworkRecipe,
    },
}

/// How long the phases are that come before the last one, as shares of the run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaptionPhases {
    /// The share of the run that trains the encoders of captions and images.
    pub encoders: f64,
    /// The share of the run after it that trains the first generator, if there is a second one.
    #[serde(default)]
    pub first: f64,
}

/// How the networks step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaptionOptimizers {
    /// The encoders'.
    pub encoders: OptimizerRecipe,
    /// The generators'.
    pub generator: OptimizerRecipe,
    /// The discriminators'.
    pub discriminator: OptimizerRecipe,
}

/// Everything that makes a system of images from captions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaptionGanRecipe {
    /// The noise the generator starts from.
    pub latent: LatentRecipe,
    /// The space of captions' and images' vectors.
    pub matching: MatchingRecipe,
    /// The encoder of captions.
    pub caption_encoder: CaptionEncoderRecipe,
    /// The encoder of images, which captions are matched with.
    pub image_encoder: NetworkRecipe,
    /// What a generator gets of a caption.
    pub condition: CaptionCondition,
    /// The generator's network.
    pub generator: NetworkRecipe,
    /// The discriminator's network.
    pub discriminator: NetworkRecipe,
    /// Where it compares images with captions.
    pub comparison: Comparison,
    /// The second generator, where there is one.
    pub second: Stacking,
    /// Which pairs of images and captions the players are given.
    pub pairs: PairsRecipe,
    /// What generators and discriminators are trained by.
    #[serde(flatten)]
    pub adversarial: AdversarialRecipe,
    /// How long the phases are.
    pub phases: CaptionPhases,
    /// How the networks step.
    pub optimizer: CaptionOptimizers,
    /// How the step sizes of generators and discriminators change over the run.
    pub schedule: Schedule,
    /// The average of the generators' weights that samples are taken from.
    pub average: AverageRecipe,
    /// When images made of held-out captions are compared with the captions.
    pub held_out: HeldOutRecipe,
}

/// Text-to-image's row of the registry.
pub const TEXT_TO_IMAGE: Row = Row {
    name: "text-to-image",
    family: Family::Conditional,
    summary: "images from captions: the discriminator is also given real images with captions of others (GAN-INT-CLS)",
    paper: "Reed et al. 2016, arXiv:1605.05396",
    data: "caption-scenes",
    length: |_| Length { steps: 4000, batch: 64 },
    make: Make { defaults: |kind| Ok(Box::new(text_to_image(kind)?)), parse: parse::<CaptionGanRecipe> },
};

/// StackGAN's row of the registry.
pub const STACKGAN: Row = Row {
    name: "stackgan",
    summary: "images from captions in two stages: small ones of augmented conditions, then larger ones of those",
    paper: "Zhang et al. 2016, arXiv:1612.03242",
    length: |_| Length { steps: 5000, batch: 64 },
    make: Make { defaults: |kind| Ok(Box::new(stackgan(kind)?)), parse: parse::<CaptionGanRecipe> },
    ..TEXT_TO_IMAGE
};

fn dcgan(width: usize) -> NetworkRecipe {
    NetworkRecipe::Dcgan(DcganRecipe { width, ..DcganRecipe::default() })
}

/// The paper's losses and order; networks and step sizes for images of 16 to 32 pixels.
fn text_to_image(kind: SampleKind) -> Result<CaptionGanRecipe> {
    kind.refuse_points(
        "this system needs images with captions; give --data caption-scenes, captions:TSV or captions:CSV",
    )?;
    let adam = OptimizerRecipe::adam(5e-4, 0.5, 0.999);
    Ok(CaptionGanRecipe {
        latent: LatentRecipe { size: 16, prior: Prior::Normal },
        matching: MatchingRecipe { size: 32, temperature: 0.1, unknown: 0.02 },
        caption_encoder: CaptionEncoderRecipe { reader: CaptionReader::Bag, word: 32, hidden: 64 },
        image_encoder: dcgan(16),
        condition: CaptionCondition::Projection { size: 32 },
        generator: dcgan(16),
        discriminator: dcgan(16),
        comparison: Comparison::Projection,
        second: Stacking::None {},
        pairs: PairsRecipe { wrong: true, near: 0.5, interpolated: 0.2, scores: PairScores::Joint },
        adversarial: AdversarialRecipe::default(),
        phases: CaptionPhases { encoders: 0.3, first: 0.0 },
        optimizer: CaptionOptimizers {
            encoders: OptimizerRecipe::adam(2e-3, 0.9, 0.999),
            generator: adam,
            discriminator: adam,
        },
        schedule: Schedule::Constant {},
        average: AverageRecipe::OFF,
        held_out: HeldOutRecipe { every: 500 },
    })
}

/// The same with conditioning augmentation and a second stage.
fn stackgan(kind: SampleKind) -> Result<CaptionGanRecipe> {
    Ok(CaptionGanRecipe {
        condition: CaptionCondition::Augmentation { size: 32, divergence: 0.1 },
        second: Stacking::Second {
            doublings: 1,
            generator: StackRefinerRecipe { width: 16, halvings: 1, blocks: 2 },
            discriminator: dcgan(16),
        },
        pairs: PairsRecipe { wrong: true, near: 0.5, interpolated: 0.0, scores: PairScores::Joint },
        phases: CaptionPhases { encoders: 0.2, first: 0.45 },
        ..text_to_image(kind)?
    })
}

/// How both networks of a stage step.
pub(super) struct StageSteps {
    pub(super) rules: Rules,
    pub(super) schedule: Schedule,
    pub(super) average: AverageRecipe,
}

impl CaptionGanRecipe {
    /// What the discriminator of a stage has besides its body; that of the second one also scores images without their captions.
    pub(super) fn discriminator_options(&self, is_second: bool) -> DiscriminatorOptions {
        let pairs = self.comparison.of(self.matching.size);
        let (condition, auxiliary) = match (self.pairs.scores, self.pairs.wrong) {
            (PairScores::Joint, _) => (pairs, is_second.then_some(1)),
            (PairScores::Separate, true) => (pairs, Some(1)),
            (PairScores::Separate, false) => (ConditionUse::None, None),
        };
        let reparametrisation = self.adversarial.constraint.reparametrisation();
        DiscriminatorOptions { condition, auxiliary, reparametrisation, ..DiscriminatorOptions::default() }
    }

    pub(super) fn steps(&self) -> StageSteps {
        StageSteps { rules: self.adversarial.rules(), schedule: self.schedule, average: self.average }
    }

    /// The phases before the last one.
    pub(super) fn shares(&self) -> Vec<(&'static str, f64)> {
        let CaptionPhases { encoders, first } = self.phases;
        match self.second {
            Stacking::None {} => vec![("encoders", encoders)],
            Stacking::Second { .. } => vec![("encoders", encoders), ("first", first)],
        }
    }

    fn check_sizes(&self) -> Result<()> {
        for (key, value) in [("matching.size", self.matching.size), ("condition.size", self.condition.size())]
        {
            within(key, value, 1..=8192)?;
        }
        let MatchingRecipe { temperature, unknown, .. } = self.matching;
        above_zero("matching.temperature", temperature, 0.1)?;
        let PairsRecipe { near, interpolated, .. } = self.pairs;
        for (key, value) in
            [("matching.unknown", unknown), ("pairs.near", near), ("pairs.interpolated", interpolated)]
        {
            if !(0.0..=1.0).contains(&value) {
                return Err(Error::Recipe(format!("{key} is {value}; give a share from 0 to 1")));
            }
        }
        match self.condition {
            CaptionCondition::Augmentation { divergence, .. }
                if !(divergence >= 0.0 && divergence.is_finite()) =>
            {
                Err(Error::Recipe(format!("condition.divergence is {divergence}; give 0 or more")))
            }
            CaptionCondition::Augmentation { .. } | CaptionCondition::Projection { .. } => Ok(()),
        }
    }
}

impl SystemRecipe for CaptionGanRecipe {
    const NEEDS: &'static [Need] = &[
        Need::Indices(CAPTION),
        Need::Indices(MEANING),
        Need::Numbers(IMAGES),
        Need::Aligned(IMAGES.0, CAPTION.0),
    ];

    fn defaults(kind: SampleKind) -> Result<Self> {
        text_to_image(kind)
    }

    fn check(&self) -> Result<()> {
        self.latent.check()?;
        self.check_sizes()?;
        self.caption_encoder.check()?;
        check_shares(&self.shares())?;
        match &self.second {
            Stacking::None {} if self.phases.first != 0.0 => {
                return Err(Error::Recipe(format!(
                    "phases.first is {}, the share of a first of two generators, and there is no second one; leave it out, or train \
                     stackgan",
                    self.phases.first
                )));
            }
            Stacking::None {} => {}
            Stacking::Second { doublings, generator, .. } => {
                generator.check()?;
                within("second.doublings", *doublings, 1..=4)?;
            }
        }
        self.adversarial.check()?;
        if self.pairs.scores == PairScores::Separate && self.adversarial.penalty != Penalty::default() {
            return Err(Error::Recipe(
                "pairs.scores is separate, and a penalty would constrain the score of pairs alone; give penalty.kind=none or \
                 pairs.scores=joint"
                    .into(),
            ));
        }
        self.schedule.check()?;
        self.average.check()?;
        self.optimizer.encoders.check("encoders")?;
        self.optimizer.generator.check("generator")?;
        self.optimizer.discriminator.check(DISCRIMINATOR)
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        let mut keys = self.schedule.spread_over_run();
        keys.push("phases");
        keys
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        Ok(Box::new(CaptionGan::new(self, setup)?))
    }
}
