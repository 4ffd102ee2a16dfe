//! One matrix product, cut into tasks.

use std::ops::Range;

use super::{Matrix, pack};
use crate::element::{Element, Path};
use crate::pairs::{pair_panel, pair_row};
use crate::pool;
use crate::runs::transpose;
use crate::tile::{Panels, ROWS, TILE_ROWS, Tile, adjacent, multiply_tile};
use crate::vector::{Vector, Work};
use crate::workspace::Workspace;

/// Depth of a block: a tile's part of the left operand stays in L1.
const DEPTH: usize = 256;
/// Columns of a block: its part of the packed operand stays in L2.
const COLUMNS: usize = 256;
/// Rows of a block.
const BLOCK_ROWS: usize = 8 * TILE_ROWS;
/// Products with fewer multiplications run on the calling thread.
const SERIAL: usize = 1 << 18;
/// The widest tile of any path.
const WIDEST: usize = 64;

/// A [`Matrix`] without its lifetime.
#[derive(Clone, Copy)]
pub(super) struct View<T> {
    start: *const T,
    rows: usize,
    pub(super) columns: usize,
    pub(super) row_stride: usize,
    pub(super) column_stride: usize,
}

// SAFETY: a view only reads, and lives no longer than the borrow it was made from (see `multiply_on`).
unsafe impl<T: Sync> Sync for View<T> {}

impl<T: Element> View<T> {
    pub(super) fn of(matrix: Matrix<'_, T>) -> Self {
        let Matrix { data, rows, columns, row_stride, column_stride } = matrix;
        Self { start: data.as_ptr(), rows, columns, row_stride, column_stride }
    }

    fn transposed(self) -> Self {
        let (rows, row_stride) = (self.columns, self.column_stride);
        Self { rows, row_stride, columns: self.rows, column_stride: self.row_stride, ..self }
    }

    /// The address of an element.
    ///
    /// # Safety
    /// The element must exist.
    #[inline(always)]
    pub(super) unsafe fn at(&self, row: usize, column: usize) -> *const T {
        // SAFETY: the element exists, so its address is inside the slice.
        unsafe { self.start.add(row * self.row_stride + column * self.column_stride) }
    }
}

/// Where the result goes.
#[derive(Clone, Copy)]
pub(super) struct Out<T> {
    pub(super) start: *mut T,
    pub(super) row_stride: usize,
    pub(super) column_stride: usize,
}

// SAFETY: tasks write disjoint blocks of the result.
unsafe impl<T: Send> Sync for Out<T> {}

/// `out (+)= left right`. The right operand is packed, the left one read where it lies if its rows are contiguous and tiles do not
/// multiply pairs.
#[derive(Clone, Copy)]
pub(super) struct Product<T> {
    pub(super) left: View<T>,
    pub(super) right: View<T>,
    pub(super) out: Out<T>,
    pub(super) accumulate: bool,
}

impl<T: Element> Product<T> {
    /// The same product as `out^T = right^T left^T`.
    pub(super) fn transposed(self) -> Self {
        let (left, right) = (self.right.transposed(), self.left.transposed());
        let Out { start, row_stride, column_stride } = self.out;
        let out = Out { start, row_stride: column_stride, column_stride: row_stride };
        Self { left, right, out, ..self }
    }

    /// A rough number of cycles, with 16 numbers to a vector.
    pub(super) fn cost(&self) -> usize {
        let (rows, depth, columns) = (self.left.rows, self.left.columns, self.right.columns);
        let arithmetic = rows * depth * columns.div_ceil(16);
        let packing = depth * if self.right.column_stride == 1 { columns / 8 } else { 2 * columns };
        let copying = if self.left.column_stride == 1 { 0 } else { 2 * rows * depth };
        let scattering =
            if self.out.column_stride == 1 { 0 } else { 2 * rows * columns * depth.div_ceil(DEPTH) };
        arithmetic + packing + copying + scattering
    }

    /// Packs the operands, then computes the blocks of the result.
    pub(super) fn compute(self, path: Path) {
        let depth = self.left.columns;
        let packed_columns = self.right.columns.next_multiple_of(WIDEST);
        let mut packed = Workspace::<T>::take(depth * packed_columns);
        let copies = self.left.column_stride != 1 || path.has_pairs();
        let mut copy = Workspace::<T>::take(if copies { self.left.rows * depth } else { 0 });
        let (packed, copy) = (Out::new(packed.pointer()), Out::new(copy.pointer()));
        let serial = self.left.rows * depth * self.right.columns < SERIAL;
        let (row_blocks, depth_blocks) = (self.left.rows.div_ceil(BLOCK_ROWS), depth.div_ceil(DEPTH));
        let column_blocks = self.right.columns.div_ceil(COLUMNS);
        let packing = depth_blocks * column_blocks;
        run(packing + if copies { row_blocks } else { 0 }, serial, |task| {
            let (product, packed, copy) = (&self, &packed, &copy);
            if task < packing {
                let (depth_block, column_block) = (task / column_blocks, task % column_blocks);
                T::pack_right(path, PackRight { product, packed, depth_block, column_block });
            } else {
                T::pack_left(path, PackLeft { product, copy, row_block: task - packing });
            }
        });
        let left = if copies {
            View { start: copy.start.cast_const(), row_stride: depth, column_stride: 1, ..self.left }
        } else {
            self.left
        };
        let product = Self { left, ..self };
        run(row_blocks * column_blocks, serial, |task| {
            let (row_block, column_block) = (task % row_blocks, task / row_blocks);
            T::multiply_block(path, Block { product: &product, packed: &packed, row_block, column_block });
        });
    }
}

impl<T> Out<T> {
    fn new(start: *mut T) -> Self {
        Self { start, row_stride: 0, column_stride: 1 }
    }
}

fn run(tasks: usize, serial: bool, body: impl Fn(usize) + Sync) {
    if serial { (0..tasks).for_each(body) } else { pool::parallel(tasks, body) }
}

/// The panels of one block of columns.
fn block_panels<V: Vector, const NARROW: usize>(columns: usize, block: usize) -> Range<usize> {
    let panels = Panels::new::<V, NARROW>(columns);
    let per_block = COLUMNS / (NARROW * V::LANES);
    let last = (block + 1) * COLUMNS >= columns;
    block * per_block..if last { panels.count() } else { (block + 1) * per_block }
}

/// Packs one depth block of one block of columns.
pub(crate) struct PackRight<'a, T> {
    product: &'a Product<T>,
    packed: &'a Out<T>,
    depth_block: usize,
    column_block: usize,
}

impl<T: Element> Work<T> for PackRight<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Element = T>, const NARROW: usize, const WIDE: usize>(self) {
        let right = self.product.right;
        let panels = Panels::new::<V, NARROW>(right.columns);
        let rows = (self.depth_block * DEPTH, (self.depth_block * DEPTH + DEPTH).min(right.rows));
        for index in block_panels::<V, NARROW>(right.columns, self.column_block) {
            let place = rows.0 * panels.padded() + (rows.1 - rows.0) * panels.start(index);
            // SAFETY: depth block after depth block, panel after panel, the packed copy has room for all.
            unsafe {
                let panel = self.packed.start.add(place);
                pack::panel::<V>(right, rows, &panels, index, panel);
                pair_panel::<V>(panel, rows.1 - rows.0, panels.width(index));
            }
        }
    }
}

/// Copies one block of rows of the left operand.
pub(crate) struct PackLeft<'a, T> {
    product: &'a Product<T>,
    copy: &'a Out<T>,
    row_block: usize,
}

impl<T: Element> Work<T> for PackLeft<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Element = T>, const NARROW: usize, const WIDE: usize>(self) {
        let left = self.product.left;
        let from = self.row_block * BLOCK_ROWS;
        let to = (from + BLOCK_ROWS).min(left.rows);
        // SAFETY: the copy has room for all rows, and each task writes its own.
        unsafe {
            pack::row_major(left, from, to, self.copy.start.add(from * left.columns));
            for row in from..to {
                for first in (0..left.columns).step_by(DEPTH) {
                    let row = self.copy.start.add(row * left.columns + first);
                    pair_row::<V>(row, DEPTH.min(left.columns - first));
                }
            }
        }
    }
}

/// Computes one block of the result.
pub(crate) struct Block<'a, T> {
    product: &'a Product<T>,
    packed: &'a Out<T>,
    row_block: usize,
    column_block: usize,
}

impl<T: Element> Work<T> for Block<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Element = T>, const NARROW: usize, const WIDE: usize>(self) {
        let Product { left, right, out, accumulate } = *self.product;
        let panels = Panels::new::<V, NARROW>(right.columns);
        let range = block_panels::<V, NARROW>(right.columns, self.column_block);
        let (row, column) = (self.row_block * BLOCK_ROWS, panels.start(range.start));
        let size = [BLOCK_ROWS.min(left.rows - row), COLUMNS.min(right.columns - column)];
        let padded = panels.start(range.end) - column;
        // SAFETY: the block is part of the result, which only this task writes, and the local copy has room for whole
        // vectors; the operands are ready.
        unsafe {
            let place = out.start.add(row * out.row_stride + column * out.column_stride);
            if out.column_stride == 1 && size[1] == padded {
                return self.multiply::<V, NARROW>(
                    &panels,
                    range,
                    size[0],
                    place,
                    out.row_stride,
                    accumulate,
                );
            }
            let mut local = Workspace::<T>::take(size[0] * padded);
            self.multiply::<V, NARROW>(&panels, range, size[0], local.pointer(), padded, false);
            let place = Out { start: place, ..out };
            if accumulate {
                place.add(local.pointer(), padded, size);
            } else if out.row_stride == 1 {
                transpose(local.pointer(), padded, size, place.start, out.column_stride);
            } else {
                for r in 0..size[0] {
                    let from = local.pointer().add(r * padded);
                    place.start.add(r * out.row_stride).copy_from_nonoverlapping(from, size[1]);
                }
            }
        }
    }
}

impl<T: Element> Block<'_, T> {
    /// Computes the block's tiles into row-major memory.
    ///
    /// # Safety
    /// The operands must be readable, `out` writable and unshared, and the processor must have the vectors.
    #[inline(always)]
    unsafe fn multiply<V: Vector<Element = T>, const NARROW: usize>(
        &self,
        panels: &Panels,
        range: Range<usize>,
        rows: usize,
        out: *mut T,
        out_stride: usize,
        accumulate: bool,
    ) {
        let (left, vectors) = (self.product.left, adjacent::<V>());
        let places: [usize; TILE_ROWS] = std::array::from_fn(|r| r * left.row_stride);
        for from in (0..left.columns).step_by(DEPTH) {
            let depth = DEPTH.min(left.columns - from);
            for row in (0..rows).step_by(TILE_ROWS) {
                for index in range.clone() {
                    let packed = from * panels.padded() + depth * panels.start(index);
                    let column = panels.start(index) - panels.start(range.start);
                    // SAFETY: the caller's promise; the place of a packed panel, see `PackRight`.
                    unsafe {
                        let tile = Tile {
                            left: left.at(self.row_block * BLOCK_ROWS + row, 0).add(from),
                            rows: &places[..TILE_ROWS.min(rows - row)],
                            left_steps: std::ptr::null(),
                            right: self.packed.start.add(packed),
                            right_steps: std::ptr::null(),
                            depth,
                            out: out.add(row * out_stride + column),
                            out_stride,
                            vectors: &vectors,
                            accumulate: accumulate || from > 0,
                        };
                        multiply_panel::<V, NARROW>(&tile, panels.is_wide(index));
                    }
                }
            }
        }
    }
}

impl<T: Element> Out<T> {
    /// Adds a row-major block.
    ///
    /// # Safety
    /// The block must be readable and its place writable.
    #[inline(always)]
    unsafe fn add(&self, block: *const T, block_stride: usize, [rows, columns]: [usize; 2]) {
        for r in 0..rows {
            for c in 0..columns {
                // SAFETY: the caller's promise.
                unsafe {
                    *self.start.add(r * self.row_stride + c * self.column_stride) +=
                        *block.add(r * block_stride + c);
                }
            }
        }
    }
}

/// A tile as wide as the panel.
///
/// # Safety
/// As [`multiply_tile`].
#[inline(always)]
unsafe fn multiply_panel<V: Vector, const NARROW: usize>(tile: &Tile<'_, V::Element>, wide: bool) {
    // SAFETY: the caller's promise.
    unsafe {
        if wide {
            multiply_tile::<V, NARROW, ROWS, false>(tile);
        } else {
            multiply_tile::<V, 1, ROWS, false>(tile);
        }
    }
}
