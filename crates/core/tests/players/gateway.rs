//! What gradients pass before a step.

use brigand_core::Place;
use brigand_core::modules::{Linear, Network, Part};
use brigand_core::objectives::Objective;
use brigand_core::players::{ClipNorm, LossScale, OptimizerRecipe, Player, Rules};
use brigand_core::state::State;

use crate::support::systems::{Options, points};
use crate::support::{PLAN, Run, Stage, Values, apart, circle, normal, setup, values};

fn run(optimizer: OptimizerRecipe) -> Run {
    let options = Options { optimizer, ..Options::new(Rules::plain(Objective::NON_SATURATING)) };
    Run::new(circle(), &points(options), 32, Place::cpu())
}

const SGD: OptimizerRecipe = OptimizerRecipe::Sgd { learning_rate: 1e-2, momentum: 0.0 };
const SCALE: LossScale = LossScale { factor: 1024.0, growth_after: 3, good: 0 };

#[test]
fn scaled_losses_take_the_same_steps() {
    let (mut plain, mut scaled) = (run(SGD), run(SGD));
    scaled.gateway.scale = Some(SCALE);
    plain.steps(5);
    scaled.steps(5);
    let apart = apart(&plain.values(), &scaled.values());
    assert!(apart < 1e-6, "{apart}");
    // Two players, five steps: three doublings, and one good step towards the next.
    let scale = scaled.gateway.scale.unwrap();
    assert_eq!((scale.factor, scale.good), (8192.0, 1));
    let mut state = State::default();
    scaled.gateway.save("gateway", &mut state).unwrap();
    let mut other = run(SGD);
    other.gateway.scale = Some(SCALE);
    other.gateway.restore("gateway", &mut state).unwrap();
    assert_eq!((other.gateway.scale.unwrap().factor, other.gateway.scale.unwrap().good), (8192.0, 1));
}

#[test]
fn steps_that_overflow_are_left_out() {
    let mut own = run(SGD);
    own.gateway.scale = Some(LossScale { factor: 1e39, ..SCALE });
    let before = own.values();
    own.steps(1);
    assert_eq!(before, own.values());
    assert_eq!(own.gateway.scale.unwrap().factor, 2.5e38);
    own.gateway.stages.push(Box::new(ClipNorm(1.0)));
    own.gateway.scale = Some(LossScale { factor: 1e39, ..SCALE });
    own.steps(1);
    assert_eq!(before, own.values());
}

#[test]
fn infinite_gradients_are_left_out() {
    let network = Network::build("net", &setup(Place::cpu()), |b| Linear::new(b, 1, 1, &PLAN.without_bias()));
    let mut player = Player::new(network.unwrap(), SGD).unwrap();
    let (mut stage, input) = (Stage::new(), Place::cpu().numbers(vec![1.0], &[1, 1]).unwrap());
    let before = player.weights().values()[0].to_vec().unwrap();
    stage.gateway.scale = Some(LossScale { factor: 3e38, ..SCALE });
    for left_out in [true, false] {
        let made = player.train(|m, pass| m.run(pass, &input)).unwrap();
        let loss = made.scale(1.5).unwrap().sum_all().unwrap();
        stage.turn(0).descend(&mut [&mut player], &loss).unwrap();
        assert_eq!(player.weights().values()[0].to_vec().unwrap() == before, left_out);
        assert_eq!(stage.gateway.scale.unwrap().factor, 1.5e38);
    }
}

fn moved(before: &Values, after: &Values, network: &str) -> f64 {
    let of = before.iter().filter(|(name, _)| name.starts_with(network));
    let squares = of.flat_map(|(name, values)| values.iter().zip(&after[name]).map(|(a, b)| (a - b).powi(2)));
    squares.sum::<f64>().sqrt()
}

#[test]
fn clipping_bounds_each_players_step() {
    let (mut own, mut free) = (run(SGD), run(SGD));
    let before = own.values();
    own.gateway.stages.push(Box::new(ClipNorm(1e-3)));
    own.steps(1);
    free.steps(1);
    for network in ["generator", "discriminator"] {
        let found = moved(&before, &own.values(), network);
        assert!((found - 1e-5).abs() < 2e-7, "{network}: {found}");
        assert!(moved(&before, &free.values(), network) > 1e-4);
    }
    let mut loose = run(SGD);
    loose.gateway.stages.push(Box::new(ClipNorm(1e6)));
    loose.steps(1);
    assert_eq!(free.values(), loose.values());
}

#[test]
fn a_player_shortens_its_own_gradients() {
    let input = normal(&[5, 3], 1);
    let step = |limit: Option<f64>| {
        let network = Network::build("net", &setup(Place::cpu()), |b| Linear::new(b, 3, 3, &PLAN)).unwrap();
        let mut player = Player::new(network, SGD).unwrap().shortening(limit);
        let before: Vec<f64> = player.weights().values().iter().flat_map(|w| w.to_vec().unwrap()).collect();
        let made = player.train(|m, pass| m.run(pass, &input)).unwrap();
        let loss = made.square().unwrap().sum_all().unwrap();
        Stage::new().turn(0).descend(&mut [&mut player], &loss).unwrap();
        let after = player.weights().values().iter().flat_map(|w| w.to_vec().unwrap());
        before.iter().zip(after).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
    };
    let (free, short) = (step(None), step(Some(0.5)));
    assert!(free > 0.05 && (short - 0.5e-2).abs() < 1e-6, "{free} {short}");
    assert!((step(Some(1e6)) - free).abs() < 1e-7);
}

/// The factor may change between a step's players: their gradients were differentiated under the old one.
#[test]
fn players_of_one_loss_step_alike_whatever_the_factor_does() {
    let setup = setup(Place::cpu());
    let input = normal(&[5, 3], 1);
    let after = |scale: Option<LossScale>| {
        let player = |name: &str| {
            Player::new(Network::build(name, &setup, |b| Linear::new(b, 3, 3, &PLAN)).unwrap(), SGD).unwrap()
        };
        let (mut first, mut second) = (player("first"), player("second"));
        let mut stage = Stage::new();
        stage.gateway.scale = scale;
        let mut turn = stage.turn(0);
        let code = first.train(|m, pass| m.run(pass, &input)).unwrap();
        let made = second.train(|m, pass| m.run(pass, &code)).unwrap();
        turn.descend(&mut [&mut first, &mut second], &made.square().unwrap().mean_all().unwrap()).unwrap();
        let mut state = State::default();
        first.save("first", &mut state).unwrap();
        second.save("second", &mut state).unwrap();
        values(&state)
    };
    let plain = after(None);
    let growing = after(Some(LossScale { growth_after: 1, ..SCALE }));
    let apart = apart(&plain, &growing);
    assert!(apart < 1e-6, "{apart}");
}
