//! From images to several labels each.

use brigand_autograd::{Activation, Variable};

use super::NetworkRecipe;
use super::encoder::Encoder;
use crate::batch::SampleShape;
use crate::error::{Error, Result};
use crate::modules::{Builder, Initialization, Linear, Network, Pass, Plan, Reparametrisation};
use crate::setup::Setup;

/// How many numbers a network of labels has at its places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagSizes {
    /// Of an image's features.
    pub features: usize,
    /// Of the noise beside them; 0 for none.
    pub noise: usize,
    /// Labels.
    pub labels: usize,
}

/// From images `[batch, channels, height, width]` to features, and from these, beside noise, to a logit for each label.
pub struct TagNetwork {
    encoder: Encoder,
    head: Linear,
    noise: usize,
}

impl TagNetwork {
    /// The features of `images`, `[batch, features]`.
    ///
    /// # Errors
    /// If the images do not fit.
    pub fn features(&self, pass: &mut Pass<'_>, images: &Variable) -> Result<Variable> {
        Ok(self.encoder.forward(pass, images)?.activate(Activation::LeakyRelu(0.2))?)
    }

    /// The logits `[batch, labels]` of features and noise `[batch, noise]`.
    ///
    /// # Errors
    /// If they do not fit, or there is noise for a network without.
    pub fn logits(
        &self,
        pass: &mut Pass<'_>,
        features: &Variable,
        noise: Option<&Variable>,
    ) -> Result<Variable> {
        match (noise, self.noise) {
            (None, 0) => self.head.run(pass, features),
            (Some(noise), 1..) => self.head.run(pass, &Variable::concatenate(&[features, noise], 1)?),
            (None, 1..) | (Some(_), 0) => Err(Error::Internal(format!(
                "labels from noise of {} numbers were given other noise",
                self.noise
            ))),
        }
    }
}

impl NetworkRecipe {
    /// A network called `name` that finds labels by the features of an encoder of this recipe.
    ///
    /// # Errors
    /// As [`NetworkRecipe::encoder`].
    pub fn tagger(
        &self,
        name: &str,
        setup: &Setup,
        sample: SampleShape,
        sizes: TagSizes,
    ) -> Result<Network<TagNetwork>> {
        self.refuse_reconstruction(name)?;
        Network::build(name, setup, |builder| {
            let encoder = builder.block("encoder", |b: &mut Builder| {
                self.encoder_layers(b, sample, sizes.features, Reparametrisation::Plain)
            })?;
            let (from, plan) = (sizes.features + sizes.noise, Plan::new(Initialization::Glorot));
            let head = builder.block("head", |b| Linear::new(b, from, sizes.labels, &plan))?;
            Ok(TagNetwork { encoder, head, noise: sizes.noise })
        })
    }
}
