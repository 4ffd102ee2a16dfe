//! `bigan`: a GAN of pairs, in which an encoder and a generator become each other's inverse (Donahue et al. 2016,
//! arXiv:1605.09782; Dumoulin et al. 2016, arXiv:1606.00704).

use brigand_core::batch::{Need, SampleKind};
use brigand_core::capability::{Encoder, Sampler};
use brigand_core::latent::{LatentRecipe, LatentSpace, Prior};
use brigand_core::measurements::GENERATOR_LOSS;
use brigand_core::modules::{Network, Part, Pass};
use brigand_core::networks::{
    ConditionUse, Discriminator, DiscriminatorOptions, Heads, Hidden, HiddenNormalization, NetworkRecipe,
};
use brigand_core::players::{
    AdversarialRecipe, Conditioned, Critic, DISCRIMINATOR, OptimizerRecipe, Pair, Player, Schedule, Scored,
    Scorer, Turn,
};
use brigand_core::recipe::{Family, Make, Row, SystemRecipe};
use brigand_core::system::{Parts, System};
use brigand_core::{Error, Result, Setup};
use serde::{Deserialize, Serialize};

use super::super::codec::{Codec, CodecRecipe};
use super::super::held_out::HeldOutRecipe;
use super::held_out_codes::note_code_quality;
use super::{length, mlp};

/// Name of the squared distance between a latent and the code of its sample, a coordinate's mean.
const LATENT_ERROR: &str = "latent_error";

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

/// What the encoder minimises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EncoderLoss {
    /// The generator's loss, against a discriminator of samples together with their codes.
    Pairs,
    /// The squared error of the latents of generated samples, while the discriminator scores samples alone: the paper's
    /// baseline, which never encodes a real sample while it trains.
    Latents,
}

/// How the networks are updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BiganUpdate {
    /// What the encoder minimises.
    pub encoder: EncoderLoss,
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
    /// Scores samples with their codes against latents with their samples. An mlp has the code beside the sample, other
    /// networks beside their last features.
    pub discriminator: NetworkRecipe,
    /// What generated samples and the discriminator are trained by.
    #[serde(flatten)]
    pub adversarial: AdversarialRecipe,
    /// How the networks step.
    pub optimizer: BiganOptimizers,
    /// How step sizes change over the run.
    pub schedule: Schedule,
    /// How the networks are updated.
    pub update: BiganUpdate,
    /// When it is measured on held-out samples.
    pub held_out: HeldOutRecipe,
}

/// Its row of the registry.
pub(super) const ROW: Row = Row {
    name: "bigan",
    family: Family::Encoders,
    summary: "bidirectional GAN: a discriminator of pairs of sample and code, an encoder that inverts the generator",
    paper: "Donahue et al. 2016, arXiv:1605.09782",
    data: "digits",
    length,
    make: Make::of::<BiganRecipe>(),
};

impl BiganRecipe {
    fn condition(&self) -> ConditionUse {
        match (self.update.encoder, &self.discriminator) {
            (EncoderLoss::Latents, _) => ConditionUse::None,
            (EncoderLoss::Pairs, NetworkRecipe::Mlp(_)) => ConditionUse::BesideSample(self.latent.size),
            (
                EncoderLoss::Pairs,
                NetworkRecipe::Dcgan(_)
                | NetworkRecipe::Resnet(_)
                | NetworkRecipe::ScaledResnet(_)
                | NetworkRecipe::Bottleneck(_)
                | NetworkRecipe::Autoencoder(_)
                | NetworkRecipe::Gran(_),
            ) => ConditionUse::BesideFeatures(self.latent.size),
        }
    }
}

impl SystemRecipe for BiganRecipe {
    const NEEDS: &'static [Need] = &[Need::Samples];

    /// The paper's fully connected networks at a quarter of their width, with fewer latents, a larger step and a
    /// discriminator without batch normalisation: what inverts within thousands of steps instead of its hundreds of
    /// epochs.
    fn defaults(kind: SampleKind) -> Result<Self> {
        let (size, prior, width, normalization, rate) = match kind {
            SampleKind::Image => (16, Prior::Uniform, 256, HiddenNormalization::BeforeActivation, 3e-4),
            SampleKind::Points => (2, Prior::Normal, 128, HiddenNormalization::None, 1e-3),
        };
        let network = |activation, normalization| mlp(&[width, width], activation, normalization);
        let adam = OptimizerRecipe::adam(rate, 0.5, 0.999);
        Ok(Self {
            latent: LatentRecipe { size, prior },
            encoder: network(Hidden::LeakyRelu, normalization),
            generator: network(Hidden::Relu, normalization),
            discriminator: network(Hidden::LeakyRelu, HiddenNormalization::None),
            adversarial: AdversarialRecipe::default(),
            optimizer: BiganOptimizers { encoder: adam, generator: adam, discriminator: adam },
            schedule: Schedule::Constant {},
            update: BiganUpdate { encoder: EncoderLoss::Pairs },
            held_out: HeldOutRecipe { every: 500 },
        })
    }

    fn check(&self) -> Result<()> {
        self.latent.check()?;
        self.adversarial.check()?;
        self.schedule.check()?;
        self.optimizer.encoder.check("encoder")?;
        self.optimizer.generator.check("generator")?;
        self.optimizer.discriminator.check(DISCRIMINATOR)?;
        if self.discriminator.reconstructs() {
            return Err(Error::Recipe(
                "an auto-encoder cannot score a sample together with its code; choose mlp, dcgan or resnet for \
                 discriminator.kind"
                    .into(),
            ));
        }
        Ok(())
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        self.schedule.spread_over_run()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        let codec = CodecRecipe {
            space: LatentSpace::new(vec![self.latent.part()]),
            encoder: (&self.encoder, self.optimizer.encoder),
            outputs: self.latent.size,
            bounded: self.latent.prior == Prior::Uniform,
            decoder: (&self.generator, self.optimizer.generator),
            decoder_name: "generator",
            logits: false,
            schedule: self.schedule,
        };
        let options = DiscriminatorOptions {
            condition: self.condition(),
            reparametrisation: self.adversarial.constraint.reparametrisation(),
            ..DiscriminatorOptions::default()
        };
        let sample = setup.schema.sample_shape()?;
        let network = self.discriminator.discriminator(DISCRIMINATOR, setup, sample, options)?;
        let discriminator = match self.update.encoder {
            EncoderLoss::Pairs => Either::OfPairs(self.critic(network.map(PairDiscriminator))?),
            EncoderLoss::Latents => Either::OfSamples(self.critic(network)?),
        };
        Ok(Box::new(Bigan { codec: Codec::new(codec, setup)?, discriminator, held_out: self.held_out }))
    }
}

impl BiganRecipe {
    fn critic<M: Scorer>(&self, network: Network<M>) -> Result<Critic<M>> {
        let player = Player::new(network, self.optimizer.discriminator)?.scheduled(self.schedule);
        Critic::new(player, self.adversarial.rules())
    }
}

/// Scores samples with their codes, both of which count as its input.
struct PairDiscriminator(Discriminator);

impl Scorer for PairDiscriminator {
    type Input = Pair;
    type Also = Heads;

    fn score(&self, pass: &mut Pass<'_>, Pair(samples, codes): &Pair) -> Result<Scored<Heads>> {
        self.0.score(pass, &Conditioned::under(samples.clone(), codes.clone()))
    }

    fn couples_samples(&self) -> bool {
        self.0.couples_samples()
    }
}

/// The discriminator, by what the encoder minimises.
enum Either {
    OfPairs(Critic<PairDiscriminator>),
    OfSamples(Critic<Discriminator>),
}

/// An encoder, a generator and a discriminator in training.
struct Bigan {
    codec: Codec,
    discriminator: Either,
    held_out: HeldOutRecipe,
}

impl System for Bigan {
    fn parts(&mut self) -> Parts<'_> {
        let mut parts = self.codec.parts();
        parts.push((
            DISCRIMINATOR,
            match &mut self.discriminator {
                Either::OfPairs(critic) => critic as &mut dyn Part,
                Either::OfSamples(critic) => critic,
            },
        ));
        parts
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let (draw, codec) = (turn.only_draw(), &mut self.codec);
        let samples = turn.batch(draw)?.samples()?.clone();
        let latents = codec.draw(draw, "latents", samples.shape()[0])?;
        let generated = codec.decode_batch(&latents)?;
        let stream = &mut draw.stream("dropout/encoder");
        match &mut self.discriminator {
            Either::OfPairs(critic) => {
                let codes = codec.encode_batch(&samples, stream)?;
                let (real, fake) = (Pair(samples, codec.codes(&codes)?), Pair(generated, latents));
                critic.learn(turn, draw, &real, &fake)?;
                let loss = critic.swapped_loss(&real, &fake, draw)?;
                turn.note(GENERATOR_LOSS, &loss);
                turn.descend(&mut [&mut codec.encoder, &mut codec.decoder], &loss)?;
            }
            Either::OfSamples(critic) => {
                let codes = codec.encode_batch(&generated.detach(), stream)?;
                let error = codec.codes(&codes)?.sub(&latents)?.square()?.mean_all()?;
                turn.note(LATENT_ERROR, &error);
                turn.descend(&mut [&mut codec.encoder], &error)?;
                let (real, fake) = (Conditioned::alone(samples), Conditioned::alone(generated));
                critic.learn(turn, draw, &real, &fake)?;
                let loss = critic.loss_for(&real, &fake, draw)?;
                turn.note(GENERATOR_LOSS, &loss);
                turn.descend(&mut [&mut codec.decoder], &loss)?;
            }
        }
        if self.held_out.is_due(turn) { note_code_quality((&self.codec, &self.codec), turn) } else { Ok(()) }
    }

    fn needs_held_out(&self) -> bool {
        self.held_out.every > 0
    }

    fn as_sampler(&self) -> Option<&dyn Sampler> {
        Some(&self.codec)
    }

    fn as_encoder(&self) -> Option<&dyn Encoder> {
        Some(&self.codec)
    }
}
