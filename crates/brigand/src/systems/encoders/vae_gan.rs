//! `vae-gan`: an auto-encoder whose likelihood is measured in a discriminator's features (Larsen et al. 2015,
//! arXiv:1512.09300).

use brigand_autograd::{Output, Variable};
use serde::{Deserialize, Serialize};

use super::super::adversary::{Adversary, Seen, share_above};
use super::super::classifier::HeldOutRecipe;
use super::super::feed::Feed;
use super::super::registry::{Entry, Family, Length, SystemRecipe, own};
use super::super::{Report, Setup, System};
use super::codec::{Codec, CodecRecipe};
use super::encoding::{Encoding, Lesson};
use super::mlp;
use super::posterior::Posterior;
use super::vae::{DIVERGENCE, check_gaussian};
use crate::error::{Error, Result};
use crate::layers::Mode;
use crate::networks::{DcganRecipe, Head, Hidden, HiddenNormalization, NetworkRecipe, Observed, SampleKind};
use crate::objectives::{Objective, Scores};
use crate::random::Stream;
use crate::systems::{LatentRecipe, Prior};
use crate::systems::{OptimizerRecipe, Schedule};
use crate::training::history::{ACCURACY_ON_FAKE, ACCURACY_ON_REAL, DISCRIMINATOR_LOSS, GENERATOR_LOSS};

/// Name of half the squared distance between the discriminator's features of samples and their reconstructions,
/// summed over the features.
const FEATURE_LOSS: &str = "feature loss";

/// How the three networks step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaeGanOptimizers {
    /// The encoder's.
    pub encoder: OptimizerRecipe,
    /// The decoder's.
    pub decoder: OptimizerRecipe,
    /// The discriminator's.
    pub discriminator: OptimizerRecipe,
}

/// The parts of the losses.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaeGanLosses {
    /// The weight of the codes' divergence from their prior in the encoder's loss.
    pub beta: f64,
    /// The weight of the feature loss, summed over the features, in the decoder's loss.
    pub gamma: f64,
}

/// Who steps when.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaeGanUpdate {
    /// The discriminator does not step on a batch of which it tells more than this share apart, 0 to 1; 1 always
    /// lets it step.
    pub skip_above: f64,
}

/// Everything that makes a VAE-GAN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaeGanRecipe {
    /// What codes look like; their prior is normal.
    pub latent: LatentRecipe,
    /// From samples to means and log-variances of codes.
    pub encoder: NetworkRecipe,
    /// From codes to samples.
    pub decoder: NetworkRecipe,
    /// Tells samples from what the decoder makes; its last features measure the likeness of reconstructions.
    pub discriminator: NetworkRecipe,
    /// What decoder and discriminator play.
    pub objective: Objective,
    /// The parts of the losses.
    pub losses: VaeGanLosses,
    /// How the networks step.
    pub optimizer: VaeGanOptimizers,
    /// How step sizes change over the run.
    pub schedule: Schedule,
    /// Who steps when.
    pub update: VaeGanUpdate,
    /// When it is judged on samples kept from it.
    pub held_out: HeldOutRecipe,
}

/// Its row of the registry.
pub(super) const ROW: Entry = Entry {
    name: "vae-gan",
    family: Family::Encoders,
    summary: "an auto-encoder that measures likeness in a discriminator's features",
    paper: "Larsen et al. 2015, arXiv:1512.09300",
    data: "digits",
    length: |kind| match kind {
        SampleKind::Image => Length { steps: 3000, batch: 64 },
        SampleKind::Points => Length { steps: 10_000, batch: 128 },
    },
    make: own::<VaeGanRecipe>(),
};

impl VaeGanRecipe {
    fn codec(&self) -> CodecRecipe<'_> {
        CodecRecipe {
            latent: self.latent,
            encoder: (&self.encoder, self.optimizer.encoder),
            numbers: Posterior::NUMBERS,
            decoder: (&self.decoder, self.optimizer.decoder),
            decoder_name: "decoder",
            logits: false,
            schedule: self.schedule,
        }
    }
}

impl SystemRecipe for VaeGanRecipe {
    fn defaults(kind: SampleKind) -> Result<Self> {
        let (size, network, gamma) = match kind {
            SampleKind::Image => {
                (32, NetworkRecipe::Dcgan(DcganRecipe { width: 32, ..DcganRecipe::default() }), 1e-2)
            }
            SampleKind::Points => (2, mlp(&[128, 128], Hidden::Relu, HiddenNormalization::None), 1.0),
        };
        // Likeness of points is small beside the divergence of their codes, which would end at the prior.
        let beta = if kind == SampleKind::Image { 1.0 } else { 0.1 };
        let optimizer = OptimizerRecipe::adam(1e-3, 0.5, 0.999);
        Ok(Self {
            latent: LatentRecipe { size, prior: Prior::Normal },
            encoder: network.clone(),
            decoder: network.clone(),
            discriminator: network,
            objective: Objective::NON_SATURATING,
            losses: VaeGanLosses { beta, gamma },
            optimizer: VaeGanOptimizers {
                encoder: optimizer,
                decoder: optimizer,
                discriminator: OptimizerRecipe::adam(2e-4, 0.5, 0.999),
            },
            schedule: Schedule::Constant {},
            update: VaeGanUpdate { skip_above: 0.95 },
            held_out: HeldOutRecipe { every: 500 },
        })
    }

    fn check(&self) -> Result<()> {
        self.codec().check()?;
        self.objective.check()?;
        self.objective.refuse_energies()?;
        self.optimizer.discriminator.check("discriminator")?;
        check_gaussian(&self.latent, self.losses.beta)?;
        let (gamma, skip) = (self.losses.gamma, self.update.skip_above);
        if !(gamma >= 0.0 && gamma.is_finite()) {
            return Err(Error::Recipe(format!("losses.gamma is {gamma}; give 0 or more")));
        }
        if !(0.0..=1.0).contains(&skip) {
            return Err(Error::Recipe(format!("update.skip_above is {skip}; give 0 to 1")));
        }
        if skip < 1.0 && self.objective.properties().threshold.is_none() {
            return Err(Error::Recipe(
                "update.skip_above needs a discriminator that decides, and this objective's only compares; set \
                 update.skip_above=1"
                    .into(),
            ));
        }
        let pairs = self.objective.properties();
        if pairs.generator_uses_real
            || pairs.compares_samples
            || matches!(self.discriminator, NetworkRecipe::Autoencoder(_))
        {
            return Err(Error::Recipe(
                "vae-gan judges two fakes for each real sample, by a discriminator with features; choose an objective \
                 that does not pair samples, and mlp, dcgan or resnet for discriminator.kind"
                    .into(),
            ));
        }
        Ok(())
    }

    fn build(self, setup: &Setup<'_>) -> Result<Box<dyn System>> {
        self.check()?;
        let codec = Codec::new(&self.codec(), setup)?;
        let (seed, device) = (setup.seed, setup.device);
        let network =
            self.discriminator.discriminator("discriminator", setup.sample, Head::default(), seed, device)?;
        let adversary = Adversary::new(network, self.optimizer.discriminator, self.objective);
        let lesson = LearntLikeness {
            adversary,
            objective: self.objective,
            losses: self.losses,
            skip_above: self.update.skip_above,
        };
        Ok(Box::new(Encoding { codec, lesson, held_out: self.held_out }))
    }
}

/// The codec learns from the discriminator's features and scores, the discriminator from what the codec makes.
struct LearntLikeness {
    adversary: Adversary,
    objective: Objective,
    losses: VaeGanLosses,
    skip_above: f64,
}

impl Lesson for LearntLikeness {
    /// Three losses, each for one network alone: `beta KL + like` for the encoder, `gamma like + fooled` for the
    /// decoder, the objective's for the discriminator, where `like` is the feature loss. Reconstructions and samples
    /// of the prior are fakes alike.
    fn learn(&mut self, codec: &mut Codec, feed: &mut Feed, step: u64) -> Result<Report> {
        let samples = feed.batch(step)?.samples;
        let count = samples.shape()[0];
        let posterior = Posterior::of(&codec.encoder.network.forward(&samples, Mode::Training)?)?;
        let codes = posterior.draw(&mut Stream::new(feed.seed(), "codes", step))?;
        let prior = codec.draw(count, &mut Stream::new(feed.seed(), "latents", step))?;
        let decoder = &mut codec.decoder.network;
        let fakes = decoder.forward(&Variable::concatenate(&[&codes, &prior], 0)?, Mode::Training)?;

        let mut dropout = Stream::new(feed.seed(), "dropout", step);
        let seen = (Seen::alone(&samples), Seen::alone(&fakes));
        let (real, fake) = self.adversary.observe(seen.0, seen.1, &mut dropout)?;
        let scores = Scores::new(&real.output, &fake.output);
        let fooled = self.objective.generator_loss(&scores)?;
        let like = likeness(&real, &fake, count)?;
        let divergence = posterior.divergence()?;
        let for_encoder = divergence.scale(self.losses.beta)?.add(&like)?;
        let for_decoder = like.scale(self.losses.gamma)?.add(&fooled)?;
        let mut report = Report::from([
            (FEATURE_LOSS.to_owned(), like.scalar()?),
            (DIVERGENCE.to_owned(), divergence.scalar()?),
            (GENERATOR_LOSS.to_owned(), fooled.scalar()?),
            (DISCRIMINATOR_LOSS.to_owned(), self.objective.discriminator_loss(&scores)?.scalar()?),
        ]);

        let scale = codec.scale(step);
        let output = |variable| Output { variable, weight: None };
        let encoder = codec.encoder.network.gradients(output(&for_encoder), None, true)?;
        let decoder = codec.decoder.network.gradients(output(&for_decoder), None, false)?;
        codec.encoder.step(&encoder, scale)?;
        codec.decoder.step(&decoder, scale)?;
        let told_apart = self.told_apart(&real, &fake, &mut report)?;
        if self.skip_above == 1.0 || told_apart.is_none_or(|share| share <= self.skip_above) {
            self.adversary.learn(seen.0, seen.1, &mut dropout, scale)?;
        }
        Ok(report)
    }

    fn adversary(&self) -> Option<&Adversary> {
        Some(&self.adversary)
    }

    fn adversary_mut(&mut self) -> Option<&mut Adversary> {
        Some(&mut self.adversary)
    }
}

impl LearntLikeness {
    /// The share of both sides that the discriminator is right about, each side counting alike.
    fn told_apart(&self, real: &Observed, fake: &Observed, report: &mut Report) -> Result<Option<f64>> {
        let Some(threshold) = self.objective.properties().threshold else { return Ok(None) };
        let (real, fake) =
            (share_above(&real.output, threshold)?, 1.0 - share_above(&fake.output, threshold)?);
        report.insert(ACCURACY_ON_REAL.to_owned(), real);
        report.insert(ACCURACY_ON_FAKE.to_owned(), fake);
        Ok(Some((real + fake) / 2.0))
    }
}

/// Half the squared distance of the first `count` fakes' features from the real ones', a sample's mean.
fn likeness(real: &Observed, fake: &Observed, count: usize) -> Result<Variable> {
    let (Some(real), Some(fake)) = (&real.features, &fake.features) else {
        return Err(Error::Network("the discriminator has no features to measure likeness in".into()));
    };
    let distance = fake.narrow(0, 0, count)?.sub(real)?.square()?.sum_all()?;
    Ok(distance.scale(0.5 / count.max(1) as f64)?)
}
