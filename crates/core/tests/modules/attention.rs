//! Self-attention against its formula.

use brigand_autograd::Variable;
use brigand_core::modules::{Network, SelfAttention};

use crate::support::derivatives::{first_order, second_order};
use crate::support::{PLAN, double, normal_double, setup};

const CHANNELS: usize = 8;

fn attention() -> Network<SelfAttention> {
    Network::build("attention", &setup(double()), |b| SelfAttention::new(b, CHANNELS, &PLAN)).unwrap()
}

/// Its weights with `gamma`, which starts at 0.
fn weights(network: &Network<SelfAttention>, gamma: f64) -> Vec<Variable> {
    let mut weights = network.parameters().weights().values().to_vec();
    assert_eq!(network.parameters().weights().names()[4], "gamma");
    assert_eq!(weights[4].to_vec().unwrap(), [0.0]);
    weights[4] = weights[4].full_like(gamma).unwrap();
    weights[4] = Variable::leaf(weights[4].tensor().clone());
    weights
}

/// The rows of a `[rows, columns]` matrix.
fn rows(of: &Variable) -> Vec<Vec<f64>> {
    let columns = of.elements() / of.shape()[0];
    of.to_vec().unwrap().chunks(columns).map(<[f64]>::to_vec).collect()
}

#[test]
fn it_mixes_values_by_the_softmax_of_queries_and_keys() {
    let network = attention();
    let weights = weights(&network, 0.7);
    let input = normal_double(&[2, CHANNELS, 2, 3], 1);
    let given = network.parameters().weights().with_values(weights.clone()).unwrap();
    let (found, attention) = network.evaluate(Some(&given), |module, pass| module.run(pass, &input)).unwrap();
    assert_eq!((found.shape(), attention.shape()), (input.shape(), [2, 6, 6].as_slice()));
    let [query, key, value, output] = [0, 1, 2, 3].map(|place| rows(&weights[place]));
    assert_eq!((query.len(), value.len(), output.len()), (1, 4, CHANNELS));
    let (all, found, attention) =
        (input.to_vec().unwrap(), found.to_vec().unwrap(), attention.to_vec().unwrap());
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    for sample in 0..2 {
        let at = |place: usize| -> Vec<f64> {
            (0..CHANNELS).map(|channel| all[sample * CHANNELS * 6 + channel * 6 + place]).collect()
        };
        for place in 0..6 {
            let own = dot(&query[0], &at(place));
            let shares: Vec<f64> = (0..6).map(|other| (own * dot(&key[0], &at(other))).exp()).collect();
            let total: f64 = shares.iter().sum();
            for (other, share) in shares.iter().enumerate() {
                assert!((attention[sample * 36 + place * 6 + other] - share / total).abs() < 1e-12);
            }
            let mixed: Vec<f64> = value
                .iter()
                .map(|row| (0..6).map(|other| shares[other] / total * dot(row, &at(other))).sum())
                .collect();
            for channel in 0..CHANNELS {
                let wanted = at(place)[channel] + 0.7 * dot(&output[channel], &mixed);
                let found = found[sample * CHANNELS * 6 + channel * 6 + place];
                assert!((found - wanted).abs() < 1e-12, "{found} instead of {wanted}");
            }
        }
    }
    let untrained = network.evaluate(None, |module, pass| Ok(module.run(pass, &input)?.0)).unwrap();
    assert_eq!(untrained.to_vec().unwrap(), all);
}

#[test]
fn its_gradients_equal_differences_twice() {
    let network = attention();
    let inputs: Vec<Variable> =
        std::iter::once(normal_double(&[2, CHANNELS, 2, 2], 1)).chain(weights(&network, 0.7)).collect();
    let loss = |inputs: &[Variable]| {
        let given = network.parameters().weights().with_values(inputs[1..].to_vec())?;
        let made = network.evaluate(Some(&given), |module, pass| Ok(module.run(pass, &inputs[0])?.0))?;
        Ok(made.square()?.mean_all()?)
    };
    first_order(&inputs, loss);
    second_order(&inputs, loss);
}
