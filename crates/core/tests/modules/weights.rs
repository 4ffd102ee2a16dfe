//! Reparametrised weights.

use brigand_autograd::{Variable, grad};
use brigand_core::Place;
use brigand_core::Result;
use brigand_core::modules::{
    Convolution, How, Initialization, Linear, Mode, Network, Pass, Plan, Reparametrisation,
    TransposedConvolution, Window,
};

use crate::support::derivatives::{first_order, second_order};
use crate::support::{PLAN, assert_near, double, normal_double, setup};

type Run = Box<dyn Fn(&mut Pass<'_>, &Variable) -> Result<Variable>>;

/// A network without biases, and the shape of its inputs.
struct Case {
    name: &'static str,
    input: Vec<usize>,
    network: Network<Run>,
}

fn cases(plan: Plan, place: &Place) -> Vec<Case> {
    let (setup, plan) = (setup(place.clone()), plan.without_bias());
    let mut cases = Vec::new();
    let linear = Network::build("linear", &setup, |b| {
        let layer = Linear::new(b, 5, 4, &plan)?;
        Ok(Box::new(move |pass: &mut Pass<'_>, input: &Variable| layer.run(pass, input)) as Run)
    });
    cases.push(Case { name: "linear", input: vec![3, 5], network: linear.unwrap() });
    let convolution = Network::build("convolution", &setup, |b| {
        let layer = Convolution::new(b, (2, 3), Window::same(3), &plan)?;
        Ok(Box::new(move |pass: &mut Pass<'_>, input: &Variable| layer.run(pass, input)) as Run)
    });
    cases.push(Case { name: "convolution", input: vec![2, 2, 4, 4], network: convolution.unwrap() });
    let transposed = Network::build("transposed", &setup, |b| {
        let layer = TransposedConvolution::new(b, (2, 3), Window::HALVING, &plan)?;
        Ok(Box::new(move |pass: &mut Pass<'_>, input: &Variable| layer.run(pass, input)) as Run)
    });
    cases.push(Case { name: "transposed", input: vec![2, 2, 3, 3], network: transposed.unwrap() });
    cases
}

/// The largest singular value of a weight as a matrix with a row for each output, by many power iterations.
fn largest(weight: &Variable, transposed: bool) -> f64 {
    let weight = if transposed { weight.transpose(0, 1).unwrap() } else { weight.clone() };
    let matrix = weight.detach().flatten_from_second().unwrap();
    let mut right = normal_double(&[matrix.shape()[1], 1], 3).detach();
    let mut size = 0.0;
    for _ in 0..2000 {
        let left = matrix.matmul(&right).unwrap();
        let back = matrix.transposed().unwrap().matmul(&left).unwrap();
        let norm = |of: &Variable| of.square().unwrap().sum_all().unwrap().sqrt().unwrap();
        size = norm(&left).scalar().unwrap() / norm(&right).scalar().unwrap();
        right = back.div(&norm(&back)).unwrap();
    }
    size
}

#[test]
fn spectral_weights_have_a_largest_singular_value_of_one() {
    for case in cases(PLAN.spectral(), &double()) {
        let mut network = case.network;
        let input = normal_double(&case.input, 1);
        let stored = network.parameters().weights().values()[0].clone();
        let sigma = largest(&stored, case.name == "transposed");
        assert!((sigma - 1.0).abs() > 0.05, "{}: nothing would show", case.name);
        let plain = cases(PLAN, &double()).into_iter().find(|plain| plain.name == case.name).unwrap().network;
        let given =
            plain.parameters().weights().with_values(vec![stored.scale(1.0 / sigma).unwrap()]).unwrap();
        let wanted = plain.evaluate(Some(&given), |run, pass| run(pass, &input)).unwrap();
        // The warm-up alone is near; every training pass comes nearer.
        let found = network.evaluate(None, |run, pass| run(pass, &input)).unwrap();
        assert_near(&found, &wanted, 0.02);
        let before = network.parameters().buffers().values()[0].to_vec1::<f64>().unwrap();
        for _ in 0..200 {
            network.run(How::plain(Mode::BatchStatistics), |run, pass| run(pass, &input)).unwrap();
        }
        assert_eq!(before, network.parameters().buffers().values()[0].to_vec1::<f64>().unwrap());
        for _ in 0..200 {
            network.run(How::plain(Mode::Training), |run, pass| run(pass, &input)).unwrap();
        }
        let found = network.evaluate(None, |run, pass| run(pass, &input)).unwrap();
        assert_near(&found, &wanted, 1e-9);
    }
}

/// Neither values nor gradients nor later iterations are lost at a weight of zeros.
#[test]
fn a_spectral_weight_of_zeros_gives_zeros_and_recovers() {
    let zeros = Plan { initialization: Initialization::ZERO, ..PLAN }.spectral();
    for (case, other) in cases(zeros, &double()).into_iter().zip(cases(PLAN, &double())) {
        let mut network = case.network;
        let input = normal_double(&case.input, 1);
        for mode in [Mode::Training, Mode::BatchStatistics] {
            let made = network.run(How::plain(mode), |run, pass| run(pass, &input)).unwrap();
            assert!(made.to_vec().unwrap().iter().all(|&value| value == 0.0), "{}", case.name);
            let weight = &network.parameters().weights().values()[0];
            let gradient = grad(&made.sum_all().unwrap(), &[weight], false).unwrap().remove(0);
            let largest = gradient.to_vec().unwrap().into_iter().map(f64::abs).fold(0.0, f64::max);
            assert!(largest > 0.0 && largest < 100.0, "{}: {largest}", case.name);
        }
        let later = other.network.parameters().weights().clone();
        let sigma = largest(&later.values()[0], case.name == "transposed");
        for _ in 0..200 {
            let how = How { weights: Some(&later), ..How::plain(Mode::Training) };
            network.run(how, |run, pass| run(pass, &input)).unwrap();
        }
        let found = network.evaluate(Some(&later), |run, pass| run(pass, &input)).unwrap();
        let wanted = other.network.evaluate(None, |run, pass| run(pass, &input)).unwrap();
        assert_near(&found, &wanted.scale(1.0 / sigma).unwrap(), 1e-9);
    }
}

#[test]
fn a_pass_takes_one_power_iteration_however_often_a_weight_is_used() {
    let input = normal_double(&[3, 5], 1);
    let left = |uses: usize| {
        let mut network = cases(PLAN.spectral(), &double()).remove(0).network;
        network
            .run(How::plain(Mode::Training), |run, pass| {
                (0..uses).try_for_each(|_| run(pass, &input).map(|_| ()))
            })
            .unwrap();
        network.parameters().buffers().values()[0].to_vec1::<f64>().unwrap()
    };
    assert_eq!(left(1), left(5));
    assert_ne!(left(0), left(1));
}

#[test]
fn equalised_weights_are_scaled_by_their_fan() {
    let equalised = PLAN.reparametrised(Reparametrisation::Equalised { gain: 2.0_f64.sqrt() });
    for (case, plain) in cases(equalised, &double()).into_iter().zip(cases(PLAN, &double())) {
        let fan: f64 = match case.name {
            "linear" => 5.0,
            "convolution" => 18.0,
            _ => 32.0,
        };
        let input = normal_double(&case.input, 1);
        let found = case.network.evaluate(None, |run, pass| run(pass, &input)).unwrap();
        let wanted = plain.network.evaluate(None, |run, pass| run(pass, &input)).unwrap();
        assert_near(&found, &wanted.scale((2.0 / fan).sqrt()).unwrap(), 1e-12);
    }
}

#[test]
fn gradients_equal_differences_twice() {
    let equalised = PLAN.reparametrised(Reparametrisation::Equalised { gain: 2.0 });
    for plan in [PLAN, PLAN.spectral(), equalised] {
        for case in cases(plan, &double()) {
            let network = case.network;
            let weights = network.parameters().weights();
            let inputs = [normal_double(&case.input, 1), weights.values()[0].clone()];
            let loss = |inputs: &[Variable]| {
                let given = weights.with_values(vec![inputs[1].clone()])?;
                let made = network.evaluate(Some(&given), |run, pass| run(pass, &inputs[0]))?;
                Ok(made.tanh()?.square()?.sum_all()?)
            };
            first_order(&inputs, loss);
            second_order(&inputs, loss);
        }
    }
}
