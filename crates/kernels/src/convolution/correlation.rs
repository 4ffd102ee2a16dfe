//! Stride-1 correlation of planes with packed-on-the-fly patches: the arithmetic of both the forward pass and the
//! input gradient.

use super::patches::{PIECE, Patches, Pieces};
use crate::element::Element;
use crate::pairs::{pair_panel, pair_row};
use crate::tile::{Panels, ROWS, TILE_ROWS, Tile, adjacent, multiply_tile};
use crate::vector::Vector;
use crate::workspace::Workspace;

/// Depth of a block: a tile's weights stay in L1, a block of packed patches in L2.
pub(super) const DEPTH: usize = 256;
/// With at most this many output channels packing does not pay, and patches are read from the planes (which are never pairs).
pub(super) const FEW: usize = 3;
/// Output pixels of a task with so few channels, at most: nothing is packed, and longer runs are read faster.
pub(super) const FEW_PIXELS: usize = 1024;
/// Where the weights of a tile's output channels start when they are gathered.
const WEIGHT_ROWS: [usize; TILE_ROWS] = [0, DEPTH, 2 * DEPTH, 3 * DEPTH, 4 * DEPTH, 5 * DEPTH];
/// The widest tile of any path.
const WIDEST: usize = 128;

/// `out[m, pixel] = sum over k of weights[m, k] planes[offsets[k] + place of the pixel]`.
pub(super) struct Correlation<'a, T> {
    /// The weights of the first output channel; those of one channel lie together.
    pub(super) weights: *const T,
    /// From the weights of one output channel to the next.
    pub(super) weight_stride: usize,
    /// Output channels.
    pub(super) outputs: usize,
    /// Where each channel and tap starts in the planes of an image.
    pub(super) offsets: &'a [usize],
    /// The output pixels.
    pub(super) patches: Patches<T>,
}

/// Where the output goes. The pixels of one image and channel lie together.
#[derive(Clone, Copy)]
pub(super) struct Sink<T> {
    pub(super) start: *mut T,
    pub(super) channel_stride: usize,
    pub(super) image_stride: usize,
}

impl<T: Element> Correlation<'_, T> {
    /// Writes all outputs.
    ///
    /// # Safety
    /// Weights, planes (and their slack) must be readable, the sink writable and unshared, and the processor must
    /// have the vectors.
    #[inline(always)]
    pub(super) unsafe fn run<V: Vector<Element = T>, const NARROW: usize, const WIDE: usize>(
        &self,
        sink: Sink<T>,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            if self.offsets.is_empty() {
                self.clear(sink);
            } else if self.outputs <= FEW && !V::PAIRS {
                self.run_few::<V, NARROW, WIDE>(sink);
            } else {
                self.run_packed::<V, NARROW>(sink);
            }
        }
    }

    /// Writes zeros.
    ///
    /// # Safety
    /// As [`Self::run`].
    unsafe fn clear(&self, sink: Sink<T>) {
        for m in 0..self.outputs {
            for n in 0..self.patches.images {
                // SAFETY: this image of this channel is part of the sink.
                unsafe {
                    let to = sink.start.add(m * sink.channel_stride + n * sink.image_stride);
                    to.write_bytes(0, self.patches.image_pixels());
                }
            }
        }
    }

    /// Block of depth by block of depth, packs the patches and multiplies them with the weights. Where a vector may
    /// hold pixels of two images, or of none, the result is collected in a local block first.
    ///
    /// # Safety
    /// As [`Self::run`].
    #[inline(always)]
    unsafe fn run_packed<V: Vector<Element = T>, const NARROW: usize>(&self, sink: Sink<T>) {
        let panels = Panels::new::<V, NARROW>(self.patches.pixels());
        let vectors = panels.padded() / V::LANES;
        if self.patches.image_pixels().is_multiple_of(V::LANES) {
            let place = |pixel: usize| {
                pixel / self.patches.image_pixels() * sink.image_stride + pixel % self.patches.image_pixels()
            };
            let places: Vec<usize> = (0..vectors).map(|v| place(v * V::LANES)).collect();
            // SAFETY: the caller's promise.
            unsafe { self.multiply::<V, NARROW>(&panels, &places, sink.start, sink.channel_stride) };
        } else {
            let places: Vec<usize> = (0..vectors).map(|v| v * V::LANES).collect();
            let mut local = Workspace::<T>::take(self.outputs * panels.padded());
            // SAFETY: the caller's promise; the local block has room for whole vectors.
            unsafe {
                self.multiply::<V, NARROW>(&panels, &places, local.pointer(), panels.padded());
                self.distribute(local.pointer(), panels.padded(), sink);
            }
        }
    }

    /// The product of weights and patches. `vectors` says where each vector of pixels goes.
    ///
    /// # Safety
    /// As [`Self::run`], with `out` in place of the sink.
    #[inline(always)]
    unsafe fn multiply<V: Vector<Element = T>, const NARROW: usize>(
        &self,
        panels: &Panels,
        vectors: &[usize],
        out: *mut T,
        out_stride: usize,
    ) {
        let mut scratch = Workspace::<T>::take(self.offsets.len().min(DEPTH) * panels.padded() + PIECE);
        let scratch = scratch.pointer();
        let mut weights = [[T::default(); DEPTH]; TILE_ROWS];
        let pieces = |index| self.patches.pieces(panels.start(index), panels.used(index));
        let pieces: Vec<Pieces> = (0..panels.count()).map(pieces).collect();
        for (block, offsets) in self.offsets.chunks(DEPTH).enumerate() {
            // SAFETY: the caller's promise; panel after panel, the scratch has room for all.
            unsafe {
                for (index, pieces) in pieces.iter().enumerate() {
                    let to = scratch.add(offsets.len() * panels.start(index));
                    self.patches.pack(offsets, pieces, panels.width(index), to);
                    pair_panel::<V>(to, offsets.len(), panels.width(index));
                }
                for first in (0..self.outputs).step_by(TILE_ROWS) {
                    let count = TILE_ROWS.min(self.outputs - first);
                    let from = self.weights.add(first * self.weight_stride + block * DEPTH);
                    gather::<V>(from, self.weight_stride, offsets.len(), &mut weights[..count]);
                    for row in &mut weights[..count] {
                        pair_row::<V>(row.as_mut_ptr(), offsets.len());
                    }
                    for index in 0..panels.count() {
                        let tile = Tile {
                            left: weights.as_ptr().cast(),
                            rows: &WEIGHT_ROWS[..count],
                            left_steps: std::ptr::null(),
                            right: scratch.add(offsets.len() * panels.start(index)).cast_const(),
                            right_steps: std::ptr::null(),
                            depth: offsets.len(),
                            out: out.add(first * out_stride),
                            out_stride,
                            vectors: &vectors[panels.start(index) / V::LANES..],
                            accumulate: block > 0,
                        };
                        multiply_panel::<V, NARROW>(&tile, panels.is_wide(index));
                    }
                }
            }
        }
    }

    /// Copies a local block, `[output channel, pixel]`, to its place.
    ///
    /// # Safety
    /// As [`Self::run`]; the block must be complete.
    #[inline(always)]
    unsafe fn distribute(&self, local: *const T, padded: usize, sink: Sink<T>) {
        for m in 0..self.outputs {
            for n in 0..self.patches.images {
                // SAFETY: this image of this channel is part of the sink.
                unsafe {
                    let from = local.add(m * padded + n * self.patches.image_pixels());
                    let to = sink.start.add(m * sink.channel_stride + n * sink.image_stride);
                    to.copy_from_nonoverlapping(from, self.patches.image_pixels());
                }
            }
        }
    }

    /// For very few output channels: multiplies straight from the planes, a run of pixels at once that includes the
    /// padding between rows, whose results are dropped.
    ///
    /// # Safety
    /// As [`Self::run`].
    #[inline(always)]
    unsafe fn run_few<V: Vector<Element = T>, const NARROW: usize, const WIDE: usize>(&self, sink: Sink<T>) {
        let positions = (self.patches.rows - 1) * self.patches.pitch + self.patches.columns;
        let places: [usize; FEW] = std::array::from_fn(|r| r * self.weight_stride);
        let (mut local, vectors) = ([T::default(); FEW * WIDEST], adjacent::<V>());
        for image in 0..self.patches.images {
            let mut start = 0;
            while start < positions {
                let wide = positions - start > 2 * V::LANES;
                let width = if wide { WIDE * V::LANES } else { V::LANES };
                // SAFETY: the caller's promise; planes have slack for the widest tile.
                unsafe {
                    let tile = Tile {
                        left: self.weights,
                        rows: &places[..self.outputs],
                        left_steps: std::ptr::null(),
                        right: self.patches.planes.add(image * self.patches.image_stride + start),
                        right_steps: self.offsets.as_ptr(),
                        depth: self.offsets.len(),
                        out: local.as_mut_ptr(),
                        out_stride: WIDEST,
                        vectors: &vectors,
                        accumulate: false,
                    };
                    multiply_few::<V, WIDE>(&tile, wide);
                    self.keep(&local, image, start, width, sink);
                }
                start += width;
            }
        }
    }

    /// Copies the results that belong to pixels from a run of positions.
    ///
    /// # Safety
    /// As [`Self::run`].
    #[inline(always)]
    unsafe fn keep(&self, local: &[T], image: usize, start: usize, width: usize, sink: Sink<T>) {
        for row in
            start / self.patches.pitch..self.patches.rows.min((start + width).div_ceil(self.patches.pitch))
        {
            let from = (row * self.patches.pitch).max(start);
            let to = (row * self.patches.pitch + self.patches.columns).min(start + width);
            if to <= from {
                continue;
            }
            let pixel = row * self.patches.columns + from - row * self.patches.pitch;
            for r in 0..self.outputs {
                let values = &local[r * WIDEST + from - start..r * WIDEST + to - start];
                // SAFETY: these pixels are part of the sink.
                unsafe {
                    let out = sink.start.add(r * sink.channel_stride + image * sink.image_stride + pixel);
                    out.copy_from_nonoverlapping(values.as_ptr(), values.len());
                }
            }
        }
    }
}

/// Copies the weights of a tile together: where they lie a multiple of 4 KiB apart, they would evict each other from
/// the first cache.
///
/// # Safety
/// `depth` weights must be readable for each row, from `stride` to `stride`.
#[inline(always)]
unsafe fn gather<V: Vector>(
    from: *const V::Element,
    stride: usize,
    depth: usize,
    rows: &mut [[V::Element; DEPTH]],
) {
    let vectors = depth - depth % V::LANES;
    for (r, row) in rows.iter_mut().enumerate() {
        // SAFETY: the caller's promise; `depth` is at most that of a block.
        unsafe {
            let from = from.add(r * stride);
            for k in (0..vectors).step_by(V::LANES) {
                V::load(from.add(k)).store(row.as_mut_ptr().add(k));
            }
            for k in vectors..depth {
                *row.get_unchecked_mut(k) = *from.add(k);
            }
        }
    }
}

/// A tile as wide as its panel.
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

/// A tile of at most [`FEW`] rows that reads its right operand from the planes.
///
/// # Safety
/// As [`multiply_tile`].
#[inline(always)]
unsafe fn multiply_few<V: Vector, const WIDE: usize>(tile: &Tile<'_, V::Element>, wide: bool) {
    // SAFETY: the caller's promise.
    unsafe {
        match (tile.rows.len(), wide) {
            (3, true) => V::tile::<3, WIDE, ROWS, true>(tile),
            (2, true) => V::tile::<2, WIDE, ROWS, true>(tile),
            (_, true) => V::tile::<1, WIDE, ROWS, true>(tile),
            (3, false) => V::tile::<3, 1, ROWS, true>(tile),
            (2, false) => V::tile::<2, 1, ROWS, true>(tile),
            (_, false) => V::tile::<1, 1, ROWS, true>(tile),
        }
    }
}
