//! Against the collapse of modes.

use super::super::DuelRecipe;
use super::super::registry::{Entry, Family};
use super::{ordinary, row};
use crate::networks::SampleKind;
use crate::techniques::{EncoderRecipe, UnrolledGradient, Unrolling};

const FAMILY: Family = Family::Modes;

pub(super) const ROWS: [Entry; 3] = [
    row(
        (
            "unrolled",
            FAMILY,
            "the generator answers a discriminator some steps ahead",
            "Metz et al. 2016, arXiv:1611.02163",
        ),
        unrolled,
    ),
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

fn unrolled(kind: SampleKind) -> DuelRecipe {
    let mut recipe = ordinary(kind);
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
