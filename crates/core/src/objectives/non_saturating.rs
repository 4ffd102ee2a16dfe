//! The generator loss that Goodfellow et al. (2014, arXiv:1406.2661, section 3) advise in practice.

use brigand_autograd::Variable;

use super::Scores;
use crate::error::Result;

/// `-mean ln D(G(z)) = mean softplus(-fake)`: the same fixed point as minimax, with a gradient that stays
/// when D rejects every fake.
pub(super) fn generator(scores: &Scores<'_>) -> Result<Variable> {
    Ok(scores.fake.neg()?.softplus()?.mean_all()?)
}
