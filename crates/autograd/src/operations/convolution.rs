//! Convolution as three operations that are each other's derivatives.
//!
//! With `<a, b>` the sum of products, the three satisfy
//! `<forward(x, w), g> = <x, input_gradient(g, w)> = <w, weight_gradient(x, g)>`,
//! so the derivative of each by either argument is one of the other two, to any order.
//! A transposed convolution is `input_gradient`.

use brigand_kernels::convolution::{self as kernel, Geometry};
use candle_core::Tensor;

use crate::buffer::{Real, has_kernels, tensor_of, with_slice};
use crate::dispatch;
use crate::error::{Result, shape_error};
use crate::variable::{Variable, agree};

/// How a kernel slides over its input. Order of pairs: height, width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sliding {
    /// Steps between two positions of the kernel.
    pub stride: [usize; 2],
    /// Zeros added on each side.
    pub padding: [usize; 2],
    /// Distance between two taps of the kernel.
    pub dilation: [usize; 2],
    /// Independent groups of channels.
    pub groups: usize,
}

impl Default for Sliding {
    fn default() -> Self {
        Self { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 }
    }
}

impl Sliding {
    /// Equal stride and padding in both directions, no dilation, one group.
    pub fn new(stride: usize, padding: usize) -> Self {
        Self { stride: [stride; 2], padding: [padding; 2], ..Self::default() }
    }
}

fn geometry(
    operation: &'static str,
    input: &[usize],
    weight: &[usize],
    sliding: Sliding,
) -> Result<Geometry> {
    let (&[batch, in_channels, in_height, in_width], &[out_channels, per_group, kernel_height, kernel_width]) =
        (input, weight)
    else {
        let reason = format!("expected input [n, c, h, w] and weight [o, c/groups, kh, kw], got {input:?} and {weight:?}");
        return Err(shape_error(operation, reason));
    };
    let geometry = Geometry {
        batch,
        in_channels,
        in_height,
        in_width,
        out_channels,
        kernel: [kernel_height, kernel_width],
        stride: sliding.stride,
        padding: sliding.padding,
        dilation: sliding.dilation,
        groups: sliding.groups,
    };
    geometry.check().map_err(|error| shape_error(operation, format!("{error} (input {input:?}, weight {weight:?})")))?;
    if per_group * sliding.groups != in_channels {
        let reason = format!(
            "weight {weight:?} takes {} channels in {} groups, the input {input:?} has {in_channels}",
            per_group * sliding.groups,
            sliding.groups
        );
        return Err(shape_error(operation, reason));
    }
    Ok(geometry)
}

fn input_shape(geometry: &Geometry) -> [usize; 4] {
    [geometry.batch, geometry.in_channels, geometry.in_height, geometry.in_width]
}

fn weight_shape(geometry: &Geometry) -> [usize; 4] {
    let [height, width] = geometry.kernel;
    [geometry.out_channels, geometry.in_channels / geometry.groups, height, width]
}

fn output_shape(geometry: &Geometry) -> [usize; 4] {
    [geometry.batch, geometry.out_channels, geometry.out_height(), geometry.out_width()]
}

type Kernel<T> = fn(&Geometry, &[T], &[T], &mut [T]);

/// Runs a kernel of two tensors into a new one.
fn run<T: Real>(
    geometry: &Geometry,
    kernel: Kernel<T>,
    left: &Tensor,
    right: &Tensor,
    shape: [usize; 4],
) -> Result<Tensor> {
    let mut result = vec![T::default(); shape.iter().product()];
    with_slice::<T, _>(left, |left| with_slice::<T, _>(right, |right| kernel(geometry, left, right, &mut result)))??;
    tensor_of(result, &shape)
}

fn forward(geometry: Geometry, input: &Variable, weight: &Variable) -> Result<Variable> {
    let (x, w) = (input.tensor(), weight.tensor());
    let value = if has_kernels(x) {
        dispatch!(x, T => run::<T>(&geometry, kernel::forward, x, w, output_shape(&geometry)))?
    } else {
        composed::forward(&geometry, x, w)?
    };
    Ok(Variable::record("conv2d", value, &[input, weight], &[input, weight], false, move |b| {
        let [input, weight] = b.saved else { return Ok(vec![None, None]) };
        Ok(vec![
            b.when(0, || input_gradient(geometry, b.gradient, weight))?,
            b.when(1, || weight_gradient(geometry, input, b.gradient))?,
        ])
    }))
}

fn input_gradient(geometry: Geometry, gradient: &Variable, weight: &Variable) -> Result<Variable> {
    let (g, w) = (gradient.tensor(), weight.tensor());
    let value = if has_kernels(g) {
        dispatch!(g, T => run::<T>(&geometry, kernel::input_gradient, g, w, input_shape(&geometry)))?
    } else {
        composed::input_gradient(&geometry, g, w)?
    };
    Ok(Variable::record("conv_transpose2d", value, &[gradient, weight], &[gradient, weight], false, move |b| {
        let [gradient, weight] = b.saved else { return Ok(vec![None, None]) };
        Ok(vec![
            b.when(0, || forward(geometry, b.gradient, weight))?,
            b.when(1, || weight_gradient(geometry, b.gradient, gradient))?,
        ])
    }))
}

fn weight_gradient(geometry: Geometry, input: &Variable, gradient: &Variable) -> Result<Variable> {
    let (x, g) = (input.tensor(), gradient.tensor());
    let value = if has_kernels(x) {
        dispatch!(x, T => run::<T>(&geometry, kernel::weight_gradient, x, g, weight_shape(&geometry)))?
    } else {
        composed::weight_gradient(&geometry, x, g)?
    };
    Ok(Variable::record("conv2d_weight", value, &[input, gradient], &[input, gradient], false, move |b| {
        let [input, gradient] = b.saved else { return Ok(vec![None, None]) };
        Ok(vec![
            b.when(0, || input_gradient(geometry, gradient, b.gradient))?,
            b.when(1, || forward(geometry, input, b.gradient))?,
        ])
    }))
}

impl Variable {
    /// Convolution of `[batch, in, height, width]` with `weight` `[out, in / groups, kh, kw]`.
    ///
    /// # Errors
    /// If shapes, groups or the kernel's extent do not fit; the message gives the shapes.
    pub fn conv2d(&self, weight: &Variable, sliding: Sliding) -> Result<Variable> {
        agree("conv2d", self, weight)?;
        forward(geometry("conv2d", self.shape(), weight.shape(), sliding)?, self, weight)
    }

    /// Transposed convolution of `[batch, in, height, width]` with `weight` `[in, out / groups, kh, kw]`:
    /// size `(h - 1) stride - 2 padding + dilation (k - 1) + 1 + output_padding`.
    ///
    /// # Errors
    /// As [`Variable::conv2d`]; also if an output padding is not smaller than the stride or dilation.
    pub fn conv_transpose2d(
        &self,
        weight: &Variable,
        sliding: Sliding,
        output_padding: [usize; 2],
    ) -> Result<Variable> {
        let operation = "conv_transpose2d";
        agree(operation, self, weight)?;
        let (batch, channels, height, width) = self.dims4(operation)?;
        let (in_channels, per_group, kernel_height, kernel_width) = weight.dims4(operation)?;
        if in_channels != channels {
            let reason = format!("weight {:?} does not take the channels of {:?}", weight.shape(), self.shape());
            return Err(shape_error(operation, reason));
        }
        let size = |axis: usize, from: usize, kernel: usize| {
            let grown = (from.max(1) - 1) * sliding.stride[axis]
                + sliding.dilation[axis] * (kernel.max(1) - 1)
                + 1
                + output_padding[axis];
            let extra = output_padding[axis] >= sliding.stride[axis].max(sliding.dilation[axis]);
            match grown.checked_sub(2 * sliding.padding[axis]) {
                Some(size) if size > 0 && !extra => Ok(size),
                _ => Err(shape_error(
                    operation,
                    format!("{sliding:?} with output padding {output_padding:?} does not fit {:?}", self.shape()),
                )),
            }
        };
        let enlarged = [batch, per_group * sliding.groups, size(0, height, kernel_height)?, size(1, width, kernel_width)?];
        let geometry = geometry(operation, &enlarged, weight.shape(), sliding)?;
        if [geometry.out_height(), geometry.out_width()] != [height, width] {
            let reason = format!("{sliding:?} does not lead from {enlarged:?} back to {:?}", self.shape());
            return Err(shape_error(operation, reason));
        }
        input_gradient(geometry, self, weight)
    }

    /// Convolution of `[batch, in, length]` with `weight` `[out, in / groups, k]`.
    pub fn conv1d(
        &self,
        weight: &Variable,
        stride: usize,
        padding: usize,
        dilation: usize,
        groups: usize,
    ) -> Result<Variable> {
        let sliding = Sliding { stride: [1, stride], padding: [0, padding], dilation: [1, dilation], groups };
        if self.rank() != 3 || weight.rank() != 3 {
            let reason = format!(
                "expected input [n, c, l] and weight [o, c/groups, k], got {:?} and {:?}",
                self.shape(),
                weight.shape()
            );
            return Err(shape_error("conv1d", reason));
        }
        self.unsqueeze(2)?.conv2d(&weight.unsqueeze(2)?, sliding)?.squeeze(2)
    }
}

/// The same three of candle's own operations, for other devices and dtypes. Pairs must be equal there,
/// since candle's convolutions know one stride, padding and dilation.
mod composed {
    use super::{Geometry, Result, Tensor, shape_error};

    fn same(operation: &'static str, pair: [usize; 2]) -> Result<usize> {
        if pair[0] == pair[1] {
            return Ok(pair[0]);
        }
        let reason = format!("different strides, paddings or dilations {pair:?} need f32 or f64 on the CPU");
        Err(shape_error(operation, reason))
    }

    pub(super) fn forward(g: &Geometry, input: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let (stride, padding, dilation) =
            (same("conv2d", g.stride)?, same("conv2d", g.padding)?, same("conv2d", g.dilation)?);
        Ok(input.conv2d(weight, padding, stride, dilation, g.groups)?)
    }

    pub(super) fn input_gradient(g: &Geometry, gradient: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let name = "conv_transpose2d";
        let (stride, padding, dilation) = (same(name, g.stride)?, same(name, g.padding)?, same(name, g.dilation)?);
        // Without padding and output padding, then cropped or padded: this covers unequal remainders too.
        let (groups, per_group) = (g.groups, g.out_channels / g.groups);
        let parts: Vec<Tensor> = (0..groups)
            .map(|group| {
                let gradient = gradient.narrow(1, group * per_group, per_group)?.contiguous()?;
                let weight = weight.narrow(0, group * per_group, per_group)?.contiguous()?;
                gradient.conv_transpose2d(&weight, 0, 0, stride, dilation)
            })
            .collect::<candle_core::Result<_>>()?;
        let mut result = Tensor::cat(&parts, 1)?;
        for (axis, size) in [(2, g.in_height), (3, g.in_width)] {
            let missing = (size + 2 * padding).saturating_sub(result.dims()[axis]);
            result = result.pad_with_zeros(axis, 0, missing)?.narrow(axis, padding, size)?;
        }
        Ok(result.contiguous()?)
    }

    pub(super) fn weight_gradient(g: &Geometry, input: &Tensor, gradient: &Tensor) -> Result<Tensor> {
        let name = "conv2d_weight";
        let (stride, padding, dilation) = (same(name, g.stride)?, same(name, g.padding)?, same(name, g.dilation)?);
        let (in_group, out_group) = (g.in_channels / g.groups, g.out_channels / g.groups);
        let parts: Vec<Tensor> = (0..g.groups)
            .map(|group| {
                // Batch and channels change places, stride and dilation change places.
                let input = input.narrow(1, group * in_group, in_group)?.transpose(0, 1)?.contiguous()?;
                let gradient = gradient.narrow(1, group * out_group, out_group)?.transpose(0, 1)?.contiguous()?;
                let grown = input.conv2d(&gradient, padding, dilation, stride, 1)?;
                let [height, width] = g.kernel;
                grown.narrow(2, 0, height)?.narrow(3, 0, width)?.transpose(0, 1)?.contiguous()
            })
            .collect::<candle_core::Result<_>>()?;
        Ok(Tensor::cat(&parts, 0)?)
    }
}
