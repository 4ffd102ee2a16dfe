//! Sums, means, extremes, norms.

use brigand_kernels::reduction;
use candle_core::Tensor;

use crate::buffer::{Real, contiguous, has_kernels, tensor_of, with_slice};
use crate::dispatch;
use crate::error::{Result, shape_error};
use crate::variable::Variable;

use super::precision::in_single;

impl Variable {
    /// The sum of all elements, as a scalar of shape `[]`.
    pub fn sum_all(&self) -> Result<Variable> {
        let axes: Vec<usize> = (0..self.rank()).collect();
        self.sum_keeping(&axes)?.reshape(&[])
    }

    /// The mean of all elements, as a scalar of shape `[]`. Empty: an error.
    pub fn mean_all(&self) -> Result<Variable> {
        if self.elements() == 0 {
            return Err(shape_error("mean", format!("nothing to average in shape {:?}", self.shape())));
        }
        if let Some(single) = self.single()? {
            return single.mean_all()?.to_dtype(self.dtype());
        }
        self.sum_all()?.scale(1.0 / self.elements() as f64)
    }

    /// The sums over `axes`, which keep size 1.
    pub fn sum_keeping(&self, axes: &[usize]) -> Result<Variable> {
        if let Some(axis) = axes.iter().find(|&&axis| axis >= self.rank()) {
            return Err(shape_error("sum", format!("no dimension {axis} in {:?}", self.shape())));
        }
        if axes.is_empty() {
            return Ok(self.clone());
        }
        let value = in_single([self.tensor()], |[x]| sum_value(x, axes))?;
        let from = self.shape().to_vec();
        Ok(Variable::record("sum", value, &[self], &[], false, move |b| {
            Ok(vec![b.when(0, || b.gradient.broadcast_to(&from))?])
        }))
    }

    /// The sums over `axes`, which disappear.
    pub fn sum(&self, axes: &[usize]) -> Result<Variable> {
        self.sum_keeping(axes)?.drop_axes(axes)
    }

    /// The means over `axes`, which keep size 1. Empty: an error.
    pub fn mean_keeping(&self, axes: &[usize]) -> Result<Variable> {
        if let Some(single) = self.single()? {
            return single.mean_keeping(axes)?.to_dtype(self.dtype());
        }
        let sum = self.sum_keeping(axes)?;
        if self.elements() == 0 {
            return Err(shape_error("mean", format!("nothing to average in shape {:?}", self.shape())));
        }
        sum.scale(sum.elements() as f64 / self.elements() as f64)
    }

    /// The means over `axes`, which disappear. Empty: an error.
    pub fn mean(&self, axes: &[usize]) -> Result<Variable> {
        self.mean_keeping(axes)?.drop_axes(axes)
    }

    /// The biased variances over `axes` (divided by the count), which keep size 1.
    pub fn variance_keeping(&self, axes: &[usize]) -> Result<Variable> {
        if let Some(single) = self.single()? {
            return single.variance_keeping(axes)?.to_dtype(self.dtype());
        }
        self.sub(&self.mean_keeping(axes)?)?.square()?.mean_keeping(axes)
    }

    /// The biased variances over `axes` (divided by the count), which disappear.
    pub fn variance(&self, axes: &[usize]) -> Result<Variable> {
        self.variance_keeping(axes)?.drop_axes(axes)
    }

    /// The Euclidean norms over `axes`, which keep size 1: `sqrt(sum x² + 1e-12)`, so that the derivative
    /// at 0 is finite.
    pub fn norm_keeping(&self, axes: &[usize]) -> Result<Variable> {
        if let Some(single) = self.single()? {
            return single.norm_keeping(axes)?.to_dtype(self.dtype());
        }
        self.square()?.sum_keeping(axes)?.safe_sqrt()
    }

    /// The Euclidean norms over `axes`, which disappear, as [`Variable::norm_keeping`].
    pub fn norm(&self, axes: &[usize]) -> Result<Variable> {
        self.norm_keeping(axes)?.drop_axes(axes)
    }

    /// The Euclidean norm of each sample, over all dimensions but the first: `[batch]`.
    /// `sqrt(sum x² + 1e-12)`, so that its derivative at 0 is finite.
    pub fn sample_norm(&self) -> Result<Variable> {
        if let Some(single) = self.single()? {
            return single.sample_norm()?.to_dtype(self.dtype());
        }
        self.sample_square()?.safe_sqrt()
    }

    /// The squared Euclidean norm of each sample, over all dimensions but the first: `[batch]`.
    pub fn sample_square(&self) -> Result<Variable> {
        if let Some(single) = self.single()? {
            return single.sample_square()?.to_dtype(self.dtype());
        }
        let axes: Vec<usize> = (1..self.rank()).collect();
        self.square()?.sum(&axes)
    }

    /// The largest elements along `axis`, which disappears; among equals the first receives the gradient.
    pub fn max(&self, axis: usize) -> Result<Variable> {
        self.refuse_empty_axis("max", axis)?;
        let index = contiguous(self.tensor())?.argmax_keepdim(axis)?;
        self.gather(axis, &index)?.drop_axes(&[axis])
    }

    /// The smallest elements along `axis`, which disappears; among equals the first receives the gradient.
    pub fn min(&self, axis: usize) -> Result<Variable> {
        self.refuse_empty_axis("min", axis)?;
        let index = contiguous(self.tensor())?.argmin_keepdim(axis)?;
        self.gather(axis, &index)?.drop_axes(&[axis])
    }

    /// An error if there is no such dimension or the tensor has no elements.
    pub(super) fn refuse_empty_axis(&self, operation: &'static str, axis: usize) -> Result<()> {
        self.size(operation, axis)?;
        if self.elements() == 0 {
            return Err(shape_error(operation, format!("shape {:?} has no elements", self.shape())));
        }
        Ok(())
    }

    /// Without the dimensions `axes`, which all have size 1.
    pub(super) fn drop_axes(&self, axes: &[usize]) -> Result<Variable> {
        let kept = self.shape().iter().enumerate().filter(|(axis, _)| !axes.contains(axis));
        let shape: Vec<usize> = kept.map(|(_, &size)| size).collect();
        self.reshape(&shape)
    }
}

/// Sums over `axes`, kept as size 1.
fn sum_value(tensor: &Tensor, axes: &[usize]) -> Result<Tensor> {
    let mut value = contiguous(tensor)?;
    let mut sorted = axes.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    // Neighbouring dimensions are summed as one, so that each run is a single pass.
    while let Some(end) = sorted.pop() {
        let mut start = end;
        while sorted.last().is_some_and(|&axis| axis + 1 == start) {
            start -= 1;
            sorted.pop();
        }
        let dims = value.dims().to_vec();
        let outer: usize = dims[..start].iter().product();
        let run: usize = dims[start..=end].iter().product();
        let inner: usize = dims[end + 1..].iter().product();
        let mut kept = dims;
        kept[start..=end].fill(1);
        value = sum_middle(&value, outer, run, inner)?.reshape(kept)?;
    }
    Ok(value)
}

/// `[outer, run, inner]` summed over the middle.
fn sum_middle(tensor: &Tensor, outer: usize, run: usize, inner: usize) -> Result<Tensor> {
    if run == 0 || outer * inner == 0 {
        return Ok(Tensor::zeros(outer * inner, tensor.dtype(), tensor.device())?);
    }
    if has_kernels(tensor) {
        return dispatch!(tensor, T => kernel_sum::<T>(tensor, [outer, run, inner]));
    }
    Ok(tensor.reshape((outer, run, inner))?.sum(1)?)
}

fn kernel_sum<T: Real>(tensor: &Tensor, shape: [usize; 3]) -> Result<Tensor> {
    let mut sums = vec![T::default(); shape[0] * shape[2]];
    with_slice::<T, _>(tensor, |values| reduction::sum_axis(values, shape, &mut sums))?;
    tensor_of(sums, &[shape[0] * shape[2]])
}
