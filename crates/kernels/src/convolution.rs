//! Two-dimensional convolution and its two gradients, each the others' derivative.
//!
//! There is no im2col matrix: images are split once into padded phase planes, in which every convolution has stride
//! 1, and patches are packed straight from them into the panels of a matrix product, or read where they lie.
//! Every sum is taken in an order that depends on the geometry only.

mod axis;
mod blocks;
mod correlation;
pub(crate) mod forward;
mod geometry;
pub(crate) mod input_gradient;
mod patches;
mod phase_weights;
mod planes;
pub(crate) mod weight_gradient;
pub(crate) mod winograd;

pub use geometry::{Geometry, GeometryError};

use crate::element::{Element, Path, Products};
use crate::gemm::{Matrix, multiply_on, rounded};
use crate::pool;
use crate::tile::TILE_ROWS;

/// The convolution: `input` is `[batch, in_channels, in_height, in_width]`, `weight`
/// `[out_channels, in_channels / groups, kernel height, kernel width]`, `output`
/// `[batch, out_channels, out_height, out_width]`. Every element of `output` is written, none is read.
///
/// # Panics
/// If [`Geometry::check`] fails or a slice has another length.
pub fn forward<T: Element>(products: Products, g: &Geometry, input: &[T], weight: &[T], output: &mut [T]) {
    run(products, forward_on, g, [input, weight], output);
}

/// The gradient of [`forward`] with respect to its input, which is also the forward pass of the transposed
/// convolution. Every element of `input_gradient` is written; input pixels that no output pixel sees become zero.
///
/// # Panics
/// If [`Geometry::check`] fails or a slice has another length.
pub fn input_gradient<T: Element>(
    products: Products,
    g: &Geometry,
    output_gradient: &[T],
    weight: &[T],
    input_gradient: &mut [T],
) {
    run(products, input_gradient_on, g, [output_gradient, weight], input_gradient);
}

/// The gradient of [`forward`] with respect to its weight. Every element of `weight_gradient` is written.
///
/// # Panics
/// If [`Geometry::check`] fails or a slice has another length.
pub fn weight_gradient<T: Element>(
    products: Products,
    g: &Geometry,
    input: &[T],
    output_gradient: &[T],
    weight_gradient: &mut [T],
) {
    run(products, weight_gradient_on, g, [input, output_gradient], weight_gradient);
}

/// One of the three on a path.
type Kernel<T> = fn(Path, &Geometry, &[T], &[T], &mut [T]);

/// Computes with such products, of which those with few channels are in full.
fn run<T: Element>(
    products: Products,
    kernel: Kernel<T>,
    g: &Geometry,
    [left, right]: [&[T]; 2],
    result: &mut [T],
) {
    let path = Path::of(products);
    if products.round_first() {
        kernel(path, g, rounded(left).slice(), rounded(right).slice(), result);
    } else {
        kernel(path, g, left, right, result);
    }
}

/// Panics unless the geometry is one and the slices fit it.
fn check(g: &Geometry, input: usize, weight: usize, output: usize) {
    let checked = g.check();
    assert!(checked.is_ok(), "{checked:?} in {g:?}");
    assert_eq!([input, weight, output], g.lengths(), "lengths of input, weight and output for {g:?}");
}

fn forward_on<T: Element>(path: Path, g: &Geometry, input: &[T], weight: &[T], output: &mut [T]) {
    check(g, input.len(), weight.len(), output.len());
    let depth = g.group_inputs() * g.taps();
    if output.is_empty() {
    } else if g.is_product() {
        let weight = Matrix::row_major(weight, g.out_channels, depth);
        multiply_on(path, Matrix::row_major(input, g.batch, depth), weight.transposed(), output, false);
    } else {
        forward::compute(path, g, input, weight, output);
    }
}

fn input_gradient_on<T: Element>(
    path: Path,
    g: &Geometry,
    output_gradient: &[T],
    weight: &[T],
    input_gradient: &mut [T],
) {
    check(g, input_gradient.len(), weight.len(), output_gradient.len());
    if input_gradient.is_empty() {
    } else if g.is_product() {
        let weight = Matrix::row_major(weight, g.out_channels, g.in_channels * g.taps());
        let output_gradient = Matrix::row_major(output_gradient, g.batch, g.out_channels);
        multiply_on(path, output_gradient, weight, input_gradient, false);
    } else {
        input_gradient::compute(path, g, output_gradient, weight, input_gradient);
    }
}

fn weight_gradient_on<T: Element>(
    path: Path,
    g: &Geometry,
    input: &[T],
    output_gradient: &[T],
    weight_gradient: &mut [T],
) {
    check(g, input.len(), weight_gradient.len(), output_gradient.len());
    if weight_gradient.is_empty() {
    } else if g.batch == 0 {
        weight_gradient.fill(T::default());
    } else if g.is_product() {
        let input = Matrix::row_major(input, g.batch, g.in_channels * g.taps());
        let output_gradient = Matrix::row_major(output_gradient, g.batch, g.out_channels);
        multiply_on(path, output_gradient.transposed(), input, weight_gradient, false);
    } else {
        weight_gradient::compute(path, g, input, output_gradient, weight_gradient);
    }
}

/// How many of `most` pixels a task should have: fewer where that makes too few tasks to share out evenly.
fn block_pixels(pixels: usize, most: usize) -> usize {
    (pixels / (4 * pool::threads())).next_multiple_of(64).clamp(64, most)
}

/// How many output channels a task should have when there are `tasks` blocks of pixels: all, unless blocks are so few
/// that threads would idle, because each task gathers its pixels anew.
fn split_outputs(outputs: usize, tasks: usize) -> usize {
    let wanted = 2 * pool::threads();
    if tasks >= wanted || tasks == 0 {
        return outputs.max(1);
    }
    let chunks = wanted.div_ceil(tasks);
    outputs.div_ceil(chunks).next_multiple_of(TILE_ROWS).max(4 * TILE_ROWS).min(outputs.max(1))
}

#[cfg(test)]
mod tests;
