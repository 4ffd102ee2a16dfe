//! How a network uses what its samples are conditioned on: a one-hot class, a code, any vector of each sample's.

use brigand_autograd::Variable;

use super::builder::Builder;
use super::linear::Linear;
use super::pass::Pass;
use super::weight::Plan;
use crate::error::Result;

/// `samples` with `condition` `[batch, size]` appended: as coordinates of a vector, or as constant planes of a map (Mirza
/// and Osindero 2014, arXiv:1411.1784).
pub fn append_condition(samples: &Variable, condition: &Variable) -> Result<Variable> {
    let appended = match *samples.shape() {
        [batch, _, height, width] => {
            let size = condition.elements() / batch.max(1);
            condition.reshape(&[batch, size, 1, 1])?.broadcast_to(&[batch, size, height, width])?
        }
        _ => condition.clone(),
    };
    Ok(Variable::concatenate(&[samples, &appended], 1)?)
}

/// From features to one score with a part for the condition (projection discriminator, Miyato and Koyama 2018,
/// arXiv:1802.05637): `w · phi + b + (V c) · phi`, `[batch, 1]`.
pub struct Projection {
    alone: Linear,
    embedding: Linear,
}

impl Projection {
    /// For `features` and conditions of `size`.
    pub fn new(builder: &mut Builder, features: usize, size: usize, plan: &Plan) -> Result<Self> {
        Ok(Self {
            alone: builder.block("alone", |b| Linear::new(b, features, 1, plan))?,
            embedding: builder
                .block("embedding", |b| Linear::new(b, size, features, &plan.without_bias()))?,
        })
    }

    /// The vectors `V c` of `condition` `[batch, size]`, `[batch, features]`.
    pub fn vectors(&self, pass: &mut Pass<'_>, condition: &Variable) -> Result<Variable> {
        self.embedding.run(pass, condition)
    }

    /// The scores of `features` `[batch, features]` under `condition` `[batch, size]`.
    pub fn run(&self, pass: &mut Pass<'_>, features: &Variable, condition: &Variable) -> Result<Variable> {
        let fit = self.vectors(pass, condition)?.mul(features)?.sum_keeping(&[1])?;
        Ok(self.alone.run(pass, features)?.add(&fit)?)
    }
}
