//! The first GANs.

use super::super::registry::{Entry, Family, Length, Make};
use super::super::{AverageRecipe, CodesRecipe, ConditionRecipe, DuelRecipe, OptimizerRecipe, UpdateRecipe};
use super::{both, fading, rate, row, two_hidden_layers};
use crate::networks::{DcganRecipe, Hidden, HiddenNormalization, MlpRecipe, NetworkRecipe, SampleKind};
use crate::objectives::Objective;
use crate::penalties::{Constraint, Penalty};
use crate::systems::{LatentRecipe, Prior};
use crate::techniques::Techniques;

pub(super) const ROWS: [Entry; 2] = [
    Entry {
        name: "gan",
        family: Family::Foundations,
        summary: "the original GAN, fully connected networks, non-saturating loss",
        paper: "Goodfellow et al. 2014, arXiv:1406.2661",
        data: "digits",
        length: |kind| match kind {
            SampleKind::Image => Length { steps: 30_000, batch: 64 },
            SampleKind::Points => Length { steps: 10_000, batch: 128 },
        },
        make: Make::Duel(gan),
    },
    row(
        (
            "dcgan",
            Family::Foundations,
            "convolutional generator and discriminator with batch normalisation",
            "Radford et al. 2015, arXiv:1511.06434",
        ),
        dcgan,
    ),
];

/// The non-saturating game between DCGAN's networks with the paper's values (and 4x4 kernels, which double sizes
/// exactly), or between two plain hidden layers for points.
pub(in super::super) fn ordinary(kind: SampleKind) -> DuelRecipe {
    let (latent, network) = match kind {
        SampleKind::Image => (100, NetworkRecipe::Dcgan(DcganRecipe::default())),
        SampleKind::Points => (16, two_hidden_layers()),
    };
    DuelRecipe {
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
fn dcgan(_: SampleKind) -> DuelRecipe {
    ordinary(SampleKind::Image)
}

/// The lecture's network at its small size for images: hidden layers 64, 128, 256, activation before batch norm.
/// For points it keeps DCGAN's step size, with which it shows how modes are lost.
fn gan(kind: SampleKind) -> DuelRecipe {
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
