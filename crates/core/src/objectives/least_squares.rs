//! Least squares GAN (Mao et al. 2016, arXiv:1611.04076).

use brigand_autograd::Variable;

use super::Scores;
use crate::error::Result;

/// `1/2 mean (real - b)² + 1/2 mean (fake - a)²`.
pub(super) fn discriminator(scores: &Scores<'_>, a: f64, b: f64) -> Result<Variable> {
    Ok(half_square(scores.real, b)?.add(&half_square(scores.fake, a)?)?)
}

/// `1/2 mean (fake - c)²`.
pub(super) fn generator(scores: &Scores<'_>, c: f64) -> Result<Variable> {
    half_square(scores.fake, c)
}

fn half_square(scores: &Variable, target: f64) -> Result<Variable> {
    Ok(scores.affine(1.0, -target)?.square()?.mean_all()?.scale(0.5)?)
}
