//! Penalties on the gradient of a discriminator by its input.

use brigand_autograd::Variable;
use brigand_core::modules::{Mode, Network, Pass};
use brigand_core::objectives::Objective;
use brigand_core::penalties::{Cost, Penalty, Probe};
use brigand_core::players::{Conditioned, Critic, Pair, Player, Rules, Scored, Scorer};
use brigand_core::{Place, Result};

use crate::support::pairs::{pair_critic, pairs, slope};
use crate::support::{ADAM, Stage, normal, setup};

/// The reported penalty of an untrained discriminator of pairs, and its slope.
fn penalty(penalty: Penalty) -> (f64, f64) {
    let setup = setup(Place::cpu());
    let mut critic = pair_critic(
        &setup,
        Rules { penalty, ..Rules::plain(Objective::Wasserstein(brigand_core::objectives::Wasserstein {})) },
    );
    let norm = slope(&critic);
    let mut stage = Stage::new();
    let mut turn = stage.turn(0);
    let draw = turn.only_draw();
    critic.learn(&mut turn, draw, &pairs(5, 1), &pairs(5, 2)).unwrap();
    (turn.report.read(0).unwrap()["pairs/penalty"], norm)
}

#[test]
fn penalties_on_pairs_are_their_closed_forms() {
    for probe in [Probe::Line, Probe::Real, Probe::Fake, Probe::Both, Probe::AroundReal, Probe::AroundBoth] {
        for cost in [Cost::TwoSided, Cost::OneSided, Cost::Squared, Cost::SixthPower] {
            let (found, norm) = penalty(Penalty::Gradient { probe, cost, weight: 3.0 });
            let sides = if probe == Probe::Both { 2.0 } else { 1.0 };
            let wanted = 3.0
                * sides
                * match cost {
                    Cost::TwoSided => (norm - 1.0).powi(2),
                    Cost::OneSided => (norm - 1.0).max(0.0).powi(2),
                    Cost::Squared => norm.powi(2),
                    Cost::SixthPower => norm.powi(6),
                    Cost::TwoSidedByPosition => unreachable!("of maps alone"),
                };
            assert!((found - wanted).abs() < 1e-4 * wanted.max(1.0), "{probe:?} {cost:?}: {found} {wanted}");
            assert!((norm - 1.0).abs() > 0.1, "the closed forms would be near 0");
        }
    }
}

/// A discriminator `sum x²` has slope `2 x`: a penalty shows where it was probed.
struct Squares;

impl Scorer for Squares {
    type Input = Conditioned;
    type Also = ();

    fn score(&self, _: &mut Pass<'_>, input: &Conditioned) -> Result<Scored<()>> {
        let mut scores = input.samples.square()?.sum(&[1])?;
        if let Some(condition) = &input.condition {
            scores = scores.add(&condition.square()?.sum(&[1])?)?;
        }
        Ok(Scored::new(scores.clone(), scores))
    }
}

fn squares(penalty: Penalty) -> Critic<Squares> {
    let network = Network::build("squares", &setup(Place::cpu()), |_| Ok(Squares)).unwrap();
    let rules =
        Rules { penalty, ..Rules::plain(Objective::Wasserstein(brigand_core::objectives::Wasserstein {})) };
    Critic::new(Player::new(network, ADAM).unwrap(), rules).unwrap()
}

#[test]
fn probes_stand_where_they_should_and_conditions_are_not_probed() {
    let squared = |of: &Variable| of.square().unwrap().sum_all().unwrap().scalar().unwrap() / 6.0;
    let (real, fake) = (normal(&[6, 3], 1), normal(&[6, 3], 2).scale(3.0).unwrap());
    let condition = normal(&[6, 2], 3).scale(10.0).unwrap();
    for conditioned in [false, true] {
        let side = |samples: &Variable| match conditioned {
            true => Conditioned::under(samples.clone(), condition.clone()),
            false => Conditioned::alone(samples.clone()),
        };
        let term = |probe| {
            let mut critic = squares(Penalty::Gradient { probe, cost: Cost::Squared, weight: 0.25 });
            let draw = Stage::new().turn(0).only_draw();
            let sides = critic.sides((side(&real), side(&fake)), "discriminator", draw).unwrap();
            let compared = critic.compare(None, &sides, Mode::Training, ("dropout", draw)).unwrap();
            assert_eq!(compared.terms[0].0, "penalty");
            compared.terms[0].1.scalar().unwrap()
        };
        let (of_real, of_fake) = (squared(&real), squared(&fake));
        let near =
            |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-4 * wanted, "{found} {wanted}");
        near(term(Probe::Real), of_real);
        near(term(Probe::Fake), of_fake);
        near(term(Probe::Both), of_real + of_fake);
        // |e x + (1 - e) y|² is at most the larger of the two sides', sample by sample.
        let line = term(Probe::Line);
        assert!(line < of_real + of_fake && line > 0.0 && (line - of_real).abs() > 0.1, "{line}");
        let around = term(Probe::AroundReal);
        assert!((around - of_real).abs() > 1e-3 && (around - of_real).abs() < of_real, "{around} {of_real}");
    }
}

/// `|x - z|²`: flat where both parts are equal.
struct Difference;

impl Scorer for Difference {
    type Input = Pair;
    type Also = ();

    fn score(&self, _: &mut Pass<'_>, input: &Pair) -> Result<Scored<()>> {
        let scores = input.0.sub(&input.1)?.square()?.sum(&[1])?;
        Ok(Scored::new(scores.clone(), scores))
    }
}

#[test]
fn a_line_has_one_share_for_each_sample_and_all_its_parts() {
    let line = Penalty::Gradient { probe: Probe::Line, cost: Cost::Squared, weight: 1.0 };
    let rules = Rules {
        penalty: line,
        ..Rules::plain(Objective::Wasserstein(brigand_core::objectives::Wasserstein {}))
    };
    let network = Network::build("difference", &setup(Place::cpu()), |_| Ok(Difference)).unwrap();
    let mut pairs = Critic::new(Player::new(network, ADAM).unwrap(), rules).unwrap();
    let draw = Stage::new().turn(0).only_draw();
    let (real, fake) = (normal(&[6, 3], 1), normal(&[6, 3], 2));
    let twice = |part: &Variable| Pair(part.clone(), part.clone());
    let sides = pairs.sides((twice(&real), twice(&fake)), "discriminator", draw).unwrap();
    let compared = pairs.compare(None, &sides, Mode::Training, ("dropout", draw)).unwrap();
    assert!(compared.terms[0].1.scalar().unwrap() < 1e-10);
    // Between a sample and itself there is only that sample, with slope 2 x.
    let mut alone = squares(line);
    let same = Conditioned::alone(real.clone());
    let sides = alone.sides((same.clone(), same), "discriminator", draw).unwrap();
    let compared = alone.compare(None, &sides, Mode::Training, ("dropout", draw)).unwrap();
    let wanted = 4.0 * real.square().unwrap().sum_all().unwrap().scalar().unwrap() / 6.0;
    assert!((compared.terms[0].1.scalar().unwrap() - wanted).abs() < 1e-4 * wanted);
}

#[test]
fn a_penalty_on_both_sides_needs_sides_of_one_size() {
    let mut critic = squares(Penalty::Gradient { probe: Probe::Both, cost: Cost::Squared, weight: 1.0 });
    let side = |count| Conditioned::alone(normal(&[count, 3], 1));
    let draw = Stage::new().turn(0).only_draw();
    let sides = critic.sides((side(3), side(6)), "discriminator", draw).unwrap();
    let refused = critic.compare(None, &sides, Mode::Training, ("dropout", draw)).err().unwrap().to_string();
    assert!(refused.contains("as many real samples as fakes"), "{refused}");
}

/// A map of scores `(2 x - 3 y)²` of the two channels of each position: what a position changes is its own.
struct MapOfSquares;

impl Scorer for MapOfSquares {
    type Input = Variable;
    type Also = ();

    fn score(&self, _: &mut Pass<'_>, input: &Variable) -> Result<Scored<()>> {
        let (x, y) = (input.narrow(1, 0, 1)?, input.narrow(1, 1, 1)?);
        let scores = x.scale(2.0)?.sub(&y.scale(3.0)?)?.square()?;
        Ok(Scored { scores: vec![scores], features: Vec::new(), also: () })
    }
}

#[test]
fn a_penalty_by_position_is_the_mean_over_positions() {
    let network = Network::build("map", &setup(Place::cpu()), |_| Ok(MapOfSquares)).unwrap();
    let penalty = Penalty::Gradient { probe: Probe::Real, cost: Cost::TwoSidedByPosition, weight: 0.5 };
    let rules =
        Rules { penalty, ..Rules::plain(Objective::Wasserstein(brigand_core::objectives::Wasserstein {})) };
    let mut critic = Critic::new(Player::new(network, ADAM).unwrap(), rules).unwrap();
    let mut stage = Stage::new();
    let turn = stage.turn(0);
    // Two positions: s = 2 and s = -1, so slopes 2 s (2, -3) of length 2 |s| sqrt(13).
    let real = Variable::from_slice(&[1.0_f32, 1.0, 0.0, 1.0], &[1, 2, 1, 2]).unwrap();
    let sides = critic.sides((real.clone(), real), "a test", turn.only_draw()).unwrap();
    let found = critic.compare(None, &sides, Mode::Training, ("a test", turn.only_draw())).unwrap();
    let slopes = [4.0, 2.0].map(|s: f64| (s * 13.0_f64.sqrt() - 1.0).powi(2));
    let wanted = 0.5 * (slopes[0] + slopes[1]) / 2.0;
    let (name, term) = &found.terms[0];
    assert_eq!(*name, "penalty");
    assert!((term.scalar().unwrap() - wanted).abs() < 1e-3, "{:?} {wanted}", term.scalar());
}
