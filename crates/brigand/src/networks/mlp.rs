//! Fully connected generators and discriminators.

use brigand_autograd::Activation;
use serde::{Deserialize, Serialize};

use super::{Body, SampleKind, SampleShape};
use crate::error::{Error, Result};
use crate::layers::{
    Activate, BatchNormalization, Builder, Dropout, GaussianNoise, Initialization, Linear, Momentum, Reshape,
    Sequence,
};

/// Which activation the hidden layers have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hidden {
    /// `max(x, 0)`.
    Relu,
    /// Slope 0.2 below zero.
    LeakyRelu,
    /// The hyperbolic tangent.
    Tanh,
}

impl Hidden {
    fn activation(self) -> Activation {
        match self {
            Self::Relu => Activation::Relu,
            Self::LeakyRelu => Activation::LeakyRelu(0.2),
            Self::Tanh => Activation::Tanh,
        }
    }
}

/// Where batch normalisation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HiddenNormalization {
    /// Nowhere.
    None,
    /// `linear, activation, batch norm` in every hidden layer: the order of the lecture's GAN, with its
    /// Keras values (running statistics keep 0.8, epsilon 1e-3).
    AfterActivation,
    /// `linear, batch norm, activation` in every hidden layer but the first.
    BeforeActivation,
}

/// Fully connected layers. Generators of images end in tanh; discriminators end in one score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MlpRecipe {
    /// Sizes of the hidden layers.
    pub widths: Vec<usize>,
    /// Activation of the hidden layers.
    pub activation: Hidden,
    /// Batch normalisation of the hidden layers.
    pub normalization: HiddenNormalization,
    /// Rates of dropout after a discriminator's last hidden layers.
    pub dropout: Vec<f64>,
    /// Standard deviation of the normal noise after each of a discriminator's hidden layers; 0 for none.
    pub noise: f64,
}

impl Default for MlpRecipe {
    fn default() -> Self {
        let (activation, normalization) = (Hidden::LeakyRelu, HiddenNormalization::None);
        Self { widths: vec![128, 128], activation, normalization, dropout: Vec::new(), noise: 0.0 }
    }
}

impl MlpRecipe {
    pub(super) fn generator(
        &self,
        builder: &mut Builder,
        latent: usize,
        sample: SampleShape,
    ) -> Result<Sequence> {
        self.check()?;
        let (mut layers, last) = self.hidden(builder, latent, false)?;
        layers.push(builder, |b| Linear::new(b, last, sample.elements(), Initialization::Glorot))?;
        if sample.kind() == SampleKind::Image && !builder.logits {
            layers.push_plain(Activate(Activation::Tanh));
        }
        layers.push_plain(Reshape(sample.dims()));
        Ok(layers)
    }

    pub(super) fn discriminator(&self, builder: &mut Builder, sample: SampleShape) -> Result<Body> {
        self.check()?;
        let (hidden, features) = self.hidden(builder, sample.elements(), true)?;
        let mut layers = Sequence::new();
        layers.push_plain(Reshape(vec![sample.elements()]));
        layers.extend(hidden);
        Ok(Body { layers, features, last: (Initialization::Glorot, true) })
    }

    fn check(&self) -> Result<()> {
        Dropout::check(&self.dropout)?;
        GaussianNoise::check(self.noise)?;
        match self.widths.iter().find(|&&width| width == 0 || width > 1 << 20) {
            Some(width) => Err(Error::Recipe(format!(
                "a hidden layer of width {width} cannot be built; give widths between 1 and {}",
                1 << 20
            ))),
            None => Ok(()),
        }
    }

    /// The hidden layers after an input of size `from`, with dropout and noise if they are to be disturbed, and the
    /// size of their output.
    fn hidden(&self, builder: &mut Builder, from: usize, disturbed: bool) -> Result<(Sequence, usize)> {
        let (dropout, noise) = if disturbed { (self.dropout.as_slice(), self.noise) } else { (&[][..], 0.0) };
        let mut layers = Sequence::new();
        let (mut last, activation) = (from, self.activation.activation());
        let one = Initialization::Constant { value: 1.0 };
        for (position, &width) in self.widths.iter().enumerate() {
            layers.push(builder, |b| Linear::new(b, last, width, Initialization::Glorot))?;
            match self.normalization {
                HiddenNormalization::AfterActivation => {
                    layers.push_plain(Activate(activation));
                    layers.push(builder, |b| {
                        BatchNormalization::new(b, width, one, 1e-3, Momentum(0.2), Activation::Identity)
                    })?;
                }
                HiddenNormalization::BeforeActivation if position > 0 => {
                    layers.push(builder, |b| {
                        BatchNormalization::new(b, width, one, 1e-5, Momentum(0.1), activation)
                    })?;
                }
                _ => layers.push_plain(Activate(activation)),
            }
            if let Some(dropout) = Dropout::after(dropout, position, self.widths.len()) {
                layers.push_plain(dropout);
            }
            if noise > 0.0 {
                layers.push_plain(GaussianNoise(noise));
            }
            last = width;
        }
        Ok((layers, last))
    }
}
