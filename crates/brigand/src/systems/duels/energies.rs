//! Discriminators as energies and losses, low on real samples.

use super::super::registry::{Entry, Family};
use super::super::{DuelRecipe, OptimizerRecipe};
use super::{both, ordinary, penalty, rate, row, unnormalized, weight};
use crate::networks::{AutoencoderRecipe, NetworkRecipe, SampleKind};
use crate::objectives::{EnergyBased, LossSensitive, Wasserstein};
use crate::penalties::{Cost, Probe};
use crate::techniques::EncoderRecipe;

const FAMILY: Family = Family::Energies;

pub(super) const ROWS: [Entry; 3] = [
    row(
        (
            "ebgan",
            FAMILY,
            "an auto-encoder as discriminator, with a pull-away term",
            "Zhao et al. 2016, arXiv:1609.03126",
        ),
        ebgan,
    ),
    row(
        (
            "energy-gan",
            FAMILY,
            "an energy model whose sampler keeps its entropy",
            "Kumar et al. 2019, arXiv:1901.08508",
        ),
        energy_gan,
    ),
    row(("ls-gan", FAMILY, "losses with margins between pairs", "Qi 2017, arXiv:1701.06264"), ls_gan),
];

/// For points the margin is of the order of the error of a constant reconstruction. For images that is too much: the
/// auto-encoder spends itself on spoiling fakes and the generator sees nothing but noise in its gradient. Half of it
/// leaves the fakes alone as soon as they are told apart. Without batch normalisation, because one set of running
/// statistics fits either real samples or fakes, so that reconstructions outside training would be of neither.
fn ebgan(kind: SampleKind) -> DuelRecipe {
    let (code, margin) = if kind == SampleKind::Image { (32, 0.2) } else { (1, 1.0) };
    let (encoder, decoder) = (Box::new(unnormalized(kind)), Box::new(unnormalized(kind)));
    DuelRecipe {
        discriminator: NetworkRecipe::Autoencoder(AutoencoderRecipe { code, encoder, decoder }),
        objective: EnergyBased { margin, ..EnergyBased::default() }.into(),
        optimizer: both(OptimizerRecipe::adam(1e-3, 0.5, 0.999)),
        ..ordinary(kind)
    }
}

/// The energy is minus the score: the Wasserstein losses, a zero-centred penalty on real samples, and an encoder
/// that keeps samples telling of their latents.
fn energy_gan(kind: SampleKind) -> DuelRecipe {
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
fn ls_gan(kind: SampleKind) -> DuelRecipe {
    let lambda = if kind == SampleKind::Image { 2e-4 } else { 1.0 };
    DuelRecipe {
        objective: LossSensitive { lambda, ..LossSensitive::default() }.into(),
        optimizer: both(OptimizerRecipe::adam(rate(kind, 1e-4), 0.5, 0.999)),
        ..ordinary(kind)
    }
}
