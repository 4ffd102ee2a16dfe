//! Networks of images and sounds: from a spectrogram to a vector, from noise and that vector to an image, and scores of images
//! beside sounds.

use brigand_autograd::{Activation, Variable};
use serde::{Deserialize, Serialize};

use super::discriminator::Discriminator;
use super::generator_layout::GeneratorLayout;
use super::normalizing::Learned;
use super::{ConditionUse, DiscriminatorOptions, Heads, NetworkRecipe};
use crate::batch::SampleShape;
use crate::error::{Error, Result};
use crate::limits::within;
use crate::modules::{
    Activate, Builder, Chain, Convolution, Initialization, Linear, Padding, Pass, Plan, Reparametrisation,
    Window,
};
use crate::players::{Conditioned, Scored, Scorer};

const PLAN: Plan = Plan::new(Initialization::Glorot);
/// 3x3, stride 2.
const WINDOW: Window =
    Window { kernel: [3; 2], stride: 2, padding: [1; 2], around: Padding::Zeros, groups: 1 };
/// Convolutions, each of which halves bands and frames.
const HALVINGS: usize = 3;

/// The size of an encoder of sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoundEncoderRecipe {
    /// Channels of the first maps; each further one has twice as many.
    pub width: usize,
    /// Numbers of a sound's vector.
    pub code: usize,
}

impl SoundEncoderRecipe {
    /// Refuses sizes that no network has.
    ///
    /// # Errors
    /// [`Error::Recipe`], saying which value to give.
    pub fn check(&self) -> Result<()> {
        within("sound.width", self.width, 1..=1024)?;
        within("sound.code", self.code, 1..=65_536)
    }
}

/// From spectrograms `[batch, 1, bands, frames]` to vectors `[batch, code]`.
pub struct SoundEncoder {
    layers: Chain,
    last: Linear,
}

impl SoundEncoder {
    /// `(conv3 stride 2, leaky relu) x 3`, a mean over time, `linear`. Nothing is normalised, which would take the level of a
    /// sound away, and bands are not averaged, which would take its pitch away.
    ///
    /// # Errors
    /// If memory is short.
    pub fn new(b: &mut Builder, recipe: &SoundEncoderRecipe, bands: usize) -> Result<Self> {
        let (mut layers, mut from, mut to, mut rows) = (Chain::new(), 1, recipe.width, bands);
        for number in 0..HALVINGS {
            layers
                .push_named(b, format!("down{number}"), |b| Convolution::new(b, (from, to), WINDOW, &PLAN))?;
            layers.push_plain(Activate(Activation::LeakyRelu(0.2)));
            (from, to, rows) = (to, 2 * to, rows.div_ceil(2));
        }
        let last = b.block("code", |b| Linear::new(b, from * rows, recipe.code, &PLAN))?;
        Ok(Self { layers, last })
    }

    /// The vectors of `spectrograms`.
    ///
    /// # Errors
    /// If they have other bands than those it was built for.
    pub fn run(&self, pass: &mut Pass<'_>, spectrograms: &Variable) -> Result<Variable> {
        let maps = self.layers.run(pass, spectrograms)?.mean(&[3])?; // [batch, channels, bands / 8]
        self.last.run(pass, &maps.flatten_from_second()?)
    }
}

/// From noise `[batch, noise]` and spectrograms to images.
pub struct SoundGenerator {
    encoder: SoundEncoder,
    layers: Chain,
}

impl SoundGenerator {
    /// A generator with the layers of `network`, from noise beside the vector of a sound.
    ///
    /// # Errors
    /// If the network does not fit the images or is no generator.
    pub fn new(
        b: &mut Builder,
        network: &NetworkRecipe,
        (sound, bands): (&SoundEncoderRecipe, usize),
        (noise, sample): (usize, SampleShape),
    ) -> Result<Self> {
        let encoder = b.block("sound", |b| SoundEncoder::new(b, sound, bands))?;
        let layout = GeneratorLayout {
            latent: noise + sound.code,
            sample,
            logits: false,
            reparametrisation: Reparametrisation::Plain,
            normalizing: Learned,
        };
        let layers = b.block("image", |b| network.generator_layers(b, &layout))?;
        Ok(Self { encoder, layers })
    }

    /// The images of noise and spectrograms.
    ///
    /// # Errors
    /// If they do not fit.
    pub fn run(&self, pass: &mut Pass<'_>, noise: &Variable, spectrograms: &Variable) -> Result<Variable> {
        let codes = self.encoder.run(pass, spectrograms)?;
        self.layers.run(pass, &Variable::concatenate(&[noise, &codes], 1)?)
    }
}

/// Scores images under sounds: a projection discriminator (Miyato and Koyama 2018, arXiv:1802.05637) whose condition is the
/// vector of a sound.
pub struct SoundDiscriminator {
    encoder: SoundEncoder,
    image: Discriminator,
}

impl SoundDiscriminator {
    /// A discriminator with the layers of `network`, spectrally normalised.
    ///
    /// # Errors
    /// If the network does not fit the images.
    pub fn new(
        b: &mut Builder,
        network: &NetworkRecipe,
        (sound, bands): (&SoundEncoderRecipe, usize),
        sample: SampleShape,
    ) -> Result<Self> {
        let encoder = b.block("sound", |b| SoundEncoder::new(b, sound, bands))?;
        let options = DiscriminatorOptions {
            condition: ConditionUse::Projection(sound.code),
            reparametrisation: Reparametrisation::Spectral,
            ..DiscriminatorOptions::default()
        };
        let image = b.block("image", |b| network.discriminator_layers(b, sample, options))?;
        Ok(Self { encoder, image })
    }
}

impl Scorer for SoundDiscriminator {
    /// Images, and the spectrograms of their sounds.
    type Input = Conditioned;
    type Also = Heads;

    fn score(&self, pass: &mut Pass<'_>, input: &Conditioned) -> Result<Scored<Heads>> {
        let missing = || Error::Internal("a discriminator of images and sounds was given no sound".into());
        let sounds = input.condition.as_ref().ok_or_else(missing)?;
        let codes = self.encoder.run(pass, sounds)?;
        self.image.score(pass, &Conditioned::under(input.samples.clone(), codes))
    }

    fn couples_samples(&self) -> bool {
        self.image.couples_samples()
    }
}
