//! Encoders: from samples to any numbers of each, such as codes or cluster logits.

use brigand_autograd::Variable;

use super::{Body, NetworkRecipe, Positions};
use crate::batch::SampleShape;
use crate::error::{Error, Result};
use crate::modules::{Builder, Chain, Layer, Linear, Network, Pass, Reparametrisation};
use crate::setup::Setup;

/// From samples `[batch, sample...]` to `[batch, outputs]`: a discriminator's features and a linear layer.
pub struct Encoder {
    body: Chain,
    last: Linear,
}

impl Encoder {
    /// The outputs for `samples`.
    ///
    /// # Errors
    /// If the samples do not fit.
    pub fn forward(&self, pass: &mut Pass<'_>, samples: &Variable) -> Result<Variable> {
        let features = self.body.run(pass, samples)?;
        self.last.run(pass, &features)
    }

    /// Whether, in training, a sample's outputs depend on the other samples of its batch.
    pub fn couples_samples(&self) -> bool {
        self.body.couples_samples()
    }
}

impl NetworkRecipe {
    /// An encoder called `name` that gives `outputs` numbers for each sample.
    ///
    /// # Errors
    /// If the network does not fit the samples, or is an auto-encoder.
    pub fn encoder(
        &self,
        name: &str,
        setup: &Setup,
        sample: SampleShape,
        outputs: usize,
    ) -> Result<Network<Encoder>> {
        self.refuse_reconstruction(name)?;
        Network::build(name, setup, |builder| {
            self.encoder_layers(builder, sample, outputs, Reparametrisation::Plain)
        })
    }

    /// Refuses an auto-encoder in place of an encoder.
    pub(super) fn refuse_reconstruction(&self, name: &str) -> Result<()> {
        match self.reconstructs() {
            true => Err(Error::Recipe(format!(
                "an auto-encoder as discriminator scores by its reconstruction error and is no encoder; choose mlp, dcgan or \
                 resnet for the kind of `{name}`"
            ))),
            false => Ok(()),
        }
    }

    pub(super) fn encoder_layers(
        &self,
        builder: &mut Builder,
        sample: SampleShape,
        outputs: usize,
        reparametrisation: Reparametrisation,
    ) -> Result<Encoder> {
        let Body { layers, features, last } = self.body(builder, sample, reparametrisation)?;
        let mut positions = Positions(layers.len());
        // The features count as a layer.
        positions.skip(1);
        let last = builder.block(positions.next(), |b| Linear::new(b, features, outputs, &last))?;
        Ok(Encoder { body: layers, last })
    }
}
