//! Schedules, averages and terms of a player's own weights.

use brigand_autograd::{Variable, grad};
use brigand_core::Place;
use brigand_core::modules::{Initialization, Linear, Network, Part, Plan, Weights};
use brigand_core::players::{
    AverageRecipe, CLIPPED_WEIGHTS, HistoricalAverage, OptimizerRecipe, Orthogonal, Player, Schedule,
    WeightTerm, off_diagonal_penalty,
};
use brigand_core::state::State;

use crate::support::{PLAN, Stage, assert_near, normal, setup};

#[test]
fn schedules_have_their_values() {
    let at = |schedule: Schedule| [0, 25, 50, 100, 150].map(|step| schedule.at(step, 100));
    let near = |found: [f64; 5], wanted: [f64; 5]| {
        for (found, wanted) in found.iter().zip(wanted) {
            assert!((found - wanted).abs() < 1e-12, "{found} instead of {wanted}");
        }
    };
    near(at(Schedule::Constant {}), [1.0; 5]);
    near(at(Schedule::Linear { after: 0.0 }), [1.0, 0.75, 0.5, 0.0, 0.0]);
    near(at(Schedule::Linear { after: 0.5 }), [1.0, 1.0, 1.0, 0.0, 0.0]);
    let quarter = 0.5 * (1.0 + std::f64::consts::FRAC_1_SQRT_2);
    near(at(Schedule::Cosine {}), [1.0, quarter, 0.5, 0.0, 0.0]);
    near(at(Schedule::Exponential { after: 0.0, end: 0.01 }), [1.0, 0.01_f64.powf(0.25), 0.1, 0.01, 0.01]);
    near(at(Schedule::Exponential { after: 0.5, end: 0.01 }), [1.0, 1.0, 1.0, 0.01, 0.01]);
    near(at(Schedule::Drop { after: 0.5, end: 0.1 }), [1.0, 1.0, 0.1, 0.1, 0.1]);
    assert!((Schedule::Linear { after: 0.5 }.at(75, 100) - 0.5).abs() < 1e-12);
    assert!(Schedule::Cosine {}.at(0, 0).is_finite());
}

#[test]
fn schedules_refuse_what_is_no_share() {
    for after in [-0.1, 1.0, f64::NAN] {
        for schedule in [Schedule::Linear { after }, Schedule::Exponential { after, end: 0.1 }] {
            let refused = schedule.check().unwrap_err().to_string();
            assert!(refused.contains("schedule.after"), "{refused}");
        }
    }
    for end in [0.0, 1.1, f64::NAN] {
        assert!(
            Schedule::Exponential { after: 0.0, end }
                .check()
                .unwrap_err()
                .to_string()
                .contains("schedule.end")
        );
    }
    for schedule in [
        Schedule::Cosine {},
        Schedule::Linear { after: 0.99 },
        Schedule::Exponential { after: 0.0, end: 1.0 },
    ] {
        schedule.check().unwrap();
    }
}

fn linear(name: &str, sizes: (usize, usize)) -> Network<Linear> {
    Network::build(name, &setup(Place::cpu()), |b| Linear::new(b, sizes.0, sizes.1, &PLAN)).unwrap()
}

const SGD: OptimizerRecipe = OptimizerRecipe::Sgd { learning_rate: 0.5, momentum: 0.0 };

/// One step along the gradient of the mean square of the outputs.
fn step(stage: &mut Stage, at: u64, player: &mut Player<Linear>) {
    let input = normal(&[4, 3], 9);
    let made = player.train(|m, pass| m.run(pass, &input)).unwrap();
    stage.turn(at).descend(&mut [player], &made.square().unwrap().mean_all().unwrap()).unwrap();
}

fn matrix(weights: &Weights) -> Vec<f64> {
    weights.values()[0].to_vec().unwrap()
}

#[test]
fn schedules_scale_steps() {
    let moved = |at: u64| {
        let mut player =
            Player::new(linear("net", (3, 2)), SGD).unwrap().scheduled(Schedule::Linear { after: 0.0 });
        let before = matrix(player.weights());
        step(&mut Stage::new(), at, &mut player);
        before.iter().zip(matrix(player.weights())).map(|(a, b)| b - a).collect::<Vec<_>>()
    };
    for (whole, part) in moved(0).iter().zip(moved(75)) {
        assert!((part - 0.25 * whole).abs() < 1e-7 && *whole != 0.0, "{part} {whole}");
    }
}

#[test]
fn an_average_follows_and_is_sampled() {
    let average = AverageRecipe { decay: 0.4 };
    let mut player = Player::new(linear("net", (3, 2)), SGD).unwrap().averaged(average);
    let mut wanted = matrix(player.weights());
    let mut stage = Stage::new();
    for at in 0..5 {
        step(&mut stage, at, &mut player);
        let now = matrix(player.weights());
        // at / (at + 2) in the first two steps.
        let kept = [0.0, 1.0 / 3.0].get(at as usize).unwrap_or(&0.4);
        wanted.iter_mut().zip(now).for_each(|(mean, now)| *mean = kept * *mean + (1.0 - kept) * now);
    }
    for (found, wanted) in matrix(player.sampling_weights()).iter().zip(&wanted) {
        assert!((found - wanted).abs() < 1e-6, "{found} {wanted}");
    }
    let input = normal(&[4, 3], 2);
    let sampled = player.sample(&input, |m, pass| m.run(pass, &input)).unwrap();
    let weights = player.sampling_weights().values().to_vec();
    assert_near(&sampled, &input.linear(&weights[0], Some(&weights[1])).unwrap(), 1e-6);
    assert!(!sampled.has_history());
    assert!(AverageRecipe { decay: 1.0 }.check().is_err() && AverageRecipe { decay: -0.1 }.check().is_err());
    let plain = Player::new(linear("net", (3, 2)), SGD).unwrap().averaged(AverageRecipe::OFF);
    assert_eq!(matrix(plain.weights()), matrix(plain.sampling_weights()));
}

#[test]
fn historical_averaging_pulls_towards_the_mean_so_far() {
    let player = || Player::new(linear("net", (3, 2)), SGD).unwrap();
    let mut player = player();
    let mut term = HistoricalAverage::of(2.0, player.weights()).unwrap();
    assert!(HistoricalAverage::of(0.0, player.weights()).is_none());
    let mut seen = vec![player.weights().values().to_vec()];
    let mut stage = Stage::new();
    for at in 0..4 {
        step(&mut stage, at, &mut player);
        term.follow(player.weights()).unwrap();
        seen.push(player.weights().values().to_vec());
    }
    let mut state = State::default();
    term.save("term", &mut state).unwrap();
    let mut restored = HistoricalAverage::of(2.0, player.weights()).unwrap();
    restored.restore("term", &mut state).unwrap();
    for term in [term, restored] {
        let found = term.term(player.weights()).unwrap().unwrap();
        let mut wanted = 0.0;
        for (place, now) in player.weights().values().iter().enumerate() {
            for (index, value) in now.to_vec().unwrap().into_iter().enumerate() {
                let past = seen.iter().map(|weights| weights[place].to_vec().unwrap()[index]);
                wanted += 2.0 * (value - past.sum::<f64>() / seen.len() as f64).powi(2);
            }
        }
        assert!((found.scalar().unwrap() - wanted).abs() < 1e-5 * wanted && wanted > 0.0);
        let weights: Vec<&Variable> = player.weights().values().iter().collect();
        assert_eq!(grad(&found, &weights, false).unwrap().len(), 2);
    }
}

#[test]
fn the_orthogonal_term_is_the_off_diagonal_of_the_gram_matrix() {
    let weights = Player::new(linear("net", (3, 4)), SGD).unwrap();
    let found = off_diagonal_penalty(weights.weights(), &[]).unwrap().unwrap().scalar().unwrap();
    let rows: Vec<Vec<f64>> = matrix(weights.weights()).chunks(3).map(<[f64]>::to_vec).collect();
    let mut wanted = 0.0;
    for (i, a) in rows.iter().enumerate() {
        for (_, b) in rows.iter().enumerate().filter(|(j, _)| *j != i) {
            wanted += a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>().powi(2);
        }
    }
    assert!((found - wanted).abs() < 1e-5 * wanted && wanted > 0.0, "{found} {wanted}");
    let scaled = Orthogonal::of(3.0).unwrap().term(weights.weights()).unwrap().unwrap();
    assert!((scaled.scalar().unwrap() - 3.0 * wanted).abs() < 1e-4 * wanted);
    assert!(Orthogonal::of(0.0).is_none());
    for (path, counts) in [("weight", false), ("weigh", true), ("weight.more", true)] {
        let paths: &'static [&'static str] = Box::leak(Box::new([path]));
        let term = Orthogonal::of(3.0).unwrap().except(paths).term(weights.weights()).unwrap();
        assert_eq!(term.is_some(), counts, "{path}");
    }
    // Of an orthogonal matrix it is 0.
    let plan = Plan::new(Initialization::Orthogonal);
    for (from, to) in [(7, 4), (5, 5)] {
        let network =
            Network::build("net", &setup(Place::cpu()), |b| Linear::new(b, from, to, &plan)).unwrap();
        let of = off_diagonal_penalty(network.parameters().weights(), &[]).unwrap().unwrap();
        assert!(of.scalar().unwrap().abs() < 1e-9, "{from} {to}");
    }
    let only_vectors = Weights::alone("latents", normal(&[4], 1).into_tensor());
    assert!(Orthogonal::of(3.0).unwrap().term(&only_vectors).unwrap().is_none());
}

#[test]
fn terms_are_part_of_every_loss() {
    let moved = |term: f64| {
        let mut player = Player::new(linear("net", (3, 2)), SGD).unwrap().with_term(Orthogonal::of(term));
        let mut stage = Stage::new();
        step(&mut stage, 0, &mut player);
        matrix(player.weights())
    };
    let start = linear("net", (3, 2));
    let weights = start.parameters().weights();
    let term = off_diagonal_penalty(weights, &[]).unwrap().unwrap();
    let gradient = grad(&term, &[&weights.values()[0]], false).unwrap()[0].to_vec().unwrap();
    for ((with, without), slope) in moved(0.1).iter().zip(moved(0.0)).zip(gradient) {
        assert!((with - (without - 0.5 * 0.1 * slope)).abs() < 1e-6);
    }
}

#[test]
fn clipped_weights_stay_in_their_bound_and_are_counted() {
    let mut player = Player::new(linear("net", (3, 2)), SGD).unwrap().clipped(Some(0.3));
    let input = normal(&[4, 3], 9);
    let made = player.train(|m, pass| m.run(pass, &input)).unwrap();
    let mut stage = Stage::new();
    let mut turn = stage.turn(0);
    turn.descend(&mut [&mut player], &made.square().unwrap().mean_all().unwrap()).unwrap();
    let share = turn.report.read(0).unwrap()[CLIPPED_WEIGHTS];
    let all: Vec<f64> = player.weights().values().iter().flat_map(|of| of.to_vec().unwrap()).collect();
    let bound = f64::from(0.3_f32);
    let at_bound = all.iter().filter(|value| value.abs() == bound).count();
    assert!(all.iter().all(|value| value.abs() <= bound) && at_bound > 0 && at_bound < all.len());
    assert!((share - at_bound as f64 / all.len() as f64).abs() < 1e-6, "{share}");
}
