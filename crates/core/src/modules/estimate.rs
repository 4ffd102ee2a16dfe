//! Batch statistics that belong to the weights that sample, estimated over many batches of one state of training. Running
//! statistics lag behind the weights, and averaged weights have none of their own.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use super::parameters::Buffers;

/// Tells the networks of a process apart: the members of an ensemble have the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identity(u64);

impl Identity {
    /// One that no other network has.
    pub(super) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The statistics of networks, by their identities.
#[derive(Debug, Default)]
pub struct Estimate {
    networks: BTreeMap<Identity, (Buffers, usize)>,
}

impl Estimate {
    /// The statistics of a network so far, and the batches in them; `buffers` before the first.
    pub(super) fn so_far<'a>(&'a self, network: Identity, buffers: &'a Buffers) -> (&'a Buffers, usize) {
        self.networks.get(&network).map_or((buffers, 0), |(found, seen)| (found, *seen))
    }

    /// Replaces the statistics of a network by those with one more batch.
    pub(super) fn add(&mut self, network: Identity, found: Buffers) {
        let seen = self.networks.get(&network).map_or(0, |(_, seen)| *seen);
        self.networks.insert(network, (found, seen + 1));
    }

    /// Of how many networks.
    pub fn networks(&self) -> usize {
        self.networks.len()
    }

    /// What was estimated for a network.
    pub(super) fn found(&self, network: Identity) -> Option<&Buffers> {
        self.networks.get(&network).map(|(buffers, _)| buffers)
    }
}

/// With which statistics of batches a network samples.
pub enum Statistics<'a> {
    /// With those that are stored: no sample influences another.
    Stored,
    /// With those of an estimate where it has some for the network, else with stored ones: no sample influences another.
    Given(&'a Estimate),
    /// With those of the batch, which are added to an estimate.
    Estimated(&'a mut Estimate),
}
