//! Samples that no training batch contains.

use std::ops::Range;

use super::source::{HostBatch, Source};
use crate::error::{Error, Result};
use crate::random::Stream;

/// Of data without a test part of its own, one of so many samples is held out.
const HELD_OUT_OF: usize = 6;

/// Samples that no batch contains, to measure a system on.
pub(super) enum HeldOut {
    /// None: batches are drawn from all samples.
    Nothing,
    /// A part of its own, which the data's authors divided off.
    Apart(Box<dyn Source>),
    /// A part drawn at random.
    Drawn {
        /// The numbers of the samples that are trained on, in their order.
        trained: Vec<usize>,
        /// The numbers of the others, in the order in which they were drawn.
        held_out: Vec<usize>,
    },
}

impl HeldOut {
    /// A sixth of `count` samples, drawn from the stream `(0, "feed/held-out", 0)`: the same samples whatever the run's
    /// seed, so that what is measured on them can be compared between runs, and for every source of `count` samples.
    pub(super) fn sixth(count: usize) -> Self {
        let mut held_out = Stream::new(0, "feed/held-out", 0).permutation(count);
        let mut trained = held_out.split_off(count / HELD_OUT_OF);
        trained.sort_unstable();
        Self::Drawn { trained, held_out }
    }

    /// How many of `count` samples are trained on.
    pub(super) fn trained_count(&self, count: usize) -> usize {
        match self {
            Self::Nothing | Self::Apart(_) => count,
            Self::Drawn { trained, .. } => trained.len(),
        }
    }

    /// How many are held out.
    pub(super) fn count(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Apart(apart) => apart.count(),
            Self::Drawn { held_out, .. } => held_out.len(),
        }
    }

    /// The number among all samples of sample `index` among those that are trained on.
    pub(super) fn trained(&self, index: usize) -> Result<usize> {
        match self {
            Self::Nothing | Self::Apart(_) => Ok(index),
            Self::Drawn { trained, .. } => number(trained, index),
        }
    }

    /// The held-out samples of these numbers.
    pub(super) fn get(
        &self,
        source: &dyn Source,
        numbers: Range<usize>,
        stream: &mut Stream,
    ) -> Result<HostBatch> {
        match self {
            Self::Apart(apart) => apart.get(&numbers.collect::<Vec<_>>(), stream),
            Self::Nothing => source.get(&[], stream),
            Self::Drawn { held_out, .. } => {
                let places: Vec<usize> =
                    numbers.map(|index| number(held_out, index)).collect::<Result<_>>()?;
                source.get(&places, stream)
            }
        }
    }
}

fn number(part: &[usize], index: usize) -> Result<usize> {
    let missing = || Error::Internal(format!("sample {index} was asked for of a part of {}", part.len()));
    part.get(index).copied().ok_or_else(missing)
}
