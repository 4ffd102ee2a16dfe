//! From the sums of products to the gradients of the taps.

use super::weight_gradient::Plan;
use super::{fours, transform_products};
use crate::element::Element;
use crate::runs::copy;
use crate::vector::{Vector, Work};
use crate::workspace::Workspace;

/// The most numbers in a vector.
const LANES: usize = 16;

/// Adds the slices of one input channel, in order, and transforms the sums into the result.
pub(crate) struct Finish<'a, T> {
    pub(super) plan: &'a Plan<'a, T>,
    pub(super) channel: usize,
}

impl<T: Element> Work<T> for Finish<'_, T> {
    #[inline(always)]
    fn run<V: Vector<Element = T>, const NARROW: usize, const WIDE: usize>(self) {
        let g = self.plan.geometry;
        let mut kernels = Workspace::<T>::take(LANES * g.taps());
        for output in (0..g.group_outputs()).step_by(V::LANES) {
            for phase in 0..g.stride[0] * g.stride[1] {
                // SAFETY: the sums are complete and the path has the vectors.
                unsafe {
                    match self.plan.taps {
                        2 if self.plan.large() => {
                            self.phase::<V, 2, { fours::WINDOW }>(phase, output, kernels.slice());
                        }
                        2 => self.phase::<V, 2, 3>(phase, output, kernels.slice()),
                        _ => self.phase::<V, 3, 4>(phase, output, kernels.slice()),
                    }
                }
            }
            let (group, channel) = (self.channel / g.group_inputs(), self.channel % g.group_inputs());
            for lane in 0..V::LANES.min(g.group_outputs() - output) {
                let filter = (group * g.group_outputs() + output + lane) * g.group_inputs() + channel;
                let kernel = &kernels.slice()[lane * g.taps()..];
                // SAFETY: this filter is part of the result, and only this task writes it.
                unsafe { copy(kernel.as_ptr(), self.plan.weight_gradient.add(filter * g.taps()), g.taps()) };
            }
        }
    }
}

impl<T: Element> Finish<'_, T> {
    /// The taps of one phase for a vector of output channels: `[output channel, kernel]`.
    ///
    /// # Safety
    /// The sums must be complete, and the processor must have the vectors.
    #[inline(always)]
    unsafe fn phase<V: Vector<Element = T>, const R: usize, const W: usize>(
        &self,
        phase: usize,
        output: usize,
        kernels: &mut [T],
    ) {
        let plan = self.plan;
        let g = plan.geometry;
        let (group, channel) = (self.channel / g.group_inputs(), self.channel % g.group_inputs());
        let plane = phase * plan.channels + channel % plan.channels;
        let mut line = [T::default(); LANES];
        // SAFETY: the caller's promise; a vector fits into the line.
        unsafe {
            let stride = plan.planes() * plan.outputs();
            let mut square = [[V::zero(); W]; W];
            for slice in 0..plan.slices {
                let sums = plan.sums.add(plan.task_sums(group, channel / plan.channels, slice));
                let sums = sums.add(plane * plan.outputs() + output);
                for (i, sum) in square.as_flattened_mut().iter_mut().enumerate() {
                    *sum = sum.add(V::load(sums.add(i * stride)));
                }
            }
            for (i, vectors) in taps::<V, R, W>(square).iter().enumerate() {
                for (j, vector) in vectors.iter().enumerate() {
                    let (y, x) =
                        (i * g.stride[0] + phase / g.stride[1], j * g.stride[1] + phase % g.stride[1]);
                    vector.store(line.as_mut_ptr());
                    let places = kernels[y * g.kernel[1] + x..].iter_mut().step_by(g.taps());
                    places.zip(&line).for_each(|(place, &tap)| *place = tap);
                }
            }
        }
    }
}

/// The gradients of `R x R` taps from the sums of a window.
///
/// # Safety
/// The processor must have the vectors.
#[inline(always)]
unsafe fn taps<V: Vector, const R: usize, const W: usize>(sums: [[V; W]; W]) -> [[V; R]; R] {
    // SAFETY: the caller's promise.
    unsafe {
        if W == fours::WINDOW {
            let window = std::array::from_fn(|i| std::array::from_fn(|j| sums[i][j]));
            let taps = fours::products(window);
            return std::array::from_fn(|i| std::array::from_fn(|j| taps[i][j]));
        }
        let mut square = [[V::zero(); 4]; 4];
        for (line, sums) in square.iter_mut().zip(sums) {
            line.iter_mut().zip(sums).for_each(|(line, sum)| *line = sum);
        }
        let taps = transform_products::<V, R>(square);
        std::array::from_fn(|i| std::array::from_fn(|j| taps[i][j]))
    }
}
