//! Discriminators that reconstruct: the score of a sample is minus its reconstruction error (Zhao et al. 2016,
//! arXiv:1609.03126).

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use super::discriminator_options::{ConditionUse, DiscriminatorOptions, Heads};
use super::encoder::Encoder;
use super::generator_layout::GeneratorLayout;
use super::normalizing::Learned;
use super::{MlpRecipe, NetworkRecipe};
use crate::batch::SampleShape;
use crate::error::{Error, Result};
use crate::modules::{Builder, Chain, Layer, Minibatch, Pass};
use crate::players::Scored;

/// An encoder with a discriminator's architecture and a decoder with a generator's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AutoencoderRecipe {
    /// Numbers of a code.
    #[serde(default = "code")]
    pub code: usize,
    /// From samples to codes.
    #[serde(default = "mlp")]
    pub encoder: Box<NetworkRecipe>,
    /// From codes to samples.
    #[serde(default = "mlp")]
    pub decoder: Box<NetworkRecipe>,
}

fn code() -> usize {
    32
}

fn mlp() -> Box<NetworkRecipe> {
    Box::new(NetworkRecipe::Mlp(MlpRecipe::default()))
}

impl AutoencoderRecipe {
    pub(super) fn discriminator(
        &self,
        builder: &mut Builder,
        sample: SampleShape,
        options: DiscriminatorOptions,
    ) -> Result<Autoencoder> {
        let DiscriminatorOptions { minibatch, reparametrisation, condition, auxiliary } = options;
        if minibatch != Minibatch::None || condition != ConditionUse::None || auxiliary.is_some() {
            return Err(Error::Recipe(
                "an auto-encoder scores by its reconstruction error: it has no condition, no minibatch layer and no \
                 auxiliary head; choose mlp, dcgan or resnet for discriminator.kind"
                    .into(),
            ));
        }
        if self.code == 0 || self.code > 65_536 {
            return Err(Error::Recipe(format!("an auto-encoder's code is {}; give 1 to 65536", self.code)));
        }
        let encoder = builder
            .block("encoder", |b| self.encoder.encoder_layers(b, sample, self.code, reparametrisation))?;
        let normalizing = Learned;
        let layout =
            GeneratorLayout { latent: self.code, sample, logits: false, reparametrisation, normalizing };
        let decoder = builder.block("decoder", |b| self.decoder.generator_layers(b, &layout))?;
        Ok(Autoencoder { encoder, decoder })
    }
}

/// `-mean (x - decode(encode(x)))²` over each sample's elements, `[batch]`.
pub(super) struct Autoencoder {
    encoder: Encoder,
    decoder: Chain,
}

impl Autoencoder {
    /// Scores, the codes as features, and the reconstructions.
    pub(super) fn score(&self, pass: &mut Pass<'_>, samples: &Variable) -> Result<Scored<Heads>> {
        let codes = self.encoder.forward(pass, samples)?;
        let reconstruction = self.decoder.run(pass, &codes)?;
        let error = samples.sub(&reconstruction)?;
        let scores = error.square()?.flatten_from_second()?.mean(&[1])?.neg()?;
        let also = Heads { auxiliary: None, reconstruction: Some(reconstruction) };
        Ok(Scored { scores: vec![scores], features: vec![codes], also })
    }

    pub(super) fn couples_samples(&self) -> bool {
        self.encoder.couples_samples() || self.decoder.couples_samples()
    }
}
