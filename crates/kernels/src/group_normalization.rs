//! Group normalisation (Wu and He 2018, arXiv 1803.08494), with instance and layer normalisation as its extremes,
//! fused with a piecewise linear activation.
//!
//! The groups of one sample lie one after the other in memory: a task reads a block of them for its statistics and
//! writes the results while the block is still in its second-level cache.
use crate::columns::{
    Coefficients, Columns, Rows, TILE, for_each_channel, gather, gradient_sums, gradient_tile, normalize_tile,
};
use crate::dispatch::vectorised;
use crate::elementwise::in_chunks;
use crate::float::Float;
use crate::reduction::{BLOCK, Term, block_sum, fold_lanes, sum_axis, term_sum};

/// Normalisation of tensors `[batch, channels, inner]` over each group of channels of each sample, followed by a
/// piecewise linear activation: `z = gamma (x - mean) / sqrt(variance + epsilon) + beta`, `y = z` if `z > 0`, else
/// `negative_slope z`. Statistics have shape `[batch, groups]`.
///
/// Instance normalisation has one group per channel. Layer normalisation over the trailing dimensions has shape
/// `[batch, features, 1]` and one group.
///
/// # Panics
/// Every method panics when a length does not follow from the shape, or `groups` does not divide the channels.
#[derive(Clone, Copy, Debug)]
pub struct GroupNormalization<'a, T> {
    /// `[batch, channels, inner]`
    pub shape: [usize; 3],
    /// Into how many groups of equal size the channels are divided.
    pub groups: usize,
    /// One factor per channel; 1 if absent.
    pub gamma: Option<&'a [T]>,
    /// One offset per channel; 0 if absent.
    pub beta: Option<&'a [T]>,
    /// 1 for no activation, 0 for ReLU, the slope of a leaky ReLU.
    pub negative_slope: f64,
}

/// Where a block of groups of one sample begins: its first element in the tensor and its first channel.
#[derive(Clone, Copy)]
struct Place {
    start: usize,
    channel: usize,
}

/// The slices one task writes: a block of groups, and of each vector what belongs to it.
struct Piece<'a, T> {
    output: &'a mut [T],
    first: &'a mut [T],
    second: &'a mut [T],
}

vectorised! {
    fn squared_deviations<T: Float>(x: &[T], mean: T) -> f64 {
        x.chunks(BLOCK).map(|x| block_sum(x, x, |x, _| (x - mean) * (x - mean))).sum()
    }
}

/// Channels of at least this many elements are added up one by one, smaller ones column by column.
const LONG_CHANNEL: usize = 16;
/// Running sums of one channel; the compiler unrolls shorter loops into scalar code.
const LANES: usize = 32;

vectorised! {
    /// Per channel of `inner` elements, the sums of `dz` and of `dz (x - mean)`, where `dz` is the gradient before the
    /// activation and `coefficients` are mean, scale and offset.
    fn channel_sums<T: Float>(
        x: &[T], upstream: &[T], inner: usize, coefficients: &[[T; 3]], slope: T, sums: &mut [[f64; 2]],
    ) {
        let channels = x.chunks_exact(inner).zip(upstream.chunks_exact(inner)).zip(coefficients);
        for (sum, ((x, g), &[mean, scale, offset])) in sums.iter_mut().zip(channels) {
            *sum = [0.0; 2];
            let pair = |x: T, g: T| {
                let centred = x - mean;
                let dz = if centred * scale + offset > T::ZERO { g } else { slope * g };
                (dz, dz * centred)
            };
            for (x, g) in x.chunks(LANES * LANES).zip(g.chunks(LANES * LANES)) {
                let (mut totals, mut products) = ([T::ZERO; LANES], [T::ZERO; LANES]);
                let (x_rows, g_rows) = (x.chunks_exact(LANES), g.chunks_exact(LANES));
                let rest = x_rows.remainder().iter().zip(g_rows.remainder());
                for (x, g) in x_rows.zip(g_rows) {
                    for (((&x, &g), total), product) in x.iter().zip(g).zip(&mut totals).zip(&mut products) {
                        let (dz, with_x) = pair(x, g);
                        *total += dz;
                        *product += with_x;
                    }
                }
                for (((&x, &g), total), product) in rest.zip(&mut totals).zip(&mut products) {
                    let (dz, with_x) = pair(x, g);
                    *total += dz;
                    *product += with_x;
                }
                sum[0] += fold_lanes(totals).double();
                sum[1] += fold_lanes(products).double();
            }
        }
    }
}

impl<T: Float> GroupNormalization<'_, T> {
    /// Normalises with the statistics of `x` and writes them: the mean and `1 / sqrt(variance + epsilon)`, with the
    /// biased variance.
    pub fn forward(&self, x: &[T], epsilon: f64, y: &mut [T], mean: &mut [T], inverse_std: &mut [T]) {
        self.check(&[x, y], &[mean, inverse_std], &[]);
        let task = self.task_groups();
        self.for_each_task(y, mean, inverse_std, task, |place, piece| {
            let x = &x[place.start..place.start + piece.output.len()];
            let written = piece.first.iter_mut().zip(piece.second.iter_mut());
            for (x, (mean, inverse_std)) in x.chunks_exact(self.run()).zip(written) {
                [*mean, *inverse_std] = statistics(x, epsilon);
            }
            let (slope, rows) = (T::of(self.negative_slope), Rows { count: 1, stride: x.len(), first: 0 });
            let output = Columns::new(piece.output, x.len());
            self.for_each_tile(place, piece.first, piece.second, x.len(), |first, tile| {
                normalize_tile(x, Rows { first, ..rows }, tile, slope, &output);
            });
        });
    }

    /// The gradients of [`forward`](Self::forward) with respect to `x`, `gamma` and `beta`, for the upstream gradient
    /// of `y`. The sign of `z` is computed again from `x`.
    #[allow(clippy::too_many_arguments)]
    pub fn backward(
        &self,
        x: &[T],
        upstream: &[T],
        mean: &[T],
        inverse_std: &[T],
        dx: &mut [T],
        dgamma: &mut [T],
        dbeta: &mut [T],
    ) {
        self.check(&[x, upstream, dx], &[mean, inverse_std], &[dgamma, dbeta]);
        let [batch, channels, _] = self.shape;
        // What every sample adds to the gradients of gamma and beta, `[batch, channels]`.
        let mut gamma_parts = vec![T::ZERO; batch * channels];
        let mut beta_parts = gamma_parts.clone();
        let task = self.task_groups() * self.group_channels();
        self.for_each_task(dx, &mut gamma_parts, &mut beta_parts, task, |place, piece| {
            let range = place.start..place.start + piece.output.len();
            let sets = place.start / self.run()..range.end / self.run();
            let statistics = [&mean[sets.clone()], &inverse_std[sets]];
            self.backward_task(place, &x[range.clone()], &upstream[range], statistics, piece);
        });
        sum_axis(&gamma_parts, [1, batch, channels], dgamma);
        sum_axis(&beta_parts, [1, batch, channels], dbeta);
    }

    fn backward_task(
        &self,
        place: Place,
        x: &[T],
        upstream: &[T],
        [mean, inverse_std]: [&[T]; 2],
        piece: &mut Piece<'_, T>,
    ) {
        let (inner, size) = (self.shape[2], self.group_channels());
        let (slope, rows) = (T::of(self.negative_slope), Rows { count: 1, stride: x.len(), first: 0 });
        let mut sums = vec![[0.0; 2]; piece.first.len()];
        if inner >= LONG_CHANNEL {
            let channel = |c: usize| {
                let gamma = self.gamma.map_or(T::ONE, |gamma| gamma[place.channel + c]);
                let beta = self.beta.map_or(T::ZERO, |beta| beta[place.channel + c]);
                [mean[c / size], inverse_std[c / size] * gamma, beta]
            };
            let coefficients: Vec<[T; 3]> = (0..sums.len()).map(channel).collect();
            channel_sums(x, upstream, inner, &coefficients, slope, &mut sums);
        } else {
            self.for_each_tile(place, mean, inverse_std, x.len(), |first, tile| {
                let width = TILE.min(x.len() - first);
                let (mut totals, mut products) = ([0.0; TILE], [0.0; TILE]);
                gradient_sums(x, upstream, Rows { first, ..rows }, tile, slope, &mut totals, &mut products);
                gather(first, inner, 0, [&totals[..width], &products[..width]], &mut sums);
            });
        }
        let mut rests = vec![[T::ZERO; 2]; mean.len()];
        for (group, (rest, sums)) in rests.iter_mut().zip(sums.chunks_exact(size)).enumerate() {
            let inverse = inverse_std[group].double();
            let (mut total, mut product) = (0.0, 0.0);
            let channels = group * size..(group + 1) * size;
            let parts = piece.first[channels.clone()].iter_mut().zip(&mut piece.second[channels.clone()]);
            for ((gamma_part, beta_part), sums) in parts.zip(sums) {
                *gamma_part = T::of(sums[1] * inverse);
                *beta_part = T::of(sums[0]);
            }
            for (c, sums) in channels.zip(sums) {
                let gamma = self.gamma.map_or(1.0, |gamma| gamma[place.channel + c].double());
                total += gamma * sums[0];
                product += gamma * sums[1];
            }
            let scale = inverse / self.run() as f64;
            *rest = [T::of(scale * total), T::of(scale * inverse * inverse * product)];
        }
        let output = Columns::new(piece.output, x.len());
        self.for_each_tile(place, mean, inverse_std, x.len(), |first, tile| {
            let (mut constant, mut linear) = ([T::ZERO; TILE], [T::ZERO; TILE]);
            for_each_channel(first, TILE.min(x.len() - first), self.run(), |group, columns| {
                constant[columns.clone()].fill(rests[group][0]);
                linear[columns].fill(rests[group][1]);
            });
            gradient_tile(x, upstream, Rows { first, ..rows }, tile, slope, &constant, &linear, &output);
        });
    }

    /// Channels of a group.
    fn group_channels(&self) -> usize {
        self.shape[1] / self.groups
    }

    /// Elements of one group of one sample.
    fn run(&self) -> usize {
        self.group_channels() * self.shape[2]
    }

    /// Groups of one sample that a task works on together.
    fn task_groups(&self) -> usize {
        (4 * BLOCK / self.run().max(1)).clamp(1, self.groups)
    }

    fn check(&self, tensors: &[&[T]], statistics: &[&[T]], vectors: &[&[T]]) {
        let [batch, channels, inner] = self.shape;
        assert!(
            self.groups > 0 && channels.is_multiple_of(self.groups),
            "the groups must divide the channels"
        );
        for tensor in tensors {
            assert_eq!(
                tensor.len(),
                batch * channels * inner,
                "a tensor's length must be batch * channels * inner"
            );
        }
        for statistic in statistics {
            assert_eq!(statistic.len(), batch * self.groups, "statistics must have batch * groups elements");
        }
        for vector in vectors.iter().copied().chain(self.gamma).chain(self.beta) {
            assert_eq!(vector.len(), channels, "a vector must have one element per channel");
        }
    }

    /// Cuts the output into blocks of groups and runs `body(place, piece)` for each; `first` and `second` have `each`
    /// elements for a full block.
    fn for_each_task(
        &self,
        output: &mut [T],
        first: &mut [T],
        second: &mut [T],
        each: usize,
        body: impl Fn(Place, &mut Piece<'_, T>) + Sync,
    ) {
        if output.is_empty() {
            first.fill(T::ZERO);
            return second.fill(T::ZERO);
        }
        let (work, batch) = (2 * output.len(), self.shape[0]);
        let (sample, block) = (output.len() / batch, self.task_groups() * self.run());
        let (firsts, seconds) = (first.len() / batch, second.len() / batch);
        let samples = output.chunks_mut(sample).zip(first.chunks_mut(firsts).zip(second.chunks_mut(seconds)));
        let mut pieces = Vec::with_capacity(batch * sample.div_ceil(block));
        for (index, (output, (first, second))) in samples.enumerate() {
            let vectors = first.chunks_mut(each).zip(second.chunks_mut(each));
            for (task, (output, (first, second))) in output.chunks_mut(block).zip(vectors).enumerate() {
                let place =
                    Place { start: index * sample + task * block, channel: task * block / self.shape[2] };
                pieces.push((place, Piece { output, first, second }));
            }
        }
        in_chunks(work, &mut pieces, (4 * BLOCK / block).max(1), |_, pieces| {
            pieces.iter_mut().for_each(|(place, piece)| body(*place, piece));
        });
    }

    /// Calls `body(first_column, coefficients)` for the tiles of a block of groups; columns count from its start.
    fn for_each_tile(
        &self,
        place: Place,
        mean: &[T],
        inverse_std: &[T],
        length: usize,
        mut body: impl FnMut(usize, &Coefficients<T>),
    ) {
        let [gamma, beta] =
            [self.gamma, self.beta].map(|vector| vector.map(|vector| &vector[place.channel..]));
        for first in (0..length).step_by(TILE) {
            let width = TILE.min(length - first);
            let group = |group: usize| [mean[group], inverse_std[group], T::ZERO];
            let mut tile = Coefficients::spread(first, width, self.run(), group);
            tile.affine(first, self.shape[2], gamma, beta);
            body(first, &tile);
        }
    }
}

/// Mean and inverse standard deviation of a run.
fn statistics<T: Float>(x: &[T], epsilon: f64) -> [T; 2] {
    let count = x.len() as f64;
    let exact = term_sum(Term::First, x, x) / count;
    let mean = T::of(exact);
    // The mean was rounded before it was subtracted.
    let rounding = exact - mean.double();
    let variance = (squared_deviations(x, mean) / count - rounding * rounding).larger(0.0);
    [mean, T::of(1.0 / (variance + epsilon).sqrt())]
}
