//! How a network hears what its samples are conditioned on: a one-hot class, a code, any vector of each sample's.

use brigand_autograd::Variable;

use super::{Builder, Initialization, Layer, Linear, Pass};
use crate::error::{Error, Result};

/// The pass's condition, `[batch, size]`.
///
/// # Errors
/// If there is none.
pub(super) fn condition<'a>(pass: &'a Pass<'_>) -> Result<&'a Variable> {
    pass.condition.as_ref().ok_or_else(|| {
        Error::Network(
            "the network is conditional and was given no condition; pass the classes or codes".into(),
        )
    })
}

/// Appends the condition to every sample: as coordinates of a vector, or as constant planes of a map (Mirza and
/// Osindero 2014, arXiv:1411.1784).
pub struct AppendCondition;

impl Layer for AppendCondition {
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        let condition = condition(pass)?;
        let appended = match *input.shape() {
            [batch, _, height, width] => {
                let size = condition.elements() / batch.max(1);
                condition.reshape(&[batch, size, 1, 1])?.broadcast_to(&[batch, size, height, width])?
            }
            _ => condition.clone(),
        };
        Ok(Variable::concatenate(&[input, &appended], 1)?)
    }
}

/// From features to one score, which sees how the condition's own direction fits the features (projection
/// discriminator, Miyato and Koyama 2018, arXiv:1802.05637): `w · phi + b + (V c) · phi`, `[batch, 1]`.
pub struct Projection {
    alone: Linear,
    embedding: Linear,
}

impl Projection {
    /// For `features` and conditions of `size`.
    pub fn new(
        builder: &mut Builder,
        features: usize,
        size: usize,
        initialization: Initialization,
    ) -> Result<Self> {
        Ok(Self {
            alone: builder.within("alone", |b| Linear::new(b, features, 1, initialization))?,
            embedding: builder
                .within("embedding", |b| Linear::without_bias(b, size, features, initialization))?,
        })
    }
}

impl Layer for Projection {
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        let condition = condition(pass)?.clone();
        let fit = self.embedding.forward(pass, &condition)?.mul(input)?.sum_keeping(&[1])?;
        Ok(self.alone.forward(pass, input)?.add(&fit)?)
    }
}
