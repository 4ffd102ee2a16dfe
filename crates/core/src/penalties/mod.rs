//! Penalties and constraints on a critic's gradient. A penalty takes the gradient at the points of a [`Probe`] and
//! penalises its norm by a [`Cost`]; a [`Constraint`] holds without a term in the loss.
//!
//! | name | probe | cost | weight |
//! |---|---|---|---|
//! | WGAN-GP (arXiv:1704.00028) | line | two-sided | 10 |
//! | WGAN-LP (arXiv:1709.08894) | line | one-sided | 10 |
//! | DRAGAN (arXiv:1705.07215) | around-real | two-sided | 10 |
//! | WGAN-LP, its other sampling | around-both | one-sided | 10 |
//! | R1 (arXiv:1801.04406) | real | squared | gamma / 2 |
//! | R2 | fake | squared | gamma / 2 |
//! | R1 + R2 (R3GAN, arXiv:2501.05441) | both | squared | gamma / 2 |
//! | WGAN-div (arXiv:1712.01026) | line | sixth-power | 2 |

mod constraint;

pub use constraint::Constraint;

use brigand_autograd::{Variable, grad};
use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::random::Stream;

/// The points at which a critic's gradient is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Probe {
    /// `e x + (1 - e) y` between a real and a fake sample, one `e ~ U[0, 1]` for each pair.
    Line,
    /// The real samples.
    Real,
    /// The fake samples.
    Fake,
    /// The real and the fake samples; the cost is the sum of both sides' means.
    Both,
    /// `x + (1 - e) 0.5 std(x) u`: real samples moved by noise `u ~ U[0, 1]` of each element, with one
    /// standard deviation over the whole batch and one `e` for each sample.
    AroundReal,
    /// `x + 0.5 std(X) u`: real and fake samples moved by noise `u ~ U[0, 1]` of each element, with one standard
    /// deviation over all of them.
    AroundBoth,
}

/// How the gradient's norm is penalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cost {
    /// `mean (|g| - 1)²`.
    TwoSided,
    /// `mean max(0, |g| - 1)²`.
    OneSided,
    /// `mean |g|²`.
    Squared,
    /// `mean |g|⁶`.
    SixthPower,
}

/// A term added to the discriminator's loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Penalty {
    /// Nothing is added.
    None {},
    /// A cost of the critic's gradient by its input.
    Gradient {
        /// Where.
        #[serde(default = "line")]
        probe: Probe,
        /// How the norm is penalised.
        #[serde(default = "two_sided")]
        cost: Cost,
        /// The factor.
        #[serde(default = "ten")]
        weight: f64,
    },
}

fn line() -> Probe {
    Probe::Line
}

fn two_sided() -> Cost {
    Cost::TwoSided
}

fn ten() -> f64 {
    10.0
}

impl Default for Penalty {
    fn default() -> Self {
        Self::None {}
    }
}

impl Penalty {
    /// The penalty of Gulrajani et al.: two-sided, on lines between real and fake, weight 10.
    pub const WGAN_GP: Self = Self::Gradient { probe: Probe::Line, cost: Cost::TwoSided, weight: 10.0 };

    /// Refuses a weight that no penalty can have.
    pub fn check(&self) -> Result<()> {
        match *self {
            Self::Gradient { weight, .. } if !(weight > 0.0 && weight.is_finite()) => Err(Error::Recipe(
                format!("penalty.weight is {weight}; give a positive number, or set penalty.kind=none"),
            )),
            Self::None {} | Self::Gradient { .. } => Ok(()),
        }
    }

    /// Whether it takes the gradient of a gradient.
    pub fn is_active(&self) -> bool {
        match self {
            Self::None {} => false,
            Self::Gradient { .. } => true,
        }
    }

    /// The term for a real and a fake batch of equal shape; `None` if nothing is added.
    /// `critic` gives scores `[batch]` for samples; its parameters stay differentiable.
    pub fn term(
        &self,
        critic: &mut dyn FnMut(&Variable) -> Result<Variable>,
        real: &Variable,
        fake: &Variable,
        stream: &mut Stream,
    ) -> Result<Option<Variable>> {
        match *self {
            Self::None {} => Ok(None),
            Self::Gradient { probe, cost, weight } => {
                let place = Variable::leaf(probe.place(real, fake, stream)?.into_tensor());
                let gradients = own_gradients(&critic(&place)?, &place)?;
                Ok(Some(cost.of(&gradients)?.scale(weight * probe.means())?))
            }
        }
    }
}

/// The gradient of each sample's score by the sample itself, of the samples' shape, differentiable: the gradient of
/// the scores' sum, where no score depends on another sample.
fn own_gradients(scores: &Variable, samples: &Variable) -> Result<Variable> {
    let gradients = grad(&scores.sum_all()?, &[samples], true)?;
    let [gradient]: [Variable; 1] = gradients.try_into().map_err(|found: Vec<Variable>| {
        Error::Internal(format!("scores gave {} gradients by one batch of samples", found.len()))
    })?;
    Ok(gradient)
}

impl Probe {
    /// How many sides' means the cost is the sum of, of one mean over all places.
    fn means(self) -> f64 {
        match self {
            Self::Both => 2.0,
            Self::Line | Self::Real | Self::Fake | Self::AroundReal | Self::AroundBoth => 1.0,
        }
    }

    /// The places, of the samples' shape.
    fn place(self, real: &Variable, fake: &Variable, stream: &mut Stream) -> Result<Variable> {
        let mut share = || per_sample(real, stream);
        Ok(match self {
            Self::Line => {
                let share = share()?;
                real.mul(&share)?.add(&fake.mul(&share.affine(-1.0, 1.0)?)?)?
            }
            Self::Real => real.detach(),
            Self::Fake => fake.detach(),
            Self::Both => Variable::concatenate(&[&real.detach(), &fake.detach()], 0)?,
            Self::AroundReal => {
                let rest = share()?.affine(-1.0, 1.0)?;
                real.add(&noise_of_half_deviation(real, stream)?.mul(&rest)?)?
            }
            Self::AroundBoth => {
                let both = Variable::concatenate(&[&real.detach(), &fake.detach()], 0)?;
                both.add(&noise_of_half_deviation(&both, stream)?)?
            }
        })
    }
}

impl Cost {
    /// The mean cost of per-sample gradients `[batch, ...]`.
    pub fn of(self, gradient: &Variable) -> Result<Variable> {
        let excess = || gradient.sample_norm()?.affine(1.0, -1.0);
        Ok(match self {
            Self::TwoSided => excess()?.square()?,
            Self::OneSided => excess()?.relu()?.square()?,
            Self::Squared => gradient.sample_square()?,
            Self::SixthPower => gradient.sample_square()?.powf(3.0)?,
        }
        .mean_all()?)
    }
}

/// `0.5 std(x) u` with one standard deviation over everything and `u ~ U[0, 1]` for each element.
fn noise_of_half_deviation(samples: &Variable, stream: &mut Stream) -> Result<Variable> {
    let axes: Vec<usize> = (0..samples.rank()).collect();
    let deviation = samples.detach().variance_keeping(&axes)?.safe_sqrt()?;
    let noise = stream.uniform(samples.elements(), 0.0, 1.0);
    let noise = on_device(noise, samples.shape(), samples.device())?;
    Ok(noise.mul(&deviation)?.scale(0.5)?)
}

/// One `U[0, 1]` for each sample, shaped to broadcast over it.
fn per_sample(samples: &Variable, stream: &mut Stream) -> Result<Variable> {
    let mut shape = vec![1; samples.rank()];
    if let (Some(first), Some(&batch)) = (shape.first_mut(), samples.shape().first()) {
        *first = batch;
    }
    let draws = stream.uniform(shape.iter().product(), 0.0, 1.0);
    on_device(draws, &shape, samples.device())
}

fn on_device(values: Vec<f32>, shape: &[usize], device: &Device) -> Result<Variable> {
    Ok(Variable::constant(Tensor::from_vec(values, shape, &Device::Cpu)?.to_device(device)?))
}
