//! The gradient with respect to the input, which is the forward pass of a transposed convolution.
//!
//! Input pixels with the same row and column modulo the stride see the same taps of the kernel, so each such phase
//! of the result is a stride-1 correlation of the padded output gradient with its part of the weights.

use super::axis::{Axis, Phase};
use super::blocks::{Block, Blocks};
use super::correlation::{Correlation, FEW, FEW_PIXELS, Sink};
use super::geometry::Geometry;
use super::patches::Patches;
use super::phase_weights::{Pair, pack_weights, pairs, sort_weights};
use super::planes::{Images, Layout, split};
use super::split_outputs;
use super::winograd::{self, Filter, Part, Pass, SQUARE, Source, Target};
use crate::element::{Element, Path};
use crate::pool;
use crate::runs::zip;
use crate::vector::{Vector, Work};
use crate::workspace::Workspace;

/// Pixels of one phase in a task, at most.
const PIXELS: usize = 512;
/// Squares of pixels of one phase in a task, at most.
const SQUARES: usize = 128;

struct Plan<'a, T> {
    geometry: &'a Geometry,
    output_gradient: &'a [T],
    input_gradient: *mut T,
    /// The weights, sorted by phase; packed if minimal filtering with these taps is used.
    weights: *const T,
    taps: Option<usize>,
    rows: Axis,
    columns: Axis,
    pairs: Vec<Pair>,
    layout: Layout,
    /// Blocks of pixels of one phase, or of squares of them.
    blocks: Blocks,
    /// Input channels of a task.
    inputs: usize,
}

// SAFETY: tasks write disjoint parts of the input gradient and only read the rest.
unsafe impl<T: Sync> Sync for Plan<'_, T> {}

/// Computes the input gradient of a geometry that was checked, on a chosen path.
pub(super) fn compute<T: Element>(
    path: Path,
    g: &Geometry,
    output_gradient: &[T],
    weight: &[T],
    input_gradient: &mut [T],
) {
    let (rows, columns) = (Axis::new(g, 0), Axis::new(g, 1));
    let path = if g.group_inputs() <= FEW { path.in_full() } else { path };
    let taps = winograd::taps(g, g.group_inputs(), g.group_outputs(), rows.longest(), columns.longest());
    if taps.is_some_and(|taps| winograd::pays(g, taps, rows.longest(), columns.longest())) {
        return large_squares(path, g, [&rows, &columns], output_gradient, weight, input_gradient);
    }
    let (unit, pixels) = match taps {
        Some(_) => (2, SQUARES),
        None if g.group_inputs() <= FEW => (1, FEW_PIXELS),
        None => (1, PIXELS),
    };
    let (height, width) = (rows.longest().div_ceil(unit), columns.longest().div_ceil(unit));
    let blocks = Blocks::new(g.batch, height, width, super::block_pixels(g.batch * height * width, pixels));
    let reach = |axis: &Axis| if taps.is_some() { axis.reach().div_ceil(2) } else { axis.reach() };
    let layout = Layout {
        stride: [unit; 2],
        phases: [(0..unit).collect(), (0..unit).collect()],
        images: blocks.images,
        size: [blocks.rows + reach(&rows), width + reach(&columns)],
    };
    let pairs = pairs(g, &rows, &columns, &layout, taps);
    let mut weights =
        Workspace::take(pairs.last().map_or(0, |pair| pair.weights + g.groups * pair.group_weights));
    match taps {
        Some(taps) => pack_weights(path, g, taps, [&rows, &columns], &pairs, weight, weights.slice()),
        None => sort_weights(g, &rows, &columns, &pairs, weight, weights.slice()),
    }
    let inputs = split_outputs(g.group_inputs(), blocks.count() * g.groups);
    let chunks = g.group_inputs().div_ceil(inputs);
    let plan = Plan {
        geometry: g,
        output_gradient,
        input_gradient: input_gradient.as_mut_ptr(),
        weights: weights.pointer(),
        taps,
        rows,
        columns,
        pairs,
        layout,
        blocks,
        inputs,
    };
    pool::parallel(plan.blocks.count() * g.groups * chunks, |task| {
        let (chunk, rest) = (task % chunks, task / chunks);
        let (group, block) = (rest % g.groups, rest / g.groups);
        T::input_gradient(path, Task { plan: &plan, block, group, chunk });
    });
}

/// Filters in squares of 4 x 4 pixels of one phase.
fn large_squares<T: Element>(
    path: Path,
    g: &Geometry,
    [rows, columns]: [&Axis; 2],
    output_gradient: &[T],
    weight: &[T],
    input_gradient: &mut [T],
) {
    let part = |row: &Phase, column: &Phase| {
        let tap = |i: usize, j: usize| row.taps[i].0 * g.kernel[1] + column.taps[j].0;
        Part {
            first: [row.start, column.start],
            window: [rows.place(row, 1), columns.place(column, 1)],
            taps: vec![[tap(1, 1), tap(1, 0), tap(0, 1), tap(0, 0)]],
        }
    };
    let pass = Pass {
        source: Source {
            start: output_gradient,
            groups: g.groups,
            channels: g.group_outputs(),
            size: [g.out_height(), g.out_width()],
            origin: [rows.low, columns.low],
            step: [1, 1],
            reach: [rows.reach(), columns.reach()],
        },
        parts: (rows.phases.iter())
            .flat_map(|row| columns.phases.iter().map(move |column| part(row, column)))
            .collect(),
        part_columns: columns.phases.len(),
        spread: g.stride,
        rows: rows.longest().div_ceil(SQUARE),
        columns: columns.longest().div_ceil(SQUARE),
        weight,
        weight_strides: [g.taps(), g.group_inputs() * g.taps()],
        kernel: g.taps(),
        target: input_gradient.as_mut_ptr(),
        outputs: g.group_inputs(),
        target_size: [g.in_height, g.in_width],
        batch: g.batch,
    };
    pass.run(path);
}

/// The input gradient of one block of rows, in a part of the channels of one group.
pub(crate) struct Task<'a, T> {
    plan: &'a Plan<'a, T>,
    block: usize,
    group: usize,
    chunk: usize,
}

impl<T: Element> Work<T> for Task<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Element = T>, const NARROW: usize, const WIDE: usize>(self) {
        let Plan { geometry: g, rows, columns, .. } = self.plan;
        let unit = self.plan.layout.stride[0];
        let squares = self.plan.blocks.block(self.block);
        let block = Block { first_row: squares.first_row * unit, rows: squares.rows * unit, ..squares };
        let mut planes = self.planes(block);
        let first = self.chunk * self.plan.inputs;
        let inputs = self.plan.inputs.min(g.group_inputs() - first);
        let channel = self.group * g.group_inputs() + first;
        let direct = g.stride == [1, 1];
        let most = inputs * block.images * block.rows * columns.longest();
        let mut local = Workspace::<T>::take(if direct { 0 } else { columns.phases.len() * most });
        for (p, row) in rows.phases.iter().enumerate() {
            let height = row.count.saturating_sub(block.first_row).min(block.rows);
            if height == 0 {
                continue;
            }
            for (q, column) in columns.phases.iter().enumerate() {
                let pair = &self.plan.pairs[p * columns.phases.len() + q];
                // SAFETY: weights and planes are complete. Pixels of this block and these channels are written by
                // this task only, the local copy has room for all column phases.
                unsafe {
                    let target = if direct {
                        let place = (block.first_image * g.in_channels + channel) * g.in_pixels();
                        Target {
                            start: self.plan.input_gradient.add(place + block.first_row * g.in_width),
                            channel_stride: g.in_pixels(),
                            image_stride: g.in_channels * g.in_pixels(),
                            rows: height,
                            columns: column.count,
                        }
                    } else {
                        Target {
                            start: local.pointer().add(q * most),
                            channel_stride: block.images * height * column.count,
                            image_stride: height * column.count,
                            rows: height,
                            columns: column.count,
                        }
                    };
                    self.pair::<V, NARROW, WIDE>(pair, planes.pointer(), block.images, first, inputs, target);
                }
            }
            if !direct {
                self.interleave(block, row, height, channel, inputs, local.slice());
            }
        }
    }
}

impl<T: Element> Task<'_, T> {
    /// Computes one pair of phases.
    ///
    /// # Safety
    /// The planes must be complete, the target writable and unshared, and the processor must have the vectors.
    #[inline(always)]
    unsafe fn pair<V: Vector<Element = T>, const NARROW: usize, const WIDE: usize>(
        &self,
        pair: &Pair,
        planes: *const T,
        images: usize,
        first: usize,
        inputs: usize,
        target: Target<T>,
    ) {
        let Plan { geometry: g, layout, .. } = self.plan;
        let Target { start, channel_stride, image_stride, rows, columns } = target;
        let unit = layout.stride[0];
        let patches = Patches {
            planes,
            image_stride: layout.image_stride(),
            pitch: layout.pitch(),
            images,
            rows: rows.div_ceil(unit),
            columns: columns.div_ceil(unit),
        };
        // SAFETY: the caller's promise; the weights of this pair and group.
        unsafe {
            let weights = self.plan.weights.add(pair.weights + self.group * pair.group_weights);
            if let Some(taps) = self.plan.taps {
                let filter = Filter {
                    taps,
                    weights,
                    all_outputs: g.group_inputs(),
                    first_output: first,
                    outputs: inputs,
                    offsets: &pair.offsets,
                    squares: patches,
                };
                filter.run::<V, NARROW>(target);
            } else {
                let correlation = Correlation {
                    weights: weights.add(first * pair.offsets.len()),
                    weight_stride: pair.offsets.len(),
                    outputs: inputs,
                    offsets: &pair.offsets,
                    patches,
                };
                correlation.run::<V, NARROW, WIDE>(Sink { start, channel_stride, image_stride });
            }
        }
    }

    /// The output gradient that a block sees, padded with zeros.
    #[inline(always)]
    fn planes(&self, block: Block) -> Workspace<T> {
        let Plan { geometry: g, layout, rows, columns, .. } = self.plan;
        let channels = g.group_outputs();
        let from = (block.first_image * g.groups + self.group) * channels * g.out_pixels();
        let images = Images {
            start: self.plan.output_gradient[from..].as_ptr(),
            images: block.images,
            image_stride: g.out_channels * g.out_pixels(),
            channels,
            size: [g.out_height(), g.out_width()],
        };
        // SAFETY: the gradient holds these channels of the block's images.
        unsafe { split(layout, channels, images, [block.first_row as isize + rows.low, columns.low]) }
    }

    /// Copies the results of one row phase to their places, column phase beside column phase.
    #[inline(always)]
    fn interleave(
        &self,
        block: Block,
        row: &Phase,
        height: usize,
        channel: usize,
        inputs: usize,
        local: &[T],
    ) {
        let Plan { geometry: g, columns, .. } = self.plan;
        let per_phase = local.len() / columns.phases.len();
        for input in 0..inputs {
            for image in 0..block.images {
                for t in 0..height {
                    let y = row.start + (block.first_row + t) * g.stride[0];
                    let place = ((block.first_image + image) * g.in_channels + channel + input)
                        * g.in_pixels()
                        + y * g.in_width;
                    // SAFETY: a row of the gradient that only this task writes.
                    let to = unsafe {
                        std::slice::from_raw_parts_mut(self.plan.input_gradient.add(place), g.in_width)
                    };
                    let line = (input * block.images + image) * height + t;
                    let piece = |q: usize| {
                        let count = columns.phases[q].count;
                        &local[q * per_phase + line * count..][..count]
                    };
                    if g.stride[1] == 2 && columns.phases.len() == 2 {
                        zip(piece(0), piece(1), to);
                        continue;
                    }
                    for (q, phase) in columns.phases.iter().enumerate() {
                        let places = to[phase.start..].iter_mut().step_by(g.stride[1]);
                        places.zip(piece(q)).for_each(|(to, &value)| *to = value);
                    }
                }
            }
        }
    }
}
