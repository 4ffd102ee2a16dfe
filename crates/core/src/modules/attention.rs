//! Self-attention over the positions of a map (Zhang et al. 2018, arXiv:1805.08318).

use brigand_autograd::Variable;

use super::builder::Builder;
use super::convolution::{Convolution, Window};
use super::initialization::Initialization;
use super::parameters::WeightId;
use super::pass::Pass;
use super::weight::Plan;
use crate::error::Result;

/// `x + gamma o`, where `o` mixes the values of all positions by the softmax of `queries · keys` over keys; `gamma`
/// starts at 0.
pub struct SelfAttention {
    query: Convolution,
    key: Convolution,
    value: Convolution,
    output: Convolution,
    gamma: WeightId,
}

impl SelfAttention {
    /// For maps of `channels`, of which an eighth are queries and keys and a half values.
    pub fn new(builder: &mut Builder, channels: usize, plan: &Plan) -> Result<Self> {
        let (narrow, half) = ((channels / 8).max(1), (channels / 2).max(1));
        let plan = plan.without_bias();
        let one = |from, to| move |b: &mut Builder| Convolution::new(b, (from, to), Window::same(1), &plan);
        Ok(Self {
            query: builder.block("query", one(channels, narrow))?,
            key: builder.block("key", one(channels, narrow))?,
            value: builder.block("value", one(channels, half))?,
            output: builder.block("output", one(half, channels))?,
            gamma: builder.weight("gamma", &[1], (1, 1), Initialization::ZERO)?,
        })
    }

    /// `gamma`, `[1]`.
    ///
    /// # Errors
    /// If the pass is another network's.
    pub fn gamma(&self, pass: &mut Pass<'_>) -> Result<Variable> {
        pass.weight(self.gamma)
    }

    /// The maps and the attention `[batch, queries, keys]`, whose rows sum to 1.
    pub fn run(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<(Variable, Variable)> {
        let (batch, _, height, width) = input.dims4("self-attention")?;
        let positions = height * width;
        let flat = |maps: Variable| -> Result<Variable> {
            let channels = maps.elements() / (batch * positions).max(1);
            Ok(maps.reshape(&[batch, channels, positions])?)
        };
        let query = flat(self.query.run(pass, input)?)?;
        let key = flat(self.key.run(pass, input)?)?;
        let value = flat(self.value.run(pass, input)?)?;
        let attention = query.transposed()?.matmul_by(&key, pass.products())?.softmax(2)?;
        let mixed = value.matmul_by(&attention.transposed()?, pass.products())?;
        let mixed = mixed.reshape(&[batch, mixed.shape()[1], height, width])?;
        let output = self.output.run(pass, &mixed)?.mul(&pass.weight(self.gamma)?)?;
        Ok((input.add(&output)?, attention))
    }
}
