//! Convolutions that double or halve maps on the way, against both steps one after the other.

use brigand_autograd::{Variable, grad};
use brigand_core::modules::{Convolution, Network, Window};

use crate::support::{PLAN, assert_near, double, normal_double, setup};

const CHANNELS: (usize, usize) = (3, 2);

fn network(window: Window, change: impl FnOnce(Convolution) -> Convolution) -> Network<Convolution> {
    Network::build("convolution", &setup(double()), |b| {
        Ok(change(Convolution::new(b, CHANNELS, window, &PLAN.with_bias(true))?))
    })
    .unwrap()
}

/// The output, and the gradients of a mixture of its squares by the input and by all weights.
fn outcome(
    network: &Network<Convolution>,
    weights: &[Variable],
    input: &Variable,
    (before, after): (impl Fn(&Variable) -> Variable, impl Fn(&Variable) -> Variable),
) -> Vec<Variable> {
    let given = network.parameters().weights().with_values(weights.to_vec()).unwrap();
    let output = network.evaluate(Some(&given), |module, pass| Ok(after(&module.run(pass, &before(input))?)));
    let output = output.unwrap();
    let mixture = normal_double(output.shape(), 5).detach();
    let loss = output.square().unwrap().mul(&mixture).unwrap().sum_all().unwrap();
    let by: Vec<&Variable> = std::iter::once(input).chain(weights).collect();
    let gradients = grad(&loss, &by, false).unwrap();
    std::iter::once(output).chain(gradients).collect()
}

#[test]
fn the_output_is_that_of_the_convolution_and_the_resizing() {
    let same = |maps: &Variable| maps.clone();
    let doubled = |maps: &Variable| {
        let (_, _, height, width) = maps.dims4("test").unwrap();
        maps.resize_nearest(2 * height, 2 * width).unwrap()
    };
    let halved = |maps: &Variable| maps.avg_pool2d(2, 2, 0).unwrap();
    let windows = [Window::same(1), Window::same(3), Window::same(5), Window::same(3).reflecting()];
    for window in windows {
        for size in [[4, 6], [6, 4], [5, 8]] {
            let input = normal_double(&[2, CHANNELS.0, size[0], size[1]], 1);
            let plain = network(window, |of| of);
            let weights: Vec<Variable> = plain
                .parameters()
                .weights()
                .values()
                .iter()
                .zip(7..)
                .map(|(weight, seed)| normal_double(weight.shape(), seed))
                .collect();
            let doubling = network(window, Convolution::doubling);
            let halving = network(window, Convolution::halving);
            let found = outcome(&doubling, &weights, &input, (same, same));
            let wanted = outcome(&plain, &weights, &input, (doubled, same));
            let (found_half, wanted_half) = (
                outcome(&halving, &weights, &input, (same, same)),
                outcome(&plain, &weights, &input, (same, halved)),
            );
            for (found, wanted) in found.iter().zip(&wanted).chain(found_half.iter().zip(&wanted_half)) {
                assert_near(found, wanted, 1e-9);
            }
        }
    }
}
