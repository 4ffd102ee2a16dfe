//! Pooling of images `[batch, channels, height, width]`.

use brigand_kernels::pool::parallel_chunks;
use candle_core::{DType, Tensor};

use crate::buffer::{Real, has_kernels, with_slice};
use crate::dispatch;
use crate::error::{Result, shape_error};
use crate::variable::Variable;

use super::blocks::{Blocks, block_sum};
use super::convolution::Sliding;

/// Windows of one side, equally far apart, over planes of one size.
#[derive(Clone, Copy)]
struct Windows {
    size: [usize; 2],
    kernel: usize,
    stride: usize,
    padding: usize,
}

impl Windows {
    /// An error if they do not fit, or would see padding only.
    fn check(&self, operation: &'static str) -> Result<()> {
        let Windows { size, kernel, stride, padding } = *self;
        let fits = |&size: &usize| size > 0 && size.saturating_add(padding.saturating_mul(2)) >= kernel;
        if kernel == 0 || stride == 0 || padding > kernel / 2 || !size.iter().all(fits) {
            let reason = format!(
                "kernel {kernel}, stride {stride}, padding {padding} do not fit images of {size:?}; \
                 padding may be half the kernel at most"
            );
            return Err(shape_error(operation, reason));
        }
        Ok(())
    }

    fn count(&self, axis: usize) -> usize {
        (self.size[axis] + 2 * self.padding - self.kernel) / self.stride + 1
    }

    /// The pixels of window `at` along `axis` that lie inside the image.
    fn inside(&self, axis: usize, at: usize) -> std::ops::Range<usize> {
        let start = at * self.stride;
        start.saturating_sub(self.padding)..(start + self.kernel - self.padding).min(self.size[axis])
    }
}

impl Variable {
    /// The mean of each window of side `kernel`, windows `stride` apart, after `padding` zeros on each
    /// side that count as elements.
    ///
    /// # Errors
    /// If this is no image, kernel or stride is 0, the kernel is larger than the padded image or the padding larger
    /// than half the kernel.
    pub fn avg_pool2d(&self, kernel: usize, stride: usize, padding: usize) -> Result<Variable> {
        let (batch, channels, height, width) = self.dims4("avg_pool2d")?;
        let windows = Windows { size: [height, width], kernel, stride, padding };
        windows.check("avg_pool2d")?;
        if let Some(single) = self.single()? {
            return single.avg_pool2d(kernel, stride, padding)?.to_dtype(self.dtype());
        }
        let shape = [batch, channels, windows.count(0), windows.count(1)];
        let (planes, factor) = (batch * channels, 1.0 / (kernel * kernel) as f64);
        if kernel == stride && padding == 0 && height.is_multiple_of(kernel) && width.is_multiple_of(kernel) {
            let blocks = Blocks { planes, rows: shape[2], columns: shape[3], block: [kernel; 2], factor };
            return block_sum(self, blocks)?.reshape(&shape);
        }
        let weight = Variable::full(factor, &[1, 1, kernel, kernel], self.dtype(), self.device())?;
        let planes = self.reshape(&[planes, 1, height, width])?;
        planes.conv2d(&weight, Sliding::new(stride, padding))?.reshape(&shape)
    }

    /// The means of `height` x `width` windows that cover the image as evenly as whole pixels allow: window `i` of
    /// `n` over `size` pixels is `floor(i size / n) .. ceil((i + 1) size / n)`.
    ///
    /// # Errors
    /// If this is no image, or it or the result is empty.
    pub fn adaptive_avg_pool2d(&self, height: usize, width: usize) -> Result<Variable> {
        let window = |from: usize, to: usize, at: usize| {
            let window = at * from / to..((at + 1) * from).div_ceil(to);
            let share = 1.0 / window.len() as f64;
            window.map(move |pixel| (pixel, share)).collect::<Vec<_>>()
        };
        self.resample("adaptive_avg_pool2d", [height, width], window)
    }

    /// The largest element of each window of side `kernel`, windows `stride` apart, after `padding`
    /// on each side that never wins; among equals the first receives the gradient.
    ///
    /// # Errors
    /// As [`Variable::avg_pool2d`].
    pub fn max_pool2d(&self, kernel: usize, stride: usize, padding: usize) -> Result<Variable> {
        let (batch, channels, height, width) = self.dims4("max_pool2d")?;
        let windows = Windows { size: [height, width], kernel, stride, padding };
        windows.check("max_pool2d")?;
        let x = self.tensor();
        let winners = if has_kernels(x) {
            dispatch!(x, T => with_slice::<T, _>(x, |x| winners(x, windows)))?
        } else {
            with_slice::<f64, _>(&x.to_dtype(DType::F64)?.to_device(&candle_core::Device::Cpu)?, |x| {
                winners(x, windows)
            })?
        };
        let (planes, pooled) = (batch * channels, windows.count(0) * windows.count(1));
        let winners = Tensor::from_vec(winners, (planes, pooled), self.device())?;
        let chosen = self.reshape(&[planes, height * width])?.gather(1, &winners)?;
        chosen.reshape(&[batch, channels, windows.count(0), windows.count(1)])
    }
}

/// For each window of each plane the place of its largest pixel in the plane.
fn winners<T: Real>(images: &[T], windows: Windows) -> Vec<u32> {
    let (size, pooled) = (windows.size[0] * windows.size[1], windows.count(0) * windows.count(1));
    let mut winners = vec![0; images.len() / size * pooled];
    parallel_chunks(&mut winners, pooled, |plane, winners| {
        let image = &images[plane * size..][..size];
        for (row, winners) in winners.chunks_exact_mut(windows.count(1)).enumerate() {
            for (column, winner) in winners.iter_mut().enumerate() {
                *winner = largest(image, windows, [row, column]) as u32;
            }
        }
    });
    winners
}

fn largest<T: Real>(image: &[T], windows: Windows, [row, column]: [usize; 2]) -> usize {
    let (width, columns) = (windows.size[1], windows.inside(1, column));
    let mut winner = windows.inside(0, row).start * width + columns.start;
    for y in windows.inside(0, row) {
        for (place, &pixel) in (y * width + columns.start..).zip(&image[y * width..][columns.clone()]) {
            // NaN wins, so that it is seen.
            if pixel > image[winner] || pixel.partial_cmp(&pixel).is_none() {
                winner = place;
            }
        }
    }
    winner
}
