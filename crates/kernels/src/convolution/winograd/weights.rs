//! The transformed weights, in the order the tiles read them.

use super::filter::DEPTH;
use super::{fours, transform_taps};
use crate::element::{Element, Path};
use crate::pool;
use crate::runs::transpose;
use crate::tile::TILE_ROWS;
use crate::vector::{Vector, Work};
use crate::workspace::Workspace;

/// One cache line between positions: the same place in all of them must not fall into the same set of the caches.
const PAD: usize = 16;

/// Numbers in the packed weights of `outputs x inputs` filters, for windows of so many inputs along each axis.
pub(in super::super) fn packed_length(window: usize, outputs: usize, inputs: usize) -> usize {
    window * window * (inputs * outputs.next_multiple_of(TILE_ROWS) + PAD)
}

/// Where the weights of a group of outputs and a block of inputs start: position, block of inputs, group of outputs,
/// output, input.
#[inline(always)]
pub(super) fn place<V: Vector>(
    position: usize,
    first_input: usize,
    first_output: usize,
    [outputs, inputs]: [usize; 2],
) -> usize {
    let depth = V::places(DEPTH.min(inputs - first_input));
    (position * V::places(inputs) + V::places(first_input)) * outputs.next_multiple_of(TILE_ROWS)
        + position * PAD
        + first_output * depth
}

/// The taps of one phase, and where their transforms go.
pub(in super::super) struct PhaseTaps {
    /// Where the taps are in a kernel, row by row.
    pub(in super::super) taps: Vec<usize>,
    /// Where the packed weights that they belong to start.
    pub(in super::super) start: usize,
    /// The input plane of the first channel in those.
    pub(in super::super) plane: usize,
}

/// Filters in a weight slice.
pub(in super::super) struct Filters<'a, T> {
    pub(in super::super) taps: usize,
    /// Inputs that a square of outputs sees along each axis: which squares the weights are for.
    pub(in super::super) window: usize,
    pub(in super::super) weight: &'a [T],
    pub(in super::super) outputs: usize,
    pub(in super::super) output_stride: usize,
    pub(in super::super) channels: usize,
    pub(in super::super) channel_stride: usize,
    /// Taps of a whole kernel.
    pub(in super::super) kernel: usize,
    /// Input planes of the packed weights.
    pub(in super::super) planes: usize,
    pub(in super::super) phases: Vec<PhaseTaps>,
}

impl<T: Element> Filters<'_, T> {
    /// Transforms the filters and packs them.
    pub(in super::super) fn pack(&self, path: Path, packed: &mut [T]) {
        let start = Start(packed.as_mut_ptr());
        pool::parallel(self.outputs, |output| {
            T::minimal_weights(path, Pack { filters: self, output, packed: &start });
        });
    }
}

struct Start<T>(*mut T);

// SAFETY: tasks write disjoint parts.
unsafe impl<T: Send> Sync for Start<T> {}

/// Packs the filters of one output channel.
pub(crate) struct Pack<'a, T> {
    filters: &'a Filters<'a, T>,
    output: usize,
    packed: &'a Start<T>,
}

impl<T: Element> Work<T> for Pack<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Element = T>, const NARROW: usize, const WIDE: usize>(self) {
        match (self.filters.taps, self.filters.window) {
            (2, fours::WINDOW) => self.pack::<V, 2, { fours::WINDOW }>(),
            (2, _) => self.pack::<V, 2, 3>(),
            _ => self.pack::<V, 3, 4>(),
        }
    }
}

/// The most numbers in a vector.
const LANES: usize = 16;

impl<T: Element> Pack<'_, T> {
    /// Vectors run along the input channels.
    #[inline(always)]
    fn pack<V: Vector<Element = T>, const R: usize, const W: usize>(&self) {
        let Filters { weight, channels, channel_stride, kernel, .. } = *self.filters;
        // All taps of a vector of kernels: `[tap, lane]`.
        let mut lines = Workspace::<T>::take(kernel * LANES);
        for channel in (0..channels).step_by(V::LANES) {
            let count = V::LANES.min(channels - channel);
            let from = &weight[self.output * self.filters.output_stride + channel * channel_stride..];
            let from = &from[..(count - 1) * channel_stride + kernel];
            // SAFETY: `count` kernels were just seen to be there, and there is a line for each tap.
            unsafe { transpose(from.as_ptr(), channel_stride, [count, kernel], lines.pointer(), LANES) };
            for phase in &self.filters.phases {
                // SAFETY: the path has the vectors, and every tap has a line of the longest one.
                unsafe { self.phase::<V, R, W>(phase, channel, count, lines.pointer()) };
            }
        }
    }

    /// Transforms one phase of a vector of kernels.
    ///
    /// # Safety
    /// `lines` must hold all taps, and the processor must have the vectors.
    #[inline(always)]
    unsafe fn phase<V: Vector<Element = T>, const R: usize, const W: usize>(
        &self,
        phase: &PhaseTaps,
        channel: usize,
        count: usize,
        lines: *const T,
    ) {
        let mut line = [T::default(); LANES];
        // Whether the whole vector goes to one place.
        let whole = count == V::LANES && (phase.plane + channel) % DEPTH + V::LANES <= DEPTH;
        // SAFETY: the caller's promise; a vector fits into the local line.
        unsafe {
            let mut square = [[V::zero(); 4]; 4];
            for (vectors, taps) in square.iter_mut().zip(phase.taps.chunks_exact(R)) {
                for (vector, tap) in vectors.iter_mut().zip(taps) {
                    *vector = V::load(lines.add(tap * LANES));
                }
            }
            let mut put = |position: usize, vector: V| {
                if whole {
                    let (row, k) = self.place::<V>(position, phase, channel);
                    vector.store_along(self.packed.0.add(row), k);
                } else {
                    vector.store(line.as_mut_ptr());
                    self.store::<V>(position, phase, channel, &line[..count]);
                }
            };
            if W == fours::WINDOW {
                let [[a, b, ..], [c, d, ..], ..] = square;
                for (position, &vector) in fours::taps([[a, b], [c, d]]).as_flattened().iter().enumerate() {
                    put(position, vector);
                }
                return;
            }
            let square = transform_taps::<V, R>(square);
            for (i, vectors) in square.iter().take(W).enumerate() {
                for (j, &vector) in vectors.iter().take(W).enumerate() {
                    put(i * W + j, vector);
                }
            }
        }
    }

    /// Where the row of the weight of one position and channel starts, and the number of the weight in it.
    #[inline(always)]
    fn place<V: Vector>(&self, position: usize, phase: &PhaseTaps, channel: usize) -> (usize, usize) {
        let (size, input) = ([self.filters.outputs, self.filters.planes], phase.plane + channel);
        let first = input / DEPTH * DEPTH;
        let depth = V::places(DEPTH.min(size[1] - first));
        let (group, row) = (self.output / TILE_ROWS * TILE_ROWS, self.output % TILE_ROWS);
        (phase.start + place::<V>(position, first, group, size) + row * depth, input - first)
    }

    /// Puts the weights of one position and neighbouring input planes into their places.
    #[inline(always)]
    fn store<V: Vector<Element = T>>(
        &self,
        position: usize,
        phase: &PhaseTaps,
        channel: usize,
        weights: &[T],
    ) {
        let planes = self.filters.planes;
        let mut stored = 0;
        while stored < weights.len() {
            let input = phase.plane + channel + stored;
            let end = (input / DEPTH * DEPTH + DEPTH).min(planes);
            let count = (weights.len() - stored).min(end - input);
            let (row, first) = self.place::<V>(position, phase, channel + stored);
            // SAFETY: the block's place has room for its depth, and only this task writes this output's row.
            unsafe {
                let row = self.packed.0.add(row);
                for (k, &weight) in (first..).zip(&weights[stored..stored + count]) {
                    V::put(weight, row, k);
                }
                // The row may end with half a pair.
                if V::PAIRS && input + count == planes && !(first + count).is_multiple_of(2) {
                    V::put(T::default(), row, first + count);
                }
            }
            stored += count;
        }
    }
}
