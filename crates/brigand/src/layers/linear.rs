//! Fully connected layers.

use brigand_autograd::Variable;

use super::{Builder, Initialization, Layer, Pass, WeightId};
use crate::error::Result;

/// `x W^T + b`: `[batch, from]` to `[batch, to]`.
pub struct Linear {
    weight: WeightId,
    bias: Option<WeightId>,
}

impl Linear {
    /// A layer with a bias that starts at 0.
    pub fn new(builder: &mut Builder, from: usize, to: usize, initialization: Initialization) -> Result<Self> {
        let bias = builder.weight("bias", &[to], (from, to), Initialization::Constant { value: 0.0 })?;
        Ok(Self { bias: Some(bias), ..Self::without_bias(builder, from, to, initialization)? })
    }

    /// A layer without a bias, as it stands before a normalisation.
    pub fn without_bias(
        builder: &mut Builder,
        from: usize,
        to: usize,
        initialization: Initialization,
    ) -> Result<Self> {
        Ok(Self { weight: builder.weight("weight", &[to, from], (from, to), initialization)?, bias: None })
    }
}

impl Layer for Linear {
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        let bias = self.bias.map(|bias| pass.weights.get(bias)).transpose()?;
        Ok(input.linear(pass.weights.get(self.weight)?, bias)?)
    }
}
