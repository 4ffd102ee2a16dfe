//! The gradient with respect to the weights.
//!
//! It is computed transposed, `[channel and tap, output channel] = patches . output gradient^T`, so that only the
//! output gradient has to be transposed; the patches are read from the planes one number at a time.

use super::blocks::{Block, Blocks};
use super::forward::{layout, offsets};
use super::geometry::Geometry;
use super::planes::{Images, Layout, split};
use super::winograd;
use crate::element::{Element, Path};
use crate::pool;
use crate::runs::transpose;
use crate::tile::{Panels, STEPS, TILE_ROWS, Tile, adjacent, multiply_tile};
use crate::vector::{Vector, Work};
use crate::workspace::Workspace;

/// Pixels of a block, the depth of a tile: its patches stay in L1.
const PIXELS: usize = 256;
/// Channels times taps of a task, about.
const PATCHES: usize = 128;
/// Where the channels make fewer tasks, the pixels are summed in several slices.
const TASKS: usize = 8;
/// Pixels transposed at a time: rows of channels that stay in L1 until they are complete.
const LINE: usize = 64;
/// The widest vector of any path.
const WIDEST_VECTOR: usize = 16;

struct Plan<'a, T> {
    geometry: &'a Geometry,
    input: &'a [T],
    output_gradient: &'a [T],
    weight_gradient: *mut T,
    layout: Layout,
    offsets: Vec<usize>,
    /// Where the pixels of a block lie in the planes.
    pixels: Vec<usize>,
    blocks: Blocks,
    /// Input channels of a task.
    channels: usize,
    slices: usize,
    /// The transposed output gradient of all groups and blocks, unless each task makes its own part.
    transposed: *mut T,
    shared: bool,
    /// The sums of all slices: `[group, slice, channel and tap, output channel]`.
    sums: *mut T,
}

// SAFETY: tasks write disjoint parts of the gradient, of the transposed gradient and of the sums.
unsafe impl<T: Sync> Sync for Plan<'_, T> {}

impl<T: Element> Plan<'_, T> {
    /// Output channels of a group, rounded up to whole vectors.
    fn padded_outputs(&self) -> usize {
        self.geometry.group_outputs().next_multiple_of(WIDEST_VECTOR)
    }

    /// The pixels of a block.
    fn count(&self, block: Block) -> usize {
        block.images * block.rows * self.geometry.out_width()
    }

    /// Pixels of all blocks before one.
    fn before(&self, block: Block) -> usize {
        block.first_image * self.geometry.out_pixels()
            + block.images * block.first_row * self.geometry.out_width()
    }
}

/// Computes the weight gradient of a geometry that was checked, on a chosen path.
pub(super) fn compute<T: Element>(
    path: Path,
    g: &Geometry,
    input: &[T],
    output_gradient: &[T],
    weight_gradient: &mut [T],
) {
    let inputs = g.group_inputs() * g.stride[0] * g.stride[1];
    if let Some(taps) = winograd::taps(g, g.group_outputs(), inputs, g.out_height(), g.out_width()) {
        return winograd::weight_gradient::compute(path, g, taps, input, output_gradient, weight_gradient);
    }
    // Patches are read where they lie in the planes, which are never pairs.
    let path = path.in_full();
    let blocks = Blocks::new(g.batch, g.out_height(), g.out_width(), PIXELS);
    let layout = layout(g, &blocks);
    let channels = PATCHES.div_ceil(g.taps()).min(g.group_inputs());
    let chunks = g.group_inputs().div_ceil(channels);
    let slices = TASKS.div_ceil(chunks * g.groups).min(blocks.count());
    let pixels = layout.pixels(blocks.rows, g.out_width());
    let offsets = offsets(g, &layout)[..channels * g.taps()].to_vec();
    let mut plan = Plan {
        geometry: g,
        input,
        output_gradient,
        weight_gradient: weight_gradient.as_mut_ptr(),
        layout,
        offsets,
        pixels,
        blocks,
        channels,
        slices,
        transposed: std::ptr::null_mut(),
        shared: chunks > 1,
        sums: std::ptr::null_mut(),
    };
    let all_pixels = g.batch * g.out_pixels();
    let length = if plan.shared { g.groups * plan.padded_outputs() * all_pixels } else { 0 };
    let mut transposed = Workspace::<T>::take(length);
    plan.transposed = transposed.pointer();
    let mut sums = Workspace::<T>::take(g.in_channels * g.taps() * slices * plan.padded_outputs());
    plan.sums = sums.pointer();
    let plan = plan;
    if plan.shared {
        pool::parallel(g.groups * plan.blocks.count(), |task| {
            T::transpose_gradient(
                path,
                Transpose { plan: &plan, group: task % g.groups, block: task / g.groups },
            );
        });
    }
    pool::parallel(g.groups * chunks * slices, |task| {
        let (chunk, rest) = (task % chunks, task / chunks);
        let (group, slice) = (rest % g.groups, rest / g.groups);
        T::weight_gradient(path, Task { plan: &plan, group, chunk, slice });
    });
    pool::parallel(g.groups * chunks, |task| plan.finish(task / chunks, task % chunks));
}

/// Transposes one block of the output gradient into its shared place.
pub(crate) struct Transpose<'a, T> {
    plan: &'a Plan<'a, T>,
    group: usize,
    block: usize,
}

impl<T: Element> Work<T> for Transpose<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Element = T>, const NARROW: usize, const WIDE: usize>(self) {
        let block = self.plan.blocks.block(self.block);
        let panels = Panels::new::<V, NARROW>(self.plan.geometry.group_outputs());
        // SAFETY: the place of this group and block, see `Plan::place`.
        unsafe {
            let to = self.plan.transposed.add(self.plan.place(self.group, block));
            self.plan.transpose(self.group, block, &panels, to);
        }
    }
}

impl<T: Element> Plan<'_, T> {
    /// Where the transposed gradient of a group and block starts.
    #[inline(always)]
    fn place(&self, group: usize, block: Block) -> usize {
        let all = self.geometry.batch * self.geometry.out_pixels();
        (group * all + self.before(block)) * self.padded_outputs()
    }

    /// Transposes one block of the output gradient into panels of output channels: `[panel, pixel, channel]`.
    ///
    /// # Safety
    /// `to` must have room for the block's pixels times the padded output channels.
    #[inline(always)]
    unsafe fn transpose(&self, group: usize, block: Block, panels: &Panels, to: *mut T) {
        let g = self.geometry;
        let (image_pixels, count) = (block.rows * g.out_width(), self.count(block));
        let out_pixels = g.out_pixels();
        for index in 0..panels.count() {
            let (width, used) = (panels.width(index), panels.used(index));
            let first = group * g.group_outputs() + panels.start(index);
            // SAFETY: channels and pixels exist; panel after panel, `to` has room.
            unsafe {
                let panel = to.add(panels.start(index) * count);
                if used < width {
                    panel.write_bytes(0, width * count);
                }
                for image in 0..block.images {
                    let channel = (block.first_image + image) * g.out_channels + first;
                    let from = channel * g.out_pixels() + block.first_row * g.out_width();
                    let from = self.output_gradient.as_ptr().add(from);
                    let panel = panel.add(image * image_pixels * width);
                    for line in (0..image_pixels).step_by(LINE) {
                        let length = LINE.min(image_pixels - line);
                        let to = panel.add(line * width);
                        transpose(from.add(line), out_pixels, [used, length], to, width);
                    }
                }
            }
        }
    }

    /// Adds the slices of one chunk of channels, in order, and transposes the sum into the result.
    fn finish(&self, group: usize, chunk: usize) {
        let g = self.geometry;
        let (outputs, padded, depth) =
            (g.group_outputs(), self.padded_outputs(), g.group_inputs() * g.taps());
        let first = chunk * self.channels * g.taps();
        let last = (first + self.channels * g.taps()).min(depth);
        let mut totals = [[T::default(); WIDEST_VECTOR]; WIDEST_VECTOR];
        for from in (0..outputs).step_by(WIDEST_VECTOR) {
            for row in (first..last).step_by(WIDEST_VECTOR) {
                let rows = WIDEST_VECTOR.min(last - row);
                for (row, total) in (row..).zip(&mut totals[..rows]) {
                    total.fill(T::default());
                    for slice in 0..self.slices {
                        let place = ((group * self.slices + slice) * depth + row) * padded + from;
                        // SAFETY: padded rows of sums are complete up to whole vectors.
                        let sums = unsafe { std::slice::from_raw_parts(self.sums.add(place), WIDEST_VECTOR) };
                        total.iter_mut().zip(sums).for_each(|(total, &sum)| *total += sum);
                    }
                }
                let size = [rows, WIDEST_VECTOR.min(outputs - from)];
                // SAFETY: elements of the result that only this task writes.
                unsafe {
                    let to = self.weight_gradient.add((group * outputs + from) * depth + row);
                    transpose(totals.as_flattened().as_ptr(), WIDEST_VECTOR, size, to, depth);
                }
            }
        }
    }
}

/// The sums over one slice of pixels, for one chunk of channels.
pub(crate) struct Task<'a, T> {
    plan: &'a Plan<'a, T>,
    group: usize,
    chunk: usize,
    slice: usize,
}

impl<T: Element> Work<T> for Task<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Element = T>, const NARROW: usize, const WIDE: usize>(self) {
        let Plan { geometry: g, blocks, slices, .. } = self.plan;
        let panels = Panels::new::<V, NARROW>(g.group_outputs());
        let (from, to) = (self.slice * blocks.count() / slices, (self.slice + 1) * blocks.count() / slices);
        let largest = blocks.images * blocks.rows * g.out_width();
        let own = if self.plan.shared { 0 } else { largest * self.plan.padded_outputs() };
        let mut own = Workspace::<T>::take(own);
        for index in from..to {
            let block = blocks.block(index);
            let mut planes = self.split(block);
            // SAFETY: the shared or the own transposed gradient of this block, complete before it is read.
            let transposed = unsafe {
                if self.plan.shared {
                    self.plan.transposed.add(self.plan.place(self.group, block))
                } else {
                    self.plan.transpose(self.group, block, &panels, own.pointer());
                    own.pointer()
                }
            };
            // SAFETY: planes and gradient are complete; only this task writes these sums.
            unsafe { self.add::<V, NARROW>(block, &panels, planes.pointer(), transposed, index > from) };
        }
    }
}

impl<T: Element> Task<'_, T> {
    /// Splits the chunk's channels of a block's images into planes.
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
        let top = (block.first_row * g.stride[0]) as isize - g.padding[0] as isize;
        // SAFETY: the input holds these channels of the block's images.
        unsafe { split(layout, self.plan.channels, images, [top, -(g.padding[1] as isize)]) }
    }

    /// Adds the pixels of one block to the sums, or starts them.
    ///
    /// # Safety
    /// Planes and transposed gradient must be complete, nobody else may use the sums of this task, and the processor
    /// must have the vectors.
    #[inline(always)]
    unsafe fn add<V: Vector<Element = T>, const NARROW: usize>(
        &self,
        block: Block,
        panels: &Panels,
        planes: *const T,
        transposed: *const T,
        accumulate: bool,
    ) {
        let (g, taps, padded) = (self.plan.geometry, self.plan.geometry.taps(), self.plan.padded_outputs());
        let (depth, first) = (g.group_inputs() * taps, self.chunk * self.plan.channels * taps);
        let (count, vectors) = (self.plan.count(block), adjacent::<V>());
        let rows = &self.plan.offsets[..self.plan.offsets.len().min(depth - first)];
        for index in 0..panels.count() {
            for (i, rows) in rows.chunks(TILE_ROWS).enumerate() {
                let row = (self.group * self.plan.slices + self.slice) * depth + first + i * TILE_ROWS;
                // SAFETY: the caller's promise; rows and panels are inside the sums.
                unsafe {
                    let tile = Tile {
                        left: planes,
                        rows,
                        left_steps: self.plan.pixels.as_ptr(),
                        right: transposed.add(panels.start(index) * count),
                        right_steps: std::ptr::null(),
                        depth: count,
                        out: self.plan.sums.add(row * padded + panels.start(index)),
                        out_stride: padded,
                        vectors: &vectors,
                        accumulate,
                    };
                    if panels.is_wide(index) {
                        multiply_tile::<V, NARROW, STEPS, false>(&tile);
                    } else {
                        multiply_tile::<V, 1, STEPS, false>(&tile);
                    }
                }
            }
        }
    }
}
