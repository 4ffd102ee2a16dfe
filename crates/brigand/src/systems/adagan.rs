//! `adagan`: an ensemble of GANs trained one after another, each on the data that those before it miss (Tolstikhin et
//! al. 2017, arXiv:1701.02386). Without boosting it is the plain ensemble (Wang et al. 2016, arXiv:1612.00991).

use brigand_autograd::{Variable, without_recording};
use candle_core::Device;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::adversary::{Adversary, Seen};
use super::duels::ordinary;
use super::feed::Feed;
use super::registry::{Entry, Family, Length, Make, read, to_table};
use super::state::State;
use super::{Duel, DuelRecipe, Report, Setup, System};
use crate::error::{Error, Result};
use crate::networks::{Head, Network, SampleKind, SampleShape};
use crate::objectives::Objective;
use crate::random::Stream;
use crate::systems::{Distribution, LatentPart, LatentSpace, MEMBER};
use crate::training::checkpoint::StoredTensor;

/// The ensemble's own table; the members' are those of a duel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct EnsembleRecipe {
    /// Generators, each trained for an equal share of the steps.
    members: usize,
    /// Whether a later member trains on what the earlier ones miss.
    boosting: bool,
    /// Steps of the discriminator that finds out what they miss.
    judge_steps: u64,
}

impl Default for EnsembleRecipe {
    fn default() -> Self {
        Self { members: 3, boosting: true, judge_steps: 1000 }
    }
}

const TABLE: &str = "ensemble";
const WEIGHTS: &str = "ensemble.weights";
/// Samples that the judge looks at together after its training.
const PORTION: usize = 2000;

/// Its row of the registry.
pub(super) const ROW: Entry = Entry {
    name: "adagan",
    family: Family::Modes,
    summary: "an ensemble, each member trained on what those before it miss",
    paper: "Tolstikhin et al. 2017, arXiv:1701.02386",
    data: "digits",
    length: |kind| match kind {
        SampleKind::Image => Length { steps: 6000, batch: 64 },
        SampleKind::Points => Length { steps: 15_000, batch: 128 },
    },
    make: Make::Own {
        defaults: |kind| joined(&ordinary(kind), EnsembleRecipe::default()),
        normalize: |table| {
            let (duel, ensemble) = parted(&table)?;
            joined(&duel, ensemble)
        },
        check: |table| {
            let (duel, ensemble) = parted(table)?;
            duel.check()?;
            ensemble.check()
        },
        build: |table, setup| {
            let (duel, ensemble) = parted(table)?;
            Ok(Box::new(AdaGan::new(duel, ensemble, setup)?))
        },
    },
};

fn joined(duel: &DuelRecipe, ensemble: EnsembleRecipe) -> Result<Table> {
    let mut table = to_table(duel)?;
    table.insert(TABLE.to_owned(), Value::Table(to_table(&ensemble)?));
    Ok(table)
}

fn parted(table: &Table) -> Result<(DuelRecipe, EnsembleRecipe)> {
    let mut duel = table.clone();
    let ensemble = match duel.remove(TABLE) {
        Some(Value::Table(own)) => read(&own)?,
        Some(_) => return Err(Error::Recipe("ensemble is a table; set ensemble.members and others".into())),
        None => EnsembleRecipe::default(),
    };
    Ok((read(&duel)?, ensemble))
}

impl EnsembleRecipe {
    fn check(self) -> Result<()> {
        if self.members == 0 || self.members > 100 {
            return Err(Error::Recipe(format!("ensemble.members is {}; give 1 to 100", self.members)));
        }
        if self.boosting && self.judge_steps == 0 {
            return Err(Error::Recipe(
                "ensemble.judge_steps is 0, so nobody knows what is missed; give at least 1 or set \
                 ensemble.boosting=false"
                    .into(),
            ));
        }
        Ok(())
    }
}

/// The members; those after the one in training have not begun.
struct AdaGan {
    ensemble: EnsembleRecipe,
    duel: DuelRecipe,
    members: Vec<Duel>,
    /// The member in training, and its first step.
    current: usize,
    member_steps: u64,
    /// How often each sample of the data should be drawn; `None` is evenly.
    weights: Option<Vec<f32>>,
    /// Whether the feed draws by them yet.
    weighed: bool,
    sample: SampleShape,
    device: Device,
}

impl AdaGan {
    fn new(duel: DuelRecipe, ensemble: EnsembleRecipe, setup: &Setup<'_>) -> Result<Self> {
        ensemble.check()?;
        let member_steps = setup.steps.div_ceil(ensemble.members as u64).max(1);
        let member = |number: usize| {
            let seed = setup.seed.wrapping_add(1_000_003 * number as u64) & (i64::MAX as u64);
            Duel::new(duel.clone(), &Setup { seed, steps: member_steps, ..*setup })
        };
        let members = (0..ensemble.members).map(member).collect::<Result<_>>()?;
        let (sample, device) = (setup.sample, setup.device.clone());
        Ok(Self {
            ensemble,
            duel,
            members,
            current: 0,
            member_steps,
            weights: None,
            weighed: false,
            sample,
            device,
        })
    }

    /// Samples of the members trained so far, each drawn equally often.
    fn mixture(&self, count: usize, stream: &mut Stream) -> Result<Variable> {
        let latents = self.latents(count, stream)?;
        without_recording(|| self.generate(&latents))
    }

    /// A discriminator between the data and the mixture so far: its scores of the whole data set.
    fn judged(&self, feed: &mut Feed, step: u64) -> Result<Vec<f32>> {
        let discriminator = &self.duel.discriminator;
        let seed = feed.seed() ^ step;
        let judge = discriminator.discriminator("judge", self.sample, Head::default(), seed, &self.device)?;
        let mut judge = Adversary::new(judge, self.duel.optimizer.discriminator, Objective::MINIMAX);
        feed.weigh(None);
        for round in 0..self.ensemble.judge_steps {
            let real = feed.batch(round)?.samples;
            let mut stream = Stream::new(feed.seed(), "ensemble/mixture", step + round);
            let fake = self.mixture(feed.batch_size(), &mut stream)?.detach();
            judge.learn(Seen::alone(&real), Seen::alone(&fake), &mut stream, 1.0)?;
        }
        let count = feed.dataset().len();
        let mut scores = Vec::with_capacity(count);
        for start in (0..count).step_by(PORTION) {
            let samples = feed.samples(start..(start + PORTION).min(count))?;
            scores.extend(judge.player.network.sample(&samples)?.to_vec_f32()?);
        }
        Ok(scores)
    }

    /// Goes on to the next member: finds what the mixture misses.
    fn advance(&mut self, feed: &mut Feed, step: u64) -> Result<()> {
        if self.ensemble.boosting {
            // (1 - D) / D = exp(-score): how much more of it the mixture makes than there is.
            let ratios: Vec<f64> =
                self.judged(feed, step)?.into_iter().map(|score| f64::from(-score).exp()).collect();
            let share = 1.0 / (self.current as f64 + 2.0);
            self.weights = Some(missed(&ratios, share).into_iter().map(|weight| weight as f32).collect());
        }
        self.current += 1;
        Ok(())
    }
}

/// The weights, summing to 1, of samples that a mixture makes `ratios` times as often as they occur, for a new member
/// of `share` in the mixture: `w_i = (1 / (N share)) max(0, lambda - (1 - share) d_i)` (the paper's theorem 1 and
/// algorithm 1).
fn missed(ratios: &[f64], share: f64) -> Vec<f64> {
    let count = ratios.len() as f64;
    let mut sorted = ratios.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (mut sum, mut lambda) = (0.0, f64::INFINITY);
    for (index, ratio) in sorted.iter().enumerate() {
        sum += ratio;
        let part = (index + 1) as f64 / count;
        lambda = share / part * (1.0 + (1.0 - share) / share * sum / count);
        if sorted.get(index + 1).is_some_and(|next| (1.0 - share) * next >= lambda) {
            break;
        }
    }
    ratios.iter().map(|ratio| (lambda - (1.0 - share) * ratio).max(0.0) / (count * share)).collect()
}

impl System for AdaGan {
    fn networks(&self) -> Vec<&Network> {
        self.members.iter().flat_map(System::networks).collect()
    }

    fn train_step(&mut self, feed: &mut Feed, step: u64) -> Result<Report> {
        while (self.current as u64 + 1) * self.member_steps <= step && self.current + 1 < self.members.len() {
            self.advance(feed, step)?;
            self.weighed = false;
        }
        if !self.weighed {
            feed.weigh(self.weights.as_deref());
            self.weighed = true;
        }
        let first = self.current as u64 * self.member_steps;
        let mut report = match self.members.get_mut(self.current) {
            Some(member) => member.train_step(feed, step - first)?,
            None => Report::new(),
        };
        report.insert("member in training".into(), self.current as f64 + 1.0);
        Ok(report)
    }

    fn sample_shape(&self) -> SampleShape {
        self.sample
    }

    fn device(&self) -> &Device {
        &self.device
    }

    /// The members' own, and a number in [0, 1] that chooses the member.
    fn latent_space(&self) -> Result<LatentSpace> {
        let mut parts = match self.members.first() {
            Some(member) => member.latent_space()?.parts().to_vec(),
            None => Vec::new(),
        };
        let distribution = Distribution::Uniform { size: 1, low: 0.0, high: 1.0 };
        parts.push(LatentPart { name: MEMBER, distribution });
        Ok(LatentSpace::new(parts))
    }

    fn generate(&self, latents: &Variable) -> Result<Variable> {
        self.latent_space()?.check(latents)?;
        let size = latents.shape()[1] - 1;
        let choices = latents.narrow(1, size, 1)?.to_vec_f32()?;
        let own = latents.narrow(1, 0, size)?;
        let trained = self.current + 1;
        let member = |choice: f32| ((choice.max(0.0) * trained as f32) as usize).min(self.current);
        let mut order = Vec::with_capacity(choices.len());
        let mut parts = Vec::new();
        for (number, duel) in self.members.iter().enumerate().take(trained) {
            let rows: Vec<u32> = (0..choices.len())
                .filter(|&row| member(choices[row]) == number)
                .map(|row| row as u32)
                .collect();
            if !rows.is_empty() {
                parts.push(duel.generate(&own.index_select(0, &rows)?)?);
                order.extend(rows);
            }
        }
        let mut places = vec![0; order.len()];
        for (place, &row) in order.iter().enumerate() {
            places[row as usize] = place as u32;
        }
        let joined = Variable::concatenate(&parts.iter().collect::<Vec<_>>(), 0)?;
        Ok(joined.index_select(0, &places)?)
    }

    fn save(&mut self, state: &mut State) -> Result<()> {
        for (number, member) in self.members.iter_mut().enumerate() {
            let mut own = State::default();
            member.save(&mut own)?;
            state.absorb(&format!("member{number}"), own);
        }
        state.counters.insert("ensemble.current".into(), self.current as u64);
        if let Some(weights) = &self.weights {
            let stored = StoredTensor { shape: vec![weights.len()], data: weights.clone() };
            state.tensors.insert(WEIGHTS.into(), stored);
        }
        Ok(())
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        for (number, member) in self.members.iter_mut().enumerate() {
            member.restore(&state.part(&format!("member{number}")))?;
        }
        let last = self.members.len().saturating_sub(1);
        self.current = (state.counter("ensemble.current")? as usize).min(last);
        self.weights = state.tensors.get(WEIGHTS).map(|stored| stored.data.clone());
        self.weighed = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_member_gets_what_is_missed() {
        assert_eq!(missed(&[0.0, 0.0, 2.0, 2.0], 0.5), [0.5, 0.5, 0.0, 0.0]);
        // A mixture that makes everything as often as it occurs misses nothing in particular.
        let even = missed(&[1.0; 5], 0.25);
        assert!(even.iter().all(|weight| (weight - 0.2).abs() < 1e-12), "{even:?}");
        let some = missed(&[0.1, 0.5, 3.0, 0.9], 1.0 / 3.0);
        assert!((some.iter().sum::<f64>() - 1.0).abs() < 1e-12 && some[0] > some[1] && some[2] == 0.0);
    }
}
