//! Mean and covariance of features, accumulated from batches.

use super::error::{EvaluationError, Result, refused};
use super::features::{Features, check_dimensions};
use brigand_linear_algebra::add_gram;

/// Rows multiplied at once.
const BLOCK: usize = 512;

/// Mean and covariance of a set of features: the Gaussian that FID compares.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    count: Option<u64>,
    mean: Vec<f64>,
    covariance: Vec<f64>,
}

impl Moments {
    /// Takes a mean `[d]` and a covariance, row-major `[d, d]`, of `count` samples; the count is unknown for
    /// statistics from files that do not record it.
    ///
    /// # Errors
    /// If the sizes differ, a number is not finite, or the covariance is not symmetric.
    pub fn new(mean: Vec<f64>, covariance: Vec<f64>, count: Option<u64>) -> Result<Self> {
        let width = mean.len();
        if width == 0 || covariance.len() != width * width {
            return refused(format!(
                "a mean of {width} features and a covariance of {} numbers do not belong together",
                covariance.len()
            ));
        }
        if let Some(value) = mean.iter().chain(&covariance).find(|value| !value.is_finite()) {
            return refused(format!("the mean or covariance holds {value}"));
        }
        let largest = covariance.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
        for (row, values) in covariance.chunks_exact(width).enumerate() {
            let mirrored = covariance.iter().skip(row).step_by(width);
            if let Some(column) =
                values.iter().zip(mirrored).position(|(a, b)| (a - b).abs() > 1e-6 * largest)
            {
                return refused(format!("the covariance is not symmetric at row {row}, column {column}"));
            }
        }
        Ok(Self { count, mean, covariance })
    }

    /// The moments of all rows of `features`.
    ///
    /// # Errors
    /// If there is only one.
    pub fn of(features: &Features) -> Result<Self> {
        let mut running = RunningMoments::new(features.dimensions());
        running.add(features)?;
        running.finish()
    }

    /// The moments of all samples of `parts` together.
    ///
    /// # Errors
    /// If there are none, their dimensions differ, or one does not record how many samples it is of.
    pub fn merged<'a>(parts: impl Iterator<Item = &'a Self> + Clone) -> Result<Self> {
        let Some(width) = parts.clone().next().map(Self::dimensions) else {
            return refused("there are no moments to put together");
        };
        let (mut total, mut mean) = (0, vec![0.0; width]);
        for part in parts.clone() {
            check_dimensions(width, part.dimensions())?;
            let Some(count) = part.count else {
                return refused("moments of an unknown number of samples cannot be put together with others");
            };
            total += count;
            mean.iter_mut().zip(&part.mean).for_each(|(sum, value)| *sum += count as f64 * value);
        }
        mean.iter_mut().for_each(|sum| *sum /= total as f64);
        let mut covariance = vec![0.0; width * width];
        for part in parts {
            let count = part.count.unwrap_or(0) as f64;
            let apart: Vec<f64> = part.mean.iter().zip(&mean).map(|(own, whole)| own - whole).collect();
            let rows = covariance.chunks_exact_mut(width).zip(part.covariance.chunks_exact(width));
            for ((sums, values), vertical) in rows.zip(&apart) {
                for ((sum, value), horizontal) in sums.iter_mut().zip(values).zip(&apart) {
                    *sum += (count - 1.0) * value + count * vertical * horizontal;
                }
            }
        }
        covariance.iter_mut().for_each(|sum| *sum /= total as f64 - 1.0);
        Self::new(mean, covariance, Some(total))
    }

    /// Of how many samples, if that is known.
    pub fn count(&self) -> Option<u64> {
        self.count
    }

    /// How many features each sample has.
    pub fn dimensions(&self) -> usize {
        self.mean.len()
    }

    /// The mean, `[d]`.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The covariance with divisor `n - 1`, row-major `[d, d]`.
    pub fn covariance(&self) -> &[f64] {
        &self.covariance
    }

    /// The sum of the variances.
    pub fn total_variance(&self) -> f64 {
        self.covariance.iter().step_by(self.dimensions() + 1).sum()
    }
}

/// Accumulates [`Moments`] from batches of any size in `O(d²)` memory.
///
/// Rows are gathered into blocks of 512 in the order they come, whatever batches they come in; sums are taken about
/// the mean of the first block, so that a large mean does not eat the digits of a small variance. The result is
/// therefore the same to the last bit for every batch size and every number of threads.
#[derive(Clone, Debug)]
pub struct RunningMoments {
    dimensions: usize,
    count: u64,
    /// Rows still waiting for their block to fill.
    block: Vec<f64>,
    /// What all rows are taken relative to; empty before the first block is full.
    origin: Vec<f64>,
    sum: Vec<f64>,
    /// Sum of outer products, upper triangle.
    products: Vec<f64>,
}

impl RunningMoments {
    /// Nothing yet, of samples with that many features.
    pub fn new(dimensions: usize) -> Self {
        Self {
            dimensions,
            count: 0,
            block: Vec::new(),
            origin: Vec::new(),
            sum: vec![0.0; dimensions],
            products: Vec::new(),
        }
    }

    /// How many rows have been added.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Adds every row of `batch`.
    ///
    /// # Errors
    /// If its rows have another width.
    pub fn add(&mut self, batch: &Features) -> Result<()> {
        check_dimensions(self.dimensions, batch.dimensions())?;
        let mut next = 0;
        while next < batch.count() {
            let room = BLOCK - self.block.len() / self.dimensions;
            let end = batch.count().min(next + room);
            self.block.extend_from_slice(&batch.rows(next..end));
            next = end;
            if self.block.len() == BLOCK * self.dimensions {
                self.absorb_block();
            }
        }
        self.count += batch.count() as u64;
        Ok(())
    }

    fn absorb_block(&mut self) {
        let width = self.dimensions;
        if self.origin.is_empty() {
            let rows = (self.block.len() / width) as f64;
            self.origin = column_sums(&self.block, width).into_iter().map(|sum| sum / rows).collect();
            self.products = vec![0.0; width * width];
        }
        for row in self.block.chunks_exact_mut(width) {
            row.iter_mut().zip(&self.origin).for_each(|(value, origin)| *value -= origin);
        }
        self.sum.iter_mut().zip(column_sums(&self.block, width)).for_each(|(sum, more)| *sum += more);
        add_gram(&self.block, width, &mut self.products);
        self.block.clear();
    }

    /// The moments of all rows added.
    ///
    /// # Errors
    /// If there are fewer than two.
    pub fn finish(mut self) -> Result<Moments> {
        if self.count < 2 {
            return Err(EvaluationError::Input(format!(
                "{} samples have no covariance; give at least 2, and thousands for a reliable one",
                self.count
            )));
        }
        if !self.block.is_empty() {
            self.absorb_block();
        }
        let (width, count) = (self.dimensions, self.count as f64);
        let offset: Vec<f64> = self.sum.iter().map(|sum| sum / count).collect();
        let mut covariance = self.products;
        for row in 0..width {
            for column in row..width {
                let about_origin = covariance[row * width + column];
                let value = (about_origin - count * offset[row] * offset[column]) / (count - 1.0);
                covariance[row * width + column] = value;
                covariance[column * width + row] = value;
            }
            // Rounding must not make the variance of a constant feature negative.
            let variance = &mut covariance[row * width + row];
            *variance = variance.max(0.0);
        }
        let mean = self.origin.iter().zip(&offset).map(|(origin, offset)| origin + offset).collect();
        Moments::new(mean, covariance, Some(self.count))
    }
}

fn column_sums(rows: &[f64], width: usize) -> Vec<f64> {
    let mut sums = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use brigand_core::random::Stream;

    fn draw(count: usize, width: usize) -> Vec<f32> {
        Stream::new(4, "moments", 0).normal(count * width)
    }

    #[test]
    fn moments_are_those_of_the_definition() {
        let x: Vec<f64> = draw(700, 3).iter().map(|&v| f64::from(v) * 2.0 + 1e6).collect();
        let found = Moments::of(&Features::new(x.clone(), 3).unwrap()).unwrap();
        let mean: Vec<f64> = (0..3).map(|c| x.iter().skip(c).step_by(3).sum::<f64>() / 700.0).collect();
        for a in 0..3 {
            assert!((found.mean()[a] - mean[a]).abs() < 1e-8);
            for b in 0..3 {
                let sum: f64 = x.chunks(3).map(|row| (row[a] - mean[a]) * (row[b] - mean[b])).sum();
                assert!((found.covariance()[a * 3 + b] - sum / 699.0).abs() < 1e-8);
            }
        }
        assert_eq!(found.count(), Some(700));
    }

    #[test]
    fn batches_do_not_change_a_bit() {
        let x = draw(1500, 5);
        let whole = Moments::of(&Features::new(x.clone(), 5).unwrap()).unwrap();
        for batch in [1, 7, 512, 513] {
            let mut running = RunningMoments::new(5);
            for rows in x.chunks(5 * batch) {
                running.add(&Features::new(rows.to_vec(), 5).unwrap()).unwrap();
            }
            assert_eq!(running.finish().unwrap(), whole, "batches of {batch}");
        }
    }

    #[test]
    fn what_has_no_covariance_is_refused() {
        let one = Features::new(vec![1.0_f32, 2.0], 2).unwrap();
        assert!(Moments::of(&one).unwrap_err().to_string().contains("1 samples have no covariance"));
        let mut running = RunningMoments::new(3);
        assert!(running.add(&one).unwrap_err().to_string().contains("3 features a sample and the other 2"));
        assert!(Moments::new(vec![0.0; 2], vec![0.0; 3], None).is_err());
        assert!(Moments::new(vec![0.0; 2], vec![1.0, 2.0, 3.0, 4.0], None).is_err());
        assert!(Moments::new(vec![0.0, f64::NAN], vec![1.0, 0.0, 0.0, 1.0], None).is_err());
    }
}
