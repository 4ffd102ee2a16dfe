//! Batch statistics that belong to the weights that sample, estimated over many batches of one state of training. Running
//! statistics lag behind the weights, and averaged weights have none of their own.

use std::collections::BTreeMap;

use super::parameters::Buffers;

/// The statistics of networks, by their names.
#[derive(Debug, Default)]
pub struct Estimate {
    networks: BTreeMap<String, (Buffers, usize)>,
}

impl Estimate {
    /// The statistics of the network called `name` so far, and the batches in them; `buffers` before the first.
    pub(super) fn so_far<'a>(&'a self, name: &str, buffers: &'a Buffers) -> (&'a Buffers, usize) {
        self.networks.get(name).map_or((buffers, 0), |(found, seen)| (found, *seen))
    }

    /// Replaces the statistics of the network called `name` by those with one more batch.
    pub(super) fn add(&mut self, name: &str, found: Buffers) {
        let seen = self.networks.get(name).map_or(0, |(_, seen)| *seen);
        self.networks.insert(name.to_owned(), (found, seen + 1));
    }

    /// Of how many networks.
    pub fn networks(&self) -> usize {
        self.networks.len()
    }

    /// What was estimated for the network called `name`.
    pub(super) fn found(&self, name: &str) -> Option<&Buffers> {
        self.networks.get(name).map(|(buffers, _)| buffers)
    }
}

/// With which statistics of batches a network samples.
pub enum Statistics<'a> {
    /// With those that are stored: no sample influences another.
    Stored,
    /// With those of the batch, which are added to an estimate.
    Estimated(&'a mut Estimate),
}
