//! Filtering in squares of 4 x 4 outputs: both the forward pass and the input gradient.

use super::super::blocks::Blocks;
use super::filter::{DEPTH, Products};
use super::fours::{self, POSITIONS, SQUARE, WINDOW};
use super::lanes::{IMAGES, LANES, RUN, Run, Source, blocks, load, runs};
use super::weights::{Filters, PhaseTaps, packed_length};
use crate::element::{Element, Path};
use crate::pairs::end_panel;
use crate::pool;
use crate::runs::transpose;
use crate::tile::{Panels, TILE_ROWS};
use crate::vector::{Vector, Work};
use crate::workspace::Workspace;

/// Squares of a task, about: one position of their windows stays in L2.
const SQUARES: usize = 64;
/// One cache line between positions: the same place in all of them must not fall into the same set of the caches.
const PAD: usize = 16;

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
    pub(in super::super) source: Source<'a, T>,
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
}

/// A pass with what all its tasks share.
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
        let mut packed = Workspace::<T>::take(self.source.groups * self.parts.len() * length);
        for (i, packed) in packed.slice().chunks_exact_mut(length).enumerate() {
            self.pack(path, i / self.parts.len(), &self.parts[i % self.parts.len()], packed);
        }
        let blocks = blocks(self.batch, self.rows, self.columns, SQUARES);
        let tasks = blocks.count() * self.source.groups;
        let chunks = (2 * pool::threads()).div_ceil(tasks.max(1)).min(self.outputs.div_ceil(8 * TILE_ROWS));
        let outputs = self.outputs.div_ceil(chunks.max(1)).next_multiple_of(TILE_ROWS);
        let chunks = self.outputs.div_ceil(outputs);
        let plan = Plan { pass: self, packed: packed.pointer(), blocks, outputs };
        pool::parallel(tasks * chunks, |task| {
            let (chunk, rest) = (task % chunks, task / chunks);
            let (group, block) = (rest % plan.pass.source.groups, rest / plan.pass.source.groups);
            T::minimal_pass(path, Task { plan: &plan, block, group, chunk });
        });
    }

    /// Input planes: `[channels, phase, channel]`, such that a block of them has few channels.
    fn planes(&self) -> usize {
        self.source.channels * self.phases()
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
        let count = self.together().min(self.source.channels - first);
        first * self.phases() + phase * count + channel - first
    }

    fn packed_length(&self) -> usize {
        packed_length(WINDOW, self.outputs, self.planes())
    }

    /// Packs the weights of one part of one group.
    fn pack(&self, path: Path, group: usize, part: &Part, packed: &mut [T]) {
        let per_group = self.weight.len() / self.source.groups;
        for first in (0..self.source.channels).step_by(self.together()) {
            let filters = Filters {
                taps: 2,
                window: WINDOW,
                weight: &self.weight[group * per_group + first * self.weight_strides[1]..],
                outputs: self.outputs,
                output_stride: self.weight_strides[0],
                channels: self.together().min(self.source.channels - first),
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
}

/// The results of some squares, in a part of the channels of one group.
pub(crate) struct Task<'a, T> {
    plan: &'a Plan<'a, T>,
    block: usize,
    group: usize,
    chunk: usize,
}

impl<T: Element> Work<T> for Task<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Element = T>, const NARROW: usize, const WIDE: usize>(self) {
        let pass = self.plan.pass;
        let runs = runs(self.plan.blocks.block(self.block), pass.columns, V::LANES, V::LANES);
        let vectors: usize = runs.iter().map(|run| run.squares).sum();
        let panels = Panels::new::<V, NARROW>(vectors * V::LANES);
        let (planes, padded) = (pass.planes(), panels.padded());
        let first_output = self.chunk * self.plan.outputs;
        let outputs = self.plan.outputs.min(pass.outputs - first_output);
        let [height, width] = pass.source.span(pass.columns);
        let keep = pass.parts.len() > 1;
        let kept = if keep { runs.len() * pass.source.channels } else { 1 };
        let mut pixels = Workspace::<T>::take(kept * height * width * V::LANES);
        let mut right = Workspace::<T>::take(POSITIONS * (V::places(DEPTH.min(planes)) * padded + PAD));
        let part_sums = POSITIONS * (outputs * padded + PAD);
        let mut sums = Workspace::<T>::take(pass.part_columns * part_sums);
        // SAFETY: pixels, inputs and sums are complete before they are read, and only this task writes its results.
        // The path has the vectors.
        unsafe {
            if keep {
                for (i, run) in runs.iter().enumerate() {
                    for channel in 0..pass.source.channels {
                        let place = (i * pass.source.channels + channel) * height * width * V::LANES;
                        pass.source.gather::<V>(
                            run,
                            self.group,
                            channel,
                            [height, width],
                            pixels.pointer().add(place),
                        );
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
        let ([height, width], keep) = (pass.source.span(pass.columns), pass.parts.len() > 1);
        let stride = V::places(depth) * panels.padded() + PAD;
        for (position, index) in (0..POSITIONS).flat_map(|p| (0..panels.count()).map(move |index| (p, index)))
        {
            // SAFETY: the caller's promise.
            unsafe {
                let panel = right.add(position * stride + panels.start(index) * V::places(depth));
                end_panel::<V>(panel, depth, panels.width(index));
            }
        }
        let within = |plane: &usize| (first..first + depth).contains(plane);
        for channel in 0..pass.source.channels {
            if !(0..pass.phases()).any(|phase| within(&pass.plane(channel, phase))) {
                continue;
            }
            for (i, run) in runs.iter().enumerate() {
                let kept = if keep { i * pass.source.channels + channel } else { 0 };
                // SAFETY: the caller's promise; windows lie inside the span of a run.
                unsafe {
                    let pixels = pixels.add(kept * height * width * V::LANES);
                    if !keep {
                        pass.source.gather::<V>(run, self.group, channel, [height, width], pixels);
                    }
                    for phase in 0..pass.phases() {
                        let Some(plane) = Some(pass.plane(channel, phase)).filter(within) else { continue };
                        let (y, x) = (
                            part.window[0] + phase / pass.source.step[1],
                            part.window[1] + phase % pass.source.step[1],
                        );
                        for square in 0..run.squares {
                            let column = (run.vector + square) * V::LANES;
                            let index = panels.containing(column);
                            let (start, wide) = (panels.start(index), panels.width(index));
                            let from = y * width + x + square * SQUARE * pass.source.step[1];
                            let to = right.add(start * V::places(depth) + column - start);
                            let steps =
                                [pass.source.step[0] * width * V::LANES, pass.source.step[1] * V::LANES];
                            let window = load::<V>(pixels.add(from * V::LANES), steps);
                            for (p, vector) in fours::inputs(window).as_flattened().iter().enumerate() {
                                vector.store_row(to.add(p * stride), plane - first, wide);
                            }
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
                        let channels = pass.source.groups * pass.outputs;
                        let place = ((run.image * channels + channel) * rows + y) * columns + left;
                        let from = local.add(a * pitch * V::LANES);
                        scatter::<V>(
                            from,
                            [count, run.images],
                            pass.target.add(place),
                            channels * rows * columns,
                        );
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
    for image in (0..images).step_by(IMAGES) {
        let count = IMAGES.min(images - image);
        // SAFETY: the caller's promise.
        unsafe { transpose(from.add(image), V::LANES, [columns, count], to.add(image * stride), stride) };
    }
}
