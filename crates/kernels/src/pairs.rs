//! The operands of a tile as pairs of bfloat16 numbers.
//!
//! A pair takes the place of one number of single precision: numbers `2k` and `2k + 1` of the depth, the first in the lower half, so
//! that a row of the left operand is its numbers one after the other. Where the depth is odd the last pair ends with zero. What is
//! copied before it is multiplied is rounded in place by the functions here; what is computed is written in pairs at once
//! ([`Vector::store_along`], [`Vector::store_row`]). Vectors without pairs leave everything as it is.

use crate::vector::Vector;

/// The most numbers in two vectors.
const TWO_VECTORS: usize = 32;

/// Makes pairs of a row of the left operand, `depth` neighbouring numbers.
///
/// # Safety
/// The numbers must be readable, writable and unshared, and the processor must have the vectors.
#[inline(always)]
pub(crate) unsafe fn pair_row<V: Vector>(row: *mut V::Element, depth: usize) {
    if !V::PAIRS {
        return;
    }
    let whole = depth - depth % (2 * V::LANES);
    // SAFETY: the caller's promise. What is written was read before.
    unsafe {
        for k in (0..whole).step_by(2 * V::LANES) {
            let (first, second) = (V::load(row.add(k)), V::load(row.add(k + V::LANES)));
            first.pair_neighbours(second).store(row.add(k / 2));
        }
        if whole < depth {
            let mut rest = [V::Element::default(); TWO_VECTORS];
            let start = rest.as_mut_ptr();
            start.copy_from_nonoverlapping(row.add(whole), depth - whole);
            V::load(start).pair_neighbours(V::load(start.add(V::LANES))).store(start);
            row.add(whole / 2).copy_from_nonoverlapping(start, (depth - whole).div_ceil(2));
        }
    }
}

/// Makes pairs of a panel of the right operand, `depth` rows of `width` numbers, whole vectors.
///
/// # Safety
/// As [`pair_row`].
#[inline(always)]
pub(crate) unsafe fn pair_panel<V: Vector>(panel: *mut V::Element, depth: usize, width: usize) {
    if !V::PAIRS {
        return;
    }
    // SAFETY: the caller's promise. What is written was read before.
    unsafe {
        for k in (0..depth).step_by(2) {
            for v in (0..width).step_by(V::LANES) {
                let upper = V::load(panel.add(k * width + v));
                let lower = if k + 1 < depth { V::load(panel.add((k + 1) * width + v)) } else { V::zero() };
                upper.pair_rows(lower).store(panel.add(k / 2 * width + v));
            }
        }
    }
}

/// Ends the last pair of each column of a panel with zero where the depth is odd, before its rows are written one by one.
///
/// # Safety
/// As [`pair_row`].
#[inline(always)]
pub(crate) unsafe fn end_panel<V: Vector>(panel: *mut V::Element, depth: usize, width: usize) {
    if V::PAIRS && !depth.is_multiple_of(2) {
        // SAFETY: the caller's promise.
        unsafe { panel.add(depth / 2 * width).write_bytes(0, width) };
    }
}
