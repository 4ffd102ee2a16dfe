//! What training changes: the named tensors and counters of a checkpoint.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};

use crate::error::{Error, Result};
use crate::layers::Weights;
use crate::networks::{Network, SampleShape};
use crate::techniques::HistoricalAverage;
use crate::training::checkpoint::{Snapshot, StoredTensor};

/// Everything that training changes, by name.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Weights, running statistics, optimizer moments.
    pub tensors: BTreeMap<String, StoredTensor>,
    /// Step counts of the optimizers.
    pub counters: BTreeMap<String, u64>,
}

/// A part of a system that a checkpoint holds under a name.
pub trait Fragment {
    /// Writes itself under `name`.
    fn save(&self, name: &str, state: &mut State) -> Result<()>;
    /// Takes itself back.
    fn restore(&mut self, name: &str, state: &State) -> Result<()>;
}

impl From<Snapshot> for State {
    fn from(snapshot: Snapshot) -> Self {
        Self { tensors: snapshot.tensors, counters: snapshot.counters }
    }
}

const SAMPLE_SHAPE: &str = "sample.dimension";
const CLASSES: &str = "sample.class";

impl State {
    /// Notes what samples look like, so that a checkpoint can be sampled without the data.
    pub fn put_sample_shape(&mut self, shape: SampleShape) {
        for (axis, size) in shape.dims().into_iter().enumerate() {
            self.counters.insert(format!("{SAMPLE_SHAPE}{axis}"), size as u64);
        }
    }

    /// What samples look like.
    ///
    /// # Errors
    /// If the checkpoint does not say.
    pub fn sample_shape(&self) -> Result<SampleShape> {
        let sizes = self
            .counters
            .range(SAMPLE_SHAPE.to_owned()..)
            .take_while(|(key, _)| key.starts_with(SAMPLE_SHAPE));
        SampleShape::of(&sizes.map(|(_, &size)| size as usize).collect::<Vec<_>>())
    }

    /// Notes how many samples of each class the data has, so that a conditional system can be rebuilt without it.
    pub fn put_classes(&mut self, counts: &[f64]) {
        for (class, &count) in counts.iter().enumerate() {
            self.counters.insert(format!("{CLASSES}{class:06}"), count as u64);
        }
    }

    /// How many samples of each class the data has; empty without labels.
    pub fn classes(&self) -> Vec<f64> {
        let counts =
            self.counters.range(CLASSES.to_owned()..).take_while(|(key, _)| key.starts_with(CLASSES));
        counts.map(|(_, &count)| count as f64).collect()
    }

    /// Refuses a state with a value that is no finite number: saving it would replace a good checkpoint.
    pub fn refuse_broken(&self, step: u64) -> Result<()> {
        for (name, tensor) in &self.tensors {
            if let Some(&value) = tensor.data.iter().find(|value| !value.is_finite()) {
                return Err(Error::NotFinite { what: format!("`{name}`"), value: value.into(), step });
            }
        }
        Ok(())
    }

    /// Takes in everything of `part` under `name.`.
    pub fn absorb(&mut self, name: &str, part: Self) {
        let path = |own: String| format!("{name}.{own}");
        self.tensors.extend(part.tensors.into_iter().map(|(own, tensor)| (path(own), tensor)));
        self.counters.extend(part.counters.into_iter().map(|(own, count)| (path(own), count)));
    }

    /// What was taken in under `name.`.
    pub fn part(&self, name: &str) -> Self {
        let prefix = format!("{name}.");
        let own = |path: &String| path.strip_prefix(&prefix).map(str::to_owned);
        let tensors = self.tensors.iter().filter_map(|(path, tensor)| Some((own(path)?, tensor.clone())));
        let counters = self.counters.iter().filter_map(|(path, &count)| Some((own(path)?, count)));
        Self { tensors: tensors.collect(), counters: counters.collect() }
    }

    /// Adds a tensor.
    pub fn put(&mut self, name: String, tensor: &Tensor) -> Result<()> {
        let data = tensor.flatten_all()?.to_dtype(DType::F32)?.to_device(&Device::Cpu)?.to_vec1::<f32>()?;
        self.tensors.insert(name, StoredTensor { shape: tensor.dims().to_vec(), data });
        Ok(())
    }

    /// Adds every value of `weights` as `name.<path>`.
    pub fn put_weights(&mut self, name: &str, weights: &Weights) -> Result<()> {
        let mut pairs = weights.names().iter().zip(weights.values());
        pairs.try_for_each(|(path, value)| self.put(format!("{name}.{path}"), value.tensor()))
    }

    /// The tensor called `name`, which must have `shape`.
    pub fn take(&self, name: &str, shape: &[usize], device: &Device) -> Result<Tensor> {
        let stored = self.stored(name, shape)?;
        Ok(Tensor::from_vec(stored.data.clone(), shape, &Device::Cpu)?.to_device(device)?)
    }

    /// Puts the values called `name.<path>` into every place of `weights`.
    pub fn take_weights(&self, name: &str, weights: &mut Weights) -> Result<()> {
        for index in 0..weights.names().len() {
            let held = &weights.values()[index];
            let value =
                self.take(&format!("{name}.{}", weights.names()[index]), held.shape(), held.device())?;
            weights.replace(index, value);
        }
        Ok(())
    }

    /// The values called `name`, which must have `shape`.
    pub fn stored(&self, name: &str, shape: &[usize]) -> Result<&StoredTensor> {
        match self.tensors.get(name) {
            Some(stored) if stored.shape == shape => Ok(stored),
            Some(stored) => Err(Error::Request(format!(
                "the checkpoint holds `{name}` with shape {:?}, the recipe's networks need {shape:?}; \
                 was recipe.toml changed?",
                stored.shape
            ))),
            None => Err(Error::Request(format!(
                "the checkpoint lacks `{name}`; it was written for another system or version"
            ))),
        }
    }

    /// The counter called `name`.
    pub fn counter(&self, name: &str) -> Result<u64> {
        let missing = || Error::Request(format!("the checkpoint lacks the counter `{name}`"));
        self.counters.get(name).copied().ok_or_else(missing)
    }
}

impl Fragment for Network {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        state.put_weights(name, &self.weights)?;
        for (path, value) in self.buffers.names().iter().zip(self.buffers.values()) {
            state.put(format!("{name}.{path}"), value)?;
        }
        Ok(())
    }

    fn restore(&mut self, name: &str, state: &State) -> Result<()> {
        state.take_weights(name, &mut self.weights)?;
        for index in 0..self.buffers.names().len() {
            let held = &self.buffers.values()[index];
            let path = format!("{name}.{}", self.buffers.names()[index]);
            let value = state.take(&path, held.dims(), held.device())?;
            self.buffers.replace(index, value);
        }
        Ok(())
    }
}

impl Fragment for HistoricalAverage {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        state.counters.insert(format!("{name}.steps"), self.steps);
        state.put_weights(name, &self.mean)
    }

    fn restore(&mut self, name: &str, state: &State) -> Result<()> {
        self.steps = state.counter(&format!("{name}.steps"))?;
        state.take_weights(name, &mut self.mean)
    }
}
