//! Minimal filtering (Winograd 1980; Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016).
//!
//! Two neighbouring outputs of a filter with `R` taps need `R + 1` products instead of `2 R`, so a square of 2 x 2
//! outputs needs 9 instead of 16 for 2 x 2 taps and 16 instead of 36 for 3 x 3. A convolution with `R` times as many
//! taps as its stride is a filter of `R` taps in the phase planes. With `d` the inputs, `w` the taps, `y` the outputs
//! and `*` element by element, `y = A^T (G w * B^T d)`:
//!
//! ```text
//! R = 2:  B^T d = d0 - d1, d1, d2 - d1                 G w = w0, w0 + w1, w1
//!         A^T m = m0 + m1, m1 + m2
//! R = 3:  B^T d = d0 - d2, d1 + d2, d2 - d1, d1 - d3   G w = w0, (w0 + w1 + w2) / 2, (w0 - w1 + w2) / 2, w2
//!         A^T m = m0 + m1 + m2, m1 - m2 - m3
//! ```
//!
//! Squares of 4 x 4 outputs, see [`fours`], need fewer products still. The factors are so small that rounding grows
//! by one or two bits. The gradient with respect to the taps
//! is the transpose of the same formula, `G^T (A y * B^T d)`.

mod filter;
mod fours;
mod lanes;
pub(crate) mod output_gradients;
pub(crate) mod pass;
pub(crate) mod weight_gradient;
pub(crate) mod weight_sums;
pub(crate) mod weights;

pub(super) use filter::{Filter, Target};
pub(super) use fours::SQUARE;
pub(super) use lanes::Source;
pub(super) use pass::{Part, Pass};
pub(super) use weights::{Filters, PhaseTaps, packed_length};

use super::geometry::Geometry;
use crate::vector::Vector;

/// Fewer channels than this, on either side, leave the transforms dearer than the products they spare.
const FEWEST_CHANNELS: usize = 24;

/// Fewer small squares in a batch leave the transforms of the weights of filters of two taps dearer than the products they spare.
/// Filters of three are transformed whatever the batch, so that an image's features do not depend on the others.
const FEWEST_SMALL_SQUARES: usize = 32;

/// Fewer large squares in a batch leave the transforms of the weights dearer than the products they spare.
const FEWEST_SQUARES: usize = 128;

/// The taps `R` along each axis if minimal filtering saves work for `outputs` results from `inputs` planes per
/// group, each of `rows x columns` pixels.
pub(super) fn taps(
    g: &Geometry,
    outputs: usize,
    inputs: usize,
    rows: usize,
    columns: usize,
) -> Option<usize> {
    let taps = g.kernel[0] / g.stride[0];
    let fits = |axis: usize| g.kernel[axis] == taps * g.stride[axis] && g.dilation[axis] == 1;
    if !matches!(taps, 2 | 3) || !fits(0) || !fits(1) || outputs.min(inputs) < FEWEST_CHANNELS {
        return None;
    }
    let squares = rows.div_ceil(2) * columns.div_ceil(2);
    if taps == 2 && g.batch * squares < FEWEST_SMALL_SQUARES {
        return None;
    }
    let (products, direct) = (squares * window(taps) * window(taps), rows * columns * taps * taps);
    (products * 5 <= direct * 4).then_some(taps)
}

/// Whether squares of 4 x 4 outputs save work over smaller ones, for results of `rows x columns` pixels.
pub(super) fn pays(g: &Geometry, taps: usize, rows: usize, columns: usize) -> bool {
    let squares = |side: usize| rows.div_ceil(side) * columns.div_ceil(side);
    let saves = squares(SQUARE) * fours::POSITIONS * 10 <= squares(2) * 9 * 8;
    taps == 2 && saves && g.batch >= lanes::LANES && g.batch * squares(SQUARE) >= FEWEST_SQUARES
}

/// Inputs that two neighbouring outputs see.
pub(super) const fn window(taps: usize) -> usize {
    taps + 1
}

type Square<V> = [[V; 4]; 4];

/// Applies a transform of lines to the rows, then to the columns.
macro_rules! both_ways {
    ($square:ident, $rows:expr, $columns:expr, $line:expr) => {
        for row in $square.iter_mut().take($rows) {
            *row = $line(*row);
        }
        for c in 0..$columns {
            let column = $line([$square[0][c], $square[1][c], $square[2][c], $square[3][c]]);
            for r in 0..4 {
                $square[r][c] = column[r];
            }
        }
    };
}

/// Does something with the vector of each position of a window of filters with `$taps` taps. (A function would take a closure, whose
/// instructions could be calls.)
macro_rules! for_positions {
    ($square:expr, $taps:expr, $position:ident, $vector:ident => $with:expr) => {
        for (i, vectors) in $square.iter().take($crate::convolution::winograd::window($taps)).enumerate() {
            for (j, &$vector) in vectors.iter().take($crate::convolution::winograd::window($taps)).enumerate()
            {
                let $position = i * $crate::convolution::winograd::window($taps) + j;
                $with
            }
        }
    };
}
use for_positions;

/// Reads a square of `size x size` vectors, rows and columns of which are so far apart.
///
/// # Safety
/// All must be readable, and the processor must have the vectors.
#[inline(always)]
unsafe fn load<V: Vector>(from: *const V::Element, size: usize, [row, column]: [usize; 2]) -> Square<V> {
    // SAFETY: the caller's promise.
    unsafe {
        let mut square = [[V::zero(); 4]; 4];
        for (i, vectors) in square.iter_mut().take(size).enumerate() {
            for (j, vector) in vectors.iter_mut().take(size).enumerate() {
                *vector = V::load(from.add(i * row + j * column));
            }
        }
        square
    }
}

/// Writes a square of `size x size` vectors.
///
/// # Safety
/// All must be writable, and the processor must have the vectors.
#[inline(always)]
unsafe fn store<V: Vector>(square: Square<V>, to: *mut V::Element, size: usize, [row, column]: [usize; 2]) {
    for (i, vectors) in square.iter().take(size).enumerate() {
        for (j, vector) in vectors.iter().take(size).enumerate() {
            // SAFETY: the caller's promise.
            unsafe { vector.store(to.add(i * row + j * column)) };
        }
    }
}

/// `B^T d B`: the transform of a window of inputs, [`window`] numbers square.
///
/// # Safety
/// The processor must have the vectors.
#[inline(always)]
pub(super) unsafe fn transform_inputs<V: Vector, const R: usize>(mut d: Square<V>) -> Square<V> {
    // SAFETY: the caller's promise.
    let line = |[a, b, c, e]: [V; 4]| unsafe {
        match R {
            2 => [a.subtract(b), b, c.subtract(b), e],
            _ => [a.subtract(c), b.add(c), c.subtract(b), b.subtract(e)],
        }
    };
    both_ways!(d, window(R), window(R), line);
    d
}

/// `A^T m A`: two by two outputs from [`window`] squared sums of products.
///
/// # Safety
/// The processor must have the vectors.
#[inline(always)]
pub(super) unsafe fn transform_sums<V: Vector, const R: usize>(mut m: Square<V>) -> Square<V> {
    // SAFETY: the caller's promise.
    let line = |[a, b, c, d]: [V; 4]| unsafe {
        match R {
            2 => [a.add(b), b.add(c), c, d],
            _ => [a.add(b).add(c), b.subtract(c).subtract(d), c, d],
        }
    };
    both_ways!(m, window(R), 2, line);
    m
}

/// `G w G^T`: the transform of `R x R` taps.
///
/// # Safety
/// The processor must have the vectors.
#[inline(always)]
pub(super) unsafe fn transform_taps<V: Vector, const R: usize>(mut w: Square<V>) -> Square<V> {
    // SAFETY: the caller's promise.
    let line = |[a, b, c, d]: [V; 4]| unsafe {
        match R {
            2 => [a, a.add(b), b, d],
            _ => {
                let (half, zero) = (V::splat(V::Element::from(0.5)), V::zero());
                let even = a.add(c);
                let (plus, minus) = (even.add(b), even.subtract(b));
                [a, zero.multiply_add(half, plus), zero.multiply_add(half, minus), c]
            }
        }
    };
    both_ways!(w, R, window(R), line);
    w
}

/// `A y A^T`: the transform of 2 x 2 gradients of outputs.
///
/// # Safety
/// The processor must have the vectors.
#[inline(always)]
pub(super) unsafe fn transform_gradients<V: Vector, const R: usize>(mut y: Square<V>) -> Square<V> {
    // SAFETY: the caller's promise.
    let line = |[a, b, _, d]: [V; 4]| unsafe {
        match R {
            2 => [a, a.add(b), b, d],
            _ => [a, a.add(b), a.subtract(b), V::zero().subtract(b)],
        }
    };
    both_ways!(y, 2, window(R), line);
    y
}

/// `G^T n G`: the gradients of `R x R` taps from [`window`] squared sums of products.
///
/// # Safety
/// The processor must have the vectors.
#[inline(always)]
pub(super) unsafe fn transform_products<V: Vector, const R: usize>(mut n: Square<V>) -> Square<V> {
    // SAFETY: the caller's promise.
    let line = |[a, b, c, d]: [V; 4]| unsafe {
        match R {
            2 => [a.add(b), b.add(c), c, d],
            _ => {
                let (half, zero) = (V::splat(V::Element::from(0.5)), V::zero());
                let (plus, minus) = (b.add(c), b.subtract(c));
                [a.multiply_add(half, plus), zero.multiply_add(half, minus), d.multiply_add(half, plus), d]
            }
        }
    };
    both_ways!(n, window(R), R, line);
    n
}
