//! Energy-based GAN (Zhao et al. 2016, arXiv:1609.03126): the discriminator is an auto-encoder whose
//! reconstruction error is an energy, `E = -score >= 0`.

use brigand_autograd::Variable;

use super::Scores;
use crate::error::{Error, Result};

/// `mean E(x) + mean max(0, m - E(y))` with `m = margin`, or `m = margin mean E(x)`, through which no gradient flows.
pub(super) fn discriminator(scores: &Scores<'_>, margin: f64, relative: bool) -> Result<Variable> {
    let real = scores.real.mean_all()?;
    let above = match relative {
        true => scores.fake.sub(&real.detach().scale(margin)?)?,
        false => scores.fake.affine(1.0, margin)?,
    };
    Ok(above.relu()?.mean_all()?.sub(&real)?)
}

/// `mean E(y) + weight PT(codes of y)`.
pub(super) fn generator(scores: &Scores<'_>, weight: f64) -> Result<Variable> {
    let energy = scores.fake.mean_all()?.neg()?;
    if weight == 0.0 {
        return Ok(energy);
    }
    let missing = || Error::Network("the pull-away term needs a discriminator that shows its codes".into());
    let codes = scores.fake_features.ok_or_else(missing)?;
    Ok(energy.add(&pull_away(codes)?.scale(weight)?)?)
}

/// The repelling term of the fakes' codes `[batch, features]`: the mean squared cosine over all pairs of
/// different samples.
pub fn pull_away(codes: &Variable) -> Result<Variable> {
    let codes = codes.flatten_from_second()?;
    let count = codes.shape()[0] as f64;
    let directions = codes.div(&codes.norm_keeping(&[1])?)?;
    let cosines = directions.matmul(&directions.transposed()?)?;
    let own = directions.square()?.sum(&[1])?.square()?.sum_all()?;
    Ok(cosines.square()?.sum_all()?.sub(&own)?.scale(1.0 / (count * (count - 1.0)).max(1.0))?)
}
