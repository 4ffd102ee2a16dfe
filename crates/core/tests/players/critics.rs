//! Discriminators of pairs, conditioned samples and maps, under penalties and constraints.

use brigand_autograd::{Variable, grad};
use brigand_core::modules::{Convolution, Linear, Mode, Network, Pass, Window};
use brigand_core::objectives::{Objective, TransportCost, cross_entropy};
use brigand_core::penalties::{Constraint, Cost, Penalty, Probe};
use brigand_core::players::{Conditioned, Critic, Input, Pair, Player, Rules, Scored, Scorer};
use brigand_core::random::Stream;
use brigand_core::techniques::InstanceNoise;
use brigand_core::{Place, Result};

use crate::support::pairs::{LinearPair, pair_critic, pairs, slope};
use crate::support::{ADAM, PLAN, Stage, assert_near, normal, setup};

fn normalizing(constraint: Constraint, objective: Objective) -> Critic<LinearPair> {
    pair_critic(&setup(Place::cpu()), Rules { constraint, ..Rules::plain(objective) })
}

const GRADIENT: Constraint = Constraint::GradientNormalization {};

#[test]
fn normalised_scores_are_their_closed_forms() {
    let input = pairs(5, 1);
    let stream = &mut Stream::new(0, "a test", 0);
    let plain =
        pair_critic(&setup(Place::cpu()), Rules::plain(Objective::Hinge(brigand_core::objectives::Hinge {})))
            .score(None, &input, Mode::BatchStatistics, stream)
            .unwrap();
    let plain = plain.single().unwrap().to_vec().unwrap();
    let gran = Constraint::GranNormalization { epsilon: 0.1, factor: 2.0 };
    for (constraint, formula) in [
        (GRADIENT, (|s, n| s / (n + s.abs())) as fn(f64, f64) -> f64),
        (gran, |s, n| 2.0 * s * n / (n * n + 0.1)),
    ] {
        let mut critic = normalizing(constraint, Objective::Hinge(brigand_core::objectives::Hinge {}));
        let norm = slope(&critic);
        let found = critic.score(None, &input, Mode::BatchStatistics, stream).unwrap();
        for (found, plain) in found.single().unwrap().to_vec().unwrap().iter().zip(&plain) {
            assert!((found - formula(*plain, norm)).abs() < 1e-5, "{found}");
        }
        let (scores, slopes) = critic.field(&input).unwrap();
        assert_near(&scores, found.single().unwrap(), 1e-6);
        assert_eq!((slopes[0].shape(), slopes[1].shape()), ([5, 3].as_slice(), [5, 2].as_slice()));
    }
}

/// BiGAN's generator makes the first part of the fakes, whose second part is the drawn latent.
#[test]
fn a_generated_part_keeps_its_gradient_beside_a_drawn_one() {
    let (real, fake) = (pairs(4, 1), pairs(4, 2));
    let made = Variable::leaf(fake.0.tensor().clone());
    for objective in [
        Objective::NON_SATURATING,
        Objective::RelativisticAverage(brigand_core::objectives::RelativisticAverage {}),
    ] {
        let mut critic = normalizing(GRADIENT, objective);
        let draw = Stage::new().turn(0).only_draw();
        for swapped in [false, true] {
            let fake = Pair(made.scale(1.5).unwrap(), fake.1.clone());
            let loss = match swapped {
                false => critic.loss_for(&real, &fake, draw),
                true => critic.swapped_loss(&real, &fake, draw),
            };
            let slopes = grad(&loss.unwrap(), &[&made], false).unwrap()[0].to_vec().unwrap();
            assert!(slopes.iter().any(|slope| slope.abs() > 1e-4), "{objective:?}: {slopes:?}");
        }
    }
}

#[test]
fn features_are_compared_under_every_constraint() {
    for constraint in [Constraint::None {}, GRADIENT] {
        let mut critic = normalizing(constraint, Objective::Hinge(brigand_core::objectives::Hinge {}));
        let draw = Stage::new().turn(0).only_draw();
        let (real, fake) = (pairs(4, 1), pairs(4, 2));
        let scored = critic.score(None, &fake, Mode::BatchStatistics, &mut draw.stream("x")).unwrap();
        let found = critic.feature_distance(&real, &scored, draw).unwrap().scalar().unwrap();
        let apart = |a: &Variable, b: &Variable| {
            a.sub(b).unwrap().abs().unwrap().sum_all().unwrap().scalar().unwrap()
        };
        let wanted = (apart(&real.0, &fake.0) + apart(&real.1, &fake.1)) / 20.0;
        assert!((found - wanted).abs() < 1e-5, "{found} {wanted}");
    }
}

#[test]
fn the_swapped_loss_is_the_discriminators_with_the_sides_exchanged() {
    let (real, fake) = (pairs(4, 1), pairs(4, 2));
    for objective in [
        Objective::NON_SATURATING,
        Objective::LeastSquares(brigand_core::objectives::LeastSquares { a: 0.0, b: 1.0, c: 0.5 }),
    ] {
        let mut critic = pair_critic(&setup(Place::cpu()), Rules::plain(objective));
        let draw = Stage::new().turn(0).only_draw();
        let swapped = critic.swapped_loss(&real, &fake, draw).unwrap().scalar().unwrap();
        let mut loss = |real: &Pair, fake: &Pair| {
            let sides = critic.sides((real.clone(), fake.clone()), "discriminator", draw).unwrap();
            critic
                .compare(None, &sides, Mode::Training, ("dropout", draw))
                .unwrap()
                .adversarial
                .scalar()
                .unwrap()
        };
        assert!((swapped - loss(&fake, &real)).abs() < 1e-6);
        assert!((swapped - loss(&real, &fake)).abs() > 1e-3);
    }
}

#[test]
fn noise_fades_and_reaches_every_part_but_conditions() {
    let noise = InstanceNoise { deviation: 0.5, until: 10 };
    let rules =
        Rules { noise, ..Rules::plain(Objective::Wasserstein(brigand_core::objectives::Wasserstein {})) };
    let mut critic = pair_critic(&setup(Place::cpu()), rules);
    let input = Pair(
        Variable::from_slice(&[0.0_f32; 6000], &[2000, 3]).unwrap(),
        Variable::from_slice(&[0.0_f32; 4000], &[2000, 2]).unwrap(),
    );
    let norm = slope(&critic);
    for (step, deviation) in [(0, 0.5), (5, 0.25), (10, 0.0), (20, 0.0)] {
        let draw = Stage::new().turn(step).only_draw();
        let sides = critic.sides((input.clone(), input.clone()), "discriminator", draw).unwrap();
        let compared = critic.compare(None, &sides, Mode::Training, ("dropout", draw)).unwrap();
        for scored in [&compared.real, &compared.fake] {
            let variance = scored.single().unwrap().variance(&[0]).unwrap().scalar().unwrap();
            // A variance of 2000 draws deviates by 3 %.
            assert!(
                (variance - (deviation * norm).powi(2)).abs() < 0.15 * variance + 1e-9,
                "{step}: {variance}"
            );
        }
    }
    let conditioned = Conditioned::under(normal(&[2, 3], 1), normal(&[2, 3], 2));
    let moved = conditioned.map(&mut |part| Ok(part.scale(2.0)?)).unwrap();
    assert_near(moved.condition.as_ref().unwrap(), conditioned.condition.as_ref().unwrap(), 0.0);
    assert_eq!(conditioned.beside(&moved).unwrap().condition.unwrap().shape(), [4, 3]);
    assert!(conditioned.beside(&Conditioned::alone(normal(&[2, 3], 1))).is_err());
}

/// Two scales with a class head: a score map, a score for each sample, features of both, and logits.
struct Scales {
    patches: Convolution,
    whole: Linear,
    classes: Linear,
}

impl Scorer for Scales {
    type Input = Conditioned;
    type Also = Variable;

    fn score(&self, pass: &mut Pass<'_>, input: &Conditioned) -> Result<Scored<Variable>> {
        let map = self.patches.run(pass, &input.samples)?;
        let flat = input.samples.avg_pool2d(2, 2, 0)?.flatten_from_second()?;
        let score = self.whole.run(pass, &flat)?.reshape(&[flat.shape()[0]])?;
        let also = self.classes.run(pass, &flat)?;
        Ok(Scored { scores: vec![map.clone(), score], features: vec![map, flat], also })
    }
}

fn scales(rules: Rules) -> Critic<Scales> {
    let network = Network::build("scales", &setup(Place::cpu()), |b| {
        Ok(Scales {
            patches: b.block("patches", |b| Convolution::new(b, (1, 1), Window::HALVING, &PLAN))?,
            whole: b.block("whole", |b| Linear::new(b, 16, 1, &PLAN))?,
            classes: b.block("classes", |b| Linear::new(b, 16, 3, &PLAN))?,
        })
    });
    Critic::new(Player::new(network.unwrap(), ADAM).unwrap(), rules).unwrap()
}

#[test]
fn several_scales_and_heads_learn_under_a_penalty() {
    let penalty = Penalty::Gradient { probe: Probe::Real, cost: Cost::Squared, weight: 1.0 };
    let mut critic = scales(Rules {
        penalty,
        ..Rules::plain(Objective::LeastSquares(brigand_core::objectives::LeastSquares {
            a: 0.0,
            b: 1.0,
            c: 1.0,
        }))
    });
    let side = |seed| Conditioned::alone(normal(&[3, 1, 8, 8], seed));
    let (real, fake, place) = (side(1), side(2), Place::cpu());
    let mut stage = Stage::new();
    let mut turn = stage.turn(0);
    let draw = turn.only_draw();
    let sides = critic.sides((real.clone(), fake.clone()), "discriminator", draw).unwrap();
    let compared = critic.compare(None, &sides, Mode::BatchStatistics, ("dropout", draw)).unwrap();
    let half = |scored: &Scored<Variable>, target: f64, scale: usize| {
        let squares = scored.scores[scale].affine(1.0, -target).unwrap().square().unwrap();
        squares.mean_all().unwrap().scalar().unwrap() / 2.0
    };
    let wanted: f64 =
        (0..2).map(|scale| half(&compared.real, 1.0, scale) + half(&compared.fake, 0.0, scale)).sum();
    assert!((compared.adversarial.scalar().unwrap() - wanted / 2.0).abs() < 1e-5, "{wanted}");
    let targets = place.one_hot(&[0, 1, 2], 3).unwrap();
    let classes = |real: &Scored<Variable>, _: &Scored<Variable>| {
        Ok(vec![("classes", cross_entropy(&real.also, &targets)?)])
    };
    critic.learn_with(&mut turn, draw, (&real, &fake), classes).unwrap();
    let report = turn.report.read(0).unwrap();
    for name in ["scales_loss", "scales/penalty", "scales/classes", "scales_accuracy_real"] {
        assert!(report.contains_key(name), "{report:?}");
    }
    assert!((report["scales_loss"] - wanted / 2.0).abs() < 1e-5);
    for objective in [
        Objective::CTransform(brigand_core::objectives::CTransform {
            cost: TransportCost::Euclidean,
            epsilon: 0.0,
        }),
        Objective::EnergyBased(brigand_core::objectives::EnergyBased {
            margin: 1.0,
            relative: false,
            pull_away: 0.0,
        }),
    ] {
        let refused = scales(Rules::plain(objective)).loss_for(&real, &fake, draw).unwrap_err().to_string();
        assert!(refused.contains("one score for each sample"), "{refused}");
    }
}

/// A discriminator that mixes the samples of a batch.
struct Coupled(Linear);

impl Scorer for Coupled {
    type Input = Variable;
    type Also = ();

    fn score(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Scored<()>> {
        let scores = self.0.run(pass, input)?.reshape(&[input.shape()[0]])?;
        Ok(Scored::new(scores.clone(), scores))
    }

    fn couples_samples(&self) -> bool {
        true
    }
}

#[test]
fn what_needs_each_samples_own_gradient_refuses_coupled_samples() {
    let build = |rules| {
        let network =
            Network::build("d", &setup(Place::cpu()), |b| Ok(Coupled(Linear::new(b, 2, 1, &PLAN)?)));
        Critic::new(Player::new(network.unwrap(), ADAM).unwrap(), rules).map(|_| ())
    };
    let plain = Rules::plain(Objective::Hinge(brigand_core::objectives::Hinge {}));
    build(plain).unwrap();
    for rules in [Rules { penalty: Penalty::WGAN_GP, ..plain }, Rules { constraint: GRADIENT, ..plain }] {
        assert!(build(rules).unwrap_err().to_string().contains("mixes samples"));
    }
}

#[test]
fn rules_refuse_values_that_no_loss_can_have() {
    let plain = Rules::plain(Objective::Hinge(brigand_core::objectives::Hinge {}));
    plain.check().unwrap();
    for (rules, word) in [
        (Rules { noise: InstanceNoise { deviation: -1.0, until: 0 }, ..plain }, "instance_noise.deviation"),
        (Rules { constraint: Constraint::Clip { bound: 0.0 }, ..plain }, "constraint.bound"),
        (
            Rules {
                penalty: Penalty::Gradient { probe: Probe::Line, cost: Cost::Squared, weight: f64::NAN },
                ..plain
            },
            "penalty.weight",
        ),
    ] {
        assert!(rules.check().unwrap_err().to_string().contains(word));
    }
}
