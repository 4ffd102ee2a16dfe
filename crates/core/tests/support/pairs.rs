//! A linear discriminator of pairs, whose slopes are known.

use brigand_autograd::Variable;
use brigand_core::modules::{Linear, Network, Pass};
use brigand_core::players::{Critic, Pair, Player, Rules, Scored, Scorer};
use brigand_core::{Result, Setup};

use super::{ADAM, PLAN, normal};

/// `w · x + v · z + b`; `x` of 3 numbers and `z` of 2.
pub(crate) struct LinearPair(Linear, Linear);

impl Scorer for LinearPair {
    type Input = Pair;
    type Also = ();

    fn score(&self, pass: &mut Pass<'_>, input: &Pair) -> Result<Scored<()>> {
        let sum = self.0.run(pass, &input.0)?.add(&self.1.run(pass, &input.1)?)?;
        let features = Variable::concatenate(&[&input.0, &input.1], 1)?;
        Ok(Scored::new(sum.reshape(&[input.0.shape()[0]])?, features))
    }
}

/// An untrained discriminator of pairs called `pairs`.
pub(crate) fn pair_critic(setup: &Setup, rules: Rules) -> Critic<LinearPair> {
    let network = Network::build("pairs", setup, |b| {
        let first = b.block("x", |b| Linear::new(b, 3, 1, &PLAN))?;
        Ok(LinearPair(first, b.block("z", |b| Linear::new(b, 2, 1, &PLAN.without_bias()))?))
    });
    Critic::new(Player::new(network.unwrap(), ADAM).unwrap(), rules).unwrap()
}

/// The size of its slope by both parts, the same everywhere.
pub(crate) fn slope(critic: &Critic<LinearPair>) -> f64 {
    let matrices = critic.player().weights().values().iter().filter(|weight| weight.rank() == 2);
    let squares = matrices.map(|weight| weight.square().unwrap().sum_all().unwrap().scalar().unwrap());
    squares.sum::<f64>().sqrt()
}

/// `count` pairs of draws.
pub(crate) fn pairs(count: usize, seed: u64) -> Pair {
    Pair(normal(&[count, 3], seed), normal(&[count, 2], seed + 1000))
}
