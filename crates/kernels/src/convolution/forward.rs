//! The convolution itself.

use super::blocks::{Block, Blocks};
use super::correlation::{Correlation, FEW, FEW_PIXELS, Sink};
use super::geometry::Geometry;
use super::patches::Patches;
use super::planes::{Images, Layout, split};
use super::split_outputs;
use super::winograd::{self, Filter, Filters, Part, Pass, PhaseTaps, SQUARE, Source, Target, window};
use crate::element::{Element, Path};
use crate::pool;
use crate::vector::{Vector, Work};
use crate::workspace::Workspace;

/// Output pixels of a task, at most.
const PIXELS: usize = 512;
/// Squares of output pixels of a task, at most.
const SQUARES: usize = 128;

/// What all tasks of one call share.
struct Plan<'a, T> {
    geometry: &'a Geometry,
    input: &'a [T],
    /// The weights, packed if minimal filtering with these taps is used.
    weight: &'a [T],
    taps: Option<usize>,
    output: *mut T,
    layout: Layout,
    /// Where each channel of a group and tap (or position of a window) starts in the planes.
    offsets: Vec<usize>,
    /// Blocks of output pixels, or of squares of them.
    blocks: Blocks,
    /// Output channels of a task.
    outputs: usize,
}

// SAFETY: tasks write disjoint parts of the output.
unsafe impl<T: Sync> Sync for Plan<'_, T> {}

/// Computes the output of a geometry that was checked, on a chosen path.
pub(super) fn compute<T: Element>(path: Path, g: &Geometry, input: &[T], weight: &[T], output: &mut [T]) {
    let (height, width) = (g.out_height(), g.out_width());
    let inputs = g.group_inputs() * g.stride[0] * g.stride[1];
    let path = if g.group_outputs() <= FEW { path.in_full() } else { path };
    let taps = winograd::taps(g, g.group_outputs(), inputs, height, width);
    if taps.is_some_and(|taps| winograd::pays(g, taps, height, width)) {
        return large_squares(path, g, input, weight, output);
    }
    let (unit, pixels) = match taps {
        Some(_) => (2, SQUARES),
        None if g.group_outputs() <= FEW => (1, FEW_PIXELS),
        None => (1, PIXELS),
    };
    let (height, width) = (height.div_ceil(unit), width.div_ceil(unit));
    let blocks = Blocks::new(g.batch, height, width, super::block_pixels(g.batch * height * width, pixels));
    let (layout, offsets) = match taps {
        Some(taps) => window_layout(g, taps, g.group_inputs(), &blocks, width),
        None => {
            let layout = layout(g, &blocks);
            let offsets = offsets(g, &layout);
            (layout, offsets)
        }
    };
    let mut packed = Workspace::take(
        taps.map_or(0, |taps| g.groups * winograd::packed_length(window(taps), g.group_outputs(), inputs)),
    );
    if let Some(taps) = taps {
        pack_weights(path, g, taps, weight, packed.slice());
    }
    let outputs = split_outputs(g.group_outputs(), blocks.count() * g.groups);
    let chunks = g.group_outputs().div_ceil(outputs);
    let weight = if taps.is_some() { &*packed.slice() } else { weight };
    let output = output.as_mut_ptr();
    let plan = Plan { geometry: g, input, weight, taps, output, layout, offsets, blocks, outputs };
    pool::parallel(plan.blocks.count() * g.groups * chunks, |task| {
        let (chunk, rest) = (task % chunks, task / chunks);
        let (group, block) = (rest % g.groups, rest / g.groups);
        T::convolve(path, Task { plan: &plan, block, group, chunk });
    });
}

/// Filters in squares of 4 x 4 outputs.
fn large_squares<T: Element>(path: Path, g: &Geometry, input: &[T], weight: &[T], output: &mut [T]) {
    let [rows, columns] = g.stride;
    let tap = |p: usize, i: usize, q: usize, j: usize| (i * rows + p) * g.kernel[1] + j * columns + q;
    let taps = |p: usize, q: usize| [tap(p, 0, q, 0), tap(p, 0, q, 1), tap(p, 1, q, 0), tap(p, 1, q, 1)];
    let phases = (0..rows * columns).map(|phase| taps(phase / columns, phase % columns)).collect();
    let pass = Pass {
        source: Source {
            start: input,
            groups: g.groups,
            channels: g.group_inputs(),
            size: [g.in_height, g.in_width],
            origin: g.padding.map(|padding| -(padding as isize)),
            step: g.stride,
            reach: g.stride,
        },
        parts: vec![Part { first: [0, 0], window: [0, 0], taps: phases }],
        part_columns: 1,
        spread: [1, 1],
        rows: g.out_height().div_ceil(SQUARE),
        columns: g.out_width().div_ceil(SQUARE),
        weight,
        weight_strides: [g.group_inputs() * g.taps(), g.taps()],
        kernel: g.taps(),
        target: output.as_mut_ptr(),
        outputs: g.group_outputs(),
        target_size: [g.out_height(), g.out_width()],
        batch: g.batch,
    };
    pass.run(path);
}

/// Packs the weights of all groups for minimal filtering: input planes are row phase, column phase, channel.
fn pack_weights<T: Element>(path: Path, g: &Geometry, taps: usize, weight: &[T], packed: &mut [T]) {
    let [rows, columns] = g.stride;
    let (outputs, channels) = (g.group_outputs(), g.group_inputs());
    let tap = |place: usize, p: usize, q: usize| {
        (place / taps * rows + p) * g.kernel[1] + place % taps * columns + q
    };
    let phase = |phase: usize| {
        let taps = (0..taps * taps).map(|place| tap(place, phase / columns, phase % columns)).collect();
        PhaseTaps { taps, start: 0, plane: phase * channels }
    };
    let planes = channels * rows * columns;
    let length = winograd::packed_length(window(taps), outputs, planes);
    for (group, packed) in packed.chunks_exact_mut(length).enumerate() {
        let filters = Filters {
            taps,
            window: window(taps),
            weight: &weight[group * outputs * channels * g.taps()..],
            outputs,
            output_stride: channels * g.taps(),
            channels,
            channel_stride: g.taps(),
            kernel: g.taps(),
            planes,
            phases: (0..rows * columns).map(phase).collect(),
        };
        filters.pack(path, packed);
    }
}

/// The planes of some channels that squares of output pixels see, and where each phase, channel and position of a
/// window starts in them.
pub(super) fn window_layout(
    g: &Geometry,
    taps: usize,
    channels: usize,
    blocks: &Blocks,
    columns: usize,
) -> (Layout, Vec<usize>) {
    let stride = [2 * g.stride[0], 2 * g.stride[1]];
    let layout = Layout {
        stride,
        phases: [(0..stride[0]).collect(), (0..stride[1]).collect()],
        images: blocks.images,
        size: [blocks.rows + taps / 2, columns + taps / 2],
    };
    let mut offsets = Vec::new();
    for (p, q) in (0..g.stride[0]).flat_map(|p| (0..g.stride[1]).map(move |q| (p, q))) {
        for channel in 0..channels {
            for i in 0..window(taps) {
                for j in 0..window(taps) {
                    let (y, x) = (i * g.stride[0] + p, j * g.stride[1] + q);
                    let plane = layout.plane(y % stride[0], x % stride[1]);
                    let place = y / stride[0] * layout.pitch() + x / stride[1];
                    offsets.push(channel * layout.channel_stride() + plane + place);
                }
            }
        }
    }
    (layout, offsets)
}

/// The planes that a block of output pixels sees.
pub(super) fn layout(g: &Geometry, blocks: &Blocks) -> Layout {
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
        images: blocks.images,
        size: [blocks.rows + last(0), g.out_width() + last(1)],
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
pub(crate) struct Task<'a, T> {
    plan: &'a Plan<'a, T>,
    block: usize,
    group: usize,
    chunk: usize,
}

impl<T: Element> Work<T> for Task<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Element = T>, const NARROW: usize, const WIDE: usize>(self) {
        let Plan { geometry: g, layout, blocks, taps, .. } = self.plan;
        let block = blocks.block(self.block);
        let unit = if taps.is_some() { 2 } else { 1 };
        let mut planes = self.planes(block, block.first_row * unit);
        let patches = Patches {
            planes: planes.pointer().cast_const(),
            image_stride: layout.image_stride(),
            pitch: layout.pitch(),
            images: block.images,
            rows: block.rows,
            columns: g.out_width().div_ceil(unit),
        };
        let first = self.chunk * self.plan.outputs;
        let outputs = self.plan.outputs.min(g.group_outputs() - first);
        let output = self.group * g.group_outputs() + first;
        let place = (block.first_image * g.out_channels + output) * g.out_pixels();
        // SAFETY: planes and weights are complete; no other task writes these pixels of these channels.
        unsafe {
            let start = self.plan.output.add(place + block.first_row * unit * g.out_width());
            let (channel_stride, image_stride) = (g.out_pixels(), g.out_channels * g.out_pixels());
            if let &Some(taps) = taps {
                let rows = (block.rows * unit).min(g.out_height() - block.first_row * unit);
                let target = Target { start, channel_stride, image_stride, rows, columns: g.out_width() };
                self.filter(taps, first, outputs, patches).run::<V, NARROW>(target);
            } else {
                let correlation = Correlation {
                    weights: self.plan.weight[output * self.plan.offsets.len()..].as_ptr(),
                    weight_stride: self.plan.offsets.len(),
                    outputs,
                    offsets: &self.plan.offsets,
                    patches,
                };
                correlation.run::<V, NARROW, WIDE>(Sink { start, channel_stride, image_stride });
            }
        }
    }
}

impl<T: Element> Task<'_, T> {
    /// The planes that a block from an output row on sees.
    #[inline(always)]
    fn planes(&self, block: Block, first_row: usize) -> Workspace<T> {
        let Plan { geometry: g, layout, .. } = self.plan;
        let channels = g.group_inputs();
        let from = (block.first_image * g.groups + self.group) * channels * g.in_pixels();
        let images = Images {
            start: self.plan.input[from..].as_ptr(),
            images: block.images,
            image_stride: g.in_channels * g.in_pixels(),
            channels,
            size: [g.in_height, g.in_width],
        };
        let top = (first_row * g.stride[0]) as isize - g.padding[0] as isize;
        // SAFETY: the input holds these channels of the block's images.
        unsafe { split(layout, channels, images, [top, -(g.padding[1] as isize)]) }
    }

    fn filter(&self, taps: usize, first_output: usize, outputs: usize, squares: Patches<T>) -> Filter<'_, T> {
        let all_outputs = self.plan.geometry.group_outputs();
        let length = self.plan.weight.len() / self.plan.geometry.groups;
        let weights = self.plan.weight[self.group * length..].as_ptr();
        Filter { taps, weights, all_outputs, first_output, outputs, offsets: &self.plan.offsets, squares }
    }
}
