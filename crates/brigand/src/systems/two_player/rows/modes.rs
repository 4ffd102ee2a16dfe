//! Systems against mode collapse.

use brigand_core::batch::SampleKind;
use brigand_core::networks::{Hidden, MlpRecipe, NetworkRecipe};
use brigand_core::objectives::Objective;
use brigand_core::recipe::{Family, Length, Row};
use brigand_core::techniques::{UnrolledGradient, Unrolling};

use super::super::{EncoderRecipe, TwoPlayerRecipe};
use super::{boxed, ordinary, row};

const FAMILY: Family = Family::Modes;

pub(super) const ROWS: [Row; 3] = [
    Row {
        length: |kind| match kind {
            SampleKind::Image => Length { steps: 3000, batch: 64 },
            SampleKind::Points => Length { steps: 20_000, batch: 128 },
        },
        ..row(
            (
                "unrolled",
                FAMILY,
                "unrolled GAN: the generator's loss is computed after several unrolled discriminator steps",
                "Metz et al. 2016, arXiv:1611.02163",
            ),
            |kind| boxed(unrolled(kind)),
        )
    },
    row(
        (
            "pacgan",
            FAMILY,
            "packing: the discriminator scores two samples together",
            "Lin et al. 2017, arXiv:1712.04086",
        ),
        |kind| boxed(pacgan(kind)),
    ),
    row(
        (
            "mdgan",
            FAMILY,
            "mode regularisation: the generator also minimises an encoder's reconstruction error of real samples",
            "Che et al. 2016, arXiv:1612.02136",
        ),
        |kind| boxed(mdgan(kind)),
    ),
];

/// The paper's demonstration in the plane: minimax losses and smooth (tanh) networks, through which second
/// derivatives flow.
fn unrolled(kind: SampleKind) -> TwoPlayerRecipe {
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

fn pacgan(kind: SampleKind) -> TwoPlayerRecipe {
    let mut recipe = ordinary(kind);
    recipe.techniques.packing = 2;
    recipe
}

fn mdgan(kind: SampleKind) -> TwoPlayerRecipe {
    let mut recipe = ordinary(kind);
    recipe.techniques.encoder = EncoderRecipe::ModeRegularization { distance: 0.2, score: 0.4 };
    recipe
}
