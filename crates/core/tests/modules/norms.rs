//! Normalisations against composed formulas.

use brigand_autograd::{Activation, Variable};
use brigand_core::modules::{
    Builder, Estimate, How, LabelMap, Layer, MapNorm, Mode, Network, Norm, NormKind, NormPlan, Part,
    Reference, Statistics, TableNorm, VectorNorm, VirtualNorm, Weights,
};
use brigand_core::state::State;
use brigand_core::{Result, modules::Pass};

use crate::support::derivatives::{first_order, second_order};
use crate::support::{PLAN, assert_near, double, normal_double, setup};

const CHANNELS: usize = 4;
const KINDS: [NormKind; 4] = [NormKind::None, NormKind::Batch, NormKind::Instance, NormKind::Group(2)];

fn plan(kind: NormKind) -> NormPlan {
    NormPlan::new(kind, Activation::LeakyRelu(0.2))
}

fn build<M>(make: impl FnOnce(&mut Builder) -> Result<M>) -> Network<M> {
    Network::build("norm", &setup(double()), make).unwrap()
}

/// The same network with random weights: scales and shifts start at 1 and 0, which would hide much.
fn random<M>(network: &Network<M>) -> Weights {
    let weights = network.parameters().weights();
    let values = weights.values().iter().enumerate();
    let values = values.map(|(number, value)| normal_double(value.shape(), 50 + number as u64)).collect();
    weights.with_values(values).unwrap()
}

fn input() -> Variable {
    normal_double(&[3, CHANNELS, 2, 3], 1)
}

/// `(x - mean) / sqrt(variance + epsilon)` over what the kind says, by composed operations.
fn standard(input: &Variable, kind: NormKind) -> Variable {
    let over = |input: &Variable, axes: &[usize]| {
        let centred = input.sub(&input.mean_keeping(axes).unwrap()).unwrap();
        let variance = input.variance_keeping(axes).unwrap().affine(1.0, 1e-5).unwrap();
        centred.div(&variance.sqrt().unwrap()).unwrap()
    };
    match kind {
        NormKind::None => input.clone(),
        NormKind::Batch => over(input, &[0, 2, 3]),
        NormKind::Instance => over(input, &[2, 3]),
        NormKind::Group(groups) => {
            let grouped = input.reshape(&[3, groups, CHANNELS / groups, 2, 3]).unwrap();
            over(&grouped, &[2, 3, 4]).reshape(input.shape()).unwrap()
        }
    }
}

fn affine(normal: &Variable, scale: &Variable, shift: &Variable) -> Variable {
    normal.mul(scale).unwrap().add(shift).unwrap().leaky_relu(0.2).unwrap()
}

fn per_channel(vector: &Variable) -> Variable {
    vector.reshape(&[vector.elements() / CHANNELS, CHANNELS, 1, 1]).unwrap()
}

type Run<M> = fn(&M, &mut Pass<'_>, &[Variable]) -> Result<Variable>;

/// The output for `inputs`, whose first is the map, with `weights` after them.
fn output<M>(
    network: &mut Network<M>,
    weights: &Weights,
    inputs: &[Variable],
    run: Run<M>,
) -> Result<Variable> {
    let how = How { weights: Some(weights), ..How::plain(Mode::BatchStatistics) };
    network.run(how, |module, pass| run(module, pass, inputs))
}

/// First and second derivatives by `inputs` and all weights.
fn check<M>(mut network: Network<M>, inputs: &[Variable], run: Run<M>) {
    let weights = random(&network);
    let count = inputs.len();
    let all: Vec<Variable> = inputs.iter().chain(weights.values()).cloned().collect();
    let mixture = normal_double(inputs[0].shape(), 99).detach();
    let mut loss = |all: &[Variable]| {
        let given = weights.with_values(all[count..].to_vec())?;
        let made = output(&mut network, &given, &all[..count], run)?;
        Ok(made.tanh()?.mul(&mixture)?.sum_all()?)
    };
    first_order(&all, &mut loss);
    second_order(&all, &mut loss);
}

#[test]
fn learned_scales_and_shifts() {
    for kind in KINDS {
        let mut network = build(|b| Norm::new(b, plan(kind), CHANNELS));
        let weights = random(&network);
        let run: Run<Norm> = |norm, pass, inputs| norm.run(pass, &inputs[0]);
        let found = output(&mut network, &weights, &[input()], run).unwrap();
        let wanted = match weights.values() {
            [scale, shift] => affine(&standard(&input(), kind), &per_channel(scale), &per_channel(shift)),
            none => {
                assert!(none.is_empty() && kind == NormKind::None);
                input().leaky_relu(0.2).unwrap()
            }
        };
        assert_near(&found, &wanted, 1e-10);
        check(network, &[input()], run);
    }
}

#[test]
fn sampling_uses_running_statistics() {
    let mut network = build(|b| Norm::new(b, plan(NormKind::Batch), CHANNELS));
    let buffers = |network: &Network<Norm>| {
        let values = network.parameters().buffers().values();
        [0, 1].map(|place| values[place].to_vec1::<f64>().unwrap())
    };
    let (mut mean, mut variance) = (vec![0.0; CHANNELS], vec![1.0; CHANNELS]);
    for seed in 0..3 {
        let input = normal_double(&[3, CHANNELS, 2, 3], seed).affine(2.0, 0.5).unwrap();
        let batch = (
            input.mean(&[0, 2, 3]).unwrap().to_vec().unwrap(),
            input.variance(&[0, 2, 3]).unwrap().to_vec().unwrap(),
        );
        for channel in 0..CHANNELS {
            mean[channel] = 0.9 * mean[channel] + 0.1 * batch.0[channel];
            // Unbiased, of 18 values.
            variance[channel] = 0.9 * variance[channel] + 0.1 * batch.1[channel] * 18.0 / 17.0;
        }
        network.run(How::plain(Mode::BatchStatistics), |norm, pass| norm.run(pass, &input)).unwrap();
        network.run(How::plain(Mode::Training), |norm, pass| norm.run(pass, &input)).unwrap();
    }
    for (found, wanted) in buffers(&network).iter().zip([&mean, &variance]) {
        assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?} {wanted:?}");
    }
    let found = network.evaluate(None, |norm, pass| norm.run(pass, &input())).unwrap();
    let constant = |values: &[f64]| per_channel(&Variable::from_slice(values, &[CHANNELS]).unwrap());
    let centred = input().sub(&constant(&mean)).unwrap();
    let size = constant(&variance).affine(1.0, 1e-5).unwrap().sqrt().unwrap();
    assert_near(&found, &centred.div(&size).unwrap().leaky_relu(0.2).unwrap(), 1e-10);
}

#[test]
fn tables_are_looked_up_by_vectors() {
    for kind in KINDS {
        let mut network = build(|b| TableNorm::new(b, plan(kind), CHANNELS, 5));
        let weights = random(&network);
        let vectors = normal_double(&[3, 5], 2);
        let run: Run<TableNorm> = |norm, pass, inputs| norm.forward(pass, &inputs[0], &inputs[1]);
        let found = output(&mut network, &weights, &[input(), vectors.clone()], run).unwrap();
        let rows = |place: usize| per_channel(&vectors.matmul(&weights.values()[place]).unwrap());
        assert_near(&found, &affine(&standard(&input(), kind), &rows(0), &rows(1)), 1e-10);
        check(network, &[input(), vectors], run);
    }
}

#[test]
fn vectors_scale_around_one() {
    for kind in KINDS {
        let mut network = build(|b| VectorNorm::new(b, plan(kind), (CHANNELS, 5), &PLAN));
        let weights = random(&network);
        assert_eq!(weights.names(), ["gain.weight", "shift.weight"]);
        let vectors = normal_double(&[3, 5], 2);
        let run: Run<VectorNorm> = |norm, pass, inputs| norm.forward(pass, &inputs[0], &inputs[1]);
        let found = output(&mut network, &weights, &[input(), vectors.clone()], run).unwrap();
        let linear = |place: usize| vectors.linear(&weights.values()[place], None).unwrap();
        let gain = per_channel(&linear(0).affine(1.0, 1.0).unwrap());
        assert_near(&found, &affine(&standard(&input(), kind), &gain, &per_channel(&linear(1))), 1e-10);
        check(network, &[input(), vectors], run);
    }
}

#[test]
fn maps_scale_position_by_position() {
    for kind in KINDS {
        let mut network = build(|b| MapNorm::new(b, plan(kind), (CHANNELS, 2, 3), &PLAN));
        let weights = random(&network);
        let maps = normal_double(&[3, 2, 4, 6], 2);
        let run: Run<MapNorm> = |norm, pass, inputs| norm.forward(pass, &inputs[0], LabelMap(&inputs[1]));
        let found = output(&mut network, &weights, &[input(), maps.clone()], run).unwrap();
        let convolve = |input: &Variable, name: &str| {
            let place =
                |part: &str| weights.names().iter().position(|of| *of == format!("{name}.{part}")).unwrap();
            let bias = &weights.values()[place("bias")];
            let sliding = brigand_autograd::Sliding::new(1, 1);
            let output = input.conv2d(&weights.values()[place("weight")], sliding).unwrap();
            output.add(&bias.reshape(&[1, bias.elements(), 1, 1]).unwrap()).unwrap()
        };
        let hidden = convolve(&maps.resize_nearest(2, 3).unwrap(), "shared").relu().unwrap();
        let gain = convolve(&hidden, "gain").affine(1.0, 1.0).unwrap();
        let wanted = affine(&standard(&input(), kind), &gain, &convolve(&hidden, "shift"));
        assert_near(&found, &wanted, 1e-10);
        check(network, &[input(), maps], run);
    }
}

/// `[reference..., x]` normalised as a batch of its own, for each sample `x` after the reference.
#[test]
fn a_reference_normalises_each_sample_by_itself() {
    let whole = normal_double(&[6, CHANNELS, 2, 3], 1);
    for (input, run) in [
        (
            whole.clone(),
            (|norm, pass, inputs| norm.forward(pass, &inputs[0], Reference(4))) as Run<VirtualNorm>,
        ),
        (normal_double(&[6, CHANNELS], 1), |norm, pass, inputs| norm.forward(pass, &inputs[0], Reference(4))),
    ] {
        let mut network = build(|b| VirtualNorm::new(b, plan(NormKind::None), CHANNELS));
        let weights = random(&network);
        let found = output(&mut network, &weights, std::slice::from_ref(&input), run).unwrap();
        let axes: Vec<usize> = std::iter::once(0).chain(2..input.rank()).collect();
        let shape: Vec<usize> = [1, CHANNELS].into_iter().chain((2..input.rank()).map(|_| 1)).collect();
        let [scale, shift] = [0, 1].map(|place| weights.values()[place].reshape(&shape).unwrap());
        let normal = |batch: &Variable| {
            let centred = batch.sub(&batch.mean_keeping(&axes).unwrap()).unwrap();
            let size = batch.variance_keeping(&axes).unwrap().affine(1.0, 1e-5).unwrap().sqrt().unwrap();
            affine(&centred.div(&size).unwrap(), &scale, &shift)
        };
        let reference = input.narrow(0, 0, 4).unwrap();
        assert_near(&found.narrow(0, 0, 4).unwrap(), &normal(&reference), 1e-9);
        for sample in 4..6 {
            let own = input.narrow(0, sample, 1).unwrap();
            let wanted = normal(&Variable::concatenate(&[&reference, &own], 0).unwrap());
            assert_near(&found.narrow(0, sample, 1).unwrap(), &wanted.narrow(0, 4, 1).unwrap(), 1e-9);
        }
        check(network, &[input], run);
    }
    let mut network = build(|b| VirtualNorm::new(b, plan(NormKind::None), CHANNELS));
    for reference in [0, 6, 7] {
        let how = How::plain(Mode::BatchStatistics);
        assert!(network.run(how, |norm, pass| norm.forward(pass, &whole, Reference(reference))).is_err());
    }
}

#[test]
fn only_batches_couple_samples() {
    for kind in KINDS {
        let norm = build(|b| Norm::new(b, plan(kind), CHANNELS)).module;
        let coupled = Layer::<brigand_core::modules::Unconditional>::couples_samples(&norm);
        assert_eq!(coupled, kind == NormKind::Batch);
        let vectors = build(|b| VectorNorm::new(b, plan(kind), (CHANNELS, 2), &PLAN)).module;
        assert_eq!(vectors.couples_samples(), kind == NormKind::Batch);
    }
}

/// Statistics for sampling are the mean over batches of the batches' means and unbiased variances; they are saved, and
/// training's running statistics stay.
#[test]
fn estimated_statistics_are_means_over_batches() {
    let make = || build(|b| Norm::new(b, plan(NormKind::Batch), CHANNELS));
    let mut network = make();
    network.run(How::plain(Mode::Training), |norm, pass| norm.run(pass, &input())).unwrap();
    let running = network.parameters().buffers().values().to_vec();
    let sampled = |network: &Network<Norm>| {
        network.sample(None, &input(), |norm, pass| norm.run(pass, &input())).unwrap()
    };
    let before = sampled(&network);
    let batches = [2, 3, 4].map(|seed| normal_double(&[3, CHANNELS, 2, 3], seed));
    let mut estimate = Estimate::default();
    for batch in &batches {
        let statistics = &mut Statistics::Estimated(&mut estimate);
        network.sample_with(None, batch, statistics, |norm, pass| norm.run(pass, batch)).unwrap();
    }
    assert_eq!(network.sample_by(Some(&estimate)), 1);
    let mean = |of: &dyn Fn(&Variable) -> Variable| {
        let found: Vec<Variable> = batches.iter().map(of).collect();
        let sum = found.iter().skip(1).fold(found[0].clone(), |sum, next| sum.add(next).unwrap());
        sum.scale(1.0 / found.len() as f64).unwrap()
    };
    let means = mean(&|batch| batch.mean_keeping(&[0, 2, 3]).unwrap());
    // 18 values of each channel in a batch.
    let variances = mean(&|batch| batch.variance_keeping(&[0, 2, 3]).unwrap().scale(18.0 / 17.0).unwrap());
    let deviations = variances.affine(1.0, 1e-5).unwrap().sqrt().unwrap();
    let wanted = input().sub(&means).unwrap().div(&deviations).unwrap().leaky_relu(0.2).unwrap();
    assert_near(&sampled(&network), &wanted, 1e-9);

    for (now, then) in network.parameters().buffers().values().iter().zip(&running) {
        assert_eq!(now.to_vec1::<f64>().unwrap(), then.to_vec1::<f64>().unwrap());
    }
    let mut state = State::default();
    network.save("norm", &mut state).unwrap();
    let mut restored = make();
    restored.restore("norm", &mut state).unwrap();
    state.refuse_remains().unwrap();
    assert_near(&sampled(&restored), &wanted, 1e-9);
    assert_eq!(network.sample_by(None), 0);
    assert_near(&sampled(&network), &before, 0.0);
}
