//! Systems that find the code of a sample: an encoder beside the decoder or generator.

mod bigan;
mod codec;
mod encoding;
mod held_out;
mod likelihood;
mod posterior;
mod vae;
mod vae_gan;

pub use bigan::{BiganRecipe, EncoderLearns};
pub use likelihood::Likelihood;
pub use vae::VaeRecipe;
pub use vae_gan::VaeGanRecipe;

use super::registry::{Entry, Length};
use crate::networks::{Hidden, HiddenNormalization, MlpRecipe, NetworkRecipe, SampleKind};

/// The rows of all of them.
pub(super) const ROWS: [Entry; 3] = [vae::ROW, vae_gan::ROW, bigan::ROW];

/// Fully connected layers of these widths.
fn mlp(widths: &[usize], activation: Hidden, normalization: HiddenNormalization) -> NetworkRecipe {
    NetworkRecipe::Mlp(MlpRecipe {
        widths: widths.to_vec(),
        activation,
        normalization,
        ..MlpRecipe::default()
    })
}

fn length(kind: SampleKind) -> Length {
    match kind {
        SampleKind::Image => Length { steps: 5000, batch: 128 },
        SampleKind::Points => Length { steps: 10_000, batch: 128 },
    }
}
