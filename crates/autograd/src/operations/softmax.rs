//! Softmax and its logarithm along one dimension.

use brigand_kernels::{reduction, softmax as kernel};
use candle_core::Tensor;

use crate::buffer::{Real, has_kernels, map_slice, tensor_of, with_slice};
use crate::dispatch;
use crate::error::Result;
use crate::variable::{Variable, is_recording};

/// `[outer, axis, inner]` of the dimensions before, at and after `axis`.
fn around(shape: &[usize], axis: usize) -> [usize; 3] {
    let product = |sizes: &[usize]| sizes.iter().product();
    let (before, rest) = shape.split_at(axis.min(shape.len()));
    [product(before), product(rest.get(..1).unwrap_or(&[])), product(rest.get(1..).unwrap_or(&[]))]
}

impl Variable {
    /// `exp(x) / sum exp(x)` along `axis`, without overflow.
    ///
    /// # Errors
    /// If there is no such dimension or no element.
    pub fn softmax(&self, axis: usize) -> Result<Variable> {
        self.refuse_empty_axis("softmax", axis)?;
        if let Some(single) = self.single()? {
            return single.softmax(axis)?.to_dtype(self.dtype());
        }
        let (x, shape) = (self.tensor(), around(self.shape(), axis));
        let value = if has_kernels(x) {
            dispatch!(x, T => map_slice::<T>(x, |x, y| kernel::softmax(x, shape, y)))?
        } else {
            let raised = x.broadcast_sub(&x.max_keepdim(axis)?)?.exp()?;
            raised.broadcast_div(&raised.sum_keepdim(axis)?)?
        };
        Ok(Variable::record("softmax", value, &[self], &[], true, move |b| {
            let rule = || {
                let y = b.output()?;
                if !is_recording() && has_kernels(y.tensor()) {
                    let (y, upstream) = (y.tensor(), b.gradient.tensor());
                    let value = dispatch!(y, T => softmax_gradient::<T>(y, upstream, shape))?;
                    return Ok(Variable::constant(value));
                }
                let weighted = b.gradient.mul(y)?;
                weighted.sub(&y.mul(&weighted.sum_keeping(&[axis])?)?)
            };
            Ok(vec![b.when(0, rule)?])
        }))
    }

    /// `x - ln sum exp(x)` along `axis`, without overflow.
    ///
    /// # Errors
    /// As [`Variable::softmax`].
    pub fn log_softmax(&self, axis: usize) -> Result<Variable> {
        self.refuse_empty_axis("log_softmax", axis)?;
        if let Some(single) = self.single()? {
            return single.log_softmax(axis)?.to_dtype(self.dtype());
        }
        let input = self.detach();
        let value = input.sub(&input.log_sum_exp_keeping(axis)?)?.into_tensor();
        Ok(Variable::record("log_softmax", value, &[self], &[], true, move |b| {
            let rule = || {
                let total = b.gradient.sum_keeping(&[axis])?;
                b.gradient.sub(&b.output()?.exp()?.mul(&total)?)
            };
            Ok(vec![b.when(0, rule)?])
        }))
    }

    /// `ln sum exp(x)` along `axis`, which keeps size 1, without overflow.
    ///
    /// # Errors
    /// As [`Variable::softmax`].
    pub fn log_sum_exp_keeping(&self, axis: usize) -> Result<Variable> {
        self.refuse_empty_axis("log_sum_exp", axis)?;
        if let Some(single) = self.single()? {
            return single.log_sum_exp_keeping(axis)?.to_dtype(self.dtype());
        }
        let input = self.detach();
        let peak = Variable::constant(peaks(self.tensor(), axis)?);
        let total = input.sub(&peak)?.exp()?.sum_keeping(&[axis])?;
        let value = total.log()?.add(&peak)?.into_tensor();
        Ok(Variable::record("log_sum_exp", value, &[self], &[self], false, move |b| {
            let [input] = b.saved()?;
            Ok(vec![b.when(0, || input.softmax(axis)?.mul(b.gradient))?])
        }))
    }
}

/// The largest elements along `axis`, which keeps size 1.
fn peaks(x: &Tensor, axis: usize) -> Result<Tensor> {
    if !has_kernels(x) {
        return Ok(x.contiguous()?.max_keepdim(axis)?);
    }
    let mut shape = x.dims().to_vec();
    if let Some(size) = shape.get_mut(axis) {
        *size = 1;
    }
    dispatch!(x, T => largest::<T>(x, around(x.dims(), axis), &shape))
}

fn largest<T: Real>(x: &Tensor, [outer, axis, inner]: [usize; 3], shape: &[usize]) -> Result<Tensor> {
    let mut result = vec![T::default(); outer * inner];
    with_slice::<T, _>(x, |x| reduction::max_axis(x, [outer, axis, inner], &mut result))?;
    tensor_of(result, shape)
}

fn softmax_gradient<T: Real>(y: &Tensor, upstream: &Tensor, shape: [usize; 3]) -> Result<Tensor> {
    with_slice::<T, _>(upstream, |upstream| {
        map_slice::<T>(y, |y, dx| kernel::softmax_gradient(y, upstream, shape, dx))
    })?
}
