//! Deeper networks for images.

use brigand_core::batch::SampleKind;
use brigand_core::latent::{LatentRecipe, Prior};
use brigand_core::networks::{NetworkRecipe, ScaledResnetRecipe};
use brigand_core::penalties::{Cost, Probe};
use brigand_core::players::{AverageRecipe, OptimizerRecipe};
use brigand_core::recipe::{Family, Row};

use super::super::TwoPlayerRecipe;
use super::{both, boxed, ordinary, penalty, row};

pub(super) const ROWS: [Row; 1] = [row(
    (
        "resnet-gan",
        Family::Images,
        "residual blocks x + alpha f(x) without normalisation, means and interpolation between sizes, penalty R1",
        "Mescheder et al. 2018, arXiv:1801.04406",
    ),
    |_| boxed(resnet_gan()),
)];

/// The non-saturating loss with `gamma / 2 R1`, whatever the data: points are refused. The paper's gamma of 10 and step of
/// 1e-4 are for images of side 128 and more; small ones take 1 and 5e-4.
fn resnet_gan() -> TwoPlayerRecipe {
    let network =
        NetworkRecipe::ScaledResnet(ScaledResnetRecipe { width: 16, ..ScaledResnetRecipe::default() });
    TwoPlayerRecipe {
        latent: LatentRecipe { size: 64, prior: Prior::Normal },
        generator: network.clone(),
        discriminator: network,
        penalty: penalty(Probe::Real, Cost::Squared, 0.5),
        optimizer: both(OptimizerRecipe::adam(5e-4, 0.0, 0.99)),
        average: AverageRecipe { decay: 0.995 },
        ..ordinary(SampleKind::Image)
    }
}
