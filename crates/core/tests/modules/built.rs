//! How networks are built: paths, first values, statistics.

use brigand_autograd::{Activation, grad};
use brigand_core::Place;
use brigand_core::modules::{
    Builder, Chain, Convolution, How, Initialization, LabelMap, Layer, Linear, MapNorm, Mode, Network, Norm,
    NormKind, NormPlan, OnMap, UpBlock, Window,
};
use brigand_core::random::Stream;
use brigand_core::{Result, modules::Plan};

use crate::support::{PLAN, normal, setup};

#[test]
fn a_new_block_leaves_the_others_alone() {
    let setup = setup(Place::cpu());
    let build = |extra: bool| {
        Network::build("net", &setup, |b| {
            let first = b.block("first", |b| Linear::new(b, 3, 4, &PLAN))?;
            let between = extra.then(|| b.block("between", |b| Linear::new(b, 4, 4, &PLAN.spectral())));
            Ok((first, between.transpose()?, b.block("last", |b| Linear::new(b, 4, 2, &PLAN))?))
        })
        .unwrap()
    };
    let (with, without) = (build(true), build(false));
    let (with, without) = (with.parameters().weights(), without.parameters().weights());
    assert_eq!(without.names(), ["first.weight", "first.bias", "last.weight", "last.bias"]);
    assert_eq!(with.names().len(), 6);
    for (name, value) in without.names().iter().zip(without.values()) {
        let place = with.names().iter().position(|other| other == name).unwrap();
        assert_eq!(with.values()[place].to_vec().unwrap(), value.to_vec().unwrap(), "{name}");
    }
    let other =
        Network::build("other", &setup, |b| b.block("first", |b| Linear::new(b, 3, 4, &PLAN))).unwrap();
    assert_ne!(
        other.parameters().weights().values()[0].to_vec().unwrap(),
        without.values()[0].to_vec().unwrap()
    );
}

#[test]
fn a_path_is_taken_once() {
    let refused = |make: fn(&mut Builder) -> Result<()>| {
        Network::build("net", &setup(Place::cpu()), make).map(|_| ()).unwrap_err().to_string()
    };
    let twice = refused(|b| {
        b.block("same", |b| Linear::new(b, 2, 2, &PLAN))?;
        b.block("same", |b| Linear::new(b, 2, 2, &PLAN)).map(|_| ())
    });
    assert!(twice.contains("same.weight"), "{twice}");
    let twice = refused(|b| {
        b.buffer("statistic", &[1], vec![0.0])?;
        b.buffer("statistic", &[1], vec![0.0]).map(|_| ())
    });
    assert!(twice.contains("statistic"), "{twice}");
}

#[test]
fn chains_name_layers_by_position_or_by_name() {
    let network = Network::build("net", &setup(Place::cpu()), |b| {
        let mut chain = Chain::new();
        chain.push(b, |b| Linear::new(b, 3, 4, &PLAN))?;
        chain.push_plain(brigand_core::modules::Activate(Activation::Relu));
        chain.push(b, |b| Norm::new(b, NormPlan::new(NormKind::Batch, Activation::Identity), 4))?;
        chain.push_named(b, "score", |b| Linear::new(b, 4, 1, &PLAN))?;
        Ok(chain)
    })
    .unwrap();
    let names = network.parameters().weights().names();
    assert_eq!(names[0], "layer0.weight");
    assert!(
        names.contains(&"layer2.scale".to_owned()) && names.contains(&"score.weight".to_owned()),
        "{names:?}"
    );
    assert_eq!(network.parameters().buffers().names(), ["layer2.running_mean", "layer2.running_variance"]);
    assert!(network.module.couples_samples());
    let input = normal(&[5, 3], 1);
    let outputs = network.evaluate(None, |chain, pass| chain.outputs(pass, &input, ())).unwrap();
    let last = network.evaluate(None, |chain, pass| chain.run(pass, &input)).unwrap();
    assert_eq!(outputs.iter().map(|of| of.shape()[1]).collect::<Vec<_>>(), [4, 4, 4, 1]);
    assert_eq!(outputs[3].to_vec().unwrap(), last.to_vec().unwrap());
}

#[test]
fn maps_modulate_blocks_of_their_own_type() {
    let plan = PLAN.spectral();
    let mut network = Network::build("spade", &setup(Place::cpu()), |b| {
        UpBlock::<OnMap>::new(b, (4, 3), &plan, |b, channels| {
            MapNorm::new(
                b,
                NormPlan::new(NormKind::Batch, Activation::LeakyRelu(0.2)),
                (channels, 5, 6),
                &plan,
            )
        })
    })
    .unwrap();
    assert!(network.module.couples_samples());
    let maps = normal(&[2, 4, 4, 4], 1);
    let labels = Place::cpu().one_hot(&(0..2 * 16 * 16).map(|n| n % 5).collect::<Vec<_>>(), 5).unwrap();
    let labels = labels.reshape(&[2, 16, 16, 5]).unwrap().permute(&[0, 3, 1, 2]).unwrap();
    let how = || How::plain(Mode::Training);
    let made = network.run(how(), |block, pass| block.forward(pass, &maps, LabelMap(&labels))).unwrap();
    assert_eq!(made.shape(), [2, 3, 8, 8]);
    let other = labels.pad_zeros(1, 1, 0).unwrap().narrow(1, 0, 5).unwrap();
    let otherwise =
        network.evaluate(None, |block, pass| block.forward(pass, &maps, LabelMap(&other))).unwrap();
    let same = network.evaluate(None, |block, pass| block.forward(pass, &maps, LabelMap(&labels))).unwrap();
    assert_ne!(otherwise.to_vec().unwrap(), same.to_vec().unwrap());
    let loss = made.square().unwrap().mean_all().unwrap();
    let weights = network.parameters().weights();
    let slopes = grad(&loss, &weights.values().iter().collect::<Vec<_>>(), false).unwrap();
    for (name, slope) in weights.names().iter().zip(slopes) {
        assert!(slope.to_vec().unwrap().iter().any(|value| *value != 0.0), "{name}");
    }
}

#[test]
fn first_values_are_those_of_their_kind() {
    let drawn = |initialization: Initialization| {
        let network = Network::build("net", &setup(Place::cpu()), |b| {
            Convolution::new(b, (8, 16), Window::same(3), &Plan::new(initialization))
        })
        .unwrap();
        network.parameters().weights().values()[0].to_vec().unwrap()
    };
    let largest = |values: &[f64]| values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    // Fans of 8 and 16 channels with 9 positions each; 1152 draws come near the bound.
    for (initialization, bound) in [
        (Initialization::Glorot, (6.0_f64 / (72.0 + 144.0)).sqrt()),
        (Initialization::FanIn, 1.0 / 72.0_f64.sqrt()),
    ] {
        let found = largest(&drawn(initialization));
        assert!(found <= bound && found > 0.98 * bound, "{found} {bound}");
    }
    let normal = drawn(Initialization::Normal { mean: 0.5, deviation: 0.1 });
    let mean = normal.iter().sum::<f64>() / normal.len() as f64;
    let deviation =
        (normal.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / normal.len() as f64).sqrt();
    assert!((mean - 0.5).abs() < 0.01 && (deviation - 0.1).abs() < 0.01, "{mean} {deviation}");
    assert!(drawn(Initialization::Constant { value: 0.25 }).iter().all(|value| *value == 0.25));
    // 16 filters of 72 numbers: the rows are orthonormal. A 5x3 matrix has orthonormal columns.
    let gram = |vectors: &[Vec<f64>]| -> Vec<f64> {
        let pairs = vectors.iter().flat_map(|a| vectors.iter().map(move |b| (a, b)));
        pairs.map(|(a, b)| a.iter().zip(b).map(|(a, b)| a * b).sum()).collect()
    };
    let is_identity = |vectors: &[Vec<f64>]| {
        gram(vectors).iter().enumerate().all(|(place, value)| {
            let wanted = if place % (vectors.len() + 1) == 0 { 1.0 } else { 0.0 };
            (value - wanted).abs() < 1e-5
        })
    };
    let rows: Vec<Vec<f64>> = drawn(Initialization::Orthogonal).chunks(72).map(<[f64]>::to_vec).collect();
    assert!(rows.len() == 16 && is_identity(&rows));
    let tall: Vec<f64> = Initialization::Orthogonal
        .draw(&[5, 3], (3, 5), &mut Stream::new(1, "a test", 0))
        .into_iter()
        .map(f64::from)
        .collect();
    let columns: Vec<Vec<f64>> =
        (0..3).map(|at| tall.iter().skip(at).step_by(3).copied().collect()).collect();
    assert!(is_identity(&columns));
}
