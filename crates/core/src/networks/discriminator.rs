//! Discriminators: from samples, perhaps under a condition, to scores.

use brigand_autograd::Activation;

use super::autoencoder::Autoencoder;
use super::discriminator_options::{ConditionUse, DiscriminatorOptions, Heads};
use super::{Body, NetworkRecipe, Positions};
use crate::batch::SampleShape;
use crate::error::{Error, Result};
use crate::modules::{
    Activate, Builder, Chain, Initialization, Layer, Linear, Minibatch, MinibatchDeviation,
    MinibatchDiscrimination, Network, Pass, Plan, Projection, append_condition,
};
use crate::players::{Conditioned, Scored, Scorer};
use crate::setup::Setup;

/// From samples `[batch, sample...]` and perhaps a condition `[batch, size]` to scores `[batch]`.
pub struct Discriminator(Form);

enum Form {
    Features(FeatureScorer),
    Reconstruction(Autoencoder),
}

impl Discriminator {
    /// Whether it scores samples by how well it reconstructs them.
    pub fn reconstructs(&self) -> bool {
        match self.0 {
            Form::Features(_) => false,
            Form::Reconstruction(_) => true,
        }
    }
}

impl Scorer for Discriminator {
    type Input = Conditioned;
    type Also = Heads;

    /// Scores `[batch]`, the last features `[batch, features]` (an auto-encoder's codes) and the other heads. A condition
    /// that it has no use for is ignored.
    fn score(&self, pass: &mut Pass<'_>, input: &Conditioned) -> Result<Scored<Heads>> {
        match &self.0 {
            Form::Features(scorer) => scorer.score(pass, input),
            Form::Reconstruction(autoencoder) => autoencoder.score(pass, &input.samples),
        }
    }

    fn couples_samples(&self) -> bool {
        match &self.0 {
            Form::Features(scorer) => scorer.body.couples_samples() || scorer.minibatch.couples_samples(),
            Form::Reconstruction(autoencoder) => autoencoder.couples_samples(),
        }
    }
}

/// Numbers in the hidden layer behind features and condition.
const JOINED: usize = 256;
/// Numbers in the hidden layer of an auxiliary head, as in InfoGAN's networks (arXiv:1606.03657).
const AUXILIARY_HIDDEN: usize = 128;

/// What is done to samples so that the body gets a condition beside them.
enum Beside {
    /// Nothing.
    None,
    /// The condition is appended to maps, as constant planes.
    Planes,
    /// The condition is appended to samples as vectors of so many elements.
    Vector(usize),
}

/// A body up to features, and what follows them.
struct FeatureScorer {
    beside: Beside,
    body: Chain,
    auxiliary: Option<Chain>,
    /// From features and condition to `JOINED` numbers.
    joined: Option<Linear>,
    /// Layers over the whole batch; empty without.
    minibatch: Chain,
    last: Last,
}

/// From features to scores `[batch, 1]`.
enum Last {
    Linear(Linear),
    Projection(Projection),
}

impl FeatureScorer {
    fn score(&self, pass: &mut Pass<'_>, input: &Conditioned) -> Result<Scored<Heads>> {
        let Conditioned { samples, condition } = input;
        let condition = || {
            let missing = || Error::Internal("a conditional discriminator was given no condition".into());
            condition.as_ref().ok_or_else(missing)
        };
        let batch = samples.shape().first().copied().unwrap_or(0);
        let features = match self.beside {
            Beside::None => self.body.run(pass, samples)?,
            Beside::Planes => self.body.run(pass, &append_condition(samples, condition()?)?)?,
            Beside::Vector(elements) => {
                let samples = samples.reshape(&[batch, elements])?;
                self.body.run(pass, &append_condition(&samples, condition()?)?)?
            }
        };
        let auxiliary = self.auxiliary.as_ref().map(|head| head.run(pass, &features)).transpose()?;
        let joined = match &self.joined {
            None => features.clone(),
            Some(joined) => {
                let joined = joined.run(pass, &append_condition(&features, condition()?)?)?;
                joined.activate(Activation::LeakyRelu(0.2))?
            }
        };
        let joined = self.minibatch.run(pass, &joined)?;
        let scores = match &self.last {
            Last::Linear(linear) => linear.run(pass, &joined)?,
            Last::Projection(projection) => projection.run(pass, &joined, condition()?)?,
        };
        let also = Heads { auxiliary, reconstruction: None };
        Ok(Scored { scores: vec![scores.reshape(&[batch])?], features: vec![features], also })
    }
}

impl NetworkRecipe {
    /// A discriminator called `name`.
    ///
    /// # Errors
    /// If the network does not fit the samples, or is an auto-encoder that is given other options than a
    /// reparametrisation.
    pub fn discriminator(
        &self,
        name: &str,
        setup: &Setup,
        sample: SampleShape,
        options: DiscriminatorOptions,
    ) -> Result<Network<Discriminator>> {
        Network::build(name, setup, |builder| self.discriminator_layers(builder, sample, options))
    }

    /// The layers of a discriminator.
    ///
    /// # Errors
    /// As [`NetworkRecipe::discriminator`].
    pub(super) fn discriminator_layers(
        &self,
        builder: &mut Builder,
        sample: SampleShape,
        options: DiscriminatorOptions,
    ) -> Result<Discriminator> {
        Ok(Discriminator(match self {
            Self::Autoencoder(recipe) => {
                Form::Reconstruction(recipe.discriminator(builder, sample, options)?)
            }
            Self::Mlp(_)
            | Self::Dcgan(_)
            | Self::Resnet(_)
            | Self::ScaledResnet(_)
            | Self::Bottleneck(_)
            | Self::Gran(_) => Form::Features(self.feature_scorer(builder, sample, options)?),
        }))
    }

    fn feature_scorer(
        &self,
        builder: &mut Builder,
        sample: SampleShape,
        options: DiscriminatorOptions,
    ) -> Result<FeatureScorer> {
        let DiscriminatorOptions { minibatch: over_batch, reparametrisation, condition, auxiliary } = options;
        let (beside, sample) = self.beside(sample, condition);
        let Body { layers: body, mut features, last } = self.body(builder, sample, reparametrisation)?;
        let plan = Plan::new(Initialization::Glorot).reparametrised(reparametrisation);
        let mut positions = Positions(match beside {
            Beside::None => 0,
            Beside::Planes => 1,
            Beside::Vector(_) => 2,
        });
        // The features count as a layer.
        positions.skip(body.len() + 1);
        let auxiliary = auxiliary
            .map(|size| builder.block(positions.next(), |b| auxiliary_head(b, (features, size), &plan)))
            .transpose()?;
        let joined = match condition {
            ConditionUse::BesideFeatures(size) => {
                positions.skip(1);
                let joined =
                    builder.block(positions.next(), |b| Linear::new(b, features + size, JOINED, &plan))?;
                positions.skip(1);
                features = JOINED;
                Some(joined)
            }
            ConditionUse::None | ConditionUse::BesideSample(_) | ConditionUse::Projection(_) => None,
        };
        let mut minibatch = Chain::new();
        match over_batch {
            Minibatch::None => {}
            Minibatch::Discrimination => {
                minibatch
                    .push_named(builder, positions.next(), |b| MinibatchDiscrimination::new(b, features))?;
                features += MinibatchDiscrimination::APPENDED;
            }
            Minibatch::Deviation => {
                positions.skip(1);
                builder.couple_samples();
                minibatch.push_plain(MinibatchDeviation);
                features += 1;
            }
        }
        let last = builder.block(positions.next(), |b| {
            Ok(match condition {
                ConditionUse::Projection(size) => {
                    Last::Projection(Projection::new(b, features, size, &last.with_bias(true))?)
                }
                ConditionUse::None | ConditionUse::BesideSample(_) | ConditionUse::BesideFeatures(_) => {
                    Last::Linear(Linear::new(b, features, 1, &last)?)
                }
            })
        })?;
        Ok(FeatureScorer { beside, body, auxiliary, joined, minibatch, last })
    }

    /// What is done to samples before the body, and the shape of the body's input.
    fn beside(&self, sample: SampleShape, condition: ConditionUse) -> (Beside, SampleShape) {
        let size = match condition {
            ConditionUse::BesideSample(size) => size,
            ConditionUse::None | ConditionUse::BesideFeatures(_) | ConditionUse::Projection(_) => {
                return (Beside::None, sample);
            }
        };
        match (self, sample) {
            (
                Self::Dcgan(_) | Self::Resnet(_) | Self::ScaledResnet(_) | Self::Bottleneck(_),
                SampleShape::Image { channels, height, width },
            ) => (Beside::Planes, SampleShape::Image { channels: channels + size, height, width }),
            (
                Self::Dcgan(_) | Self::Resnet(_) | Self::ScaledResnet(_) | Self::Bottleneck(_),
                SampleShape::Points { .. },
            )
            | (Self::Mlp(_) | Self::Autoencoder(_) | Self::Gran(_), _) => {
                let elements = sample.elements();
                (Beside::Vector(elements), SampleShape::Points { dimensions: elements + size })
            }
        }
    }
}

/// `features` to `size` numbers, through a hidden layer.
fn auxiliary_head(builder: &mut Builder, (features, size): (usize, usize), plan: &Plan) -> Result<Chain> {
    let mut layers = Chain::new();
    layers.push(builder, |b| Linear::new(b, features, AUXILIARY_HIDDEN, plan))?;
    layers.push_plain(Activate(Activation::LeakyRelu(0.1)));
    layers.push(builder, |b| Linear::new(b, AUXILIARY_HIDDEN, size, plan))?;
    Ok(layers)
}
