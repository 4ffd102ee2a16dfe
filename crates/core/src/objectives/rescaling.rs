//! One backward pass for both players.

use brigand_autograd::{Variable, grad};

use super::{Objective, Scores};
use crate::error::Result;

impl Objective {
    /// How much each fake's gradient changes from the discriminator's loss to the generator's:
    /// `g_i / d_i` of the two losses' derivatives by the fake scores, `[batch]`.
    ///
    /// `None` where one pass cannot serve both players: a loss that reaches the fakes other than through
    /// their scores, a fake that the discriminator's loss ignores (hinges), or a ratio too large for
    /// single precision.
    pub fn fake_rescaling(&self, scores: &Scores<'_>) -> Result<Option<Variable>> {
        if matches!(self, Self::CTransform { .. } | Self::EnergyBased { .. }) {
            return Ok(None);
        }
        let fake = Variable::leaf(scores.fake.tensor().clone());
        let real = scores.real.detach();
        let apart = Scores { real: &real, fake: &fake, ..*scores };
        let slope = |loss: Variable| grad(&loss, &[&fake], false);
        let discriminator = slope(self.discriminator_loss(&apart)?)?;
        let generator = slope(self.generator_loss(&apart)?)?;
        let ([discriminator], [generator]) = (discriminator.as_slice(), generator.as_slice()) else {
            return Ok(None);
        };
        let ratio = generator.div(discriminator)?;
        let bearable = ratio.to_vec_f32()?.iter().all(|value| value.abs() < 1e6);
        Ok(bearable.then_some(ratio))
    }
}
