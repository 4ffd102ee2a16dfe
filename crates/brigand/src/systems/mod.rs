//! The named systems: each a recipe, networks of its own, one training step, and what it can do once trained.

mod aae;
pub mod adagan;
pub mod attention;
pub mod captions;
pub mod catgan;
pub mod classifier;
mod codec;
pub mod cyclegan;
pub mod encoders;
pub mod gaugan;
mod held_out;
pub mod image_to_label;
pub mod imle;
pub mod lapgan;
pub mod latent_generator;
pub mod nice_gan;
pub mod pggan;
mod phases;
pub mod pix2pix;
pub mod singan;
pub mod sound_to_image;
pub mod speech;
pub mod talking_head;
pub mod text;
pub mod text_style;
pub mod translation;
pub mod two_player;

pub use held_out::HeldOutRecipe;

use brigand_core::recipe::Row;

/// The rows of all of them, in the order in which a reader meets them.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    let images: &[Row] = &[
        lapgan::ROW,
        pggan::ROW,
        attention::SAGAN,
        attention::BIGGAN,
        singan::ROW,
        pix2pix::ROW,
        cyclegan::ROW,
        cyclegan::GANILLA,
        nice_gan::ROW,
        gaugan::ROW,
        talking_head::ROW,
        captions::TEXT_TO_IMAGE,
        captions::STACKGAN,
        sound_to_image::ROW,
    ];
    let single: &[Row] = &[adagan::ROW, catgan::ROW, imle::ROW];
    let others = [
        images,
        single,
        &encoders::ROWS,
        &aae::ROWS,
        &text::ROWS,
        &[text_style::ROW, speech::ROW],
        &[classifier::ROW, image_to_label::ROW],
    ];
    two_player::ROWS.into_iter().chain(others).flatten()
}
