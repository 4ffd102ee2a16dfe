//! Convolution and its two gradients of candle's own operations, for other devices than the CPU.
//!
//! candle's convolutions have one stride, padding and dilation for both directions. Where the two differ, zeros take
//! their place: around the image, between the taps of the kernel, between the pixels of a gradient.

use brigand_kernels::convolution::Geometry;
use candle_core::{Result as CandleResult, Tensor};

use crate::error::Result;

const AXES: [usize; 2] = [2, 3];

/// The one value of a pair of equal ones.
fn single([height, width]: [usize; 2]) -> Option<usize> {
    (height == width).then_some(height)
}

/// `step - 1` zeros between neighbours along `axis`.
fn spread(tensor: &Tensor, axis: usize, step: usize) -> CandleResult<Tensor> {
    let mut shape = tensor.dims().to_vec();
    let size = tensor.dim(axis)?;
    if step == 1 || size == 0 {
        return Ok(tensor.clone());
    }
    shape[axis] = size * step;
    let padded = tensor.unsqueeze(axis + 1)?.pad_with_zeros(axis + 1, 0, step - 1)?.reshape(shape)?;
    padded.narrow(axis, 0, (size - 1) * step + 1)
}

/// Every `step`-th entry along `axis`.
fn every(tensor: &Tensor, axis: usize, step: usize) -> CandleResult<Tensor> {
    let indices: Vec<u32> = (0..tensor.dim(axis)?).step_by(step).map(|index| index as u32).collect();
    let indices = Tensor::from_vec(indices, tensor.dim(axis)?.div_ceil(step), tensor.device())?;
    tensor.contiguous()?.index_select(&indices, axis)
}

fn convolve(
    image: &Tensor,
    weight: &Tensor,
    [stride, padding, dilation]: [[usize; 2]; 3],
    groups: usize,
) -> CandleResult<Tensor> {
    let (mut image, mut weight) = (image.clone(), weight.clone());
    if single(padding).is_none() {
        for (axis, zeros) in AXES.into_iter().zip(padding) {
            image = image.pad_with_zeros(axis, zeros, zeros)?;
        }
    }
    if single(dilation).is_none() {
        for (axis, step) in AXES.into_iter().zip(dilation) {
            weight = spread(&weight, axis, step)?;
        }
    }
    let one = |pair| single(pair).unwrap_or(1);
    let result = image.contiguous()?.conv2d(
        &weight.contiguous()?,
        single(padding).unwrap_or(0),
        one(stride),
        one(dilation),
        groups,
    )?;
    if single(stride).is_some() {
        return Ok(result);
    }
    every(&every(&result, 2, stride[0])?, 3, stride[1])
}

pub(super) fn forward(g: &Geometry, input: &Tensor, weight: &Tensor) -> Result<Tensor> {
    Ok(convolve(input, weight, [g.stride, g.padding, g.dilation], g.groups)?)
}

pub(super) fn input_gradient(g: &Geometry, gradient: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let (mut gradient, mut weight) = (gradient.clone(), weight.clone());
    for (at, axis) in AXES.into_iter().enumerate() {
        if single(g.stride).is_none() {
            gradient = spread(&gradient, axis, g.stride[at])?;
        }
        if single(g.dilation).is_none() {
            weight = spread(&weight, axis, g.dilation[at])?;
        }
    }
    let (stride, dilation) = (single(g.stride).unwrap_or(1), single(g.dilation).unwrap_or(1));
    let per_group = g.out_channels / g.groups;
    let part = |group: usize| {
        let gradient = gradient.narrow(1, group * per_group, per_group)?.contiguous()?;
        let weight = weight.narrow(0, group * per_group, per_group)?.contiguous()?;
        gradient.conv_transpose2d(&weight, 0, 0, stride, dilation)
    };
    let parts: Vec<Tensor> = (0..g.groups).map(part).collect::<CandleResult<_>>()?;
    // Whole, then cut to size: pixels that no window reached are zeros behind it.
    let mut result = Tensor::cat(&parts, 1)?;
    for (axis, (size, padding)) in AXES.into_iter().zip([g.in_height, g.in_width].into_iter().zip(g.padding))
    {
        let missing = (size + padding).saturating_sub(result.dim(axis)?);
        result = result.pad_with_zeros(axis, 0, missing)?.narrow(axis, padding, size)?;
    }
    Ok(result.contiguous()?)
}

pub(super) fn weight_gradient(g: &Geometry, input: &Tensor, gradient: &Tensor) -> Result<Tensor> {
    let (in_group, out_group) = (g.in_channels / g.groups, g.out_channels / g.groups);
    let part = |group: usize| {
        // Batch and channels change places, stride and dilation change places.
        let input = input.narrow(1, group * in_group, in_group)?.transpose(0, 1)?;
        let gradient = gradient.narrow(1, group * out_group, out_group)?.transpose(0, 1)?;
        let grown = convolve(&input, &gradient, [g.dilation, g.padding, g.stride], 1)?;
        let [height, width] = g.kernel;
        grown.narrow(2, 0, height)?.narrow(3, 0, width)?.transpose(0, 1)?.contiguous()
    };
    let parts: Vec<Tensor> = (0..g.groups).map(part).collect::<CandleResult<_>>()?;
    Ok(Tensor::cat(&parts, 0)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use brigand_kernels::convolution as kernel;
    use brigand_kernels::element::Products;
    use candle_core::Device;

    fn numbers(shape: [usize; 4], seed: usize) -> (Vec<f32>, Tensor) {
        let count: usize = shape.iter().product();
        let values: Vec<f32> =
            (0..count).map(|i| ((i + seed * 31) * 2_654_435_761 % 41) as f32 - 20.0).collect();
        (values.clone(), Tensor::from_vec(values, shape.as_slice(), &Device::Cpu).unwrap())
    }

    /// Small whole numbers, so that both ways give the same to the last bit.
    #[test]
    fn all_three_equal_the_kernels() {
        for (stride, padding, dilation, groups, kernel_size) in [
            ([1, 1], [0, 0], [1, 1], 1, [3, 3]),
            ([2, 2], [1, 1], [1, 1], 1, [4, 4]),
            ([3, 3], [2, 2], [2, 2], 2, [2, 3]),
            ([1, 2], [0, 1], [1, 1], 1, [1, 3]),
            ([2, 3], [2, 0], [2, 1], 2, [3, 2]),
            ([1, 1], [1, 2], [1, 3], 1, [2, 2]),
        ] {
            let g = Geometry {
                batch: 2,
                in_channels: 4,
                in_height: 7,
                in_width: 8,
                out_channels: 6,
                kernel: kernel_size,
                stride,
                padding,
                dilation,
                groups,
            };
            let (x, input) = numbers([2, 4, 7, 8], 1);
            let (w, weight) = numbers([6, 4 / groups, kernel_size[0], kernel_size[1]], 2);
            let (r, gradient) = numbers([2, 6, g.out_height(), g.out_width()], 3);
            let check = |got: Tensor, want: Vec<f32>, part: &str| {
                assert_eq!(got.flatten_all().unwrap().to_vec1::<f32>().unwrap(), want, "{part} of {g:?}");
            };
            let mut want = vec![f32::NAN; r.len()];
            kernel::forward(Products::Full, &g, &x, &w, &mut want);
            check(forward(&g, &input, &weight).unwrap(), want, "output");
            let mut want = vec![f32::NAN; x.len()];
            kernel::input_gradient(Products::Full, &g, &r, &w, &mut want);
            check(input_gradient(&g, &gradient, &weight).unwrap(), want, "input gradient");
            let mut want = vec![f32::NAN; w.len()];
            kernel::weight_gradient(Products::Full, &g, &x, &r, &mut want);
            check(weight_gradient(&g, &input, &gradient).unwrap(), want, "weight gradient");
        }
    }
}
