//! Residual blocks, and the resizing inside them.

use brigand_autograd::Variable;

use super::{Layer, Pass, Sequence};
use crate::error::Result;

/// `main(x) + shortcut(x)` (He et al. 2015, arXiv:1512.03385).
pub struct Residual {
    /// The path with the nonlinearities.
    pub main: Sequence,
    /// The path around them; empty for the identity.
    pub shortcut: Sequence,
}

impl Layer for Residual {
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        let main = self.main.forward(pass, input)?;
        Ok(main.add(&self.shortcut.forward(pass, input)?)?)
    }

    fn couples_samples(&self) -> bool {
        self.main.couples_samples() || self.shortcut.couples_samples()
    }
}

/// Twice the height and width, every pixel repeated.
pub struct Double;

impl Layer for Double {
    fn forward(&self, _: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        let (_, _, height, width) = input.dims4("upsample")?;
        Ok(input.resize_nearest(2 * height, 2 * width)?)
    }
}

/// Half the height and width, the mean of each 2x2 pixels.
pub struct Halve;

impl Layer for Halve {
    fn forward(&self, _: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        Ok(input.avg_pool2d(2, 2, 0)?)
    }
}

/// `[batch, channels, height, width]` summed over positions: `[batch, channels]`.
pub struct SumPositions;

impl Layer for SumPositions {
    fn forward(&self, _: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        Ok(input.sum(&[2, 3])?)
    }
}
