//! `vae`: the variational auto-encoder, the baseline without an adversary (Kingma and Welling 2013, arXiv:1312.6114).

use brigand_autograd::{Variable, without_recording};
use serde::{Deserialize, Serialize};

use super::super::classifier::HeldOutRecipe;
use super::super::feed::Feed;
use super::super::player::descend;
use super::super::registry::{Entry, Family, SystemRecipe, own};
use super::super::{Report, Setup, System};
use super::codec::{Codec, CodecRecipe};
use super::encoding::{Encoding, Lesson};
use super::held_out::mean_loss;
use super::likelihood::Likelihood;
use super::posterior::Posterior;
use super::{length, mlp};
use crate::error::{Error, Result};
use crate::layers::Mode;
use crate::networks::{Hidden, HiddenNormalization, NetworkRecipe, SampleKind, SampleShape};
use crate::random::Stream;
use crate::systems::{LatentRecipe, Prior};
use crate::systems::{OptimizerRecipe, Schedule};

/// Name of minus the log-likelihood of the samples given their codes, in nats a sample.
const RECONSTRUCTION: &str = "reconstruction";
/// Name of the divergence of the codes from their prior, in nats a sample.
pub(super) const DIVERGENCE: &str = "KL";
/// Name of their sum, which is at least minus the log-likelihood of the samples.
const BOUND: &str = "ELBO loss";
/// Name of the same for held-out samples.
const HELD_OUT_BOUND: &str = "held-out ELBO loss";

/// How the two networks step.
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
    /// The distribution of a sample around what the decoder says.
    pub likelihood: Likelihood,
    /// The parts of the loss.
    pub losses: VaeLosses,
    /// How the networks step.
    pub optimizer: VaeOptimizers,
    /// How step sizes change over the run.
    pub schedule: Schedule,
    /// When it is judged on samples kept from it.
    pub held_out: HeldOutRecipe,
}

/// Its row of the registry.
pub(super) const ROW: Entry = Entry {
    name: "vae",
    family: Family::Encoders,
    summary: "the variational auto-encoder: a likelihood instead of an adversary",
    paper: "Kingma and Welling 2013, arXiv:1312.6114",
    data: "digits",
    length,
    make: own::<VaeRecipe>(),
};

impl VaeRecipe {
    fn codec(&self) -> CodecRecipe<'_> {
        CodecRecipe {
            latent: self.latent,
            encoder: (&self.encoder, self.optimizer.encoder),
            numbers: Posterior::NUMBERS,
            decoder: (&self.decoder, self.optimizer.decoder),
            decoder_name: "decoder",
            logits: self.likelihood.takes_logits(),
            schedule: self.schedule,
        }
    }
}

impl SystemRecipe for VaeRecipe {
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
        self.codec().check()?;
        self.likelihood.check()?;
        check_gaussian(&self.latent, self.losses.beta)
    }

    fn build(self, setup: &Setup<'_>) -> Result<Box<dyn System>> {
        if self.likelihood.takes_logits() && matches!(setup.sample, SampleShape::Points { .. }) {
            return Err(Error::Recipe(
                "likelihood.kind=bernoulli is for images, whose pixels lie between two values, and this data is \
                 points; set likelihood.kind=fitted-normal"
                    .into(),
            ));
        }
        let (codec, held_out) = (Codec::new(&self.codec(), setup)?, self.held_out);
        let lesson = Bound { likelihood: self.likelihood, beta: self.losses.beta };
        Ok(Box::new(Encoding { codec, lesson, held_out }))
    }
}

/// Refuses codes whose divergence from their prior has no formula here, and a weight that makes no sense.
pub(super) fn check_gaussian(latent: &LatentRecipe, beta: f64) -> Result<()> {
    if latent.prior != Prior::Normal {
        return Err(Error::Recipe(
            "latent.prior must be normal: the codes' divergence from it is computed exactly".into(),
        ));
    }
    if !(beta >= 0.0 && beta.is_finite()) {
        return Err(Error::Recipe(format!("losses.beta is {beta}; give 0 or more")));
    }
    Ok(())
}

/// Maximises a lower bound on the samples' likelihood.
struct Bound {
    likelihood: Likelihood,
    beta: f64,
}

impl Bound {
    /// Reconstruction and divergence of a batch; `decode` takes codes to the decoder's outputs.
    fn terms(
        &self,
        (samples, encoded): (&Variable, &Variable),
        stream: &mut Stream,
        decode: impl FnOnce(&Variable) -> Result<Variable>,
    ) -> Result<(Variable, Variable)> {
        let posterior = Posterior::of(encoded)?;
        let outputs = decode(&posterior.draw(stream)?)?;
        Ok((self.likelihood.loss(&outputs, samples)?, posterior.divergence()?))
    }
}

impl Lesson for Bound {
    fn learn(&mut self, codec: &mut Codec, feed: &mut Feed, step: u64) -> Result<Report> {
        let samples = feed.batch(step)?.samples;
        let encoded = codec.encoder.network.forward(&samples, Mode::Training)?;
        let mut stream = Stream::new(feed.seed(), "codes", step);
        let decoder = &mut codec.decoder.network;
        let decode = |codes: &Variable| decoder.forward(codes, Mode::Training);
        let (reconstruction, divergence) = self.terms((&samples, &encoded), &mut stream, decode)?;
        let loss = reconstruction.add(&divergence.scale(self.beta)?)?;
        let scale = codec.scale(step);
        descend(&mut [&mut codec.encoder, &mut codec.decoder], &loss, scale)?;
        let (reconstruction, divergence) = (reconstruction.scalar()?, divergence.scalar()?);
        Ok(Report::from([
            (RECONSTRUCTION.to_owned(), reconstruction),
            (DIVERGENCE.to_owned(), divergence),
            (BOUND.to_owned(), reconstruction + divergence),
        ]))
    }

    fn judge(&self, codec: &Codec, feed: &Feed) -> Result<Report> {
        let mut stream = Stream::new(feed.seed(), "codes/held-out", 0);
        let bound = mean_loss(feed, |samples| {
            let encoded = codec.encoder_outputs(samples)?;
            let decode = |codes: &Variable| codec.decoder.network.sample(codes);
            let terms = without_recording(|| self.terms((samples, &encoded), &mut stream, decode))?;
            Ok(terms.0.add(&terms.1)?.scalar()?)
        })?;
        Ok(Report::from([(HELD_OUT_BOUND.to_owned(), bound)]))
    }
}
