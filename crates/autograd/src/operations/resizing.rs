//! Resizing of images `[batch, channels, height, width]`.

use candle_core::Tensor;

use crate::error::{Result, element_count, shape_error};
use crate::variable::Variable;

use super::blocks::{Blocks, block_spread};

impl Variable {
    /// Nearest-neighbour resizing to `height` x `width`: source index `floor(i * from / to)`.
    ///
    /// # Errors
    /// If this is no image, or it or the result is empty.
    pub fn resize_nearest(&self, height: usize, width: usize) -> Result<Variable> {
        let operation = "resize_nearest";
        let (batch, channels, from_height, from_width) = self.dims4(operation)?;
        refuse_empty(operation, self, [height, width])?;
        if height.is_multiple_of(from_height) && width.is_multiple_of(from_width) {
            let block = [height / from_height, width / from_width];
            let (rows, columns) = (from_height, from_width);
            let blocks = Blocks { planes: batch * channels, rows, columns, block, factor: 1.0 };
            return block_spread(self, blocks)?.reshape(&[batch, channels, height, width]);
        }
        let pick = |from: usize, to: usize| (0..to).map(|i| (i * from / to) as u32).collect::<Vec<_>>();
        self.index_select(2, &pick(from_height, height))?.index_select(3, &pick(from_width, width))
    }

    /// Bilinear resizing to `height` x `width`, pixel centres at half integers, no antialiasing
    /// (PyTorch's `interpolate(mode="bilinear", align_corners=False)`).
    ///
    /// # Errors
    /// If this is no image, or it or the result is empty.
    pub fn resize_bilinear(&self, height: usize, width: usize) -> Result<Variable> {
        let shares = |from: usize, to: usize, at: usize| {
            let centre = ((at as f64 + 0.5) * from as f64 / to as f64 - 0.5).max(0.0);
            let low = (centre.floor() as usize).min(from - 1);
            let share = (centre - low as f64).min(1.0);
            vec![(low, 1.0 - share), ((low + 1).min(from - 1), share)]
        };
        self.resample("resize_bilinear", [height, width], shares)
    }

    /// Resizes `[batch, channels, height, width]` with a triangle filter: bilinear where a side grows; where it shrinks, the
    /// filter is as much wider as the side shrinks, so that every old pixel counts (half-pixel centres, weights of a new
    /// pixel sum to 1: `antialias=True` of other libraries).
    ///
    /// # Errors
    /// If the image or the new size is empty.
    pub fn resize_antialiased(&self, height: usize, width: usize) -> Result<Variable> {
        let shares = |from: usize, to: usize, at: usize| {
            let reach = (from as f64 / to as f64).max(1.0);
            let centre = (at as f64 + 0.5) * from as f64 / to as f64 - 0.5;
            let (first, last) = ((centre - reach).ceil().max(0.0), (centre + reach).floor());
            let places = first as usize..=(last.max(0.0) as usize).min(from - 1);
            let shares: Vec<(usize, f64)> =
                places.map(|place| (place, (1.0 - (place as f64 - centre).abs() / reach).max(0.0))).collect();
            let sum: f64 = shares.iter().map(|(_, share)| share).sum();
            shares.into_iter().map(|(place, share)| (place, share / sum)).collect()
        };
        self.resample("resize_antialiased", [height, width], shares)
    }

    /// Every pixel of the result as a weighted sum: `weights(from, to, at)` lists the places and weights along one
    /// dimension that pixel `at` of `to` is made of.
    pub(super) fn resample(
        &self,
        operation: &'static str,
        [height, width]: [usize; 2],
        weights: impl Fn(usize, usize, usize) -> Vec<(usize, f64)>,
    ) -> Result<Variable> {
        let (batch, channels, from_height, from_width) = self.dims4(operation)?;
        refuse_empty(operation, self, [height, width])?;
        if let Some(single) = self.single()? {
            return single.resample(operation, [height, width], weights)?.to_dtype(self.dtype());
        }
        let matrix = |from: usize, to: usize| {
            let mut matrix = vec![0.0; from * to];
            for (at, row) in matrix.chunks_mut(from).enumerate() {
                weights(from, to, at).into_iter().for_each(|(place, weight)| row[place] += weight);
            }
            Ok::<_, crate::Error>(Variable::constant(
                Tensor::from_vec(matrix, (to, from), self.device())?.to_dtype(self.dtype())?,
            ))
        };
        let (down, across) = (matrix(from_height, height)?, matrix(from_width, width)?.transposed()?);
        let rows = self.reshape(&[batch * channels * from_height, from_width])?.matmul(&across)?;
        let planes = rows.reshape(&[batch * channels, from_height, width])?;
        down.matmul(&planes)?.reshape(&[batch, channels, height, width])
    }
}

fn refuse_empty(operation: &'static str, image: &Variable, [height, width]: [usize; 2]) -> Result<()> {
    if image.elements() == 0 || height == 0 || width == 0 {
        let reason = format!("cannot resize {:?} to {height} x {width}", image.shape());
        return Err(shape_error(operation, reason));
    }
    let (batch, channels, from_height, from_width) = image.dims4(operation)?;
    element_count(operation, &[height, from_height])?;
    element_count(operation, &[width, from_width])?;
    element_count(operation, &[batch, channels, height.max(from_height), width]).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 4 to 2: the filter reaches 2 pixels, so the first new pixel has shares 0.75, 0.75, 0.25 of 1.75.
    #[test]
    fn shrinking_counts_every_pixel_and_growing_is_bilinear() {
        let row = Variable::from_slice(&[7.0_f32, 14.0, 0.0, 21.0], &[1, 1, 1, 4]).unwrap();
        let small = row.resize_antialiased(1, 2).unwrap().to_vec_f32().unwrap();
        assert!(
            (small[0] - 9.0).abs() < 1e-5 && (small[1] - (21.0 * 3.0 + 14.0) / 7.0).abs() < 1e-5,
            "{small:?}"
        );
        let large = |of: Result<Variable>| of.unwrap().to_vec_f32().unwrap();
        for size in [4, 5, 11] {
            let (own, bilinear) =
                (large(row.resize_antialiased(3, size)), large(row.resize_bilinear(3, size)));
            assert!(own.iter().zip(&bilinear).all(|(a, b)| (a - b).abs() < 1e-5), "{own:?} {bilinear:?}");
        }
    }
}
