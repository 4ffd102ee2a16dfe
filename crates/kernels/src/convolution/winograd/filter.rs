//! Filtering of planes: both the forward pass and the input gradient.

use super::super::patches::{PIECE, Patches, Pieces};
use super::weights::place;
use super::{Square, for_positions, load, store, transform_inputs, transform_sums, window};
use crate::element::Element;
use crate::pairs::end_panel;
use crate::runs::{copy, zip};
use crate::tile::{Panels, ROWS, TILE_ROWS, Tile, adjacent, multiply_tile};
use crate::vector::Vector;
use crate::workspace::Workspace;

/// Input planes of a block: one position of the window, transformed, stays in L2.
pub(super) const DEPTH: usize = 256;

/// `out[m, square] = sum over k of weights[m, k] filtering planes[offsets[k, window position] + place of the square]`,
/// where a square is 2 x 2 output pixels.
pub(in super::super) struct Filter<'a, T> {
    /// Taps along each axis.
    pub(in super::super) taps: usize,
    /// The packed weights of all output channels and how many there are.
    pub(in super::super) weights: *const T,
    pub(in super::super) all_outputs: usize,
    /// The output channels wanted, from a multiple of `TILE_ROWS`.
    pub(in super::super) first_output: usize,
    pub(in super::super) outputs: usize,
    /// Where each position of the window starts for each input plane.
    pub(in super::super) offsets: &'a [usize],
    /// The squares.
    pub(in super::super) squares: Patches<T>,
}

/// Where the output goes: images of `rows x columns` pixels, of which the last squares may overhang.
#[derive(Clone, Copy)]
pub(in super::super) struct Target<T> {
    pub(in super::super) start: *mut T,
    pub(in super::super) channel_stride: usize,
    pub(in super::super) image_stride: usize,
    pub(in super::super) rows: usize,
    pub(in super::super) columns: usize,
}

impl<T: Element> Filter<'_, T> {
    fn positions(&self) -> usize {
        window(self.taps) * window(self.taps)
    }

    /// Writes all outputs.
    ///
    /// # Safety
    /// Weights, planes (and their slack) must be readable, the target writable and unshared, and the processor must
    /// have the vectors.
    #[inline(always)]
    pub(in super::super) unsafe fn run<V: Vector<Element = T>, const NARROW: usize>(
        &self,
        target: Target<T>,
    ) {
        let panels = Panels::new::<V, NARROW>(self.squares.pixels());
        let (positions, padded) = (self.positions(), panels.padded());
        let inputs = self.offsets.len() / positions;
        let mut windows = Workspace::<T>::take(positions * padded + PIECE);
        windows.slice().fill(T::default());
        let mut right = Workspace::<T>::take(positions * V::places(DEPTH.min(inputs)) * padded);
        let mut sums = Workspace::<T>::take(positions * self.outputs * padded);
        let pieces = self.squares.pieces(0, self.squares.pixels());
        let products = Products {
            positions,
            weights: self.weights,
            all_outputs: self.all_outputs,
            first_output: self.first_output,
            outputs: self.outputs,
            pad: 0,
        };
        for first in (0..inputs).step_by(DEPTH) {
            let depth = DEPTH.min(inputs - first);
            let offsets = &self.offsets[first * positions..(first + depth) * positions];
            // SAFETY: the caller's promise; the workspaces have room for all positions.
            unsafe {
                match self.taps {
                    2 => {
                        self.transform::<V, 2>(&panels, offsets, &pieces, windows.pointer(), right.pointer())
                    }
                    _ => {
                        self.transform::<V, 3>(&panels, offsets, &pieces, windows.pointer(), right.pointer())
                    }
                }
                products.add::<V, NARROW>(&panels, [first, depth, inputs], right.pointer(), sums.pointer());
            }
        }
        // SAFETY: the sums are complete; the rest is the caller's promise.
        unsafe {
            match self.taps {
                2 => self.finish::<V, 2>(padded, sums.pointer(), target),
                _ => self.finish::<V, 3>(padded, sums.pointer(), target),
            }
        }
    }

    /// Gathers and transforms the windows of a block of input planes: `[position, panel, input, square]`.
    ///
    /// # Safety
    /// As [`Self::run`].
    #[inline(always)]
    unsafe fn transform<V: Vector<Element = T>, const R: usize>(
        &self,
        panels: &Panels,
        offsets: &[usize],
        pieces: &Pieces,
        windows: *mut T,
        right: *mut T,
    ) {
        let (padded, depth) = (panels.padded(), offsets.len() / (window(R) * window(R)));
        let places = V::places(depth);
        for position in 0..window(R) * window(R) {
            for index in 0..panels.count() {
                // SAFETY: the caller's promise.
                unsafe {
                    let panel = right.add((position * padded + panels.start(index)) * places);
                    end_panel::<V>(panel, depth, panels.width(index));
                }
            }
        }
        for (k, offsets) in offsets.chunks_exact(window(R) * window(R)).enumerate() {
            // SAFETY: the caller's promise; every vector of every position has its place.
            unsafe {
                self.squares.pack(offsets, pieces, padded, windows);
                for index in 0..panels.count() {
                    let (start, width) = (panels.start(index), panels.width(index));
                    for v in (0..width).step_by(V::LANES) {
                        let to = right.add(start * places + v);
                        let square = transformed_windows::<V, R>(windows.add(start + v), padded);
                        for_positions!(square, R, position, vector => {
                            vector.store_row(to.add(position * places * padded), k, width);
                        });
                    }
                }
            }
        }
    }

    /// Transforms the sums into pixels.
    ///
    /// # Safety
    /// As [`Self::run`].
    #[inline(always)]
    unsafe fn finish<V: Vector<Element = T>, const R: usize>(
        &self,
        padded: usize,
        sums: *const T,
        target: Target<T>,
    ) {
        // The pixels of all squares: four quarters, then two rows in which left and right pixels alternate.
        let mut pixels = Workspace::<T>::take(8 * padded);
        let (quarters, rows) = pixels.slice().split_at_mut(4 * padded);
        for output in 0..self.outputs {
            for v in (0..padded).step_by(V::LANES) {
                // SAFETY: the caller's promise.
                unsafe {
                    let stride = self.outputs * padded;
                    let from = sums.add(output * padded + v);
                    let square = load::<V>(from, window(R), [window(R) * stride, stride]);
                    let square = transform_sums::<V, R>(square);
                    store(square, quarters.as_mut_ptr().add(v), 2, [2 * padded, padded]);
                }
            }
            let (upper, lower) = quarters.split_at(2 * padded);
            zip(&upper[..padded], &upper[padded..], &mut rows[..2 * padded]);
            zip(&lower[..padded], &lower[padded..], &mut rows[2 * padded..]);
            // SAFETY: the caller's promise.
            unsafe { self.distribute(rows, output, target) };
        }
    }

    /// Copies the pixels of one output channel to their places.
    ///
    /// # Safety
    /// As [`Self::run`].
    #[inline(always)]
    unsafe fn distribute(&self, pixels: &[T], output: usize, target: Target<T>) {
        let (half, width) = (pixels.len() / 2, 2 * self.squares.columns);
        for image in 0..self.squares.images {
            for y in 0..target.rows.min(2 * self.squares.rows) {
                let line = (image * self.squares.rows + y / 2) * width;
                let from = &pixels[y % 2 * half + line..][..target.columns];
                let place = output * target.channel_stride + image * target.image_stride + y * target.columns;
                // SAFETY: a row of the target.
                unsafe { copy(from.as_ptr(), target.start.add(place), from.len()) };
            }
        }
    }
}

/// The products of packed weights with transformed inputs.
pub(super) struct Products<T> {
    /// Positions of a window.
    pub(super) positions: usize,
    /// As in [`Filter`].
    pub(super) weights: *const T,
    pub(super) all_outputs: usize,
    pub(super) first_output: usize,
    pub(super) outputs: usize,
    /// What lies between one position and the next, in transformed inputs as in sums.
    pub(super) pad: usize,
}

impl<T: Element> Products<T> {
    /// Adds the products of a block of input planes, so many from `first` on of `inputs`, to the sums, `[position,
    /// output, square]`, or starts them.
    ///
    /// # Safety
    /// Weights and inputs must be readable, the sums writable and unshared, and the processor must have the vectors.
    #[inline(always)]
    pub(super) unsafe fn add<V: Vector<Element = T>, const NARROW: usize>(
        &self,
        panels: &Panels,
        [first, depth, inputs]: [usize; 3],
        right: *const T,
        sums: *mut T,
    ) {
        let places: [usize; TILE_ROWS] = std::array::from_fn(|r| r * V::places(depth));
        let (padded, vectors) = (panels.padded(), adjacent::<V>());
        for position in 0..self.positions {
            for output in (0..self.outputs).step_by(TILE_ROWS) {
                for index in 0..panels.count() {
                    // SAFETY: the caller's promise.
                    unsafe {
                        let left = place::<V>(
                            position,
                            first,
                            self.first_output + output,
                            [self.all_outputs, inputs],
                        );
                        let (panel, pad) = (panels.start(index), position * self.pad);
                        let tile = Tile {
                            left: self.weights.add(left),
                            rows: &places[..TILE_ROWS.min(self.outputs - output)],
                            left_steps: std::ptr::null(),
                            right: right.add((position * padded + panel) * V::places(depth) + pad),
                            right_steps: std::ptr::null(),
                            depth,
                            out: sums.add((position * self.outputs + output) * padded + panel + pad),
                            out_stride: padded,
                            vectors: &vectors,
                            accumulate: first > 0,
                        };
                        if panels.is_wide(index) {
                            multiply_tile::<V, NARROW, ROWS, false>(&tile);
                        } else {
                            multiply_tile::<V, 1, ROWS, false>(&tile);
                        }
                    }
                }
            }
        }
    }
}

/// Transforms a vector of windows, whose positions are `stride` apart.
///
/// # Safety
/// All positions must be readable, and the processor must have the vectors.
#[inline(always)]
pub(super) unsafe fn transformed_windows<V: Vector, const R: usize>(
    from: *const V::Element,
    stride: usize,
) -> Square<V> {
    // SAFETY: the caller's promise.
    unsafe { transform_inputs::<V, R>(load::<V>(from, window(R), [window(R) * stride, stride])) }
}
