//! The named two-player systems, a recipe each. Where a paper has no value for points in the plane, the values
//! are ours.

mod conditional;
mod divergences;
mod drawing;
mod energies;
mod foundations;
mod images;
mod lipschitz;
mod modes;
mod relativistic;
mod wasserstein;

pub use foundations::ordinary;

use brigand_core::Result;
use brigand_core::batch::SampleKind;
use brigand_core::networks::{DcganRecipe, Hidden, MlpRecipe, NetworkRecipe};
use brigand_core::objectives::Wasserstein;
use brigand_core::penalties::{Cost, Penalty, Probe};
use brigand_core::players::{OptimizerRecipe, Schedule};
use brigand_core::recipe::{Family, Length, Make, Recipe, Row, parse};

use super::{Players, TwoPlayerRecipe};

/// The rows of all of them, in the order in which a reader meets them.
pub const ROWS: [&[Row]; 10] = [
    &foundations::ROWS,
    &divergences::ROWS,
    &wasserstein::ROWS,
    &lipschitz::ROWS,
    &relativistic::ROWS,
    &energies::ROWS,
    &modes::ROWS,
    &conditional::ROWS,
    &images::ROWS,
    &drawing::ROWS,
];

/// The default values of a row for samples of a kind.
type Defaults = fn(SampleKind) -> Result<Box<dyn Recipe>>;

/// Name, family, summary and paper of a row of the registry.
type About = (&'static str, Family, &'static str, &'static str);

/// A row with its default values.
const fn row((name, family, summary, paper): About, defaults: Defaults) -> Row {
    let make = Make { defaults, parse: parse::<TwoPlayerRecipe> };
    Row { name, family, summary, paper, data: "digits", length, make }
}

/// A recipe as a row's defaults are.
fn boxed(recipe: TwoPlayerRecipe) -> Result<Box<dyn Recipe>> {
    Ok(Box::new(recipe))
}

fn length(kind: SampleKind) -> Length {
    match kind {
        SampleKind::Image => Length { steps: 3000, batch: 64 },
        SampleKind::Points => Length { steps: 10_000, batch: 128 },
    }
}

/// The step size for images, or the larger one for points in the plane.
fn rate(kind: SampleKind, image: f64) -> f64 {
    match kind {
        SampleKind::Image => image,
        SampleKind::Points => 1e-3,
    }
}

/// The same optimizer for both players.
fn both(optimizer: OptimizerRecipe) -> Players<OptimizerRecipe> {
    Players { generator: optimizer, discriminator: optimizer }
}

/// A discriminator without batch normalisation, for whatever needs each sample's own gradient or score.
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
fn critic(kind: SampleKind, optimizer: OptimizerRecipe) -> TwoPlayerRecipe {
    let mut recipe = ordinary(kind);
    recipe.discriminator = unnormalized(kind);
    recipe.objective = Wasserstein {}.into();
    recipe.optimizer = both(optimizer);
    recipe.update.discriminator_steps = 5;
    recipe
}

/// The weight of a penalty on gradient norms other than 1. Points lie closer together than images, so that scores of a
/// critic of slope 1 differ less; 0.1 instead of 10, as in the toy experiments of WGAN-GP's authors, allows steeper slopes.
fn weight(kind: SampleKind) -> f64 {
    match kind {
        SampleKind::Image => 10.0,
        SampleKind::Points => 0.1,
    }
}

fn penalty(probe: Probe, cost: Cost, weight: f64) -> Penalty {
    Penalty::Gradient { probe, cost, weight }
}

/// The modes of points are narrow, so the step size decreases towards the end.
fn fading(kind: SampleKind) -> Schedule {
    match kind {
        SampleKind::Image => Schedule::Constant {},
        SampleKind::Points => Schedule::Linear { after: 0.5 },
    }
}
