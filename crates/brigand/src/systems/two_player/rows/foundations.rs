//! The first GANs.

use brigand_core::batch::SampleKind;
use brigand_core::latent::{LatentRecipe, Prior};
use brigand_core::networks::{DcganRecipe, Hidden, HiddenNormalization, MlpRecipe, NetworkRecipe};
use brigand_core::objectives::Objective;
use brigand_core::penalties::{Constraint, Penalty};
use brigand_core::players::{AverageRecipe, OptimizerRecipe};
use brigand_core::recipe::{Family, Length, Row};

use super::super::{CodesRecipe, ConditionRecipe, Techniques, TwoPlayerRecipe, UpdateRecipe};
use super::{both, boxed, fading, rate, row, two_hidden_layers};

pub(super) const ROWS: [Row; 2] = [
    Row {
        length: |kind| match kind {
            SampleKind::Image => Length { steps: 30_000, batch: 64 },
            SampleKind::Points => Length { steps: 10_000, batch: 128 },
        },
        ..row(
            (
                "gan",
                Family::Foundations,
                "the original GAN, fully connected networks, non-saturating loss",
                "Goodfellow et al. 2014, arXiv:1406.2661",
            ),
            |kind| boxed(gan(kind)),
        )
    },
    row(
        (
            "dcgan",
            Family::Foundations,
            "convolutional generator and discriminator with batch normalisation",
            "Radford et al. 2015, arXiv:1511.06434",
        ),
        |kind| boxed(dcgan(kind)),
    ),
];

/// The non-saturating loss with DCGAN's networks and the paper's values (and 4x4 kernels, which double sizes
/// exactly), or with two hidden layers for points.
pub fn ordinary(kind: SampleKind) -> TwoPlayerRecipe {
    let (latent, network) = match kind {
        SampleKind::Image => (100, NetworkRecipe::Dcgan(DcganRecipe::default())),
        SampleKind::Points => (16, two_hidden_layers()),
    };
    TwoPlayerRecipe {
        latent: LatentRecipe { size: latent, prior: Prior::Normal },
        condition: ConditionRecipe::OFF,
        codes: CodesRecipe::OFF,
        generator: network.clone(),
        discriminator: network,
        objective: Objective::NON_SATURATING,
        penalty: Penalty::None {},
        constraint: Constraint::None {},
        optimizer: both(OptimizerRecipe::adam(rate(kind, 2e-4), 0.5, 0.999)),
        schedule: fading(kind),
        update: UpdateRecipe::default(),
        average: AverageRecipe::OFF,
        techniques: Techniques::default(),
    }
}

/// Convolutions whatever the data: points are refused.
fn dcgan(_: SampleKind) -> TwoPlayerRecipe {
    ordinary(SampleKind::Image)
}

/// The lecture's network at its small size for images: hidden layers 64, 128, 256, activation before batch norm.
/// For points it keeps DCGAN's step size, with which modes are lost.
fn gan(kind: SampleKind) -> TwoPlayerRecipe {
    let mut recipe = ordinary(kind);
    recipe.optimizer = both(OptimizerRecipe::adam(2e-4, 0.5, 0.999));
    if kind == SampleKind::Image {
        let mlp = |widths: &[usize], normalization| {
            let (widths, activation) = (widths.to_vec(), Hidden::LeakyRelu);
            NetworkRecipe::Mlp(MlpRecipe { widths, activation, normalization, ..MlpRecipe::default() })
        };
        recipe.generator = mlp(&[64, 128, 256], HiddenNormalization::AfterActivation);
        recipe.discriminator = mlp(&[128, 64], HiddenNormalization::None);
    }
    recipe
}
