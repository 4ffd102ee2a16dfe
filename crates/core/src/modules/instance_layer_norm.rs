//! Normalisation between instance and layer normalisation, by channel (Kim et al. 2019, arXiv:1907.10830; with shares that are
//! a softmax, as NICE-GAN has them, Chen et al. 2020, arXiv:2003.00273).

use brigand_autograd::{Activation, Grouping, Variable};

use super::builder::Builder;
use super::initialization::Initialization;
use super::layer::{Layer, OnVector, unconditional_layer};
use super::parameters::WeightId;
use super::pass::Pass;
use crate::error::Result;

/// Added to variances.
const EPSILON: f64 = 1e-5;
/// First values of the logits of the normalisation that a layer starts near, and of the other one: 90% and 10%.
const LOGITS: (f64, f64) = (3.2, 1.0);

/// `s IN(x) + (1 - s) LN(x)` without scale and shift, `(s, 1 - s)` being the softmax of two learned logits of each channel.
struct Mixture {
    instance: WeightId,
    layer: WeightId,
}

impl Mixture {
    fn new(builder: &mut Builder, channels: usize, (instance, layer): (f64, f64)) -> Result<Self> {
        let mut logits = |name, value| {
            builder.weight(name, &[channels], (channels, channels), Initialization::Constant { value })
        };
        Ok(Self { instance: logits("instance", instance)?, layer: logits("layer", layer)? })
    }

    fn run(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        let share = pass.weight(self.instance)?.sub(&pass.weight(self.layer)?)?.sigmoid()?;
        let share = share.reshape(&[1, share.elements(), 1, 1])?;
        let by = |grouping| input.normalize(grouping, None, None, EPSILON, Activation::Identity);
        let (instance, layer) = (by(Grouping::Instance)?, by(Grouping::Channels(1))?);
        Ok(instance.sub(&layer)?.mul(&share)?.add(&layer)?)
    }
}

/// Instance-layer normalisation (ILN) of `[batch, channels, height, width]` with learned scales and shifts. It starts near
/// layer normalisation.
pub struct InstanceLayerNorm {
    mixture: Mixture,
    scale: WeightId,
    shift: WeightId,
    activation: Activation,
}

impl InstanceLayerNorm {
    /// For `channels`, followed by `activation`.
    pub fn new(builder: &mut Builder, channels: usize, activation: Activation) -> Result<Self> {
        let fans = (channels, channels);
        Ok(Self {
            mixture: Mixture::new(builder, channels, (LOGITS.1, LOGITS.0))?,
            scale: builder.weight("scale", &[channels], fans, Initialization::ONE)?,
            shift: builder.weight("shift", &[channels], fans, Initialization::ZERO)?,
            activation,
        })
    }

    /// The normalised, scaled, shifted and activated input.
    pub fn run(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        let normal = self.mixture.run(pass, input)?;
        let row = |of: &Variable| of.reshape(&[1, of.elements(), 1, 1]);
        let (scale, shift) = (row(&pass.weight(self.scale)?)?, row(&pass.weight(self.shift)?)?);
        Ok(normal.mul(&scale)?.add(&shift)?.activate(self.activation)?)
    }
}

unconditional_layer!(InstanceLayerNorm);

/// Adaptive instance-layer normalisation (AdaILN): scales and shifts are the two halves of a vector `[batch, 2 channels]` of
/// each sample. It starts near instance normalisation.
pub struct AdaptiveInstanceLayerNorm {
    mixture: Mixture,
    activation: Activation,
}

impl AdaptiveInstanceLayerNorm {
    /// For `channels`, followed by `activation`.
    pub fn new(builder: &mut Builder, channels: usize, activation: Activation) -> Result<Self> {
        Ok(Self { mixture: Mixture::new(builder, channels, LOGITS)?, activation })
    }
}

impl Layer<OnVector> for AdaptiveInstanceLayerNorm {
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable, vector: &Variable) -> Result<Variable> {
        let (batch, channels, _, _) = input.dims4("adaptive instance-layer normalisation")?;
        let half = |start| vector.narrow(1, start, channels)?.reshape(&[batch, channels, 1, 1]);
        let normal = self.mixture.run(pass, input)?;
        Ok(normal.mul(&half(0)?)?.add(&half(channels)?)?.activate(self.activation)?)
    }
}
