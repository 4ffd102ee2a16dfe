//! Loops down the columns of a matrix that normalisation is made of.
//!
//! A tensor `[batch, channels, inner]` is a matrix of `batch` rows and `channels * inner` columns. All loops run
//! along a tile of columns, row by row, so one channel of 32x32 pixels and 256 channels of one value are equally fast.
use crate::dispatch::vectorised;
use crate::float::Float;
use std::marker::PhantomData;
use std::ops::Range;

/// Columns worked on at a time: their coefficients and running sums stay in a first-level cache.
pub(crate) const TILE: usize = 512;
/// Rows added up in the element's precision before they go to a double-precision total.
const ROWS: usize = 64;

/// A matrix whose columns are written by several tasks at once.
pub(crate) struct Columns<'a, T> {
    start: *mut T,
    length: usize,
    stride: usize,
    owner: PhantomData<&'a mut [T]>,
}

// SAFETY: the pointer is only used by `piece`, whose callers promise disjoint pieces.
unsafe impl<T: Send> Sync for Columns<'_, T> {}

impl<'a, T> Columns<'a, T> {
    /// The matrix with rows of `stride` elements in `data`.
    pub(crate) fn new(data: &'a mut [T], stride: usize) -> Self {
        Columns { start: data.as_mut_ptr(), length: data.len(), stride, owner: PhantomData }
    }

    /// `width` elements of a row from column `first` on.
    ///
    /// # Safety
    /// No other piece that is alive may overlap this one.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn piece(&self, row: usize, first: usize, width: usize) -> &mut [T] {
        let offset = row * self.stride + first;
        assert!(offset + width <= self.length, "a piece must lie inside its matrix");
        // SAFETY: inside the slice borrowed by `new`; the caller promises that nobody else has these elements.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(offset), width) }
    }
}

/// What the columns of one tile are normalised with: `z = (x - mean) * scale + offset`.
pub(crate) struct Coefficients<T> {
    mean: [T; TILE],
    scale: [T; TILE],
    offset: [T; TILE],
    width: usize,
}

impl<T: Float> Coefficients<T> {
    /// The coefficients of the columns from `first` on; `channel(c)` gives mean, scale and offset of a channel, which
    /// has `inner` columns.
    #[inline(always)]
    pub(crate) fn spread(
        first: usize,
        width: usize,
        inner: usize,
        channel: impl Fn(usize) -> [T; 3],
    ) -> Self {
        let (mean, scale, offset) = ([T::ZERO; TILE], [T::ZERO; TILE], [T::ZERO; TILE]);
        let mut all = Coefficients { mean, scale, offset, width };
        if inner == 1 {
            let columns =
                all.mean[..width].iter_mut().zip(&mut all.scale[..width]).zip(&mut all.offset[..width]);
            for (((mean, scale), offset), c) in columns.zip(first..) {
                [*mean, *scale, *offset] = channel(c);
            }
            return all;
        }
        for_each_channel(first, width, inner, |c, columns| {
            let [mean, scale, offset] = channel(c);
            all.mean[columns.clone()].fill(mean);
            all.scale[columns.clone()].fill(scale);
            all.offset[columns].fill(offset);
        });
        all
    }

    /// Multiplies the scales by `gamma` and sets the offsets to `beta`, which have one value per `inner` columns.
    #[inline(always)]
    pub(crate) fn affine(&mut self, first: usize, inner: usize, gamma: Option<&[T]>, beta: Option<&[T]>) {
        let width = self.width;
        if let Some(gamma) = gamma {
            if inner == 1 {
                self.scale[..width]
                    .iter_mut()
                    .zip(&gamma[first..])
                    .for_each(|(scale, &gamma)| *scale *= gamma);
            } else {
                for_each_channel(first, width, inner, |c, columns| {
                    self.scale[columns].iter_mut().for_each(|scale| *scale *= gamma[c]);
                });
            }
        }
        if let Some(beta) = beta {
            if inner == 1 {
                self.offset[..width].copy_from_slice(&beta[first..first + width]);
            } else {
                for_each_channel(first, width, inner, |c, columns| self.offset[columns].fill(beta[c]));
            }
        }
    }
}

/// Calls `body(channel, columns)` for every channel in a tile; columns count from the start of the tile.
#[inline(always)]
pub(crate) fn for_each_channel(
    first: usize,
    width: usize,
    inner: usize,
    mut body: impl FnMut(usize, Range<usize>),
) {
    let (mut start, mut channel) = (0, first / inner);
    while start < width {
        let end = ((channel + 1) * inner - first).min(width);
        body(channel, start..end);
        (start, channel) = (end, channel + 1);
    }
}

/// Adds the columns of a tile to the pairs of sums of their channels, `sums[0]` being those of channel `first_channel`.
#[inline(always)]
pub(crate) fn gather(
    first: usize,
    inner: usize,
    first_channel: usize,
    [totals, products]: [&[f64]; 2],
    sums: &mut [[f64; 2]],
) {
    if inner == 1 {
        let columns = totals.iter().zip(products);
        for (sum, (total, product)) in sums[first - first_channel..].iter_mut().zip(columns) {
            *sum = [sum[0] + total, sum[1] + product];
        }
        return;
    }
    for_each_channel(first, totals.len(), inner, |c, columns| {
        let sum = &mut sums[c - first_channel];
        sum[0] += sum_of(&totals[columns.clone()]);
        sum[1] += sum_of(&products[columns]);
    });
}

/// A sum in eight lanes: one lane would wait for every addition.
#[inline(always)]
fn sum_of(values: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let chunks = values.chunks_exact(8);
    let rest: f64 = chunks.remainder().iter().sum();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += value;
        }
    }
    lanes.iter().sum::<f64>() + rest
}

/// Where a tile lies: in `count` rows that start `stride` elements apart, from column `first` on.
#[derive(Clone, Copy)]
pub(crate) struct Rows {
    pub(crate) count: usize,
    pub(crate) stride: usize,
    pub(crate) first: usize,
}

impl Rows {
    /// The `width` elements of one row that belong to the tile.
    #[inline(always)]
    pub(crate) fn part<T>(self, data: &[T], row: usize, width: usize) -> &[T] {
        let start = row * self.stride + self.first;
        &data[start..start + width]
    }
}

vectorised! {
    /// Sums over all rows of `x - shift` and of its square, for the columns from `first` on.
    pub(crate) fn moments<T: Float>(
        x: &[T], rows: Rows, shift: &[T], totals: &mut [f64], squares: &mut [f64],
    ) {
        let width = shift.len();
        let part = |row: usize| rows.part(x, row, width);
        let mut row = 0;
        while row < rows.count {
            let last = (row + ROWS).min(rows.count);
            let (mut sums, mut powers) = ([T::ZERO; TILE], [T::ZERO; TILE]);
            let (sums, powers) = (&mut sums[..width], &mut powers[..width]);
            while row + 4 <= last {
                let values = part(row).iter().zip(part(row + 1)).zip(part(row + 2).iter().zip(part(row + 3)));
                let both = sums.iter_mut().zip(powers.iter_mut()).zip(shift);
                for (((sum, power), &shift), ((&a, &b), (&c, &d))) in both.zip(values) {
                    let (a, b, c, d) = (a - shift, b - shift, c - shift, d - shift);
                    *sum += (a + b) + (c + d);
                    *power += (a * a + b * b) + (c * c + d * d);
                }
                row += 4;
            }
            while row < last {
                for (((sum, power), &shift), &x) in sums.iter_mut().zip(powers.iter_mut()).zip(shift).zip(part(row)) {
                    *sum += x - shift;
                    *power += (x - shift) * (x - shift);
                }
                row += 1;
            }
            collect(sums, totals);
            collect(powers, squares);
        }
    }
}

#[inline(always)]
fn collect<T: Float>(sums: &[T], totals: &mut [f64]) {
    for (total, sum) in totals.iter_mut().zip(sums) {
        *total += sum.double();
    }
}

vectorised! {
    /// `y = activation((x - mean) * scale + offset)` for the columns from `first` on.
    pub(crate) fn normalize_tile<T: Float>(
        x: &[T], rows: Rows, tile: &Coefficients<T>, slope: T, y: &Columns<'_, T>,
    ) {
        let width = tile.width;
        for row in 0..rows.count {
            // SAFETY: the columns of this tile belong to the calling task alone.
            let y = unsafe { y.piece(row, rows.first, width) };
            let coefficients = tile.mean[..width].iter().zip(&tile.scale[..width]).zip(&tile.offset[..width]);
            let values = y.iter_mut().zip(rows.part(x, row, width));
            for ((y, &x), ((&mean, &scale), &offset)) in values.zip(coefficients) {
                let z = (x - mean) * scale + offset;
                *y = if z > T::ZERO { z } else { slope * z };
            }
        }
    }
}

vectorised! {
    /// Sums over all rows of `dz` and of `dz (x - mean)`, where `dz` is the gradient before the activation.
    pub(crate) fn gradient_sums<T: Float>(
        x: &[T], upstream: &[T], rows: Rows, tile: &Coefficients<T>, slope: T,
        totals: &mut [f64], products: &mut [f64],
    ) {
        let width = tile.width;
        let part = |row: usize| {
            rows.part(x, row, width).iter().zip(rows.part(upstream, row, width))
        };
        let pair = |x: T, g: T, mean: T, scale: T, offset: T| {
            let centred = x - mean;
            let dz = if centred * scale + offset > T::ZERO { g } else { slope * g };
            (dz, dz * centred)
        };
        let mut row = 0;
        while row < rows.count {
            let last = (row + ROWS).min(rows.count);
            let (mut sums, mut sums_of_products) = ([T::ZERO; TILE], [T::ZERO; TILE]);
            let (sums, sums_of_products) = (&mut sums[..width], &mut sums_of_products[..width]);
            while row < last {
                let coefficients = tile.mean[..width].iter().zip(&tile.scale[..width]).zip(&tile.offset[..width]);
                let both = sums.iter_mut().zip(sums_of_products.iter_mut()).zip(coefficients);
                if row + 2 <= last {
                    for ((both, ((&m, &s), &o)), ((&x0, &g0), (&x1, &g1))) in both.zip(part(row).zip(part(row + 1))) {
                        let ((d0, p0), (d1, p1)) = (pair(x0, g0, m, s, o), pair(x1, g1, m, s, o));
                        *both.0 += d0 + d1;
                        *both.1 += p0 + p1;
                    }
                    row += 2;
                } else {
                    for ((both, ((&m, &s), &o)), (&x, &g)) in both.zip(part(row)) {
                        let (dz, product) = pair(x, g, m, s, o);
                        *both.0 += dz;
                        *both.1 += product;
                    }
                    row += 1;
                }
            }
            collect(sums, totals);
            collect(sums_of_products, products);
        }
    }
}

vectorised! {
    /// `dx = scale dz - constant - linear (x - mean)`.
    pub(crate) fn gradient_tile<T: Float>(
        x: &[T], upstream: &[T], rows: Rows, tile: &Coefficients<T>, slope: T,
        constant: &[T], linear: &[T], dx: &Columns<'_, T>,
    ) {
        let width = tile.width;
        for row in 0..rows.count {
            // SAFETY: the columns of this tile belong to the calling task alone.
            let dx = unsafe { dx.piece(row, rows.first, width) };
            let coefficients = tile.mean[..width].iter().zip(&tile.scale[..width]).zip(&tile.offset[..width]);
            let values =
                rows.part(x, row, width).iter().zip(rows.part(upstream, row, width));
            let rest = constant[..width].iter().zip(&linear[..width]);
            for (((dx, (&x, &g)), ((&mean, &scale), &offset)), (&constant, &linear)) in
                dx.iter_mut().zip(values).zip(coefficients).zip(rest)
            {
                let centred = x - mean;
                let dz = if centred * scale + offset > T::ZERO { g } else { slope * g };
                *dx = scale * dz - constant - linear * centred;
            }
        }
    }
}
