//! An encoder and a decoder in training: from samples to codes and back.

use brigand_autograd::{Variable, without_recording};
use brigand_core::batch::Batch;
use brigand_core::capability::{Encoder, Sampler, Sampling};
use brigand_core::latent::LatentSpace;
use brigand_core::modules::{Mode, Part, Statistics};
use brigand_core::networks::{self, Generator, GeneratorOptions, NetworkRecipe};
use brigand_core::players::{Draw, OptimizerRecipe, Player, Schedule};
use brigand_core::random::Stream;
use brigand_core::system::Parts;
use brigand_core::{Error, Result, Setup};

/// What a codec is built from.
pub(super) struct CodecRecipe<'a> {
    /// What codes look like.
    pub(super) space: LatentSpace,
    /// From samples to codes, and how it steps.
    pub(super) encoder: (&'a NetworkRecipe, OptimizerRecipe),
    /// Numbers that the encoder gives for each sample.
    pub(super) outputs: usize,
    /// Whether codes end in tanh, so that they cannot leave a prior on [-1, 1].
    pub(super) bounded: bool,
    /// From codes to samples, and how it steps.
    pub(super) decoder: (&'a NetworkRecipe, OptimizerRecipe),
    /// The decoder's name.
    pub(super) decoder_name: &'static str,
    /// Whether the decoder of images ends in logits `a`, of which `tanh(a / 2)` is the image.
    pub(super) logits: bool,
    /// How step sizes change over the run.
    pub(super) schedule: Schedule,
}

/// An encoder and a decoder in training.
pub(super) struct Codec {
    /// From `[batch, sample...]` to `[batch, outputs]`.
    pub(super) encoder: Player<networks::Encoder>,
    /// From `[batch, size]` to `[batch, sample...]`.
    pub(super) decoder: Player<Generator>,
    sampling: Sampling,
    decoder_name: &'static str,
    bounded: bool,
    logits: bool,
}

impl Codec {
    /// Builds both networks.
    ///
    /// # Errors
    /// If a network does not fit the samples.
    pub(super) fn new(recipe: CodecRecipe<'_>, setup: &Setup) -> Result<Self> {
        let CodecRecipe { space, outputs, bounded, decoder_name, logits, schedule, .. } = recipe;
        let ((encoder, encoder_steps), (decoder, decoder_steps)) = (recipe.encoder, recipe.decoder);
        let sample = setup.schema.sample_shape()?;
        let encoder = encoder.encoder("encoder", setup, sample, outputs)?;
        let options = GeneratorOptions { logits, ..GeneratorOptions::new(space.size(), sample) };
        let decoder = decoder.generator(decoder_name, setup, options)?;
        Ok(Self {
            encoder: Player::new(encoder, encoder_steps)?.scheduled(schedule),
            decoder: Player::new(decoder, decoder_steps)?.scheduled(schedule),
            sampling: Sampling::new(space, setup)?,
            decoder_name,
            bounded,
            logits,
        })
    }

    /// The encoder's outputs in training, `[batch, outputs]`; dropout draws from `stream`.
    pub(super) fn encode_batch(&mut self, samples: &Variable, stream: &mut Stream) -> Result<Variable> {
        self.encoder.run(Mode::Training, stream, |encoder, pass| encoder.forward(pass, samples))
    }

    /// The decoder's outputs in training, `[batch, sample...]`.
    pub(super) fn decode_batch(&mut self, latents: &Variable) -> Result<Variable> {
        self.decoder.train(|decoder, pass| decoder.forward(pass, latents, None))
    }

    /// `count` codes of the prior for `purpose`, `[count, size]`.
    pub(super) fn draw(&self, draw: Draw, purpose: &str, count: usize) -> Result<Variable> {
        draw.rows(purpose, count, |count, stream| self.latents(count, stream))
    }

    /// The encoder's outputs outside training, `[n, outputs]`.
    ///
    /// # Errors
    /// If the samples have another shape than it was built for.
    pub(super) fn encoder_outputs(&self, samples: &Variable) -> Result<Variable> {
        let needed = self.sampling.shape.dims();
        if samples.shape().get(1..) != Some(needed.as_slice()) {
            return Err(Error::Request(format!(
                "samples of shape {:?} cannot be encoded, this system was trained on {needed:?}; give samples of that \
                 shape ([n, ...] with one row for each)",
                samples.shape()
            )));
        }
        self.encoder.sample(samples, |encoder, pass| encoder.forward(pass, samples))
    }

    /// The decoder's outputs outside training, `[n, sample...]`.
    pub(super) fn decoder_outputs(&self, latents: &Variable) -> Result<Variable> {
        self.decoder.sample(latents, |decoder, pass| decoder.forward(pass, latents, None))
    }

    /// The codes in the encoder's outputs: its first numbers.
    pub(super) fn codes(&self, outputs: &Variable) -> Result<Variable> {
        let codes = outputs.narrow(1, 0, self.sampling.space.size())?;
        Ok(if self.bounded { codes.tanh()? } else { codes })
    }

    /// The two networks, as a checkpoint holds them.
    pub(super) fn parts(&mut self) -> Parts<'_> {
        vec![("encoder", &mut self.encoder as &mut dyn Part), (self.decoder_name, &mut self.decoder)]
    }
}

impl Sampler for Codec {
    fn sampling(&self) -> &Sampling {
        &self.sampling
    }

    fn generate_with(&self, latents: &Variable, statistics: &mut Statistics<'_>) -> Result<Variable> {
        self.sampling.space.check(latents)?;
        let output =
            self.decoder.sample_with(latents, statistics, |d, pass| d.forward(pass, latents, None))?;
        Ok(if self.logits { output.scale(0.5)?.tanh()? } else { output })
    }
}

impl Encoder for Codec {
    fn encode(&self, batch: &Batch) -> Result<Variable> {
        without_recording(|| self.codes(&self.encoder_outputs(batch.samples()?)?))
    }
}
