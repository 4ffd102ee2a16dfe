//! Generators and discriminators.

pub mod classifier;
mod dcgan;
pub mod inception;
mod mlp;
mod resnet;
mod state_file;

pub use dcgan::DcganRecipe;
pub use mlp::{Hidden, HiddenNormalization, MlpRecipe};
pub use resnet::ResnetRecipe;

use brigand_autograd::{GradientOptions, Output, Variable, grad_of, without_recording};
use candle_core::Device;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::layers::{Buffers, Builder, Layer, Mode, Pass, Weights};

/// Layers with their parameters and running statistics.
pub struct Network {
    name: String,
    layers: Box<dyn Layer>,
    /// The parameters.
    pub weights: Weights,
    /// The running statistics.
    pub buffers: Buffers,
}

impl Network {
    /// Builds the network called `name`; its first values depend on `seed` and the parameters' paths alone.
    pub fn build<L: Layer + 'static>(
        name: &str,
        seed: u64,
        device: &Device,
        make: impl FnOnce(&mut Builder) -> Result<L>,
    ) -> Result<Self> {
        let mut builder = Builder::new(name, seed, device);
        let layers = Box::new(make(&mut builder)?);
        Ok(Self { name: name.to_owned(), layers, weights: builder.weights, buffers: builder.buffers })
    }

    /// The network's name, for example `generator`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The output for `input`.
    pub fn forward(&mut self, input: &Variable, mode: Mode) -> Result<Variable> {
        let mut pass = Pass { weights: &self.weights, buffers: &mut self.buffers, mode };
        self.layers.forward(&mut pass, input)
    }

    /// The output for `input` with other weights, leaving the running statistics alone.
    pub fn forward_with(&self, weights: &Weights, input: &Variable, mode: Mode) -> Result<Variable> {
        let mut buffers = self.buffers.clone();
        self.layers.forward(&mut Pass { weights, buffers: &mut buffers, mode }, input)
    }

    /// Whether, in training, a sample's output depends on the other samples of its batch.
    pub fn couples_samples(&self) -> bool {
        self.layers.couples_samples()
    }

    /// The gradients of `output` by every parameter, in their order, plus by `also` at the end.
    ///
    /// # Errors
    /// If the output does not depend on a parameter: it would silently never learn.
    pub fn gradients(
        &self,
        output: Output<'_>,
        also: Option<&Variable>,
        retain_graph: bool,
    ) -> Result<Vec<Variable>> {
        let inputs: Vec<&Variable> = self.weights.values().iter().chain(also).collect();
        let options = GradientOptions { retain_graph, ..GradientOptions::default() };
        match grad_of(&[output], &inputs, options) {
            Ok(gradients) => Ok(gradients.into_iter().flatten().collect()),
            Err(brigand_autograd::Error::Unused { index, .. }) if index < self.weights.names().len() => {
                Err(Error::Network(format!(
                    "the loss does not depend on `{}.{}`, so it would never learn; \
                     leave that layer out or use its output",
                    self.name,
                    self.weights.names()[index]
                )))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The gradients of scalar `loss` by every parameter, `None` for those it does not depend on: a
    /// penalty on gradients does not see the last bias.
    pub fn gradients_or_none(&self, loss: &Variable) -> Result<Vec<Option<Variable>>> {
        let inputs: Vec<&Variable> = self.weights.values().iter().collect();
        let options = GradientOptions { allow_unused: true, ..GradientOptions::default() };
        Ok(grad_of(&[Output { variable: loss, weight: None }], &inputs, options)?)
    }

    /// The output for `input` with running statistics, recording nothing, from `weights` if given.
    pub fn sample(&self, weights: Option<&Weights>, input: &Variable) -> Result<Variable> {
        let weights = weights.unwrap_or(&self.weights);
        without_recording(|| self.forward_with(weights, input, Mode::Sampling))
    }
}

/// Whether a system works on images or on points: its defaults differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleKind {
    /// `[channels, height, width]`.
    Image,
    /// `[dimensions]`.
    Points,
}

/// What samples look like, without the batch dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleShape {
    /// `[channels, height, width]`, values in [-1, 1].
    Image {
        /// 1 for grey, 3 for colour.
        channels: usize,
        /// Rows of pixels.
        height: usize,
        /// Columns of pixels.
        width: usize,
    },
    /// `[dimensions]`, unbounded values.
    Points {
        /// Coordinates of a point.
        dimensions: usize,
    },
}

impl SampleShape {
    /// The shape that these dimensions (without the batch) describe.
    pub fn of(dims: &[usize]) -> Result<Self> {
        match *dims {
            [channels, height, width] => Ok(Self::Image { channels, height, width }),
            [dimensions] => Ok(Self::Points { dimensions }),
            ref other => {
                Err(Error::Network(format!("samples of shape {other:?} are neither images nor points")))
            }
        }
    }

    /// The dimensions, without the batch.
    pub fn dims(&self) -> Vec<usize> {
        match *self {
            Self::Image { channels, height, width } => vec![channels, height, width],
            Self::Points { dimensions } => vec![dimensions],
        }
    }

    /// How many numbers a sample has.
    pub fn elements(&self) -> usize {
        self.dims().iter().product()
    }

    /// Whether they are images or points.
    pub fn kind(&self) -> SampleKind {
        match self {
            Self::Image { .. } => SampleKind::Image,
            Self::Points { .. } => SampleKind::Points,
        }
    }
}

/// Which network a player is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum NetworkRecipe {
    /// Fully connected layers.
    Mlp(MlpRecipe),
    /// Strided and transposed convolutions.
    Dcgan(DcganRecipe),
    /// Residual blocks.
    Resnet(ResnetRecipe),
}

impl NetworkRecipe {
    /// A generator from `[batch, latent]` to `[batch, sample...]`.
    pub fn generator(
        &self,
        latent: usize,
        sample: SampleShape,
        seed: u64,
        device: &Device,
    ) -> Result<Network> {
        match self {
            Self::Mlp(recipe) => recipe.generator(latent, sample, seed, device),
            Self::Dcgan(recipe) => recipe.generator(latent, sample, seed, device),
            Self::Resnet(recipe) => recipe.generator(latent, sample, seed, device),
        }
    }

    /// A discriminator from `[batch, sample...]` to scores `[batch]`.
    pub fn discriminator(&self, sample: SampleShape, seed: u64, device: &Device) -> Result<Network> {
        match self {
            Self::Mlp(recipe) => recipe.discriminator(sample, seed, device),
            Self::Dcgan(recipe) => recipe.discriminator(sample, seed, device),
            Self::Resnet(recipe) => recipe.discriminator(sample, seed, device),
        }
    }
}
