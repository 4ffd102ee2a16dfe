//! Against the collapse of modes.

use super::super::DuelRecipe;
use super::super::registry::{Entry, Family, Length};
use super::{ordinary, row};
use crate::networks::{Hidden, MlpRecipe, NetworkRecipe, SampleKind};
use crate::objectives::Objective;
use crate::techniques::{EncoderRecipe, UnrolledGradient, Unrolling};

const FAMILY: Family = Family::Modes;

pub(super) const ROWS: [Entry; 3] = [
    Entry {
        length: |kind| match kind {
            SampleKind::Image => Length { steps: 3000, batch: 64 },
            SampleKind::Points => Length { steps: 20_000, batch: 128 },
        },
        ..row(
            (
                "unrolled",
                FAMILY,
                "the generator answers a discriminator some steps ahead",
                "Metz et al. 2016, arXiv:1611.02163",
            ),
            unrolled,
        )
    },
    row(
        (
            "pacgan",
            FAMILY,
            "a discriminator that judges samples in packs of two",
            "Lin et al. 2017, arXiv:1712.04086",
        ),
        pacgan,
    ),
    row(
        (
            "mdgan",
            FAMILY,
            "an encoder whose reconstructions pull on every mode",
            "Che et al. 2016, arXiv:1612.02136",
        ),
        mdgan,
    ),
];

/// The paper's demonstration in the plane: the minimax game between smooth (tanh) networks, through which second
/// derivatives flow.
fn unrolled(kind: SampleKind) -> DuelRecipe {
    let mut recipe = ordinary(kind);
    if kind == SampleKind::Points {
        let network = MlpRecipe { activation: Hidden::Tanh, ..MlpRecipe::default() };
        recipe.generator = NetworkRecipe::Mlp(network.clone());
        recipe.discriminator = NetworkRecipe::Mlp(network);
        recipe.objective = Objective::MINIMAX;
    }
    recipe.techniques.unrolling = Unrolling { steps: 5, gradient: UnrolledGradient::Full };
    recipe
}

fn pacgan(kind: SampleKind) -> DuelRecipe {
    let mut recipe = ordinary(kind);
    recipe.techniques.packing = 2;
    recipe
}

fn mdgan(kind: SampleKind) -> DuelRecipe {
    let mut recipe = ordinary(kind);
    recipe.techniques.encoder = EncoderRecipe::ModeRegularization { distance: 0.2, judgement: 0.4 };
    recipe
}
