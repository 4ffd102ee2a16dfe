//! Where parameters and running statistics live.

use brigand_autograd::{Variable, buffer};
use candle_core::{Device, Tensor};

use crate::error::{Error, Result};

/// The place of a parameter in a network's [`Weights`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeightId(pub(super) usize);

/// The place of a running statistic in a network's [`Buffers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferId(pub(super) usize);

/// A network's trained parameters, in the order in which its layers were built, each with its path.
#[derive(Clone, Debug, Default)]
pub struct Weights {
    names: Vec<String>,
    values: Vec<Variable>,
}

impl Weights {
    /// One parameter, called `name`.
    pub fn alone(name: &str, value: Tensor) -> Self {
        Self { names: vec![name.to_owned()], values: vec![Variable::leaf(value)] }
    }

    pub(super) fn push(&mut self, name: String, value: Tensor) -> WeightId {
        self.names.push(name);
        self.values.push(Variable::leaf(value));
        WeightId(self.values.len() - 1)
    }

    /// The parameter at `id`.
    ///
    /// # Errors
    /// If `id` belongs to another network.
    pub fn get(&self, id: WeightId) -> Result<&Variable> {
        self.values
            .get(id.0)
            .ok_or_else(|| Error::Network(format!("no parameter number {} in this network", id.0)))
    }

    /// The paths, for example `layer1.weight`.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The parameters, in the order of [`Weights::names`].
    pub fn values(&self) -> &[Variable] {
        &self.values
    }

    /// The same paths with other values: what an unrolled optimizer step makes.
    pub fn with_values(&self, values: Vec<Variable>) -> Self {
        Self { names: self.names.clone(), values }
    }

    /// Puts a new leaf with `value` in the place of parameter `index`.
    pub fn replace(&mut self, index: usize, value: Tensor) {
        if let Some(slot) = self.values.get_mut(index) {
            *slot = Variable::leaf(value);
        }
    }

    /// Cuts every value to `[-bound, bound]`; answers the share of values that then stand at a bound.
    pub fn clip(&mut self, bound: f64) -> Result<f64> {
        let (bound, mut at_bound) = (bound as f32, 0_usize);
        for index in 0..self.values.len() {
            let held = self.values[index].tensor().clone();
            let mut values = buffer::with_slice::<f32, _>(&held.to_device(&Device::Cpu)?, <[f32]>::to_vec)?;
            for value in &mut values {
                *value = value.clamp(-bound, bound);
                at_bound += usize::from(value.abs() == bound);
            }
            self.replace(index, buffer::tensor_of(values, held.dims())?.to_device(held.device())?);
        }
        Ok(at_bound as f64 / self.count().max(1) as f64)
    }

    /// The number of numbers.
    pub fn count(&self) -> usize {
        self.values.iter().map(Variable::elements).sum()
    }
}

/// Values that a network carries along without training them, such as running statistics.
#[derive(Clone, Debug, Default)]
pub struct Buffers {
    names: Vec<String>,
    values: Vec<Tensor>,
}

impl Buffers {
    pub(super) fn push(&mut self, name: String, value: Tensor) -> BufferId {
        self.names.push(name);
        self.values.push(value);
        BufferId(self.values.len() - 1)
    }

    /// The value at `id`.
    ///
    /// # Errors
    /// If `id` belongs to another network.
    pub fn get(&self, id: BufferId) -> Result<&Tensor> {
        self.values
            .get(id.0)
            .ok_or_else(|| Error::Network(format!("no statistic number {} in this network", id.0)))
    }

    /// Puts `value` in the place of `id`.
    pub fn set(&mut self, id: BufferId, value: Tensor) {
        self.replace(id.0, value);
    }

    /// Puts `value` in the place of number `index`.
    pub fn replace(&mut self, index: usize, value: Tensor) {
        if let Some(slot) = self.values.get_mut(index) {
            *slot = value;
        }
    }

    /// The paths, for example `layer2.running_mean`.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The values, in the order of [`Buffers::names`].
    pub fn values(&self) -> &[Tensor] {
        &self.values
    }
}
