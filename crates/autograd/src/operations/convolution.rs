//! Convolution as three operations that are each other's derivatives.
//!
//! With `<a, b>` the sum of products, the three satisfy
//! `<forward(x, w), g> = <x, input_gradient(g, w)> = <w, weight_gradient(x, g)>`,
//! so the derivative of each by either argument is one of the other two, to any order.
//! A transposed convolution is `input_gradient`.

use brigand_kernels::convolution::{self as kernel, Geometry};
use brigand_kernels::element::Products;
use candle_core::{DType, Tensor};

use crate::buffer::{Real, has_kernels, tensor_of, with_slice, written_by};
use crate::dispatch;
use crate::error::{Result, element_count, shape_error};
use crate::variable::{Variable, agree};

use super::composed_convolution as composed;

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
    /// How numbers are multiplied on the CPU, in all derivatives too. Other devices multiply in full.
    pub products: Products,
}

impl Default for Sliding {
    fn default() -> Self {
        Self { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1, products: Products::Full }
    }
}

impl Sliding {
    /// Equal stride and padding in both directions, no dilation, one group.
    pub fn new(stride: usize, padding: usize) -> Self {
        Self { stride: [stride; 2], padding: [padding; 2], ..Self::default() }
    }
}

/// A convolution that fits its operands.
#[derive(Clone, Copy)]
struct Plan {
    geometry: Geometry,
    products: Products,
}

fn plan(operation: &'static str, input: &[usize], weight: &[usize], sliding: Sliding) -> Result<Plan> {
    let (&[batch, in_channels, in_height, in_width], &[out_channels, per_group, kernel_height, kernel_width]) =
        (input, weight)
    else {
        let reason = format!(
            "expected input [n, c, h, w] and weight [o, c/groups, kh, kw], got {input:?} and {weight:?}"
        );
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
    let amounts = [sliding.stride, sliding.padding, sliding.dilation];
    if amounts.as_flattened().iter().chain(input).chain(weight).any(|&amount| amount > u32::MAX as usize) {
        let reason = format!("{sliding:?} is out of range (input {input:?}, weight {weight:?})");
        return Err(shape_error(operation, reason));
    }
    geometry
        .check()
        .map_err(|error| shape_error(operation, format!("{error} (input {input:?}, weight {weight:?})")))?;
    if per_group.checked_mul(sliding.groups) != Some(in_channels) {
        let reason = format!(
            "weight {weight:?} takes {per_group} channels in each of {} groups, the input {input:?} has {in_channels}",
            sliding.groups
        );
        return Err(shape_error(operation, reason));
    }
    for shape in [weight_shape(&geometry), output_shape(&geometry)] {
        element_count(operation, &shape)?;
    }
    Ok(Plan { geometry, products: sliding.products })
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

/// The three operations, by what they compute.
#[derive(Clone, Copy)]
enum Part {
    Output,
    InputGradient,
    WeightGradient,
}

/// One of the three, on values: by the kernels on the CPU, in single precision for other dtypes.
fn compute(part: Part, plan: &Plan, left: &Tensor, right: &Tensor) -> Result<Tensor> {
    if has_kernels(left) {
        return dispatch!(left, T => run::<T>(part, plan, left, right));
    }
    if left.device().is_cpu() {
        let (single, dtype) = (DType::F32, left.dtype());
        return Ok(compute(part, plan, &left.to_dtype(single)?, &right.to_dtype(single)?)?.to_dtype(dtype)?);
    }
    let geometry = &plan.geometry;
    match part {
        Part::Output => composed::forward(geometry, left, right),
        Part::InputGradient => composed::input_gradient(geometry, left, right),
        Part::WeightGradient => composed::weight_gradient(geometry, left, right),
    }
}

type Kernel<T> = fn(Products, &Geometry, &[T], &[T], &mut [T]);

fn run<T: Real>(
    part: Part,
    Plan { geometry, products }: &Plan,
    left: &Tensor,
    right: &Tensor,
) -> Result<Tensor> {
    let (kernel, shape): (Kernel<T>, _) = match part {
        Part::Output => (kernel::forward, output_shape(geometry)),
        Part::InputGradient => (kernel::input_gradient, input_shape(geometry)),
        Part::WeightGradient => (kernel::weight_gradient, weight_shape(geometry)),
    };
    let (result, done) = written_by::<T, _>(shape.iter().product(), |result| {
        with_slice::<T, _>(left, |left| {
            with_slice::<T, _>(right, |right| kernel(*products, geometry, left, right, result))
        })
    });
    done??;
    tensor_of(result, &shape)
}

fn forward(plan: Plan, input: &Variable, weight: &Variable) -> Result<Variable> {
    let value = compute(Part::Output, &plan, input.tensor(), weight.tensor())?;
    Ok(Variable::record("conv2d", value, &[input, weight], &[input, weight], false, move |b| {
        let [input, weight] = b.saved()?;
        Ok(vec![
            b.when(0, || input_gradient(plan, b.gradient, weight))?,
            b.when(1, || weight_gradient(plan, input, b.gradient))?,
        ])
    }))
}

fn input_gradient(plan: Plan, gradient: &Variable, weight: &Variable) -> Result<Variable> {
    let value = compute(Part::InputGradient, &plan, gradient.tensor(), weight.tensor())?;
    Ok(Variable::record(
        "conv_transpose2d",
        value,
        &[gradient, weight],
        &[gradient, weight],
        false,
        move |b| {
            let [gradient, weight] = b.saved()?;
            Ok(vec![
                b.when(0, || forward(plan, b.gradient, weight))?,
                b.when(1, || weight_gradient(plan, b.gradient, gradient))?,
            ])
        },
    ))
}

fn weight_gradient(plan: Plan, input: &Variable, gradient: &Variable) -> Result<Variable> {
    let value = compute(Part::WeightGradient, &plan, input.tensor(), gradient.tensor())?;
    Ok(Variable::record("conv2d_weight", value, &[input, gradient], &[input, gradient], false, move |b| {
        let [input, gradient] = b.saved()?;
        Ok(vec![
            b.when(0, || input_gradient(plan, gradient, b.gradient))?,
            b.when(1, || forward(plan, input, b.gradient))?,
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
        forward(plan("conv2d", self.shape(), weight.shape(), sliding)?, self, weight)
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
            let reason =
                format!("weight {:?} does not take the channels of {:?}", weight.shape(), self.shape());
            return Err(shape_error(operation, reason));
        }
        // An output padding of a whole stride, which a dilation allows, is another row of zeros in the input.
        for axis in 0..2 {
            let [stride, extra] = [sliding.stride[axis], output_padding[axis]];
            if stride > 0 && extra >= stride && extra < sliding.dilation[axis] {
                let mut rest = output_padding;
                rest[axis] = extra % stride;
                return self.pad_zeros(2 + axis, 0, extra / stride)?.conv_transpose2d(weight, sliding, rest);
            }
        }
        let size = |axis: usize, from: usize, kernel: usize| {
            let grown = (from.max(1) - 1)
                .saturating_mul(sliding.stride[axis])
                .saturating_add(sliding.dilation[axis].saturating_mul(kernel.max(1) - 1))
                .saturating_add(output_padding[axis].saturating_add(1));
            let extra = output_padding[axis] >= sliding.stride[axis];
            match grown.checked_sub(sliding.padding[axis].saturating_mul(2)) {
                Some(size) if size > 0 && !extra => Ok(size),
                _ => Err(shape_error(
                    operation,
                    format!(
                        "{sliding:?} with output padding {output_padding:?} does not fit {:?}",
                        self.shape()
                    ),
                )),
            }
        };
        let out_channels = per_group.saturating_mul(sliding.groups);
        let enlarged = [batch, out_channels, size(0, height, kernel_height)?, size(1, width, kernel_width)?];
        element_count(operation, &enlarged)?;
        let plan = plan(operation, &enlarged, weight.shape(), sliding)?;
        if [plan.geometry.out_height(), plan.geometry.out_width()] != [height, width] {
            let reason = format!("{sliding:?} does not lead from {enlarged:?} back to {:?}", self.shape());
            return Err(shape_error(operation, reason));
        }
        input_gradient(plan, self, weight)
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
        let sliding = along(stride, padding, dilation, groups);
        let (image, weight) = as_rows(("conv1d", "[o, c/groups, k]"), self, weight)?;
        image.conv2d(&weight, sliding)?.squeeze(2)
    }

    /// Transposed convolution of `[batch, in, length]` with `weight` `[in, out / groups, k]`:
    /// length `(l - 1) stride - 2 padding + dilation (k - 1) + 1 + output_padding`.
    ///
    /// # Errors
    /// As [`Variable::conv_transpose2d`].
    pub fn conv_transpose1d(
        &self,
        weight: &Variable,
        stride: usize,
        padding: usize,
        output_padding: usize,
        dilation: usize,
        groups: usize,
    ) -> Result<Variable> {
        let sliding = along(stride, padding, dilation, groups);
        let (image, weight) = as_rows(("conv_transpose1d", "[c, o/groups, k]"), self, weight)?;
        image.conv_transpose2d(&weight, sliding, [0, output_padding])?.squeeze(2)
    }
}

/// How a kernel slides along sequences.
fn along(stride: usize, padding: usize, dilation: usize, groups: usize) -> Sliding {
    Sliding {
        stride: [1, stride],
        padding: [0, padding],
        dilation: [1, dilation],
        groups,
        ..Sliding::default()
    }
}

/// Input and weight of a one-dimensional convolution as images of one row.
fn as_rows(
    (operation, wanted): (&'static str, &str),
    input: &Variable,
    weight: &Variable,
) -> Result<(Variable, Variable)> {
    if input.rank() != 3 || weight.rank() != 3 {
        let (input, weight) = (input.shape(), weight.shape());
        let reason = format!("expected input [n, c, l] and weight {wanted}, got {input:?} and {weight:?}");
        return Err(shape_error(operation, reason));
    }
    Ok((input.unsqueeze(2)?, weight.unsqueeze(2)?))
}
