//! Filtering in squares of 4 x 4 outputs, with the images of a batch side by side in the vectors.
//!
//! Windows of such large squares start too far apart in an image for vectors along its rows. But the same pixel of
//! neighbouring images makes a vector once a few rows have been transposed, and then every window is read, and every
//! square is written, without shuffling, whatever the size of the images.

use super::super::blocks::Blocks;
use super::super::geometry::Geometry;
use super::filter::{DEPTH, Products};
use super::fours::{self, POSITIONS};
pub(in super::super) use super::fours::{SQUARE, WINDOW};
use super::weights::{Filters, PhaseTaps, packed_length};
use crate::element::{Element, Path};
use crate::pool;
use crate::runs::transpose;
use crate::tile::{Panels, TILE_ROWS};
use crate::vector::{Vector, Work};
use crate::workspace::Workspace;

/// The most images in a vector.
const LANES: usize = 16;
/// Squares of a task, about: one position of their windows stays in L2.
const SQUARES: usize = 64;
/// Squares of a row that are computed at once, at most.
const RUN: usize = 8;
/// One cache line between positions: the same place in all of them must not fall into the same set of the caches.
const PAD: usize = 16;

/// Whether these squares save work, for `outputs` results from `inputs` planes of `rows x columns` pixels, which
/// smaller squares compute with two taps along each axis.
pub(in super::super) fn pays(g: &Geometry, taps: usize, rows: usize, columns: usize) -> bool {
    let squares = |side: usize| rows.div_ceil(side) * columns.div_ceil(side);
    taps == 2 && g.batch >= LANES && squares(SQUARE) * POSITIONS * 10 <= squares(2) * 9 * 8
}

/// One phase of the results: all of them in a convolution, every `stride`th row and column in its input gradient.
pub(in super::super) struct Part {
    /// The first row and column.
    pub(in super::super) first: [usize; 2],
    /// Where the window of the first square starts in its pixels.
    pub(in super::super) window: [usize; 2],
    /// The places in a kernel of the two by two taps of each input phase.
    pub(in super::super) taps: Vec<[usize; 4]>,
}

/// A convolution or its input gradient.
pub(in super::super) struct Pass<'a, T> {
    pub(in super::super) source: &'a [T],
    /// Channels of a group, rows and columns.
    pub(in super::super) channels: usize,
    pub(in super::super) size: [usize; 2],
    /// The pixel where the pixels of the first square start.
    pub(in super::super) origin: [isize; 2],
    /// From one input of a window to the next, and how many pixels more than its squares cover a run of squares sees.
    pub(in super::super) step: [usize; 2],
    pub(in super::super) reach: [usize; 2],
    /// The parts, by row and column, and how many columns there are.
    pub(in super::super) parts: Vec<Part>,
    pub(in super::super) part_columns: usize,
    /// From one result of a part to the next.
    pub(in super::super) spread: [usize; 2],
    /// Squares of a part.
    pub(in super::super) rows: usize,
    pub(in super::super) columns: usize,
    pub(in super::super) weight: &'a [T],
    /// From the weights of one result channel to the next, and from one source channel to the next.
    pub(in super::super) weight_strides: [usize; 2],
    pub(in super::super) kernel: usize,
    pub(in super::super) target: *mut T,
    pub(in super::super) outputs: usize,
    pub(in super::super) target_size: [usize; 2],
    pub(in super::super) batch: usize,
    pub(in super::super) groups: usize,
}

/// A pass with all its tasks share.
struct Plan<'a, T> {
    pass: &'a Pass<'a, T>,
    packed: *const T,
    blocks: Blocks,
    /// Result channels of a task.
    outputs: usize,
}

// SAFETY: tasks write disjoint parts of the target and only read the rest.
unsafe impl<T: Sync> Sync for Plan<'_, T> {}

impl<T: Element> Pass<'_, T> {
    /// Computes all results.
    pub(in super::super) fn run(&self, path: Path) {
        let length = self.packed_length();
        let mut packed = Workspace::<T>::take(self.groups * self.parts.len() * length);
        for (i, packed) in packed.slice().chunks_exact_mut(length).enumerate() {
            self.pack(path, i / self.parts.len(), &self.parts[i % self.parts.len()], packed);
        }
        let band = LANES * self.columns;
        let blocks = if band * self.rows <= SQUARES {
            let images = SQUARES / (band * self.rows) * LANES;
            Blocks::cut(self.batch, self.rows, [images, self.rows])
        } else {
            Blocks::cut(self.batch, self.rows, [LANES, (SQUARES / band).max(1)])
        };
        let tasks = blocks.count() * self.groups;
        let chunks = (2 * pool::threads()).div_ceil(tasks.max(1)).min(self.outputs.div_ceil(8 * TILE_ROWS));
        let outputs = self.outputs.div_ceil(chunks.max(1)).next_multiple_of(TILE_ROWS);
        let chunks = self.outputs.div_ceil(outputs);
        let plan = Plan { pass: self, packed: packed.pointer(), blocks, outputs };
        pool::parallel(tasks * chunks, |task| {
            let (chunk, rest) = (task % chunks, task / chunks);
            let (group, block) = (rest % plan.pass.groups, rest / plan.pass.groups);
            T::dispatch(path, Task { plan: &plan, block, group, chunk });
        });
    }

    /// Input planes: `[channels, phase, channel]`, such that a block of them has few channels.
    fn planes(&self) -> usize {
        self.channels * self.phases()
    }

    fn phases(&self) -> usize {
        self.parts.first().map_or(0, |part| part.taps.len())
    }

    /// Channels whose phases lie together.
    fn together(&self) -> usize {
        (DEPTH / self.phases() / LANES * LANES).max(LANES)
    }

    /// The input plane of a channel and phase.
    fn plane(&self, channel: usize, phase: usize) -> usize {
        let first = channel / self.together() * self.together();
        let count = self.together().min(self.channels - first);
        first * self.phases() + phase * count + channel - first
    }

    fn packed_length(&self) -> usize {
        packed_length(WINDOW, self.outputs, self.planes())
    }

    /// Packs the weights of one part of one group.
    fn pack(&self, path: Path, group: usize, part: &Part, packed: &mut [T]) {
        let per_group = self.weight.len() / self.groups;
        for first in (0..self.channels).step_by(self.together()) {
            let filters = Filters {
                taps: 2,
                window: WINDOW,
                weight: &self.weight[group * per_group + first * self.weight_strides[1]..],
                outputs: self.outputs,
                output_stride: self.weight_strides[0],
                channels: self.together().min(self.channels - first),
                channel_stride: self.weight_strides[1],
                kernel: self.kernel,
                planes: self.planes(),
                phases: (part.taps.iter().enumerate())
                    .map(|(phase, taps)| PhaseTaps {
                        taps: taps.to_vec(),
                        start: 0,
                        plane: self.plane(first, phase),
                    })
                    .collect(),
            };
            filters.pack(path, packed);
        }
    }

    /// Rows and columns of the pixels that a run of squares sees.
    fn span(&self) -> [usize; 2] {
        [
            SQUARE * self.step[0] + self.reach[0],
            SQUARE * self.columns.min(RUN) * self.step[1] + self.reach[1],
        ]
    }
}

/// A run of neighbouring squares of one row, of a vector of images.
struct Run {
    image: usize,
    images: usize,
    row: usize,
    column: usize,
    squares: usize,
    /// The place of its first vector among all of the task.
    vector: usize,
}

/// The results of some squares, in a part of the channels of one group.
struct Task<'a, T> {
    plan: &'a Plan<'a, T>,
    block: usize,
    group: usize,
    chunk: usize,
}

impl<T: Element> Work<T> for Task<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Element = T>, const NARROW: usize, const WIDE: usize>(self) {
        let pass = self.plan.pass;
        let runs = self.runs(V::LANES);
        let vectors: usize = runs.iter().map(|run| run.squares).sum();
        let panels = Panels::new::<V, NARROW>(vectors * V::LANES);
        let (planes, padded) = (pass.planes(), panels.padded());
        let first_output = self.chunk * self.plan.outputs;
        let outputs = self.plan.outputs.min(pass.outputs - first_output);
        let [height, width] = pass.span();
        let keep = pass.parts.len() > 1;
        let kept = if keep { runs.len() * pass.channels } else { 1 };
        let mut pixels = Workspace::<T>::take(kept * height * width * V::LANES);
        let mut right = Workspace::<T>::take(POSITIONS * (DEPTH.min(planes) * padded + PAD));
        let part_sums = POSITIONS * (outputs * padded + PAD);
        let mut sums = Workspace::<T>::take(pass.part_columns * part_sums);
        // SAFETY: pixels, inputs and sums are complete before they are read, and only this task writes its results.
        // The path has the vectors.
        unsafe {
            if keep {
                for (i, run) in runs.iter().enumerate() {
                    for channel in 0..pass.channels {
                        let place = (i * pass.channels + channel) * height * width * V::LANES;
                        self.gather::<V>(run, channel, pixels.pointer().add(place));
                    }
                }
            }
            for (p, row) in pass.parts.chunks(pass.part_columns).enumerate() {
                for (q, part) in row.iter().enumerate() {
                    let index = self.group * pass.parts.len() + p * pass.part_columns + q;
                    let products = Products {
                        positions: POSITIONS,
                        weights: self.plan.packed.add(index * pass.packed_length()),
                        all_outputs: pass.outputs,
                        first_output,
                        outputs,
                        pad: PAD,
                    };
                    for first in (0..planes).step_by(DEPTH) {
                        let depth = DEPTH.min(planes - first);
                        let (pixels, right) = (pixels.pointer(), right.pointer());
                        self.transform::<V>(&panels, &runs, part, [first, depth], pixels, right);
                        let sums = sums.pointer().add(q * part_sums);
                        products.add::<V, NARROW>(&panels, [first, depth, planes], right, sums);
                    }
                }
                self.finish::<V>(row, &runs, first_output, outputs, padded, sums.pointer());
            }
        }
    }
}

impl<T: Element> Task<'_, T> {
    fn runs(&self, lanes: usize) -> Vec<Run> {
        let (pass, block) = (self.plan.pass, self.plan.blocks.block(self.block));
        let (mut runs, mut vector) = (Vec::new(), 0);
        let last = block.first_image + block.images;
        for image in (block.first_image..last).step_by(lanes) {
            for row in block.first_row..block.first_row + block.rows {
                for column in (0..pass.columns).step_by(RUN) {
                    let squares = RUN.min(pass.columns - column);
                    runs.push(Run { image, images: lanes.min(last - image), row, column, squares, vector });
                    vector += squares;
                }
            }
        }
        runs
    }

    /// The pixels that a run of squares sees in one channel: `[row, column, image]`.
    ///
    /// # Safety
    /// `to` must have room for the pass's span, and the processor must have the vectors.
    #[inline(always)]
    unsafe fn gather<V: Vector<Element = T>>(&self, run: &Run, channel: usize, to: *mut T) {
        let pass = self.plan.pass;
        let ([height, width], [rows, columns]) = (pass.span(), pass.size);
        let top = pass.origin[0] + (run.row * SQUARE * pass.step[0]) as isize;
        let left = pass.origin[1] + (run.column * SQUARE * pass.step[1]) as isize;
        let (lead, skip) = (left.min(0).unsigned_abs().min(width), left.max(0) as usize);
        let count = columns.saturating_sub(skip).min(width - lead);
        let channels = pass.groups * pass.channels;
        let plane = (run.image * channels + self.group * pass.channels + channel) * rows * columns;
        for r in 0..height {
            // SAFETY: the caller's promise; the row exists, as do the columns of it that are read.
            unsafe {
                let to = to.add(r * width * V::LANES);
                let row = usize::try_from(top + r as isize).unwrap_or(rows);
                if row >= rows || count == 0 {
                    to.write_bytes(0, width * V::LANES);
                    continue;
                }
                for x in (0..lead).chain(lead + count..width) {
                    V::zero().store(to.add(x * V::LANES));
                }
                let to = to.add(lead * V::LANES);
                if run.images < V::LANES {
                    to.write_bytes(0, count * V::LANES);
                }
                let from = pass.source.as_ptr().add(plane + row * columns + skip);
                transpose(from, channels * rows * columns, [run.images, count], to, V::LANES);
            }
        }
    }

    /// Transforms the windows of a block of input planes, `depth` from `first` on: `[position, panel, input, square]`.
    /// Unless all pixels are there already, those of one channel after the other are gathered.
    ///
    /// # Safety
    /// `right` must have room for all positions, and the processor must have the vectors.
    #[inline(always)]
    unsafe fn transform<V: Vector<Element = T>>(
        &self,
        panels: &Panels,
        runs: &[Run],
        part: &Part,
        [first, depth]: [usize; 2],
        pixels: *mut T,
        right: *mut T,
    ) {
        let pass = self.plan.pass;
        let ([height, width], keep) = (pass.span(), pass.parts.len() > 1);
        let stride = depth * panels.padded() + PAD;
        let within = |plane: &usize| (first..first + depth).contains(plane);
        for channel in 0..pass.channels {
            if !(0..pass.phases()).any(|phase| within(&pass.plane(channel, phase))) {
                continue;
            }
            for (i, run) in runs.iter().enumerate() {
                let kept = if keep { i * pass.channels + channel } else { 0 };
                // SAFETY: the caller's promise; windows lie inside the span of a run.
                unsafe {
                    let pixels = pixels.add(kept * height * width * V::LANES);
                    if !keep {
                        self.gather::<V>(run, channel, pixels);
                    }
                    for phase in 0..pass.phases() {
                        let Some(plane) = Some(pass.plane(channel, phase)).filter(within) else { continue };
                        let (y, x) =
                            (part.window[0] + phase / pass.step[1], part.window[1] + phase % pass.step[1]);
                        for square in 0..run.squares {
                            let column = (run.vector + square) * V::LANES;
                            let index = panels.containing(column);
                            let (start, wide) = (panels.start(index), panels.width(index));
                            let from = y * width + x + square * SQUARE * pass.step[1];
                            let to = start * depth + (plane - first) * wide + column - start;
                            let steps = [pass.step[0] * width * V::LANES, pass.step[1] * V::LANES];
                            let window = load::<V>(pixels.add(from * V::LANES), steps);
                            store::<V>(fours::inputs(window), right.add(to), stride);
                        }
                    }
                }
            }
        }
    }

    /// Transforms the sums of one row of parts into results and copies them to their places.
    ///
    /// # Safety
    /// The sums must be complete, nobody else may write these results, and the processor must have the vectors.
    #[inline(always)]
    unsafe fn finish<V: Vector<Element = T>>(
        &self,
        parts: &[Part],
        runs: &[Run],
        first_output: usize,
        outputs: usize,
        padded: usize,
        sums: *const T,
    ) {
        let pass = self.plan.pass;
        let [rows, columns] = pass.target_size;
        let pitch = SQUARE * pass.columns.min(RUN) * pass.spread[1];
        let mut local = Workspace::<T>::take(SQUARE * pitch * V::LANES);
        let local = local.pointer();
        let stride = outputs * padded + PAD;
        for output in 0..outputs {
            for run in runs {
                let left = run.column * SQUARE * pass.spread[1];
                // SAFETY: the caller's promise; the local copy has room for a run, and the rows and columns exist.
                unsafe {
                    for (q, part) in parts.iter().enumerate() {
                        for square in 0..run.squares {
                            let from = output * padded + (run.vector + square) * V::LANES;
                            let from = sums.add(q * POSITIONS * stride + from);
                            let window = load::<V>(from, [WINDOW * stride, stride]);
                            let values = fours::sums(window);
                            let to = square * SQUARE * pass.spread[1] + part.first[1];
                            for (a, values) in values.iter().take(SQUARE).enumerate() {
                                for (b, value) in values.iter().take(SQUARE).enumerate() {
                                    let place = a * pitch + to + b * pass.spread[1];
                                    value.store(local.add(place * V::LANES));
                                }
                            }
                        }
                    }
                    let count = (run.squares * SQUARE * pass.spread[1]).min(columns - left);
                    for a in 0..SQUARE {
                        let y = (run.row * SQUARE + a) * pass.spread[0] + parts[0].first[0];
                        if y >= rows {
                            break;
                        }
                        let channel = self.group * pass.outputs + first_output + output;
                        let channels = pass.groups * pass.outputs;
                        let place = ((run.image * channels + channel) * rows + y) * columns + left;
                        let from = local.add(a * pitch * V::LANES);
                        scatter::<V>(from, [count, run.images], pass.target.add(place), channels * rows * columns);
                    }
                }
            }
        }
    }
}

/// Copies one row of pixels, `[column, image]`, to the images, which lie `stride` apart.
///
/// # Safety
/// All must be readable and writable.
#[inline(always)]
unsafe fn scatter<V: Vector>(
    from: *const V::Element,
    [columns, images]: [usize; 2],
    to: *mut V::Element,
    stride: usize,
) {
    // A few images at a time: their rows may evict each other from the first cache.
    for image in (0..images).step_by(4) {
        let count = 4.min(images - image);
        // SAFETY: the caller's promise.
        unsafe { transpose(from.add(image), V::LANES, [columns, count], to.add(image * stride), stride) };
    }
}

/// Reads a window, rows and columns of which are so far apart.
///
/// # Safety
/// All must be readable, and the processor must have the vectors.
#[inline(always)]
unsafe fn load<V: Vector>(from: *const V::Element, [row, column]: [usize; 2]) -> fours::Square<V> {
    // SAFETY: the caller's promise.
    unsafe {
        let mut square = [[V::zero(); WINDOW]; WINDOW];
        for (i, vectors) in square.iter_mut().enumerate() {
            for (j, vector) in vectors.iter_mut().enumerate() {
                *vector = V::load(from.add(i * row + j * column));
            }
        }
        square
    }
}

/// Writes all positions of a window, which are `stride` apart.
///
/// # Safety
/// All must be writable, and the processor must have the vectors.
#[inline(always)]
unsafe fn store<V: Vector>(square: fours::Square<V>, to: *mut V::Element, stride: usize) {
    for (position, vector) in square.as_flattened().iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe { vector.store(to.add(position * stride)) };
    }
}
