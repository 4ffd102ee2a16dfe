//! Discriminators as energies and losses, low on real samples.

use brigand_core::batch::SampleKind;
use brigand_core::networks::{AutoencoderRecipe, NetworkRecipe};
use brigand_core::objectives::{EnergyBased, LossSensitive, Wasserstein};
use brigand_core::penalties::{Cost, Probe};
use brigand_core::players::OptimizerRecipe;
use brigand_core::recipe::{Family, Row};

use super::super::{EncoderRecipe, TwoPlayerRecipe};
use super::{both, boxed, ordinary, penalty, rate, row, unnormalized, weight};

const FAMILY: Family = Family::Energies;

pub(super) const ROWS: [Row; 3] = [
    row(
        (
            "ebgan",
            FAMILY,
            "energy-based GAN: an auto-encoder as discriminator, a pull-away term in the generator's loss",
            "Zhao et al. 2016, arXiv:1609.03126",
        ),
        |kind| boxed(ebgan(kind)),
    ),
    row(
        (
            "energy-gan",
            FAMILY,
            "energy-based GAN with an entropy term in the generator's loss",
            "Kumar et al. 2019, arXiv:1901.08508",
        ),
        |kind| boxed(energy_gan(kind)),
    ),
    row(
        (
            "ls-gan",
            FAMILY,
            "loss-sensitive GAN: margins between the losses of real and generated samples",
            "Qi 2017, arXiv:1701.06264",
        ),
        |kind| boxed(ls_gan(kind)),
    ),
];

/// For points the margin is of the order of the error of a constant reconstruction. For images that is too much: the
/// auto-encoder mostly learns to reconstruct fakes badly, and the generator's gradient is nothing but noise. With half of
/// it, fakes no longer count as soon as they are separated. Without batch normalisation, because one set of running
/// statistics fits either real samples or fakes, so that reconstructions outside training would be of neither.
fn ebgan(kind: SampleKind) -> TwoPlayerRecipe {
    let (code, margin) = if kind == SampleKind::Image { (32, 0.2) } else { (1, 1.0) };
    let (encoder, decoder) = (Box::new(unnormalized(kind)), Box::new(unnormalized(kind)));
    TwoPlayerRecipe {
        discriminator: NetworkRecipe::Autoencoder(AutoencoderRecipe { code, encoder, decoder }),
        objective: EnergyBased { margin, ..EnergyBased::default() }.into(),
        optimizer: both(OptimizerRecipe::adam(1e-3, 0.5, 0.999)),
        ..ordinary(kind)
    }
}

/// The energy is minus the score: the Wasserstein losses, a zero-centred penalty on real samples, and an encoder
/// that keeps samples telling of their latents.
fn energy_gan(kind: SampleKind) -> TwoPlayerRecipe {
    let mut recipe = ordinary(kind);
    recipe.discriminator = unnormalized(kind);
    recipe.objective = Wasserstein {}.into();
    recipe.penalty = penalty(Probe::Real, Cost::Squared, weight(kind));
    recipe.optimizer = both(OptimizerRecipe::adam(rate(kind, 1e-4), 0.0, 0.9));
    recipe.techniques.encoder =
        EncoderRecipe::Entropy { weight: if kind == SampleKind::Image { 1.0 } else { 0.01 } };
    recipe
}

/// Margins are distances summed over pixels; points have two numbers instead of hundreds.
fn ls_gan(kind: SampleKind) -> TwoPlayerRecipe {
    let lambda = if kind == SampleKind::Image { 2e-4 } else { 1.0 };
    TwoPlayerRecipe {
        objective: LossSensitive { lambda, ..LossSensitive::default() }.into(),
        optimizer: both(OptimizerRecipe::adam(rate(kind, 1e-4), 0.5, 0.999)),
        ..ordinary(kind)
    }
}
