//! Normalisation of each position's channels.

use brigand_autograd::Variable;

use super::layer::unconditional_layer;
use super::pass::Pass;
use crate::error::Result;

/// Added to the mean square.
const EPSILON: f64 = 1e-8;

/// `x / sqrt(mean_c x² + 1e-8)`: the channels of each position of maps `[batch, channels, height, width]`, or the numbers of
/// each row of `[batch, size]`, at a mean square of 1 (Karras et al. 2017, arXiv:1710.10196, section 4.2). It has no
/// parameters.
pub struct PixelNorm;

impl PixelNorm {
    /// The normalised input.
    ///
    /// # Errors
    /// If the input has no second axis.
    pub fn run(&self, _: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        let size = input.square()?.mean_keeping(&[1])?.affine(1.0, EPSILON)?.sqrt()?;
        Ok(input.div(&size)?)
    }
}

unconditional_layer!(PixelNorm);
