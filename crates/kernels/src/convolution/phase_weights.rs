//! The weights that each phase of the input gradient sees, brought together.

use super::axis::{Axis, Phase};
use super::geometry::Geometry;
use super::planes::Layout;
use super::winograd::{self, Filters, PhaseTaps, window};
use crate::element::{Element, Path};
use crate::pool;

/// A row phase and a column phase of the result.
pub(super) struct Pair {
    /// Where the weights of the first group start, and how many a group has.
    pub(super) weights: usize,
    pub(super) group_weights: usize,
    /// Where each output channel of a group and tap (or position of a window) starts in the planes.
    pub(super) offsets: Vec<usize>,
}

/// All pairs of phases, the column phase running fastest.
pub(super) fn pairs(
    g: &Geometry,
    rows: &Axis,
    columns: &Axis,
    layout: &Layout,
    taps: Option<usize>,
) -> Vec<Pair> {
    let mut weights = 0;
    let mut pairs = Vec::new();
    let [unit, _] = layout.stride;
    for row in &rows.phases {
        for column in &columns.phases {
            let places = |axis: &Axis, phase: &Phase| -> Vec<usize> {
                match taps {
                    Some(taps) => (0..window(taps)).map(|i| axis.place(phase, taps - 1) + i).collect(),
                    None => phase.taps.iter().map(|&(_, up)| axis.place(phase, up)).collect(),
                }
            };
            let (ys, xs) = (places(rows, row), places(columns, column));
            let mut offsets = Vec::with_capacity(g.group_outputs() * ys.len() * xs.len());
            for output in 0..g.group_outputs() {
                for y in &ys {
                    for x in &xs {
                        let place = layout.plane(y % unit, x % unit) + y / unit * layout.pitch() + x / unit;
                        offsets.push(output * layout.channel_stride() + place);
                    }
                }
            }
            let group_weights = match taps {
                Some(taps) => winograd::packed_length(window(taps), g.group_inputs(), g.group_outputs()),
                None => g.group_inputs() * offsets.len(),
            };
            pairs.push(Pair { weights, group_weights, offsets });
            weights += g.groups * group_weights;
        }
    }
    pairs
}

/// Packs the weights of all pairs of phases and groups for minimal filtering.
pub(super) fn pack_weights<T: Element>(
    path: Path,
    g: &Geometry,
    taps: usize,
    [rows, columns]: [&Axis; 2],
    pairs: &[Pair],
    weight: &[T],
    packed: &mut [T],
) {
    let (outputs, inputs) = (g.group_outputs(), g.group_inputs());
    let phases = || rows.phases.iter().flat_map(|row| columns.phases.iter().map(move |column| (row, column)));
    for group in 0..g.groups {
        let phase = |(pair, (row, column)): (&Pair, (&Phase, &Phase))| {
            let tap = |place: usize| {
                let (i, j) = (taps - 1 - place / taps, taps - 1 - place % taps);
                row.taps[i].0 * g.kernel[1] + column.taps[j].0
            };
            let start = pair.weights + group * pair.group_weights;
            PhaseTaps { taps: (0..taps * taps).map(tap).collect(), start, plane: 0 }
        };
        let filters = Filters {
            taps,
            window: window(taps),
            weight: &weight[group * outputs * inputs * g.taps()..],
            outputs: inputs,
            output_stride: g.taps(),
            channels: outputs,
            channel_stride: inputs * g.taps(),
            kernel: g.taps(),
            planes: outputs,
            phases: pairs.iter().zip(phases()).map(phase).collect(),
        };
        filters.pack(path, packed);
    }
}

/// Sorts the weights by phase, so that those of one input channel and phase lie together.
pub(super) fn sort_weights<T: Element>(
    g: &Geometry,
    rows: &Axis,
    columns: &Axis,
    pairs: &[Pair],
    weight: &[T],
    sorted: &mut [T],
) {
    let (inputs, outputs, taps) = (g.group_inputs(), g.group_outputs(), g.taps());
    let phases = rows.phases.iter().flat_map(|row| columns.phases.iter().map(move |column| (row, column)));
    let seen: Vec<(&Pair, Vec<usize>)> = (pairs.iter().zip(phases))
        .map(|(pair, (row, column))| {
            let tap = |i: usize, j: usize| i * g.kernel[1] + j;
            let taps = row.taps.iter().flat_map(|&(i, _)| column.taps.iter().map(move |&(j, _)| tap(i, j)));
            (pair, taps.collect())
        })
        .collect();
    let start = SharedStart(sorted.as_mut_ptr());
    pool::parallel(g.in_channels, |channel| {
        let (group, input) = (channel / inputs, channel % inputs);
        // Kernels lie far apart, so each is read once, for all phases.
        for output in 0..outputs {
            let kernel = &weight[((group * outputs + output) * inputs + input) * taps..][..taps];
            for (pair, taps) in &seen {
                let from = pair.weights + channel * pair.offsets.len() + output * taps.len();
                // SAFETY: the weights of this phase and channel, which only this task writes.
                let to = unsafe { std::slice::from_raw_parts_mut(start.at(from), taps.len()) };
                to.iter_mut().zip(taps).for_each(|(to, &tap)| *to = kernel[tap]);
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
