//! What makes a generator of images from sounds.

use brigand_core::batch::{IMAGES, Need, SPECTROGRAM, SampleKind};
use brigand_core::latent::{LatentRecipe, Prior};
use brigand_core::networks::{DcganRecipe, NetworkRecipe, SoundEncoderRecipe};
use brigand_core::objectives::Hinge;
use brigand_core::players::{AdversarialRecipe, AverageRecipe, OptimizerRecipe, Schedule};
use brigand_core::recipe::SystemRecipe;
use brigand_core::system::System;
use brigand_core::{Result, Setup};
use serde::{Deserialize, Serialize};

use super::super::held_out::HeldOutRecipe;
use super::super::two_player::{Players, check_discriminator_steps};
use super::SoundToImage;

/// What of a sound's level both networks are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Spectrograms are standardised by the mean and deviation of all of them, so that louder sounds have larger numbers.
    Absolute,
    /// Each spectrogram is `ln(power / loudest + 0.01)` with the loudest power in it, which is the same for a sound at any level.
    Relative,
}

/// What the discriminator is trained on beside right pairs and generated images, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoundUpdates {
    /// Discriminator updates, each on a batch of its own, for one of the generator.
    pub discriminator_steps: u32,
    /// Whether the discriminator also learns from images with the sounds of others.
    pub mismatched: bool,
}

/// Everything that makes a conditional GAN of images from sounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoundToImageRecipe {
    /// The noise beside a sound.
    pub latent: LatentRecipe,
    /// What of a sound's level both networks are given.
    pub level: Level,
    /// The encoder of sounds, of which either network has one.
    pub sound: SoundEncoderRecipe,
    /// The generator's network.
    pub generator: NetworkRecipe,
    /// The discriminator's network, which is spectrally normalised.
    pub discriminator: NetworkRecipe,
    /// What both minimise, and what constrains the discriminator.
    #[serde(flatten)]
    pub adversarial: AdversarialRecipe,
    /// What the discriminator is trained on, and how often.
    pub update: SoundUpdates,
    /// How they step.
    pub optimizer: Players<OptimizerRecipe>,
    /// How the step sizes change over the run.
    pub schedule: Schedule,
    /// The average of the generator's weights that images are made with.
    pub average: AverageRecipe,
    /// When it is measured on sounds kept from it.
    pub held_out: HeldOutRecipe,
}

impl SystemRecipe for SoundToImageRecipe {
    const NEEDS: &'static [Need] = &[Need::Numbers(SPECTROGRAM), Need::Aligned(IMAGES.0, SPECTROGRAM.0)];

    fn defaults(kind: SampleKind) -> Result<Self> {
        kind.refuse_points(
            "sound-to-image needs images with sounds; give --data tone-discs or sounds:FILE.tsv",
        )?;
        let dcgan = |batch_norm| {
            NetworkRecipe::Dcgan(DcganRecipe { width: 16, batch_norm, ..DcganRecipe::default() })
        };
        let adam = |rate| OptimizerRecipe::adam(rate, 0.0, 0.9);
        Ok(Self {
            latent: LatentRecipe { size: 16, prior: Prior::Normal },
            level: Level::Absolute,
            sound: SoundEncoderRecipe { width: 8, code: 32 },
            generator: dcgan(true),
            discriminator: dcgan(false),
            adversarial: AdversarialRecipe::of(Hinge {}.into()),
            update: SoundUpdates { discriminator_steps: 1, mismatched: true },
            optimizer: Players { generator: adam(5e-4), discriminator: adam(1e-3) },
            schedule: Schedule::Linear { after: 0.5 },
            average: AverageRecipe { decay: 0.99 },
            held_out: HeldOutRecipe { every: 500 },
        })
    }

    fn check(&self) -> Result<()> {
        self.latent.check()?;
        self.sound.check()?;
        self.adversarial.check()?;
        check_discriminator_steps("update.discriminator_steps", self.update.discriminator_steps.into())?;
        self.optimizer.check()?;
        self.schedule.check()?;
        self.average.check()
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        self.schedule.spread_over_run()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        Ok(Box::new(SoundToImage::new(self, setup)?))
    }
}
