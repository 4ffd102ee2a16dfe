//! Claims: objectives, penalties and optimizers equal PyTorch's. Origin: `fixtures/make_fixtures.py`, seed 1, or
//! the folder in `BRIGAND_FIXTURES`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests")]

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use brigand_autograd::{GradientOptions, Output, Variable, grad, grad_of};
use brigand_core::modules::{How, Initialization, Linear, Mode, Network, Plan, Weights};
use brigand_core::objectives::{
    Divergence, FGan, GeneratorUpdate, Hinge, LeastSquares, NonSaturating, Objective, Relativistic,
    RelativisticAverage, RelativisticAverageHinge, RelativisticAverageLeastSquares, Scores, Wasserstein,
};
use brigand_core::penalties::{Constraint, Cost};
use brigand_core::players::{Optimizer, OptimizerRecipe};
use brigand_core::{Place, Setup, batch::Schema};
use candle_core::{Device, Tensor};

fn fixture(name: &str) -> HashMap<String, Tensor> {
    let folder = std::env::var_os("BRIGAND_FIXTURES")
        .map_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures").into(), PathBuf::from);
    candle_core::safetensors::load(folder.join(format!("{name}.safetensors")), &Device::Cpu).unwrap()
}

#[track_caller]
fn assert_close(what: &str, found: &Variable, expected: &Tensor) {
    assert_within(1e-4, what, found, expected);
}

#[track_caller]
fn assert_within(tolerance: f64, what: &str, found: &Variable, expected: &Tensor) {
    let (found, expected) = (found.to_vec().unwrap(), Variable::constant(expected.clone()).to_vec().unwrap());
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(0f64, |largest, value| largest.max(value.abs())).max(1e-3);
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() <= tolerance * scale, "{what}: {found} instead of {expected}");
    }
}

/// The objective of a row of the fixture.
fn objective(row: &str) -> Objective {
    let divergence = |name: &str, update| {
        let divergence = match name {
            "kl" => Divergence::Kl,
            "reverse-kl" => Divergence::ReverseKl,
            "pearson" => Divergence::Pearson,
            "squared-hellinger" => Divergence::SquaredHellinger,
            "jensen-shannon" => Divergence::JensenShannon,
            "gan" => Divergence::Gan,
            other => panic!("no divergence is known for the fixture {other}"),
        };
        FGan { divergence, update, alpha: 0.5 }.into()
    };
    match row {
        "minimax" => Objective::MINIMAX,
        "non-saturating" => Objective::NON_SATURATING,
        "non-saturating-smooth-0.9" => NonSaturating { real_target: 0.9, fake_target: 0.0 }.into(),
        "least-squares-01" => LeastSquares { a: 0.0, b: 1.0, c: 1.0 }.into(),
        "least-squares-pearson" => LeastSquares { a: -1.0, b: 1.0, c: 0.0 }.into(),
        "wasserstein" => Wasserstein {}.into(),
        "hinge" => Hinge {}.into(),
        "relativistic" => Relativistic {}.into(),
        "relativistic-average" => RelativisticAverage {}.into(),
        "relativistic-average-least-squares" => RelativisticAverageLeastSquares {}.into(),
        "relativistic-average-hinge" => RelativisticAverageHinge {}.into(),
        other => match other.strip_prefix("f-gan-").map(|name| (name, name.strip_suffix("-trick"))) {
            Some((_, Some(name))) => divergence(name, GeneratorUpdate::Trick),
            Some((name, None)) => divergence(name, GeneratorUpdate::Exact),
            None => panic!("no objective is known for the fixture {other}"),
        },
    }
}

#[test]
fn fixture_objectives() {
    let fixture = fixture("objectives");
    let rows: BTreeSet<&str> =
        fixture.keys().filter_map(|key| key.split_once(".d_loss").map(|(row, _)| row)).collect();
    assert!(rows.len() >= 23, "{rows:?}");
    for name in rows {
        let objective = objective(name);
        let leaf = |key: &str| Variable::leaf(fixture[key].clone());
        let (real, fake) = (leaf("real"), leaf("fake"));
        let scores = Scores::new(&real, &fake);
        let losses = [
            ("d", objective.discriminator_loss(&scores).unwrap()),
            ("g", objective.generator_loss(&scores).unwrap()),
        ];
        for (player, loss) in losses {
            let options = GradientOptions { allow_unused: true, ..GradientOptions::default() };
            let output = Output { variable: &loss, weight: None };
            let gradients = grad_of(&[output], &[&real, &fake], options).unwrap();
            assert_close(name, &loss, &fixture[&format!("{name}.{player}_loss")]);
            for (side, gradient) in ["real", "fake"].into_iter().zip(gradients) {
                let gradient = gradient.unwrap_or_else(|| real.full_like(0.0).unwrap());
                assert_close(name, &gradient, &fixture[&format!("{name}.{player}_grad_{side}")]);
            }
        }
    }
}

/// The optimizers of the fixture, with the settings of its generator.
const OPTIMIZERS: [(&str, OptimizerRecipe); 5] = [
    ("adam_b05", OptimizerRecipe::adam(2e-4, 0.5, 0.999)),
    ("adam_b0_b09", OptimizerRecipe::adam(1e-4, 0.0, 0.9)),
    (
        "adamw",
        OptimizerRecipe::Adam {
            learning_rate: 1e-3,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.01,
        },
    ),
    ("rmsprop", OptimizerRecipe::Rmsprop { learning_rate: 5e-5, alpha: 0.99, epsilon: 1e-8, momentum: 0.0 }),
    ("sgd_momentum", OptimizerRecipe::Sgd { learning_rate: 1e-2, momentum: 0.9 }),
];

#[test]
fn fixture_optimizers() {
    let fixture = fixture("optimizers");
    for (name, recipe) in OPTIMIZERS {
        let mut weights = Weights::alone("p", fixture["p0"].clone());
        let mut optimizer = Optimizer::new(recipe, &weights).unwrap();
        for step in 0..6 {
            let gradient = Variable::constant(fixture[&format!("g{step}")].clone());
            weights = optimizer.step_all(&weights, &[gradient]).unwrap();
        }
        assert_close(name, &weights.values()[0], &fixture[name]);
        // The whole way is small, so the way itself is compared too, as far as single precision resolves it.
        let moved = |end: &Tensor| (end - &fixture["p0"]).unwrap();
        let way = Variable::constant(moved(weights.values()[0].tensor()));
        assert_within(1e-3, name, &way, &moved(&fixture[name]));
    }
}

/// The fixture's fully connected critic on its real samples: costs of the gradient norm and their own gradients.
#[test]
fn fixture_penalty_costs() {
    let fixture = fixture("penalties");
    let parameters: Vec<Variable> = ["w1", "b1", "w2", "b2", "w3", "b3"]
        .map(|key| Variable::leaf(fixture[&format!("fc.param.{key}")].clone()))
        .into();
    let critic = |x: &Variable| {
        let [w1, b1, w2, b2, w3, b3] = parameters.as_slice() else { unreachable!() };
        let hidden = x.linear(w1, Some(b1)).unwrap().tanh().unwrap();
        let hidden = hidden.linear(w2, Some(b2)).unwrap().leaky_relu(0.2).unwrap();
        hidden.linear(w3, Some(b3)).unwrap().sum_all().unwrap()
    };
    let (real, fake) = (&fixture["fc.x_real"], &fixture["fc.x_fake"]);
    let share = fixture["fc.alpha"].unsqueeze(1).unwrap();
    let mix = (real.broadcast_mul(&share).unwrap()
        + fake.broadcast_mul(&share.affine(-1.0, 1.0).unwrap()).unwrap())
    .unwrap();
    for (name, place, cost) in [
        ("gp", &mix, Cost::TwoSided),
        ("lp", &mix, Cost::OneSided),
        ("r1", real, Cost::Squared),
        ("r2", fake, Cost::Squared),
        ("div", &mix, Cost::SixthPower),
    ] {
        let place = Variable::leaf(place.clone());
        let gradient = grad(&critic(&place), &[&place], true).unwrap();
        let penalty = cost.of(&gradient[0]).unwrap();
        assert_close(name, &penalty, &fixture[&format!("fc.{name}")]);
        let options = GradientOptions { allow_unused: true, ..GradientOptions::default() };
        let inputs: Vec<&Variable> = parameters.iter().collect();
        let found = grad_of(&[Output { variable: &penalty, weight: None }], &inputs, options).unwrap();
        for (key, (found, parameter)) in
            ["w1", "b1", "w2", "b2", "w3", "b3"].iter().zip(found.into_iter().zip(&inputs))
        {
            let found = found.unwrap_or_else(|| parameter.full_like(0.0).unwrap());
            assert_close(name, &found, &fixture[&format!("fc.{name}.grad.{key}")]);
        }
    }
}

/// The gradient-normalised critics on the fixture's real samples, and the gradients of their sums.
#[test]
fn fixture_normalised_critics() {
    let fixture = fixture("penalties");
    let keys = ["w1", "b1", "w2", "b2", "w3", "b3"];
    let parameters = keys.map(|key| Variable::leaf(fixture[&format!("fc.param.{key}")].clone()));
    let [w1, b1, w2, b2, w3, b3] = &parameters;
    let samples = Variable::leaf(fixture["fc.x_real"].clone());
    for (name, constraint) in [
        ("gn", Constraint::GradientNormalization {}),
        ("gran", Constraint::GranNormalization { epsilon: 0.1, factor: 1.0 }),
    ] {
        let hidden = samples.linear(w1, Some(b1)).unwrap().tanh().unwrap();
        let hidden = hidden.linear(w2, Some(b2)).unwrap().leaky_relu(0.2).unwrap();
        let scores = hidden.linear(w3, Some(b3)).unwrap().reshape(&[samples.shape()[0]]).unwrap();
        let slopes = || Ok(grad(&scores.sum_all()?, &[&samples], true)?.remove(0));
        let normal = constraint.normalize(&scores, slopes).unwrap();
        let expected = fixture[&format!("fc.{name}")].flatten_all().unwrap();
        assert_close(name, &normal, &expected);
        let inputs: Vec<&Variable> = parameters.iter().chain([&samples]).collect();
        let gradients = grad(&normal.sum_all().unwrap(), &inputs, false).unwrap();
        for (key, gradient) in keys.iter().chain(&["x"]).zip(&gradients) {
            assert_close(name, gradient, &fixture[&format!("fc.{name}.grad.{key}")]);
        }
    }
}

/// A spectrally normalised layer's largest singular value is 1, by power iteration to convergence.
#[test]
fn spectral_normalisation_bounds_the_layer() {
    let setup = Setup { schema: Schema::default(), batch: 8, steps: 100, seed: 3, place: Place::cpu() };
    let plan = Plan::new(Initialization::Normal { mean: 0.0, deviation: 1.0 }).spectral();
    let mut network = Network::build("critic", &setup, |b| Linear::new(b, 40, 30, &plan)).unwrap();
    let zero = Variable::full(0.0, &[1, 40], candle_core::DType::F32, &Device::Cpu).unwrap();
    for _ in 0..50 {
        network.run(How::plain(Mode::Training), |layer, pass| layer.run(pass, &zero)).unwrap();
    }
    // Without its bias (0 at first) the layer is linear: x -> W x / sigma, and power iteration finds its norm.
    let mut direction = Variable::full(1.0, &[1, 40], candle_core::DType::F32, &Device::Cpu).unwrap();
    let mut norm = 0.0;
    for _ in 0..200 {
        let place = Variable::leaf(direction.tensor().clone());
        let image = network.evaluate(None, |layer, pass| layer.run(pass, &place)).unwrap();
        norm = image.square().unwrap().sum_all().unwrap().scalar().unwrap().sqrt();
        let energy = image.square().unwrap().sum_all().unwrap();
        let next = grad(&energy, &[&place], false).unwrap().remove(0);
        let length = next.square().unwrap().sum_all().unwrap().scalar().unwrap().sqrt();
        direction = next.scale(1.0 / length).unwrap();
    }
    assert!((norm - 1.0).abs() < 0.02, "largest singular value {norm}");
}
