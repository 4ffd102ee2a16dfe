//! Softmax along any axis.
use crate::dispatch::vectorised;
use crate::elementwise::{in_chunks, map};
use crate::float::Float;
use crate::reduction::{BLOCK, block_sum, column_maxima, row_maximum};

vectorised! {
    fn softmax_row<T: Float>(x: &[T], y: &mut [T]) {
        let peak = row_maximum(x);
        map(x, y, |x| (x - peak).exponential());
        let total: f64 = y.chunks(BLOCK).map(|y| block_sum(y, y, |y, _| y)).sum();
        let scale = T::of(1.0 / total);
        y.iter_mut().for_each(|y| *y *= scale);
    }
}

vectorised! {
    /// Softmax down the columns of a matrix with rows of `inner` elements.
    fn softmax_columns<T: Float>(x: &[T], inner: usize, y: &mut [T]) {
        let mut peaks = vec![T::ZERO; inner];
        column_maxima(x, inner, &mut peaks);
        let mut totals = vec![T::ZERO; inner];
        for (x, y) in x.chunks_exact(inner).zip(y.chunks_exact_mut(inner)) {
            for (((y, &x), &peak), total) in y.iter_mut().zip(x).zip(&peaks).zip(&mut totals) {
                *y = (x - peak).exponential();
                *total += *y;
            }
        }
        totals.iter_mut().for_each(|total| *total = T::ONE / *total);
        for y in y.chunks_exact_mut(inner) {
            for (y, &scale) in y.iter_mut().zip(&totals) {
                *y *= scale;
            }
        }
    }
}

vectorised! {
    fn softmax_gradient_row<T: Float>(y: &[T], upstream: &[T], dx: &mut [T]) {
        let blocks = y.chunks(BLOCK).zip(upstream.chunks(BLOCK));
        let mean = T::of(blocks.map(|(y, g)| block_sum(y, g, |y, g| y * g)).sum());
        for ((dx, &y), &g) in dx.iter_mut().zip(y).zip(upstream) {
            *dx = y * (g - mean);
        }
    }
}

vectorised! {
    fn softmax_gradient_columns<T: Float>(y: &[T], upstream: &[T], inner: usize, dx: &mut [T]) {
        let mut means = vec![T::ZERO; inner];
        for (y, g) in y.chunks_exact(inner).zip(upstream.chunks_exact(inner)) {
            for ((mean, &y), &g) in means.iter_mut().zip(y).zip(g) {
                *mean += y * g;
            }
        }
        let rows = y.chunks_exact(inner).zip(upstream.chunks_exact(inner));
        for (dx, (y, g)) in dx.chunks_exact_mut(inner).zip(rows) {
            for (((dx, &y), &g), &mean) in dx.iter_mut().zip(y).zip(g).zip(&means) {
                *dx = y * (g - mean);
            }
        }
    }
}

/// Runs `body(o, out[o])` for each of the matrices of `plane` elements in `out`.
fn for_each_plane<T: Float>(plane: usize, out: &mut [T], body: impl Fn(usize, &mut [T]) + Sync) {
    if plane == 0 {
        return;
    }
    let count = (4 * BLOCK / plane).max(1);
    let planes = |task: usize, out: &mut [T]| {
        out.chunks_exact_mut(plane).zip(task * count..).for_each(|(out, o)| body(o, out));
    };
    // An exponential costs several plain operations.
    in_chunks(4 * out.len(), out, plane * count, planes);
}

/// `y[o, a, i] = e^x[o, a, i] / sum over b of e^x[o, b, i]` for `x` of shape `[outer, axis, inner]`.
///
/// # Panics
/// When a length does not follow from the shape.
pub fn softmax<T: Float>(x: &[T], [outer, axis, inner]: [usize; 3], y: &mut [T]) {
    let plane = axis * inner;
    assert_eq!(x.len(), outer * plane, "the operand must have outer * axis * inner elements");
    assert_eq!(y.len(), x.len(), "operand and result differ in length");
    for_each_plane(plane, y, |o, y| {
        let x = &x[o * plane..(o + 1) * plane];
        if inner == 1 { softmax_row(x, y) } else { softmax_columns(x, inner, y) }
    });
}

/// `dx[o, a, i] = y[o, a, i] (g[o, a, i] - sum over b of y[o, b, i] g[o, b, i])`: the gradient of [`softmax`] whose
/// result was `y`, for the upstream gradient `g`.
///
/// # Panics
/// When a length does not follow from the shape.
pub fn softmax_gradient<T: Float>(y: &[T], upstream: &[T], [outer, axis, inner]: [usize; 3], dx: &mut [T]) {
    let plane = axis * inner;
    assert_eq!(y.len(), outer * plane, "the output must have outer * axis * inner elements");
    assert_eq!(upstream.len(), y.len(), "upstream gradient and output differ in length");
    assert_eq!(dx.len(), y.len(), "result and output differ in length");
    for_each_plane(plane, dx, |o, dx| {
        let (y, g) = (&y[o * plane..(o + 1) * plane], &upstream[o * plane..(o + 1) * plane]);
        if inner == 1 { softmax_gradient_row(y, g, dx) } else { softmax_gradient_columns(y, g, inner, dx) }
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

    const SHAPES: [[usize; 3]; 9] = [
        [1, 1, 1],
        [2000, 70, 1],
        [1, 5000, 1],
        [4, 130, 33],
        [1, 130, 2100],
        [64, 128, 49],
        [2, 0, 3],
        [0, 2, 3],
        [2, 3, 0],
    ];

    #[test]
    fn softmax_and_its_gradient_equal_plain_double_precision() {
        for shape in SHAPES {
            let [outer, axis, inner] = shape;
            let x: Vec<f32> = values(outer * axis * inner, 1).iter().map(|x| 30.0 * x).collect();
            let g = values(x.len(), 2);
            let (mut y, mut dx) = (vec![f32::NAN; x.len()], vec![f32::NAN; x.len()]);
            softmax(&x, shape, &mut y);
            softmax_gradient(&y, &g, shape, &mut dx);
            for (o, i) in (0..outer).flat_map(|o| (0..inner).map(move |i| (o, i))) {
                let index = |a: usize| (o * axis + a) * inner + i;
                let peak = (0..axis).map(|a| x[index(a)]).fold(f32::NEG_INFINITY, f32::max);
                let e: Vec<f64> = (0..axis).map(|a| f64::from(x[index(a)] - peak).exp()).collect();
                let total: f64 = e.iter().sum();
                let mean: f64 = (0..axis).map(|a| e[a] / total * f64::from(g[index(a)])).sum();
                for a in 0..axis {
                    close(y[index(a)], e[a] / total, e[a] / total + 1e-30);
                    close(
                        dx[index(a)],
                        e[a] / total * (f64::from(g[index(a)]) - mean),
                        4.0 * e[a] / total + 1e-30,
                    );
                }
            }
        }
    }
}
