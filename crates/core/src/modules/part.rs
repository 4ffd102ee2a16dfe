//! What a checkpoint holds of a part of a system.

use brigand_autograd::Variable;

use super::estimate::Estimate;
use super::parameters::{Buffers, Parameters, Weights};
use crate::error::{Error, Result};
use crate::state::State;

/// A part of a system that training changes.
pub trait Part {
    /// Writes itself under `name`.
    fn save(&self, name: &str, state: &mut State) -> Result<()>;

    /// Takes itself back.
    ///
    /// # Errors
    /// If something is missing or does not fit.
    fn restore(&mut self, name: &str, state: &mut State) -> Result<()>;

    /// The parameters of its networks, for counting and export.
    fn parameters(&self) -> Vec<&Parameters> {
        Vec::new()
    }

    /// From now on its networks sample with the statistics that were estimated for them; without an estimate, with
    /// training's. Answers how many networks took an estimate.
    fn sample_by(&mut self, _estimate: Option<&Estimate>) -> usize {
        0
    }
}

/// A part that some recipes lack. A checkpoint with it and a system without it do not fit: [`State::refuse_remains`] reports it.
impl<P: Part> Part for Option<P> {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        self.as_ref().map_or(Ok(()), |part| part.save(name, state))
    }

    fn restore(&mut self, name: &str, state: &mut State) -> Result<()> {
        self.as_mut().map_or(Ok(()), |part| part.restore(name, state))
    }

    fn parameters(&self) -> Vec<&Parameters> {
        self.as_ref().map_or_else(Vec::new, Part::parameters)
    }

    fn sample_by(&mut self, estimate: Option<&Estimate>) -> usize {
        self.as_mut().map_or(0, |part| part.sample_by(estimate))
    }
}

/// Several alike, numbered.
impl<P: Part> Part for Vec<P> {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        state.count(format!("{name}.count"), self.len() as u64);
        self.iter().enumerate().try_for_each(|(number, part)| part.save(&format!("{name}.{number}"), state))
    }

    fn restore(&mut self, name: &str, state: &mut State) -> Result<()> {
        let stored = state.counter(&format!("{name}.count"))?;
        if stored != self.len() as u64 {
            return Err(Error::State(format!(
                "the checkpoint holds {stored} of `{name}`, the recipe needs {}",
                self.len()
            )));
        }
        let mut parts = self.iter_mut().enumerate();
        parts.try_for_each(|(number, part)| part.restore(&format!("{name}.{number}"), state))
    }

    fn parameters(&self) -> Vec<&Parameters> {
        self.iter().flat_map(Part::parameters).collect()
    }

    fn sample_by(&mut self, estimate: Option<&Estimate>) -> usize {
        self.iter_mut().map(|part| part.sample_by(estimate)).sum()
    }
}

impl Part for Weights {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        let mut pairs = self.names.iter().zip(&self.values);
        pairs.try_for_each(|(path, value)| state.put(format!("{name}.{path}"), value.tensor()))
    }

    fn restore(&mut self, name: &str, state: &mut State) -> Result<()> {
        for (path, value) in self.names.iter().zip(&mut self.values) {
            *value = Variable::leaf(state.take(&format!("{name}.{path}"), value.tensor())?);
        }
        Ok(())
    }
}

impl Part for Buffers {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        let mut pairs = self.names.iter().zip(&self.values);
        pairs.try_for_each(|(path, value)| state.put(format!("{name}.{path}"), value))
    }

    fn restore(&mut self, name: &str, state: &mut State) -> Result<()> {
        for (path, value) in self.names.iter().zip(&mut self.values) {
            *value = state.take(&format!("{name}.{path}"), value)?;
        }
        Ok(())
    }
}

impl Part for Parameters {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        self.weights.save(name, state)?;
        self.buffers.save(name, state)
    }

    fn restore(&mut self, name: &str, state: &mut State) -> Result<()> {
        self.weights.restore(name, state)?;
        self.buffers.restore(name, state)
    }

    fn parameters(&self) -> Vec<&Parameters> {
        vec![self]
    }
}
