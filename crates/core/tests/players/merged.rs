//! Both players' updates from one pass, and unrolled discriminators.

use brigand_autograd::{Variable, grad};
use brigand_core::Place;
use brigand_core::modules::Part;
use brigand_core::objectives::{Divergence, EnergyBased, FGan, GeneratorUpdate, LossSensitive, Objective};
use brigand_core::penalties::{Constraint, Penalty};
use brigand_core::players::{Input, Rules};
use brigand_core::state::State;
use brigand_core::techniques::{FeatureMatching, InstanceNoise};

use crate::support::pairs::{pair_critic, pairs};
use crate::support::{Stage, apart, assert_near, score_objectives, setup, values};

fn rules() -> Vec<Rules> {
    let plain = Rules::plain(Objective::NON_SATURATING);
    let mut objectives = score_objectives();
    objectives.extend([
        Objective::from(FGan {
            divergence: Divergence::JensenShannon,
            update: GeneratorUpdate::Exact,
            alpha: 0.5,
        }),
        EnergyBased { margin: 1.0, relative: false, pull_away: 0.1 }.into(),
        LossSensitive { lambda: 1e-2, gamma: 0.1, slope: 0.0 }.into(),
    ]);
    let mut rules: Vec<Rules> = objectives.into_iter().map(Rules::plain).collect();
    rules.push(Rules { feature_matching: FeatureMatching { weight: 0.3, alone: false }, ..plain });
    rules.push(Rules { constraint: Constraint::GradientNormalization {}, ..plain });
    rules.push(Rules { penalty: Penalty::WGAN_GP, ..plain });
    rules
}

#[test]
fn a_merged_update_finds_the_generators_own_gradient() {
    let setup = setup(Place::cpu());
    let (real, fake) = (pairs(6, 1), pairs(6, 2).leaves().unwrap());
    for rules in rules() {
        let (mut merged, mut separate) = (pair_critic(&setup, rules), pair_critic(&setup, rules));
        let mut stage = Stage::new();
        let mut turn = stage.turn(0);
        let draw = turn.only_draw();
        let loss = separate.loss_for(&real, &fake, draw).unwrap();
        let parts = fake.parts().unwrap();
        let wanted = grad(&loss, &parts.iter().collect::<Vec<_>>(), false).unwrap();
        let found = merged
            .learn_merged(&mut turn, draw, (&real, &fake), |_, _| Ok([Vec::new(), Vec::new()]))
            .unwrap();
        separate.learn(&mut turn, draw, &real, &fake).unwrap();
        assert_eq!(found.len(), 2);
        for (found, wanted) in found.iter().zip(&wanted) {
            assert_near(found, wanted, 1e-6);
        }
        let (mut a, mut b) = (State::default(), State::default());
        merged.save("d", &mut a).unwrap();
        separate.save("d", &mut b).unwrap();
        let apart = apart(&values(&a), &values(&b));
        assert!(apart < 1e-5, "{rules:?}: {apart}");
    }
}

#[test]
fn heads_of_both_players_are_part_of_a_merged_update() {
    let setup = setup(Place::cpu());
    let (real, fake) = (pairs(6, 1), pairs(6, 2));
    let run = |heads: bool| {
        let mut critic = pair_critic(&setup, Rules::plain(Objective::NON_SATURATING));
        let mut stage = Stage::new();
        let mut turn = stage.turn(0);
        let draw = turn.only_draw();
        let terms = critic.learn_merged(&mut turn, draw, (&real, &fake), |_, fake| {
            let term = fake.last_features()?.square()?.sum_all()?;
            Ok(if heads { [Vec::new(), vec![("size", term)]] } else { [Vec::new(), Vec::new()] })
        });
        terms.unwrap()
    };
    for ((with, without), part) in run(true).iter().zip(run(false)).zip(fake.parts().unwrap()) {
        assert_near(with, &without.add(&part.scale(2.0).unwrap()).unwrap(), 1e-5);
    }
}

#[test]
fn noise_is_drawn_once_for_both_players() {
    let setup = setup(Place::cpu());
    let noise = InstanceNoise { deviation: 0.5, until: 0 };
    let rules = Rules { noise, ..Rules::plain(Objective::NON_SATURATING) };
    let (real, fake) = (pairs(6, 1), pairs(6, 2).leaves().unwrap());
    let (mut merged, mut separate) = (pair_critic(&setup, rules), pair_critic(&setup, rules));
    let mut stage = Stage::new();
    let mut turn = stage.turn(0);
    let draw = turn.only_draw();
    let sides = separate.sides((real.clone(), fake.clone()), "discriminator", draw).unwrap();
    let loss = separate.generator_loss(None, &sides, draw).unwrap().loss;
    let parts = fake.parts().unwrap();
    let wanted = grad(&loss, &parts.iter().collect::<Vec<_>>(), false).unwrap();
    let found = merged.learn_merged(&mut turn, draw, (&real, &fake), |_, _| Ok([Vec::new(), Vec::new()]));
    for (found, wanted) in found.unwrap().iter().zip(&wanted) {
        assert_near(found, wanted, 1e-6);
    }
}

/// An unrolled discriminator is what learning on the same batch would make of it.
#[test]
fn unrolled_weights_are_those_of_further_steps() {
    let plain = Rules::plain(Objective::NON_SATURATING);
    let normalized = |constraint| Rules { constraint, ..plain };
    for rules in [
        plain,
        // The slope that scores are divided by is the slope at fixed weights, though these depend on the fakes too.
        normalized(Constraint::GradientNormalization {}),
        normalized(Constraint::GranNormalization { epsilon: 0.1, factor: 1.0 }),
        normalized(Constraint::Clip { bound: 0.5 }),
    ] {
        for trained in [None, Some(["x"].as_slice())] {
            check_unrolled(rules, trained);
        }
    }
}

fn check_unrolled(rules: Rules, trained: Option<&[&str]>) {
    let setup = setup(Place::cpu());
    let (real, fake) = (pairs(6, 1), pairs(6, 2).leaves().unwrap());
    let (mut ahead, mut stepped) = (pair_critic(&setup, rules), pair_critic(&setup, rules));
    for critic in [&mut ahead, &mut stepped] {
        critic.player_mut().restrict(trained);
    }
    let mut stage = Stage::new();
    let mut turn = stage.turn(0);
    let draw = turn.only_draw();
    let sides = ahead.sides((real.clone(), fake.clone()), "generator", draw).unwrap();
    let none = |_: &_, _: &_| Ok(Vec::new());
    assert!(ahead.unrolled((0, true, 1.0), &sides, draw, none).unwrap().is_none());
    let before: Vec<Vec<f64>> =
        ahead.player().weights().values().iter().map(|of| of.to_vec().unwrap()).collect();
    let first_order = ahead.unrolled((3, false, 1.0), &sides, draw, none).unwrap().unwrap();
    let full = ahead.unrolled((3, true, 1.0), &sides, draw, none).unwrap().unwrap();
    for _ in 0..3 {
        stepped.learn(&mut turn, draw, &real, &fake).unwrap();
    }
    for (place, wanted) in stepped.player().weights().values().iter().enumerate() {
        assert_near(&full.values()[place], wanted, 1e-6);
        assert_near(&first_order.values()[place], wanted, 1e-6);
        assert_eq!(ahead.player().weights().values()[place].to_vec().unwrap(), before[place]);
        assert!(full.values()[place].has_history());
    }
    // The two differ in how the loss depends on the fakes, not in the loss.
    let mut slopes = |weights| {
        let loss = ahead.generator_loss(Some(weights), &sides, draw).unwrap().loss;
        let parts = fake.parts().unwrap();
        let slopes = grad(&loss, &parts.iter().collect::<Vec<&Variable>>(), false).unwrap();
        (loss.scalar().unwrap(), slopes[0].to_vec().unwrap())
    };
    let (first_order, full) = (slopes(&first_order), slopes(&full));
    assert!((first_order.0 - full.0).abs() < 1e-6);
    assert_ne!(first_order.1, full.1);
}
