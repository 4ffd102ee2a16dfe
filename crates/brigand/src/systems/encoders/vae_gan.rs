//! `vae-gan`: an auto-encoder whose likelihood is measured in a discriminator's features (Larsen et al. 2015,
//! arXiv:1512.09300).

use brigand_autograd::{Output, Variable};
use brigand_core::batch::{Need, SampleKind};
use brigand_core::capability::{Encoder, Sampler};
use brigand_core::latent::{LatentRecipe, LatentSpace, Prior};
use brigand_core::limits::at_least_zero;
use brigand_core::measurements::{ACCURACY_ON_FAKE, ACCURACY_ON_REAL, DISCRIMINATOR_LOSS, GENERATOR_LOSS};
use brigand_core::modules::Mode;
use brigand_core::networks::{
    DcganRecipe, Discriminator, DiscriminatorOptions, Hidden, HiddenNormalization, NetworkRecipe,
};
use brigand_core::objectives::Scores;
use brigand_core::penalties::{Penalty, Probe};
use brigand_core::players::{
    AdversarialRecipe, Conditioned, Critic, DISCRIMINATOR, GeneratorLoss, OptimizerRecipe, Player, Schedule,
    Turn, share_above,
};
use brigand_core::recipe::{Family, Length, Make, Row, SystemRecipe};
use brigand_core::system::{Parts, System};
use brigand_core::{Error, Result, Setup};
use serde::{Deserialize, Serialize};

use super::super::codec::{Codec, CodecRecipe};
use super::super::held_out::HeldOutRecipe;
use super::held_out_codes::note_code_quality;
use super::mlp;
use super::posterior::{KL_DIVERGENCE, Posterior, check_gaussian};

/// Name of half the squared distance between the discriminator's features of samples and their reconstructions,
/// summed over the features.
const FEATURE_LOSS: &str = "feature_loss";

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

/// Which networks step when.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaeGanUpdate {
    /// The discriminator does not step on a batch of which it classifies more than this share correctly, 0 to 1; with 1
    /// it always steps.
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
    /// Scores samples against the decoder's; reconstructions are compared in its last features.
    pub discriminator: NetworkRecipe,
    /// What generated samples and the discriminator are trained by.
    #[serde(flatten)]
    pub adversarial: AdversarialRecipe,
    /// The parts of the losses.
    pub losses: VaeGanLosses,
    /// How the networks step.
    pub optimizer: VaeGanOptimizers,
    /// How step sizes change over the run.
    pub schedule: Schedule,
    /// Which networks step when.
    pub update: VaeGanUpdate,
    /// When it is measured on held-out samples.
    pub held_out: HeldOutRecipe,
}

/// Its row of the registry.
pub(super) const ROW: Row = Row {
    name: "vae-gan",
    family: Family::Encoders,
    summary: "VAE whose reconstruction error is measured in a discriminator's features",
    paper: "Larsen et al. 2015, arXiv:1512.09300",
    data: "digits",
    length: |kind| match kind {
        SampleKind::Image => Length { steps: 3000, batch: 64 },
        SampleKind::Points => Length { steps: 10_000, batch: 128 },
    },
    make: Make::of::<VaeGanRecipe>(),
};

impl VaeGanRecipe {
    /// Refuses what pairs samples, of which there are two fakes for each real one.
    fn check_unpaired(&self) -> Result<()> {
        let properties = self.adversarial.objective.properties();
        let paired = properties.generator_uses_real || properties.compares_samples;
        if paired || self.discriminator.reconstructs() {
            return Err(Error::Recipe(
                "vae-gan scores two fakes for each real sample, by a discriminator with features; choose an objective \
                 that does not pair samples, and mlp, dcgan or resnet for discriminator.kind"
                    .into(),
            ));
        }
        let paired = match self.adversarial.penalty {
            Penalty::None {} => false,
            Penalty::Gradient { probe, .. } => match probe {
                Probe::Line | Probe::Both => true,
                Probe::Real | Probe::Fake | Probe::AroundReal | Probe::AroundBoth => false,
            },
        };
        if paired {
            return Err(Error::Recipe(
                "vae-gan has two fakes for each real sample, which this penalty.probe pairs; choose real, fake, \
                 around-real or around-both"
                    .into(),
            ));
        }
        Ok(())
    }
}

impl SystemRecipe for VaeGanRecipe {
    const NEEDS: &'static [Need] = &[Need::Samples];

    fn defaults(kind: SampleKind) -> Result<Self> {
        // Distances of points are small beside the divergence of their codes, which would end at the prior.
        let (size, network, beta, gamma) = match kind {
            SampleKind::Image => {
                let network = NetworkRecipe::Dcgan(DcganRecipe { width: 32, ..DcganRecipe::default() });
                (32, network, 1.0, 1e-2)
            }
            SampleKind::Points => (2, mlp(&[128, 128], Hidden::Relu, HiddenNormalization::None), 0.1, 1.0),
        };
        let optimizer = OptimizerRecipe::adam(1e-3, 0.5, 0.999);
        Ok(Self {
            latent: LatentRecipe { size, prior: Prior::Normal },
            encoder: network.clone(),
            decoder: network.clone(),
            discriminator: network,
            adversarial: AdversarialRecipe::default(),
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
        check_gaussian(&self.latent, self.losses.beta)?;
        self.adversarial.check()?;
        self.schedule.check()?;
        self.optimizer.encoder.check("encoder")?;
        self.optimizer.decoder.check("decoder")?;
        self.optimizer.discriminator.check("discriminator")?;
        let (gamma, skip) = (self.losses.gamma, self.update.skip_above);
        at_least_zero(&[("losses.gamma", gamma)])?;
        if !(0.0..=1.0).contains(&skip) {
            return Err(Error::Recipe(format!("update.skip_above is {skip}; give 0 to 1")));
        }
        if skip < 1.0 && self.adversarial.objective.properties().threshold.is_none() {
            return Err(Error::Recipe(
                "update.skip_above needs a discriminator that classifies, and this objective's only compares; set \
                 update.skip_above=1"
                    .into(),
            ));
        }
        self.check_unpaired()
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        self.schedule.spread_over_run()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        let codec = CodecRecipe {
            space: LatentSpace::new(vec![self.latent.part()]),
            encoder: (&self.encoder, self.optimizer.encoder),
            outputs: Posterior::NUMBERS * self.latent.size,
            bounded: false,
            decoder: (&self.decoder, self.optimizer.decoder),
            decoder_name: "decoder",
            logits: false,
            schedule: self.schedule,
        };
        let reparametrisation = self.adversarial.constraint.reparametrisation();
        let options = DiscriminatorOptions { reparametrisation, ..DiscriminatorOptions::default() };
        let sample = setup.schema.sample_shape()?;
        let network = self.discriminator.discriminator(DISCRIMINATOR, setup, sample, options)?;
        let player = Player::new(network, self.optimizer.discriminator)?.scheduled(self.schedule);
        let discriminator = Critic::new(player, self.adversarial.rules())?;
        Ok(Box::new(VaeGan { recipe: self.clone(), codec: Codec::new(codec, setup)?, discriminator }))
    }
}

/// An encoder, a decoder and a discriminator in training.
struct VaeGan {
    recipe: VaeGanRecipe,
    codec: Codec,
    discriminator: Critic<Discriminator>,
}

impl VaeGan {
    /// Whether the discriminator classifies so much of a batch correctly, each side counting alike, that it does not step.
    /// Only then are the scores, `[batch]` of each side, read.
    fn skips(&self, turn: &mut Turn<'_>, real: &Variable, fake: &Variable) -> Result<bool> {
        let skip_above = self.recipe.update.skip_above;
        let threshold = self.recipe.adversarial.objective.properties().threshold.filter(|_| skip_above < 1.0);
        let Some(threshold) = threshold else { return Ok(false) };
        let on_real = share_above(&real.to_vec_f32()?, threshold);
        let on_fake = 1.0 - share_above(&fake.to_vec_f32()?, threshold);
        let skips = (on_real + on_fake) / 2.0 > skip_above;
        if skips {
            // What it would report itself if it stepped.
            turn.report.note_number(ACCURACY_ON_REAL, on_real);
            turn.report.note_number(ACCURACY_ON_FAKE, on_fake);
            let loss = self.recipe.adversarial.objective.discriminator_loss(&Scores::new(real, fake))?;
            turn.note(DISCRIMINATOR_LOSS, &loss);
        }
        Ok(skips)
    }
}

impl System for VaeGan {
    fn parts(&mut self) -> Parts<'_> {
        let mut parts = self.codec.parts();
        parts.push((DISCRIMINATOR, &mut self.discriminator));
        parts
    }

    /// Three losses, each for one network alone: `beta KL + feature loss` for the encoder, `gamma feature loss` plus the
    /// objective's for the decoder, the objective's for the discriminator. Reconstructions and samples of the prior are
    /// fakes alike.
    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let (draw, codec, discriminator) = (turn.only_draw(), &mut self.codec, &mut self.discriminator);
        let samples = turn.batch(draw)?.samples()?.clone();
        let count = samples.shape()[0];
        let encoded = codec.encode_batch(&samples, &mut draw.stream("dropout/encoder"))?;
        let posterior = Posterior::of(&encoded)?;
        let codes = posterior.sample(&posterior.noise(draw, codec.place())?)?;
        let prior = codec.draw(draw, "latents", count)?;
        let fakes = codec.decode_batch(&Variable::concatenate(&[&codes, &prior], 0)?)?;
        let (real, fake) = (Conditioned::alone(samples), Conditioned::alone(fakes));

        let sides = discriminator.sides((real.clone(), fake.clone()), "generator", draw)?;
        let mut stream = draw.stream("dropout/features");
        let mode = Mode::BatchStatistics;
        let scored = discriminator.score(None, sides.inputs().0, mode, &mut stream)?;
        let GeneratorLoss { loss: adversarial, fake: fake_scored, .. } =
            discriminator.generator_loss(None, &sides, draw)?;
        let (features, fake_features) = (scored.last_features()?, fake_scored.last_features()?);
        let distance = fake_features.narrow(0, 0, count)?.sub(&features.detach())?.square()?.sum_all()?;
        let feature_loss = distance.scale(0.5 / count.max(1) as f64)?;
        let divergence = posterior.divergence()?;
        turn.note(FEATURE_LOSS, &feature_loss);
        turn.note(KL_DIVERGENCE, &divergence);
        turn.note(GENERATOR_LOSS, &adversarial);

        let VaeGanLosses { beta, gamma } = self.recipe.losses;
        let for_encoder = divergence.scale(beta)?.add(&feature_loss)?;
        let for_decoder = feature_loss.scale(gamma)?.add(&adversarial)?;
        let whole = |variable| [Output { variable, weight: None }];
        let (encoder, _) = turn.gradients(&[&codec.encoder], &whole(&for_encoder), &[], true)?;
        let (decoder, _) = turn.gradients(&[&codec.decoder], &whole(&for_decoder), &[], false)?;
        let gradients = [encoder, decoder].concat();
        turn.step(&mut [&mut codec.encoder, &mut codec.decoder], gradients)?;
        if !self.skips(turn, scored.single()?, fake_scored.single()?)? {
            self.discriminator.learn(turn, draw, &real, &fake)?;
        }
        if self.recipe.held_out.is_due(turn) {
            note_code_quality((&self.codec, &self.codec), turn)
        } else {
            Ok(())
        }
    }

    fn needs_held_out(&self) -> bool {
        self.recipe.held_out.every > 0
    }

    fn as_sampler(&self) -> Option<&dyn Sampler> {
        Some(&self.codec)
    }

    fn as_encoder(&self) -> Option<&dyn Encoder> {
        Some(&self.codec)
    }
}
