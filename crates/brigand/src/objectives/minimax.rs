//! The original game, `min_G max_D E ln D(x) + E ln(1 - D(G(z)))` (Goodfellow et al. 2014, arXiv:1406.2661),
//! with `D = sigmoid(score)`.

use brigand_autograd::Variable;

use super::Scores;
use crate::error::Result;

/// `mean softplus(-real) + mean softplus(fake)`; `2 ln 2` when D cannot tell.
pub(super) fn discriminator(scores: &Scores<'_>) -> Result<Variable> {
    let real = scores.real.neg()?.softplus()?.mean_all()?;
    Ok(real.add(&scores.fake.softplus()?.mean_all()?)?)
}

/// `mean ln(1 - D(G(z))) = -mean softplus(fake)`: its gradient vanishes when D rejects every fake.
pub(super) fn generator(scores: &Scores<'_>) -> Result<Variable> {
    Ok(scores.fake.softplus()?.mean_all()?.neg()?)
}
