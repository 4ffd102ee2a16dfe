//! Normalisation, and what scales and shifts its result: learned constants, a vector of each sample, or a map.
//! What a block's normalisation is conditioned on is part of its type.

use brigand_autograd::{Activation, BatchStatistics, Grouping, Variable};
use candle_core::Tensor;

use super::builder::Builder;
use super::convolution::{Convolution, Window};
use super::initialization::Initialization;
use super::layer::{LabelMap, Layer, OnMap, OnVector, unconditional_layer};
use super::linear::Linear;
use super::parameters::{BufferId, WeightId};
use super::pass::{Mode, Pass};
use super::weight::Plan;
use crate::error::Result;

/// Over what means and variances are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormKind {
    /// Nothing is normalised.
    None,
    /// Each channel over batch and positions (arXiv:1502.03167). Sampling uses running statistics, whose variance is the
    /// unbiased one.
    Batch,
    /// Each channel of each sample over positions (arXiv:1607.08022).
    Instance,
    /// Each sample's channels in this many groups over positions (arXiv:1803.08494).
    Group(usize),
}

/// A normalisation as a value that is passed to blocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NormPlan {
    /// Over what means and variances are taken.
    pub kind: NormKind,
    /// Added to the variance.
    pub epsilon: f64,
    /// The share of each new batch in the running statistics.
    pub momentum: f64,
    /// First values of learned scales; shifts start at 0.
    pub scale: Initialization,
    /// The activation that follows.
    pub activation: Activation,
}

impl NormPlan {
    /// Epsilon 1e-5, momentum 0.1 and scales that start at 1, as PyTorch has them.
    pub const fn new(kind: NormKind, activation: Activation) -> Self {
        Self { kind, epsilon: 1e-5, momentum: 0.1, scale: Initialization::ONE, activation }
    }
}

/// The statistics, without scale and shift.
struct Standard {
    plan: NormPlan,
    running: Option<(BufferId, BufferId)>,
}

impl Standard {
    fn new(builder: &mut Builder, plan: NormPlan, channels: usize) -> Result<Self> {
        let running = match plan.kind {
            NormKind::Batch => {
                builder.couple_samples();
                let mean = builder.buffer("running_mean", &[channels], vec![0.0; channels])?;
                let variance = builder.buffer("running_variance", &[channels], vec![1.0; channels])?;
                Some((mean, variance))
            }
            NormKind::None | NormKind::Instance | NormKind::Group(_) => None,
        };
        Ok(Self { plan, running })
    }

    fn couples_samples(&self) -> bool {
        self.plan.kind == NormKind::Batch
    }

    /// The normalised input, scaled and shifted by `affine`, after `activation`.
    fn run(
        &self,
        pass: &mut Pass<'_>,
        input: &Variable,
        affine: Option<(&Variable, &Variable)>,
        activation: Activation,
    ) -> Result<Variable> {
        let (scale, shift) = affine.unzip();
        let epsilon = self.plan.epsilon;
        let grouping = match self.plan.kind {
            NormKind::None => return Ok(input.activate(activation)?),
            NormKind::Instance => Grouping::Instance,
            NormKind::Group(groups) => Grouping::Channels(groups),
            NormKind::Batch => Grouping::Batch,
        };
        let Some((mean, variance)) = self.running else {
            return Ok(input.normalize(grouping, scale, shift, epsilon, activation)?);
        };
        let momentum = match pass.mode() {
            Mode::Training => Some(self.plan.momentum),
            Mode::Estimating { seen } => Some(1.0 / (seen + 1) as f64),
            Mode::BatchStatistics | Mode::Sampling => None,
        };
        if pass.mode() == Mode::Sampling {
            let constant = |tensor: &Tensor| pass.computed(&Variable::constant(tensor.clone()));
            let (mean, variance) = (constant(pass.buffer(mean)?)?, constant(pass.buffer(variance)?)?);
            return Ok(input.normalize_with(&mean, &variance, scale, shift, epsilon, activation)?);
        }
        let (output, found) = input.batch_normalize(scale, shift, epsilon, activation)?;
        if let Some(momentum) = momentum {
            follow(pass, momentum, (mean, variance), &found)?;
        }
        Ok(output)
    }
}

/// Mixes what a batch has into the running statistics, with this share.
fn follow(
    pass: &mut Pass<'_>,
    share: f64,
    (mean, variance): (BufferId, BufferId),
    found: &BatchStatistics,
) -> Result<()> {
    let mix = |running: &Tensor, new: &Tensor| -> Result<Tensor> {
        Ok(((running * (1.0 - share))? + (new.to_dtype(running.dtype())? * share)?)?)
    };
    let next = mix(pass.buffer(mean)?, found.mean.tensor())?;
    pass.update(mean, next);
    let next = mix(pass.buffer(variance)?, found.unbiased_variance()?.tensor())?;
    pass.update(variance, next);
    Ok(())
}

/// A normalisation with scales and shifts that are learned for each channel, fused with the activation after it.
pub struct Norm {
    standard: Standard,
    affine: Option<(WeightId, WeightId)>,
}

impl Norm {
    /// A normalisation of `channels`.
    pub fn new(builder: &mut Builder, plan: NormPlan, channels: usize) -> Result<Self> {
        let affine = match plan.kind {
            NormKind::None => None,
            NormKind::Batch | NormKind::Instance | NormKind::Group(_) => {
                let fans = (channels, channels);
                let scale = builder.weight("scale", &[channels], fans, plan.scale)?;
                let shift = builder.weight("shift", &[channels], fans, Initialization::ZERO)?;
                Some((scale, shift))
            }
        };
        Ok(Self { standard: Standard::new(builder, plan, channels)?, affine })
    }

    /// The normalised, scaled, shifted and activated input.
    pub fn run(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        let activation = self.standard.plan.activation;
        let Some((scale, shift)) = self.affine else {
            return self.standard.run(pass, input, None, activation);
        };
        let (scale, shift) = (pass.weight(scale)?, pass.weight(shift)?);
        self.standard.run(pass, input, Some((&scale, &shift)), activation)
    }

    fn couples(&self) -> bool {
        self.standard.couples_samples()
    }
}

unconditional_layer!(Norm, couples);

/// A normalisation whose scales and shifts are rows of tables `[size, channels]`, chosen (or mixed) by a vector of each
/// sample, usually a one-hot class (Dumoulin et al. 2016, arXiv:1610.07629).
pub struct TableNorm {
    standard: Standard,
    scale: WeightId,
    shift: WeightId,
}

impl TableNorm {
    /// For `channels` and vectors of `size`.
    pub fn new(builder: &mut Builder, plan: NormPlan, channels: usize, size: usize) -> Result<Self> {
        let (shape, fans) = ([size, channels], (channels, channels));
        let scale = builder.weight("scale", &shape, fans, plan.scale)?;
        let shift = builder.weight("shift", &shape, fans, Initialization::ZERO)?;
        Ok(Self { standard: Standard::new(builder, plan, channels)?, scale, shift })
    }
}

impl Layer<OnVector> for TableNorm {
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable, vector: &Variable) -> Result<Variable> {
        let normal = self.standard.run(pass, input, None, Activation::Identity)?;
        let (scale, shift) = (pass.weight(self.scale)?, pass.weight(self.shift)?);
        let mut shape = vec![1; normal.rank()];
        shape[..2].clone_from_slice(&normal.shape()[..2]);
        let rows = |table: &Variable| vector.matmul(table)?.reshape(&shape);
        Ok(normal.mul(&rows(&scale)?)?.add(&rows(&shift)?)?.activate(self.standard.plan.activation)?)
    }

    fn couples_samples(&self) -> bool {
        self.standard.couples_samples()
    }
}

/// `(1 + gain(v)) norm(x) + shift(v)` for a vector `v` of each sample and linear `gain` and `shift`: class-conditional
/// batch normalisation (arXiv:1707.00683) or adaptive instance normalisation (arXiv:1703.06868), by the kind.
pub struct VectorNorm {
    standard: Standard,
    gain: Linear,
    shift: Linear,
}

impl VectorNorm {
    /// For `channels` and vectors of `size`.
    pub fn new(
        builder: &mut Builder,
        norm: NormPlan,
        (channels, size): (usize, usize),
        plan: &Plan,
    ) -> Result<Self> {
        let plan = plan.without_bias();
        Ok(Self {
            standard: Standard::new(builder, norm, channels)?,
            gain: builder.block("gain", |b| Linear::new(b, size, channels, &plan))?,
            shift: builder.block("shift", |b| Linear::new(b, size, channels, &plan))?,
        })
    }
}

impl Layer<OnVector> for VectorNorm {
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable, vector: &Variable) -> Result<Variable> {
        let normal = self.standard.run(pass, input, None, Activation::Identity)?;
        let mut shape = vec![1; normal.rank()];
        shape[..2].clone_from_slice(&normal.shape()[..2]);
        let gain = self.gain.run(pass, vector)?.affine(1.0, 1.0)?.reshape(&shape)?;
        let shift = self.shift.run(pass, vector)?.reshape(&shape)?;
        Ok(normal.mul(&gain)?.add(&shift)?.activate(self.standard.plan.activation)?)
    }

    fn couples_samples(&self) -> bool {
        self.standard.couples_samples()
    }
}

/// `(1 + gain(m)) norm(x) + shift(m)` for a map `m`, resized to `x` without interpolation (SPADE, arXiv:1903.07291).
pub struct MapNorm {
    standard: Standard,
    shared: Convolution,
    gain: Convolution,
    shift: Convolution,
}

impl MapNorm {
    /// For `channels`, maps of `classes`, and `hidden` channels between.
    pub fn new(
        builder: &mut Builder,
        norm: NormPlan,
        (channels, classes, hidden): (usize, usize, usize),
        plan: &Plan,
    ) -> Result<Self> {
        let three = |from, to| move |b: &mut Builder| Convolution::new(b, (from, to), Window::same(3), plan);
        Ok(Self {
            standard: Standard::new(builder, norm, channels)?,
            shared: builder.block("shared", three(classes, hidden))?,
            gain: builder.block("gain", three(hidden, channels))?,
            shift: builder.block("shift", three(hidden, channels))?,
        })
    }
}

impl Layer<OnMap> for MapNorm {
    fn forward(
        &self,
        pass: &mut Pass<'_>,
        input: &Variable,
        LabelMap(map): LabelMap<'_>,
    ) -> Result<Variable> {
        let (_, _, height, width) = input.dims4("normalisation by a map")?;
        let hidden = self.shared.run(pass, &map.resize_nearest(height, width)?)?.relu()?;
        let normal = self.standard.run(pass, input, None, Activation::Identity)?;
        let gain = self.gain.run(pass, &hidden)?.affine(1.0, 1.0)?;
        let shift = self.shift.run(pass, &hidden)?;
        Ok(normal.mul(&gain)?.add(&shift)?.activate(self.standard.plan.activation)?)
    }

    fn couples_samples(&self) -> bool {
        self.standard.couples_samples()
    }
}
