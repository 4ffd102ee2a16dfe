//! What makes a GauGAN.

use brigand_core::batch::{IMAGES, LABEL_MAP, Need, SampleKind};
use brigand_core::limits::{at_least_zero, within};
use brigand_core::networks::{
    MapLayout, MapNormalization, MultiScaleRecipe, SpadeRecipe, StyleEncoderRecipe,
};
use brigand_core::objectives::Hinge;
use brigand_core::players::{AdversarialRecipe, OptimizerRecipe, Schedule};
use brigand_core::recipe::SystemRecipe;
use brigand_core::system::System;
use brigand_core::{Result, Setup};
use serde::{Deserialize, Serialize};

use super::super::held_out::HeldOutRecipe;
use super::super::two_player::Players;
use super::GauGan;

/// Codes of styles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StyleRecipe {
    /// Numbers of a code.
    pub size: usize,
}

/// Where the codes of a training batch come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum StyleSource {
    /// From the images themselves, by an encoder that is trained with the generator.
    Convolutional(StyleEncoderRecipe),
    /// From the standard normal: the style of a translation is drawn at random.
    None {},
}

/// The parts of the generator's loss besides the discriminator's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GauGanLosses {
    /// Weight of the mean absolute distance of the discriminator's features of translations to those of the images, a mean
    /// over its layers and scales.
    pub feature_matching: f64,
    /// Weight of the divergence of the encoder's codes from the standard normal, in nats an image.
    pub divergence: f64,
}

/// Everything that makes a GauGAN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GauGanRecipe {
    /// What describes a style.
    pub style: StyleRecipe,
    /// Where styles come from in training.
    pub encoder: StyleSource,
    /// The generator's network.
    pub generator: SpadeRecipe,
    /// The discriminator's network, of images beside their maps.
    pub discriminator: MultiScaleRecipe,
    /// What generated samples and the discriminator are trained by.
    #[serde(flatten)]
    pub adversarial: AdversarialRecipe,
    /// The other parts of the generator's and the encoder's loss.
    pub losses: GauGanLosses,
    /// How they step, the encoder as the generator.
    pub optimizer: Players<OptimizerRecipe>,
    /// How the step sizes change over the run.
    pub schedule: Schedule,
    /// When it is measured on images and maps kept from it.
    pub held_out: HeldOutRecipe,
}

impl SystemRecipe for GauGanRecipe {
    const NEEDS: &'static [Need] = &[Need::Numbers(LABEL_MAP), Need::Aligned(IMAGES.0, LABEL_MAP.0)];

    /// The paper's losses without the distance of a network trained on ImageNet; networks and step sizes for images of 32 to 64
    /// pixels.
    fn defaults(kind: SampleKind) -> Result<Self> {
        kind.refuse_points(
            "gaugan needs images with label maps; give --data label-scenes or labels:IMAGES,MAPS",
        )?;
        let adam = |rate| OptimizerRecipe::adam(rate, 0.0, 0.9);
        Ok(Self {
            style: StyleRecipe { size: 16 },
            encoder: StyleSource::Convolutional(StyleEncoderRecipe { width: 16, halvings: 3 }),
            generator: SpadeRecipe {
                layout: MapLayout::Spade,
                normalization: MapNormalization::Batch,
                width: 8,
                halvings: 3,
                hidden: 16,
            },
            discriminator: MultiScaleRecipe { scales: 2, width: 16, halvings: 2 },
            adversarial: AdversarialRecipe::of(Hinge {}.into()),
            losses: GauGanLosses { feature_matching: 30.0, divergence: 0.05 },
            optimizer: Players { generator: adam(1e-3), discriminator: adam(2e-3) },
            schedule: Schedule::Linear { after: 0.5 },
            held_out: HeldOutRecipe { every: 500 },
        })
    }

    fn check(&self) -> Result<()> {
        within("style.size", self.style.size, 1..=4096)?;
        match &self.encoder {
            StyleSource::Convolutional(encoder) => encoder.check()?,
            StyleSource::None {} => {}
        }
        self.generator.check()?;
        self.discriminator.check()?;
        self.adversarial.check()?;
        self.optimizer.check()?;
        self.schedule.check()?;
        let GauGanLosses { feature_matching, divergence } = self.losses;
        at_least_zero(&[("losses.feature_matching", feature_matching), ("losses.divergence", divergence)])
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        self.schedule.spread_over_run()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        Ok(Box::new(GauGan::new(self, setup)?))
    }
}
