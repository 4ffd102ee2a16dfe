//! The phases that the four forms have in common.

use brigand_autograd::Variable;
use brigand_core::latent::LatentSpace;
use brigand_core::networks::Discriminator;
use brigand_core::players::{Conditioned, Critic, Draw, Optimizer, Turn};
use brigand_core::system::Parts;
use brigand_core::{Result, Setup};

use super::super::codec::{Codec, CodecRecipe};
use super::recipe::{OptimizersRecipe, PhasesRecipe, Tables};

/// Name of the mean squared error of reconstructions.
const RECONSTRUCTION_ERROR: &str = "reconstruction_error";

/// An encoder, a decoder, and the encoder's optimizer for its phase against discriminators.
pub(super) struct Autoencoder {
    /// The two networks, with the optimizers of the phase of reconstruction.
    pub(super) codec: Codec,
    regularization: Optimizer,
    /// The phases of a step.
    pub(super) phases: PhasesRecipe,
}

impl Autoencoder {
    /// Networks for codes from which `space` has the decoder's latents and of which the encoder gives `outputs` numbers.
    ///
    /// # Errors
    /// If a network does not fit the samples.
    pub(super) fn new(
        (tables, phases, optimizers): (&Tables, PhasesRecipe, OptimizersRecipe),
        (space, outputs): (LatentSpace, usize),
        setup: &Setup,
    ) -> Result<Self> {
        let codec = CodecRecipe {
            space,
            encoder: (&tables.encoder, optimizers.reconstruction),
            outputs,
            bounded: false,
            decoder: (&tables.decoder, optimizers.reconstruction),
            decoder_name: "decoder",
            logits: false,
            schedule: tables.schedule,
        };
        let codec = Codec::new(codec, setup)?;
        let regularization = Optimizer::new(optimizers.regularization, codec.encoder.weights())?;
        Ok(Self { codec, regularization, phases })
    }

    /// The phase of reconstruction, if there is one: encoder and decoder step down the mean squared error. `latents` makes
    /// the decoder's latents of the encoder's outputs.
    pub(super) fn learn_to_reconstruct(
        &mut self,
        (turn, draw): (&mut Turn<'_>, Draw),
        samples: &Variable,
        latents: impl FnOnce(&Variable) -> Result<Variable>,
    ) -> Result<()> {
        if !self.phases.reconstruction {
            return Ok(());
        }
        let codec = &mut self.codec;
        let outputs = codec.encode_batch(samples, &mut draw.stream("dropout/reconstruction"))?;
        let reconstructions = codec.decode_batch(&latents(&outputs)?)?;
        let loss = reconstructions.sub(samples)?.square()?.mean_all()?;
        turn.note(RECONSTRUCTION_ERROR, &loss);
        turn.descend(&mut [&mut codec.encoder, &mut codec.decoder], &loss)
    }

    /// The encoder's outputs in the phase against discriminators.
    pub(super) fn outputs(&mut self, draw: Draw, samples: &Variable) -> Result<Variable> {
        self.codec.encode_batch(samples, &mut draw.stream("dropout/regularization"))
    }

    /// The encoder steps down its loss against discriminators.
    pub(super) fn regularize(&mut self, turn: &mut Turn<'_>, loss: &Variable) -> Result<()> {
        turn.descend(&mut [&mut self.codec.encoder.by(&mut self.regularization)], loss)
    }

    /// What a checkpoint holds of it.
    pub(super) fn parts(&mut self) -> Parts<'_> {
        let mut parts = self.codec.parts();
        parts.push(("optimizer.regularization", &mut self.regularization));
        parts
    }
}

/// One step of a discriminator between draws of the prior and codes; returns the loss of the encoder that made the codes,
/// noted as `name`.
pub(super) fn adversarial_loss(
    critic: &mut Critic<Discriminator>,
    (turn, draw): (&mut Turn<'_>, Draw),
    (prior, codes): (Conditioned, Conditioned),
    name: &str,
) -> Result<Variable> {
    critic.learn(turn, draw, &prior, &codes)?;
    let loss = critic.loss_for(&prior, &codes, draw)?;
    turn.note(name, &loss);
    Ok(loss)
}
