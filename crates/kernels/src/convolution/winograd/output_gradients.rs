//! The transformed output gradients, squares of pixels by output channels.

use super::super::blocks::Block;
use super::weight_gradient::Plan;
use super::{Square, for_positions, fours, load, transform_gradients};
use crate::element::Element;
use crate::runs::transpose;
use crate::tile::Panels;
use crate::vector::{Vector, Work};
use crate::workspace::Workspace;

/// Transforms one block of the output gradient into its shared place.
pub(crate) struct Gradients<'a, T> {
    pub(super) plan: &'a Plan<'a, T>,
    pub(super) group: usize,
    pub(super) block: usize,
}

impl<T: Element> Work<T> for Gradients<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Element = T>, const NARROW: usize, const WIDE: usize>(self) {
        let block = self.plan.blocks.block(self.block);
        // SAFETY: the place of this group and block; the path has the vectors.
        unsafe {
            let to = self.plan.gradients.add(self.plan.place(self.group, block));
            self.plan.transform::<V, NARROW>(self.group, block, to);
        }
    }
}

impl<T: Element> Plan<'_, T> {
    /// Transforms the output gradients of one block: `[position, panel, square, output channel]`.
    ///
    /// # Safety
    /// `to` must have room for the block's squares, and the processor must have the vectors.
    #[inline(always)]
    pub(super) unsafe fn transform<V: Vector<Element = T>, const NARROW: usize>(
        &self,
        of_group: usize,
        block: Block,
        to: *mut T,
    ) {
        let g = self.geometry;
        let panels = Panels::new::<V, NARROW>(g.group_outputs());
        let (columns, squares, side) = (self.square_columns(), self.squares(block), self.side);
        let (pixels, to_stride) = (side * side * block.rows * columns, V::places(squares) * self.outputs());
        if squares > block.images * block.rows * columns || V::PAIRS && !squares.is_multiple_of(2) {
            // SAFETY: the caller's promise. Images that are not there count nothing, nor does the end of half a pair.
            unsafe { to.write_bytes(0, self.positions() * to_stride) };
        }
        let mut transposed = Workspace::<T>::take(pixels * V::LANES);
        for image in 0..block.images {
            for output in (0..panels.padded()).step_by(V::LANES) {
                let index = panels.containing(output);
                let (panel, width) = (panels.start(index), panels.width(index));
                // From one square to the next, where images lie side by side.
                let (group, lane, apart) =
                    if self.large() { (image / V::LANES, image % V::LANES, V::LANES) } else { (image, 0, 1) };
                let first_square = group * block.rows * columns * apart + lane;
                let place = V::places(squares) * panel + output - panel;
                // SAFETY: the caller's promise; the local copy has room for the image's pixels.
                unsafe {
                    self.transpose::<V>(of_group, image, block, output, transposed.pointer());
                    for row in 0..block.rows {
                        for x in 0..columns {
                            let from = (side * row * columns + x) * side * V::LANES;
                            let from = transposed.pointer().add(from);
                            let (column, k) = (to.add(place), first_square + (row * columns + x) * apart);
                            let row_stride = side * columns * V::LANES;
                            match self.taps {
                                2 if self.large() => {
                                    let square = transformed_large::<V>(from, row_stride);
                                    for (position, &vector) in square.as_flattened().iter().enumerate() {
                                        vector.store_row(column.add(position * to_stride), k, width);
                                    }
                                }
                                2 => {
                                    for_positions!(transformed::<V, 2>(from, row_stride), 2, position, vector => {
                                        vector.store_row(column.add(position * to_stride), k, width);
                                    })
                                }
                                _ => {
                                    for_positions!(transformed::<V, 3>(from, row_stride), 3, position, vector => {
                                        vector.store_row(column.add(position * to_stride), k, width);
                                    })
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Transposes a vector of output channels of one image of a block, `[row, column, output channel]`, with zeros
    /// where there is nothing.
    ///
    /// # Safety
    /// `to` must have room for all squares' pixels.
    #[inline(always)]
    unsafe fn transpose<V: Vector<Element = T>>(
        &self,
        group: usize,
        image: usize,
        block: Block,
        output: usize,
        to: *mut T,
    ) {
        let g = self.geometry;
        let (height, width, side) = (g.out_height(), g.out_width(), self.side);
        let columns = side * self.square_columns();
        let first = ((block.first_image + image) * g.groups + group) * g.group_outputs() + output;
        let used = V::LANES.min(g.group_outputs() - output);
        let rows = (side * block.rows).min(height - side * block.first_row);
        if used < V::LANES || rows < side * block.rows || columns > width {
            // SAFETY: the caller's promise.
            unsafe { to.write_bytes(0, side * block.rows * columns * V::LANES) };
        }
        let from = &self.output_gradient[(first * height + side * block.first_row) * width..];
        for row in 0..rows {
            // SAFETY: the caller's promise; these channels have that row.
            unsafe {
                let to = to.add(row * columns * V::LANES);
                transpose(from.as_ptr().add(row * width), height * width, [used, width], to, V::LANES);
            }
        }
    }
}

/// Transforms a square of pixels of a vector of channels; `row_stride` leads to the lower row.
///
/// # Safety
/// The pixels must be readable, and the processor must have the vectors.
#[inline(always)]
unsafe fn transformed<V: Vector, const R: usize>(from: *const V::Element, row_stride: usize) -> Square<V> {
    // SAFETY: the caller's promise.
    unsafe { transform_gradients::<V, R>(load::<V>(from, 2, [row_stride, V::LANES])) }
}

/// The same for a square of 4 x 4 pixels.
///
/// # Safety
/// As [`transformed`].
#[inline(always)]
unsafe fn transformed_large<V: Vector>(from: *const V::Element, row_stride: usize) -> fours::Square<V> {
    // SAFETY: the caller's promise.
    unsafe {
        let mut square = [[V::zero(); fours::WINDOW]; fours::WINDOW];
        for (i, vectors) in square.iter_mut().take(fours::SQUARE).enumerate() {
            for (j, vector) in vectors.iter_mut().take(fours::SQUARE).enumerate() {
                *vector = V::load(from.add(i * row_stride + j * V::LANES));
            }
        }
        fours::gradients(square)
    }
}
