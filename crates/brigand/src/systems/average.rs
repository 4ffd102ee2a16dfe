//! The exponential average of a network's weights, which samples better than the weights themselves
//! (Karras et al. 2017, arXiv:1710.10196; Yazici et al. 2018, arXiv:1806.04498).

use brigand_autograd::buffer;
use brigand_core::players::AverageRecipe;
use brigand_kernels::optimizer::exponential_average;
use candle_core::Device;

use super::state::{Fragment, State};
use crate::error::Result;
use crate::layers::Weights;

/// `average <- decay average + (1 - decay) weights` after each step, starting from the first weights.
pub(super) struct WeightAverage {
    decay: f64,
    pub(super) weights: Weights,
}

impl WeightAverage {
    /// An average that starts at `weights`; nothing if the recipe has none.
    pub(super) fn new(recipe: AverageRecipe, weights: &Weights) -> Option<Self> {
        (recipe.decay > 0.0).then(|| Self { decay: recipe.decay, weights: weights.clone() })
    }

    /// Takes one step towards `weights`.
    pub(super) fn follow(&mut self, weights: &Weights) -> Result<()> {
        for (index, current) in weights.values().iter().enumerate() {
            let held = self.weights.values()[index].tensor();
            let mut average = buffer::with_slice::<f32, _>(&held.to_device(&Device::Cpu)?, <[f32]>::to_vec)?;
            buffer::with_slice::<f32, _>(&current.tensor().to_device(&Device::Cpu)?, |value| {
                exponential_average(&mut average, value, self.decay);
            })?;
            let updated = buffer::tensor_of(average, current.shape())?.to_device(current.device())?;
            self.weights.replace(index, updated);
        }
        Ok(())
    }
}

impl Fragment for WeightAverage {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        state.put_weights(name, &self.weights)
    }

    fn restore(&mut self, name: &str, state: &State) -> Result<()> {
        state.take_weights(name, &mut self.weights)
    }
}
