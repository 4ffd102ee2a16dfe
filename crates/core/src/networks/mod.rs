//! Assembled networks: generators, discriminators, encoders and an image classifier, described by recipes.
//!
//! A parameter's path has the position of each layer on its way, counted from 0 in every stack, layers without parameters
//! included: `layer3.conv1.weight`.

mod attended_blocks;
mod attention;
mod autoencoder;
mod bottleneck;
mod caption_encoder;
mod caption_generator;
mod classifier_file;
mod code_translator;
mod dcgan;
mod discriminator;
mod discriminator_options;
mod draw;
mod encoder;
mod encoding_discriminator;
mod ganilla;
mod generator;
mod generator_layout;
mod gran;
mod image_classifier;
mod lapgan;
mod mlp;
mod multi_scale;
mod normalizing;
mod pggan;
mod recurrent;
mod resnet;
mod scaled_resnet;
mod sides;
mod single_image;
mod sound;
mod spade;
mod stack_refiner;
mod style_encoder;
mod tagger;
mod talking_head;
mod translator;
mod unet;

pub use attention::{
    AttentionDiscriminator, AttentionGenerator, AttentionLayout, AttentionNetworkRecipe, Modulation,
    SHARED_EMBEDDING,
};
pub use autoencoder::AutoencoderRecipe;
pub use bottleneck::BottleneckRecipe;
pub use caption_encoder::{CaptionEncoder, CaptionEncoderRecipe, CaptionReader};
pub use caption_generator::{CaptionGenerator, CaptionLayout, ConditionOutput, ConditionedGenerator};
pub use classifier_file::ImageClassifier;
pub use code_translator::{CodeTranslator, CodeTranslatorRecipe, Doubling};
pub use dcgan::DcganRecipe;
pub use discriminator::Discriminator;
pub use discriminator_options::{ConditionUse, DiscriminatorOptions, Heads};
pub use draw::{DrawDecoder, DrawEncoder, DrawNetworkRecipe, Drawing};
pub use encoder::Encoder;
pub use encoding_discriminator::{Code, EncodingDiscriminator, EncodingDiscriminatorRecipe};
pub use ganilla::GanillaRecipe;
pub use generator::{Generator, GeneratorNormalization, GeneratorOptions};
pub use gran::{GranRecipe, StepNoise};
pub use image_classifier::{ClassifierNetwork, ClassifierNetworkRecipe, ClassifierOutput};
pub use lapgan::{DetailDiscriminator, DetailDiscriminatorRecipe, DetailGenerator, DetailGeneratorRecipe};
pub use mlp::{Hidden, HiddenNormalization, MlpRecipe};
pub use multi_scale::{MultiScaleDiscriminator, MultiScaleRecipe};
pub use pggan::{
    FIRST_SIDE, GrowingDiscriminator, GrowingGenerator, GrowingNetworkRecipe, Stage, StagedImages,
    doublings_to,
};
pub use recurrent::{
    RecurrentNetwork, RecurrentSizes, Rollout, counted_tokens, log_probabilities_of, without_end,
};
pub use resnet::ResnetRecipe;
pub use scaled_resnet::ScaledResnetRecipe;
pub use single_image::{ScaleDiscriminator, ScaleGenerator, ScaleNetworkRecipe};
pub use sound::{SoundDiscriminator, SoundEncoder, SoundEncoderRecipe, SoundGenerator};
pub use spade::{MapLayout, MapNormalization, SpadeGenerator, SpadeRecipe};
pub use stack_refiner::{StackRefiner, StackRefinerRecipe};
pub use style_encoder::{StyleEncoder, StyleEncoderRecipe};
pub use tagger::{TagNetwork, TagSizes};
pub use talking_head::{
    HeadDiscriminator, HeadEmbedder, HeadGenerator, HeadGeneratorRecipe, HeadLayout, PersonStyle,
    StyleProjection,
};
pub use translator::{
    ImageTranslator, PatchDiscriminator, PatchRecipe, ResidualTranslatorRecipe, TranslatorRecipe,
};
pub use unet::{Unet, UnetRecipe};

use serde::{Deserialize, Serialize};

use crate::batch::SampleShape;
use crate::error::{Error, Result};
use crate::modules::{Builder, Chain, Plan, Reparametrisation};

/// The architecture of a generator, discriminator or encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum NetworkRecipe {
    /// Fully connected layers.
    Mlp(MlpRecipe),
    /// Strided and transposed convolutions.
    Dcgan(DcganRecipe),
    /// Residual blocks.
    Resnet(ResnetRecipe),
    /// Residual blocks `x + alpha f(x)` without normalisation.
    ScaledResnet(ScaledResnetRecipe),
    /// Residual bottlenecks with grouped convolutions, without normalisation.
    Bottleneck(BottleneckRecipe),
    /// An encoder and a decoder; only a discriminator can be one.
    Autoencoder(AutoencoderRecipe),
    /// Transposed convolutions that are run in steps; only a generator can be one.
    Gran(GranRecipe),
}

/// From `[batch, sample...]` to features `[batch, features]`.
struct Body {
    layers: Chain,
    features: usize,
    /// The plan of the linear layer that follows the features.
    last: Plan,
}

impl NetworkRecipe {
    /// Whether a discriminator or encoder of this recipe has dropout.
    pub fn has_dropout(&self) -> bool {
        match self {
            Self::Mlp(recipe) => !recipe.dropout.is_empty(),
            Self::Dcgan(recipe) => !recipe.dropout.is_empty(),
            Self::Resnet(recipe) => !recipe.dropout.is_empty(),
            Self::ScaledResnet(_) | Self::Bottleneck(_) | Self::Autoencoder(_) | Self::Gran(_) => false,
        }
    }

    /// Whether a discriminator of this recipe scores samples by how well it reconstructs them.
    pub fn reconstructs(&self) -> bool {
        match self {
            Self::Mlp(_)
            | Self::Dcgan(_)
            | Self::Resnet(_)
            | Self::ScaledResnet(_)
            | Self::Bottleneck(_)
            | Self::Gran(_) => false,
            Self::Autoencoder(_) => true,
        }
    }

    /// The layers from samples to features.
    ///
    /// # Errors
    /// If the network does not fit the samples, or is an auto-encoder, which has codes instead.
    fn body(
        &self,
        builder: &mut Builder,
        sample: SampleShape,
        reparametrisation: Reparametrisation,
    ) -> Result<Body> {
        match self {
            Self::Mlp(recipe) => recipe.body(builder, sample, reparametrisation),
            Self::Dcgan(recipe) => recipe.body(builder, sample, reparametrisation),
            Self::Resnet(recipe) => recipe.body(builder, sample, reparametrisation),
            Self::ScaledResnet(recipe) => recipe.body(builder, sample, reparametrisation),
            Self::Bottleneck(recipe) => recipe.body(builder, sample, reparametrisation),
            Self::Autoencoder(_) => {
                Err(Error::Recipe("an auto-encoder cannot stand inside another one".into()))
            }
            Self::Gran(_) => Err(Error::Recipe(
                "gran draws images from latents and can only be a generator; choose mlp, dcgan or resnet"
                    .into(),
            )),
        }
    }
}

/// Counts the layers of a stack whose layers have fields of their own, for their paths.
struct Positions(usize);

impl Positions {
    /// The name of the next layer in paths.
    fn next(&mut self) -> String {
        self.0 += 1;
        format!("layer{}", self.0 - 1)
    }

    /// Counts `layers` without parameters.
    fn skip(&mut self, layers: usize) {
        self.0 += layers;
    }
}
