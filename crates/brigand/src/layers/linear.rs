//! Fully connected layers.

use brigand_autograd::Variable;

use super::spectral::NormedWeight;
use super::{Builder, Initialization, Layer, Pass, WeightId};
use crate::error::Result;

/// `x W^T + b`: `[batch, from]` to `[batch, to]`.
pub struct Linear {
    weight: NormedWeight,
    bias: Option<WeightId>,
}

impl Linear {
    /// A layer with a bias that starts at 0.
    pub fn new(
        builder: &mut Builder,
        from: usize,
        to: usize,
        initialization: Initialization,
    ) -> Result<Self> {
        let weight = Self::without_bias(builder, from, to, initialization)?.weight;
        let zero = Initialization::Constant { value: 0.0 };
        Ok(Self { weight, bias: Some(builder.weight("bias", &[to], (from, to), zero)?) })
    }

    /// A layer without a bias.
    pub fn without_bias(
        builder: &mut Builder,
        from: usize,
        to: usize,
        initialization: Initialization,
    ) -> Result<Self> {
        let weight = builder.weight("weight", &[to, from], (from, to), initialization)?;
        Ok(Self { weight: NormedWeight::new(builder, weight)?, bias: None })
    }
}

impl Layer for Linear {
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        let weight = self.weight.get(pass)?;
        let bias = self.bias.map(|bias| pass.weights.get(bias)).transpose()?;
        Ok(input.linear(&weight, bias)?)
    }
}
