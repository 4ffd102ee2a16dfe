//! Elementwise arithmetic with broadcasting.

use std::borrow::Borrow;

use brigand_kernels::elementwise::{Binary, Unary};

use crate::error::Result;
use crate::variable::{Variable, agree};

use super::elementwise::{binary, unary};

impl Variable {
    /// `self + other`, broadcasting.
    pub fn add(&self, other: &Variable) -> Result<Variable> {
        agree("add", self, other)?;
        let value = binary("add", Binary::Add, self.tensor(), other.tensor())?;
        let (left, right) = (self.shape().to_vec(), other.shape().to_vec());
        Ok(Variable::record("add", value, &[self, other], &[], false, move |b| {
            Ok(vec![b.when(0, || b.gradient.sum_to(&left))?, b.when(1, || b.gradient.sum_to(&right))?])
        }))
    }

    /// `self - other`, broadcasting.
    pub fn sub(&self, other: &Variable) -> Result<Variable> {
        agree("sub", self, other)?;
        let value = binary("sub", Binary::Subtract, self.tensor(), other.tensor())?;
        let (left, right) = (self.shape().to_vec(), other.shape().to_vec());
        Ok(Variable::record("sub", value, &[self, other], &[], false, move |b| {
            Ok(vec![b.when(0, || b.gradient.sum_to(&left))?, b.when(1, || b.gradient.neg()?.sum_to(&right))?])
        }))
    }

    /// `self * other` element by element, broadcasting.
    pub fn mul(&self, other: &Variable) -> Result<Variable> {
        agree("mul", self, other)?;
        let value = binary("mul", Binary::Multiply, self.tensor(), other.tensor())?;
        Ok(Variable::record("mul", value, &[self, other], &[self, other], false, |b| {
            let [left, right] = b.saved()?;
            Ok(vec![
                b.when(0, || b.gradient.mul(right)?.sum_to(left.shape()))?,
                b.when(1, || b.gradient.mul(left)?.sum_to(right.shape()))?,
            ])
        }))
    }

    /// `self / other` element by element, broadcasting.
    pub fn div(&self, other: &Variable) -> Result<Variable> {
        agree("div", self, other)?;
        let value = binary("div", Binary::Divide, self.tensor(), other.tensor())?;
        Ok(Variable::record("div", value, &[self, other], &[self, other], false, |b| {
            let [left, right] = b.saved()?;
            Ok(vec![
                b.when(0, || b.gradient.div(right)?.sum_to(left.shape()))?,
                b.when(1, || b.gradient.mul(left)?.div(&right.square()?)?.neg()?.sum_to(right.shape()))?,
            ])
        }))
    }

    /// The larger of each pair, broadcasting; where they are equal each receives half of the gradient.
    pub fn maximum(&self, other: &Variable) -> Result<Variable> {
        self.extremum("maximum", Binary::Maximum, other)
    }

    /// The smaller of each pair, broadcasting; where they are equal each receives half of the gradient.
    pub fn minimum(&self, other: &Variable) -> Result<Variable> {
        self.extremum("minimum", Binary::Minimum, other)
    }

    fn extremum(&self, operation: &'static str, which: Binary, other: &Variable) -> Result<Variable> {
        agree(operation, self, other)?;
        let value = binary(operation, which, self.tensor(), other.tensor())?;
        // Only compared in the rule: without history.
        let saved = [&self.detach(), &other.detach()];
        Ok(Variable::record(operation, value, &[self, other], &saved, false, move |b| {
            let [left, right] = b.saved()?;
            let wins = if which == Binary::Maximum { left.greater(right)? } else { left.less(right)? };
            let share = wins.add(&left.equal(right)?.scale(0.5)?)?;
            Ok(vec![
                b.when(0, || b.gradient.mul(&share)?.sum_to(left.shape()))?,
                b.when(1, || b.gradient.mul(&share.affine(-1.0, 1.0)?)?.sum_to(right.shape()))?,
            ])
        }))
    }

    /// `scale * self + shift`.
    pub fn affine(&self, scale: f64, shift: f64) -> Result<Variable> {
        let value = unary(Unary::Affine(scale, shift), self.tensor())?;
        Ok(Variable::record("affine", value, &[self], &[], false, move |b| {
            Ok(vec![b.when(0, || b.gradient.affine(scale, 0.0))?])
        }))
    }

    /// `scale * self`.
    pub fn scale(&self, scale: f64) -> Result<Variable> {
        self.affine(scale, 0.0)
    }

    /// `-self`.
    pub fn neg(&self) -> Result<Variable> {
        self.affine(-1.0, 0.0)
    }

    /// `self²`.
    pub fn square(&self) -> Result<Variable> {
        let value = unary(Unary::Square, self.tensor())?;
        Ok(Variable::record("square", value, &[self], &[self], false, |b| {
            let [input] = b.saved()?;
            Ok(vec![b.when(0, || b.gradient.mul(input)?.scale(2.0))?])
        }))
    }

    /// `self^exponent` for a constant exponent. At 0 the derivative of an exponent below 1 is infinite.
    pub fn powf(&self, exponent: f64) -> Result<Variable> {
        let value = unary(Unary::Power(exponent), self.tensor())?;
        Ok(Variable::record("powf", value, &[self], &[self], false, move |b| {
            let [input] = b.saved()?;
            let slope = || match exponent {
                0.0 => input.full_like(0.0),
                1.0 => input.full_like(1.0),
                _ => input.powf(exponent - 1.0)?.scale(exponent),
            };
            Ok(vec![b.when(0, || b.gradient.mul(&slope()?))?])
        }))
    }

    /// `self^exponent` element by element, for a positive base.
    pub fn pow(&self, exponent: &Variable) -> Result<Variable> {
        agree("pow", self, exponent)?;
        if let Some(single) = self.single()? {
            return single.pow(&exponent.at_least_single()?)?.to_dtype(self.dtype());
        }
        self.log()?.mul(exponent)?.exp()
    }

    /// `e^self`.
    pub fn exp(&self) -> Result<Variable> {
        let value = unary(Unary::Exponential, self.tensor())?;
        Ok(Variable::record("exp", value, &[self], &[], true, |b| {
            Ok(vec![b.when(0, || b.gradient.mul(b.output()?))?])
        }))
    }

    /// `e^min(self, ceiling)`: finite everywhere, with gradient 0 above the ceiling.
    pub fn safe_exp(&self, ceiling: f64) -> Result<Variable> {
        self.clamp(f64::NEG_INFINITY, ceiling)?.exp()
    }

    /// The natural logarithm: `-inf` at 0, NaN below.
    pub fn log(&self) -> Result<Variable> {
        let value = unary(Unary::Logarithm, self.tensor())?;
        Ok(Variable::record("log", value, &[self], &[self], false, |b| {
            let [input] = b.saved()?;
            Ok(vec![b.when(0, || b.gradient.div(input))?])
        }))
    }

    /// `ln(max(self, floor))`: finite everywhere, with gradient 0 below the floor.
    pub fn safe_log(&self, floor: f64) -> Result<Variable> {
        if let Some(single) = self.single()? {
            return single.safe_log(floor)?.to_dtype(self.dtype());
        }
        self.clamp(floor, f64::INFINITY)?.log()
    }

    /// The square root; its derivative at 0 is infinite, see [`Variable::safe_sqrt`].
    pub fn sqrt(&self) -> Result<Variable> {
        let value = unary(Unary::SquareRoot, self.tensor())?;
        Ok(Variable::record("sqrt", value, &[self], &[], true, |b| {
            Ok(vec![b.when(0, || b.gradient.div(&b.output()?.scale(2.0)?))?])
        }))
    }

    /// `sqrt(self + 1e-12)`: the form to use for norms, whose derivative at 0 must stay finite.
    pub fn safe_sqrt(&self) -> Result<Variable> {
        if let Some(single) = self.single()? {
            return single.safe_sqrt()?.to_dtype(self.dtype());
        }
        self.affine(1.0, 1e-12)?.sqrt()
    }

    /// `1 / self`.
    pub fn recip(&self) -> Result<Variable> {
        let value = unary(Unary::Reciprocal, self.tensor())?;
        Ok(Variable::record("recip", value, &[self], &[], true, |b| {
            Ok(vec![b.when(0, || b.gradient.mul(&b.output()?.square()?)?.neg())?])
        }))
    }

    /// The absolute value; its derivative at 0 is 0.
    pub fn abs(&self) -> Result<Variable> {
        let value = unary(Unary::Absolute, self.tensor())?;
        Ok(Variable::record("abs", value, &[self], &[self], false, |b| {
            let [input] = b.saved()?;
            Ok(vec![b.when(0, || b.gradient.mul(&input.sign()?))?])
        }))
    }

    /// Sine.
    pub fn sin(&self) -> Result<Variable> {
        let value = self.tensor().sin()?;
        Ok(Variable::record("sin", value, &[self], &[self], false, |b| {
            let [input] = b.saved()?;
            Ok(vec![b.when(0, || b.gradient.mul(&input.cos()?))?])
        }))
    }

    /// Cosine.
    pub fn cos(&self) -> Result<Variable> {
        let value = self.tensor().cos()?;
        Ok(Variable::record("cos", value, &[self], &[self], false, |b| {
            let [input] = b.saved()?;
            Ok(vec![b.when(0, || b.gradient.mul(&input.sin()?)?.neg())?])
        }))
    }

    /// Each element moved into `[low, high]`; the gradient is 0 where it had to be moved.
    pub fn clamp(&self, low: f64, high: f64) -> Result<Variable> {
        let value = unary(Unary::Clamp(low, high), self.tensor())?;
        Ok(Variable::record("clamp", value, &[self], &[&self.detach()], false, move |b| {
            let [input] = b.saved()?;
            Ok(vec![b.when(0, || b.gradient.mul(&input.between(low, high)?))?])
        }))
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident) => {
        impl<R: Borrow<Variable>> std::ops::$trait<R> for &Variable {
            type Output = Result<Variable>;
            fn $method(self, other: R) -> Result<Variable> {
                Variable::$method(self, other.borrow())
            }
        }
        impl<R: Borrow<Variable>> std::ops::$trait<R> for Variable {
            type Output = Result<Variable>;
            fn $method(self, other: R) -> Result<Variable> {
                Variable::$method(&self, other.borrow())
            }
        }
        impl std::ops::$trait<Result<Variable>> for Variable {
            type Output = Result<Variable>;
            fn $method(self, other: Result<Variable>) -> Result<Variable> {
                Variable::$method(&self, &other?)
            }
        }
    };
}
operator!(Add, add);
operator!(Sub, sub);
operator!(Mul, mul);
operator!(Div, div);
