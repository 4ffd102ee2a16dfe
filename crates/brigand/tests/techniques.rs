//! Claims: each technique computes its formula, and the unrolled gradient is the true one, through the optimizer's
//! steps.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

use brigand::layers::{Initialization, Linear, Mode, Sequence, Weights};
use brigand::networks::{Network, Setting};
use brigand::random::Stream;
use brigand::systems::{Optimizer, OptimizerRecipe, Schedule};
use brigand::techniques::{FeatureMatching, HistoricalAverage, InstanceNoise, off_diagonal_penalty, pack};
use brigand_autograd::{Variable, grad};
use candle_core::{Device, Tensor};

fn matrix(values: &[f32], width: usize) -> Variable {
    Variable::from_slice(values, &[values.len() / width, width]).unwrap()
}

/// A network of one linear layer without bias, with these weights.
fn linear(values: &[f32], width: usize) -> Network {
    let rows = values.len() / width;
    let mut network = Network::build("one", 0, &Device::Cpu, |builder| {
        let mut layers = Sequence::new();
        layers.push(builder, |b| Linear::without_bias(b, width, rows, Initialization::Glorot))?;
        Ok(layers)
    })
    .unwrap();
    network.weights.replace(0, Tensor::from_vec(values.to_vec(), (rows, width), &Device::Cpu).unwrap());
    network
}

#[test]
fn feature_matching_compares_means() {
    let matching = FeatureMatching { weight: 2.0, alone: true };
    let (real, fake) = (matrix(&[0.0, 2.0, 2.0, 2.0], 2), matrix(&[0.0, 4.0], 2));
    assert_eq!(matching.term(&real, &fake).unwrap().scalar().unwrap(), 2.0 * 5.0);
}

#[test]
fn orthogonal_regularisation_looks_at_other_filters_only() {
    let network = linear(&[3.0, 4.0, 0.0, 5.0], 2);
    assert_eq!(off_diagonal_penalty(&network.weights).unwrap().unwrap().scalar().unwrap(), 800.0);
}

#[test]
fn history_pulls_to_the_plain_mean() {
    let mut network = linear(&[1.0, 1.0], 2);
    let mut history = HistoricalAverage::new(&network.weights);
    network.weights.replace(0, Tensor::new(&[[4.0f32, 1.0]], &Device::Cpu).unwrap());
    history.follow(&network.weights).unwrap();
    assert_eq!(history.mean.values()[0].to_vec().unwrap(), [2.5, 1.0]);
    let term = history.term(&network.weights, 2.0).unwrap();
    assert_eq!(term.scalar().unwrap(), 2.0 * 1.5 * 1.5);
    let pull = grad(&term, &[&network.weights.values()[0]], false).unwrap().remove(0);
    assert_eq!(pull.to_vec().unwrap(), [2.0 * 2.0 * 1.5, 0.0]);
}

/// The bilinear game x y orbits under simultaneous steps; with the pull to the mean it comes closer.
#[test]
fn history_calms_the_bilinear_game() {
    let radius = |weight: f64| {
        let (mut x, mut y) = (linear(&[1.0], 1).weights, linear(&[1.0], 1).weights);
        let (mut x_past, mut y_past) = (HistoricalAverage::new(&x), HistoricalAverage::new(&y));
        let value = |of: &Weights| of.values()[0].to_vec_f32().unwrap()[0];
        for _ in 0..2000 {
            let pull = |past: &HistoricalAverage, of: &Weights| {
                let term = past.term(of, weight).unwrap();
                grad(&term, &[&of.values()[0]], false).unwrap()[0].to_vec_f32().unwrap()[0]
            };
            let (x_slope, y_slope) = (value(&y) + pull(&x_past, &x), -value(&x) + pull(&y_past, &y));
            let (next_x, next_y) = (value(&x) - 0.1 * x_slope, value(&y) - 0.1 * y_slope);
            x.replace(0, Tensor::new(&[[next_x]], &Device::Cpu).unwrap());
            y.replace(0, Tensor::new(&[[next_y]], &Device::Cpu).unwrap());
            x_past.follow(&x).unwrap();
            y_past.follow(&y).unwrap();
        }
        value(&x).hypot(value(&y))
    };
    let (free, held) = (radius(0.0), radius(1.0));
    println!("radius {free} without, {held} with history");
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
        let mut weights = linear(&[0.5, -1.0, 2.0], 3).weights;
        let mut optimizer = Optimizer::new(recipe);
        let gradient = |at: &Variable| at.detach().powf(3.0).unwrap();
        for _ in 0..2 {
            let slope = gradient(&weights.values()[0]);
            optimizer.step(&mut weights, &[slope]).unwrap();
        }
        let mut unrolled = optimizer.unrolled(&weights).unwrap();
        let mut ahead = weights.values().to_vec();
        for _ in 0..3 {
            let slope = gradient(&weights.values()[0]);
            optimizer.step(&mut weights, &[slope]).unwrap();
            let slope = gradient(&ahead[0]);
            ahead = unrolled.step(&ahead, &[slope]).unwrap();
        }
        let pairs = weights.values()[0].to_vec().unwrap().into_iter().zip(ahead[0].to_vec().unwrap());
        for (own, ahead) in pairs {
            assert!((own - ahead).abs() < 1e-6 * own.abs().max(1.0), "{recipe:?}: {own} and {ahead}");
        }
    }
}

/// `d/da` of `(w_K)²` where `w` takes K steps down `(w - a)² w²`, against finite differences over the whole unrolling.
#[test]
fn gradients_flow_through_unrolled_steps() {
    for recipe in OPTIMIZERS {
        let outcome = |a: &Variable| {
            let weights = linear(&[0.8], 1).weights;
            let mut unrolled = Optimizer::new(recipe).unrolled(&weights).unwrap();
            let mut ahead = weights.values().to_vec();
            for _ in 0..4 {
                let gap = ahead[0].sub(a).unwrap().square().unwrap();
                let loss = gap.mul(&ahead[0].square().unwrap()).unwrap().sum_all().unwrap();
                let slopes = grad(&loss, &[&ahead[0]], true).unwrap();
                ahead = unrolled.step(&ahead, &slopes).unwrap();
            }
            ahead[0].square().unwrap().sum_all().unwrap()
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
fn virtual_batch_norm_is_blind_to_the_batch() {
    use brigand::layers::{BatchNormalization, Momentum};
    use brigand_autograd::Activation;
    let reference = matrix(&[1.0, -2.0, 3.0, 0.5, -1.0, 2.0], 2);
    let mut network = Network::build("virtual", 0, &Device::Cpu, |builder| {
        builder.virtual_statistics = true;
        let one = Initialization::Constant { value: 1.0 };
        BatchNormalization::new(builder, 2, one, 0.0, Momentum(0.1), Activation::Identity)
    })
    .unwrap();
    network.reference = Some(reference);
    assert!(!network.couples_samples());
    let both = matrix(&[5.0, 1.0, -7.0, 9.0], 2);
    let together = network.forward(&both, Mode::Training).unwrap().to_vec().unwrap();
    let alone = network.forward(&both.narrow(0, 0, 1).unwrap(), Mode::Training).unwrap().to_vec().unwrap();
    assert_eq!(together.len(), 4);
    assert!((together[0] - alone[0]).abs() < 1e-6 && (together[1] - alone[1]).abs() < 1e-6);
    let (mean, square) = ((1.0 + 3.0 - 1.0 + 5.0) / 4.0_f64, (1.0 + 9.0 + 1.0 + 25.0) / 4.0);
    let expected = (5.0 - mean) / (square - mean * mean).sqrt();
    assert!((alone[0] - expected).abs() < 1e-5, "{} instead of {expected}", alone[0]);
}

/// Two passes with one stream have different masks, and the same stream gives the same masks.
#[test]
fn dropout_draws_from_its_stream() {
    use brigand::layers::Dropout;
    let mut network = Network::build("dropped", 0, &Device::Cpu, |_| Ok(Dropout(0.5))).unwrap();
    let ones = Variable::full(1.0, &[1, 1000], candle_core::DType::F32, &Device::Cpu).unwrap();
    let mut pass = |stream: &mut Stream| {
        let setting = Setting { random: Some(stream), ..Setting::plain(Mode::Training) };
        network.observe(setting, &ones).unwrap().output.to_vec().unwrap()
    };
    let mut stream = Stream::new(1, "masks", 0);
    let (first, second) = (pass(&mut stream), pass(&mut stream));
    assert!(first != second);
    assert_eq!(first, pass(&mut Stream::new(1, "masks", 0)));
    let mean = first.iter().sum::<f64>() / 1000.0;
    assert!(first.iter().all(|value| [0.0, 2.0].contains(value)) && (mean - 1.0).abs() < 0.1);
    assert!(network.forward(&ones, Mode::Training).is_err());
}
