//! Makes parameters: paths, shapes and seeded first values.

use brigand_autograd::Variable;
use candle_core::{Device, Tensor};

use super::initialization::Initialization;
use super::parameters::{BufferId, Buffers, Parameters, WeightId, Weights};
use crate::error::{Error, Result};
use crate::place::Place;
use crate::random::Stream;

/// Collects the parameters of a network while its blocks are made.
///
/// Every parameter draws from its own stream, keyed by the seed and its path, and paths are names that the network's
/// author gave: adding a block changes no other block's path or first values.
pub struct Builder {
    seed: u64,
    network: String,
    prefix: Vec<String>,
    /// The outermost blocks of the path that first values do not depend on.
    unseeded: usize,
    place: Place,
    names: Vec<String>,
    values: Vec<Variable>,
    buffers: Buffers,
    couples_samples: bool,
}

impl Builder {
    pub(super) fn new(network: &str, seed: u64, place: &Place) -> Self {
        Self {
            seed,
            network: network.to_owned(),
            prefix: Vec::new(),
            unseeded: 0,
            place: place.clone(),
            names: Vec::new(),
            values: Vec::new(),
            buffers: Buffers::default(),
            couples_samples: false,
        }
    }

    /// The block that `make` builds, under `name` in the path.
    pub fn block<B>(
        &mut self,
        name: impl Into<String>,
        make: impl FnOnce(&mut Self) -> Result<B>,
    ) -> Result<B> {
        self.prefix.push(name.into());
        let made = make(self);
        self.prefix.pop();
        made
    }

    /// The same with the first values that a network of its own called `name` has.
    pub fn seeded_block<B>(&mut self, name: &str, make: impl FnOnce(&mut Self) -> Result<B>) -> Result<B> {
        let network = std::mem::replace(&mut self.network, name.to_owned());
        let unseeded = std::mem::replace(&mut self.unseeded, self.prefix.len() + 1);
        let made = self.block(name, make);
        (self.network, self.unseeded) = (network, unseeded);
        made
    }

    fn path(&self, name: &str) -> String {
        joined(&self.prefix, name)
    }

    /// The path of `name` here, unless something has it: a checkpoint would hold only one of the two.
    fn free_path(&self, name: &str) -> Result<String> {
        let path = self.path(name);
        if self.names.contains(&path) || self.buffers.names.contains(&path) {
            return Err(Error::Internal(format!("two values of `{}` are called `{path}`", self.network)));
        }
        Ok(path)
    }

    /// The stream of the value called `name` here.
    pub fn stream(&self, name: &str) -> Stream {
        let path = joined(self.prefix.get(self.unseeded..).unwrap_or_default(), name);
        Stream::new(self.seed, &format!("weights/{}/{path}", self.network), 0)
    }

    /// A parameter of `shape`; `fans` are the inputs and outputs that each output and input of the layer is connected
    /// to.
    ///
    /// # Errors
    /// If the path is taken.
    pub fn weight(
        &mut self,
        name: &str,
        shape: &[usize],
        fans: (usize, usize),
        initialization: Initialization,
    ) -> Result<WeightId> {
        let path = self.free_path(name)?;
        let values = initialization.draw(shape, fans, &mut self.stream(name));
        let value = self.stored(values, shape)?;
        self.names.push(path);
        self.values.push(Variable::leaf(value));
        Ok(WeightId(self.values.len() - 1))
    }

    /// A running statistic of `shape`.
    ///
    /// # Errors
    /// If the path is taken.
    pub fn buffer(&mut self, name: &str, shape: &[usize], values: Vec<f32>) -> Result<BufferId> {
        let path = self.free_path(name)?;
        let values = self.stored(values, shape)?;
        self.buffers.names.push(path);
        self.buffers.values.push(values);
        Ok(BufferId(self.buffers.values.len() - 1))
    }

    /// Notes that a layer of the network computes over its whole batch, as batch normalisation does.
    pub fn couple_samples(&mut self) {
        self.couples_samples = true;
    }

    /// The first value of a parameter.
    pub(super) fn first_value(&self, id: WeightId) -> Result<&Variable> {
        let missing = || Error::Internal(format!("no parameter number {} in this network", id.0));
        self.values.get(id.0).ok_or_else(missing)
    }

    fn stored(&self, values: Vec<f32>, shape: &[usize]) -> Result<Tensor> {
        let tensor = Tensor::from_vec(values, shape, &Device::Cpu)?.to_dtype(self.place.storage)?;
        Ok(tensor.to_device(&self.place.device)?)
    }

    pub(super) fn finish(self) -> Parameters {
        let weights = Weights::new(self.names, self.values);
        Parameters {
            name: self.network,
            weights,
            buffers: self.buffers,
            place: self.place,
            couples_samples: self.couples_samples,
        }
    }
}

fn joined(blocks: &[String], name: &str) -> String {
    blocks.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join(".")
}
