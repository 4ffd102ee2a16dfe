//! Real samples beside what a system makes of them.

use brigand_autograd::Variable;
use candle_core::{Device, Tensor};

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::pictures::Picture;
use crate::sampling::{Backdrop, evenly_chosen};
use brigand_core::batch::{Batch, SampleKind, SampleShape};
use brigand_core::capability::Sampler;
use brigand_core::system::System;

/// At most `count` samples of `data`, evenly chosen: the same ones whatever is done with them.
///
/// # Errors
/// If they cannot be brought to `device`.
pub fn examples(data: &Dataset, count: usize, device: &Device) -> Result<Batch> {
    let batch = data.get(&evenly_chosen(data.len(), count))?;
    let samples = Tensor::from_vec(batch.values, batch.shape, &Device::Cpu)?.to_device(device)?;
    let samples = Batch::of(Variable::constant(samples));
    Ok(match batch.labels {
        Some(labels) => samples.labelled(labels),
        None => samples,
    })
}

/// Samples, and the same ones made again.
#[derive(Clone, Debug)]
pub struct Reconstruction {
    /// As they are, `[n, sample...]`.
    pub samples: Variable,
    /// As the system makes them, `[n, sample...]`.
    pub rebuilt: Variable,
}

/// `real` samples as `system` makes them again, if it can.
///
/// # Errors
/// If the samples are of another shape than the system's, or it needs their classes and there are none.
pub fn reconstruct(system: &dyn System, real: &Batch) -> Result<Option<Reconstruction>> {
    let samples = real.samples()?;
    if let Some(sampler) = system.as_sampler() {
        check_shape(sampler, samples)?;
    }
    let rebuilt = system.reconstruct(real)?;
    Ok(rebuilt.map(|rebuilt| Reconstruction { samples: samples.clone(), rebuilt }))
}

/// Refuses samples that the sampler could not have made.
pub(super) fn check_shape(sampler: &dyn Sampler, samples: &Variable) -> Result<()> {
    let own = sampler.sample_shape().dims();
    let given = samples.shape().get(1..).unwrap_or_default();
    if given == own {
        return Ok(());
    }
    Err(Error::Request(format!(
        "samples of shape {given:?} cannot be rebuilt by a system whose samples have shape {own:?}; give data of that \
         shape"
    )))
}

impl Reconstruction {
    /// The mean squared error of each sample; see [`Reconstruction::signal_to_noise`] for its scale.
    pub fn errors(&self) -> Result<Vec<f64>> {
        squared_errors(&self.samples, &self.rebuilt)
    }

    /// The peak signal-to-noise ratio of a mean squared error of values in [-1, 1], in decibels.
    pub fn signal_to_noise(error: f64) -> f64 {
        10.0 * (4.0 / error).log10()
    }

    /// Images in pairs of rows, real above rebuilt, `columns` wide (a short last row is filled with black); of points
    /// the rebuilt ones over the real data.
    ///
    /// # Errors
    /// If they cannot be drawn.
    pub fn draw(&self, backdrop: &Backdrop, columns: usize, caption: &str) -> Result<Picture> {
        let shape = SampleShape::of(self.samples.shape().get(1..).unwrap_or_default())?;
        if shape.kind() == SampleKind::Points {
            return backdrop.draw(&self.rebuilt.to_vec_f32()?, self.rebuilt.shape(), None, caption);
        }
        let (real, rebuilt) = (self.samples.to_vec_f32()?, self.rebuilt.to_vec_f32()?);
        let size = shape.elements();
        let tiles = in_pairs(&real, &rebuilt, size, columns);
        let shape = [&[tiles.len() / size.max(1)], shape.dims().as_slice()].concat();
        backdrop.draw(&tiles, &shape, Some(columns), caption)
    }
}

/// Rows of `columns` samples of `size` numbers, a row of `real` above one of `rebuilt`.
fn in_pairs(real: &[f32], rebuilt: &[f32], size: usize, columns: usize) -> Vec<f32> {
    let row = (size * columns).max(1);
    let mut tiles = Vec::with_capacity(2 * real.len());
    for (above, below) in real.chunks(row).zip(rebuilt.chunks(row)) {
        for part in [above, below] {
            tiles.extend_from_slice(part);
            tiles.resize(tiles.len().next_multiple_of(row), -1.0);
        }
    }
    tiles
}

/// The mean squared difference of each sample of two sets, `[n, sample...]`.
pub(super) fn squared_errors(one: &Variable, other: &Variable) -> Result<Vec<f64>> {
    Ok(one.sub(other)?.square()?.flatten_from_second()?.mean(&[1])?.to_vec()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_rows_are_above_rebuilt_ones() {
        let tiles = in_pairs(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0], 1, 2);
        assert_eq!(tiles, [1.0, 2.0, 4.0, 5.0, 3.0, -1.0, 6.0, -1.0]);
    }

    #[test]
    fn errors_are_means_over_a_sample() {
        let set = |values: &[f32]| Variable::from_slice(values, &[2, 1, 1, 2]).unwrap();
        let errors = squared_errors(&set(&[1.0, 0.0, 0.5, 0.5]), &set(&[-1.0, 0.0, 0.5, 0.5])).unwrap();
        assert_eq!(errors, [2.0, 0.0]);
        assert!((Reconstruction::signal_to_noise(0.04) - 20.0).abs() < 1e-12);
    }
}
