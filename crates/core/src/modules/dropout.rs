//! Dropout (Srivastava et al. 2014, JMLR 15).

use brigand_autograd::Variable;
use candle_core::{Device, Tensor};

use super::layer::unconditional_layer;
use super::pass::Pass;
use crate::error::{Error, Result};

/// Each element is zero with this probability and divided by the rest otherwise; sampling keeps them all.
/// Masks come from the pass's stream, so every pass has its own.
pub struct Dropout(pub f64);

impl Dropout {
    /// The layer that follows hidden block `position` of `blocks`, for rates of which the last belongs to the
    /// last block.
    pub fn after(rates: &[f64], position: usize, blocks: usize) -> Option<Self> {
        (rates.len() + position)
            .checked_sub(blocks)
            .and_then(|index| rates.get(index))
            .map(|&rate| Self(rate))
    }

    /// Refuses rates that no dropout can have.
    pub fn check(rates: &[f64]) -> Result<()> {
        match rates.iter().find(|rate| !(0.0..1.0).contains(*rate)) {
            Some(rate) => {
                Err(Error::Recipe(format!("a dropout rate is {rate}; give 0 or more and less than 1")))
            }
            None => Ok(()),
        }
    }
}

impl Dropout {
    fn run(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        if !pass.mode().draws() || self.0 == 0.0 {
            return Ok(input.clone());
        }
        let kept = (1.0 / (1.0 - self.0)) as f32;
        let mask = pass.stream()?.uniform(input.elements(), 0.0, 1.0).into_iter();
        let mask: Vec<f32> = mask.map(|draw| if f64::from(draw) < self.0 { 0.0 } else { kept }).collect();
        let mask = Tensor::from_vec(mask, input.shape(), &Device::Cpu)?.to_dtype(input.dtype())?;
        Ok(input.mul(&Variable::constant(mask.to_device(input.device())?))?)
    }
}

unconditional_layer!(Dropout);
