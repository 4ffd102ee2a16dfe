//! Historical averaging (Salimans et al. 2016, arXiv:1606.03498, section 3.3).

use brigand_autograd::Variable;
use candle_core::Tensor;

use crate::error::{Error, Result};
use crate::layers::Weights;

/// The plain mean of a player's weights over its past steps.
#[derive(Clone, Debug)]
pub struct HistoricalAverage {
    /// The mean, in the weights' order.
    pub mean: Weights,
    /// Steps in it.
    pub steps: u64,
}

impl HistoricalAverage {
    /// The mean of the first weights alone.
    pub fn new(weights: &Weights) -> Self {
        Self { mean: weights.clone(), steps: 1 }
    }

    /// `weight |theta - mean|²`; the mean is a constant.
    pub fn term(&self, weights: &Weights, weight: f64) -> Result<Variable> {
        self.same_count(weights)?;
        let mut sum = Variable::full(0.0, &[], candle_core::DType::F32, &candle_core::Device::Cpu)?;
        for (value, mean) in weights.values().iter().zip(self.mean.values()) {
            sum = sum.to_device(value.device())?.add(&value.sub(&mean.detach())?.square()?.sum_all()?)?;
        }
        Ok(sum.scale(weight)?)
    }

    /// Takes the weights after a step into the mean.
    pub fn follow(&mut self, weights: &Weights) -> Result<()> {
        self.same_count(weights)?;
        self.steps += 1;
        let share = 1.0 / self.steps as f64;
        let pairs = weights.values().iter().zip(self.mean.values());
        let moved: Vec<Tensor> = pairs
            .map(|(value, mean)| mean.tensor() + ((value.tensor() - mean.tensor())? * share)?)
            .collect::<candle_core::Result<_>>()?;
        moved.into_iter().enumerate().for_each(|(index, mean)| self.mean.replace(index, mean));
        Ok(())
    }

    fn same_count(&self, weights: &Weights) -> Result<()> {
        let (held, given) = (self.mean.values().len(), weights.values().len());
        if held == given {
            return Ok(());
        }
        Err(Error::Internal(format!("a mean of {held} past weights was given {given} weights")))
    }
}
