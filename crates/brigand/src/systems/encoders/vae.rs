//! `vae`: the variational auto-encoder, the baseline without a discriminator (Kingma and Welling 2013, arXiv:1312.6114).

use brigand_core::batch::{Need, SampleKind};
use brigand_core::capability::{Encoder, Sampler};
use brigand_core::latent::{LatentRecipe, LatentSpace, Prior};
use brigand_core::networks::{Hidden, HiddenNormalization, NetworkRecipe};
use brigand_core::players::{OptimizerRecipe, Schedule, Turn};
use brigand_core::recipe::{Family, Make, Row, SystemRecipe};
use brigand_core::system::{Parts, System};
use brigand_core::{Error, Result, Setup};
use serde::{Deserialize, Serialize};

use super::super::codec::{Codec, CodecRecipe};
use super::super::held_out::HeldOutRecipe;
use super::elbo::{note_elbo, note_held_out_elbo};
use super::held_out_codes::note_code_quality;
use super::likelihood::Likelihood;
use super::posterior::{Posterior, check_gaussian};
use super::{length, mlp};

/// How encoder and decoder step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaeOptimizers {
    /// The encoder's.
    pub encoder: OptimizerRecipe,
    /// The decoder's.
    pub decoder: OptimizerRecipe,
}

/// The parts of the loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaeLosses {
    /// The weight of the divergence of the codes from their prior; 1 makes the loss a bound on the likelihood (beta of
    /// Higgins et al. 2017).
    pub beta: f64,
}

/// Everything that makes a VAE.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaeRecipe {
    /// What codes look like; their prior is normal.
    pub latent: LatentRecipe,
    /// From samples to means and log-variances of codes.
    pub encoder: NetworkRecipe,
    /// From codes to samples.
    pub decoder: NetworkRecipe,
    /// The distribution of a sample around the decoder's output.
    pub likelihood: Likelihood,
    /// The parts of the loss.
    pub losses: VaeLosses,
    /// How the networks step.
    pub optimizer: VaeOptimizers,
    /// How step sizes change over the run.
    pub schedule: Schedule,
    /// When it is measured on held-out samples.
    pub held_out: HeldOutRecipe,
}

/// Its row of the registry.
pub(super) const ROW: Row = Row {
    name: "vae",
    family: Family::Encoders,
    summary: "variational auto-encoder: maximises a lower bound of the likelihood, no discriminator",
    paper: "Kingma and Welling 2013, arXiv:1312.6114",
    data: "digits",
    length,
    make: Make::of::<VaeRecipe>(),
};

impl SystemRecipe for VaeRecipe {
    const NEEDS: &'static [Need] = &[Need::Samples];

    fn defaults(kind: SampleKind) -> Result<Self> {
        let (size, widths, likelihood) = match kind {
            SampleKind::Image => (20, [400].as_slice(), Likelihood::Bernoulli {}),
            SampleKind::Points => (2, [128, 128].as_slice(), Likelihood::FittedNormal {}),
        };
        let network = mlp(widths, Hidden::Relu, HiddenNormalization::None);
        let adam = OptimizerRecipe::adam(1e-3, 0.9, 0.999);
        Ok(Self {
            latent: LatentRecipe { size, prior: Prior::Normal },
            encoder: network.clone(),
            decoder: network,
            likelihood,
            losses: VaeLosses { beta: 1.0 },
            optimizer: VaeOptimizers { encoder: adam, decoder: adam },
            schedule: Schedule::Constant {},
            held_out: HeldOutRecipe { every: 500 },
        })
    }

    fn check(&self) -> Result<()> {
        check_gaussian(&self.latent, self.losses.beta)?;
        self.likelihood.check()?;
        self.schedule.check()?;
        self.optimizer.encoder.check("encoder")?;
        self.optimizer.decoder.check("decoder")
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        self.schedule.spread_over_run()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        let logits = self.likelihood.takes_logits();
        if logits && setup.schema.sample_shape()?.kind() == SampleKind::Points {
            return Err(Error::Recipe(
                "likelihood.kind=bernoulli is for images, whose pixels lie between two values, and this data is \
                 points; set likelihood.kind=fitted-normal"
                    .into(),
            ));
        }
        let codec = CodecRecipe {
            space: LatentSpace::new(vec![self.latent.part()]),
            encoder: (&self.encoder, self.optimizer.encoder),
            outputs: Posterior::NUMBERS * self.latent.size,
            bounded: false,
            decoder: (&self.decoder, self.optimizer.decoder),
            decoder_name: "decoder",
            logits,
            schedule: self.schedule,
        };
        Ok(Box::new(Vae { recipe: self.clone(), codec: Codec::new(codec, setup)? }))
    }
}

/// An encoder and a decoder in training, whose loss bounds the likelihood of the samples.
struct Vae {
    recipe: VaeRecipe,
    codec: Codec,
}

impl Vae {
    /// Notes the bound for all held-out samples.
    fn note_held_out(&self, turn: &mut Turn<'_>) -> Result<()> {
        note_held_out_elbo(turn, |samples, stream| {
            let posterior = Posterior::of(&self.codec.encoder_outputs(samples)?)?;
            let noise = self.codec.place().normal(posterior.shape(), stream)?;
            let outputs = self.codec.decoder_outputs(&posterior.sample(&noise)?)?;
            Ok(self.recipe.likelihood.loss(&outputs, samples)?.add(&posterior.divergence()?)?)
        })?;
        note_code_quality((&self.codec, &self.codec), turn)
    }
}

impl System for Vae {
    fn parts(&mut self) -> Parts<'_> {
        self.codec.parts()
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let (draw, codec) = (turn.only_draw(), &mut self.codec);
        let samples = turn.batch(draw)?.samples()?.clone();
        let encoded = codec.encode_batch(&samples, &mut draw.stream("dropout/encoder"))?;
        let posterior = Posterior::of(&encoded)?;
        let codes = posterior.sample(&posterior.noise(draw, codec.place())?)?;
        let reconstruction = self.recipe.likelihood.loss(&codec.decode_batch(&codes)?, &samples)?;
        let divergence = posterior.divergence()?;
        note_elbo(turn, &reconstruction, &divergence)?;
        let loss = reconstruction.add(&divergence.scale(self.recipe.losses.beta)?)?;
        turn.descend(&mut [&mut codec.encoder, &mut codec.decoder], &loss)?;
        if self.recipe.held_out.is_due(turn) { self.note_held_out(turn) } else { Ok(()) }
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
