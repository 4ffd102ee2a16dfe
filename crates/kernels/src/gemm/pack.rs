//! Copying the operands of a product into the order the tiles read them.

use super::product::View;
use crate::element::Element;
use crate::tile::Panels;
use crate::vector::Vector;

/// Rows handled at a time when a panel is filled column by column, so that the panel's part stays in L1.
const ROWS_AT_A_TIME: usize = 32;

/// Fills one packed panel with the rows `from..to` of `matrix`; empty columns become zero.
///
/// # Safety
/// `panel` must have room for `to - from` rows, the view must be readable, the processor must have the vectors.
#[inline(always)]
pub(super) unsafe fn panel<V: Vector>(
    matrix: View<V::Element>,
    rows: (usize, usize),
    panels: &Panels,
    index: usize,
    panel: *mut V::Element,
) {
    let (first, used, width) = (panels.start(index), panels.used(index), panels.width(index));
    // SAFETY: columns `first..first + used` exist, and whole vectors are read only where all columns are used.
    unsafe {
        if matrix.column_stride == 1 && used == width {
            for k in rows.0..rows.1 {
                let from = matrix.at(k, first);
                let to = panel.add((k - rows.0) * width);
                for c in (0..width).step_by(V::LANES) {
                    V::load(from.add(c)).store(to.add(c));
                }
            }
            return;
        }
        if used < width {
            panel.write_bytes(0, (rows.1 - rows.0) * width);
        }
        for chunk in (rows.0..rows.1).step_by(ROWS_AT_A_TIME) {
            let end = (chunk + ROWS_AT_A_TIME).min(rows.1);
            for c in 0..used {
                let (from, to) = (matrix.at(chunk, first + c), panel.add((chunk - rows.0) * width + c));
                for k in 0..end - chunk {
                    *to.add(k * width) = *from.add(k * matrix.row_stride);
                }
            }
        }
    }
}

/// Copies the rows `from..to` of `matrix` into `copy`, row-major without gaps.
///
/// # Safety
/// `copy` must have room for the rows and the view must be readable.
#[inline(always)]
pub(super) unsafe fn row_major<T: Element>(matrix: View<T>, from: usize, to: usize, copy: *mut T) {
    // SAFETY: all indices are inside the matrix and the copy.
    unsafe {
        if matrix.column_stride == 1 {
            for r in 0..to - from {
                let target = copy.add(r * matrix.columns);
                target.copy_from_nonoverlapping(matrix.at(from + r, 0), matrix.columns);
            }
            return;
        }
        for k in 0..matrix.columns {
            let (source, target) = (matrix.at(from, k), copy.add(k));
            for r in 0..to - from {
                *target.add(r * matrix.columns) = *source.add(r * matrix.row_stride);
            }
        }
    }
}
