//! Which samples make up which batch.

use crate::error::{Error, Result};
use crate::random::Stream;

/// Batches by epochs: each epoch is a fresh shuffle of all samples, cut into batches; the incomplete batch at
/// its end is left out, so no sample comes twice within an epoch.
///
/// The batch of a draw depends only on the seed and the draw's number: nothing needs saving to resume.
#[derive(Clone, Debug)]
pub struct Sampler {
    samples: usize,
    batch: usize,
    seed: u64,
    /// The last epoch's shuffle, kept because neighbouring draws share it.
    shuffled: Option<(u64, Vec<usize>)>,
}

impl Sampler {
    /// A sampler over `samples` samples, `batch` at a time.
    ///
    /// # Errors
    /// If the batch is empty, or the data cannot fill one.
    pub fn new(samples: usize, batch: usize, seed: u64) -> Result<Self> {
        match batch {
            0 => Err(Error::Data(
                "a batch of 0 samples trains nothing: set training.batch to 1 or more".into(),
            )),
            _ if batch > samples && samples == 1 => Err(Error::Data(format!(
                "a batch of {batch} is larger than the data, which has a single sample to train on: most networks compare the samples of a \
                 batch with each other (batch normalisation), so give at least 2, and set training.batch to their number or less. One \
                 picture is enough for `brigand train singan --data image:FILE`, with training.batch=1"
            ))),
            _ if batch > samples => Err(Error::Data(format!(
                "a batch of {batch} is larger than the data, which has {samples} in all: set training.batch to {samples} or less, or give more data"
            ))),
            _ => Ok(Self { samples, batch, seed, shuffled: None }),
        }
    }

    /// Samples in a batch.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Samples in all.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Batches in one epoch.
    pub fn batches_per_epoch(&self) -> u64 {
        (self.samples / self.batch) as u64
    }

    /// The `batch` sample numbers of draw number `draw` (counted from 0 over the whole run).
    pub fn indices(&mut self, draw: u64) -> Vec<usize> {
        let epoch = draw / self.batches_per_epoch();
        let start = (draw % self.batches_per_epoch()) as usize * self.batch;
        let (seed, samples) = (self.seed, self.samples);
        let order = match self.shuffled.take() {
            Some((kept, order)) if kept == epoch => order,
            _ => Stream::new(seed, "data/epoch", epoch).permutation(samples),
        };
        let indices = order.iter().skip(start).take(self.batch).copied().collect();
        self.shuffled = Some((epoch, order));
        indices
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_epoch_repeats_nothing_and_the_next_differs() {
        let mut sampler = Sampler::new(103, 10, 4).unwrap();
        assert_eq!(sampler.batches_per_epoch(), 10);
        let mut epoch = |number: u64| -> Vec<usize> {
            (number * 10..number * 10 + 10).flat_map(|draw| sampler.indices(draw)).collect()
        };
        let (first, second) = (epoch(0), epoch(1));
        assert_ne!(first, second);
        for mut order in [first, second] {
            order.sort_unstable();
            order.dedup();
            assert_eq!(order.len(), 100);
        }
    }

    #[test]
    fn every_sample_is_drawn_equally_often() {
        let mut sampler = Sampler::new(10, 3, 0).unwrap();
        let mut counts = [0usize; 10];
        for draw in 0..30_000 {
            sampler.indices(draw).into_iter().for_each(|i| counts[i] += 1);
        }
        assert!(counts.iter().all(|c| (8_700..9_300).contains(c)), "{counts:?}");
    }

    #[test]
    fn impossible_batches_are_refused() {
        for samples in [5, 0] {
            let error = Sampler::new(samples, 0, 0).unwrap_err().to_string();
            assert!(error.contains("a batch of 0"), "{error}");
        }
        let error = Sampler::new(1797, 4096, 0).unwrap_err().to_string();
        assert!(error.contains("4096") && error.contains("training.batch to 1797"), "{error}");
        let error = Sampler::new(1, 64, 0).unwrap_err().to_string();
        assert!(error.contains("single sample") && error.contains("at least 2"), "{error}");
        assert!(!error.contains("training.batch to 1"), "{error}");
        assert_eq!(Sampler::new(5, 5, 0).unwrap().indices(7).len(), 5);
    }

    proptest! {
        /// Draws in any order, from a fresh or a used sampler, are the same.
        #[test]
        fn a_draw_depends_on_its_number_alone(draws in prop::collection::vec(0u64..500, 1..20), seed: u64) {
            let mut used = Sampler::new(37, 8, seed).unwrap();
            for draw in draws {
                prop_assert_eq!(used.indices(draw), Sampler::new(37, 8, seed).unwrap().indices(draw));
            }
        }
    }
}
