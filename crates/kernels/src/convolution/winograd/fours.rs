//! Filters of two taps for squares of 4 x 4 outputs, which need 25 products instead of 64.
//!
//! The points 0, 1, -1, 2 and infinity make these (see the parent module for the notation):
//!
//! ```text
//! B^T d = 2 (d0 - d2) + r, r - d1 - d2, r + 3 (d1 - d2), r, d4 - d2 - 2 r   with r = d3 - d1
//! G w   = w0 / 2, -(w0 + w1) / 2, (w1 - w0) / 6, (w0 + 2 w1) / 6, w1
//! A^T m = m0 + m1 + m2 + m3, m1 - m2 + 2 m3, m1 + m2 + 4 m3, m1 - m2 + 8 m3 + m4
//! ```
//!
//! Rounding grows to about three times that of the plain sum.

use crate::element::Element;
use crate::vector::Vector;

/// Inputs that four neighbouring outputs see.
pub(in super::super) const WINDOW: usize = 5;
/// Outputs along each axis.
pub(in super::super) const SQUARE: usize = 4;
/// Products of a square.
pub(super) const POSITIONS: usize = WINDOW * WINDOW;

pub(super) type Square<V> = [[V; WINDOW]; WINDOW];

/// Applies a transform of lines to the columns, then to the rows.
macro_rules! both_ways {
    ($square:ident, $from:expr, $to:expr, $line:expr) => {
        for c in 0..$from {
            let column = $line([$square[0][c], $square[1][c], $square[2][c], $square[3][c], $square[4][c]]);
            for r in 0..WINDOW {
                $square[r][c] = column[r];
            }
        }
        for row in $square.iter_mut().take($to) {
            *row = $line(*row);
        }
    };
}

/// 1 / 6, as exactly as the type has it.
#[inline(always)]
fn sixth<T: Element>() -> T {
    let near = T::from(1.0 / 6.0);
    near * (T::from(2.0) - T::from(6.0) * near)
}

/// A whole number as a vector.
///
/// # Safety
/// The processor must have the vectors.
#[inline(always)]
unsafe fn number<V: Vector>(value: f32) -> V {
    // SAFETY: the caller's promise.
    unsafe { V::splat(V::Element::from(value)) }
}

/// `B^T d B`: the transform of a window of inputs.
///
/// # Safety
/// The processor must have the vectors.
#[inline(always)]
pub(super) unsafe fn inputs<V: Vector>(mut d: Square<V>) -> Square<V> {
    // SAFETY: the caller's promise.
    unsafe {
        let (two, minus_two, three) = (number::<V>(2.0), number::<V>(-2.0), number::<V>(3.0));
        let line = |[a, b, c, d, e]: [V; WINDOW]| {
            let rise = d.subtract(b);
            [
                rise.multiply_add(two, a.subtract(c)),
                rise.subtract(b.add(c)),
                rise.multiply_add(three, b.subtract(c)),
                rise,
                e.subtract(c).multiply_add(minus_two, rise),
            ]
        };
        both_ways!(d, WINDOW, WINDOW, line);
        d
    }
}

/// `A^T m A`: 4 x 4 outputs from sums of products.
///
/// # Safety
/// The processor must have the vectors.
#[inline(always)]
pub(super) unsafe fn sums<V: Vector>(mut m: Square<V>) -> Square<V> {
    // SAFETY: the caller's promise.
    unsafe {
        let (two, four, eight) = (number::<V>(2.0), number::<V>(4.0), number::<V>(8.0));
        let line = |[a, b, c, d, e]: [V; WINDOW]| {
            let (even, odd) = (b.add(c), b.subtract(c));
            [
                a.add(even).add(d),
                odd.multiply_add(two, d),
                even.multiply_add(four, d),
                odd.add(e).multiply_add(eight, d),
                e,
            ]
        };
        both_ways!(m, WINDOW, SQUARE, line);
        m
    }
}

/// `G w`: the transform of two taps.
///
/// # Safety
/// The processor must have the vectors.
#[inline(always)] // A closure would not be, and its instructions would be calls.
unsafe fn taps_of_line<V: Vector>(a: V, b: V) -> [V; WINDOW] {
    // SAFETY: the caller's promise.
    unsafe {
        let (zero, half, sixth) = (V::zero(), number::<V>(0.5), V::splat(sixth()));
        [
            zero.multiply_add(half, a),
            zero.subtract(zero.multiply_add(half, a.add(b))),
            zero.multiply_add(sixth, b.subtract(a)),
            zero.multiply_add(sixth, a.add(b).add(b)),
            b,
        ]
    }
}

/// `G w G^T`: the transform of 2 x 2 taps.
///
/// # Safety
/// The processor must have the vectors.
#[inline(always)]
pub(super) unsafe fn taps<V: Vector>([[a, b], [c, d]]: [[V; 2]; 2]) -> Square<V> {
    // SAFETY: the caller's promise.
    unsafe {
        let (left, right) = (taps_of_line(a, c), taps_of_line(b, d));
        let mut square = [[a; WINDOW]; WINDOW];
        for (row, (left, right)) in square.iter_mut().zip(left.into_iter().zip(right)) {
            *row = taps_of_line(left, right);
        }
        square
    }
}

/// `A y A^T`: the transform of 4 x 4 gradients of outputs, which are the first of each row and column.
///
/// # Safety
/// The processor must have the vectors.
#[inline(always)]
pub(super) unsafe fn gradients<V: Vector>(mut y: Square<V>) -> Square<V> {
    // SAFETY: the caller's promise.
    unsafe {
        let (two, four) = (number::<V>(2.0), number::<V>(4.0));
        let line = |[a, b, c, d, _]: [V; WINDOW]| {
            let (even, odd) = (a.add(c), b.add(d));
            let outer = a.multiply_add(two, b);
            [a, even.add(odd), even.subtract(odd), outer.multiply_add(four, c.multiply_add(two, d)), d]
        };
        both_ways!(y, SQUARE, WINDOW, line);
        y
    }
}

/// `G^T n`: the gradients of two taps from the sums of a line.
///
/// # Safety
/// The processor must have the vectors.
#[inline(always)] // As `taps_of_line`.
unsafe fn products_of_line<V: Vector>([a, b, c, d, e]: [V; WINDOW]) -> [V; 2] {
    // SAFETY: the caller's promise.
    unsafe {
        let (zero, half, sixth) = (V::zero(), number::<V>(0.5), V::splat(sixth()));
        [
            zero.multiply_add(half, a.subtract(b)).multiply_add(sixth, d.subtract(c)),
            e.subtract(zero.multiply_add(half, b)).multiply_add(sixth, c.add(d).add(d)),
        ]
    }
}

/// `G^T n G`: the gradients of 2 x 2 taps from sums of products.
///
/// # Safety
/// The processor must have the vectors.
#[inline(always)]
pub(super) unsafe fn products<V: Vector>(n: Square<V>) -> [[V; 2]; 2] {
    // SAFETY: the caller's promise.
    unsafe {
        let mut rows = [[V::zero(); 2]; WINDOW];
        for (row, sums) in rows.iter_mut().zip(n) {
            *row = products_of_line(sums);
        }
        let [a, b, c, d, e] = rows;
        let left = products_of_line([a[0], b[0], c[0], d[0], e[0]]);
        let right = products_of_line([a[1], b[1], c[1], d[1], e[1]]);
        [[left[0], right[0]], [left[1], right[1]]]
    }
}
