//! The convolution itself.

use super::blocks::Blocks;
use super::correlation::{Correlation, Sink};
use super::geometry::Geometry;
use super::planes::{Layout, SLACK, split};
use super::split_outputs;
use crate::element::{Element, Path};
use crate::pool;
use crate::vector::{Vector, Work};
use crate::workspace::Workspace;

/// Output pixels of a task, at most.
const PIXELS: usize = 256;

/// What all tasks of one call share.
struct Plan<'a, T> {
    geometry: &'a Geometry,
    input: &'a [T],
    weight: &'a [T],
    output: *mut T,
    layout: Layout,
    /// Where each channel of a group and tap starts in the planes.
    offsets: Vec<usize>,
    blocks: Blocks,
    /// Output channels of a task.
    outputs: usize,
}

// SAFETY: tasks write disjoint parts of the output.
unsafe impl<T: Sync> Sync for Plan<'_, T> {}

/// Computes the output of a geometry that was checked, on a chosen path.
pub(super) fn compute<T: Element>(path: Path, g: &Geometry, input: &[T], weight: &[T], output: &mut [T]) {
    let target = super::block_pixels(g.batch * g.out_pixels(), PIXELS);
    let blocks = Blocks::new(g.batch, g.out_height(), g.out_width(), target);
    let layout = layout(g, blocks.rows);
    let outputs = split_outputs(g.group_outputs(), blocks.count() * g.groups);
    let chunks = g.group_outputs().div_ceil(outputs);
    let offsets = offsets(g, &layout);
    let plan =
        Plan { geometry: g, input, weight, output: output.as_mut_ptr(), layout, offsets, blocks, outputs };
    pool::parallel(plan.blocks.count() * g.groups * chunks, |task| {
        let (chunk, rest) = (task % chunks, task / chunks);
        let (group, block) = (rest % g.groups, rest / g.groups);
        T::dispatch(path, Task { plan: &plan, block, group, chunk });
    });
}

/// The planes that `rows` output rows of an image see.
pub(super) fn layout(g: &Geometry, rows: usize) -> Layout {
    let last = |axis: usize| (g.kernel[axis] - 1) * g.dilation[axis] / g.stride[axis];
    let phases = |axis: usize| {
        let mut phases: Vec<usize> =
            (0..g.kernel[axis]).map(|tap| tap * g.dilation[axis] % g.stride[axis]).collect();
        phases.sort_unstable();
        phases.dedup();
        phases
    };
    Layout {
        stride: g.stride,
        phases: [phases(0), phases(1)],
        size: [rows + last(0), g.out_width() + last(1)],
    }
}

/// Where the channels of a group and the taps start in planes of a layout: `[channel, kernel row, kernel column]`.
pub(super) fn offsets(g: &Geometry, layout: &Layout) -> Vec<usize> {
    let place = |axis: usize, tap: usize| {
        let input = tap * g.dilation[axis];
        let phase = layout.phases[axis].partition_point(|&phase| phase < input % g.stride[axis]);
        (phase, input / g.stride[axis])
    };
    let mut offsets = Vec::with_capacity(g.group_inputs() * g.taps());
    for channel in 0..g.group_inputs() {
        for i in 0..g.kernel[0] {
            for j in 0..g.kernel[1] {
                let ((p, row), (q, column)) = (place(0, i), place(1, j));
                offsets.push(
                    channel * layout.channel_stride() + layout.plane(p, q) + row * layout.pitch() + column,
                );
            }
        }
    }
    offsets
}

/// The output of one block of pixels, in a part of the channels of one group.
struct Task<'a, T> {
    plan: &'a Plan<'a, T>,
    block: usize,
    group: usize,
    chunk: usize,
}

impl<T: Element> Work<T> for Task<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Element = T>, const NARROW: usize, const WIDE: usize>(self) {
        let Plan { geometry: g, layout, blocks, .. } = self.plan;
        let block = blocks.block(self.block);
        let channels = g.group_inputs();
        let image_stride = channels * layout.channel_stride();
        let mut planes = Workspace::<T>::take(block.images * image_stride + SLACK);
        for image in 0..block.images {
            let from = ((block.first_image + image) * g.groups + self.group) * channels * g.in_pixels();
            let top = (block.first_row * g.stride[0]) as isize - g.padding[0] as isize;
            // SAFETY: the input holds the image's channels, the workspace the planes of all images.
            unsafe {
                split(
                    layout,
                    self.plan.input.as_ptr().add(from),
                    channels,
                    [g.in_height, g.in_width],
                    [top, -(g.padding[1] as isize)],
                    planes.pointer().add(image * image_stride),
                );
            }
        }
        planes.slice()[block.images * image_stride..].fill(T::default());

        let first = self.chunk * self.plan.outputs;
        let outputs = self.plan.outputs.min(g.group_outputs() - first);
        let output = self.group * g.group_outputs() + first;
        let correlation = Correlation {
            weights: self.plan.weight[output * self.plan.offsets.len()..].as_ptr(),
            weight_stride: self.plan.offsets.len(),
            outputs,
            offsets: &self.plan.offsets,
            planes: planes.pointer(),
            image_stride,
            pitch: layout.pitch(),
            images: block.images,
            rows: block.rows,
            columns: g.out_width(),
        };
        let pixel = block.first_row * g.out_width();
        let place = (block.first_image * g.out_channels + output) * g.out_pixels() + pixel;
        let pixels = block.images * block.rows * g.out_width();
        let mut scratch = Workspace::take(Correlation::<T>::scratch(pixels, self.plan.offsets.len()));
        // SAFETY: planes and weights are complete; no other task writes these pixels of these channels.
        unsafe {
            let sink = Sink {
                start: self.plan.output.add(place),
                channel_stride: g.out_pixels(),
                image_stride: g.out_channels * g.out_pixels(),
            };
            correlation.run::<V, NARROW, WIDE>(sink, scratch.pointer());
        }
    }
}
