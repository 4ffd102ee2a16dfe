//! `bigan`: a GAN of pairs, in which an encoder and a generator become each other's inverse (Donahue et al. 2016,
//! arXiv:1605.09782; Dumoulin et al. 2016, arXiv:1606.00704).

use serde::{Deserialize, Serialize};

use super::super::adversary::{Adversary, Seen};
use super::super::classifier::HeldOutRecipe;
use super::super::feed::Feed;
use super::super::player::descend;
use super::super::registry::{Entry, Family, SystemRecipe, own};
use super::super::{Report, Setup, System};
use super::codec::{Codec, CodecRecipe};
use super::encoding::{Encoding, Lesson};
use super::{length, mlp};
use crate::error::{Error, Result};
use crate::layers::Mode;
use crate::networks::{Head, Hearing, Hidden, HiddenNormalization, NetworkRecipe, SampleKind};
use crate::objectives::Objective;
use crate::random::Stream;
use crate::systems::{LatentRecipe, Prior};
use crate::systems::{OptimizerRecipe, Schedule};
use crate::training::history::{DISCRIMINATOR_LOSS, GENERATOR_LOSS};

/// Name of the squared distance between a latent and the code of its sample, a coordinate's mean.
const LATENT_ERROR: &str = "latent error";

/// How the three networks step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BiganOptimizers {
    /// The encoder's.
    pub encoder: OptimizerRecipe,
    /// The generator's.
    pub generator: OptimizerRecipe,
    /// The discriminator's.
    pub discriminator: OptimizerRecipe,
}

/// What the encoder learns from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EncoderLearns {
    /// The discriminator, which sees samples together with their codes.
    Pairs,
    /// Latents of generated samples, by squared error, while the discriminator sees samples alone: the paper's
    /// baseline, which never encodes a real sample while it trains.
    Latents,
}

/// Who learns from what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BiganUpdate {
    /// What the encoder learns from.
    pub encoder: EncoderLearns,
}

/// Everything that makes a BiGAN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BiganRecipe {
    /// What codes look like.
    pub latent: LatentRecipe,
    /// From samples to codes.
    pub encoder: NetworkRecipe,
    /// From codes to samples.
    pub generator: NetworkRecipe,
    /// Tells samples with their codes from latents with their samples. An mlp sees the code beside the sample, other
    /// networks beside their last features.
    pub discriminator: NetworkRecipe,
    /// What they play.
    pub objective: Objective,
    /// How the networks step.
    pub optimizer: BiganOptimizers,
    /// How step sizes change over the run.
    pub schedule: Schedule,
    /// Who learns from what.
    pub update: BiganUpdate,
    /// When it is judged on samples kept from it.
    pub held_out: HeldOutRecipe,
}

/// Its row of the registry.
pub(super) const ROW: Entry = Entry {
    name: "bigan",
    family: Family::Encoders,
    summary: "a GAN of samples with their codes, whose encoder inverts the generator",
    paper: "Donahue et al. 2016, arXiv:1605.09782",
    data: "digits",
    length,
    make: own::<BiganRecipe>(),
};

impl BiganRecipe {
    fn codec(&self) -> CodecRecipe<'_> {
        CodecRecipe {
            latent: self.latent,
            encoder: (&self.encoder, self.optimizer.encoder),
            numbers: 1,
            decoder: (&self.generator, self.optimizer.generator),
            decoder_name: "generator",
            logits: false,
            schedule: self.schedule,
        }
    }

    /// Where the discriminator hears codes.
    fn hearing(&self) -> Hearing {
        match (self.update.encoder, &self.discriminator) {
            (EncoderLearns::Latents, _) => Hearing::Nothing,
            (EncoderLearns::Pairs, NetworkRecipe::Mlp(_)) => Hearing::Sample(self.latent.size),
            (EncoderLearns::Pairs, _) => Hearing::Features(self.latent.size),
        }
    }
}

impl SystemRecipe for BiganRecipe {
    /// The paper's fully connected networks at a quarter of their width, with fewer latents, a larger step and a
    /// discriminator without batch normalisation: what inverts within thousands of steps instead of its hundreds of
    /// epochs.
    fn defaults(kind: SampleKind) -> Result<Self> {
        let (latent, width, normalization) = match kind {
            SampleKind::Image => {
                (LatentRecipe { size: 16, prior: Prior::Uniform }, 256, HiddenNormalization::BeforeActivation)
            }
            SampleKind::Points => {
                (LatentRecipe { size: 2, prior: Prior::Normal }, 128, HiddenNormalization::None)
            }
        };
        let network = |activation, normalization| mlp(&[width, width], activation, normalization);
        let rate = if kind == SampleKind::Image { 3e-4 } else { 1e-3 };
        let adam = OptimizerRecipe::adam(rate, 0.5, 0.999);
        Ok(Self {
            latent,
            encoder: network(Hidden::LeakyRelu, normalization),
            generator: network(Hidden::Relu, normalization),
            discriminator: network(Hidden::LeakyRelu, HiddenNormalization::None),
            objective: Objective::NON_SATURATING,
            optimizer: BiganOptimizers { encoder: adam, generator: adam, discriminator: adam },
            schedule: Schedule::Constant {},
            update: BiganUpdate { encoder: EncoderLearns::Pairs },
            held_out: HeldOutRecipe { every: 500 },
        })
    }

    fn check(&self) -> Result<()> {
        self.codec().check()?;
        self.objective.check()?;
        self.objective.refuse_energies()?;
        self.optimizer.discriminator.check("discriminator")?;
        if matches!(self.discriminator, NetworkRecipe::Autoencoder(_)) {
            return Err(Error::Recipe(
                "an auto-encoder cannot see a sample together with its code; choose mlp, dcgan or resnet for \
                 discriminator.kind"
                    .into(),
            ));
        }
        Ok(())
    }

    fn build(self, setup: &Setup<'_>) -> Result<Box<dyn System>> {
        self.check()?;
        let codec = Codec::new(&self.codec(), setup)?;
        let head = Head { condition: self.hearing(), ..Head::default() };
        let network = self.discriminator.discriminator(
            "discriminator",
            setup.sample,
            head,
            setup.seed,
            setup.device,
        )?;
        let adversary = Adversary::new(network, self.optimizer.discriminator, self.objective);
        let lesson = Inversion { adversary, encoder: self.update.encoder };
        Ok(Box::new(Encoding { codec, lesson, held_out: self.held_out }))
    }
}

/// Samples with their codes and latents with their samples are to look alike.
struct Inversion {
    adversary: Adversary,
    encoder: EncoderLearns,
}

impl Lesson for Inversion {
    fn learn(&mut self, codec: &mut Codec, feed: &mut Feed, step: u64) -> Result<Report> {
        let samples = feed.batch(step)?.samples;
        let latents = codec.draw(samples.shape()[0], &mut Stream::new(feed.seed(), "latents", step))?;
        let made = codec.decoder.network.forward(&latents, Mode::Training)?;
        let (mut dropout, scale) = (Stream::new(feed.seed(), "dropout", step), codec.scale(step));
        let mut report = Report::new();
        let (discriminator, generator) = match self.encoder {
            EncoderLearns::Pairs => {
                let codes = codec.encoder.network.forward(&samples, Mode::Training)?;
                let codes = codec.codes(&codes)?;
                let (real, fake) = (Seen::with(&samples, &codes), Seen::with(&made, &latents));
                let discriminator = self.adversary.learn(real, fake, &mut dropout, scale)?;
                let exchanged = self.adversary.exchanged(real, fake, &mut dropout)?;
                descend(&mut [&mut codec.encoder, &mut codec.decoder], &exchanged, scale)?;
                (discriminator, exchanged.scalar()?)
            }
            EncoderLearns::Latents => {
                let found = codec.encoder.network.forward(&made.detach(), Mode::Training)?;
                let error = codec.codes(&found)?.sub(&latents)?.square()?.mean_all()?;
                descend(&mut [&mut codec.encoder], &error, scale)?;
                report.insert(LATENT_ERROR.to_owned(), error.scalar()?);
                let (real, fake) = (Seen::alone(&samples), Seen::alone(&made));
                let discriminator = self.adversary.learn(real, fake, &mut dropout, scale)?;
                let fooled = self.adversary.fooled(real, fake, &mut dropout)?;
                descend(&mut [&mut codec.decoder], &fooled, scale)?;
                (discriminator, fooled.scalar()?)
            }
        };
        report.insert(DISCRIMINATOR_LOSS.to_owned(), discriminator);
        report.insert(GENERATOR_LOSS.to_owned(), generator);
        Ok(report)
    }

    fn adversary(&self) -> Option<&Adversary> {
        Some(&self.adversary)
    }

    fn adversary_mut(&mut self) -> Option<&mut Adversary> {
        Some(&mut self.adversary)
    }
}
