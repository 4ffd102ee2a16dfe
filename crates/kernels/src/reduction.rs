//! Sums and maxima.
//!
//! Sums run in blocks of 64 additions at most in the element's own precision and are collected in double precision:
//! the error does not grow with the length, and the order does not depend on the threads.
use crate::dispatch::vectorised;
use crate::elementwise::{in_chunks, maximum};
use crate::float::Float;

/// Running sums of one block, enough to hide the latency of an addition.
const LANES: usize = 64;
/// Elements of a block: 64 additions in each lane.
pub(crate) const BLOCK: usize = 64 * LANES;
/// Rows added up in the element's precision.
const ROWS: usize = 64;
/// Columns whose running sums stay in a first-level cache.
const TILE: usize = 1024;

/// `sum of f(x, y)` over one block.
#[inline(always)]
pub(crate) fn block_sum<T: Float>(x: &[T], y: &[T], f: impl Fn(T, T) -> T) -> f64 {
    let (x_rows, y_rows) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
    let mut rest = T::ZERO;
    for (&x, &y) in x_rows.remainder().iter().zip(y_rows.remainder()) {
        rest += f(x, y);
    }
    if x.len() < LANES {
        return rest.double();
    }
    let mut lanes = [T::ZERO; LANES];
    for (x, y) in x_rows.zip(y_rows) {
        for ((lane, &x), &y) in lanes.iter_mut().zip(x).zip(y) {
            *lane += f(x, y);
        }
    }
    fold_lanes(lanes).double() + rest.double()
}

/// The sum of a power of two of lanes, by halves.
#[inline(always)]
pub(crate) fn fold_lanes<T: Float, const LANES: usize>(mut lanes: [T; LANES]) -> T {
    let mut width = LANES;
    while width > 1 {
        width /= 2;
        let (low, high) = lanes.split_at_mut(width);
        for (low, &mut high) in low.iter_mut().zip(high) {
            *low += high;
        }
    }
    lanes[0]
}

/// What is added up over `(x, y)`.
#[derive(Clone, Copy)]
pub(crate) enum Term {
    First,
    Product,
}

vectorised! {
    pub(crate) fn term_sum<T: Float>(term: Term, x: &[T], y: &[T]) -> f64 {
        let blocks = x.chunks(BLOCK).zip(y.chunks(BLOCK));
        match term {
            Term::First => blocks.map(|(x, y)| block_sum(x, y, |x, _| x)).sum(),
            Term::Product => blocks.map(|(x, y)| block_sum(x, y, |x, y| x * y)).sum(),
        }
    }
}

/// [`term_sum`] on several threads when that pays.
fn total<T: Float>(term: Term, x: &[T], y: &[T]) -> T {
    const TASK: usize = 8 * BLOCK;
    let mut partial = vec![0.0; x.len().div_ceil(TASK)];
    let body = |task: usize, partial: &mut [f64]| {
        let range = task * TASK..(task * TASK + TASK).min(x.len());
        partial.fill(term_sum(term, &x[range.clone()], &y[range]));
    };
    in_chunks(x.len(), &mut partial, 1, body);
    T::of(partial.iter().sum())
}

/// The sum of all elements.
pub fn sum<T: Float>(x: &[T]) -> T {
    total(Term::First, x, x)
}

/// The sum of all squares.
pub fn sum_of_squares<T: Float>(x: &[T]) -> T {
    total(Term::Product, x, x)
}

/// The inner product of two vectors.
///
/// # Panics
/// When the lengths differ.
pub fn dot<T: Float>(x: &[T], y: &[T]) -> T {
    assert_eq!(x.len(), y.len(), "operands differ in length");
    total(Term::Product, x, y)
}

vectorised! {
    /// Sums of `totals.len() <= TILE` columns of a matrix whose rows start `stride` elements apart.
    fn column_sums<T: Float>(x: &[T], stride: usize, rows: usize, totals: &mut [f64]) {
        totals.fill(0.0);
        let width = totals.len();
        let row = |index: usize| &x[index * stride..index * stride + width];
        let mut first = 0;
        while first < rows {
            let last = (first + ROWS).min(rows);
            let mut sums = [T::ZERO; TILE];
            let sums = &mut sums[..width];
            while first + 4 <= last {
                let pairs = row(first).iter().zip(row(first + 1)).zip(row(first + 2).iter().zip(row(first + 3)));
                for (sum, ((&a, &b), (&c, &d))) in sums.iter_mut().zip(pairs) {
                    *sum += (a + b) + (c + d);
                }
                first += 4;
            }
            for index in first..last {
                for (sum, &x) in sums.iter_mut().zip(row(index)) {
                    *sum += x;
                }
            }
            first = last;
            for (total, sum) in totals.iter_mut().zip(sums) {
                *total += sum.double();
            }
        }
    }
}

vectorised! {
    /// Maxima of `out.len()` columns of a matrix with rows of `stride` elements.
    pub(crate) fn column_maxima<T: Float>(x: &[T], stride: usize, out: &mut [T]) {
        out.fill(T::LOWEST);
        for row in x.chunks(stride) {
            for (out, &x) in out.iter_mut().zip(row) {
                *out = maximum(*out, x);
            }
        }
    }
}

vectorised! {
    pub(crate) fn row_maximum<T: Float>(row: &[T]) -> T {
        let mut lanes = [T::LOWEST; LANES];
        for chunk in row.chunks(LANES) {
            for (lane, &x) in lanes.iter_mut().zip(chunk) {
                *lane = maximum(*lane, x);
            }
        }
        lanes.into_iter().fold(T::LOWEST, maximum)
    }
}

/// Runs `body(o, first_column, piece)` for pieces of at most `TILE` columns of every row of `out`, which has shape
/// `[outer, inner]`; `axis` elements go into each of its elements.
fn for_each_tile<T: Float>(
    [outer, axis, inner]: [usize; 3],
    out: &mut [T],
    body: impl Fn(usize, usize, &mut [T]) + Sync,
) {
    if out.is_empty() {
        return;
    }
    let work = axis.max(1);
    let task = if outer == 1 { 256 } else { inner * (BLOCK * 4 / (work * inner)).max(1) };
    let tiles = |index: usize, piece: &mut [T]| {
        let (mut position, mut piece) = (index * task, piece);
        while !piece.is_empty() {
            let column = position % inner;
            let (tile, rest) = piece.split_at_mut((inner - column).min(TILE).min(piece.len()));
            body(position / inner, column, tile);
            position += tile.len();
            piece = rest;
        }
    };
    in_chunks(work * out.len(), out, task, tiles);
}

/// Panics unless `x` is `[outer, axis, inner]` and `out` is `[outer, inner]`.
fn check_axis<T>(x: &[T], [outer, axis, inner]: [usize; 3], out: &[T]) {
    assert_eq!(x.len(), outer * axis * inner, "the operand must have outer * axis * inner elements");
    assert_eq!(out.len(), outer * inner, "the result must have outer * inner elements");
}

/// `out[o, i] = sum over a of x[o, a, i]` for `x` of shape `[outer, axis, inner]`.
///
/// # Panics
/// When a length does not follow from the shape.
pub fn sum_axis<T: Float>(x: &[T], shape: [usize; 3], out: &mut [T]) {
    check_axis(x, shape, out);
    let [outer, axis, inner] = shape;
    match (outer, inner) {
        (1, 1) => out.fill(sum(x)),
        (_, 1) => for_each_tile([1, axis, outer], out, |_, first, out| {
            for (row, out) in (first..).zip(out) {
                let row = &x[row * axis..(row + 1) * axis];
                *out = T::of(term_sum(Term::First, row, row));
            }
        }),
        _ => for_each_tile(shape, out, |o, column, out| {
            let mut totals = [0.0; TILE];
            let totals = &mut totals[..out.len()];
            let start = (o * axis * inner + column).min(x.len());
            column_sums(&x[start..], inner, axis, totals);
            out.iter_mut().zip(totals).for_each(|(out, &mut total)| *out = T::of(total));
        }),
    }
}

/// `out[c] = sum over o and i of x[o, c, i]` for `x` of shape `[outer, channels, inner]`: the gradient of a bias.
///
/// # Panics
/// When a length does not follow from the shape.
pub fn sum_per_channel<T: Float>(x: &[T], [outer, channels, inner]: [usize; 3], out: &mut [T]) {
    assert_eq!(x.len(), outer * channels * inner, "the operand must have outer * channels * inner elements");
    assert_eq!(out.len(), channels, "the result must have one element per channel");
    if x.is_empty() {
        return out.fill(T::ZERO);
    }
    let row = channels * inner;
    let block = (256 / inner).max(1);
    let sums = |index: usize, out: &mut [T]| {
        let first = index * block * inner;
        if inner >= 256 {
            let planes = (0..outer).map(|o| &x[o * row + first..o * row + first + inner]);
            return out.fill(T::of(planes.map(|plane| term_sum(Term::First, plane, plane)).sum()));
        }
        let mut totals = [0.0; TILE];
        let totals = &mut totals[..out.len() * inner];
        column_sums(&x[first..], row, outer, totals);
        for (out, totals) in out.iter_mut().zip(totals.chunks_exact(inner)) {
            *out = T::of(totals.iter().sum());
        }
    };
    in_chunks(x.len(), out, block, sums);
}

/// `out[o, i] = max over a of x[o, a, i]` for `x` of shape `[outer, axis, inner]`; NaN if any is, minus infinity
/// where the axis is empty.
///
/// # Panics
/// When a length does not follow from the shape.
pub fn max_axis<T: Float>(x: &[T], shape: [usize; 3], out: &mut [T]) {
    check_axis(x, shape, out);
    let [outer, axis, inner] = shape;
    if inner == 1 {
        return for_each_tile([1, axis, outer], out, |_, first, out| {
            for (row, out) in (first..).zip(out) {
                *out = row_maximum(&x[row * axis..(row + 1) * axis]);
            }
        });
    }
    for_each_tile(shape, out, |o, column, out| {
        let (start, end) = (o * axis * inner, (o + 1) * axis * inner);
        column_maxima(&x[(start + column).min(end)..end], inner, out);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| ((i + seed * 7919) * 2_654_435_761 % 4001) as f32 / 1000.0 - 1.5).collect()
    }

    #[track_caller]
    fn close(got: f32, want: f64, scale: f64) {
        assert!((f64::from(got) - want).abs() <= 2e-6 * scale, "{got} for {want}");
    }

    #[test]
    fn sums_of_a_million_equal_double_precision() {
        for count in [0, 1, 63, 64, 65, 5_000, 70_001, 1_000_003] {
            let (x, y) = (values(count, 1), values(count, 2));
            let wide = || x.iter().zip(&y).map(|(&x, &y)| (f64::from(x), f64::from(y)));
            close(sum(&x), wide().map(|(x, _)| x).sum(), wide().map(|(x, _)| x.abs()).sum());
            close(sum_of_squares(&x), wide().map(|(x, _)| x * x).sum(), wide().map(|(x, _)| x * x).sum());
            close(dot(&x, &y), wide().map(|(x, y)| x * y).sum(), wide().map(|(x, y)| (x * y).abs()).sum());
        }
        close(sum(&vec![0.1_f32; 1_000_000]), 1e6 * f64::from(0.1_f32), 5e4);
    }

    const SHAPES: [[usize; 3]; 13] = [
        [1, 1, 1],
        [3, 70, 1],
        [2000, 70, 1],
        [1, 5000, 1],
        [1, 300, 5],
        [4, 130, 33],
        [1, 64, 512],
        [1, 130, 2100],
        [64, 3, 1024],
        [64, 128, 49],
        [2, 0, 3],
        [0, 2, 3],
        [2, 3, 0],
    ];

    #[test]
    fn axes_and_channels_are_reduced_at_every_shape() {
        for shape in SHAPES {
            let [outer, axis, inner] = shape;
            let x = values(outer * axis * inner, 1);
            let at = |o: usize, a: usize, i: usize| f64::from(x[(o * axis + a) * inner + i]);
            let mut sums = vec![f32::NAN; outer * inner];
            let mut peaks = sums.clone();
            sum_axis(&x, shape, &mut sums);
            max_axis(&x, shape, &mut peaks);
            for o in 0..outer {
                for i in 0..inner {
                    close(sums[o * inner + i], (0..axis).map(|a| at(o, a, i)).sum(), 2.0 * axis as f64);
                    let peak = (0..axis).map(|a| at(o, a, i)).fold(f64::NEG_INFINITY, f64::max);
                    assert_eq!(f64::from(peaks[o * inner + i]), peak);
                }
            }
            let mut channels = vec![f32::NAN; axis];
            sum_per_channel(&x, shape, &mut channels);
            for (a, &got) in channels.iter().enumerate() {
                let terms = (0..outer).flat_map(|o| (0..inner).map(move |i| (o, i)));
                close(got, terms.map(|(o, i)| at(o, a, i)).sum(), 2.0 * (outer * inner) as f64);
            }
        }
    }

    #[test]
    fn maximum_reports_nan() {
        let mut out = [0.0; 1];
        max_axis(&[1.0_f32, f32::NAN, 3.0], [1, 3, 1], &mut out);
        assert!(out[0].is_nan());
    }
}
