//! Fully connected layers.

use brigand_autograd::Variable;

use super::builder::Builder;
use super::initialization::Initialization;
use super::layer::unconditional_layer;
use super::parameters::WeightId;
use super::pass::Pass;
use super::weight::{Plan, Weight};
use crate::error::Result;

/// `x W^T + b`: `[.., from]` to `[.., to]`.
pub struct Linear {
    weight: Weight,
    bias: Option<WeightId>,
}

impl Linear {
    /// A layer from `from` to `to` numbers.
    pub fn new(builder: &mut Builder, from: usize, to: usize, plan: &Plan) -> Result<Self> {
        let weight = Weight::new(builder, &[to, from], (from, to), plan)?;
        Ok(Self { weight, bias: bias(builder, plan, to)? })
    }

    /// The output.
    pub fn run(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        let weight = self.weight.value(pass)?;
        let bias = self.bias.map(|bias| pass.weight(bias)).transpose()?;
        Ok(input.linear_by(&weight, bias.as_ref(), pass.products())?)
    }
}

unconditional_layer!(Linear);

pub(super) fn bias(builder: &mut Builder, plan: &Plan, size: usize) -> Result<Option<WeightId>> {
    plan.bias.then(|| builder.weight("bias", &[size], (size, size), Initialization::ZERO)).transpose()
}
