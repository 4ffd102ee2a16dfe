//! The policy gradient of a generator of sequences: REINFORCE (Williams 1992) with the expected reward of each choice from
//! rollouts (Yu et al. 2016, arXiv:1609.05473).

use brigand_autograd::Variable;
use brigand_core::Result;
use brigand_core::batch::Indices;
use brigand_core::networks::{Rollout, counted_tokens};
use serde::{Deserialize, Serialize};

use super::vocabulary::indices;

/// What is taken from the expected reward of a choice, so that the gradient varies less. Its mean stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Baseline {
    /// Nothing.
    None,
    /// The mean over the other sequences of the batch at the same position.
    #[default]
    Batch,
}

/// The expected reward of each token of `lines` `[batch, length]` after those before it, in their order; 0 for what fills a
/// sequence up. For the last token it is the sequence's own reward, for the others the mean over `rounds` continuations by
/// `roll`, whose argument is the number of the round.
///
/// # Errors
/// As `roll` and `reward`.
pub(super) fn expected_rewards(
    lines: &Indices,
    rounds: usize,
    mut roll: impl FnMut(usize) -> Result<Vec<Rollout>>,
    mut reward: impl FnMut(&Indices) -> Result<Vec<f32>>,
) -> Result<Vec<f32>> {
    let length = lines.row_length()?;
    let counted = counted_tokens(lines)?;
    let mut expected = vec![0.0; lines.values.len()];
    for round in 0..rounds {
        let rollouts = roll(round)?;
        if rollouts.is_empty() {
            continue;
        }
        let tokens: Vec<Vec<u32>> = rollouts.iter().map(|rollout| rollout.tokens.clone()).collect();
        let rewards = reward(&indices(&tokens))?;
        for (Rollout { line, kept, .. }, reward) in rollouts.iter().zip(rewards) {
            if let Some(expected) = expected.get_mut(line * length + kept - 1) {
                *expected += reward / rounds as f32;
            }
        }
    }
    for ((expected, counted), own) in
        expected.chunks_mut(length).zip(counted.chunks(length)).zip(reward(lines)?)
    {
        let last = counted.iter().filter(|counted| **counted > 0.0).count();
        if let Some(expected) = last.checked_sub(1).and_then(|last| expected.get_mut(last)) {
            *expected = own;
        }
    }
    Ok(expected)
}

/// The expected rewards of the tokens of `lines` without the baseline; 0 for what fills a sequence up.
///
/// # Errors
/// If `lines` have another shape than `[batch, length]`.
pub(super) fn advantages(expected: &[f32], lines: &Indices, baseline: Baseline) -> Result<Vec<f32>> {
    let length = lines.row_length()?;
    let counted = counted_tokens(lines)?;
    let sum_at = |position: usize| {
        let pairs = expected.iter().zip(&counted).skip(position).step_by(length);
        pairs.fold((0.0, 0.0), |(sum, count), (value, counted)| (sum + value * counted, count + counted))
    };
    let sums: Vec<(f32, f32)> = (0..length).map(sum_at).collect();
    let values = expected.iter().zip(&counted).zip(sums.iter().cycle());
    let advantage = |((value, counted), (sum, count)): ((&f32, &f32), &(f32, f32))| {
        if *counted == 0.0 {
            return 0.0;
        }
        match baseline {
            Baseline::None => *value,
            // Alone at its position: there is no other to compare with.
            Baseline::Batch if *count < 2.0 => *value,
            Baseline::Batch => value - (sum - value) / (count - 1.0),
        }
    };
    Ok(values.map(advantage).collect())
}

/// `-mean over lines of sum_t advantage_t ln p(y_t | y_1 .. y_{t-1})`, whose gradient estimates that of minus the expected
/// reward.
///
/// # Errors
/// If the shapes differ.
pub(super) fn policy_loss(log_probabilities: &Variable, advantages: &Variable) -> Result<Variable> {
    let lines = log_probabilities.shape().first().copied().unwrap_or(1).max(1);
    Ok(log_probabilities.mul(advantages)?.sum_all()?.scale(-1.0 / lines as f64)?)
}

#[cfg(test)]
mod tests {
    use brigand_autograd::grad;
    use brigand_core::batch::{END, Schema};
    use brigand_core::modules::{Initialization, Network, Plan};
    use brigand_core::networks::{RecurrentNetwork, RecurrentSizes};
    use brigand_core::random::Stream;
    use brigand_core::{Place, Setup};

    use super::*;

    fn network() -> Network<RecurrentNetwork> {
        let setup = Setup { schema: Schema::default(), batch: 1, steps: 1, seed: 5, place: Place::cpu() };
        let sizes = RecurrentSizes { vocabulary: 3, latent: 0, embedding: 2, hidden: 3 };
        let plan = Plan::new(Initialization::Normal { mean: 0.0, deviation: 0.7 });
        Network::build("language", &setup, |b| RecurrentNetwork::new(b, sizes, &plan)).unwrap()
    }

    /// Some reward of each line, far from 0 on average.
    fn reward(line: &[u32]) -> f32 {
        let value = line.iter().fold(0u32, |sum, token| 3 * sum + token);
        1.0 + (value * 7 % 11) as f32 / 11.0
    }

    fn rewards(lines: &Indices) -> Vec<f32> {
        lines.values.chunks(3).map(reward).collect()
    }

    fn gradient(network: &Network<RecurrentNetwork>, loss: &Variable) -> Vec<f64> {
        let weights = network.parameters().weights().values();
        let found = grad(loss, &weights.iter().collect::<Vec<_>>(), false).unwrap();
        found.iter().flat_map(|one| one.to_vec().unwrap()).collect()
    }

    /// Of minus the expected reward, over all 14 lines.
    fn exact(network: &Network<RecurrentNetwork>) -> Vec<f64> {
        let mut lines = Vec::new();
        for first in 1..3 {
            lines.push(vec![first, END, END]);
            for second in 1..3 {
                lines.extend((0..3).map(|third| vec![first, second, third]));
            }
        }
        let (lines, place) = (indices(&lines), Place::cpu());
        let logs = network.evaluate(None, |n, pass| n.log_probabilities(pass, &lines, &place)).unwrap();
        let weights = place.numbers(rewards(&lines), &[14]).unwrap();
        let expected = logs.sum(&[1]).unwrap().exp().unwrap().mul(&weights).unwrap().sum_all().unwrap();
        gradient(network, &expected.neg().unwrap())
    }

    /// Over so many lines that the mean is measured to a few percent.
    fn estimated(network: &Network<RecurrentNetwork>, baseline: Baseline, batches: u64) -> Vec<Vec<f64>> {
        let place = Place::cpu();
        let estimate = |number: u64| {
            let mut stream = Stream::new(1, "test", number);
            let drawn =
                network.evaluate(None, |n, pass| n.draw(pass, [500, 3], (&mut stream, &place))).unwrap();
            let lines = indices(&drawn);
            let roll = |_| network.evaluate(None, |n, pass| n.rollouts(pass, &lines, (&mut stream, &place)));
            let expected = expected_rewards(&lines, 2, roll, |lines| Ok(rewards(lines))).unwrap();
            let advantages =
                place.numbers(advantages(&expected, &lines, baseline).unwrap(), &[500, 3]).unwrap();
            let logs = network.evaluate(None, |n, pass| n.log_probabilities(pass, &lines, &place)).unwrap();
            gradient(network, &policy_loss(&logs, &advantages).unwrap())
        };
        (0..batches).map(estimate).collect()
    }

    fn mean(of: &[Vec<f64>]) -> Vec<f64> {
        (0..of[0].len()).map(|at| of.iter().map(|one| one[at]).sum::<f64>() / of.len() as f64).collect()
    }

    fn norm(of: &[f64]) -> f64 {
        of.iter().map(|value| value * value).sum::<f64>().sqrt()
    }

    fn distance(a: &[f64], b: &[f64]) -> f64 {
        norm(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>())
    }

    #[test]
    fn the_policy_gradient_is_that_of_the_expected_reward() {
        let network = network();
        let exact = exact(&network);
        let [plain, with_baseline] =
            [Baseline::None, Baseline::Batch].map(|baseline| estimated(&network, baseline, 120));
        let error = distance(&mean(&with_baseline), &exact) / norm(&exact);
        println!("error {error}, without a baseline {}", distance(&mean(&plain), &exact) / norm(&exact));
        assert!(error < 0.05, "{error}");
        // The baseline leaves the mean as it is and lowers the variance.
        let spread = |of: &[Vec<f64>]| of.iter().map(|one| distance(one, &exact).powi(2)).sum::<f64>();
        assert!(
            spread(&with_baseline) < 0.5 * spread(&plain),
            "{} {}",
            spread(&with_baseline),
            spread(&plain)
        );
    }

    #[test]
    fn what_fills_a_line_up_has_no_reward_and_no_advantage() {
        let lines = indices(&[vec![1, END, END], vec![2, 1, END], vec![2, 2, 1]]);
        let found = expected_rewards(&lines, 1, |_| Ok(Vec::new()), |_| Ok(vec![1.0, 2.0, 4.0])).unwrap();
        assert_eq!(found, [0.0, 1.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 4.0]);
        let found = [5.0, 1.0, 0.0, 3.0, 4.0, 2.0, 1.0, 1.0, 4.0];
        assert_eq!(
            advantages(&found, &lines, Baseline::Batch).unwrap(),
            [3.0, -1.5, 0.0, 0.0, 3.0, -2.0, -3.0, -1.5, 2.0]
        );
        assert_eq!(advantages(&found, &lines, Baseline::None).unwrap(), found);
        let one = indices(&[vec![1, 2, END]]);
        assert_eq!(advantages(&[1.0, 2.0, 3.0], &one, Baseline::Batch).unwrap(), [1.0, 2.0, 3.0]);
    }
}
