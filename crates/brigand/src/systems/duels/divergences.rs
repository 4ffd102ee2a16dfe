//! Other divergences than the original's.

use super::super::DuelRecipe;
use super::super::registry::{Entry, Family};
use super::{ordinary, row, unnormalized};
use crate::networks::SampleKind;
use crate::objectives::{FGan, LeastSquares, Objective};

const FAMILY: Family = Family::Divergences;
const GOODFELLOW: &str = "Goodfellow et al. 2014, arXiv:1406.2661";

pub(super) const ROWS: [Entry; 4] = [
    row(("mmgan", FAMILY, "the minimax game with the saturating generator loss", GOODFELLOW), mmgan),
    row(("nsgan", FAMILY, "the same game with the loss that keeps a gradient", GOODFELLOW), ordinary),
    row(("lsgan", FAMILY, "least squares: a Pearson divergence", "Mao et al. 2016, arXiv:1611.04076"), lsgan),
    row(
        (
            "fgan",
            FAMILY,
            "any f-divergence (objective.divergence: kl, reverse-kl, pearson...)",
            "Nowozin et al. 2016, arXiv:1606.00709",
        ),
        fgan,
    ),
];

fn mmgan(kind: SampleKind) -> DuelRecipe {
    DuelRecipe { objective: Objective::MINIMAX, ..ordinary(kind) }
}

fn lsgan(kind: SampleKind) -> DuelRecipe {
    DuelRecipe { objective: LeastSquares::default().into(), ..ordinary(kind) }
}

fn fgan(kind: SampleKind) -> DuelRecipe {
    DuelRecipe { objective: FGan::default().into(), discriminator: unnormalized(kind), ..ordinary(kind) }
}
