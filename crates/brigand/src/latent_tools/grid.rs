//! Latents whose samples make a picture.

use brigand_autograd::Variable;
use candle_core::{Device, Tensor};

use crate::error::{Error, Result};
use crate::pictures::Picture;
use crate::sampling::{Backdrop, check_count};
use brigand_core::capability::Sampler;

/// Latents whose samples are shown row by row.
#[derive(Clone, Debug)]
pub struct LatentGrid {
    /// `[rows * columns, size]`, row by row.
    pub latents: Variable,
    /// Samples in a row.
    pub columns: usize,
}

impl LatentGrid {
    /// Takes latents one by one, row by row.
    ///
    /// # Errors
    /// If there are none, they do not fill the rows, or they are of different sizes.
    pub fn new(latents: &[Vec<f32>], columns: usize, device: &Device) -> Result<Self> {
        if latents.is_empty() || columns == 0 || !latents.len().is_multiple_of(columns) {
            return Err(Error::Request(format!(
                "{} latents do not make whole rows of {columns}; ask for at least one row and one column",
                latents.len()
            )));
        }
        Ok(Self { latents: to_variable(latents, device)?, columns })
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.latents.shape().first().map_or(0, |count| count / self.columns.max(1))
    }

    /// The samples, `[rows * columns, sample...]`, row by row.
    ///
    /// # Errors
    /// If they would not fit into memory, or the latents are not the system's.
    pub fn samples(&self, sampler: &dyn Sampler) -> Result<Variable> {
        sampler.space().check(&self.latents)?;
        check_count(self.rows() * self.columns, sampler.sample_shape())?;
        sampler.generate_all(&self.latents)
    }

    /// The picture of the samples.
    ///
    /// # Errors
    /// As [`LatentGrid::samples`], and if they cannot be drawn.
    pub fn draw(&self, sampler: &dyn Sampler, backdrop: &Backdrop, caption: &str) -> Result<Picture> {
        let samples = self.samples(sampler)?;
        backdrop.draw(&samples.to_vec_f32()?, samples.shape(), Some(self.columns), caption)
    }
}

/// Latents `[count, size]` as numbers, one by one.
pub(super) fn to_rows(latents: &Variable) -> Result<Vec<Vec<f32>>> {
    let size = latents.shape().iter().skip(1).product::<usize>().max(1);
    Ok(latents.to_vec_f32()?.chunks(size).map(<[f32]>::to_vec).collect())
}

/// Latents one by one as `[count, size]`.
pub(super) fn to_variable(rows: &[Vec<f32>], device: &Device) -> Result<Variable> {
    let size = rows.first().map_or(0, Vec::len);
    if rows.iter().any(|row| row.len() != size) {
        return Err(Error::Request("latents of different sizes cannot be shown together".into()));
    }
    let tensor = Tensor::from_vec(rows.concat(), (rows.len(), size), &Device::Cpu)?.to_device(device)?;
    Ok(Variable::constant(tensor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latents_come_back_as_they_went_in() {
        let rows = vec![vec![1.0, 2.0, 3.0], vec![4.0, 5.0, 6.0]];
        let grid = LatentGrid::new(&rows, 1, &Device::Cpu).unwrap();
        assert_eq!((grid.rows(), grid.latents.shape()), (2, &[2, 3][..]));
        assert_eq!(to_rows(&grid.latents).unwrap(), rows);
    }

    #[test]
    fn what_makes_no_grid_is_refused() {
        let refusal = |rows: &[Vec<f32>], columns| {
            LatentGrid::new(rows, columns, &Device::Cpu)
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default()
        };
        assert!(refusal(&[], 1).contains("0 latents"));
        assert!(
            refusal(&[vec![1.0], vec![2.0], vec![3.0]], 2).contains("3 latents do not make whole rows of 2")
        );
        assert!(refusal(&[vec![1.0], vec![2.0, 3.0]], 2).contains("different sizes"));
    }
}
