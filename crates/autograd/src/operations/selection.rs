//! Comparisons, selection and signs: piecewise constant, so their own derivative is zero.

use candle_core::{DType, Tensor};

use crate::error::Result;
use crate::variable::{Variable, agree};

type Comparison = fn(&Tensor, &Tensor) -> candle_core::Result<Tensor>;

impl Variable {
    fn compare(&self, operation: &'static str, other: &Variable, by: Comparison) -> Result<Variable> {
        agree(operation, self, other)?;
        Ok(Variable::constant(by(self.tensor(), other.tensor())?.to_dtype(self.dtype())?))
    }

    /// 1 where `self > other`, else 0; broadcasts, carries no gradient.
    pub fn greater(&self, other: &Variable) -> Result<Variable> {
        self.compare("greater", other, Tensor::broadcast_gt)
    }

    /// 1 where `self < other`, else 0; broadcasts, carries no gradient.
    pub fn less(&self, other: &Variable) -> Result<Variable> {
        self.compare("less", other, Tensor::broadcast_lt)
    }

    /// 1 where `self == other`, else 0; broadcasts, carries no gradient.
    pub fn equal(&self, other: &Variable) -> Result<Variable> {
        self.compare("equal", other, Tensor::broadcast_eq)
    }

    /// 1 where `self >= other`, else 0; broadcasts, carries no gradient.
    pub fn at_least(&self, other: &Variable) -> Result<Variable> {
        self.compare("at_least", other, Tensor::broadcast_ge)
    }

    /// 1 where `low <= self <= high`, else 0; carries no gradient.
    pub fn between(&self, low: f64, high: f64) -> Result<Variable> {
        let (above, below) = (self.tensor().ge(low)?, self.tensor().le(high)?);
        Ok(Variable::constant(above.mul(&below)?.to_dtype(self.dtype())?))
    }

    /// -1, 0 or 1; carries no gradient.
    pub fn sign(&self) -> Result<Variable> {
        let (above, below) = (self.tensor().gt(0.0)?, self.tensor().lt(0.0)?);
        Ok(Variable::constant((above.to_dtype(self.dtype())? - below.to_dtype(self.dtype())?)?))
    }

    /// `chosen` where `self` is not 0 and `other` where it is; all three of one shape.
    /// Gradients flow only to the side that was taken, even where the other is infinite or NaN.
    pub fn select(&self, chosen: &Variable, other: &Variable) -> Result<Variable> {
        agree("select", chosen, other)?;
        let mask = self.tensor().ne(0.0)?.to_dtype(DType::U8)?;
        let value = mask.where_cond(chosen.tensor(), other.tensor())?;
        let condition = self.detach();
        Ok(Variable::record("select", value, &[chosen, other], &[&condition], false, |b| {
            let [condition] = b.saved else { return Ok(vec![None, None]) };
            let nothing = b.gradient.full_like(0.0)?;
            Ok(vec![
                b.when(0, || condition.select(b.gradient, &nothing))?,
                b.when(1, || condition.select(&nothing, b.gradient))?,
            ])
        }))
    }

    /// The values of `self`, with the gradient passed to `carrier` as if it had been returned:
    /// the straight-through estimator (Bengio et al. 2013, arXiv:1308.3432). One shape.
    pub fn straight_through(&self, carrier: &Variable) -> Result<Variable> {
        agree("straight_through", self, carrier)?;
        if self.shape() != carrier.shape() {
            return Err(crate::error::shape_error(
                "straight_through",
                format!("shapes {:?} and {:?} differ", self.shape(), carrier.shape()),
            ));
        }
        Ok(Variable::record("straight_through", self.tensor().clone(), &[carrier], &[], false, |b| {
            Ok(vec![b.when(0, || Ok(b.gradient.clone()))?])
        }))
    }
}
