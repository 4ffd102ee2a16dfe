//! Comparisons, selection and signs: piecewise constant, so their own derivative is zero.

use brigand_kernels::float::Float;
use candle_core::{DType, Tensor};

use crate::buffer::{Real, has_kernels};
use crate::dispatch;
use crate::error::{Result, shape_error};
use crate::variable::{Variable, agree};

use super::elementwise::{broadcast_shape, map_with, zip_with};

fn number<T: Real>(condition: bool) -> T {
    if condition { T::ONE } else { T::ZERO }
}

#[derive(Clone, Copy)]
enum Comparison {
    Greater,
    Less,
    Equal,
    AtLeast,
}

/// Both values, broadcast to one shape.
fn paired(operation: &'static str, left: &Variable, right: &Variable) -> Result<(Tensor, Tensor)> {
    agree(operation, left, right)?;
    let shape = broadcast_shape(operation, left.shape(), right.shape())?;
    let shaped = |variable: &Variable| variable.tensor().broadcast_as(shape.as_slice());
    Ok((shaped(left)?, shaped(right)?))
}

impl Variable {
    fn compare(&self, operation: &'static str, by: Comparison, other: &Variable) -> Result<Variable> {
        let (left, right) = paired(operation, self, other)?;
        Ok(Variable::constant(if has_kernels(&left) {
            dispatch!(left, T => match by {
                Comparison::Greater => zip_with::<T>(&left, &right, |x, y| number(x > y)),
                Comparison::Less => zip_with::<T>(&left, &right, |x, y| number(x < y)),
                Comparison::Equal => zip_with::<T>(&left, &right, |x, y| number(x == y)),
                Comparison::AtLeast => zip_with::<T>(&left, &right, |x, y| number(x >= y)),
            })?
        } else {
            let truth = match by {
                Comparison::Greater => left.gt(&right)?,
                Comparison::Less => left.lt(&right)?,
                Comparison::Equal => left.eq(&right)?,
                Comparison::AtLeast => left.ge(&right)?,
            };
            truth.to_dtype(self.dtype())?
        }))
    }

    /// 1 where `self > other`, else 0; broadcasts, carries no gradient.
    pub fn greater(&self, other: &Variable) -> Result<Variable> {
        self.compare("greater", Comparison::Greater, other)
    }

    /// 1 where `self < other`, else 0; broadcasts, carries no gradient.
    pub fn less(&self, other: &Variable) -> Result<Variable> {
        self.compare("less", Comparison::Less, other)
    }

    /// 1 where `self == other`, else 0; broadcasts, carries no gradient.
    pub fn equal(&self, other: &Variable) -> Result<Variable> {
        self.compare("equal", Comparison::Equal, other)
    }

    /// 1 where `self >= other`, else 0; broadcasts, carries no gradient.
    pub fn at_least(&self, other: &Variable) -> Result<Variable> {
        self.compare("at_least", Comparison::AtLeast, other)
    }

    /// 1 where `low <= self <= high`, else 0; carries no gradient.
    pub fn between(&self, low: f64, high: f64) -> Result<Variable> {
        let x = self.tensor();
        Ok(Variable::constant(if has_kernels(x) {
            dispatch!(x, T => {
                let (low, high) = (T::of(low), T::of(high));
                map_with::<T>(x, |x| number(low <= x && x <= high))
            })?
        } else {
            x.ge(low)?.mul(&x.le(high)?)?.to_dtype(self.dtype())?
        }))
    }

    /// -1, 0 or 1; carries no gradient.
    pub fn sign(&self) -> Result<Variable> {
        let x = self.tensor();
        Ok(Variable::constant(if has_kernels(x) {
            dispatch!(x, T => map_with::<T>(x, |x| number::<T>(x > T::ZERO) - number::<T>(x < T::ZERO)))?
        } else {
            (x.gt(0.0)?.to_dtype(self.dtype())? - x.lt(0.0)?.to_dtype(self.dtype())?)?
        }))
    }

    /// `chosen` where `self` is not 0 and `other` where it is, broadcasting all three; `self` is a mask of any type,
    /// and carries no gradient. Gradients flow only to the side that was taken, even where the other is infinite
    /// or NaN: a mask of `[time, time]` hides scores of `[batch, heads, time, time]` behind a scalar of minus
    /// infinity.
    ///
    /// # Errors
    /// If the shapes do not broadcast, or the dtypes of `chosen` and `other` differ.
    pub fn select(&self, chosen: &Variable, other: &Variable) -> Result<Variable> {
        agree("select", chosen, other)?;
        let shape = broadcast_shape("select", self.shape(), chosen.shape())?;
        let shape = broadcast_shape("select", &shape, other.shape())?;
        let spread = |tensor: &Tensor| tensor.broadcast_as(shape.as_slice());
        let mask = spread(&self.tensor().ne(0.0)?.to_dtype(DType::U8)?)?;
        let value = mask.where_cond(&spread(chosen.tensor())?, &spread(other.tensor())?)?;
        let (left, right) = (chosen.shape().to_vec(), other.shape().to_vec());
        Ok(Variable::record("select", value, &[chosen, other], &[&self.detach()], false, move |b| {
            let [condition] = b.saved()?;
            let nothing = b.gradient.full_like(0.0)?;
            Ok(vec![
                b.when(0, || condition.select(b.gradient, &nothing)?.sum_to(&left))?,
                b.when(1, || condition.select(&nothing, b.gradient)?.sum_to(&right))?,
            ])
        }))
    }

    /// The values of `self`, with the gradient passed to `carrier` as if it had been returned:
    /// the straight-through estimator (Bengio et al. 2013, arXiv:1308.3432). One shape.
    ///
    /// # Errors
    /// If shapes, dtypes or devices differ.
    pub fn straight_through(&self, carrier: &Variable) -> Result<Variable> {
        agree("straight_through", self, carrier)?;
        if self.shape() != carrier.shape() {
            let reason = format!("shapes {:?} and {:?} differ", self.shape(), carrier.shape());
            return Err(shape_error("straight_through", reason));
        }
        Ok(Variable::record("straight_through", self.tensor().clone(), &[carrier], &[], false, |b| {
            Ok(vec![b.when(0, || Ok(b.gradient.clone()))?])
        }))
    }
}
