//! Batch normalisation fused with a piecewise linear activation (Ioffe and Szegedy 2015, arXiv 1502.03167).
//!
//! A task owns the columns of a few channels (see `columns`): it adds them up, then writes the results while they are
//! still in its second-level cache.
use crate::columns::{
    Coefficients, Columns, Rows, TILE, for_each_channel, gather, gradient_sums, gradient_tile, moments,
    normalize_tile,
};
use crate::elementwise::{PARALLEL_FROM, in_chunks};
use crate::float::Float;
use crate::pool::parallel;

/// Columns a task owns at least, where there are as many: rows of 1 KiB in `f32`.
const TASK_COLUMNS: usize = 256;
/// Rows whose mean is subtracted before squaring. The error that remains when these rows are far from the others
/// grows with `batch / SHIFT_ROWS` only.
const SHIFT_ROWS: usize = 4;

/// Batch normalisation of tensors `[batch, channels, inner]`, over `batch` and `inner`, followed by a piecewise linear
/// activation: `z = gamma (x - mean) / sqrt(variance + epsilon) + beta`, `y = z` if `z > 0`, else `negative_slope z`.
///
/// # Panics
/// Every method panics when a length does not follow from the shape.
#[derive(Clone, Copy, Debug)]
pub struct BatchNormalization<'a, T> {
    /// `[batch, channels, inner]`; `inner` is height times width, or 1.
    pub shape: [usize; 3],
    /// One factor per channel; 1 if absent.
    pub gamma: Option<&'a [T]>,
    /// One offset per channel; 0 if absent.
    pub beta: Option<&'a [T]>,
    /// 1 for no activation, 0 for ReLU, the slope of a leaky ReLU
    /// ([`Activation::negative_slope`](crate::activation::Activation::negative_slope)).
    pub negative_slope: f64,
}

/// The slices one task of a batch normalisation writes, one element per channel of the task.
struct Piece<'a, T> {
    first: &'a mut [T],
    second: &'a mut [T],
    third: &'a mut [T],
}

impl<T: Float> BatchNormalization<'_, T> {
    /// Normalises with the statistics of `x` and writes them: the mean, `1 / sqrt(variance + epsilon)` and the biased
    /// variance (times `n / (n - 1)`, `n = batch * inner`, it is what running statistics average).
    pub fn forward(
        &self,
        x: &[T],
        epsilon: f64,
        y: &mut [T],
        mean: &mut [T],
        inverse_std: &mut [T],
        variance: &mut [T],
    ) {
        self.check(&[x, y], &[mean, inverse_std, variance]);
        let output = Columns::new(y, self.stride());
        self.for_each_task(mean, inverse_std, variance, |first, piece| {
            self.statistics(x, first, epsilon, piece);
            self.normalize_task(x, first, piece.first, piece.second, &output);
        });
    }

    /// Normalises with given statistics: the evaluation mode.
    pub fn normalize(&self, x: &[T], mean: &[T], inverse_std: &[T], y: &mut [T]) {
        self.check(&[x, y], &[mean, inverse_std]);
        let output = Columns::new(y, self.stride());
        let block = self.task_channels();
        let body = |task: usize| {
            let (first, last) = (task * block, (task * block + block).min(mean.len()));
            self.normalize_task(x, first, &mean[first..last], &inverse_std[first..last], &output);
        };
        let tasks = mean.len().div_ceil(block);
        if x.len() < PARALLEL_FROM { (0..tasks).for_each(body) } else { parallel(tasks, body) }
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
        self.check(&[x, upstream, dx], &[mean, inverse_std, dgamma, dbeta]);
        let output = Columns::new(dx, self.stride());
        self.for_each_task(dgamma, dbeta, &mut [], |first, piece| {
            self.backward_task(x, upstream, first, mean, inverse_std, piece, &output);
        });
    }

    fn stride(&self) -> usize {
        self.shape[1] * self.shape[2]
    }

    fn task_channels(&self) -> usize {
        (TASK_COLUMNS / self.shape[2].max(1)).max(1)
    }

    fn check(&self, tensors: &[&[T]], vectors: &[&[T]]) {
        let [batch, channels, inner] = self.shape;
        for tensor in tensors {
            assert_eq!(
                tensor.len(),
                batch * channels * inner,
                "a tensor's length must be batch * channels * inner"
            );
        }
        for vector in vectors.iter().copied().chain(self.gamma).chain(self.beta) {
            assert_eq!(vector.len(), channels, "a vector must have one element per channel");
        }
    }

    /// Runs `body(first_channel, piece)` for blocks of channels, on several threads when that pays.
    fn for_each_task<'b>(
        &self,
        first: &'b mut [T],
        second: &'b mut [T],
        third: &'b mut [T],
        body: impl Fn(usize, &mut Piece<'b, T>) + Sync,
    ) {
        let block = self.task_channels();
        let mut thirds = third.chunks_mut(block);
        let mut pieces: Vec<Piece<'b, T>> = first
            .chunks_mut(block)
            .zip(second.chunks_mut(block))
            .map(|(first, second)| Piece { first, second, third: thirds.next().unwrap_or_default() })
            .collect();
        in_chunks(2 * self.shape[0] * self.stride(), &mut pieces, 1, |task, pieces| {
            pieces.iter_mut().for_each(|piece| body(task * block, piece));
        });
    }

    /// Calls `body(first_column, width)` for the tiles of a task.
    fn for_each_tile(&self, first_channel: usize, channels: usize, mut body: impl FnMut(usize, usize)) {
        let (start, end) = (first_channel * self.shape[2], (first_channel + channels) * self.shape[2]);
        for first in (start..end).step_by(TILE) {
            body(first, TILE.min(end - first));
        }
    }

    /// Mean, inverse standard deviation and variance of a task's channels.
    fn statistics(&self, x: &[T], first_channel: usize, epsilon: f64, piece: &mut Piece<'_, T>) {
        let [batch, _, inner] = self.shape;
        let channels = piece.first.len();
        let count = (batch * inner).max(1) as f64;
        let shift_rows = batch.min(SHIFT_ROWS);
        let mut shifts = [T::ZERO; TASK_COLUMNS];
        let near = self.sums(x, first_channel, channels, shift_rows, &shifts);
        for (shift, [total, _]) in shifts.iter_mut().zip(near) {
            *shift = T::of(total / (shift_rows * inner).max(1) as f64);
        }
        let sums = self.sums(x, first_channel, channels, batch, &shifts);
        for c in 0..channels {
            let [total, square] = sums[c].map(|sum| sum / count);
            let variance = (square - total * total).larger(0.0);
            piece.first[c] = T::of(shifts[c].double() + total);
            piece.second[c] = T::of(1.0 / (variance + epsilon).sqrt());
            piece.third[c] = T::of(variance);
        }
    }

    /// For a task's channels, the sums of `x - shift` and of its square over the first rows.
    fn sums(
        &self,
        x: &[T],
        first_channel: usize,
        channels: usize,
        count: usize,
        shifts: &[T; TASK_COLUMNS],
    ) -> [[f64; 2]; TASK_COLUMNS] {
        let inner = self.shape[2];
        let mut sums = [[0.0; 2]; TASK_COLUMNS];
        self.for_each_tile(first_channel, channels, |first, width| {
            let mut shift = [T::ZERO; TILE];
            for_each_channel(first, width, inner, |c, columns| {
                shift[columns].fill(shifts[c - first_channel])
            });
            let (mut totals, mut squares) = ([0.0; TILE], [0.0; TILE]);
            let rows = Rows { count, stride: self.stride(), first };
            moments(x, rows, &shift[..width], &mut totals[..width], &mut squares[..width]);
            gather(first, inner, first_channel, [&totals[..width], &squares[..width]], &mut sums);
        });
        sums
    }

    /// Mean, scale and offset of a channel.
    #[inline(always)]
    fn channel(&self, channel: usize, mean: T, inverse_std: T) -> [T; 3] {
        let gamma = self.gamma.map_or(T::ONE, |gamma| gamma[channel]);
        [mean, gamma * inverse_std, self.beta.map_or(T::ZERO, |beta| beta[channel])]
    }

    fn normalize_task(
        &self,
        x: &[T],
        first_channel: usize,
        mean: &[T],
        inverse_std: &[T],
        y: &Columns<'_, T>,
    ) {
        let [batch, _, inner] = self.shape;
        self.for_each_tile(first_channel, mean.len(), |first, width| {
            let tile = Coefficients::spread(first, width, inner, |c| {
                self.channel(c, mean[c - first_channel], inverse_std[c - first_channel])
            });
            let rows = Rows { count: batch, stride: self.stride(), first };
            normalize_tile(x, rows, &tile, T::of(self.negative_slope), y);
        });
    }

    #[allow(clippy::too_many_arguments)]
    fn backward_task(
        &self,
        x: &[T],
        upstream: &[T],
        first_channel: usize,
        mean: &[T],
        inverse_std: &[T],
        piece: &mut Piece<'_, T>,
        dx: &Columns<'_, T>,
    ) {
        let [batch, _, inner] = self.shape;
        let (slope, channels) = (T::of(self.negative_slope), piece.first.len());
        let rows = |first| Rows { count: batch, stride: self.stride(), first };
        let spread = |first, width| {
            Coefficients::spread(first, width, inner, |c| self.channel(c, mean[c], inverse_std[c]))
        };
        let mut sums = [[0.0; 2]; TASK_COLUMNS];
        self.for_each_tile(first_channel, channels, |first, width| {
            let (mut totals, mut products) = ([0.0; TILE], [0.0; TILE]);
            gradient_sums(x, upstream, rows(first), &spread(first, width), slope, &mut totals, &mut products);
            gather(first, inner, first_channel, [&totals[..width], &products[..width]], &mut sums);
        });
        for (c, [total, product]) in (0..channels).zip(sums) {
            piece.first[c] = T::of(product * inverse_std[first_channel + c].double());
            piece.second[c] = T::of(total);
        }
        let count = (batch * inner).max(1) as f64;
        self.for_each_tile(first_channel, channels, |first, width| {
            let (mut constant, mut linear) = ([T::ZERO; TILE], [T::ZERO; TILE]);
            for_each_channel(first, width, inner, |c, columns| {
                let [mean_total, mean_product] = sums[c - first_channel].map(|sum| sum / count);
                let inverse_std = inverse_std[c].double();
                let scale = self.gamma.map_or(1.0, |gamma| gamma[c].double()) * inverse_std;
                constant[columns.clone()].fill(T::of(scale * mean_total));
                linear[columns].fill(T::of(scale * mean_product * inverse_std * inverse_std));
            });
            gradient_tile(x, upstream, rows(first), &spread(first, width), slope, &constant, &linear, dx);
        });
    }
}
