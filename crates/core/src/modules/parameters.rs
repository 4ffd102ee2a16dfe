//! Where parameters and running statistics live.

use std::sync::Arc;

use brigand_autograd::Variable;
use candle_core::Tensor;

use crate::error::{Error, Result};
use crate::place::Place;

/// The place of a parameter in a network's [`Weights`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeightId(pub(super) usize);

/// The place of a running statistic in a network's [`Buffers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BufferId(pub(super) usize);

/// Name of the left singular vector that spectral normalisation keeps beside a weight.
pub(super) const SINGULAR: &str = "singular";

/// A network's trained parameters, in the order in which its blocks were built, each with its path.
#[derive(Clone, Debug)]
pub struct Weights {
    pub(super) names: Arc<[String]>,
    pub(super) values: Vec<Variable>,
}

impl Weights {
    pub(crate) fn new(names: Vec<String>, values: Vec<Variable>) -> Self {
        Self { names: names.into(), values }
    }

    /// One parameter, called `name`: latents that are searched for step as weights do.
    pub fn alone(name: &str, value: Tensor) -> Self {
        Self::new(vec![name.to_owned()], vec![Variable::leaf(value)])
    }

    /// The parameter at `id`.
    ///
    /// # Errors
    /// If `id` belongs to another network.
    pub fn get(&self, id: WeightId) -> Result<&Variable> {
        let missing = || Error::Internal(format!("no parameter number {} in this network", id.0));
        self.values.get(id.0).ok_or_else(missing)
    }

    /// The paths, for example `up8.norm1.gain.weight`.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The parameters, in the order of [`Weights::names`].
    pub fn values(&self) -> &[Variable] {
        &self.values
    }

    /// The same paths with other values: what a step makes of them.
    ///
    /// # Errors
    /// If there is not one value for each path.
    pub fn with_values(&self, values: Vec<Variable>) -> Result<Self> {
        if values.len() != self.names.len() {
            return Err(Error::Internal(format!(
                "{} values for {} parameters",
                values.len(),
                self.names.len()
            )));
        }
        Ok(Self { names: Arc::clone(&self.names), values })
    }

    /// Numbers in all parameters.
    pub fn count(&self) -> usize {
        self.values.iter().map(Variable::elements).sum()
    }
}

/// Whether the parameter called `name` is at or below `path`: `level1` names `level1.weight` and not `level10.weight`.
pub fn is_at_or_below(name: &str, path: &str) -> bool {
    name.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Values that a network carries along without training them, such as running statistics.
#[derive(Clone, Debug, Default)]
pub struct Buffers {
    pub(super) names: Vec<String>,
    pub(super) values: Vec<Tensor>,
}

impl Buffers {
    /// The value at `id`.
    ///
    /// # Errors
    /// If `id` belongs to another network.
    pub fn get(&self, id: BufferId) -> Result<&Tensor> {
        let missing = || Error::Internal(format!("no statistic number {} in this network", id.0));
        self.values.get(id.0).ok_or_else(missing)
    }

    /// The paths, for example `layer2.running_mean`.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The values, in the order of [`Buffers::names`].
    pub fn values(&self) -> &[Tensor] {
        &self.values
    }

    pub(super) fn set(&mut self, id: BufferId, value: Tensor) -> Result<()> {
        let missing = Error::Internal(format!("no statistic number {} in this network", id.0));
        *self.values.get_mut(id.0).ok_or(missing)? = value;
        Ok(())
    }
}

/// Everything of a network but its computation: what optimizers, checkpoints, averages and export work on. Only a
/// player's step, or a restore, changes the weights.
#[derive(Clone, Debug)]
pub struct Parameters {
    pub(super) name: String,
    pub(crate) weights: Weights,
    pub(super) buffers: Buffers,
    pub(super) place: Place,
    pub(super) couples_samples: bool,
}

impl Parameters {
    /// The network's name, for example `generator`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The trained values.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// The others.
    pub fn buffers(&self) -> &Buffers {
        &self.buffers
    }

    /// Whether, in training, a layer of the network computes over its whole batch, as batch normalisation does.
    pub fn couples_samples(&self) -> bool {
        self.couples_samples
    }

    /// Whether it has a weight under spectral normalisation.
    pub fn is_spectral(&self) -> bool {
        self.buffers.names.iter().any(|path| path.rsplit('.').next() == Some(SINGULAR))
    }

    /// Device and precision.
    pub fn place(&self) -> &Place {
        &self.place
    }
}
