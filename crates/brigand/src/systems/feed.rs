//! Real batches for training.

use brigand_autograd::Variable;
use candle_core::{Device, Tensor};

use crate::data::{Dataset, Sampler};
use crate::error::Result;
use crate::networks::SampleShape;

/// A batch of real samples.
pub struct RealBatch {
    /// `[batch, sample...]`, images in [-1, 1].
    pub samples: Variable,
    /// The classes, where the data has them.
    pub labels: Option<Vec<u32>>,
}

/// Where a system takes its real batches from: a pure function of the batch's number.
pub struct Feed {
    dataset: Dataset,
    sampler: Sampler,
    seed: u64,
    device: Device,
}

impl Feed {
    /// Batches of `batch` samples, in an order given by `seed`.
    ///
    /// # Errors
    /// If the batch is empty or larger than the data.
    pub fn new(dataset: Dataset, batch: usize, seed: u64, device: &Device) -> Result<Self> {
        let sampler = Sampler::new(dataset.len(), batch, seed)?;
        Ok(Self { dataset, sampler, seed, device: device.clone() })
    }

    /// Batch number `draw`.
    pub fn batch(&mut self, draw: u64) -> Result<RealBatch> {
        let batch = self.dataset.get(&self.sampler.indices(draw))?;
        let samples = Tensor::from_vec(batch.values, batch.shape, &Device::Cpu)?.to_device(&self.device)?;
        Ok(RealBatch { samples: Variable::constant(samples), labels: batch.labels })
    }

    /// Samples in a batch.
    pub fn batch_size(&self) -> usize {
        self.sampler.batch()
    }

    /// The seed that all streams of the run are keyed by.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// What the samples look like.
    pub fn sample_shape(&self) -> Result<SampleShape> {
        SampleShape::of(self.dataset.shape())
    }

    /// The data behind the batches.
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }
}
