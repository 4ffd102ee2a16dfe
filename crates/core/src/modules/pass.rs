//! One forward pass of one network.

use std::collections::BTreeMap;

use brigand_autograd::{Products, Variable};
use candle_core::{DType, Tensor};

use super::parameters::{BufferId, Buffers, WeightId, Weights};
use crate::error::{Error, Result};
use crate::place::Place;
use crate::random::Stream;

/// How statistics of the batch are used in a forward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Normalise with the batch's statistics and let them flow into the running ones.
    Training,
    /// Normalise with the batch's statistics and leave the running ones alone: a further pass of a step, or a pass of a
    /// network while another one is updated.
    BatchStatistics,
    /// Normalise with the running statistics, so that no sample influences another; no dropout, no noise.
    Sampling,
    /// Normalise with the batch's statistics and mix them with those of the `seen` batches before, all in equal shares; no
    /// dropout, no noise.
    Estimating {
        /// Batches before this one.
        seen: usize,
    },
}

impl Mode {
    /// Whether dropout and noise are drawn.
    pub fn draws(self) -> bool {
        match self {
            Self::Training | Self::BatchStatistics => true,
            Self::Sampling | Self::Estimating { .. } => false,
        }
    }
}

/// The weights and statistics of one forward pass. It carries no inputs and no outputs: those are arguments and
/// results of the modules' `forward`.
pub struct Pass<'a> {
    weights: &'a Weights,
    buffers: &'a Buffers,
    mode: Mode,
    compute: DType,
    products: Products,
    random: Option<&'a mut Stream>,
    /// New values of statistics, which the network takes over after the pass.
    pub(super) updates: BTreeMap<BufferId, Tensor>,
    /// Weights as they were first used in this pass: cast and reparametrised once, however often a cell runs.
    used: BTreeMap<usize, Variable>,
}

impl<'a> Pass<'a> {
    pub(super) fn new(
        weights: &'a Weights,
        buffers: &'a Buffers,
        mode: Mode,
        place: &Place,
        random: Option<&'a mut Stream>,
    ) -> Self {
        let &Place { compute, products, .. } = place;
        Self {
            weights,
            buffers,
            mode,
            compute,
            products,
            random,
            updates: BTreeMap::new(),
            used: BTreeMap::new(),
        }
    }

    /// How convolutions and fully connected layers multiply.
    pub fn products(&self) -> Products {
        self.products
    }

    /// How statistics are used.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// A parameter in the compute type.
    pub fn weight(&mut self, id: WeightId) -> Result<Variable> {
        let stored = self.weights.get(id)?;
        if stored.dtype() == self.compute {
            return Ok(stored.clone());
        }
        self.weight_by(id, |_, stored| Ok(stored.clone()))
    }

    /// A parameter as `change` makes it, in the compute type; `change` runs once in a pass.
    pub fn weight_by(
        &mut self,
        id: WeightId,
        change: impl FnOnce(&mut Self, &Variable) -> Result<Variable>,
    ) -> Result<Variable> {
        if let Some(used) = self.used.get(&id.0) {
            return Ok(used.clone());
        }
        let stored = self.weights.get(id)?.clone();
        let changed = change(self, &stored)?;
        let changed = self.computed(&changed)?;
        self.used.insert(id.0, changed.clone());
        Ok(changed)
    }

    /// `value` in the compute type; the gradient comes back in its own.
    pub fn computed(&self, value: &Variable) -> Result<Variable> {
        Ok(if value.dtype() == self.compute { value.clone() } else { value.to_dtype(self.compute)? })
    }

    /// A running statistic, in the storage type.
    pub fn buffer(&self, id: BufferId) -> Result<&Tensor> {
        self.updates.get(&id).map_or_else(|| self.buffers.get(id), Ok)
    }

    /// Replaces a running statistic, if this pass is one that does.
    pub fn update(&mut self, id: BufferId, value: Tensor) {
        match self.mode {
            Mode::Training | Mode::Estimating { .. } => {
                self.updates.insert(id, value);
            }
            Mode::BatchStatistics | Mode::Sampling => {}
        }
    }

    /// Where dropout, noise and samples are drawn from.
    ///
    /// # Errors
    /// If the pass was given no stream.
    pub fn stream(&mut self) -> Result<&mut Stream> {
        let missing = || Error::Internal("a network that draws was run without a random stream".into());
        self.random.as_deref_mut().ok_or_else(missing)
    }
}
