//! Networks that several losses pass through, and players with several optimizers.

use brigand_autograd::Variable;
use brigand_core::modules::{
    Cell as _, Linear, Lstm, Mode, Network, Part as _, Pass, Relaxation, relaxed_choice,
};
use brigand_core::objectives::Objective;
use brigand_core::players::{Critic, Optimizer, OptimizerRecipe, Player, Rules, Scored, Scorer};
use brigand_core::random::Stream;
use brigand_core::state::State;
use brigand_core::{Place, Result};

use crate::support::{ADAM, PLAN, Stage, normal, setup};

/// NICE-GAN's discriminator: its first layer is the encoder of a generator.
struct Encoding {
    encoder: Linear,
    score: Linear,
}

impl Encoding {
    fn encode(&self, pass: &mut Pass<'_>, samples: &Variable) -> Result<Variable> {
        Ok(self.encoder.run(pass, samples)?.leaky_relu(0.2)?)
    }
}

impl Scorer for Encoding {
    type Input = Variable;
    type Also = Variable;

    fn score(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Scored<Variable>> {
        let codes = self.encode(pass, input)?;
        let scores = self.score.run(pass, &codes)?.reshape(&[input.shape()[0]])?;
        Ok(Scored { scores: vec![scores], features: vec![codes.clone()], also: codes })
    }
}

#[test]
fn a_generator_uses_the_discriminators_encoder_and_leaves_it_alone() {
    let setup = setup(Place::cpu());
    let plan = PLAN.spectral();
    let network = Network::build("discriminator", &setup, |b| {
        let encoder = b.block("encoder", |b| Linear::new(b, 3, 8, &plan))?;
        Ok(Encoding { encoder, score: b.block("score", |b| Linear::new(b, 8, 1, &plan))? })
    });
    let rules = Rules::plain(Objective::LeastSquares(brigand_core::objectives::LeastSquares {
        a: 0.0,
        b: 1.0,
        c: 1.0,
    }));
    let mut critic = Critic::new(Player::new(network.unwrap(), ADAM).unwrap(), rules).unwrap();
    let network = Network::build("generator", &setup, |b| Linear::new(b, 8, 3, &plan));
    let mut generator = Player::new(network.unwrap(), ADAM).unwrap();
    let (source, target) = (normal(&[5, 3], 1), normal(&[5, 3], 2));
    let all = |critic: &Critic<Encoding>| {
        let mut state = State::default();
        critic.save("d", &mut state).unwrap();
        crate::support::values(&state)
    };
    let own = |player: &Player<Linear>| player.weights().values()[0].to_vec().unwrap();
    let mut stage = Stage::new();
    let mut turn = stage.turn(0);
    let (draw, before, untrained) = (turn.only_draw(), all(&critic), own(&generator));
    let encode = |critic: &mut Critic<Encoding>, samples: &Variable| {
        let mut stream = draw.stream("a test");
        critic
            .player_mut()
            .run(Mode::BatchStatistics, &mut stream, |d, pass| d.encode(pass, samples))
            .unwrap()
    };
    let codes = encode(&mut critic, &source);
    let made = generator.train(|g, pass| g.run(pass, &codes)).unwrap();
    let again = encode(&mut critic, &made);
    let cycle = generator.train(|g, pass| g.run(pass, &again)).unwrap();
    let cycle = cycle.sub(&source).unwrap().abs().unwrap().mean_all().unwrap();
    let loss = critic.loss_for(&target, &made, draw).unwrap().add(&cycle).unwrap();
    turn.descend(&mut [&mut generator], &loss).unwrap();
    assert_eq!(before, all(&critic));
    assert_ne!(untrained, own(&generator));
    critic.learn(&mut turn, draw, &target, &made).unwrap();
    let after = all(&critic);
    let trained: Vec<_> =
        before.keys().filter(|name| name.starts_with("d.") && !name.ends_with("singular")).collect();
    assert_eq!(trained.len(), 4);
    assert!(trained.into_iter().all(|name| before[name] != after[name]));
}

/// SeqGAN's update: the generator's loss is the reward-weighted negative log-likelihood of its own draws.
#[test]
fn a_policy_gradient_is_an_ordinary_loss() {
    let setup = setup(Place::cpu());
    let network = Network::build("policy", &setup, |b| {
        let cell = b.block("cell", |b| Lstm::new(b, 4, 8, &PLAN))?;
        Ok((cell, b.block("logits", |b| Linear::new(b, 8, 4, &PLAN))?))
    });
    let mut policy = Player::new(network.unwrap(), OptimizerRecipe::adam(3e-2, 0.5, 0.9)).unwrap();
    let (mut stage, place, mut rewarded) = (Stage::new(), &setup.place, Vec::new());
    for step in 0..60 {
        let mut turn = stage.turn(step);
        let random = &mut turn.only_draw().stream("tokens");
        let (likelihood, rewards) = policy
            .train(|(cell, logits), pass| {
                let mut token = place.numbers(vec![0.0; 64 * 4], &[64, 4])?;
                let mut state = cell.start(&token)?;
                let (mut likelihood, mut rewards) = (Vec::new(), vec![0.0; 64]);
                for _ in 0..5 {
                    let (output, next) = cell.step(pass, &token, &state)?;
                    let logits = logits.run(pass, &output)?;
                    let hard = Relaxation::StraightThrough { temperature: 1.0 };
                    token = relaxed_choice(&logits.detach(), hard, random, place)?;
                    likelihood.push(logits.log_softmax(1)?.mul(&token)?.sum(&[1])?);
                    let rows = token.to_vec_f32()?;
                    rewards.iter_mut().zip(rows.chunks(4)).for_each(|(sum, row)| *sum += row[2] / 5.0);
                    state = next;
                }
                Ok((Variable::stack(&likelihood.iter().collect::<Vec<_>>(), 0)?.sum(&[0])?, rewards))
            })
            .unwrap();
        let mean = rewards.iter().sum::<f32>() / 64.0;
        rewarded.push(mean);
        let advantage = rewards.into_iter().map(|reward| reward - mean).collect();
        let advantage = place.numbers(advantage, &[64]).unwrap();
        let loss = likelihood.mul(&advantage).unwrap().mean_all().unwrap().neg().unwrap();
        turn.descend(&mut [&mut policy], &loss).unwrap();
    }
    assert!(rewarded[0] < 0.4 && *rewarded.last().unwrap() > 0.8, "{rewarded:?}");
}

#[test]
fn phases_have_optimizers_of_their_own() {
    let network = Network::build("encoder", &setup(Place::cpu()), |b| Linear::new(b, 3, 1, &PLAN));
    let mut encoder = Player::new(network.unwrap(), OptimizerRecipe::adam(1e-3, 0.5, 0.9)).unwrap();
    let mut second = Optimizer::new(OptimizerRecipe::adam(1e-2, 0.5, 0.9), encoder.weights()).unwrap();
    let (mut stage, input) = (Stage::new(), normal(&[4, 3], 1));
    let before = encoder.weights().values()[0].to_vec().unwrap();
    let code = encoder.train(|e, pass| e.run(pass, &input)).unwrap();
    let loss = code.square().unwrap().mean_all().unwrap();
    stage.turn(0).descend(&mut [&mut encoder.by(&mut second)], &loss).unwrap();
    let after = encoder.weights().values()[0].to_vec().unwrap();
    for (before, after) in before.iter().zip(after) {
        assert!(((before - after).abs() - 1e-2).abs() < 1e-5);
    }
    let mut state = State::default();
    second.save("second", &mut state).unwrap();
    encoder.save("encoder", &mut state).unwrap();
    assert_eq!((state.counters["second.steps"], state.counters["optimizer.encoder.steps"]), (1, 0));
}

/// VAE-GAN's updates: one graph is differentiated several times before anything steps.
#[test]
fn several_gradients_are_taken_before_a_step() {
    let setup = setup(Place::cpu());
    let input = normal(&[4, 3], 1);
    let player = |name: &str| {
        let network = Network::build(name, &setup, |b| Linear::new(b, 3, 3, &PLAN)).unwrap();
        Player::new(network, OptimizerRecipe::Sgd { learning_rate: 0.1, momentum: 0.0 }).unwrap()
    };
    let run = |at_once: bool| {
        let (mut first, mut second) = (player("first"), player("second"));
        let mut stage = Stage::new();
        let mut turn = stage.turn(0);
        let code = first.train(|m, pass| m.run(pass, &input)).unwrap();
        let made = second.train(|m, pass| m.run(pass, &code)).unwrap();
        let loss = made.square().unwrap().mean_all().unwrap();
        let whole = || [brigand_autograd::Output { variable: &loss, weight: None }];
        if at_once {
            turn.descend(&mut [&mut first, &mut second], &loss).unwrap();
        } else {
            let (own, by_code) = turn.gradients(&[&second], &whole(), &[&code], true).unwrap();
            assert_eq!(by_code[0].shape(), code.shape());
            let (other, _) = turn.gradients(&[&first], &whole(), &[], false).unwrap();
            turn.step(&mut [&mut second], own).unwrap();
            turn.step(&mut [&mut first], other).unwrap();
            assert!(turn.step(&mut [&mut first], Vec::new()).is_err());
        }
        [first, second].map(|player| player.weights().values()[0].to_vec().unwrap())
    };
    assert_eq!(run(true), run(false));
}

#[test]
fn rows_do_not_depend_on_the_number_of_processes() {
    let mut stage = Stage::new();
    let draw = stage.turn(3).only_draw();
    let of = |shard, count| {
        let own = brigand_core::players::Draw { shard, ..draw };
        let normal = |count: usize, stream: &mut Stream| Place::cpu().normal(&[count, 2], stream);
        own.rows("latent", count, normal).unwrap().to_vec().unwrap()
    };
    assert_eq!(of((0, 1), 6), [of((0, 3), 2), of((1, 3), 2), of((2, 3), 2)].concat());
    let noise = |shard| brigand_core::players::Draw { shard, ..draw }.stream("noise").normal(4);
    assert_ne!(noise((0, 2)), noise((1, 2)));
    assert_eq!(noise((0, 2)), noise((0, 1)));
}
