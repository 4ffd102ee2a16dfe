//! The gradient of a discriminator by its input: where penalties take it, and what scores are normalised by.

use crate::penalties::{Constraint, Penalty, Probe};
use crate::random::Stream;
use brigand_autograd::{Variable, grad};
use candle_core::{Device, Tensor};

use super::comparison::total;
use super::input::Input;
use super::precision::accurate;
use crate::error::{Error, Result};

/// The gradient of the sum of `scores` by all parts of `place` together, `[batch, numbers]`, itself differentiable, in
/// single precision or better.
pub(super) fn slopes<S: Input>(scores: &Variable, place: &S) -> Result<Variable> {
    let gradients = gradients(scores, place)?;
    let flat: Vec<Variable> =
        gradients.iter().map(|of| Ok(of.flatten_from_second()?)).collect::<Result<_>>()?;
    match flat.as_slice() {
        [] => Err(Error::Network("a penalty needs something to take a gradient by".into())),
        [only] => Ok(only.clone()),
        several => Ok(Variable::concatenate(&several.iter().collect::<Vec<_>>(), 1)?),
    }
}

/// The gradients of the sum of `scores` by each part of `place`, in its shape, themselves differentiable, in single precision
/// or better.
fn gradients<S: Input>(scores: &Variable, place: &S) -> Result<Vec<Variable>> {
    let parts = place.parts()?;
    let found = grad(&scores.sum_all()?, &parts.iter().collect::<Vec<_>>(), true)?;
    found.iter().map(accurate).collect()
}

/// The term of a penalty; nothing where there is none.
pub(super) fn penalty_term<S: Input>(
    penalty: Penalty,
    (real, fake): (&S, &S),
    stream: &mut Stream,
    scores: impl FnOnce(&S) -> Result<Variable>,
) -> Result<Option<Variable>> {
    let Penalty::Gradient { probe, cost, weight } = penalty else { return Ok(None) };
    let place = place(probe, &real.detached(), &fake.detached(), stream)?.leaves()?;
    let sides = if probe == Probe::Both { 2.0 } else { 1.0 };
    let scores = scores(&place)?;
    let cost = match cost.is_by_position() {
        true => total(gradients(&scores, &place)?.iter().map(|part| cost.of(part)))?,
        false => cost.of(&slopes(&scores, &place)?)?,
    };
    Ok(Some(cost.scale(weight * sides)?))
}

/// The points at which a penalty takes the gradient.
fn place<S: Input>(probe: Probe, real: &S, fake: &S, stream: &mut Stream) -> Result<S> {
    match probe {
        Probe::Line => {
            // One share for each sample, the same for all of its parts.
            let mut share: Option<Variable> = None;
            real.zip(fake, &mut |real, fake| {
                let drawn = match &share {
                    Some(drawn) => drawn.clone(),
                    None => uniform(&[real.shape()[0]], real, stream)?,
                };
                let mut shape = vec![1; real.rank()];
                shape[0] = real.shape()[0];
                let own = drawn.reshape(&shape)?;
                share = Some(drawn);
                Ok(real.mul(&own)?.add(&fake.mul(&own.affine(-1.0, 1.0)?)?)?)
            })
        }
        Probe::Real => Ok(real.clone()),
        Probe::Fake => Ok(fake.clone()),
        Probe::Both => {
            let count = |side: &S| Ok::<_, Error>(side.parts()?.first().map(|part| part.shape()[0]));
            let (real_count, fake_count) = (count(real)?, count(fake)?);
            if real_count != fake_count {
                return Err(Error::Network(format!(
                    "a penalty on both sides needs as many real samples as fakes, got {real_count:?} and \
                     {fake_count:?}"
                )));
            }
            real.beside(fake)
        }
        Probe::AroundReal => real.map(&mut |part| around(part, true, stream)),
        Probe::AroundBoth => real.beside(fake)?.map(&mut |part| around(part, false, stream)),
    }
}

/// `x + s 0.5 std(x) u`, one standard deviation over everything, `u ~ U[0, 1]` for each element and, where `shares`,
/// `s ~ U[0, 1]` for each sample.
fn around(part: &Variable, shares: bool, stream: &mut Stream) -> Result<Variable> {
    let mut shape = vec![1; part.rank()];
    shape[0] = part.shape()[0];
    let share = shares.then(|| uniform(&shape, part, stream)).transpose()?;
    let axes: Vec<usize> = (0..part.rank()).collect();
    let deviation = part.variance_keeping(&axes)?.safe_sqrt()?;
    let noise = uniform(part.shape(), part, stream)?.mul(&deviation)?.scale(0.5)?;
    Ok(match share {
        Some(share) => part.add(&noise.mul(&share.affine(-1.0, 1.0)?)?)?,
        None => part.add(&noise)?,
    })
}

fn uniform(shape: &[usize], like: &Variable, stream: &mut Stream) -> Result<Variable> {
    let values = stream.uniform(shape.iter().product(), 0.0, 1.0);
    let tensor = Tensor::from_vec(values, shape, &Device::Cpu)?.to_dtype(like.dtype())?;
    Ok(Variable::constant(tensor.to_device(like.device())?))
}

/// `input` as scores can be normalised by their slope at it: every part becomes a place of its own in the graph, a leaf
/// where it has no history. The slope at a part itself would also follow what else depends on it: weights that were
/// unrolled on the same fakes, another part that was computed from it.
pub(super) fn differentiable<S: Input>(constraint: Constraint, input: &S) -> Result<S> {
    if !constraint.normalizes_gradients() {
        return Ok(input.clone());
    }
    input.map(&mut |part| match part.has_history() {
        true => Ok(part.affine(1.0, 0.0)?),
        false => Ok(Variable::leaf(part.tensor().clone())),
    })
}
