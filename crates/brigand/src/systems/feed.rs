//! Real batches for training.

use brigand_autograd::Variable;
use candle_core::{Device, Tensor};

use crate::data::{Batch, Dataset, Sampler};
use crate::error::{Error, Result};
use crate::networks::SampleShape;
use crate::random::Stream;

/// A batch of real samples.
#[derive(Clone)]
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
    /// The batch drawn last, which both players of a step may ask for.
    last: Option<(u64, RealBatch)>,
    /// The samples whose labels a semi-supervised system is told.
    told: Option<Vec<usize>>,
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
            last: None,
            told: None,
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
        self.last = None;
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
        if let Some((number, batch)) = &self.last
            && *number == draw
        {
            return Ok(batch.clone());
        }
        let batch = self.drawn(draw)?;
        self.last = Some((draw, batch.clone()));
        Ok(batch)
    }

    fn drawn(&mut self, draw: u64) -> Result<RealBatch> {
        let mut indices = match &self.cumulative {
            Some(sums) => {
                weighted(sums, self.sampler.batch(), &mut Stream::new(self.seed, "feed/weighted", draw))
            }
            None => self.sampler.indices(draw),
        };
        self.step_around_held_out(&mut indices);
        self.real(self.dataset.get(&indices)?)
    }

    /// Numbers of samples that are trained on, counted among all samples.
    fn step_around_held_out(&self, indices: &mut [usize]) {
        if matches!(self.held_out, HeldOut::Sixth) {
            indices.iter_mut().for_each(|index| *index += *index / (HELD_OUT_OF - 1));
        }
    }

    /// Batch number `draw` of `size` samples among the `count` whose labels a semi-supervised system is told: as evenly
    /// of every class as there are, the same ones for a seed.
    ///
    /// # Errors
    /// If the data has no labels, or fewer samples than that.
    pub fn labelled(&mut self, draw: u64, size: usize, count: usize) -> Result<RealBatch> {
        let told = match self.told.take() {
            Some(told) if told.len() == count => told,
            _ => self.choose_labelled(count)?,
        };
        let draws = Stream::new(self.seed, "feed/labelled/batch", draw).uniform(size, 0.0, count as f32);
        let indices: Vec<usize> =
            draws.into_iter().map(|draw| told[(draw as usize).min(count - 1)]).collect();
        self.told = Some(told);
        self.real(self.dataset.get(&indices)?)
    }

    /// The first sample of every class in an order given by the seed, then the second of every class, and so on.
    fn choose_labelled(&self, count: usize) -> Result<Vec<usize>> {
        let labels = self.dataset.labels().ok_or_else(super::recognition::no_labels)?;
        let mut order = Stream::new(self.seed, "feed/labelled", 0).permutation(self.sampler.samples());
        self.step_around_held_out(&mut order);
        let mut of_class = vec![0_usize; labels.classes.len()];
        let mut ranked: Vec<(usize, usize)> = Vec::with_capacity(order.len());
        for index in order {
            if let Some(rank) = labels.values.get(index).and_then(|&label| of_class.get_mut(label as usize)) {
                *rank += 1;
                ranked.push((*rank, index));
            }
        }
        if count == 0 || ranked.len() < count {
            return Err(Error::Recipe(format!(
                "{count} labelled samples are asked for, there are {}; set labels.count to a number between 1 and \
                 that",
                ranked.len()
            )));
        }
        ranked.sort_by_key(|&(rank, _)| rank);
        Ok(ranked.into_iter().take(count).map(|(_, index)| index).collect())
    }

    /// How many samples of each class the data has; empty without labels.
    pub fn class_counts(&self) -> Vec<f64> {
        self.dataset.class_counts().into_iter().map(|count| count as f64).collect()
    }

    /// From now on draws each sample in proportion to its weight, with replacement; `None` draws evenly again.
    pub fn weigh(&mut self, weights: Option<&[f32]>) {
        self.last = None;
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
    use crate::data::Labels;
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
    fn few_labels_are_told_evenly_and_always_the_same() {
        let labels: Vec<u32> = (0..60).map(|number| u32::from(number >= 50)).collect();
        let data = numbered(60).with_labels(Labels::numbered(labels)).unwrap();
        let mut feed = Feed::new(data, 6, 3, &Device::Cpu).unwrap();
        feed.hold_out(None).unwrap();
        let mut told = BTreeSet::new();
        for draw in 0..40 {
            let batch = feed.labelled(draw, 5, 8).unwrap();
            assert_eq!(batch.labels.as_ref().unwrap().len(), 5);
            told.extend(values(&batch));
        }
        assert_eq!((told.len(), told.iter().filter(|&&number| number >= 50).count()), (8, 4));
        assert!(told.iter().all(|number| (number + 1) % HELD_OUT_OF != 0));
        assert!(feed.labelled(0, 5, 51).is_err() && feed.labelled(0, 5, 0).is_err());
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
