//! Discriminators of bounded gradient norm with other objectives than the Wasserstein one.

use brigand_core::batch::SampleKind;
use brigand_core::objectives::{Hinge, Objective};
use brigand_core::penalties::{Constraint, Cost, Probe};
use brigand_core::players::OptimizerRecipe;
use brigand_core::recipe::{Family, Row};

use super::super::{Players, TwoPlayerRecipe};
use super::{both, boxed, ordinary, penalty, rate, row, unnormalized, weight};

const FAMILY: Family = Family::Lipschitz;

pub(super) const ROWS: [Row; 4] = [
    row(
        (
            "dragan",
            FAMILY,
            "gradient penalty in a neighbourhood of real samples",
            "Kodali et al. 2017, arXiv:1705.07215",
        ),
        |kind| boxed(dragan(kind)),
    ),
    row(
        (
            "sngan",
            FAMILY,
            "spectral normalisation of the discriminator with the hinge loss",
            "Miyato et al. 2018, arXiv:1802.05957",
        ),
        |kind| boxed(sngan(kind)),
    ),
    row(
        (
            "gn-gan",
            FAMILY,
            "gradient normalisation: scores are divided by a function of their gradient norm",
            "Wu et al. 2021, arXiv:2109.02235",
        ),
        |kind| boxed(gn_gan(kind)),
    ),
    row(
        (
            "gran-gan",
            FAMILY,
            "gradient normalisation of piecewise linear networks: gradient norm at most 1 almost everywhere",
            "Bhaskara et al. 2021, arXiv:2111.03162",
        ),
        |kind| boxed(gran_gan(kind)),
    ),
];

fn dragan(kind: SampleKind) -> TwoPlayerRecipe {
    TwoPlayerRecipe {
        discriminator: unnormalized(kind),
        penalty: penalty(Probe::AroundReal, Cost::TwoSided, weight(kind)),
        optimizer: both(OptimizerRecipe::adam(rate(kind, 1e-4), 0.5, 0.9)),
        ..ordinary(kind)
    }
}

/// Five discriminator steps without momentum, as in the paper.
fn sngan(kind: SampleKind) -> TwoPlayerRecipe {
    let mut recipe = ordinary(kind);
    recipe.discriminator = unnormalized(kind);
    recipe.objective = Hinge {}.into();
    recipe.constraint = Constraint::Spectral {};
    recipe.optimizer = both(OptimizerRecipe::adam(rate(kind, 2e-4), 0.0, 0.9));
    recipe.update.discriminator_steps = 5;
    recipe
}

/// Two time scales, as in the authors' code.
fn gn_gan(kind: SampleKind) -> TwoPlayerRecipe {
    let adam = |learning_rate| OptimizerRecipe::adam(rate(kind, learning_rate), 0.0, 0.9);
    let optimizer = Players { generator: adam(2e-4), discriminator: adam(4e-4) };
    TwoPlayerRecipe { constraint: Constraint::GradientNormalization {}, optimizer, ..sngan(kind) }
}

fn gran_gan(kind: SampleKind) -> TwoPlayerRecipe {
    TwoPlayerRecipe {
        objective: Objective::NON_SATURATING,
        constraint: Constraint::GranNormalization { epsilon: 0.1, factor: 1.0 },
        ..gn_gan(kind)
    }
}
