//! The gradient with respect to the input, which is the forward pass of a transposed convolution.
//!
//! Input pixels with the same row and column modulo the stride see the same taps of the kernel, so each such phase
//! of the result is a stride-1 correlation of the padded output gradient with its part of the weights.

use super::blocks::{Block, Blocks};
use super::correlation::{Correlation, Sink};
use super::geometry::Geometry;
use super::planes::{Layout, SLACK, split};
use super::split_outputs;
use crate::element::{Element, Path};
use crate::pool;
use crate::vector::{Vector, Work};
use crate::workspace::Workspace;

/// Pixels of one phase in a task, at most.
const PIXELS: usize = 256;

/// The input rows (or columns) with one remainder modulo the stride, counted in the padded input.
struct Phase {
    /// The taps that reach them, and how many output rows further up each looks.
    taps: Vec<(usize, usize)>,
    /// The quotient of the first one.
    first: usize,
    /// How many there are.
    count: usize,
    /// The first one in the input itself.
    start: usize,
}

/// Rows or columns of a geometry.
struct Axis {
    /// The phases that exist, by their first input row.
    phases: Vec<Phase>,
    /// Smallest and largest `first - look-back` of all taps.
    low: isize,
    high: isize,
}

impl Axis {
    fn new(g: &Geometry, axis: usize) -> Self {
        let (stride, padding) = (g.stride[axis], g.padding[axis]);
        let size = [g.in_height, g.in_width][axis];
        let phase = |p: usize| {
            let first = padding.saturating_sub(p).div_ceil(stride);
            let start = first * stride + p - padding;
            let reaching = |&tap: &usize| tap * g.dilation[axis] % stride == p;
            let taps = (0..g.kernel[axis])
                .filter(reaching)
                .map(|tap| (tap, tap * g.dilation[axis] / stride))
                .collect();
            Phase { taps, first, count: size.saturating_sub(start).div_ceil(stride), start }
        };
        let mut phases: Vec<Phase> = (0..stride).map(phase).filter(|phase| phase.count > 0).collect();
        phases.sort_by_key(|phase| phase.start);
        let places = || {
            phases
                .iter()
                .flat_map(|phase| phase.taps.iter().map(|&(_, up)| phase.first as isize - up as isize))
        };
        let (low, high) = (places().min().unwrap_or(0), places().max().unwrap_or(0));
        Self { phases, low, high }
    }

    fn longest(&self) -> usize {
        self.phases.iter().map(|phase| phase.count).max().unwrap_or(0)
    }

    fn reach(&self) -> usize {
        (self.high - self.low) as usize
    }
}

/// A row phase and a column phase: its weights and where its taps start in the padded output gradient.
struct Pair {
    /// Where the weights start: `[in channels of all groups, out channels of a group, taps of the phase]`.
    weights: usize,
    offsets: Vec<usize>,
}

struct Plan<'a, T> {
    geometry: &'a Geometry,
    output_gradient: &'a [T],
    input_gradient: *mut T,
    weights: *const T,
    rows: Axis,
    columns: Axis,
    pairs: Vec<Pair>,
    layout: Layout,
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
    let target = super::block_pixels(g.batch * rows.longest() * columns.longest(), PIXELS);
    let blocks = Blocks::new(g.batch, rows.longest(), columns.longest(), target);
    let layout = Layout {
        stride: [1, 1],
        phases: [vec![0], vec![0]],
        size: [blocks.rows + rows.reach(), columns.longest() + columns.reach()],
    };
    let pairs = pairs(g, &rows, &columns, &layout);
    let mut sorted = Workspace::take(weight.len());
    sort_weights(g, &rows, &columns, &pairs, weight, sorted.slice());
    let inputs = split_outputs(g.group_inputs(), blocks.count() * g.groups);
    let chunks = g.group_inputs().div_ceil(inputs);
    let plan = Plan {
        geometry: g,
        output_gradient,
        input_gradient: input_gradient.as_mut_ptr(),
        weights: sorted.pointer(),
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
        T::dispatch(path, Task { plan: &plan, block, group, chunk });
    });
}

/// All pairs of phases, the column phase running fastest.
fn pairs(g: &Geometry, rows: &Axis, columns: &Axis, layout: &Layout) -> Vec<Pair> {
    let mut weights = 0;
    let mut pairs = Vec::new();
    for row in &rows.phases {
        for column in &columns.phases {
            let mut offsets = Vec::new();
            for output in 0..g.group_outputs() {
                for &(_, up) in &row.taps {
                    for &(_, left) in &column.taps {
                        let y = (row.first as isize - up as isize - rows.low) as usize;
                        let x = (column.first as isize - left as isize - columns.low) as usize;
                        offsets.push(output * layout.channel_stride() + y * layout.pitch() + x);
                    }
                }
            }
            let length = g.in_channels * offsets.len();
            pairs.push(Pair { weights, offsets });
            weights += length;
        }
    }
    pairs
}

/// Sorts the weights by phase, so that those of one input channel and phase lie together.
fn sort_weights<T: Element>(
    g: &Geometry,
    rows: &Axis,
    columns: &Axis,
    pairs: &[Pair],
    weight: &[T],
    sorted: &mut [T],
) {
    let (inputs, outputs, taps) = (g.group_inputs(), g.group_outputs(), g.taps());
    let phases = || rows.phases.iter().flat_map(|row| columns.phases.iter().map(move |column| (row, column)));
    let start = SharedStart(sorted.as_mut_ptr());
    pool::parallel(g.in_channels, |channel| {
        let (group, input) = (channel / inputs, channel % inputs);
        for (pair, (row, column)) in pairs.iter().zip(phases()) {
            let length = row.taps.len() * column.taps.len();
            let from = pair.weights + channel * pair.offsets.len();
            // SAFETY: the weights of this phase and channel, which only this task writes.
            let to = unsafe { std::slice::from_raw_parts_mut(start.at(from), outputs * length) };
            let mut to = to.iter_mut();
            for output in 0..outputs {
                let kernel = &weight[((group * outputs + output) * inputs + input) * taps..][..taps];
                for &(i, _) in &row.taps {
                    for (&(j, _), to) in column.taps.iter().zip(&mut to) {
                        *to = kernel[i * g.kernel[1] + j];
                    }
                }
            }
        }
    });
}

struct SharedStart<T>(*mut T);

// SAFETY: tasks write disjoint parts.
unsafe impl<T: Send> Sync for SharedStart<T> {}

impl<T> SharedStart<T> {
    /// # Safety
    /// `offset` must be inside the slice.
    unsafe fn at(&self, offset: usize) -> *mut T {
        // SAFETY: the caller's promise.
        unsafe { self.0.add(offset) }
    }
}

/// The input gradient of one block of rows, in a part of the channels of one group.
struct Task<'a, T> {
    plan: &'a Plan<'a, T>,
    block: usize,
    group: usize,
    chunk: usize,
}

impl<T: Element> Work<T> for Task<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Element = T>, const NARROW: usize, const WIDE: usize>(self) {
        let Plan { geometry: g, rows, columns, .. } = self.plan;
        let block = self.plan.blocks.block(self.block);
        let mut planes = self.planes(block);
        let first = self.chunk * self.plan.inputs;
        let inputs = self.plan.inputs.min(g.group_inputs() - first);
        let channel = self.group * g.group_inputs() + first;
        let most = block.images * block.rows * columns.longest();
        let deepest = self.plan.pairs.iter().map(|pair| pair.offsets.len()).max().unwrap_or(0);
        let mut scratch = Workspace::<T>::take(Correlation::<T>::scratch(most, deepest));
        let direct = g.stride == [1, 1];
        let mut local = Workspace::<T>::take(if direct { 0 } else { columns.phases.len() * inputs * most });
        for (p, row) in rows.phases.iter().enumerate() {
            let height = row.count.saturating_sub(block.first_row).min(block.rows);
            if height == 0 {
                continue;
            }
            for (q, column) in columns.phases.iter().enumerate() {
                let pair = &self.plan.pairs[p * columns.phases.len() + q];
                let pixels = height * column.count;
                // SAFETY: weights and planes are complete. Pixels of this block and these channels are written by
                // this task only, the local copy has room for all column phases.
                unsafe {
                    let correlation = Correlation {
                        weights: self.plan.weights.add(pair.weights + channel * pair.offsets.len()),
                        weight_stride: pair.offsets.len(),
                        outputs: inputs,
                        offsets: &pair.offsets,
                        planes: planes.pointer(),
                        image_stride: g.group_outputs() * self.plan.layout.channel_stride(),
                        pitch: self.plan.layout.pitch(),
                        images: block.images,
                        rows: height,
                        columns: column.count,
                    };
                    let sink = if direct {
                        let place = (block.first_image * g.in_channels + channel) * g.in_pixels();
                        Sink {
                            start: self.plan.input_gradient.add(place + block.first_row * g.in_width),
                            channel_stride: g.in_pixels(),
                            image_stride: g.in_channels * g.in_pixels(),
                        }
                    } else {
                        Sink {
                            start: local.pointer().add(q * inputs * most),
                            channel_stride: block.images * pixels,
                            image_stride: pixels,
                        }
                    };
                    correlation.run::<V, NARROW, WIDE>(sink, scratch.pointer());
                }
            }
            if !direct {
                self.interleave(block, row, height, channel, inputs, local.slice());
            }
        }
    }
}

impl<T: Element> Task<'_, T> {
    /// The output gradient that a block sees, padded with zeros.
    #[inline(always)]
    fn planes(&self, block: Block) -> Workspace<T> {
        let Plan { geometry: g, layout, rows, columns, .. } = self.plan;
        let channels = g.group_outputs();
        let image_stride = channels * layout.channel_stride();
        let mut planes = Workspace::<T>::take(block.images * image_stride + SLACK);
        for image in 0..block.images {
            let from = ((block.first_image + image) * g.groups + self.group) * channels * g.out_pixels();
            // SAFETY: the gradient holds the image's channels, the workspace the planes of all images.
            unsafe {
                split(
                    layout,
                    self.plan.output_gradient.as_ptr().add(from),
                    channels,
                    [g.out_height(), g.out_width()],
                    [block.first_row as isize + rows.low, columns.low],
                    planes.pointer().add(image * image_stride),
                );
            }
        }
        planes.slice()[block.images * image_stride..].fill(T::default());
        planes
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

/// `to = even[0], odd[0], even[1], ...`; `even` may be longer by one.
#[inline(always)]
fn zip<T: Element>(even: &[T], odd: &[T], to: &mut [T]) {
    let (pairs, last) = to.as_chunks_mut::<2>();
    pairs.iter_mut().zip(even.iter().zip(odd)).for_each(|(pair, (&even, &odd))| *pair = [even, odd]);
    last.iter_mut().zip(even.last()).for_each(|(to, &even)| *to = even);
}
