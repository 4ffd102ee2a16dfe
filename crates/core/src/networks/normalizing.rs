//! What a generator's batch normalisation is conditioned on, as a type that its layers are generic over.

use crate::error::Result;
use crate::modules::{
    Builder, Conditioning, Layer, Norm, NormPlan, OnReference, OnStep, OnVector, StepNorm, TableNorm,
    Unconditional, VirtualNorm,
};

/// Makes the batch normalisation layers of a network.
pub(super) trait Normalizing {
    /// What the layers are conditioned on.
    type Condition: Conditioning;
    /// A layer.
    type Norm: Layer<Self::Condition> + 'static;

    /// A normalisation of `channels`.
    fn norm(&self, builder: &mut Builder, plan: NormPlan, channels: usize) -> Result<Self::Norm>;
}

/// Scales and shifts are learned.
pub(super) struct Learned;

impl Normalizing for Learned {
    type Condition = Unconditional;
    type Norm = Norm;

    fn norm(&self, builder: &mut Builder, plan: NormPlan, channels: usize) -> Result<Norm> {
        Norm::new(builder, plan, channels)
    }
}

/// Scales and shifts are chosen by a class vector of this size.
pub(super) struct ByClass(pub(super) usize);

impl Normalizing for ByClass {
    type Condition = OnVector;
    type Norm = TableNorm;

    fn norm(&self, builder: &mut Builder, plan: NormPlan, channels: usize) -> Result<TableNorm> {
        TableNorm::new(builder, plan, channels, self.0)
    }
}

/// Means and variances come from a reference batch.
pub(super) struct ByReference;

impl Normalizing for ByReference {
    type Condition = OnReference;
    type Norm = VirtualNorm;

    fn norm(&self, builder: &mut Builder, plan: NormPlan, channels: usize) -> Result<VirtualNorm> {
        VirtualNorm::new(builder, plan, channels)
    }
}

/// Statistics, scales and shifts are those of one of so many steps.
pub(super) struct ByStep(pub(super) usize);

impl Normalizing for ByStep {
    type Condition = OnStep;
    type Norm = StepNorm;

    fn norm(&self, builder: &mut Builder, plan: NormPlan, channels: usize) -> Result<StepNorm> {
        StepNorm::new(builder, plan, channels, self.0)
    }
}
