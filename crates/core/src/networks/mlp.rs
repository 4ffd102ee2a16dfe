//! Fully connected generators, discriminators and encoders.

use brigand_autograd::Activation;
use serde::{Deserialize, Serialize};

use super::Body;
use super::generator_layout::GeneratorLayout;
use super::normalizing::{Learned, Normalizing};
use crate::batch::{SampleKind, SampleShape};
use crate::error::{Error, Result};
use crate::modules::{
    Activate, Builder, Chain, Dropout, GaussianNoise, Initialization, Linear, NormKind, NormPlan, Plan,
    Reparametrisation, Reshape,
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

/// Dropout rates and the deviation of noise after hidden layers.
type Disturbance<'a> = (&'a [f64], f64);

impl MlpRecipe {
    pub(super) fn generator<N: Normalizing>(
        &self,
        builder: &mut Builder,
        layout: &GeneratorLayout<N>,
    ) -> Result<Chain<N::Condition>> {
        self.check()?;
        let (sample, plan) = (layout.sample, plan(layout.reparametrisation));
        let (mut layers, last) =
            self.hidden(builder, layout.latent, (&[], 0.0), &plan, &layout.normalizing)?;
        layers.push(builder, |b| Linear::new(b, last, sample.elements(), &plan))?;
        if sample.kind() == SampleKind::Image && !layout.logits {
            layers.push_plain(Activate(Activation::Tanh));
        }
        layers.push_plain(Reshape(sample.dims()));
        Ok(layers)
    }

    pub(super) fn body(
        &self,
        builder: &mut Builder,
        sample: SampleShape,
        reparametrisation: Reparametrisation,
    ) -> Result<Body> {
        self.check()?;
        let (plan, disturbance) = (plan(reparametrisation), (self.dropout.as_slice(), self.noise));
        let (hidden, features) = self.hidden(builder, sample.elements(), disturbance, &plan, &Learned)?;
        let mut layers = Chain::new();
        layers.push_plain(Reshape(vec![sample.elements()]));
        layers.extend(hidden);
        Ok(Body { layers, features, last: plan })
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

    /// Whether a generator of this recipe has batch normalisation.
    pub(super) fn normalizes(&self) -> bool {
        (0..self.widths.len()).any(|position| self.norm_at(position).is_some())
    }

    /// The batch normalisation of hidden layer `position`, and whether it follows the activation as a layer of its own.
    fn norm_at(&self, position: usize) -> Option<(NormPlan, bool)> {
        let plan = |activation| NormPlan::new(NormKind::Batch, activation);
        match self.normalization {
            HiddenNormalization::None => None,
            HiddenNormalization::AfterActivation => {
                Some((NormPlan { epsilon: 1e-3, momentum: 0.2, ..plan(Activation::Identity) }, true))
            }
            HiddenNormalization::BeforeActivation => {
                (position > 0).then(|| (plan(self.activation.activation()), false))
            }
        }
    }

    /// The hidden layers after an input of size `from`, and the size of their output.
    fn hidden<N: Normalizing>(
        &self,
        builder: &mut Builder,
        from: usize,
        (dropout, noise): Disturbance<'_>,
        plan: &Plan,
        normalizing: &N,
    ) -> Result<(Chain<N::Condition>, usize)> {
        let (mut layers, mut last) = (Chain::new(), from);
        for (position, &width) in self.widths.iter().enumerate() {
            layers.push(builder, |b| Linear::new(b, last, width, plan))?;
            let norm = self.norm_at(position);
            if norm.is_none_or(|(_, follows)| follows) {
                layers.push_plain(Activate(self.activation.activation()));
            }
            if let Some((norm, _)) = norm {
                layers.push(builder, |b| normalizing.norm(b, norm, width))?;
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

/// The plan of every linear layer.
fn plan(reparametrisation: Reparametrisation) -> Plan {
    Plan::new(Initialization::Glorot).reparametrised(reparametrisation)
}
