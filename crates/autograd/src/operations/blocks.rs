//! Sums over blocks of pixels and their transpose, the spreading of pixels over blocks: average pooling without
//! overlap, and nearest-neighbour enlarging by whole factors. Each is the other's derivative.

use brigand_kernels::pool::parallel_chunks;
use candle_core::Tensor;

use crate::buffer::{Real, has_kernels, tensor_of, with_slice};
use crate::dispatch;
use crate::error::Result;
use crate::variable::Variable;

use super::precision::in_single;

/// Rows of blocks: planes of `rows` x `columns` pixels, and `block` pixels (height, width) for each in the large image.
#[derive(Clone, Copy)]
pub(super) struct Blocks {
    pub(super) planes: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) block: [usize; 2],
    /// What every sum or copied pixel is multiplied by.
    pub(super) factor: f64,
}

impl Blocks {
    /// The sizes with every dimension of a block by itself.
    fn split(&self) -> [usize; 5] {
        [self.planes, self.rows, self.block[0], self.columns, self.block[1]]
    }

    fn large_row(&self) -> usize {
        self.columns * self.block[1]
    }

    fn large_plane(&self) -> usize {
        self.rows * self.block[0] * self.large_row()
    }
}

/// `factor` times the sum of each block: `[planes, rows, columns]` of the large image.
pub(super) fn block_sum(image: &Variable, blocks: Blocks) -> Result<Variable> {
    let x = image.tensor();
    let value = if has_kernels(x) {
        dispatch!(x, T => sum_values::<T>(x, blocks))?
    } else {
        in_single([x], |[x]| {
            let split = x.reshape(blocks.split().as_slice())?;
            Ok(split.sum(4)?.sum(2)?.affine(blocks.factor, 0.0)?)
        })?
    };
    let from = image.shape().to_vec();
    Ok(Variable::record("block_sum", value, &[image], &[], false, move |b| {
        Ok(vec![b.when(0, || block_spread(b.gradient, blocks)?.reshape(&from))?])
    }))
}

/// `factor` times each pixel, over its block: the large image `[planes, rows * block, columns * block]`.
pub(super) fn block_spread(image: &Variable, blocks: Blocks) -> Result<Variable> {
    let x = image.tensor();
    let Blocks { planes, rows, columns, block: [down, across], factor } = blocks;
    let value = if has_kernels(x) {
        dispatch!(x, T => spread_values::<T>(x, blocks))?
    } else {
        let single = x.affine(factor, 0.0)?.reshape((planes, rows, 1, columns, 1))?;
        let spread = single.broadcast_as(blocks.split().as_slice())?.contiguous()?;
        spread.reshape((planes, rows * down, columns * across))?
    };
    let from = image.shape().to_vec();
    Ok(Variable::record("block_spread", value, &[image], &[], false, move |b| {
        Ok(vec![b.when(0, || block_sum(b.gradient, blocks)?.reshape(&from))?])
    }))
}

fn sum_values<T: Real>(image: &Tensor, blocks: Blocks) -> Result<Tensor> {
    let Blocks { planes, rows, columns, block: [down, across], factor } = blocks;
    let (factor, small) = (T::of(factor), rows * columns);
    let mut result = vec![T::default(); planes * small];
    with_slice::<T, _>(image, |image| {
        parallel_chunks(&mut result, small, |plane, result| {
            let image = &image[plane * blocks.large_plane()..][..blocks.large_plane()];
            let bands = image.chunks_exact(down * blocks.large_row());
            for (sums, band) in result.chunks_exact_mut(columns).zip(bands) {
                for row in band.chunks_exact(blocks.large_row()) {
                    if across == 2 {
                        // The common size by itself: pairs become vector additions.
                        sums.iter_mut()
                            .zip(row.chunks_exact(2))
                            .for_each(|(sum, pair)| *sum += pair[0] + pair[1]);
                    } else {
                        let total = |pixels: &[T]| pixels.iter().fold(T::ZERO, |total, &pixel| total + pixel);
                        sums.iter_mut()
                            .zip(row.chunks_exact(across))
                            .for_each(|(sum, pixels)| *sum += total(pixels));
                    }
                }
                sums.iter_mut().for_each(|sum| *sum *= factor);
            }
        });
    })?;
    tensor_of(result, &[planes, rows, columns])
}

fn spread_values<T: Real>(image: &Tensor, blocks: Blocks) -> Result<Tensor> {
    let Blocks { planes, rows, columns, block: [down, across], factor } = blocks;
    let (factor, small) = (T::of(factor), rows * columns);
    let mut result = vec![T::default(); planes * blocks.large_plane()];
    with_slice::<T, _>(image, |image| {
        parallel_chunks(&mut result, blocks.large_plane(), |plane, result| {
            let image = &image[plane * small..][..small];
            let bands = result.chunks_exact_mut(down * blocks.large_row());
            for (pixels, band) in image.chunks_exact(columns).zip(bands) {
                let (first, others) = band.split_at_mut(blocks.large_row());
                if across == 2 {
                    first
                        .chunks_exact_mut(2)
                        .zip(pixels)
                        .for_each(|(pair, &pixel)| pair.fill(pixel * factor));
                } else {
                    first
                        .chunks_exact_mut(across)
                        .zip(pixels)
                        .for_each(|(run, &pixel)| run.fill(pixel * factor));
                }
                others.chunks_exact_mut(blocks.large_row()).for_each(|row| row.copy_from_slice(first));
            }
        });
    })?;
    tensor_of(result, &[planes, rows * down, columns * across])
}
