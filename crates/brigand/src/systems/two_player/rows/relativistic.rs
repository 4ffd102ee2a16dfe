//! Relativistic losses: differences between scores of real and generated samples.

use brigand_core::batch::SampleKind;
use brigand_core::objectives::{
    Objective, Relativistic, RelativisticAverage, RelativisticAverageHinge, RelativisticAverageLeastSquares,
};
use brigand_core::penalties::{Cost, Probe};
use brigand_core::players::OptimizerRecipe;
use brigand_core::recipe::{Family, Row};

use super::super::TwoPlayerRecipe;
use super::{both, boxed, ordinary, penalty, rate, row, unnormalized};

const FAMILY: Family = Family::Relativistic;
const PAPER: &str = "Jolicoeur-Martineau 2018, arXiv:1807.00734";

pub(super) const ROWS: [Row; 5] = [
    row(
        (
            "rsgan",
            FAMILY,
            "relativistic losses: score differences of pairs of a real and a generated sample",
            PAPER,
        ),
        |kind| boxed(with(kind, Relativistic {})),
    ),
    row(
        (
            "rasgan",
            FAMILY,
            "relativistic average losses: each score minus the mean score of the other batch",
            PAPER,
        ),
        |kind| boxed(with(kind, RelativisticAverage {})),
    ),
    row(("ralsgan", FAMILY, "relativistic average losses with least squares", PAPER), |kind| {
        boxed(with(kind, RelativisticAverageLeastSquares {}))
    }),
    row(("rahinge", FAMILY, "relativistic average losses with hinges", PAPER), |kind| {
        boxed(with(kind, RelativisticAverageHinge {}))
    }),
    row(
        (
            "r3gan",
            FAMILY,
            "relativistic losses with zero-centred gradient penalties on real and generated samples (R1, R2)",
            "Huang et al. 2024, arXiv:2501.05441",
        ),
        |kind| boxed(r3gan(kind)),
    ),
];

fn with(kind: SampleKind, objective: impl Into<Objective>) -> TwoPlayerRecipe {
    TwoPlayerRecipe { objective: objective.into(), ..ordinary(kind) }
}

/// `gamma / 2 (R1 + R2)` with gamma 1, no normalisation layers in the discriminator.
fn r3gan(kind: SampleKind) -> TwoPlayerRecipe {
    TwoPlayerRecipe {
        discriminator: unnormalized(kind),
        penalty: penalty(Probe::Both, Cost::Squared, 0.5),
        optimizer: both(OptimizerRecipe::adam(rate(kind, 2e-4), 0.0, 0.9)),
        ..with(kind, Relativistic {})
    }
}
