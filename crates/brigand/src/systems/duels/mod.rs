//! The named two-player systems, a recipe each. Where a paper has no value for points in the plane, the values
//! are ours.

mod conditional;
mod divergences;
mod energies;
mod foundations;
mod lipschitz;
mod modes;
mod relativistic;
mod wasserstein;

pub(super) use foundations::ordinary;

use super::registry::{Entry, Family, Length, Make};
use super::{DuelRecipe, OptimizerRecipe, Players, Schedule};
use crate::networks::{DcganRecipe, Hidden, MlpRecipe, NetworkRecipe, SampleKind};
use crate::objectives::Wasserstein;
use crate::penalties::{Cost, Penalty, Probe};

/// The rows of all of them, in the order in which a reader meets them.
pub(super) const ROWS: [&[Entry]; 8] = [
    &foundations::ROWS,
    &divergences::ROWS,
    &wasserstein::ROWS,
    &lipschitz::ROWS,
    &relativistic::ROWS,
    &energies::ROWS,
    &modes::ROWS,
    &conditional::ROWS,
];

/// What a row of the registry says of a duel.
type About = (&'static str, Family, &'static str, &'static str);

/// A row for `(name, family, summary, paper)` with its recipe.
const fn row(about: About, recipe: fn(SampleKind) -> DuelRecipe) -> Entry {
    let (name, family, summary, paper) = about;
    Entry { name, family, summary, paper, data: "digits", length, make: Make::Duel(recipe) }
}

fn length(kind: SampleKind) -> Length {
    match kind {
        SampleKind::Image => Length { steps: 3000, batch: 64 },
        SampleKind::Points => Length { steps: 10_000, batch: 128 },
    }
}

/// The step size for images, or the larger one for points in the plane.
fn rate(kind: SampleKind, image: f64) -> f64 {
    if kind == SampleKind::Image { image } else { 1e-3 }
}

/// The same optimizer for both players.
fn both(optimizer: OptimizerRecipe) -> Players<OptimizerRecipe> {
    Players { generator: optimizer, discriminator: optimizer }
}

/// A discriminator without batch normalisation, for whatever asks for each sample's own gradient or score.
fn unnormalized(kind: SampleKind) -> NetworkRecipe {
    match kind {
        SampleKind::Image => {
            NetworkRecipe::Dcgan(DcganRecipe { batch_norm: false, ..DcganRecipe::default() })
        }
        SampleKind::Points => two_hidden_layers(),
    }
}

/// Two hidden layers of 128, for points.
fn two_hidden_layers() -> NetworkRecipe {
    NetworkRecipe::Mlp(MlpRecipe { activation: Hidden::Relu, ..MlpRecipe::default() })
}

/// A critic for the Wasserstein distance, five of its steps for one of the generator's.
fn critic(kind: SampleKind, optimizer: OptimizerRecipe) -> DuelRecipe {
    let mut recipe = ordinary(kind);
    recipe.discriminator = unnormalized(kind);
    recipe.objective = Wasserstein {}.into();
    recipe.optimizer = both(optimizer);
    recipe.update.discriminator_steps = 5;
    recipe
}

/// The weight of a penalty that pulls the gradient norm to 1. Points lie closer together than images, so that a critic
/// of slope 1 sees less; 0.1 instead of 10, as in the toy experiments of WGAN-GP's authors, leaves it its slope.
fn weight(kind: SampleKind) -> f64 {
    if kind == SampleKind::Image { 10.0 } else { 0.1 }
}

fn penalty(probe: Probe, cost: Cost, weight: f64) -> Penalty {
    Penalty::Gradient { probe, cost, weight }
}

/// Points end on a fine structure, which a fading step size finds.
fn fading(kind: SampleKind) -> Schedule {
    match kind {
        SampleKind::Image => Schedule::Constant {},
        SampleKind::Points => Schedule::Linear { after: 0.5 },
    }
}
