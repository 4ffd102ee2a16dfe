//! Which taps of the kernel reach which input pixels, along one axis.

use super::geometry::Geometry;

/// The input rows (or columns) with one remainder modulo the stride, counted in the padded input.
pub(super) struct Phase {
    /// The taps that reach them, and how many output rows further up each looks.
    pub(super) taps: Vec<(usize, usize)>,
    /// The quotient of the first one.
    pub(super) first: usize,
    /// How many there are.
    pub(super) count: usize,
    /// The first one in the input itself.
    pub(super) start: usize,
}

/// The rows or columns of an input.
pub(super) struct Axis {
    /// The phases that exist, by their first input row.
    pub(super) phases: Vec<Phase>,
    /// The first output row that any first input row sees (negative in the padding), and the last.
    pub(super) low: isize,
    high: isize,
}

impl Axis {
    pub(super) fn new(g: &Geometry, axis: usize) -> Self {
        let (stride, padding) = (g.stride[axis], g.padding[axis]);
        let size = [g.in_height, g.in_width][axis];
        let phase = |p: usize| {
            let first = padding.saturating_sub(p).div_ceil(stride);
            let start = first * stride + p - padding;
            let reaching = |&tap: &usize| tap * g.dilation[axis] % stride == p;
            let up = |tap: usize| (tap, tap * g.dilation[axis] / stride);
            let taps = (0..g.kernel[axis]).filter(reaching).map(up).collect();
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

    /// Pixels of the longest phase.
    pub(super) fn longest(&self) -> usize {
        self.phases.iter().map(|phase| phase.count).max().unwrap_or(0)
    }

    /// Output rows that one input row may see, less one.
    pub(super) fn reach(&self) -> usize {
        (self.high - self.low) as usize
    }

    /// Where a phase's first pixel finds the output row `up` rows further up, counted from the lowest of all.
    pub(super) fn place(&self, phase: &Phase, up: usize) -> usize {
        (phase.first as isize - up as isize - self.low) as usize
    }
}
