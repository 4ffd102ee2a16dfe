//! Samples that no training batch contains.

use std::ops::Range;

use super::source::{HostBatch, Source};
use crate::error::Result;
use crate::random::Stream;

/// Of data without a test part of its own, every such sample is held out.
pub(super) const HELD_OUT_OF: usize = 6;

/// Samples that no batch contains, to measure a system on.
pub(super) enum HeldOut {
    /// None: batches are drawn from all samples.
    Nothing,
    /// A part of its own, which the data's authors divided off.
    Apart(Box<dyn Source>),
    /// The last of every [`HELD_OUT_OF`] samples, the same for every seed.
    Sixth,
}

impl HeldOut {
    /// How many of `count` samples are trained on.
    pub(super) fn trained_count(&self, count: usize) -> usize {
        match self {
            Self::Nothing | Self::Apart(_) => count,
            Self::Sixth => count - count / HELD_OUT_OF,
        }
    }

    /// How many are held out beside or of `count` samples.
    pub(super) fn count(&self, count: usize) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Apart(apart) => apart.count(),
            Self::Sixth => count / HELD_OUT_OF,
        }
    }

    /// The number among all samples of sample `index` among those that are trained on.
    pub(super) fn trained(&self, index: usize) -> usize {
        match self {
            Self::Nothing | Self::Apart(_) => index,
            Self::Sixth => index + index / (HELD_OUT_OF - 1),
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
            Self::Apart(apart) => apart.get_plain(&numbers.collect::<Vec<_>>(), stream),
            Self::Nothing => source.get(&[], stream),
            Self::Sixth => {
                let places: Vec<usize> = numbers.map(|number| (number + 1) * HELD_OUT_OF - 1).collect();
                source.get_plain(&places, stream)
            }
        }
    }
}
