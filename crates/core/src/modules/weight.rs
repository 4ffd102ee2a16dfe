//! Weights as they are used: as they are, spectrally normalised, or scaled at run time.

use brigand_autograd::{Variable, without_recording};

use super::builder::Builder;
use super::initialization::Initialization;
use super::parameters::{BufferId, SINGULAR, WeightId};
use super::pass::{Mode, Pass};
use crate::error::Result;

/// The function from a stored weight to the weight that is used.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Reparametrisation {
    /// The stored weight itself.
    #[default]
    Plain,
    /// Division by the largest singular value (Miyato et al. 2018, arXiv:1802.05957); a weight of zeros,
    /// or of numbers so small that this value is far below 1e-6, is used as it is.
    Spectral,
    /// A factor `gain / sqrt(fan_in)` at run time (Karras et al. 2017, arXiv:1710.10196).
    Equalised {
        /// The gain.
        gain: f64,
    },
}

/// How a layer's weight starts, how it is used, and whether there is a bias: a value that is passed to every block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// First values of the weight.
    pub initialization: Initialization,
    /// How the stored weight becomes the one that is used.
    pub reparametrisation: Reparametrisation,
    /// Whether a bias, starting at 0, is added.
    pub bias: bool,
}

impl Plan {
    /// Plain weights with a bias.
    pub const fn new(initialization: Initialization) -> Self {
        Self { initialization, reparametrisation: Reparametrisation::Plain, bias: true }
    }

    /// The same, spectrally normalised.
    #[must_use]
    pub const fn spectral(self) -> Self {
        Self { reparametrisation: Reparametrisation::Spectral, ..self }
    }

    /// The same with this reparametrisation.
    #[must_use]
    pub const fn reparametrised(self, reparametrisation: Reparametrisation) -> Self {
        Self { reparametrisation, ..self }
    }

    /// The same with a bias or without.
    #[must_use]
    pub const fn with_bias(self, bias: bool) -> Self {
        Self { bias, ..self }
    }

    /// The same without a bias.
    #[must_use]
    pub const fn without_bias(self) -> Self {
        self.with_bias(false)
    }
}

/// Power iterations when a weight is made, so that the first estimate is already good.
const WARM_UP: usize = 15;

enum Held {
    Plain,
    /// The estimate of the left singular vector, `[out]`, of the weight as a matrix `[out, everything else]`.
    Spectral {
        left: BufferId,
        /// Whether outputs are the second axis, as in transposed convolutions.
        transposed: bool,
    },
    Scaled(f64),
}

/// A parameter and its reparametrisation.
pub struct Weight {
    id: WeightId,
    held: Held,
}

impl Weight {
    /// A weight called `weight` of `shape` `[out, ...]`.
    pub fn new(builder: &mut Builder, shape: &[usize], fans: (usize, usize), plan: &Plan) -> Result<Self> {
        Self::make(builder, shape, fans, plan, false)
    }

    /// A weight called `weight` of `shape` `[in, out, ...]`.
    pub fn transposed(
        builder: &mut Builder,
        shape: &[usize],
        fans: (usize, usize),
        plan: &Plan,
    ) -> Result<Self> {
        Self::make(builder, shape, fans, plan, true)
    }

    fn make(
        builder: &mut Builder,
        shape: &[usize],
        fans: (usize, usize),
        plan: &Plan,
        transposed: bool,
    ) -> Result<Self> {
        let id = builder.weight("weight", shape, fans, plan.initialization)?;
        let held = match plan.reparametrisation {
            Reparametrisation::Plain => Held::Plain,
            Reparametrisation::Equalised { gain } => Held::Scaled(gain / (fans.0.max(1) as f64).sqrt()),
            Reparametrisation::Spectral => {
                let matrix = rows(&builder.first_value(id)?.detach(), transposed)?;
                let out = matrix.shape()[0];
                let first = Variable::from_slice(&builder.stream(SINGULAR).normal(out), &[out, 1])?;
                let mut left = unit(&first.to_dtype(matrix.dtype())?.to_device(matrix.device())?)?;
                for _ in 0..WARM_UP {
                    left = next_left(&matrix, &left, &next_right(&matrix, &left)?)?;
                }
                Held::Spectral { left: builder.buffer(SINGULAR, &[out], left.to_vec_f32()?)?, transposed }
            }
        };
        Ok(Self { id, held })
    }

    /// The weight to use in this pass, made once. Training refreshes the singular vectors by one power iteration; they
    /// count as constants in the gradient, the weight does not.
    pub fn value(&self, pass: &mut Pass<'_>) -> Result<Variable> {
        match self.held {
            Held::Plain => pass.weight(self.id),
            Held::Scaled(factor) => pass.weight_by(self.id, |_, stored| Ok(stored.scale(factor)?)),
            Held::Spectral { left, transposed } => {
                pass.weight_by(self.id, |pass, stored| normalized(pass, stored, left, transposed))
            }
        }
    }
}

/// `stored / sigma`.
fn normalized(
    pass: &mut Pass<'_>,
    stored: &Variable,
    buffer: BufferId,
    transposed: bool,
) -> Result<Variable> {
    let matrix = rows(stored, transposed)?;
    let out = matrix.shape()[0];
    let left = Variable::constant(pass.buffer(buffer)?.clone()).reshape(&[out, 1])?;
    let right = without_recording(|| next_right(&matrix.detach(), &left))?;
    let left = if pass.mode() == Mode::Training {
        let next = without_recording(|| next_left(&matrix.detach(), &left, &right))?;
        pass.update(buffer, next.reshape(&[out])?.into_tensor());
        next
    } else {
        left
    };
    let sigma = left.transposed()?.matmul(&matrix.matmul(&right)?)?;
    let sigma = sigma.add(&is_lost(&right)?)?;
    Ok(stored.mul(&sigma.reshape(&vec![1; stored.rank()])?.recip()?)?)
}

/// The weight as a matrix with a row for each output.
fn rows(weight: &Variable, transposed: bool) -> Result<Variable> {
    Ok(if transposed { weight.transpose(0, 1)? } else { weight.clone() }.flatten_from_second()?)
}

/// The first half of a power iteration, from left vector `u` `[out, 1]`: `v = n(Wᵀ u)`.
fn next_right(matrix: &Variable, left: &Variable) -> Result<Variable> {
    unit(&matrix.transposed()?.matmul(left)?)
}

/// The second half: `n(W v)`, or `u` again where that is 0, from which no iteration would come back.
fn next_left(matrix: &Variable, left: &Variable, right: &Variable) -> Result<Variable> {
    let next = unit(&matrix.matmul(right)?)?;
    Ok(next.add(&left.mul(&is_lost(&next)?)?)?)
}

/// 1 if a vector that should have length 1 is next to 0, because the weight is; else 0.
fn is_lost(vector: &Variable) -> Result<Variable> {
    let square = vector.square()?.sum_all()?;
    Ok(square.at_least(&square.full_like(0.5)?)?.affine(-1.0, 1.0)?)
}

fn unit(vector: &Variable) -> Result<Variable> {
    Ok(vector.div(&vector.square()?.sum_all()?.safe_sqrt()?)?)
}
