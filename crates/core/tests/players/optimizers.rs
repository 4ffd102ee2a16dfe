//! Optimizers on every path: the kernels, the device's operations, the differentiable steps.

use brigand_autograd::Variable;
use brigand_core::modules::{Builder, Linear, Network, Part, Weights};
use brigand_core::players::{Optimizer, OptimizerRecipe, Player};
use brigand_core::state::State;
use brigand_core::{Place, Result};

use crate::support::{ADAM, PLAN, Stage, assert_near, double, normal, setup};

const RECIPES: [OptimizerRecipe; 6] = [
    OptimizerRecipe::Adam { learning_rate: 1e-2, beta1: 0.5, beta2: 0.99, epsilon: 1e-8, weight_decay: 0.0 },
    OptimizerRecipe::Adam { learning_rate: 1e-2, beta1: 0.9, beta2: 0.999, epsilon: 1e-3, weight_decay: 0.2 },
    OptimizerRecipe::Rmsprop { learning_rate: 1e-2, alpha: 0.9, epsilon: 1e-8, momentum: 0.0 },
    OptimizerRecipe::Rmsprop { learning_rate: 1e-2, alpha: 0.9, epsilon: 1e-8, momentum: 0.5 },
    OptimizerRecipe::Sgd { learning_rate: 1e-2, momentum: 0.0 },
    OptimizerRecipe::Sgd { learning_rate: 1e-2, momentum: 0.9 },
];

fn weights(place: Place) -> Weights {
    let network = Network::build("net", &setup(place), |b| Linear::new(b, 3, 2, &PLAN)).unwrap();
    network.parameters().weights().clone()
}

/// Gradients of step `step`, of the same values in every precision.
fn gradients(weights: &Weights, step: u64) -> Vec<Variable> {
    let like = |(number, value): (usize, &Variable)| {
        normal(value.shape(), 100 * step + number as u64).to_dtype(value.dtype()).unwrap()
    };
    weights.values().iter().enumerate().map(like).collect()
}

fn trained(recipe: OptimizerRecipe, place: Place, steps: u64) -> (Optimizer, Weights) {
    let mut weights = weights(place);
    let mut optimizer = Optimizer::new(recipe, &weights).unwrap();
    for step in 0..steps {
        weights = optimizer.step_all(&weights, &gradients(&weights, step)).unwrap();
    }
    (optimizer, weights)
}

fn assert_weights(found: &Weights, wanted: &Weights, tolerance: f64) {
    for (found, wanted) in found.values().iter().zip(wanted.values()) {
        assert_near(found, wanted, tolerance);
    }
}

#[test]
fn kernels_and_device_operations_agree() {
    for recipe in RECIPES {
        let (host, device) = (trained(recipe, Place::cpu(), 7).1, trained(recipe, double(), 7).1);
        assert_weights(&host, &device, 1e-6);
        let moved = host.values()[0].sub(&weights(Place::cpu()).values()[0]).unwrap();
        assert!(moved.abs().unwrap().max(1).unwrap().to_vec().unwrap()[0] > 1e-3);
    }
}

/// The update rules as their papers write them, one number at a time.
#[test]
fn steps_equal_the_formulas() {
    for recipe in RECIPES {
        let found = trained(recipe, double(), 5).1.values()[0].to_vec().unwrap();
        let start = weights(double());
        let mut wanted = start.values()[0].to_vec().unwrap();
        for (index, value) in wanted.iter_mut().enumerate() {
            let (mut m, mut v) = (0.0, 0.0);
            for step in 0..5 {
                let g = gradients(&start, step)[0].to_vec().unwrap()[index];
                let t = step as i32 + 1;
                match recipe {
                    OptimizerRecipe::Adam { learning_rate, beta1, beta2, epsilon, weight_decay } => {
                        m = beta1 * m + (1.0 - beta1) * g;
                        v = beta2 * v + (1.0 - beta2) * g * g;
                        let (mean, square) = (m / (1.0 - beta1.powi(t)), v / (1.0 - beta2.powi(t)));
                        *value -= learning_rate * (weight_decay * *value + mean / (square.sqrt() + epsilon));
                    }
                    OptimizerRecipe::Rmsprop { learning_rate, alpha, epsilon, momentum } => {
                        v = alpha * v + (1.0 - alpha) * g * g;
                        m = momentum * m + g / (v.sqrt() + epsilon);
                        *value -= learning_rate * m;
                    }
                    OptimizerRecipe::Sgd { learning_rate, momentum } => {
                        m = momentum * m + g;
                        *value -= learning_rate * m;
                    }
                }
            }
            assert!((found[index] - *value).abs() < 1e-10, "{recipe:?}: {} instead of {value}", found[index]);
        }
    }
}

#[test]
fn moments_resume_on_every_path() {
    for recipe in RECIPES {
        for (place, other) in [(Place::cpu(), Place::cpu()), (double(), double()), (Place::cpu(), double())] {
            let (mut optimizer, mut weights) = trained(recipe, place.clone(), 4);
            let mut state = State::default();
            optimizer.save("o", &mut state).unwrap();
            weights.save("w", &mut state).unwrap();
            // The last case takes a checkpoint of the kernels to a device with its own operations.
            let (mut resumed, mut again) = trained(recipe, other.clone(), 0);
            resumed.restore("o", &mut state).unwrap();
            again.restore("w", &mut state).unwrap();
            state.refuse_remains().unwrap();
            assert_eq!(resumed.steps(), 4);
            for step in 4..7 {
                weights = optimizer.step_all(&weights, &gradients(&weights, step)).unwrap();
                again = resumed.step_all(&again, &gradients(&again, step)).unwrap();
            }
            let tolerance = if place.storage == other.storage { 0.0 } else { 1e-6 };
            for (found, wanted) in again.values().iter().zip(weights.values()) {
                assert_near(found, &wanted.to_dtype(found.dtype()).unwrap(), tolerance);
            }
        }
    }
}

#[test]
fn unrolled_steps_are_the_optimizers_own_and_move_nothing() {
    for recipe in RECIPES {
        for place in [Place::cpu(), double()] {
            let (mut optimizer, weights) = trained(recipe, place, 3);
            let mut ahead = optimizer.unrolled(&weights, 1.0).unwrap();
            let (mut unrolled, mut stepped) = (weights.clone(), weights);
            for step in 3..6 {
                let gradients = gradients(&stepped, step);
                unrolled = ahead.step(&unrolled, &gradients).unwrap();
                stepped = optimizer.step_all(&stepped, &gradients).unwrap();
                assert_weights(&unrolled, &stepped, 1e-6);
            }
        }
    }
}

#[test]
fn wrong_gradients_are_refused() {
    let (mut optimizer, weights) = trained(ADAM, Place::cpu(), 1);
    let mut gradients = gradients(&weights, 0);
    gradients[0] = normal(&[2, 4], 1);
    let refused = optimizer.step_all(&weights, &gradients).unwrap_err().to_string();
    assert!(refused.contains("`weight`") && refused.contains("[2, 4]"), "{refused}");
    assert!(optimizer.step_all(&weights, &gradients[..1]).is_err());
    assert!(optimizer.unrolled(&weights, 1.0).unwrap().step(&weights, &gradients).is_err());
    for (recipe, word) in [
        (OptimizerRecipe::adam(0.0, 0.5, 0.9), "learning_rate"),
        (OptimizerRecipe::adam(1e-3, 1.0, 0.9), "beta1"),
        (OptimizerRecipe::Sgd { learning_rate: 1e-2, momentum: f64::NAN }, "momentum"),
        (
            OptimizerRecipe::Rmsprop { learning_rate: 1e-2, alpha: 0.9, epsilon: -1.0, momentum: 0.0 },
            "epsilon",
        ),
    ] {
        let refused = recipe.check("generator").unwrap_err().to_string();
        assert!(refused.contains(&format!("optimizer.generator.{word}")), "{refused}");
    }
}

/// Two levels of a growing network, and a tenth, whose name starts as the first's does.
struct Growing([Linear; 3]);

fn growing(b: &mut Builder) -> Result<Growing> {
    let mut level = |name: &str| b.block(name, |b| Linear::new(b, 3, 1, &PLAN));
    Ok(Growing([level("level1")?, level("level2")?, level("level10")?]))
}

fn grow(stage: &mut Stage, player: &mut Player<Growing>, levels: usize) -> Result<Vec<f64>> {
    let sums = |player: &Player<Growing>| -> Vec<f64> {
        player.weights().values().iter().map(|of| of.sum_all().unwrap().scalar().unwrap()).collect()
    };
    let (before, input) = (sums(player), normal(&[4, 3], 1));
    let made = player.train(|module, pass| {
        let parts = module.0.iter().take(levels).map(|level| level.run(pass, &input));
        let parts: Vec<Variable> = parts.collect::<Result<_>>()?;
        Ok(Variable::stack(&parts.iter().collect::<Vec<_>>(), 0)?.sum(&[0])?)
    })?;
    stage.turn(0).descend(&mut [player], &made.square()?.mean_all()?)?;
    Ok(before.iter().zip(sums(player)).map(|(a, b)| (a - b).abs()).collect())
}

#[test]
fn parts_of_a_network_are_trained_alone_and_join_late() {
    let setup = setup(Place::cpu());
    let build = || {
        let network = Network::build("growing", &setup, growing).unwrap();
        Player::new(network, OptimizerRecipe::adam(1e-3, 0.5, 0.999)).unwrap()
    };
    let (mut player, mut stage) = (build(), Stage::new());
    let refused = grow(&mut stage, &mut player, 1).unwrap_err().to_string();
    assert!(refused.contains("growing.level2"), "{refused}");
    player.restrict(Some(&["level1"]));
    for _ in 0..20 {
        let moved = grow(&mut stage, &mut player, 1).unwrap();
        assert!(moved[0] > 0.0 && moved[1] > 0.0 && moved[2..] == [0.0; 4], "{moved:?}");
    }
    let mut state = State::default();
    player.save("p", &mut state).unwrap();
    assert_eq!(state.counters["optimizer.p.steps"], 20);
    assert_eq!(state.counters["optimizer.p.missed.level2.bias"], 20);
    assert!(!state.counters.contains_key("optimizer.p.missed.level1.bias"));
    let mut resumed = build();
    resumed.restore("p", &mut state).unwrap();
    state.refuse_remains().unwrap();
    for mut player in [player, resumed] {
        player.restrict(None);
        // Adam's first step of a weight is one learning rate long, whenever it comes.
        let moved = grow(&mut stage, &mut player, 3).unwrap();
        assert!((moved[3] - 1e-3).abs() < 1e-5 && (moved[5] - 1e-3).abs() < 1e-5, "{moved:?}");
    }
}
