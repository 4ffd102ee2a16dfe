//! The exponential average of a network's weights, which samples better than the weights themselves (Karras et al. 2017,
//! arXiv:1710.10196; Yazici et al. 2018, arXiv:1806.04498).

use brigand_autograd::{Variable, buffer, without_recording};
use brigand_kernels::optimizer::exponential_average;
use candle_core::DType;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::modules::{Part, Weights};
use crate::state::State;

/// How slowly the average follows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AverageRecipe {
    /// Share of the old average kept at each step, for example 0.999, less in the first `2 / (1 - decay)` steps; 0 samples from the
    /// weights themselves.
    pub decay: f64,
}

impl AverageRecipe {
    /// Samples come from the weights themselves.
    pub const OFF: Self = Self { decay: 0.0 };

    /// Refuses a decay with which the average would never move or explode.
    pub fn check(&self) -> Result<()> {
        if !(0.0..1.0).contains(&self.decay) {
            return Err(Error::Recipe(format!(
                "average.decay is {}; give 0 or more and less than 1",
                self.decay
            )));
        }
        Ok(())
    }
}

/// `average <- kept average + (1 - kept) weights` after each step, with `kept = min(decay, t / (t + 2))` after `t` steps before. At
/// first the weights of each step thus count in proportion to its number (the polynomial-decay averaging of Shamir and Zhang 2013,
/// arXiv:1212.1824); a constant share would keep much of the untrained weights over `1 / (1 - decay)` steps.
pub(super) struct Average {
    decay: f64,
    steps: u64,
    weights: Weights,
}

impl Average {
    /// An average that starts at `weights`; nothing if the recipe has none.
    pub(super) fn new(recipe: AverageRecipe, weights: &Weights) -> Option<Self> {
        (recipe.decay > 0.0).then(|| Self { decay: recipe.decay, steps: 0, weights: weights.clone() })
    }

    /// The averaged weights.
    pub(super) fn weights(&self) -> &Weights {
        &self.weights
    }

    /// Begins anew at `weights`.
    pub(super) fn restart(&mut self, weights: &Weights) {
        *self = Self { decay: self.decay, steps: 0, weights: weights.clone() };
    }

    /// Takes one step towards `weights`.
    pub(super) fn follow(&mut self, weights: &Weights) -> Result<()> {
        let steps = self.steps as f64;
        let kept = self.decay.min(steps / (steps + 2.0));
        let pairs = self.weights.values().iter().zip(weights.values());
        let mixed = pairs.map(|(average, value)| {
            let (average, value) = (average.tensor(), value.tensor());
            let mixed = if buffer::has_kernels(average) && average.dtype() == DType::F32 {
                buffer::with_slice::<f32, _>(value, |value| {
                    buffer::map_slice::<f32>(average, |old, new| {
                        new.copy_from_slice(old);
                        exponential_average(new, value, kept);
                    })
                })??
            } else {
                without_recording(|| (average * kept)? + (value * (1.0 - kept))?)?
            };
            Ok(Variable::leaf(mixed))
        });
        self.weights = self.weights.with_values(mixed.collect::<Result<_>>()?)?;
        self.steps += 1;
        Ok(())
    }
}

impl Part for Average {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        state.count(format!("{name}.steps"), self.steps);
        self.weights.save(name, state)
    }

    fn restore(&mut self, name: &str, state: &mut State) -> Result<()> {
        self.steps = state.counter(&format!("{name}.steps"))?;
        self.weights.restore(name, state)
    }
}
