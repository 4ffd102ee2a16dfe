//! The parts of networks: named blocks with `forward` signatures of their own.
//!
//! A module only describes a computation and holds the places of its parameters; the values live in
//! [`Parameters`], which the network owns, so that the same module runs with other weights (averaged, unrolled).

mod adaptive_norm;
mod attention;
mod basis;
mod builder;
mod chain;
mod class_activation;
mod condition;
mod convolution;
mod dropout;
mod estimate;
mod glimpse;
mod initialization;
mod instance_layer_norm;
mod layer;
mod linear;
mod minibatch;
mod network;
mod noise;
mod norm;
mod parameters;
mod part;
mod pass;
mod pixel_norm;
mod recurrent;
mod relaxed;
mod residual;
mod step_norm;
mod virtual_norm;
mod weight;

pub use adaptive_norm::{AdaptiveNorm, OnStyle, Style, StyleLayout};
pub use attention::SelfAttention;
pub use basis::ModulatedBasis;
pub use builder::Builder;
pub use chain::{
    Activate, Chain, Double, DoubleBilinear, Halve, MaxHalve, PixelShuffle, Reshape, Scale, SumPositions,
};
pub use class_activation::ClassActivation;
pub use condition::{Projection, append_condition};
pub use convolution::{Convolution, Padding, TransposedConvolution, Window};
pub use dropout::Dropout;
pub use estimate::{Estimate, Statistics};
pub use glimpse::{Glimpse, GlimpseAttention, GlimpsePlace};
pub use initialization::{DCGAN, Initialization};
pub use instance_layer_norm::{AdaptiveInstanceLayerNorm, InstanceLayerNorm};
pub use layer::{
    Conditioning, LabelMap, Layer, OnMap, OnReference, OnStep, OnVector, Reference, Step, Unconditional,
};
pub use linear::Linear;
pub use minibatch::{Minibatch, MinibatchDeviation, MinibatchDiscrimination};
pub use network::{How, Network};
pub use noise::{GaussianNoise, with_noise};
pub use norm::{MapNorm, Norm, NormKind, NormPlan, TableNorm, VectorNorm};
pub use parameters::{BufferId, Buffers, Parameters, WeightId, Weights, is_at_or_below};
pub use part::Part;
pub use pass::{Mode, Pass};
pub use pixel_norm::PixelNorm;
pub use recurrent::{Cell, Lstm, LstmState};
pub use relaxed::{Relaxation, relaxed_choice};
pub use residual::{Concatenation, DownBlock, Residual, Skip, UpBlock};
pub use step_norm::StepNorm;
pub use virtual_norm::VirtualNorm;
pub use weight::{Plan, Reparametrisation, Weight};
