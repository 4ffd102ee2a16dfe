//! Real against fake, instead of each alone.

use super::super::registry::{Entry, Family};
use super::super::{DuelRecipe, OptimizerRecipe};
use super::{both, ordinary, penalty, rate, row, unnormalized};
use crate::networks::SampleKind;
use crate::objectives::{
    Objective, Relativistic, RelativisticAverage, RelativisticAverageHinge, RelativisticAverageLeastSquares,
};
use crate::penalties::{Cost, Probe};

const FAMILY: Family = Family::Relativistic;
const PAPER: &str = "Jolicoeur-Martineau 2018, arXiv:1807.00734";

pub(super) const ROWS: [Entry; 5] = [
    row(("rsgan", FAMILY, "real against fake, pair by pair", PAPER), |kind| with(kind, Relativistic {})),
    row(("rasgan", FAMILY, "each sample against the other side's mean", PAPER), |kind| {
        with(kind, RelativisticAverage {})
    }),
    row(("ralsgan", FAMILY, "the same with least squares", PAPER), |kind| {
        with(kind, RelativisticAverageLeastSquares {})
    }),
    row(("rahinge", FAMILY, "the same with hinges", PAPER), |kind| with(kind, RelativisticAverageHinge {})),
    row(
        (
            "r3gan",
            FAMILY,
            "relativistic pairs with zero-centred penalties on both sides",
            "Huang et al. 2024, arXiv:2501.05441",
        ),
        r3gan,
    ),
];

fn with(kind: SampleKind, objective: impl Into<Objective>) -> DuelRecipe {
    DuelRecipe { objective: objective.into(), ..ordinary(kind) }
}

/// `gamma / 2 (R1 + R2)` with gamma 1, no normalisation layers in the discriminator.
fn r3gan(kind: SampleKind) -> DuelRecipe {
    DuelRecipe {
        discriminator: unnormalized(kind),
        penalty: penalty(Probe::Both, Cost::Squared, 0.5),
        optimizer: both(OptimizerRecipe::adam(rate(kind, 2e-4), 0.0, 0.9)),
        ..with(kind, Relativistic {})
    }
}
