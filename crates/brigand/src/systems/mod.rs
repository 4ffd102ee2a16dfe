//! The named systems: each a recipe, networks of its own, one training step, and what it can do once trained.

mod aae;
pub mod catgan;
pub mod classifier;
mod codec;
pub mod cyclegan;
pub mod encoders;
mod held_out;
pub mod imle;
mod latent_generator;
pub mod sagan;
pub mod two_player;

pub use held_out::HeldOutRecipe;

use brigand_core::recipe::Row;

/// The rows of all of them, in the order in which a reader meets them.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    let others: [&[Row]; 7] = [
        &[sagan::ROW],
        &[cyclegan::ROW],
        &[catgan::ROW],
        &[imle::ROW],
        &encoders::ROWS,
        &aae::ROWS,
        &[classifier::ROW],
    ];
    two_player::ROWS.into_iter().chain(others).flatten()
}
