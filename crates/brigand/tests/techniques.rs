//! Claims: each technique computes its formula, and the unrolled gradient is the true one, through the optimizer's
//! steps.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

use brigand::batch::Schema;
use brigand::modules::{
    Dropout, How, Layer, Mode, Network, NormKind, NormPlan, OnReference, Part, Reference, Unconditional,
    VirtualNorm, Weights,
};
use brigand::players::{
    HistoricalAverage, Optimizer, OptimizerRecipe, Schedule, WeightTerm, off_diagonal_penalty,
};
use brigand::random::Stream;
use brigand::state::State;
use brigand::techniques::{FeatureMatching, InstanceNoise, pack};
use brigand::{Place, Setup};
use brigand_autograd::{Activation, Variable, grad};
use candle_core::{Device, Tensor};

fn matrix(values: &[f32], width: usize) -> Variable {
    Variable::from_slice(values, &[values.len() / width, width]).unwrap()
}

fn tensor(values: &[f32], width: usize) -> Tensor {
    Tensor::from_vec(values.to_vec(), (values.len() / width, width), &Device::Cpu).unwrap()
}

/// One matrix of weights.
fn weights(values: &[f32], width: usize) -> Weights {
    Weights::alone("matrix", tensor(values, width))
}

fn setup() -> Setup {
    Setup { schema: Schema::default(), batch: 1, steps: 1, seed: 0, place: Place::cpu() }
}

#[test]
fn feature_matching_compares_means() {
    let matching = FeatureMatching { weight: 2.0, alone: true };
    let (real, fake) = (matrix(&[0.0, 2.0, 2.0, 2.0], 2), matrix(&[0.0, 4.0], 2));
    assert_eq!(matching.term(&real, &fake).unwrap().scalar().unwrap(), 2.0 * 5.0);
}

#[test]
fn orthogonal_regularisation_compares_different_filters_only() {
    let filters = weights(&[3.0, 4.0, 0.0, 5.0], 2);
    assert_eq!(off_diagonal_penalty(&filters, &[]).unwrap().unwrap().scalar().unwrap(), 800.0);
}

fn history(weight: f64, of: &Weights) -> HistoricalAverage {
    HistoricalAverage::of(weight, of).unwrap()
}

/// The gradient of a term by its only matrix.
fn slope(term: &HistoricalAverage, of: &Weights) -> Vec<f32> {
    let term = term.term(of).unwrap().unwrap();
    grad(&term, &[&of.values()[0]], false).unwrap()[0].to_vec_f32().unwrap()
}

#[test]
fn historical_averaging_pulls_to_the_plain_mean() {
    let mut history = history(2.0, &weights(&[1.0, 1.0], 2));
    let moved = weights(&[4.0, 1.0], 2);
    history.follow(&moved).unwrap();
    let mut state = State::default();
    history.save("history", &mut state).unwrap();
    assert_eq!(state.tensors["history.matrix"].to_vec2::<f32>().unwrap(), [[2.5, 1.0]]);
    assert_eq!(history.term(&moved).unwrap().unwrap().scalar().unwrap(), 2.0 * 1.5 * 1.5);
    assert_eq!(slope(&history, &moved), [2.0 * 2.0 * 1.5, 0.0]);
    assert!(HistoricalAverage::of(0.0, &moved).is_none());
}

/// The bilinear game x y orbits under simultaneous steps; with the pull to the mean it comes closer.
#[test]
fn historical_averaging_calms_the_bilinear_game() {
    let radius = |weight: f64| {
        let (mut x, mut y) = (1.0_f32, 1.0_f32);
        let start = || weights(&[1.0], 1);
        let (mut x_past, mut y_past) =
            (HistoricalAverage::of(weight, &start()), HistoricalAverage::of(weight, &start()));
        let pull = |past: &Option<HistoricalAverage>, at: f32| {
            past.as_ref().map_or(0.0, |past| slope(past, &weights(&[at], 1))[0])
        };
        for _ in 0..2000 {
            let (x_slope, y_slope) = (y + pull(&x_past, x), -x + pull(&y_past, y));
            (x, y) = (x - 0.1 * x_slope, y - 0.1 * y_slope);
            for (past, at) in [(&mut x_past, x), (&mut y_past, y)] {
                past.iter_mut().for_each(|past| past.follow(&weights(&[at], 1)).unwrap());
            }
        }
        x.hypot(y)
    };
    let (free, held) = (radius(0.0), radius(1.0));
    println!("radius {free} without, {held} with historical averaging");
    assert!(free > 100.0 && held < 1.0);
}

#[test]
fn instance_noise_fades_linearly() {
    let noise = InstanceNoise { deviation: 0.4, until: 100 };
    assert_eq!([0, 25, 100, 500].map(|step| noise.at(step)), [0.4, 0.4 * 0.75, 0.0, 0.0]);
    let zeros = Variable::full(0.0, &[4000, 2], candle_core::DType::F32, &Device::Cpu).unwrap();
    let noisy = noise.add(&zeros, 25, &mut Stream::new(1, "noise", 0)).unwrap().to_vec().unwrap();
    let square = noisy.iter().map(|value| value * value).sum::<f64>() / noisy.len() as f64;
    assert!((square.sqrt() - 0.3).abs() < 0.01, "deviation {}", square.sqrt());
}

#[test]
fn packs_hold_neighbours() {
    let points = matrix(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], 2);
    let packed = pack(&points, 2).unwrap();
    assert_eq!(packed.shape(), [2, 4]);
    assert_eq!(packed.to_vec().unwrap()[..4], [1.0, 2.0, 3.0, 4.0]);
    assert!(pack(&points, 3).unwrap_err().to_string().contains("multiple"));
}

#[test]
fn schedules_end_at_nothing() {
    let linear = Schedule::Linear { after: 0.5 };
    assert_eq!([0, 50, 75, 100].map(|step| linear.at(step, 100)), [1.0, 1.0, 0.5, 0.0]);
    // (1 + cos(pi done)) / 2; a run that goes on beyond its last step stays at 0.
    let cosine = [(0, 1.0), (25, (2.0 + 2f64.sqrt()) / 4.0), (50, 0.5), (75, (2.0 - 2f64.sqrt()) / 4.0)];
    for (step, factor) in cosine.into_iter().chain([(100, 0.0), (101, 0.0), (150, 0.0), (200, 0.0)]) {
        let found = Schedule::Cosine {}.at(step, 100);
        assert!((found - factor).abs() < 1e-12, "{found} at step {step} instead of {factor}");
    }
}

const OPTIMIZERS: [OptimizerRecipe; 3] = [
    OptimizerRecipe::adam(0.1, 0.5, 0.9),
    OptimizerRecipe::Rmsprop { learning_rate: 0.1, alpha: 0.9, epsilon: 1e-8, momentum: 0.5 },
    OptimizerRecipe::Sgd { learning_rate: 0.1, momentum: 0.9 },
];

/// Three steps of the unrolled optimizer are three steps of the optimizer, from wherever that stands.
#[test]
fn unrolled_steps_are_the_optimizers_own() {
    for recipe in OPTIMIZERS {
        let mut own = weights(&[0.5, -1.0, 2.0], 3);
        let mut optimizer = Optimizer::new(recipe, &own).unwrap();
        let gradient = |at: &Weights| vec![at.values()[0].detach().powf(3.0).unwrap()];
        for _ in 0..2 {
            own = optimizer.step_all(&own, &gradient(&own)).unwrap();
        }
        let mut unrolled = optimizer.unrolled(&own, 1.0).unwrap();
        let mut ahead = own.clone();
        for _ in 0..3 {
            own = optimizer.step_all(&own, &gradient(&own)).unwrap();
            ahead = unrolled.step(&ahead, &gradient(&ahead)).unwrap();
        }
        let values = |of: &Weights| of.values()[0].to_vec().unwrap();
        for (own, ahead) in values(&own).into_iter().zip(values(&ahead)) {
            assert!((own - ahead).abs() < 1e-6 * own.abs().max(1.0), "{recipe:?}: {own} and {ahead}");
        }
    }
}

/// `d/da` of `(w_K)²` where `w` takes K steps down `(w - a)² w²`, against finite differences over the whole unrolling.
#[test]
fn gradients_flow_through_unrolled_steps() {
    for recipe in OPTIMIZERS {
        let outcome = |a: &Variable| {
            let mut ahead = weights(&[0.8], 1);
            let mut unrolled = Optimizer::new(recipe, &ahead).unwrap().unrolled(&ahead, 1.0).unwrap();
            for _ in 0..4 {
                let at = &ahead.values()[0];
                let gap = at.sub(a).unwrap().square().unwrap();
                let loss = gap.mul(&at.square().unwrap()).unwrap().sum_all().unwrap();
                let slopes = grad(&loss, &[at], true).unwrap();
                ahead = unrolled.step(&ahead, &slopes).unwrap();
            }
            ahead.values()[0].square().unwrap().sum_all().unwrap()
        };
        let a = Variable::leaf(Tensor::new(&[[1.7f32]], &Device::Cpu).unwrap());
        let found = grad(&outcome(&a), &[&a], false).unwrap()[0].to_vec().unwrap()[0];
        let at = |shift: f32| {
            let moved = Variable::leaf(Tensor::new(&[[1.7f32 + shift]], &Device::Cpu).unwrap());
            outcome(&moved).scalar().unwrap()
        };
        let expected = (at(5e-3) - at(-5e-3)) / 1e-2;
        println!("{recipe:?}: {found}, differences {expected}");
        assert!((found - expected).abs() < 2e-2 * expected.abs().max(0.05));
    }
}

/// With the reference batch in front, a sample's output does not depend on the other samples, and the formula holds:
/// the statistics of the reference with one more sample.
#[test]
fn virtual_batch_norm_does_not_depend_on_the_batch() {
    let reference = matrix(&[1.0, -2.0, 3.0, 0.5, -1.0, 2.0], 2);
    let plan = NormPlan { epsilon: 0.0, ..NormPlan::new(NormKind::Batch, Activation::Identity) };
    let mut network =
        Network::build("virtual", &setup(), |builder| VirtualNorm::new(builder, plan, 2)).unwrap();
    assert!(!Layer::<OnReference>::couples_samples(&network.module));
    let mut normalized = |samples: &Variable| {
        let input = Variable::concatenate(&[&reference, samples], 0).unwrap();
        let output = network
            .run(How::plain(Mode::Training), |norm, pass| norm.forward(pass, &input, Reference(3)))
            .unwrap();
        output.narrow(0, 3, samples.shape()[0]).unwrap().to_vec().unwrap()
    };
    let both = matrix(&[5.0, 1.0, -7.0, 9.0], 2);
    let (together, alone) = (normalized(&both), normalized(&both.narrow(0, 0, 1).unwrap()));
    assert_eq!(together.len(), 4);
    assert!((together[0] - alone[0]).abs() < 1e-6 && (together[1] - alone[1]).abs() < 1e-6);
    let (mean, square) = ((1.0 + 3.0 - 1.0 + 5.0) / 4.0_f64, (1.0 + 9.0 + 1.0 + 25.0) / 4.0);
    let expected = (5.0 - mean) / (square - mean * mean).sqrt();
    assert!((alone[0] - expected).abs() < 1e-5, "{} instead of {expected}", alone[0]);
}

/// Two passes with one stream have different masks, and the same stream gives the same masks.
#[test]
fn dropout_draws_from_its_stream() {
    let mut network = Network::build("dropped", &setup(), |_| Ok(Dropout(0.5))).unwrap();
    let ones = Variable::full(1.0, &[1, 1000], candle_core::DType::F32, &Device::Cpu).unwrap();
    let mut pass = |random: Option<&mut Stream>| -> brigand_core::Result<Vec<f64>> {
        let how = How { random, ..How::plain(Mode::Training) };
        let output =
            network.run(how, |dropout, pass| Layer::<Unconditional>::forward(dropout, pass, &ones, ()))?;
        Ok(output.to_vec()?)
    };
    let mut stream = Stream::new(1, "masks", 0);
    let (first, second) = (pass(Some(&mut stream)).unwrap(), pass(Some(&mut stream)).unwrap());
    assert!(first != second);
    assert_eq!(first, pass(Some(&mut Stream::new(1, "masks", 0))).unwrap());
    let mean = first.iter().sum::<f64>() / 1000.0;
    assert!(first.iter().all(|value| [0.0, 2.0].contains(value)) && (mean - 1.0).abs() < 0.1);
    assert!(pass(None).is_err());
}
