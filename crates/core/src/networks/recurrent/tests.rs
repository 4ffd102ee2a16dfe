use super::*;
use crate::batch::Schema;
use crate::modules::{Initialization, Network};
use crate::setup::Setup;

fn network(vocabulary: usize) -> Network<RecurrentNetwork> {
    let setup = Setup { schema: Schema::default(), batch: 1, steps: 1, seed: 3, place: Place::cpu() };
    let sizes = RecurrentSizes { vocabulary, latent: 0, embedding: 3, hidden: 4 };
    let plan = Plan::new(Initialization::Normal { mean: 0.0, deviation: 1.0 });
    Network::build("language", &setup, |b| RecurrentNetwork::new(b, sizes, &plan)).unwrap()
}

fn indices(lines: &[&[u32]]) -> Indices {
    Indices { values: lines.concat(), shape: vec![lines.len(), lines[0].len()] }
}

fn log_probabilities(network: &Network<RecurrentNetwork>, lines: &Indices) -> Vec<f64> {
    let place = Place::cpu();
    let found = network.evaluate(None, |n, pass| n.log_probabilities(pass, lines, &place)).unwrap();
    found.to_vec().unwrap()
}

/// All lines of at most 3 tokens of the words 1 and 2.
fn all() -> Vec<[u32; 3]> {
    let mut lines = Vec::new();
    for first in 1..3 {
        lines.push([first, END, END]);
        for second in 1..3 {
            lines.extend((0..3).map(|third| [first, second, third]));
        }
    }
    lines
}

#[test]
fn probabilities_of_all_lines_sum_to_1_and_draws_have_them() {
    let (network, lines) = (network(3), all());
    let values = log_probabilities(&network, &indices(&lines.iter().map(|l| &l[..]).collect::<Vec<_>>()));
    let probabilities: Vec<f64> = values.chunks(3).map(|line| line.iter().sum::<f64>().exp()).collect();
    assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-5, "{probabilities:?}");
    let (count, mut stream) = (20_000, Stream::new(1, "test", 0));
    let place = Place::cpu();
    let drawn = network.evaluate(None, |n, pass| n.draw(pass, [count, 3], (&mut stream, &place))).unwrap();
    for (line, probability) in lines.iter().zip(&probabilities) {
        let share = drawn.iter().filter(|drawn| drawn[..] == line[..]).count() as f64 / count as f64;
        let deviation = (probability * (1.0 - probability) / count as f64).sqrt();
        assert!((share - probability).abs() < 5.0 * deviation + 1e-9, "{line:?}: {share} {probability}");
    }
}

#[test]
fn what_fills_a_line_up_changes_nothing() {
    let network = network(5);
    let short = log_probabilities(&network, &indices(&[&[3, 1, 0], &[2, 4, 1]]));
    let long = log_probabilities(&network, &indices(&[&[3, 1, 0, 0, 0], &[2, 4, 1, 0, 0]]));
    assert!(short.iter().zip([&long[..3], &long[5..8]].concat()).all(|(a, b)| (a - b).abs() < 1e-6));
    assert_eq!(long[3..5], [0.0, 0.0]);
    // After three tokens the line of five goes on: its end counts.
    assert!(long[8] < 0.0 && long[9] == 0.0);
}

#[test]
fn rollouts_keep_what_they_continue() {
    let (network, place) = (network(4), Place::cpu());
    let lines = indices(&[&[1, 2, 3, 0, 0], &[3, 0, 0, 0, 0], &[1, 1, 1, 1, 1]]);
    let mut stream = Stream::new(1, "test", 0);
    let found = network.evaluate(None, |n, pass| n.rollouts(pass, &lines, (&mut stream, &place))).unwrap();
    let mut begun: Vec<(usize, usize)> = found.iter().map(|rollout| (rollout.line, rollout.kept)).collect();
    begun.sort_unstable();
    assert_eq!(begun, [(0, 1), (0, 2), (0, 3), (1, 1), (2, 1), (2, 2), (2, 3), (2, 4)]);
    for Rollout { line, kept, tokens } in found {
        assert_eq!(tokens[..kept], lines.values[line * 5..line * 5 + kept]);
        let end = tokens.iter().position(|&token| token == END).unwrap_or(5);
        assert!(tokens.len() == 5 && tokens[end..].iter().all(|&token| token == END));
    }
}

/// A rollout after one token has the distribution of whole lines that begin with it.
#[test]
fn rollouts_have_the_distribution_of_the_network() {
    let (network, place) = (network(3), Place::cpu());
    let count = 20_000;
    let lines = Indices { values: [1, 2, 1].repeat(count), shape: vec![count, 3] };
    let mut stream = Stream::new(2, "test", 0);
    let found = network.evaluate(None, |n, pass| n.rollouts(pass, &lines, (&mut stream, &place))).unwrap();
    let begun: Vec<[u32; 3]> = all().into_iter().filter(|line| line[0] == 1).collect();
    let values = log_probabilities(&network, &indices(&begun.iter().map(|l| &l[..]).collect::<Vec<_>>()));
    for (line, values) in begun.iter().zip(values.chunks(3)) {
        let probability = values[1..].iter().sum::<f64>().exp();
        let alike = found.iter().filter(|rollout| rollout.kept == 1 && rollout.tokens == line);
        let share = alike.count() as f64 / count as f64;
        assert!((share - probability).abs() < 0.02, "{line:?}: {share} {probability}");
    }
}

#[test]
fn a_share_falls_on_its_place() {
    assert_eq!([0.0, 0.24, 0.26, 0.99].map(|uniform| at_share(&[0.25, 0.0, 0.75], uniform)), [0, 0, 2, 2]);
    // The shares sum to less than the draw.
    assert_eq!(at_share(&[0.5, 0.49, 0.0], 0.999), 1);
}

/// Backward through time, in double precision.
#[test]
fn gradients_of_the_likelihood_are_those_of_finite_differences() {
    let double = candle_core::DType::F64;
    let place = Place { storage: double, compute: double, ..Place::cpu() };
    let setup = Setup { schema: Schema::default(), batch: 1, steps: 1, seed: 4, place: place.clone() };
    let sizes = RecurrentSizes { vocabulary: 4, latent: 0, embedding: 2, hidden: 3 };
    let plan = Plan::new(Initialization::Normal { mean: 0.0, deviation: 1.0 });
    let network = Network::build("language", &setup, |b| RecurrentNetwork::new(b, sizes, &plan)).unwrap();
    let lines = indices(&[&[1, 3, 2, 0, 0], &[2, 2, 1, 3, 1]]);
    let weights = network.parameters().weights();
    let likelihood = |weights: &crate::modules::Weights| {
        let found = network.evaluate(Some(weights), |n, pass| n.log_probabilities(pass, &lines, &place));
        found.unwrap().sum_all().unwrap()
    };
    let inputs: Vec<&Variable> = weights.values().iter().collect();
    let gradients = brigand_autograd::grad(&likelihood(weights), &inputs, false).unwrap();
    for (number, gradient) in gradients.iter().enumerate() {
        let value = &weights.values()[number];
        for (at, found) in gradient.to_vec().unwrap().into_iter().enumerate() {
            let moved = |by: f64| {
                let mut numbers = value.to_vec().unwrap();
                numbers[at] += by;
                let mut values = weights.values().to_vec();
                values[number] = Variable::from_slice(&numbers, value.shape()).unwrap();
                likelihood(&weights.with_values(values).unwrap()).scalar().unwrap()
            };
            let expected = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            let name = &weights.names()[number];
            assert!((found - expected).abs() < 1e-7, "{name} {at}: {found} instead of {expected}");
        }
    }
}
