//! An encoder and a decoder: the way from samples to codes and back.

use brigand_autograd::{Variable, without_recording};
use candle_core::Device;

use super::super::Setup;
use super::super::player::Player;
use super::super::state::Fragment;
use crate::error::{Error, Result};
use crate::networks::{GeneratorOptions, Head, NetworkRecipe, SampleShape};
use crate::random::Stream;
use crate::systems::{LatentRecipe, LatentSpace, Prior};
use crate::systems::{OptimizerRecipe, Schedule};

/// A network and how it steps.
pub(super) type End<'a> = (&'a NetworkRecipe, OptimizerRecipe);

/// What a codec is built from.
pub(super) struct CodecRecipe<'a> {
    /// What codes look like.
    pub(super) latent: LatentRecipe,
    /// From samples to codes.
    pub(super) encoder: End<'a>,
    /// Numbers the encoder gives for each coordinate of a code; the first one of them is the code's.
    pub(super) numbers: usize,
    /// From codes to samples.
    pub(super) decoder: End<'a>,
    /// What the decoder is called.
    pub(super) decoder_name: &'static str,
    /// Whether the decoder of images ends in logits `a`, of which `tanh(a / 2)` is the image.
    pub(super) logits: bool,
    /// How step sizes change over the run.
    pub(super) schedule: Schedule,
}

/// An encoder and a decoder in training.
pub(super) struct Codec {
    /// From `[batch, sample...]` to `[batch, numbers * size]`.
    pub(super) encoder: Player,
    /// From `[batch, size]` to `[batch, sample...]`.
    pub(super) decoder: Player,
    pub(super) space: LatentSpace,
    pub(super) sample: SampleShape,
    pub(super) device: Device,
    bounded: bool,
    logits: bool,
    schedule: Schedule,
    steps: u64,
}

impl CodecRecipe<'_> {
    /// Refuses what no codec can be built from.
    pub(super) fn check(&self) -> Result<()> {
        self.latent.check()?;
        self.encoder.1.check("encoder")?;
        self.decoder.1.check(self.decoder_name)?;
        if matches!(self.encoder.0, NetworkRecipe::Autoencoder(_)) {
            return Err(Error::Recipe(
                "an auto-encoder says how well it reconstructs and gives no codes; choose mlp, dcgan or resnet for \
                 encoder.kind"
                    .into(),
            ));
        }
        Ok(())
    }
}

impl Codec {
    /// Builds both networks.
    ///
    /// # Errors
    /// If the recipe is impossible or a network does not fit the samples.
    pub(super) fn new(recipe: &CodecRecipe<'_>, setup: &Setup<'_>) -> Result<Self> {
        recipe.check()?;
        let (sample, seed, device) = (setup.sample, setup.seed, setup.device);
        let space = LatentSpace::new(vec![recipe.latent.part()]);
        let head = Head { outputs: Some(recipe.numbers * space.size()), ..Head::default() };
        let encoder = recipe.encoder.0.discriminator("encoder", sample, head, seed, device)?;
        let options = GeneratorOptions { logits: recipe.logits, ..GeneratorOptions::default() };
        let name = recipe.decoder_name;
        let decoder = recipe.decoder.0.generator(name, space.size(), sample, options, seed, device)?;
        Ok(Self {
            encoder: Player::new(encoder, recipe.encoder.1),
            decoder: Player::new(decoder, recipe.decoder.1),
            space,
            sample,
            device: device.clone(),
            bounded: recipe.latent.prior == Prior::Uniform,
            logits: recipe.logits,
            schedule: recipe.schedule,
            steps: setup.steps,
        })
    }

    /// The factor of the step sizes at `step`.
    pub(super) fn scale(&self, step: u64) -> f64 {
        self.schedule.at(step, self.steps)
    }

    /// `count` codes from the prior.
    pub(super) fn draw(&self, count: usize, stream: &mut Stream) -> Result<Variable> {
        self.space.draw(count, stream, &self.device)
    }

    /// What the encoder says of `samples` when nobody learns, `[n, numbers * size]`, recording nothing.
    ///
    /// # Errors
    /// If the samples have another shape than it was built for.
    pub(super) fn encoder_outputs(&self, samples: &Variable) -> Result<Variable> {
        let wanted = self.sample.dims();
        if samples.shape().get(1..) != Some(wanted.as_slice()) {
            return Err(Error::Request(format!(
                "samples of shape {:?} cannot be encoded, this system was trained on {wanted:?}; give samples of that \
                 shape ([n, ...] with one row for each)",
                samples.shape()
            )));
        }
        self.encoder.network.sample(samples)
    }

    /// The codes of `samples`, `[n, size]`.
    ///
    /// # Errors
    /// As [`Codec::encoder_outputs`].
    pub(super) fn encode(&self, samples: &Variable) -> Result<Variable> {
        without_recording(|| self.codes(&self.encoder_outputs(samples)?))
    }

    /// The codes in what the encoder says: its first numbers, which cannot leave a prior that is bounded.
    pub(super) fn codes(&self, outputs: &Variable) -> Result<Variable> {
        let codes = outputs.narrow(1, 0, self.space.size())?;
        Ok(if self.bounded { codes.tanh()? } else { codes })
    }

    /// The samples of `latents` `[n, size]`.
    ///
    /// # Errors
    /// If the latents have another size.
    pub(super) fn generate(&self, latents: &Variable) -> Result<Variable> {
        self.space.check(latents)?;
        let output = self.decoder.network.sample(latents)?;
        Ok(if self.logits { output.scale(0.5)?.tanh()? } else { output })
    }

    /// What a checkpoint holds.
    pub(super) fn parts(&mut self) -> [(String, &mut dyn Fragment); 2] {
        let name = |player: &Player| player.network.name().to_owned();
        [
            (name(&self.encoder), &mut self.encoder as &mut dyn Fragment),
            (name(&self.decoder), &mut self.decoder as &mut dyn Fragment),
        ]
    }
}
