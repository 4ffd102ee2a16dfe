//! Attention to channels by a classifier of their pooled values (class activation maps, Zhou et al. 2015, arXiv:1512.04150; as
//! attention in GANs Kim et al. 2019, arXiv:1907.10830).

use brigand_autograd::Variable;

use super::builder::Builder;
use super::convolution::{Convolution, Window};
use super::initialization::Initialization;
use super::parameters::WeightId;
use super::pass::Pass;
use super::weight::{Plan, Weight};
use crate::error::Result;

/// `x + lambda mix(w * [x, x])`, where `w` are the weights of a linear classifier of the mean and the maximum of each channel,
/// `*` multiplies each channel by its weight, `mix` is a 1x1 convolution, and the learned `lambda` starts at 0.
pub struct ClassActivation {
    classifier: Weight,
    mix: Convolution,
    amount: WeightId,
}

impl ClassActivation {
    /// For maps of `channels`; `plan` is that of the classifier, which has no bias.
    pub fn new(builder: &mut Builder, channels: usize, plan: &Plan) -> Result<Self> {
        let mixing = Plan::new(plan.initialization);
        Ok(Self {
            classifier: builder
                .block("classifier", |b| Weight::new(b, &[1, 2 * channels], (2 * channels, 1), plan))?,
            mix: builder
                .block("mix", |b| Convolution::new(b, (2 * channels, channels), Window::same(1), &mixing))?,
            amount: builder.weight("amount", &[1], (1, 1), Initialization::ZERO)?,
        })
    }

    /// The maps, and the classifier's logits `[batch]`, for maps `[batch, channels, height, width]`.
    pub fn run(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<(Variable, Variable)> {
        let (batch, channels, height, width) = input.dims4("class activation")?;
        let flat = input.reshape(&[batch, channels, height * width])?;
        let pooled = Variable::concatenate(&[&flat.mean(&[2])?, &flat.max(2)?], 1)?;
        let weights = self.classifier.value(pass)?;
        let logits = pooled.matmul(&weights.transposed()?)?.reshape(&[batch])?;
        let twice = Variable::concatenate(&[input, input], 1)?;
        let mixed = self.mix.run(pass, &twice.mul(&weights.reshape(&[1, 2 * channels, 1, 1])?)?)?;
        Ok((input.add(&mixed.mul(&pass.weight(self.amount)?)?)?, logits))
    }
}
