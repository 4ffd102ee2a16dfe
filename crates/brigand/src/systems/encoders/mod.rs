//! Systems that find the code of a sample: an encoder beside the decoder or generator.

mod bigan;
mod draw;
mod elbo;
mod held_out_codes;
mod likelihood;
mod posterior;
mod vae;
mod vae_gan;

pub use bigan::{BiganRecipe, EncoderLoss};
pub use draw::{DrawRecipe, DrawingRecipe};
pub use likelihood::Likelihood;
pub(super) use posterior::{KL_DIVERGENCE, Posterior};
pub use vae::VaeRecipe;
pub use vae_gan::VaeGanRecipe;

use brigand_core::batch::SampleKind;
use brigand_core::networks::{Hidden, HiddenNormalization, MlpRecipe, NetworkRecipe};
use brigand_core::recipe::{Length, Row};

/// The rows of all of them.
pub(super) const ROWS: [Row; 4] = [vae::ROW, vae_gan::ROW, bigan::ROW, draw::ROW];

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
