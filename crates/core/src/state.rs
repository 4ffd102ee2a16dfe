//! What training changes, by name: what a checkpoint holds.

use std::collections::{BTreeMap, BTreeSet};

use candle_core::{DType, Device, Tensor};

use crate::error::{Error, Result};

/// Named tensors and counters, all in ordinary memory.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Weights, running statistics, optimizer moments, image pools.
    pub tensors: BTreeMap<String, Tensor>,
    /// Step counts and sizes.
    pub counters: BTreeMap<String, u64>,
    /// Names that a restore has taken.
    taken: BTreeSet<String>,
}

impl State {
    /// Adds a tensor.
    pub fn put(&mut self, name: String, tensor: &Tensor) -> Result<()> {
        self.tensors.insert(name, tensor.to_device(&Device::Cpu)?);
        Ok(())
    }

    /// Adds a counter.
    pub fn count(&mut self, name: String, value: u64) {
        self.counters.insert(name, value);
    }

    /// The tensor called `name` in the place and type of `like`, whose shape it must have.
    ///
    /// # Errors
    /// If there is none or its shape is another.
    pub fn take(&mut self, name: &str, like: &Tensor) -> Result<Tensor> {
        let found = self.take_any(name, like.dtype(), like.device())?;
        if found.dims() != like.dims() {
            return Err(Error::State(format!(
                "the checkpoint holds `{name}` with shape {:?}, the recipe's networks need {:?}; was recipe.toml \
                 changed?",
                found.dims(),
                like.dims()
            )));
        }
        Ok(found)
    }

    /// The tensor called `name`, of any shape.
    ///
    /// # Errors
    /// If there is none.
    pub fn take_any(&mut self, name: &str, dtype: DType, device: &Device) -> Result<Tensor> {
        let found = self.tensors.get(name).ok_or_else(|| lacks(name))?;
        let found = found.to_dtype(dtype)?.to_device(device)?;
        self.taken.insert(name.to_owned());
        Ok(found)
    }

    /// The counter called `name`.
    ///
    /// # Errors
    /// If there is none.
    pub fn counter(&mut self, name: &str) -> Result<u64> {
        self.optional_counter(name).ok_or_else(|| lacks(name))
    }

    /// The counter called `name`, if there is one.
    pub fn optional_counter(&mut self, name: &str) -> Option<u64> {
        let found = self.counters.get(name).copied()?;
        self.taken.insert(name.to_owned());
        Some(found)
    }

    /// Whether there is a tensor called `name`.
    pub fn holds(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// Counts everything whose name begins with `prefix` as taken.
    pub fn ignore(&mut self, prefix: &str) {
        let names = self.tensors.keys().chain(self.counters.keys());
        let ignored: Vec<String> = names.filter(|name| name.starts_with(prefix)).cloned().collect();
        self.taken.extend(ignored);
    }

    /// Refuses a restore that left something untaken: it was written by another system.
    pub fn refuse_remains(&self) -> Result<()> {
        let mut names = self.tensors.keys().chain(self.counters.keys());
        match names.find(|name| !self.taken.contains(*name)) {
            Some(name) => Err(Error::State(format!(
                "the checkpoint holds `{name}`, for which this recipe's system has no use; was recipe.toml changed?"
            ))),
            None => Ok(()),
        }
    }

    /// Refuses a state with a value that is no finite number: saving it would replace a good checkpoint.
    pub fn refuse_not_finite(&self, step: u64) -> Result<()> {
        for (name, tensor) in self.tensors.iter().filter(|(_, tensor)| tensor.dtype().is_float()) {
            let values = tensor.flatten_all()?.to_dtype(DType::F32)?;
            let broken = brigand_autograd::buffer::with_slice::<f32, _>(&values, |values| {
                values.iter().find(|value| !value.is_finite()).copied()
            })?;
            if let Some(value) = broken {
                return Err(Error::NotFinite {
                    what: format!("`{name}`"),
                    value: value.into(),
                    step,
                    trained: Vec::new(),
                    keys: Vec::new(),
                });
            }
        }
        Ok(())
    }
}

fn lacks(name: &str) -> Error {
    Error::State(format!("the checkpoint lacks `{name}`; it was written for another system or version"))
}
