//! Generators that draw in steps.

use brigand_core::batch::SampleKind;
use brigand_core::networks::{DcganRecipe, GranRecipe, NetworkRecipe};
use brigand_core::players::OptimizerRecipe;
use brigand_core::recipe::{Family, Row};

use super::super::TwoPlayerRecipe;
use super::{both, boxed, ordinary, row};

/// Rows of generators that draw in steps.
pub(super) const ROWS: [Row; 1] = [row(
    (
        "gran",
        Family::Images,
        "generator that draws in steps: each adds an increment to the canvas and reads the one before it",
        "Im et al. 2016, arXiv:1602.05110",
    ),
    |kind| boxed(gran(kind)),
)];

/// A quarter of the paper's width and half of its latents, which a processor trains in minutes, whatever the data: points
/// are refused.
fn gran(_: SampleKind) -> TwoPlayerRecipe {
    let mut recipe = ordinary(SampleKind::Image);
    recipe.latent.size = 50;
    recipe.generator = NetworkRecipe::Gran(GranRecipe::default());
    recipe.discriminator = NetworkRecipe::Dcgan(DcganRecipe { width: 32, ..DcganRecipe::default() });
    recipe.optimizer = both(OptimizerRecipe::adam(2e-4, 0.5, 0.999));
    recipe
}
