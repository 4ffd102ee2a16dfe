//! One backward pass for both players, for the merged update.
//!
//! Where both losses reach a generated sample through its score `s_i` alone, its gradients are `d_i ds_i/dx_i` in the
//! discriminator's loss and `g_i ds_i/dx_i` in the generator's. A backward pass of the discriminator's gives the first,
//! and times `g_i / d_i` it is the second. `d_i` can be 0 or next to it: a sigmoid far below 0 is, so is a squared
//! distance at its target. Such a derivative is lifted to [`FLOOR`] before the pass, so that every quotient is finite
//! and the generator's gradient is right for every finite score, whatever its size; the discriminator's gradient moves
//! by at most [`FLOOR`] for each sample's score, far below single precision's resolution of any gradient that moves a
//! weight. Nothing has to be read from the device to find out.

use brigand_autograd::{Variable, grad};
use candle_core::{DType, Tensor};

use super::{Merging, Objective, Scores};
use crate::error::{Error, Result};

/// The smallest size of a generated sample's derivative in a shared pass.
const FLOOR: f64 = 1e-20;

/// What a backward pass through the discriminator starts from to serve both players.
pub(crate) struct SharedPass {
    /// The derivatives of the discriminator's loss by the real scores, `[batch]`.
    pub(crate) real: Variable,
    /// The same by the generated samples' scores, none smaller in size than the floor, `[batch]`.
    pub(crate) fake: Variable,
    /// What each generated sample's gradient has to be multiplied by to be the generator's, `[batch]`.
    pub(crate) factors: Variable,
}

impl Objective {
    /// What a shared backward pass starts from; `None` where each player needs a pass of its own, by the objective's
    /// properties and the scores' shape and type.
    pub(crate) fn shared_pass(&self, scores: &Scores<'_>) -> Result<Option<SharedPass>> {
        match self.properties().merging {
            Merging::Apart => return Ok(None),
            Merging::Rescaled => {}
        }
        // A pixel of the input has a part in several scores of a map, so no factor is its own; half precision has no
        // numbers as small as the floor.
        if scores.fake.rank() != 1 || scores.fake.dtype() == DType::F16 {
            return Ok(None);
        }
        let leaf = |of: &Variable| Variable::leaf(of.tensor().clone());
        let (real, fake) = (leaf(scores.real), leaf(scores.fake));
        let alone = Scores { real: &real, fake: &fake, ..*scores };
        let [of_real, of_fake] = two(grad(&self.discriminator_loss(&alone)?, &[&real, &fake], false)?)?;
        let generator = grad(&self.generator_loss(&alone)?, &[&fake], false)?;
        let [wanted] = generator.as_slice() else { return Err(lost(1, generator.len())) };
        let of_fake = lifted(of_fake.tensor())?;
        let factors = Variable::constant(wanted.tensor().div(&of_fake)?);
        Ok(Some(SharedPass { real: of_real, fake: Variable::constant(of_fake), factors }))
    }
}

/// Values of size at least [`FLOOR`]: smaller ones become it.
fn lifted(values: &Tensor) -> Result<Tensor> {
    let floor = values.ones_like()?.affine(FLOOR, 0.0)?;
    Ok(values.abs()?.lt(&floor)?.where_cond(&floor, values)?)
}

fn two(gradients: Vec<Variable>) -> Result<[Variable; 2]> {
    gradients.try_into().map_err(|found: Vec<Variable>| lost(2, found.len()))
}

fn lost(wanted: usize, found: usize) -> Error {
    Error::Internal(format!("a loss gave {found} gradients by {wanted} batches of scores"))
}
