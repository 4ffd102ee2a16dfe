//! The gradient with respect to the weights: for each position of the window one product of the transformed inputs,
//! `[input plane, square]`, with the transposed transformed output gradients, `[square, output channel]`.

use super::super::blocks::{Block, Blocks};
use super::super::forward::window_layout;
use super::super::geometry::Geometry;
use super::super::patches::{PIECE, Patches};
use super::super::planes::{Images, Layout, split};
use super::filter::transformed_windows;
use super::lanes::{self, Source};
use super::output_gradients::Gradients;
use super::weight_sums::Finish;
use super::{for_positions, fours, pays};
use crate::element::{Element, Path};
use crate::pool;
use crate::tile::{Panels, ROWS, TILE_ROWS, Tile, adjacent, multiply_tile};
use crate::vector::{Vector, Work};
use crate::workspace::Workspace;

/// Squares of a block, the depth of a tile.
const SQUARES: usize = 256;
/// Sums of a task, at most: they stay in the caches while squares are added.
const SUMS: usize = 600_000;
/// Where the channels make fewer tasks, the squares are summed in several slices.
const TASKS: usize = 8;
/// The most numbers in a vector.
const LANES: usize = 16;

pub(super) struct Plan<'a, T> {
    pub(super) geometry: &'a Geometry,
    pub(super) taps: usize,
    /// Outputs of a square along each axis.
    pub(super) side: usize,
    pub(super) input: &'a [T],
    pub(super) output_gradient: &'a [T],
    pub(super) weight_gradient: *mut T,
    /// The planes of a task's channels.
    pub(super) layout: Layout,
    pub(super) offsets: Vec<usize>,
    pub(super) blocks: Blocks,
    /// Input channels of a task.
    pub(super) channels: usize,
    pub(super) chunks: usize,
    pub(super) slices: usize,
    /// The transformed output gradients of all groups and blocks, unless each task makes its own part.
    pub(super) gradients: *mut T,
    pub(super) shared: bool,
    /// The sums of all tasks: `[group, chunk, slice, position, input plane, output channel]`.
    pub(super) sums: *mut T,
}

// SAFETY: tasks write disjoint parts of the result, the transformed gradients and the sums.
unsafe impl<T: Sync> Sync for Plan<'_, T> {}

/// Computes the weight gradient of a geometry that minimal filtering suits.
pub(in super::super) fn compute<T: Element>(
    path: Path,
    g: &Geometry,
    taps: usize,
    input: &[T],
    output_gradient: &[T],
    weight_gradient: &mut [T],
) {
    let large = pays(g, taps, g.out_height(), g.out_width());
    let side = if large { fours::SQUARE } else { 2 };
    let (height, width) = (g.out_height().div_ceil(side), g.out_width().div_ceil(side));
    let images = if large { g.batch.next_multiple_of(LANES) } else { g.batch };
    let blocks = match large {
        true => lanes::blocks(g.batch, height, width, SQUARES),
        false => Blocks::new(g.batch, height, width, SQUARES),
    };
    let positions = (side + taps - 1) * (side + taps - 1);
    let (phases, outputs) = (g.stride[0] * g.stride[1], g.group_outputs().next_multiple_of(LANES));
    let channels = (SUMS / (positions * outputs * phases)).clamp(1, g.group_inputs());
    let chunks = g.group_inputs().div_ceil(channels);
    let channels = g.group_inputs().div_ceil(chunks);
    let slices = TASKS.div_ceil(chunks * g.groups).min(blocks.count());
    let (layout, offsets) = window_layout(g, taps, channels, &blocks, width);
    let shared = chunks > 1;
    let mut gradients = Workspace::<T>::take(if shared {
        g.groups * positions * images * height * width * outputs
    } else {
        0
    });
    let mut sums = Workspace::<T>::take(g.groups * chunks * slices * positions * channels * phases * outputs);
    let plan = Plan {
        geometry: g,
        taps,
        side,
        input,
        output_gradient,
        weight_gradient: weight_gradient.as_mut_ptr(),
        layout,
        offsets,
        blocks,
        channels,
        chunks,
        slices,
        gradients: gradients.pointer(),
        shared,
        sums: sums.pointer(),
    };
    if shared {
        pool::parallel(g.groups * plan.blocks.count(), |task| {
            T::minimal_gradients(
                path,
                Gradients { plan: &plan, group: task % g.groups, block: task / g.groups },
            );
        });
    }
    pool::parallel(g.groups * chunks * slices, |task| {
        let (slice, rest) = (task % slices, task / slices);
        T::minimal_weight_gradient(
            path,
            Task { plan: &plan, group: rest / chunks, chunk: rest % chunks, slice },
        );
    });
    pool::parallel(g.in_channels, |channel| T::minimal_weight_sums(path, Finish { plan: &plan, channel }));
}

impl<T: Element> Plan<'_, T> {
    #[inline(always)]
    pub(super) fn window(&self) -> usize {
        self.side + self.taps - 1
    }

    #[inline(always)]
    pub(super) fn positions(&self) -> usize {
        self.window() * self.window()
    }

    /// Whether squares are large, and images side by side in the vectors.
    #[inline(always)]
    pub(super) fn large(&self) -> bool {
        self.side == fours::SQUARE
    }

    /// Output channels of a group, rounded up to whole vectors of any path.
    #[inline(always)]
    pub(super) fn outputs(&self) -> usize {
        self.geometry.group_outputs().next_multiple_of(LANES)
    }

    #[inline(always)]
    pub(super) fn square_columns(&self) -> usize {
        self.geometry.out_width().div_ceil(self.side)
    }

    /// The squares of a block; of large ones so many that the images fill whole vectors.
    #[inline(always)]
    pub(super) fn squares(&self, block: Block) -> usize {
        let images = if self.large() { block.images.next_multiple_of(LANES) } else { block.images };
        images * block.rows * self.square_columns()
    }

    /// Input planes of a task.
    #[inline(always)]
    pub(super) fn planes(&self) -> usize {
        self.channels * self.geometry.stride[0] * self.geometry.stride[1]
    }

    /// Where the sums of a task start.
    #[inline(always)]
    pub(super) fn task_sums(&self, group: usize, chunk: usize, slice: usize) -> usize {
        let task = (group * self.chunks + chunk) * self.slices + slice;
        task * self.positions() * self.planes() * self.outputs()
    }

    /// Where the shared transformed gradients of a block start.
    #[inline(always)]
    pub(super) fn place(&self, group: usize, block: Block) -> usize {
        let image = self.geometry.out_height().div_ceil(self.side) * self.square_columns();
        let images = if self.large() { block.images.next_multiple_of(LANES) } else { block.images };
        let all =
            if self.large() { self.geometry.batch.next_multiple_of(LANES) } else { self.geometry.batch };
        let before = block.first_image * image + images * block.first_row * self.square_columns();
        (group * all * image + before) * self.positions() * self.outputs()
    }
}

/// The sums over one slice of the squares, for one chunk of the channels.
pub(crate) struct Task<'a, T> {
    plan: &'a Plan<'a, T>,
    group: usize,
    chunk: usize,
    slice: usize,
}

impl<T: Element> Work<T> for Task<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Element = T>, const NARROW: usize, const WIDE: usize>(self) {
        let plan = self.plan;
        let (count, slices) = (plan.blocks.count(), plan.slices);
        let (from, to) = (self.slice * count / slices, (self.slice + 1) * count / slices);
        let largest = plan.blocks.images * plan.blocks.rows * plan.square_columns();
        let own = if plan.shared { 0 } else { plan.positions() * largest * plan.outputs() };
        let mut own = Workspace::<T>::take(own);
        let stride = V::places(largest.next_multiple_of(LANES)) + LANES;
        let mut inputs = Workspace::<T>::take(plan.positions() * (plan.planes() * stride + LANES));
        for index in from..to {
            let block = plan.blocks.block(index);
            // SAFETY: the inputs and the shared or own gradients of this block are complete before they are read, and
            // only this task writes its sums. The path has the vectors.
            unsafe {
                if plan.large() {
                    self.transform_lanes::<V>(block, stride, inputs.pointer());
                } else {
                    self.transform_inputs::<V>(block, stride, inputs.pointer());
                }
                let gradients = if plan.shared {
                    plan.gradients.add(plan.place(self.group, block))
                } else {
                    plan.transform::<V, NARROW>(self.group, block, own.pointer());
                    own.pointer()
                };
                self.add::<V, NARROW>(block, inputs.pointer(), stride, gradients, index > from);
            }
        }
    }
}

impl<T: Element> Task<'_, T> {
    /// Gathers and transforms the windows of a block: `[position, input plane, square]`.
    ///
    /// # Safety
    /// `to` must have room for all, rows being `stride` apart, and the processor must have the vectors.
    #[inline(always)]
    unsafe fn transform_inputs<V: Vector<Element = T>>(&self, block: Block, stride: usize, to: *mut T) {
        let plan = self.plan;
        let squares = plan.squares(block);
        let mut planes = self.split(block);
        let patches = Patches {
            planes: planes.pointer().cast_const(),
            image_stride: plan.layout.image_stride(),
            pitch: plan.layout.pitch(),
            images: block.images,
            rows: block.rows,
            columns: plan.square_columns(),
        };
        let pieces = patches.pieces(0, squares);
        let width = squares.next_multiple_of(LANES);
        let mut windows = Workspace::<T>::take(plan.positions() * width + PIECE);
        windows.slice().fill(T::default());
        let position_stride = plan.planes() * stride + LANES;
        for (k, offsets) in plan.offsets.chunks_exact(plan.positions()).enumerate() {
            // SAFETY: the caller's promise; whole vectors fit into a stride.
            unsafe {
                patches.pack(offsets, &pieces, width, windows.pointer());
                for v in (0..squares).step_by(V::LANES) {
                    let (from, row) = (windows.pointer().add(v), to.add(k * stride));
                    match plan.taps {
                        2 => {
                            for_positions!(transformed_windows::<V, 2>(from, width), 2, position, vector => {
                                vector.store_along(row.add(position * position_stride), v);
                            })
                        }
                        _ => {
                            for_positions!(transformed_windows::<V, 3>(from, width), 3, position, vector => {
                                vector.store_along(row.add(position * position_stride), v);
                            })
                        }
                    }
                }
            }
        }
    }

    /// The same for large squares: `[position, input plane, square, image]`, images in vectors.
    ///
    /// # Safety
    /// As [`Self::transform_inputs`].
    #[inline(always)]
    unsafe fn transform_lanes<V: Vector<Element = T>>(&self, block: Block, stride: usize, to: *mut T) {
        let plan = self.plan;
        let g = plan.geometry;
        let source = Source {
            start: plan.input,
            groups: g.groups,
            channels: g.group_inputs(),
            size: [g.in_height, g.in_width],
            origin: g.padding.map(|padding| -(padding as isize)),
            step: g.stride,
            reach: g.stride,
        };
        let runs = lanes::runs(block, plan.square_columns(), V::LANES, LANES);
        let span = source.span(plan.square_columns());
        let mut pixels = Workspace::<T>::take(span[0] * span[1] * V::LANES);
        let (first, position_stride) = (self.chunk * plan.channels, plan.planes() * stride + LANES);
        for channel in 0..plan.channels.min(g.group_inputs() - first) {
            for run in &runs {
                // SAFETY: the caller's promise; the span holds all windows of a run.
                unsafe {
                    source.gather::<V>(run, self.group, first + channel, span, pixels.pointer());
                    for phase in 0..g.stride[0] * g.stride[1] {
                        let place = phase / g.stride[1] * span[1] + phase % g.stride[1];
                        for square in 0..run.squares {
                            let from = (place + square * fours::SQUARE * g.stride[1]) * V::LANES;
                            let steps = [g.stride[0] * span[1] * V::LANES, g.stride[1] * V::LANES];
                            let window = lanes::load::<V>(pixels.pointer().add(from), steps);
                            let plane = phase * plan.channels + channel;
                            let row = to.add(plane * stride);
                            for (p, vector) in fours::inputs(window).as_flattened().iter().enumerate() {
                                let k = (run.vector + square) * V::LANES;
                                vector.store_along(row.add(p * position_stride), k);
                            }
                        }
                    }
                }
            }
        }
    }

    /// The planes of the chunk's channels that a block sees.
    #[inline(always)]
    fn split(&self, block: Block) -> Workspace<T> {
        let Plan { geometry: g, layout, .. } = self.plan;
        let first = self.chunk * self.plan.channels;
        let channel = (block.first_image * g.groups + self.group) * g.group_inputs() + first;
        let images = Images {
            start: self.plan.input[channel * g.in_pixels()..].as_ptr(),
            images: block.images,
            image_stride: g.in_channels * g.in_pixels(),
            channels: self.plan.channels.min(g.group_inputs() - first),
            size: [g.in_height, g.in_width],
        };
        let top = (2 * block.first_row * g.stride[0]) as isize - g.padding[0] as isize;
        // SAFETY: the input holds these channels of the block's images.
        unsafe { split(layout, self.plan.channels, images, [top, -(g.padding[1] as isize)]) }
    }

    /// Adds the products of one block to the sums, or starts them.
    ///
    /// # Safety
    /// Inputs and gradients must be complete, nobody else may use the sums of this task, and the processor must have
    /// the vectors.
    #[inline(always)]
    unsafe fn add<V: Vector<Element = T>, const NARROW: usize>(
        &self,
        block: Block,
        inputs: *const T,
        stride: usize,
        gradients: *const T,
        accumulate: bool,
    ) {
        let plan = self.plan;
        let (squares, outputs, planes) = (plan.squares(block), plan.outputs(), plan.planes());
        let panels = Panels::new::<V, NARROW>(plan.geometry.group_outputs());
        let (vectors, sums) = (adjacent::<V>(), plan.task_sums(self.group, self.chunk, self.slice));
        let rows: [usize; TILE_ROWS] = std::array::from_fn(|r| r * stride);
        for position in 0..plan.positions() {
            for index in 0..panels.count() {
                for plane in (0..planes).step_by(TILE_ROWS) {
                    // SAFETY: the caller's promise; planes, panels and positions are inside their workspaces.
                    unsafe {
                        let place = sums + (position * planes + plane) * outputs + panels.start(index);
                        let tile = Tile {
                            left: inputs.add((position * planes + plane) * stride + position * LANES),
                            rows: &rows[..TILE_ROWS.min(planes - plane)],
                            left_steps: std::ptr::null(),
                            right: gradients
                                .add(V::places(squares) * (position * outputs + panels.start(index))),
                            right_steps: std::ptr::null(),
                            depth: squares,
                            out: plan.sums.add(place),
                            out_stride: outputs,
                            vectors: &vectors,
                            accumulate,
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
