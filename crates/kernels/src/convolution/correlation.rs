//! Stride-1 correlation of planes with packed-on-the-fly patches: the arithmetic of both the forward pass and the
//! input gradient.

use crate::element::Element;
use crate::tile::{Panels, ROWS, TILE_ROWS, Tile, adjacent, multiply_tile, rows};
use crate::vector::Vector;
use crate::workspace::Workspace;

/// Depth of a block: a tile's weights stay in L1, a block of packed patches in L2.
pub(super) const DEPTH: usize = 256;
/// With at most this many output channels packing does not pay, and patches are read from the planes.
const FEW: usize = 3;
/// Where the weights of a tile's output channels start when they are gathered.
const WEIGHT_ROWS: [usize; TILE_ROWS] = [0, DEPTH, 2 * DEPTH, 3 * DEPTH, 4 * DEPTH, 5 * DEPTH];
/// The widest tile of any path.
const WIDEST: usize = 128;
/// The longest piece copied at once while packing.
pub(super) const PIECE: usize = 16;

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
    pub(super) planes: *const T,
    pub(super) image_stride: usize,
    pub(super) pitch: usize,
    /// The output pixels: images, rows, columns.
    pub(super) images: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

/// Where the output goes. The pixels of one image and channel lie together.
#[derive(Clone, Copy)]
pub(super) struct Sink<T> {
    pub(super) start: *mut T,
    pub(super) channel_stride: usize,
    pub(super) image_stride: usize,
}

/// A piece of a packed row that is contiguous in the planes.
#[derive(Clone, Copy)]
struct Run {
    column: usize,
    place: usize,
    length: usize,
}

impl<T: Element> Correlation<'_, T> {
    /// Scratch numbers that [`Self::run`] needs for `pixels` output pixels.
    pub(super) fn scratch(pixels: usize, depth: usize) -> usize {
        depth.min(DEPTH) * pixels.next_multiple_of(PIECE) + PIECE
    }

    fn image_pixels(&self) -> usize {
        self.rows * self.columns
    }

    /// Writes all outputs. `scratch` has [`Self::scratch`] numbers.
    ///
    /// # Safety
    /// Weights, planes (and their slack) must be readable, the sink writable and unshared, and the processor must
    /// have the vectors.
    #[inline(always)]
    pub(super) unsafe fn run<V: Vector<Element = T>, const NARROW: usize, const WIDE: usize>(
        &self,
        sink: Sink<T>,
        scratch: *mut T,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            if self.offsets.is_empty() {
                self.clear(sink);
            } else if self.outputs <= FEW {
                self.run_few::<V, NARROW, WIDE>(sink);
            } else {
                self.run_packed::<V, NARROW>(sink, scratch);
            }
        }
    }

    /// Writes zeros.
    ///
    /// # Safety
    /// As [`Self::run`].
    unsafe fn clear(&self, sink: Sink<T>) {
        for m in 0..self.outputs {
            for n in 0..self.images {
                // SAFETY: this image of this channel is part of the sink.
                unsafe {
                    let to = sink.start.add(m * sink.channel_stride + n * sink.image_stride);
                    to.write_bytes(0, self.image_pixels());
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
    unsafe fn run_packed<V: Vector<Element = T>, const NARROW: usize>(&self, sink: Sink<T>, scratch: *mut T) {
        let panels = Panels::new::<V, NARROW>(self.images * self.image_pixels());
        let vectors = panels.padded() / V::LANES;
        if self.image_pixels().is_multiple_of(V::LANES) {
            let place = |pixel: usize| {
                pixel / self.image_pixels() * sink.image_stride + pixel % self.image_pixels()
            };
            let places: Vec<usize> = (0..vectors).map(|v| place(v * V::LANES)).collect();
            // SAFETY: the caller's promise.
            unsafe { self.multiply::<V, NARROW>(&panels, &places, sink.start, sink.channel_stride, scratch) };
        } else {
            let places: Vec<usize> = (0..vectors).map(|v| v * V::LANES).collect();
            let mut local = Workspace::<T>::take(self.outputs * panels.padded());
            // SAFETY: the caller's promise; the local block has room for whole vectors.
            unsafe {
                self.multiply::<V, NARROW>(&panels, &places, local.pointer(), panels.padded(), scratch);
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
        scratch: *mut T,
    ) {
        let mut weights = [[T::default(); DEPTH]; TILE_ROWS];
        let runs: Vec<Vec<Run>> = (0..panels.count()).map(|index| self.runs(panels, index)).collect();
        for (block, offsets) in self.offsets.chunks(DEPTH).enumerate() {
            // SAFETY: the caller's promise; panel after panel, the scratch has room for all.
            unsafe {
                for (index, runs) in runs.iter().enumerate() {
                    let to = scratch.add(offsets.len() * panels.start(index));
                    self.pack(offsets, runs, panels.width(index), to);
                }
                for first in (0..self.outputs).step_by(TILE_ROWS) {
                    let count = TILE_ROWS.min(self.outputs - first);
                    let from = self.weights.add(first * self.weight_stride + block * DEPTH);
                    gather::<V>(from, self.weight_stride, offsets.len(), &mut weights[..count]);
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

    /// The runs of one panel.
    fn runs(&self, panels: &Panels, index: usize) -> Vec<Run> {
        let (start, used) = (panels.start(index), panels.used(index));
        let mut runs = Vec::new();
        let mut column = 0;
        while column < used {
            let pixel = start + column;
            let (image, row, x) = (
                pixel / self.image_pixels(),
                pixel % self.image_pixels() / self.columns,
                pixel % self.columns,
            );
            let place = image * self.image_stride + row * self.pitch + x;
            let length = (self.columns - x).min(used - column);
            runs.push(Run { column, place, length });
            column += length;
        }
        runs
    }

    /// Packs one panel.
    ///
    /// # Safety
    /// `to` must have room for the panel and one piece more.
    #[inline(always)]
    unsafe fn pack(&self, offsets: &[usize], runs: &[Run], width: usize, to: *mut T) {
        // SAFETY: the caller's promise.
        unsafe {
            match runs.iter().map(|run| run.length).max().unwrap_or(0) {
                0..=4 => self.pack_pieces::<4>(offsets, runs, width, to),
                5..=8 => self.pack_pieces::<8>(offsets, runs, width, to),
                _ => self.pack_pieces::<PIECE>(offsets, runs, width, to),
            }
        }
    }

    /// Packs one panel in pieces of constant length, which may overrun a run: what comes after it is written later.
    ///
    /// # Safety
    /// As [`Self::pack`].
    #[inline(always)]
    unsafe fn pack_pieces<const SIZE: usize>(
        &self,
        offsets: &[usize],
        runs: &[Run],
        width: usize,
        to: *mut T,
    ) {
        for (k, &offset) in offsets.iter().enumerate() {
            for run in runs {
                for i in (0..run.length).step_by(SIZE) {
                    // SAFETY: the planes and the panel have slack for an overrun of one piece.
                    unsafe {
                        let from = self.planes.add(offset + run.place + i);
                        std::ptr::copy_nonoverlapping(from, to.add(k * width + run.column + i), SIZE);
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
            for n in 0..self.images {
                // SAFETY: this image of this channel is part of the sink.
                unsafe {
                    let from = local.add(m * padded + n * self.image_pixels());
                    let to = sink.start.add(m * sink.channel_stride + n * sink.image_stride);
                    to.copy_from_nonoverlapping(from, self.image_pixels());
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
        let positions = (self.rows - 1) * self.pitch + self.columns;
        let places: [usize; FEW] = std::array::from_fn(|r| r * self.weight_stride);
        let (mut local, vectors) = ([T::default(); FEW * WIDEST], adjacent::<V>());
        for image in 0..self.images {
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
                        right: self.planes.add(image * self.image_stride + start),
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
        for row in start / self.pitch..self.rows.min((start + width).div_ceil(self.pitch)) {
            let from = (row * self.pitch).max(start);
            let to = (row * self.pitch + self.columns).min(start + width);
            if to <= from {
                continue;
            }
            let pixel = row * self.columns + from - row * self.pitch;
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
            (3, true) => rows::<V, 3, WIDE, ROWS, true>(tile),
            (2, true) => rows::<V, 2, WIDE, ROWS, true>(tile),
            (_, true) => rows::<V, 1, WIDE, ROWS, true>(tile),
            (3, false) => rows::<V, 3, 1, ROWS, true>(tile),
            (2, false) => rows::<V, 2, 1, ROWS, true>(tile),
            (_, false) => rows::<V, 1, 1, ROWS, true>(tile),
        }
    }
}
