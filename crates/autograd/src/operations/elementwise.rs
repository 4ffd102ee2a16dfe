//! Loops over the elements of tensors: the kernels' where they have them, else candle's.

use brigand_kernels::elementwise::{self as kernel, Binary, Unary};
use brigand_kernels::pool::parallel_chunks;
use candle_core::Tensor;

use crate::buffer::{Real, has_kernels, map_slice, with_slice};
use crate::dispatch;
use crate::error::{Result, shape_error};

use super::precision::in_single;

/// Elements one task works on.
const BLOCK: usize = 16_384;

/// The shape that `left` and `right` broadcast to.
pub(crate) fn broadcast_shape(
    operation: &'static str,
    left: &[usize],
    right: &[usize],
) -> Result<Vec<usize>> {
    let rank = left.len().max(right.len());
    let size = |shape: &[usize], axis: usize| {
        (axis + shape.len()).checked_sub(rank).and_then(|axis| shape.get(axis)).copied().unwrap_or(1)
    };
    let joined = |axis: usize| match (size(left, axis), size(right, axis)) {
        (one, other) if one == other => Some(one),
        (1, other) => Some(other),
        (one, 1) => Some(one),
        _ => None,
    };
    let shape: Option<Vec<usize>> = (0..rank).map(joined).collect();
    shape.ok_or_else(|| shape_error(operation, format!("shapes {left:?} and {right:?} do not broadcast")))
}

/// `operation` of each element.
pub(super) fn unary(operation: Unary, tensor: &Tensor) -> Result<Tensor> {
    if !has_kernels(tensor) {
        return composed_unary(operation, tensor);
    }
    let distinct = without_repetition(tensor)?;
    let value = dispatch!(tensor, T => map_slice::<T>(&distinct, |x, y| kernel::unary(operation, x, y)))?;
    Ok(if value.dims() == tensor.dims() { value } else { value.broadcast_as(tensor.dims())? })
}

/// One of each group of elements that a broadcast repeats.
fn without_repetition(tensor: &Tensor) -> Result<Tensor> {
    let mut distinct = tensor.clone();
    for (axis, (&size, &stride)) in tensor.dims().iter().zip(tensor.stride()).enumerate() {
        if stride == 0 && size > 1 {
            distinct = distinct.narrow(axis, 0, 1)?;
        }
    }
    Ok(distinct)
}

fn composed_unary(operation: Unary, x: &Tensor) -> Result<Tensor> {
    Ok(match operation {
        Unary::SquareRoot => x.sqrt()?,
        Unary::Exponential => x.exp()?,
        Unary::Logarithm => x.log()?,
        Unary::Reciprocal => x.recip()?,
        Unary::Square => x.sqr()?,
        Unary::Negate => x.neg()?,
        Unary::Absolute => x.abs()?,
        // candle has no powers of half-precision numbers.
        Unary::Power(exponent) => in_single([x], |[x]| Ok(x.powf(exponent)?))?,
        Unary::Affine(scale, shift) => x.affine(scale, shift)?,
        Unary::Clamp(low, high) => x.clamp(low, high)?,
    })
}

/// How an operand's elements are spread over the result.
enum Operand {
    /// One element for each of the result's, in its order.
    Whole,
    /// `channels` elements over `[outer, channels, inner]`.
    Vector([usize; 3]),
    /// In some other order.
    Scattered,
}

/// The place of an operand that was broadcast to the result's shape, read off its strides.
fn place(operand: &Tensor) -> Operand {
    if operand.is_contiguous() {
        return Operand::Whole;
    }
    let dims = operand.dims().iter().zip(operand.stride()).rev().filter(|(size, _)| **size != 1);
    let (mut outer, mut channels, mut inner) = (1, 1, 1);
    for (&size, &stride) in dims {
        match stride {
            0 if channels == 1 => inner *= size,
            0 => outer *= size,
            _ if stride == channels && outer == 1 => channels *= size,
            _ => return Operand::Scattered,
        }
    }
    Operand::Vector([outer, channels, inner])
}

/// `operation` of each pair of elements, broadcasting; both of one dtype and device.
pub(super) fn binary(name: &'static str, operation: Binary, left: &Tensor, right: &Tensor) -> Result<Tensor> {
    let shape = broadcast_shape(name, left.dims(), right.dims())?;
    let (left, right) = (left.broadcast_as(shape.as_slice())?, right.broadcast_as(shape.as_slice())?);
    if !has_kernels(&left) || left.elem_count() == 0 {
        return composed_binary(operation, &left, &right);
    }
    let commutes = !matches!(operation, Binary::Subtract | Binary::Divide);
    dispatch!(left, T => match (place(&left), place(&right)) {
        (Operand::Whole, Operand::Whole) => whole::<T>(operation, &left, &right),
        (Operand::Whole, Operand::Vector(spread)) => vector::<T>(operation, &left, &right, spread),
        (Operand::Vector(spread), Operand::Whole) if commutes => vector::<T>(operation, &right, &left, spread),
        _ => whole::<T>(operation, &left, &right),
    })
}

fn composed_binary(operation: Binary, left: &Tensor, right: &Tensor) -> Result<Tensor> {
    Ok(match operation {
        Binary::Add => left.broadcast_add(right)?,
        Binary::Subtract => left.broadcast_sub(right)?,
        Binary::Multiply => left.broadcast_mul(right)?,
        Binary::Divide => left.broadcast_div(right)?,
        Binary::Maximum => left.broadcast_maximum(right)?,
        Binary::Minimum => left.broadcast_minimum(right)?,
    })
}

fn whole<T: Real>(operation: Binary, left: &Tensor, right: &Tensor) -> Result<Tensor> {
    with_slice::<T, _>(right, |right| {
        map_slice::<T>(left, |left, result| kernel::binary(operation, left, right, result))
    })?
}

fn vector<T: Real>(operation: Binary, left: &Tensor, right: &Tensor, spread: [usize; 3]) -> Result<Tensor> {
    // What a broadcast repeats lies in memory once: `channels` elements.
    let distinct = without_repetition(right)?;
    with_slice::<T, _>(&distinct, |right| {
        map_slice::<T>(left, |left, result| spread_vector(operation, left, right, spread, result))
    })?
}

/// [`kernel::broadcast_channels`], which divides its work by `outer`, also where `outer` is 1.
fn spread_vector<T: Real>(
    operation: Binary,
    left: &[T],
    right: &[T],
    [outer, channels, inner]: [usize; 3],
    result: &mut [T],
) {
    if outer > 1 || left.len() <= BLOCK {
        return kernel::broadcast_channels(operation, left, right, [outer, channels, inner], result);
    }
    let rows = if channels == 1 { 1 } else { (BLOCK / inner).max(1) };
    let chunk = if channels == 1 { BLOCK } else { rows * inner };
    parallel_chunks(result, chunk, |task, result| {
        let left = &left[task * chunk..][..result.len()];
        let (right, inner) =
            if channels == 1 { (right, result.len()) } else { (&right[task * rows..], inner) };
        let channels = result.len() / inner;
        kernel::broadcast_channels(operation, left, &right[..channels], [1, channels, inner], result);
    });
}

/// `function` of each pair of elements of two tensors of one shape, on the CPU.
pub(super) fn zip_with<T: Real>(
    left: &Tensor,
    right: &Tensor,
    function: impl Fn(T, T) -> T + Sync,
) -> Result<Tensor> {
    with_slice::<T, _>(right, |right| {
        map_slice::<T>(left, |left, result| {
            parallel_chunks(result, BLOCK, |task, result| {
                let start = task * BLOCK;
                for ((result, &x), &y) in result.iter_mut().zip(&left[start..]).zip(&right[start..]) {
                    *result = function(x, y);
                }
            });
        })
    })?
}

/// `function` of each element, on the CPU.
pub(super) fn map_with<T: Real>(tensor: &Tensor, function: impl Fn(T) -> T + Sync) -> Result<Tensor> {
    map_slice::<T>(tensor, |values, result| {
        parallel_chunks(result, BLOCK, |task, result| {
            for (result, &x) in result.iter_mut().zip(&values[task * BLOCK..]) {
                *result = function(x);
            }
        });
    })
}
