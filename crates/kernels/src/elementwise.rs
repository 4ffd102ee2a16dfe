//! Operations on every element by itself, and a tensor with one value per channel.
use crate::dispatch::vectorised;
use crate::float::Float;
use crate::pool::parallel_chunks;
use std::ops::Range;

/// Elements one task works on: three `f32` operands of a block stay in a second-level cache.
const BLOCK: usize = 16_384;

/// Below this many elements one thread is faster than waking another.
pub(crate) const PARALLEL_FROM: usize = 32_768;

/// An operation of one operand `x`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unary {
    /// `sqrt(x)`
    SquareRoot,
    /// `e^x`
    Exponential,
    /// `ln(x)`
    Logarithm,
    /// `1 / x`
    Reciprocal,
    /// `x^2`
    Square,
    /// `-x`
    Negate,
    /// `|x|`
    Absolute,
    /// `x^exponent`
    Power(f64),
    /// `a x + b`
    Affine(f64, f64),
    /// `min(max(x, low), high)`; NaN stays NaN
    Clamp(f64, f64),
}

/// An operation of two operands `x` and `y`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Binary {
    /// `x + y`
    Add,
    /// `x - y`
    Subtract,
    /// `x y`
    Multiply,
    /// `x / y`
    Divide,
    /// `max(x, y)`; NaN if either is
    Maximum,
    /// `min(x, y)`; NaN if either is
    Minimum,
}

/// [`parallel_chunks`] when `work`, the number of elements read, pays for several threads, else the same in a loop.
pub(crate) fn in_chunks<T: Send>(
    work: usize,
    data: &mut [T],
    chunk: usize,
    body: impl Fn(usize, &mut [T]) + Sync,
) {
    if work < PARALLEL_FROM {
        data.chunks_mut(chunk.max(1)).enumerate().for_each(|(index, piece)| body(index, piece));
    } else {
        parallel_chunks(data, chunk, body);
    }
}

/// Runs `body` on consecutive pieces of `out`, with the range of elements each piece holds.
pub(crate) fn in_blocks<T: Send>(out: &mut [T], body: impl Fn(Range<usize>, &mut [T]) + Sync) {
    in_chunks(out.len(), out, BLOCK, |block, piece| {
        let start = block * BLOCK;
        body(start..start + piece.len(), piece);
    });
}

#[inline(always)]
pub(crate) fn map<T: Float>(x: &[T], out: &mut [T], f: impl Fn(T) -> T) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = f(x);
    }
}

#[inline(always)]
pub(crate) fn zip<T: Float>(x: &[T], y: &[T], out: &mut [T], f: impl Fn(T, T) -> T) {
    for ((out, &x), &y) in out.iter_mut().zip(x).zip(y) {
        *out = f(x, y);
    }
}

#[inline(always)]
pub(crate) fn maximum<T: Float>(x: T, y: T) -> T {
    if y > x || is_nan(y) { y } else { x }
}

#[inline(always)]
fn minimum<T: Float>(x: T, y: T) -> T {
    if y < x || is_nan(y) { y } else { x }
}

#[inline(always)]
#[allow(clippy::eq_op)]
fn is_nan<T: Float>(x: T) -> bool {
    x != x
}

vectorised! {
    fn unary_block<T: Float>(operation: Unary, x: &[T], out: &mut [T]) {
        match operation {
            Unary::SquareRoot | Unary::Power(0.5) => map(x, out, |x| x.square_root()),
            Unary::Exponential => map(x, out, |x| x.exponential()),
            Unary::Logarithm => map(x, out, |x| x.logarithm()),
            Unary::Reciprocal | Unary::Power(-1.0) => map(x, out, |x| T::ONE / x),
            Unary::Square | Unary::Power(2.0) => map(x, out, |x| x * x),
            Unary::Negate => map(x, out, |x| -x),
            Unary::Absolute => map(x, out, |x| x.magnitude()),
            Unary::Power(3.0) => map(x, out, |x| x * x * x),
            Unary::Power(-0.5) => map(x, out, |x| T::ONE / x.square_root()),
            Unary::Power(exponent) => {
                let exponent = T::of(exponent);
                map(x, out, |x| x.power(exponent));
            }
            Unary::Affine(a, b) => {
                let (a, b) = (T::of(a), T::of(b));
                map(x, out, |x| a * x + b);
            }
            Unary::Clamp(low, high) => {
                let (low, high) = (T::of(low), T::of(high));
                map(x, out, |x| x.larger(low).smaller(high));
            }
        }
    }
}

vectorised! {
    fn binary_block<T: Float>(operation: Binary, x: &[T], y: &[T], out: &mut [T]) {
        match operation {
            Binary::Add => zip(x, y, out, |x, y| x + y),
            Binary::Subtract => zip(x, y, out, |x, y| x - y),
            Binary::Multiply => zip(x, y, out, |x, y| x * y),
            Binary::Divide => zip(x, y, out, |x, y| x / y),
            Binary::Maximum => zip(x, y, out, |x, y| maximum(x, y)),
            Binary::Minimum => zip(x, y, out, |x, y| minimum(x, y)),
        }
    }
}

vectorised! {
    fn scalar_block<T: Float>(operation: Binary, x: &[T], y: T, out: &mut [T]) {
        match operation {
            Binary::Add => map(x, out, |x| x + y),
            Binary::Subtract => map(x, out, |x| x - y),
            Binary::Multiply => map(x, out, |x| x * y),
            Binary::Divide => map(x, out, |x| x / y),
            Binary::Maximum => map(x, out, |x| maximum(x, y)),
            Binary::Minimum => map(x, out, |x| minimum(x, y)),
        }
    }
}

vectorised! {
    fn scaled_add_block<T: Float>(alpha: T, x: &[T], y: &mut [T]) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y += alpha * x;
        }
    }
}

/// `out = operation(x)`, element by element.
///
/// # Panics
/// When the lengths differ.
pub fn unary<T: Float>(operation: Unary, x: &[T], out: &mut [T]) {
    assert_eq!(x.len(), out.len(), "operand and result differ in length");
    in_blocks(out, |range, out| unary_block(operation, &x[range], out));
}

/// `out = operation(x, y)`, element by element.
///
/// # Panics
/// When the lengths differ.
pub fn binary<T: Float>(operation: Binary, x: &[T], y: &[T], out: &mut [T]) {
    assert_eq!(x.len(), out.len(), "first operand and result differ in length");
    assert_eq!(y.len(), out.len(), "second operand and result differ in length");
    in_blocks(out, |range, out| binary_block(operation, &x[range.clone()], &y[range], out));
}

/// `y = y + alpha x`, element by element.
///
/// # Panics
/// When the lengths differ.
pub fn scaled_add<T: Float>(alpha: f64, x: &[T], y: &mut [T]) {
    assert_eq!(x.len(), y.len(), "operands differ in length");
    in_blocks(y, |range, y| scaled_add_block(T::of(alpha), &x[range], y));
}

/// `out[o, c, i] = operation(x[o, c, i], vector[c])` for `x` of shape `[outer, channels, inner]`: a bias, a scale.
///
/// # Panics
/// When a length does not follow from the shape.
pub fn broadcast_channels<T: Float>(
    operation: Binary,
    x: &[T],
    vector: &[T],
    [outer, channels, inner]: [usize; 3],
    out: &mut [T],
) {
    let row = channels * inner;
    assert_eq!(vector.len(), channels, "the vector must have one value per channel");
    assert_eq!(x.len(), outer * row, "the operand must have outer * channels * inner elements");
    assert_eq!(out.len(), x.len(), "operand and result differ in length");
    if row == 0 {
        return;
    }
    // Short planes would waste vectors: the vector is spread over one row, and serves every row.
    let mut spread = Vec::new();
    if (2..128).contains(&inner) {
        spread.reserve(row);
        vector.iter().for_each(|&value| spread.resize(spread.len() + inner, value));
    }
    let rows = |first: usize, out: &mut [T]| {
        let x = &x[first * row..first * row + out.len()];
        if inner >= 128 {
            let planes = x.chunks_exact(inner).zip(out.chunks_exact_mut(inner));
            for ((x, out), &value) in planes.zip(vector.iter().cycle()) {
                scalar_block(operation, x, value, out);
            }
        } else if inner == 1 {
            for (x, out) in x.chunks_exact(row).zip(out.chunks_exact_mut(row)) {
                binary_block(operation, x, vector, out);
            }
        } else {
            for (x, out) in x.chunks_exact(row).zip(out.chunks_exact_mut(row)) {
                binary_block(operation, x, &spread, out);
            }
        }
    };
    let band = (2 * BLOCK / row).max(1);
    in_chunks(out.len(), out, band * row, |task, out| rows(task * band, out));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values over about [-2, 2], the same in every run.
    fn values(count: usize, seed: usize) -> Vec<f64> {
        (0..count).map(|i| (((i + seed * 7919) * 2_654_435_761 % 4001) as f64) / 1000.0 - 2.0).collect()
    }

    fn single(x: &[f64]) -> Vec<f32> {
        x.iter().map(|&x| x as f32).collect()
    }

    #[track_caller]
    fn close(got: &[f32], want: impl Iterator<Item = f64>) {
        let mut count = 0;
        for (i, (&got, want)) in got.iter().zip(want).enumerate() {
            let same = f64::from(got) == want || (got.is_nan() && want.is_nan());
            assert!(same || (f64::from(got) - want).abs() <= 1e-6 * want.abs(), "{i}: {got} for {want}");
            count += 1;
        }
        assert_eq!(count, got.len());
    }

    #[test]
    fn unary_operations_equal_plain_double_precision() {
        type Plain = fn(f64) -> f64;
        let table: [(Unary, Plain); 14] = [
            (Unary::SquareRoot, f64::sqrt),
            (Unary::Exponential, f64::exp),
            (Unary::Logarithm, f64::ln),
            (Unary::Reciprocal, |x| 1.0 / x),
            (Unary::Square, |x| x * x),
            (Unary::Negate, |x| -x),
            (Unary::Absolute, f64::abs),
            (Unary::Power(2.5), |x| x.powf(2.5)),
            (Unary::Power(0.5), f64::sqrt),
            (Unary::Power(-0.5), |x| 1.0 / x.sqrt()),
            (Unary::Power(3.0), |x| x * x * x),
            (Unary::Power(-1.0), |x| 1.0 / x),
            (Unary::Affine(4.0, -16.0), |x| 4.0 * x - 16.0),
            (Unary::Clamp(-0.5, 1.5), |x| x.clamp(-0.5, 1.5)),
        ];
        for (operation, plain) in table {
            for count in [0, 1, 15, 33, 1000, PARALLEL_FROM + 17] {
                let x = single(&values(count, 1));
                let mut out = vec![f32::NAN; count];
                unary(operation, &x, &mut out);
                close(&out, x.iter().map(|&x| plain(f64::from(x))));
            }
        }
    }

    #[test]
    fn binary_operations_equal_plain_double_precision() {
        type Plain = fn(f64, f64) -> f64;
        let table: [(Binary, Plain); 6] = [
            (Binary::Add, |x, y| x + y),
            (Binary::Subtract, |x, y| x - y),
            (Binary::Multiply, |x, y| x * y),
            (Binary::Divide, |x, y| x / y),
            (Binary::Maximum, f64::max),
            (Binary::Minimum, f64::min),
        ];
        for (operation, plain) in table {
            for count in [0, 1, 31, 1000, PARALLEL_FROM + 17] {
                let (x, y) = (values(count, 1), values(count, 2));
                let mut out = vec![f64::NAN; count];
                binary(operation, &x, &y, &mut out);
                for ((&out, &x), &y) in out.iter().zip(&x).zip(&y) {
                    let want = plain(x, y);
                    assert!(out == want || (out.is_nan() && want.is_nan()), "{operation:?} {x} {y}: {out}");
                }
            }
        }
    }

    #[test]
    fn nan_survives_maximum_minimum_and_clamp() {
        for operation in [Binary::Maximum, Binary::Minimum] {
            let mut out = [0.0; 2];
            binary(operation, &[f32::NAN, 1.0], &[1.0, f32::NAN], &mut out);
            assert!(out.iter().all(|x| x.is_nan()), "{operation:?}: {out:?}");
        }
        let mut out = [0.0; 1];
        unary(Unary::Clamp(0.0, 1.0), &[f32::NAN], &mut out);
        assert!(out[0].is_nan());
    }

    #[test]
    fn scaled_add_accumulates() {
        let (x, mut y) = (values(70_001, 1), values(70_001, 2));
        let before = y.clone();
        scaled_add(-0.5, &x, &mut y);
        assert!(y.iter().zip(&before).zip(&x).all(|((y, before), x)| *y == before - 0.5 * x));
    }

    #[test]
    fn channels_are_broadcast_at_every_inner_size() {
        for shape in [[3, 5, 1], [3, 5, 7], [2, 3, 130], [64, 40, 49], [0, 3, 4], [2, 0, 4], [70, 1000, 1]] {
            let [outer, channels, inner] = shape;
            let (x, vector) = (values(outer * channels * inner, 1), values(channels, 2));
            let mut out = vec![f64::NAN; x.len()];
            broadcast_channels(Binary::Subtract, &x, &vector, shape, &mut out);
            for (i, (&out, &x)) in out.iter().zip(&x).enumerate() {
                assert_eq!(out, x - vector[i / inner % channels], "{shape:?} at {i}");
            }
        }
    }
}
