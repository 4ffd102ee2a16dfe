//! Operations that move elements without changing them.

use candle_core::{DType, Device, Tensor};

use crate::buffer::contiguous;
use crate::error::{Result, element_count, shape_error};
use crate::variable::{Variable, agree};

use super::elementwise::broadcast_shape;

/// The order of dimensions that undoes `order`.
fn inverse(order: &[usize]) -> Vec<usize> {
    let mut inverse = vec![0; order.len()];
    for (to, &from) in order.iter().enumerate() {
        if let Some(slot) = inverse.get_mut(from) {
            *slot = to;
        }
    }
    inverse
}

impl Variable {
    /// The same variable as a separate node of the graph.
    pub fn alias(&self) -> Variable {
        Variable::record("alias", self.tensor().clone(), &[self], &[], false, |b| {
            Ok(vec![Some(b.gradient.clone())])
        })
    }

    /// The same numbers as elements of type `dtype`; the gradient is turned back.
    pub fn to_dtype(&self, dtype: DType) -> Result<Variable> {
        if dtype == self.dtype() {
            return Ok(self.clone());
        }
        let (value, from) = (self.tensor().to_dtype(dtype)?, self.dtype());
        Ok(Variable::record("to_dtype", value, &[self], &[], false, move |b| {
            Ok(vec![b.when(0, || b.gradient.to_dtype(from))?])
        }))
    }

    /// The same numbers on another device; the gradient is brought back.
    pub fn to_device(&self, device: &Device) -> Result<Variable> {
        if device.same_device(self.device()) {
            return Ok(self.clone());
        }
        let (value, from) = (self.tensor().to_device(device)?, self.device().clone());
        Ok(Variable::record("to_device", value, &[self], &[], false, move |b| {
            Ok(vec![b.when(0, || b.gradient.to_device(&from))?])
        }))
    }

    /// The same elements in row-major order under another shape.
    pub fn reshape(&self, shape: &[usize]) -> Result<Variable> {
        let count = element_count("reshape", shape)?;
        if count != self.elements() {
            let reason =
                format!("{:?} has {} elements, {shape:?} would have {count}", self.shape(), self.elements());
            return Err(shape_error("reshape", reason));
        }
        let from = self.shape().to_vec();
        let value = contiguous(self.tensor())?.reshape(shape)?;
        Ok(Variable::record("reshape", value, &[self], &[], false, move |b| {
            Ok(vec![b.when(0, || b.gradient.reshape(&from))?])
        }))
    }

    /// All dimensions after the first joined: `[batch, rest]`.
    pub fn flatten_from_second(&self) -> Result<Variable> {
        let batch = self.size("flatten", 0)?;
        self.reshape(&[batch, self.elements().checked_div(batch).unwrap_or(0)])
    }

    /// The dimensions in another order: dimension `i` of the result is dimension `order[i]` of this.
    pub fn permute(&self, order: &[usize]) -> Result<Variable> {
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        if sorted != (0..self.rank()).collect::<Vec<_>>() {
            let reason = format!("{order:?} is no order of the dimensions of {:?}", self.shape());
            return Err(shape_error("permute", reason));
        }
        let back = inverse(order);
        let value = self.tensor().permute(order)?;
        Ok(Variable::record("permute", value, &[self], &[], false, move |b| {
            Ok(vec![b.when(0, || b.gradient.permute(&back))?])
        }))
    }

    /// Dimensions `first` and `second` exchanged.
    pub fn transpose(&self, first: usize, second: usize) -> Result<Variable> {
        let mut order: Vec<usize> = (0..self.rank()).collect();
        if first >= order.len() || second >= order.len() {
            let reason = format!("no dimensions {first} and {second} in {:?}", self.shape());
            return Err(shape_error("transpose", reason));
        }
        order.swap(first, second);
        self.permute(&order)
    }

    /// Repeated along dimensions of size 1 (and new leading ones) up to `shape`.
    pub fn broadcast_to(&self, shape: &[usize]) -> Result<Variable> {
        if self.shape() == shape {
            return Ok(self.clone());
        }
        if broadcast_shape("broadcast_to", self.shape(), shape)? != shape {
            let reason = format!("{:?} cannot be repeated into {shape:?}", self.shape());
            return Err(shape_error("broadcast_to", reason));
        }
        element_count("broadcast_to", shape)?;
        let from = self.shape().to_vec();
        let value = self.tensor().broadcast_as(shape)?;
        Ok(Variable::record("broadcast_to", value, &[self], &[], false, move |b| {
            Ok(vec![b.when(0, || b.gradient.sum_to(&from))?])
        }))
    }

    /// The opposite of [`Variable::broadcast_to`]: summed over what was repeated, down to `shape`.
    pub fn sum_to(&self, shape: &[usize]) -> Result<Variable> {
        if self.shape() == shape {
            return Ok(self.clone());
        }
        let Some(lead) = self.rank().checked_sub(shape.len()) else {
            let reason = format!("{:?} has fewer dimensions than {shape:?}", self.shape());
            return Err(shape_error("sum_to", reason));
        };
        let mut axes: Vec<usize> = (0..lead).collect();
        for (axis, (&from, &to)) in self.shape().iter().skip(lead).zip(shape).enumerate() {
            match (from, to) {
                _ if from == to => {}
                (_, 1) => axes.push(lead + axis),
                _ => {
                    let reason = format!("{:?} was not broadcast from {shape:?}", self.shape());
                    return Err(shape_error("sum_to", reason));
                }
            }
        }
        self.sum_keeping(&axes)?.reshape(shape)
    }

    /// `length` entries of dimension `axis` from `start` on.
    pub fn narrow(&self, axis: usize, start: usize, length: usize) -> Result<Variable> {
        let size = self.size("narrow", axis)?;
        if start.checked_add(length).is_none_or(|end| end > size) {
            let reason =
                format!("{length} entries from {start} on exceed dimension {axis} of {:?}", self.shape());
            return Err(shape_error("narrow", reason));
        }
        let mut value = self.tensor().narrow(axis, start, length)?;
        if value.elem_count() == 0 {
            // A view could begin behind the end of its storage, where candle's copies do not look first.
            value = Tensor::zeros(value.dims(), value.dtype(), value.device())?;
        }
        Ok(Variable::record("narrow", value, &[self], &[], false, move |b| {
            Ok(vec![b.when(0, || b.gradient.pad_zeros(axis, start, size - start - length))?])
        }))
    }

    /// `before` zeros ahead of and `after` zeros behind dimension `axis`.
    pub fn pad_zeros(&self, axis: usize, before: usize, after: usize) -> Result<Variable> {
        let size = self.size("pad_zeros", axis)?;
        let mut shape = self.shape().to_vec();
        if let Some(size) = shape.get_mut(axis) {
            *size = size.saturating_add(before).saturating_add(after);
        }
        element_count("pad_zeros", &shape)?;
        let value = self.tensor().pad_with_zeros(axis, before, after)?;
        Ok(Variable::record("pad_zeros", value, &[self], &[], false, move |b| {
            Ok(vec![b.when(0, || b.gradient.narrow(axis, before, size))?])
        }))
    }

    /// Mirrored at both ends of dimension `axis` without repeating the border, as convolutions use it.
    /// Both amounts must be smaller than the dimension.
    pub fn pad_reflection(&self, axis: usize, before: usize, after: usize) -> Result<Variable> {
        let size = self.size("pad_reflection", axis)?;
        if before >= size || after >= size {
            let reason =
                format!("padding {before} and {after} needs dimension {axis} of {:?} larger", self.shape());
            return Err(shape_error("pad_reflection", reason));
        }
        let index = |position: usize| match position {
            _ if position < before => before - position,
            _ if position < before + size => position - before,
            _ => 2 * size - 2 - (position - before),
        };
        let indices: Vec<u32> = (0..before + size + after).map(|position| index(position) as u32).collect();
        self.index_select(axis, &indices)
    }

    /// [`Variable::pad_reflection`] of the last two dimensions: `vertical` pixels above and below, `horizontal` pixels
    /// left and right.
    ///
    /// # Errors
    /// If there are fewer than two dimensions, or one is not larger than its padding.
    pub fn pad_reflect(&self, vertical: [usize; 2], horizontal: [usize; 2]) -> Result<Variable> {
        let Some(height) = self.rank().checked_sub(2) else {
            return Err(shape_error("pad_reflect", format!("{:?} has no height and width", self.shape())));
        };
        let padded = self.pad_reflection(height, vertical[0], vertical[1])?;
        padded.pad_reflection(height + 1, horizontal[0], horizontal[1])
    }

    /// Joined along dimension `axis`; all other dimensions equal.
    pub fn concatenate(parts: &[&Variable], axis: usize) -> Result<Variable> {
        let Some(first) = parts.first() else {
            return Err(shape_error("concatenate", "nothing to join"));
        };
        let mut sizes = Vec::with_capacity(parts.len());
        for part in parts {
            agree("concatenate", first, part)?;
            let size = part.size("concatenate", axis)?;
            let mut fitting = first.shape().to_vec();
            if let Some(slot) = fitting.get_mut(axis) {
                *slot = size;
            }
            if part.shape() != fitting {
                let reason =
                    format!("{:?} and {:?} differ beside dimension {axis}", first.shape(), part.shape());
                return Err(shape_error("concatenate", reason));
            }
            sizes.push(size);
        }
        let tensors: Vec<&Tensor> = parts.iter().map(|part| part.tensor()).collect();
        let value = Tensor::cat(&tensors, axis)?;
        Ok(Variable::record("concatenate", value, parts, &[], false, move |b| {
            let mut start = 0;
            let mut gradients = Vec::with_capacity(sizes.len());
            for (index, &size) in sizes.iter().enumerate() {
                gradients.push(b.when(index, || b.gradient.narrow(axis, start, size))?);
                start += size;
            }
            Ok(gradients)
        }))
    }

    /// Cut along dimension `axis` into parts of `sizes`, which make up the whole: the opposite of
    /// [`Variable::concatenate`].
    ///
    /// # Errors
    /// If there is no such dimension, or the sizes do not add up to its size.
    pub fn split(&self, axis: usize, sizes: &[usize]) -> Result<Vec<Variable>> {
        let whole = self.size("split", axis)?;
        let total = sizes.iter().try_fold(0usize, |total, &size| total.checked_add(size));
        if total != Some(whole) {
            let reason = format!("{sizes:?} do not make up dimension {axis} of {:?}", self.shape());
            return Err(shape_error("split", reason));
        }
        let ends = sizes.iter().scan(0, |end, &size| {
            *end += size;
            Some(*end)
        });
        ends.zip(sizes).map(|(end, &size)| self.narrow(axis, end - size, size)).collect()
    }

    /// Joined along a new dimension `axis`; all of one shape.
    pub fn stack(parts: &[&Variable], axis: usize) -> Result<Variable> {
        if let Some(wrong) =
            parts.iter().zip(parts.iter().skip(1)).find(|(one, next)| one.shape() != next.shape())
        {
            let reason = format!("shapes {:?} and {:?} differ", wrong.0.shape(), wrong.1.shape());
            return Err(shape_error("stack", reason));
        }
        let raised: Vec<Variable> = parts.iter().map(|part| part.unsqueeze(axis)).collect::<Result<_>>()?;
        Variable::concatenate(&raised.iter().collect::<Vec<_>>(), axis)
    }

    /// A new dimension of size 1 at `axis`.
    pub fn unsqueeze(&self, axis: usize) -> Result<Variable> {
        let mut shape = self.shape().to_vec();
        if axis > shape.len() {
            return Err(shape_error("unsqueeze", format!("no place {axis} in {:?}", self.shape())));
        }
        shape.insert(axis, 1);
        self.reshape(&shape)
    }

    /// Without dimension `axis`, which must have size 1.
    pub fn squeeze(&self, axis: usize) -> Result<Variable> {
        let mut shape = self.shape().to_vec();
        if self.size("squeeze", axis)? != 1 {
            return Err(shape_error("squeeze", format!("dimension {axis} of {:?} is not 1", self.shape())));
        }
        shape.remove(axis);
        self.reshape(&shape)
    }
}
