//! The original game, `min_G max_D E ln D(x) + E ln(1 - D(G(z)))` (Goodfellow et al. 2014, arXiv:1406.2661),
//! with `D = sigmoid(score)`.

use brigand_autograd::Variable;

use super::Scores;
use crate::error::Result;

/// `mean softplus(-real) + mean softplus(fake)`; `2 ln 2` when D cannot tell. With targets other than
/// `real` 1 and `fake` 0 it is the cross-entropy with smoothed labels (Salimans et al. 2016,
/// arXiv:1606.03498, section 3.4), `mean(softplus(s) - target s)` of either side.
pub(super) fn discriminator(scores: &Scores<'_>, real: f64, fake: f64) -> Result<Variable> {
    Ok(cross_entropy(scores.real, real)?.add(&cross_entropy(scores.fake, fake)?)?)
}

/// `mean ln(1 - D(G(z))) = -mean softplus(fake)`: its gradient vanishes when D rejects every fake.
pub(super) fn generator(scores: &Scores<'_>) -> Result<Variable> {
    Ok(scores.fake.softplus()?.mean_all()?.neg()?)
}

fn cross_entropy(scores: &Variable, target: f64) -> Result<Variable> {
    if target == 1.0 {
        return Ok(scores.neg()?.softplus()?.mean_all()?);
    }
    let certain = scores.softplus()?;
    Ok(if target == 0.0 { certain } else { certain.sub(&scores.scale(target)?)? }.mean_all()?)
}
