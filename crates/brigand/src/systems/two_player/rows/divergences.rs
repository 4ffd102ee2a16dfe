//! Other divergences than the original's.

use brigand_core::batch::SampleKind;
use brigand_core::objectives::{FGan, LeastSquares, Objective};
use brigand_core::recipe::{Family, Row};

use super::super::TwoPlayerRecipe;
use super::{boxed, ordinary, row, unnormalized};

const FAMILY: Family = Family::Divergences;
const GOODFELLOW: &str = "Goodfellow et al. 2014, arXiv:1406.2661";

pub(super) const ROWS: [Row; 4] = [
    row(
        ("mmgan", FAMILY, "minimax losses: the generator minimises the saturating ln(1 - D)", GOODFELLOW),
        |kind| boxed(mmgan(kind)),
    ),
    row(("nsgan", FAMILY, "non-saturating generator loss -ln D", GOODFELLOW), |kind| boxed(ordinary(kind))),
    row(
        (
            "lsgan",
            FAMILY,
            "least-squares losses, which minimise a Pearson chi-squared divergence",
            "Mao et al. 2016, arXiv:1611.04076",
        ),
        |kind| boxed(lsgan(kind)),
    ),
    row(
        (
            "fgan",
            FAMILY,
            "any f-divergence (objective.divergence: kl, reverse-kl, pearson...)",
            "Nowozin et al. 2016, arXiv:1606.00709",
        ),
        |kind| boxed(fgan(kind)),
    ),
];

fn mmgan(kind: SampleKind) -> TwoPlayerRecipe {
    TwoPlayerRecipe { objective: Objective::MINIMAX, ..ordinary(kind) }
}

fn lsgan(kind: SampleKind) -> TwoPlayerRecipe {
    TwoPlayerRecipe { objective: LeastSquares::default().into(), ..ordinary(kind) }
}

fn fgan(kind: SampleKind) -> TwoPlayerRecipe {
    TwoPlayerRecipe { objective: FGan::default().into(), discriminator: unnormalized(kind), ..ordinary(kind) }
}
