//! What evaluation asks of a trained generator.

use brigand_autograd::Variable;

use crate::error::Result;
use crate::random::Stream;

/// Makes samples of latents. Whoever trains generators implements it for them.
pub trait LatentGenerator {
    /// The shape of a sample: `[channels, height, width]` or `[dimensions]`.
    fn sample_shape(&self) -> Vec<usize>;

    /// `count` latents, `[count, size]`.
    ///
    /// # Errors
    /// If none can be drawn.
    fn latents(&self, count: usize, stream: &mut Stream) -> Result<Variable>;

    /// The samples that `latents` `[count, size]` stand for, `[count, sample...]`, images with values in [-1, 1].
    ///
    /// # Errors
    /// If the latents have another size.
    fn generate(&self, latents: &Variable) -> Result<Variable>;

    /// How many coordinates at the end of a latent choose something, a class say, instead of varying continuously.
    ///
    /// # Errors
    /// If the latents have no description.
    fn choices(&self) -> Result<usize>;

    /// The class that each of `latents` asks for; empty for a generator that is asked for none.
    ///
    /// # Errors
    /// If the latents have another size.
    fn classes(&self, latents: &Variable) -> Result<Vec<u32>>;
}
