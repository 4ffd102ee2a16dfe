//! A buffer of earlier fakes that are used again in discriminator updates (Shrivastava et al. 2016, arXiv:1612.07828).

use crate::random::Stream;
use brigand_autograd::Variable;
use candle_core::Tensor;

use crate::error::{Error, Result};
use crate::modules::Part;
use crate::state::State;

/// Up to `capacity` earlier samples.
pub struct ImagePool {
    capacity: usize,
    held: Vec<Tensor>,
    like: Tensor,
}

impl ImagePool {
    /// An empty pool of samples like `sample` `[sample...]`.
    pub fn new(capacity: usize, sample: &Tensor) -> Self {
        Self { capacity, held: Vec::new(), like: sample.clone() }
    }

    /// The batch to score for `fakes` `[batch, sample...]`: each is kept until the pool is full; then every second one, by chance,
    /// is exchanged for a held one. A pool of capacity 0 gives the fakes back.
    pub fn exchange(&mut self, fakes: &Variable, stream: &mut Stream) -> Result<Variable> {
        let mut chosen = Vec::new();
        for number in 0..fakes.shape().first().copied().unwrap_or(0) {
            let fresh = fakes.tensor().get(number)?.copy()?;
            if self.held.len() < self.capacity {
                self.held.push(fresh.clone());
                chosen.push(fresh);
                continue;
            }
            let exchanges = self.capacity > 0 && stream.index(2) == 0;
            let place = if exchanges { stream.index(self.capacity) } else { self.held.len() };
            chosen.push(match self.held.get_mut(place) {
                Some(held) => std::mem::replace(held, fresh),
                None => fresh,
            });
        }
        Ok(Variable::constant(Tensor::stack(&chosen, 0)?))
    }
}

impl Part for ImagePool {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        state.count(format!("{name}.held"), self.held.len() as u64);
        let mut held = self.held.iter().enumerate();
        held.try_for_each(|(number, sample)| state.put(format!("{name}.{number:04}"), sample))
    }

    fn restore(&mut self, name: &str, state: &mut State) -> Result<()> {
        let count = state.counter(&format!("{name}.held"))? as usize;
        if count > self.capacity {
            return Err(Error::State(format!(
                "the checkpoint holds {count} earlier fakes in `{name}`, the recipe's pool has room for {}; was \
                 recipe.toml changed?",
                self.capacity
            )));
        }
        let held = (0..count).map(|number| state.take(&format!("{name}.{number:04}"), &self.like));
        self.held = held.collect::<Result<_>>()?;
        Ok(())
    }
}
