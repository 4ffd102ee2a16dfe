//! Fully connected layers.

use brigand_autograd::Variable;

use super::spectral::NormedWeight;
use super::{Builder, Initialization, Layer, Pass, WeightId};
use crate::error::Result;

/// `x W^T + b`: `[batch, from]` to `[batch, to]`.
pub struct Linear {
    weight: NormedWeight,
    bias: WeightId,
}

impl Linear {
    /// A layer with a bias that starts at 0.
    pub fn new(
        builder: &mut Builder,
        from: usize,
        to: usize,
        initialization: Initialization,
    ) -> Result<Self> {
        Self::make(builder, (from, to), initialization, false)
    }

    /// [`Linear::new`] with its weight divided by its largest singular value.
    pub fn spectral(
        builder: &mut Builder,
        from: usize,
        to: usize,
        initialization: Initialization,
    ) -> Result<Self> {
        Self::make(builder, (from, to), initialization, true)
    }

    fn make(
        builder: &mut Builder,
        (from, to): (usize, usize),
        initialization: Initialization,
        spectral: bool,
    ) -> Result<Self> {
        let weight = builder.weight("weight", &[to, from], (from, to), initialization)?;
        let bias = builder.weight("bias", &[to], (from, to), Initialization::Constant { value: 0.0 })?;
        Ok(Self { weight: NormedWeight::new(builder, weight, spectral)?, bias })
    }
}

impl Layer for Linear {
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        let weight = self.weight.get(pass)?;
        Ok(input.linear(&weight, Some(pass.weights.get(self.bias)?))?)
    }
}
