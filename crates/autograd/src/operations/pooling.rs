//! Pooling and resizing of images `[batch, channels, height, width]`.

use candle_core::{DType, Tensor};

use crate::error::{Result, shape_error};
use crate::variable::Variable;

use super::convolution::Sliding;

impl Variable {
    /// The mean of each window of side `kernel`, windows `stride` apart, after `padding` zeros on each
    /// side that count as elements.
    pub fn avg_pool2d(&self, kernel: usize, stride: usize, padding: usize) -> Result<Variable> {
        let (batch, channels, height, width) = self.dims4("avg_pool2d")?;
        if kernel == 0 || stride == 0 {
            return Err(shape_error("avg_pool2d", "kernel and stride must be at least 1"));
        }
        if kernel == stride && padding == 0 && height % kernel == 0 && width % kernel == 0 {
            let split = [batch * channels, height / kernel, kernel, width / kernel, kernel];
            let pooled = self.reshape(&split)?.mean(&[2, 4])?;
            return pooled.reshape(&[batch, channels, height / kernel, width / kernel]);
        }
        let weight = Variable::full(1.0 / (kernel * kernel) as f64, &[1, 1, kernel, kernel], self.dtype(), self.device())?;
        let planes = self.reshape(&[batch * channels, 1, height, width])?;
        let pooled = planes.conv2d(&weight, Sliding::new(stride, padding))?;
        let shape = [batch, channels, pooled.shape()[2], pooled.shape()[3]];
        pooled.reshape(&shape)
    }

    /// The largest element of each window of side `kernel`, windows `stride` apart, after `padding`
    /// on each side that never wins; among equals the first receives the gradient.
    pub fn max_pool2d(&self, kernel: usize, stride: usize, padding: usize) -> Result<Variable> {
        let (batch, channels, height, width) = self.dims4("max_pool2d")?;
        if kernel == 0 || stride == 0 || 2 * padding > kernel || height + 2 * padding < kernel || width + 2 * padding < kernel {
            let reason = format!("kernel {kernel}, stride {stride}, padding {padding} do not fit {:?}", self.shape());
            return Err(shape_error("max_pool2d", reason));
        }
        let (rows, columns) = ((height + 2 * padding - kernel) / stride + 1, (width + 2 * padding - kernel) / stride + 1);
        let planes = self.tensor().to_dtype(DType::F64)?.reshape((batch * channels, height * width))?.to_vec2::<f64>()?;
        let window = |at: usize, size: usize| (at * stride).saturating_sub(padding)..(at * stride + kernel - padding).min(size);
        let mut winners = Vec::with_capacity(batch * channels * rows * columns);
        for plane in &planes {
            for row in 0..rows {
                for column in 0..columns {
                    let (mut best, mut place) = (f64::NEG_INFINITY, None);
                    for y in window(row, height) {
                        for x in window(column, width) {
                            let value = plane[y * width + x];
                            // NaN wins, so that it is seen.
                            if place.is_none() || value > best || value.is_nan() {
                                (best, place) = (value, Some(y * width + x));
                            }
                        }
                    }
                    winners.push(place.unwrap_or(0) as u32);
                }
            }
        }
        let winners = Tensor::from_vec(winners, (batch * channels, rows * columns), self.device())?;
        self.reshape(&[batch * channels, height * width])?.gather(1, &winners)?.reshape(&[batch, channels, rows, columns])
    }

    /// Nearest-neighbour resizing to `height` x `width`: source index `floor(i * from / to)`.
    pub fn resize_nearest(&self, height: usize, width: usize) -> Result<Variable> {
        let (batch, channels, from_height, from_width) = self.dims4("resize_nearest")?;
        refuse_empty("resize_nearest", self, height, width)?;
        if height % from_height == 0 && width % from_width == 0 {
            let (down, across) = (height / from_height, width / from_width);
            let spread = [batch * channels, from_height, down, from_width, across];
            let single = self.reshape(&[batch * channels, from_height, 1, from_width, 1])?;
            return single.broadcast_to(&spread)?.reshape(&[batch, channels, height, width]);
        }
        let pick = |from: usize, to: usize| (0..to).map(|i| (i * from / to) as u32).collect::<Vec<_>>();
        self.index_select(2, &pick(from_height, height))?.index_select(3, &pick(from_width, width))
    }

    /// Bilinear resizing to `height` x `width`, pixel centres at half integers, no antialiasing
    /// (PyTorch's `interpolate(mode="bilinear", align_corners=False)`).
    pub fn resize_bilinear(&self, height: usize, width: usize) -> Result<Variable> {
        let (batch, channels, from_height, from_width) = self.dims4("resize_bilinear")?;
        refuse_empty("resize_bilinear", self, height, width)?;
        let down = self.interpolation(from_height, height)?;
        let across = self.interpolation(from_width, width)?.transposed()?;
        let planes = self.reshape(&[batch * channels * from_height, from_width])?.matmul(&across)?;
        let planes = planes.reshape(&[batch * channels, from_height, width])?;
        down.matmul(&planes)?.reshape(&[batch, channels, height, width])
    }

    /// The matrix `[to, from]` of linear interpolation weights.
    fn interpolation(&self, from: usize, to: usize) -> Result<Variable> {
        let mut weights = vec![0f64; from * to];
        for (row, weights) in weights.chunks_mut(from).enumerate() {
            let centre = ((row as f64 + 0.5) * from as f64 / to as f64 - 0.5).max(0.0);
            let low = (centre.floor() as usize).min(from - 1);
            let high = (low + 1).min(from - 1);
            let share = (centre - low as f64).min(1.0);
            weights[low] += 1.0 - share;
            weights[high] += share;
        }
        let matrix = Tensor::from_vec(weights, (to, from), self.device())?.to_dtype(self.dtype())?;
        Ok(Variable::constant(matrix))
    }
}

fn refuse_empty(operation: &'static str, image: &Variable, height: usize, width: usize) -> Result<()> {
    if image.elements() == 0 || height == 0 || width == 0 {
        let reason = format!("cannot resize {:?} to {height} x {width}", image.shape());
        return Err(shape_error(operation, reason));
    }
    Ok(())
}
