//! The LSTM step against a reference written out.

use brigand_autograd::Variable;
use brigand_core::modules::{Cell, Lstm, LstmState, Network};

use crate::support::derivatives::{first_order, second_order};
use crate::support::{PLAN, double, normal_double, setup};

const INPUTS: usize = 3;
const HIDDEN: usize = 2;

fn cell() -> Network<Lstm> {
    Network::build("cell", &setup(double()), |b| Lstm::new(b, INPUTS, HIDDEN, &PLAN)).unwrap()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// One step of one sample: gates in the order input, forget (with one more), output, candidate.
fn reference(weights: &[Vec<f64>; 3], x: &[f64], hidden: &[f64], cell: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let [input, bias, recurrent] = weights;
    let gate = |number: usize, unit: usize| {
        let row = number * HIDDEN + unit;
        let mut sum = bias[row];
        for (index, value) in x.iter().enumerate() {
            sum += input[row * INPUTS + index] * value;
        }
        for (index, value) in hidden.iter().enumerate() {
            sum += recurrent[row * HIDDEN + index] * value;
        }
        sum
    };
    let next: Vec<f64> = (0..HIDDEN)
        .map(|unit| sigmoid(gate(1, unit) + 1.0) * cell[unit] + sigmoid(gate(0, unit)) * gate(3, unit).tanh())
        .collect();
    ((0..HIDDEN).map(|unit| sigmoid(gate(2, unit)) * next[unit].tanh()).collect(), next)
}

#[test]
fn steps_equal_the_reference() {
    let network = cell();
    let inputs: Vec<Variable> = (0..3).map(|step| normal_double(&[2, INPUTS], step)).collect();
    let (outputs, last) = network
        .evaluate(None, |cell, pass| {
            let start = cell.start(&inputs[0])?;
            cell.unroll(pass, &inputs, start)
        })
        .unwrap();
    let values = network.parameters().weights().values();
    assert_eq!(network.parameters().weights().names(), ["input.weight", "input.bias", "recurrent.weight"]);
    let mut weights = [0, 1, 2].map(|place| values[place].to_vec().unwrap());
    // The bias starts at 0; nothing would show where it is added.
    assert!(weights[1].iter().all(|value| *value == 0.0));
    for sample in 0..2 {
        let (mut hidden, mut cell) = (vec![0.0; HIDDEN], vec![0.0; HIDDEN]);
        for (step, output) in outputs.iter().enumerate() {
            let x = &inputs[step].to_vec().unwrap()[sample * INPUTS..(sample + 1) * INPUTS];
            (hidden, cell) = reference(&weights, x, &hidden, &cell);
            let found = &output.to_vec().unwrap()[sample * HIDDEN..(sample + 1) * HIDDEN];
            for (found, wanted) in found.iter().zip(&hidden) {
                assert!((found - wanted).abs() < 1e-12, "step {step}: {found} instead of {wanted}");
            }
        }
        let found = &last.cell.to_vec().unwrap()[sample * HIDDEN..(sample + 1) * HIDDEN];
        assert!(found.iter().zip(&cell).all(|(a, b)| (a - b).abs() < 1e-12));
    }
    let bias = normal_double(&[4 * HIDDEN], 7);
    weights[1] = bias.to_vec().unwrap();
    let given = [values[0].clone(), bias, values[2].clone()].to_vec();
    let given = network.parameters().weights().with_values(given).unwrap();
    let state = LstmState { hidden: normal_double(&[1, HIDDEN], 8), cell: normal_double(&[1, HIDDEN], 9) };
    let x = normal_double(&[1, INPUTS], 10);
    let (output, next) = network.evaluate(Some(&given), |cell, pass| cell.step(pass, &x, &state)).unwrap();
    let old = (state.hidden.to_vec().unwrap(), state.cell.to_vec().unwrap());
    let (hidden, cell) = reference(&weights, &x.to_vec().unwrap(), &old.0, &old.1);
    for (found, wanted) in [(output, &hidden), (next.hidden, &hidden), (next.cell, &cell)] {
        assert!(found.to_vec().unwrap().iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-12));
    }
}

#[test]
fn gradients_through_time_equal_differences_twice() {
    let network = cell();
    let mut inputs: Vec<Variable> = (0..3).map(|step| normal_double(&[2, INPUTS], step)).collect();
    inputs.extend(network.parameters().weights().values().iter().cloned());
    let loss = |inputs: &[Variable]| {
        let given = network.parameters().weights().with_values(inputs[3..].to_vec())?;
        let (outputs, _) = network.evaluate(Some(&given), |cell, pass| {
            let start = cell.start(&inputs[0])?;
            cell.unroll(pass, &inputs[..3], start)
        })?;
        let all = Variable::concatenate(&outputs.iter().collect::<Vec<_>>(), 1)?;
        Ok(all.square()?.sum_all()?)
    };
    first_order(&inputs, loss);
    second_order(&inputs, loss);
}
