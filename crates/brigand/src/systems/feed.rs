//! Real batches for training.

use brigand_autograd::Variable;
use candle_core::{Device, Tensor};

use crate::data::{Batch, Dataset, Sampler};
use crate::error::{Error, Result};
use crate::networks::SampleShape;
use crate::random::Stream;

/// A batch of real samples.
pub struct RealBatch {
    /// `[batch, sample...]`, images in [-1, 1].
    pub samples: Variable,
    /// The classes, where the data has them.
    pub labels: Option<Vec<u32>>,
}

/// Of data without a test part of its own, every such sample is held out.
const HELD_OUT_OF: usize = 6;

/// Samples that no batch contains, to judge a system on.
enum HeldOut {
    /// None: batches are drawn from all samples.
    Nothing,
    /// A part of its own, which the data's authors divided off.
    Apart(Box<Dataset>),
    /// The last of every [`HELD_OUT_OF`] samples, the same for every seed.
    Sixth,
}

/// Where a system takes its real batches from: a pure function of the batch's number.
pub struct Feed {
    dataset: Dataset,
    held_out: HeldOut,
    sampler: Sampler,
    /// The running sums of how often each sample is drawn, where not evenly.
    cumulative: Option<Vec<f64>>,
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
        Ok(Self {
            dataset,
            held_out: HeldOut::Nothing,
            sampler,
            cumulative: None,
            seed,
            device: device.clone(),
        })
    }

    /// Keeps samples for judging: `apart` where the data has such a part, or else the last of every six samples,
    /// which then are in no batch.
    ///
    /// # Errors
    /// If `apart` has other samples, or what remains does not fill a batch.
    pub fn hold_out(&mut self, apart: Option<Dataset>) -> Result<()> {
        if let Some(apart) = &apart
            && apart.shape() != self.dataset.shape()
        {
            return Err(Error::Request(format!(
                "held-out samples of shape {:?} cannot judge a system of samples of shape {:?}",
                apart.shape(),
                self.dataset.shape()
            )));
        }
        let remaining = match apart {
            Some(_) => self.dataset.len(),
            None => self.dataset.len() - self.dataset.len() / HELD_OUT_OF,
        };
        self.sampler = Sampler::new(remaining, self.sampler.batch(), self.seed)?;
        self.held_out = apart.map_or(HeldOut::Sixth, |apart| HeldOut::Apart(Box::new(apart)));
        Ok(())
    }

    /// How many samples are held out.
    pub fn held_out_count(&self) -> usize {
        match &self.held_out {
            HeldOut::Nothing => 0,
            HeldOut::Apart(apart) => apart.len(),
            HeldOut::Sixth => self.dataset.len() / HELD_OUT_OF,
        }
    }

    /// The held-out samples of these numbers, counted from 0.
    ///
    /// # Errors
    /// If there are not so many.
    pub fn held_out(&self, numbers: std::ops::Range<usize>) -> Result<RealBatch> {
        let batch = match &self.held_out {
            HeldOut::Apart(apart) => apart.get(&numbers.collect::<Vec<_>>())?,
            _ if numbers.end > self.held_out_count() => {
                return Err(Error::Request(format!(
                    "{} held-out samples were asked for, there are {}",
                    numbers.end,
                    self.held_out_count()
                )));
            }
            _ => {
                let places: Vec<usize> = numbers.map(|number| (number + 1) * HELD_OUT_OF - 1).collect();
                self.dataset.get(&places)?
            }
        };
        self.real(batch)
    }

    /// Batch number `draw`.
    pub fn batch(&mut self, draw: u64) -> Result<RealBatch> {
        let mut indices = match &self.cumulative {
            Some(sums) => {
                weighted(sums, self.sampler.batch(), &mut Stream::new(self.seed, "feed/weighted", draw))
            }
            None => self.sampler.indices(draw),
        };
        if matches!(self.held_out, HeldOut::Sixth) {
            // Around the held-out ones.
            indices.iter_mut().for_each(|index| *index += *index / (HELD_OUT_OF - 1));
        }
        self.real(self.dataset.get(&indices)?)
    }

    /// From now on draws each sample in proportion to its weight, with replacement; `None` draws evenly again.
    pub fn weigh(&mut self, weights: Option<&[f32]>) {
        self.cumulative = weights.map(|weights| {
            let mut sum = 0.0;
            weights
                .iter()
                .map(|&weight| {
                    sum += f64::from(weight.max(0.0));
                    sum
                })
                .collect()
        });
    }

    /// The samples of these numbers, `[n, sample...]`.
    pub fn samples(&self, numbers: std::ops::Range<usize>) -> Result<Variable> {
        Ok(self.real(self.dataset.get(&numbers.collect::<Vec<_>>())?)?.samples)
    }

    fn real(&self, batch: Batch) -> Result<RealBatch> {
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

/// `count` numbers of samples, each by its share of the running sums.
fn weighted(sums: &[f64], count: usize, stream: &mut Stream) -> Vec<usize> {
    let total = sums.last().copied().unwrap_or(0.0);
    let draws = stream.uniform(count, 0.0, 1.0).into_iter();
    let place = |draw: f32| sums.partition_point(|&sum| sum <= f64::from(draw) * total);
    draws.map(|draw| place(draw).min(sums.len().saturating_sub(1))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Numbers that name themselves.
    fn numbered(count: usize) -> Dataset {
        Dataset::from_values("numbers", (0..count).map(|i| i as f32).collect(), &[1]).unwrap()
    }

    fn values(batch: &RealBatch) -> Vec<usize> {
        batch.samples.to_vec().unwrap().into_iter().map(|value| value as usize).collect()
    }

    #[test]
    fn held_out_samples_are_in_no_batch_and_all_others_are() {
        let mut feed = Feed::new(numbered(45), 2, 3, &Device::Cpu).unwrap();
        assert_eq!(feed.held_out_count(), 0);
        feed.hold_out(None).unwrap();
        let kept = values(&feed.held_out(0..7).unwrap());
        assert_eq!((kept.as_slice(), feed.held_out_count()), ([5, 11, 17, 23, 29, 35, 41].as_slice(), 7));
        let drawn: BTreeSet<usize> = (0..19).flat_map(|draw| values(&feed.batch(draw).unwrap())).collect();
        assert_eq!(drawn, (0..45).filter(|number| !kept.contains(number)).collect());
        assert!(feed.held_out(0..8).is_err());
    }

    #[test]
    fn weights_decide_how_often_a_sample_is_drawn() {
        let mut feed = Feed::new(numbered(4), 4, 3, &Device::Cpu).unwrap();
        feed.weigh(Some(&[0.0, 3.0, 0.0, 1.0]));
        let drawn: Vec<usize> = (0..500).flat_map(|draw| values(&feed.batch(draw).unwrap())).collect();
        let share = drawn.iter().filter(|&&number| number == 1).count() as f64 / drawn.len() as f64;
        assert!(drawn.iter().all(|number| [1, 3].contains(number)) && (share - 0.75).abs() < 0.04, "{share}");
        feed.weigh(None);
        assert_eq!(values(&feed.batch(0).unwrap()).into_iter().collect::<BTreeSet<_>>().len(), 4);
    }

    #[test]
    fn a_part_of_its_own_leaves_the_batches_alone() {
        let batch = |apart: Option<Dataset>| {
            let mut feed = Feed::new(numbered(12), 3, 1, &Device::Cpu).unwrap();
            if apart.is_some() {
                feed.hold_out(apart).unwrap();
                assert_eq!(values(&feed.held_out(1..3).unwrap()), [1, 2]);
            }
            values(&feed.batch(1).unwrap())
        };
        assert_eq!(batch(None), batch(Some(numbered(4))));
        let flat = Dataset::from_values("pairs", vec![0.0; 4], &[2]).unwrap();
        assert!(Feed::new(numbered(12), 3, 1, &Device::Cpu).unwrap().hold_out(Some(flat)).is_err());
        assert!(Feed::new(numbered(12), 11, 1, &Device::Cpu).unwrap().hold_out(None).is_err());
    }
}
