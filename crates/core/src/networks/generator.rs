//! Generators: from latents to samples.

use brigand_autograd::Variable;

use super::NetworkRecipe;
use super::generator_layout::GeneratorLayout;
use super::gran::StepGenerator;
use super::normalizing::{ByClass, ByReference, Learned, Normalizing};
use crate::batch::SampleShape;
use crate::error::{Error, Result};
use crate::modules::{
    Builder, Chain, Layer, Network, OnReference, OnVector, Pass, Reference, Reparametrisation,
};
use crate::setup::Setup;

/// Sizes and normalisation of a generator.
#[derive(Clone)]
pub struct GeneratorOptions {
    /// Numbers of a latent.
    pub latent: usize,
    /// The shape of its samples.
    pub sample: SampleShape,
    /// What its batch normalisation is conditioned on.
    pub normalization: GeneratorNormalization,
    /// Whether images are left before the tanh that else follows the last layer.
    pub logits: bool,
}

impl GeneratorOptions {
    /// Learned scales and shifts; images end in tanh.
    pub fn new(latent: usize, sample: SampleShape) -> Self {
        Self { latent, sample, normalization: GeneratorNormalization::Plain, logits: false }
    }
}

/// What a generator's batch normalisation is conditioned on.
#[derive(Clone, Default)]
pub enum GeneratorNormalization {
    /// Nothing: scales and shifts are learned for each channel.
    #[default]
    Plain,
    /// A class vector of each sample chooses scales and shifts (Dumoulin et al. 2016, arXiv:1610.07629).
    ByClass {
        /// Numbers of a class vector.
        classes: usize,
    },
    /// Means and variances come from a reference batch (Salimans et al. 2016, arXiv:1606.03498, section 3.5).
    Virtual {
        /// The reference latents, `[count, latent]`.
        reference: Variable,
    },
}

/// From latents `[batch, latent]`, and a class vector of each sample where batch normalisation needs it, to samples
/// `[batch, sample...]`.
pub struct Generator(Layers);

enum Layers {
    Plain(Chain),
    ByClass(Chain<OnVector>),
    Virtual { layers: Chain<OnReference>, reference: Variable, count: usize },
    Steps(StepGenerator),
}

impl Generator {
    /// The samples of `latents`. `class` is `[batch, classes]`; a generator that does not use it ignores it.
    ///
    /// # Errors
    /// If `class` is needed and absent, or an input does not fit.
    pub fn forward(
        &self,
        pass: &mut Pass<'_>,
        latents: &Variable,
        class: Option<&Variable>,
    ) -> Result<Variable> {
        match &self.0 {
            Layers::Plain(layers) => layers.run(pass, latents),
            Layers::ByClass(layers) => {
                let missing = || {
                    Error::Internal(
                        "a generator whose batch normalisation depends on the class was run without classes"
                            .into(),
                    )
                };
                layers.forward(pass, latents, class.ok_or_else(missing)?)
            }
            Layers::Virtual { layers, reference, count } => {
                let input = Variable::concatenate(&[reference, latents], 0)?;
                let output = layers.forward(pass, &input, Reference(*count))?;
                let batch = output.shape().first().map_or(0, |all| all - count);
                Ok(output.narrow(0, *count, batch)?)
            }
            Layers::Steps(generator) => generator.forward(pass, latents),
        }
    }

    /// The samples of `latents` after each step of a generator that draws in steps, the last ones as [`Generator::forward`]
    /// gives them; none from others.
    ///
    /// # Errors
    /// If the latents do not fit.
    pub fn canvases(&self, pass: &mut Pass<'_>, latents: &Variable) -> Result<Vec<Variable>> {
        match &self.0 {
            Layers::Plain(_) | Layers::ByClass(_) | Layers::Virtual { .. } => Ok(Vec::new()),
            Layers::Steps(generator) => generator.canvases(pass, latents),
        }
    }

    /// Whether, in training, a sample depends on the other latents of its batch.
    pub fn couples_samples(&self) -> bool {
        match &self.0 {
            Layers::Plain(layers) => layers.couples_samples(),
            Layers::ByClass(layers) => layers.couples_samples(),
            Layers::Virtual { layers, .. } => layers.couples_samples(),
            Layers::Steps(generator) => generator.couples_samples(),
        }
    }
}

impl NetworkRecipe {
    /// A generator or decoder called `name`.
    ///
    /// # Errors
    /// If the network does not fit the samples, or has no batch normalisation that could depend on a class or a
    /// reference.
    pub fn generator(
        &self,
        name: &str,
        setup: &Setup,
        options: GeneratorOptions,
    ) -> Result<Network<Generator>> {
        let GeneratorOptions { latent, sample, normalization, logits } = options;
        Network::build(name, setup, |builder| {
            if let (Self::Gran(recipe), GeneratorNormalization::Plain) = (self, &normalization) {
                return Ok(Generator(Layers::Steps(recipe.generator(builder, (latent, sample, logits))?)));
            }
            Ok(Generator(match normalization {
                GeneratorNormalization::Plain => {
                    Layers::Plain(self.generator_layers(builder, &layout(latent, sample, logits, Learned))?)
                }
                GeneratorNormalization::ByClass { classes } => {
                    let layout = layout(latent, sample, logits, ByClass(classes));
                    let layers = self.generator_layers(builder, &layout)?;
                    self.check_batch_norm()?;
                    Layers::ByClass(layers)
                }
                GeneratorNormalization::Virtual { reference } => {
                    let layers =
                        self.generator_layers(builder, &layout(latent, sample, logits, ByReference))?;
                    self.check_batch_norm()?;
                    let count = match *reference.shape() {
                        [count, size] if count > 0 && size == latent => count,
                        ref other => {
                            return Err(Error::Internal(format!(
                                "reference latents of shape {other:?} for latents of {latent}"
                            )));
                        }
                    };
                    Layers::Virtual { layers, reference, count }
                }
            }))
        })
    }

    /// The layers of a generator or decoder.
    ///
    /// # Errors
    /// If the network does not fit the samples, or is an auto-encoder.
    pub(super) fn generator_layers<N: Normalizing>(
        &self,
        builder: &mut Builder,
        layout: &GeneratorLayout<N>,
    ) -> Result<Chain<N::Condition>> {
        match self {
            Self::Mlp(recipe) => recipe.generator(builder, layout),
            Self::Dcgan(recipe) => recipe.generator(builder, layout),
            Self::Resnet(recipe) => recipe.generator(builder, layout),
            Self::ScaledResnet(recipe) => recipe.generator(builder, layout),
            Self::Bottleneck(recipe) => recipe.generator(builder, layout),
            Self::Autoencoder(_) => Err(Error::Recipe(
                "an auto-encoder is no generator; choose mlp, dcgan or resnet for generator.kind".into(),
            )),
            Self::Gran(_) => Err(Error::Recipe(
                "a gran generator has batch normalisation for each of its steps, which cannot depend on a class or a \
                 reference; set condition.generator=latent and techniques.virtual_batch_norm=false, or another \
                 generator.kind"
                    .into(),
            )),
        }
    }

    /// Refuses generators without batch normalisation.
    fn check_batch_norm(&self) -> Result<()> {
        let normalizes = match self {
            Self::Mlp(recipe) => recipe.normalizes(),
            Self::Dcgan(recipe) => recipe.batch_norm,
            Self::Resnet(_) => true,
            Self::ScaledResnet(_) | Self::Bottleneck(_) | Self::Autoencoder(_) | Self::Gran(_) => false,
        };
        if normalizes {
            return Ok(());
        }
        Err(Error::Recipe(
            "virtual and conditional batch normalisation need batch normalisation in the generator, and this one has \
             none; set generator.normalization=before-activation (mlp), generator.batch_norm=true (dcgan) or generator.kind=resnet, \
             or leave the technique out"
                .into(),
        ))
    }
}

/// The layout of a generator, whose weights are used as they are stored.
fn layout<N>(latent: usize, sample: SampleShape, logits: bool, normalizing: N) -> GeneratorLayout<N> {
    GeneratorLayout { latent, sample, logits, reparametrisation: Reparametrisation::Plain, normalizing }
}
