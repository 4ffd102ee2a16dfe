//! What networks are made of. A layer only describes a computation: its parameters live in
//! [`Weights`] and its running statistics in [`Buffers`], which the network owns, so that the same
//! layers can be run with other weights (averaged, unrolled).

mod builder;
mod condition;
mod convolution;
mod dropout;
mod features;
mod linear;
mod minibatch;
mod noise;
mod normalization;
mod residual;
mod sequence;
mod spectral;
mod weights;

pub use brigand_core::modules::{DCGAN, Initialization, Minibatch, with_noise};
pub use builder::Builder;
pub use condition::{AppendCondition, Projection};
pub use convolution::{Convolution, TransposedConvolution, Window};
pub use dropout::Dropout;
pub use features::{Features, SecondHead};
pub use linear::Linear;
pub use minibatch::{MinibatchDeviation, MinibatchDiscrimination};
pub use noise::GaussianNoise;
pub use normalization::{BatchNormalization, Momentum};
pub use residual::{Double, Halve, Residual, SumPositions};
pub use sequence::{Activate, Reshape, Sequence};
pub use weights::{BufferId, Buffers, WeightId, Weights};

use brigand_autograd::Variable;

use crate::error::Result;
use crate::random::Stream;

/// How statistics of the batch are used in a forward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Normalise with the batch's statistics and let them flow into the running ones.
    Training,
    /// Normalise with the batch's statistics and leave the running ones alone: the pass of a player
    /// that is not the one being updated.
    Frozen,
    /// Normalise with the running statistics, so that no sample influences another.
    Sampling,
}

/// One forward pass: the weights and statistics to use.
pub struct Pass<'a> {
    /// The parameters.
    pub weights: &'a Weights,
    /// The running statistics.
    pub buffers: &'a mut Buffers,
    /// What to do with statistics.
    pub mode: Mode,
    /// Where dropout and noise draw from; networks with either need it except for sampling.
    pub random: Option<&'a mut Stream>,
    /// What each sample is conditioned on, `[batch, size]`.
    pub condition: Option<Variable>,
    /// How many samples at the front of the batch are the reference of virtual batch normalisation.
    pub reference: usize,
    /// What [`Features`] saw, `[batch, features]`.
    pub features: Option<Variable>,
    /// What [`SecondHead`] said, `[batch, size]`.
    pub second: Option<Variable>,
    /// What an auto-encoder made of its input, `[batch, sample...]`.
    pub reconstruction: Option<Variable>,
}

impl<'a> Pass<'a> {
    /// A pass without random draws, condition and reference.
    pub fn new(weights: &'a Weights, buffers: &'a mut Buffers, mode: Mode) -> Self {
        Self {
            weights,
            buffers,
            mode,
            random: None,
            condition: None,
            reference: 0,
            features: None,
            second: None,
            reconstruction: None,
        }
    }
}

/// A part of a network.
pub trait Layer: Send + Sync {
    /// The layer's output for `input`.
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable>;

    /// Whether a sample's output depends on the other samples of its batch.
    fn couples_samples(&self) -> bool {
        false
    }
}
