//! `adagan`: an ensemble of GANs trained one after another, each on the data that those before it miss (Tolstikhin et
//! al. 2017, arXiv:1701.02386). Without boosting it is the plain ensemble (Wang et al. 2016, arXiv:1612.00991).

use brigand_autograd::{Variable, without_recording};
use brigand_core::batch::{Need, SampleKind};
use brigand_core::capability::{Sampler, Sampling};
use brigand_core::latent::{Distribution, LatentPart, LatentSpace, MEMBER};
use brigand_core::modules::{Part, Statistics};
use brigand_core::networks::DiscriminatorOptions;
use brigand_core::objectives::Objective;
use brigand_core::penalties::{Constraint, Penalty};
use brigand_core::players::{Conditioned, Critic, Player, Rules, Scorer, Turn};
use brigand_core::recipe::{Family, Length, Make, Row, SystemRecipe};
use brigand_core::state::State;
use brigand_core::system::{Parts, System};
use brigand_core::techniques::InstanceNoise;
use brigand_core::{Error, Result, Setup, parts};
use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};
use toml::Table;

use super::two_player::{TwoPlayer, TwoPlayerRecipe, ordinary};

/// The ensemble's own table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EnsembleRecipe {
    /// Generators, each trained for an equal share of the steps.
    pub members: usize,
    /// Whether a later member trains on what the earlier ones miss.
    pub boosting: bool,
    /// Steps of the discriminator between the data and the mixture, which measures what the members miss.
    pub discriminator_steps: u64,
    /// What is added to its loss.
    pub penalty: Penalty,
    /// What constrains it without a term in its loss.
    pub constraint: Constraint,
    /// Noise on samples before it.
    pub instance_noise: InstanceNoise,
}

impl Default for EnsembleRecipe {
    fn default() -> Self {
        Self {
            members: 3,
            boosting: true,
            discriminator_steps: 1000,
            penalty: Penalty::default(),
            constraint: Constraint::default(),
            instance_noise: InstanceNoise::default(),
        }
    }
}

impl EnsembleRecipe {
    /// What the discriminator of the mixture minimises: its scores have to be logarithms of ratios of densities.
    fn rules(&self) -> Rules {
        let Self { penalty, constraint, instance_noise: noise, .. } = *self;
        Rules { penalty, constraint, noise, ..Rules::plain(Objective::MINIMAX) }
    }
}

/// Everything that makes an ensemble: the tables of a two-player system, which are its members', and its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Table")]
pub struct AdaGanRecipe {
    /// The members'.
    #[serde(flatten)]
    pub member: TwoPlayerRecipe,
    /// The ensemble's.
    pub ensemble: EnsembleRecipe,
}

impl TryFrom<Table> for AdaGanRecipe {
    type Error = toml::de::Error;

    fn try_from(mut table: Table) -> std::result::Result<Self, toml::de::Error> {
        let ensemble =
            table.remove("ensemble").map_or_else(|| Ok(EnsembleRecipe::default()), toml::Value::try_into)?;
        Ok(Self { member: table.try_into()?, ensemble })
    }
}

/// Its row of the registry.
pub(super) const ROW: Row = Row {
    name: "adagan",
    family: Family::Modes,
    summary: "boosted ensemble of GANs: each is trained on data weighted towards what the earlier ones miss",
    paper: "Tolstikhin et al. 2017, arXiv:1701.02386",
    data: "digits",
    length: |kind| match kind {
        SampleKind::Image => Length { steps: 6000, batch: 64 },
        SampleKind::Points => Length { steps: 15_000, batch: 128 },
    },
    make: Make::of::<AdaGanRecipe>(),
};

impl SystemRecipe for AdaGanRecipe {
    const NEEDS: &'static [Need] = &[Need::Samples];

    fn defaults(kind: SampleKind) -> Result<Self> {
        Ok(Self { member: ordinary(kind), ensemble: EnsembleRecipe::default() })
    }

    fn check(&self) -> Result<()> {
        self.member.check()?;
        self.ensemble.rules().check()?;
        let EnsembleRecipe { members, boosting, discriminator_steps, .. } = self.ensemble;
        if members == 0 || members > 100 {
            return Err(Error::Recipe(format!("ensemble.members is {members}; give 1 to 100")));
        }
        if boosting && discriminator_steps == 0 {
            return Err(Error::Recipe(
                "ensemble.discriminator_steps is 0, so nothing measures what is missed; give at least 1 or set \
                 ensemble.boosting=false"
                    .into(),
            ));
        }
        Ok(())
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        let members = (self.ensemble.members > 1).then_some("ensemble.members");
        self.member.schedule.spread_over_run().into_iter().chain(members).collect()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        let count = self.ensemble.members;
        let member_steps = setup.steps.div_ceil(count as u64).max(1);
        let member = |number: usize| {
            let seed = setup.seed.wrapping_add(1_000_003 * number as u64) & (i64::MAX as u64);
            TwoPlayer::new(self.member.clone(), &Setup { seed, steps: member_steps, ..setup.clone() })
        };
        let members = (0..count).map(member).collect::<Result<Vec<_>>>()?;
        let mut parts = members.first().map_or_else(Vec::new, |member| member.space().parts().to_vec());
        let distribution = Distribution::Uniform { size: 1, low: 0.0, high: 1.0 };
        parts.push(LatentPart { name: MEMBER, distribution });
        Ok(Box::new(AdaGan {
            recipe: self.clone(),
            setup: setup.clone(),
            member_steps,
            members,
            sampling: Sampling::new(LatentSpace::new(parts), setup)?,
            progress: Progress::default(),
        }))
    }
}

/// The members; those after the one in training have not begun.
struct AdaGan {
    recipe: AdaGanRecipe,
    setup: Setup,
    member_steps: u64,
    members: Vec<TwoPlayer>,
    /// Latents are the members' own, and a number in [0, 1] that chooses the member.
    sampling: Sampling,
    progress: Progress,
}

/// How far the ensemble is.
#[derive(Default)]
struct Progress {
    /// The member in training.
    current: usize,
    /// How often each sample of the data should be drawn; `None` is evenly.
    weights: Option<Vec<f32>>,
    /// Whether the feed draws by them yet.
    weighed: bool,
}

impl Part for Progress {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        state.count(format!("{name}.current"), self.current as u64);
        let weights = self.weights.as_ref();
        weights.map_or(Ok(()), |weights| {
            state.put(format!("{name}.weights"), &Tensor::from_slice(weights, weights.len(), &Device::Cpu)?)
        })
    }

    fn restore(&mut self, name: &str, state: &mut State) -> Result<()> {
        self.current = state.counter(&format!("{name}.current"))? as usize;
        let weights = format!("{name}.weights");
        self.weights = match state.holds(&weights) {
            true => Some(state.take_any(&weights, DType::F32, &Device::Cpu)?.to_vec1()?),
            false => None,
        };
        self.weighed = false;
        Ok(())
    }
}

/// Name of the discriminator between the data and the mixture.
const MIXTURE_DISCRIMINATOR: &str = "mixture_discriminator";
/// Name of the number of the member in training, counted from 1.
const MEMBER_IN_TRAINING: &str = "member_in_training";
/// Samples that it scores at once after its training.
const PORTION: usize = 2000;

impl AdaGan {
    /// Scores of the whole data set by a new discriminator between the data and the mixture so far.
    fn mixture_scores(&self, turn: &mut Turn<'_>) -> Result<Vec<f32>> {
        let EnsembleRecipe { discriminator_steps, constraint, .. } = self.recipe.ensemble;
        let member = &self.recipe.member;
        let setup = Setup { seed: turn.feed().seed() ^ turn.step, ..self.setup.clone() };
        let reparametrisation = constraint.reparametrisation();
        let options = DiscriminatorOptions { reparametrisation, ..DiscriminatorOptions::default() };
        let network = member.discriminator.discriminator(
            MIXTURE_DISCRIMINATOR,
            &setup,
            self.sampling.shape,
            options,
        )?;
        let player = Player::new(network, member.optimizer.discriminator)?;
        let mut discriminator = Critic::new(player, self.recipe.ensemble.rules())?;
        turn.feed().weigh(None)?;
        for round in 0..discriminator_steps {
            let (draw, feed) = (turn.draw(turn.step + round), turn.feed());
            let (count, real) = (feed.batch_size(), feed.batch(round)?.samples()?.clone());
            let latents =
                draw.rows("ensemble/mixture", count, |count, stream| Sampler::latents(self, count, stream))?;
            let fake = without_recording(|| self.generate(&latents))?;
            let (real, fake) = (Conditioned::alone(real), Conditioned::alone(fake));
            discriminator.learn(turn, draw, &real, &fake)?;
        }
        let feed = turn.feed();
        let numbers: Vec<usize> = (0..feed.count()).collect();
        let mut scores = Vec::with_capacity(numbers.len());
        for portion in numbers.chunks(PORTION) {
            let samples = feed.samples(portion)?.samples()?.clone();
            let input = Conditioned::alone(samples.clone());
            let scored =
                discriminator.player().sample(&samples, |module, pass| module.score(pass, &input))?;
            scores.extend(scored.single()?.to_vec_f32()?);
        }
        Ok(scores)
    }

    /// Goes on to the next member: finds what the mixture misses.
    fn advance(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        if self.recipe.ensemble.boosting {
            // (1 - D) / D = exp(-score): how much more often the mixture makes a sample than it occurs.
            let scores = self.mixture_scores(turn)?;
            let ratios: Vec<f64> = scores.into_iter().map(|score| f64::from(-score).exp()).collect();
            let share = 1.0 / (self.progress.current as f64 + 2.0);
            let weights = missed(&ratios, share).into_iter().map(|weight| weight as f32).collect();
            self.progress.weights = Some(weights);
        }
        self.progress.current += 1;
        self.progress.weighed = false;
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
    fn parts(&mut self) -> Parts<'_> {
        parts!(self, members, progress)
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let last = self.members.len().saturating_sub(1);
        while (self.progress.current as u64 + 1) * self.member_steps <= turn.step
            && self.progress.current < last
        {
            self.advance(turn)?;
        }
        if !self.progress.weighed {
            turn.feed().weigh(self.progress.weights.as_deref())?;
            self.progress.weighed = true;
        }
        turn.report.note_number(MEMBER_IN_TRAINING, self.progress.current as f64 + 1.0);
        let missing = || Error::State("the checkpoint is of an ensemble with more members".into());
        let member = self.members.get_mut(self.progress.current).ok_or_else(missing)?;
        // A member counts its own steps.
        let (step, steps) = (turn.step, turn.steps);
        let begun = self.progress.current as u64 * self.member_steps;
        let own_step = step.checked_sub(begun).ok_or_else(|| {
            Error::Request(format!(
                "this ensemble is in training with member {} after {step} steps, which in a run of {steps} begins after \
                 {begun}; train a new run of that length",
                self.progress.current + 1
            ))
        })?;
        (turn.step, turn.steps) = (own_step, self.member_steps);
        let done = member.train_step(turn);
        (turn.step, turn.steps) = (step, steps);
        done
    }

    fn as_sampler(&self) -> Option<&dyn Sampler> {
        Some(self)
    }
}

impl Sampler for AdaGan {
    fn sampling(&self) -> &Sampling {
        &self.sampling
    }

    fn generate_with(&self, latents: &Variable, statistics: &mut Statistics<'_>) -> Result<Variable> {
        self.sampling.space.check(latents)?;
        let size = self.sampling.space.size() - 1;
        let choices = latents.narrow(1, size, 1)?.to_vec_f32()?;
        let own = latents.narrow(1, 0, size)?;
        let (current, trained) = (self.progress.current, self.progress.current + 1);
        let member = |choice: f32| ((choice.max(0.0) * trained as f32) as usize).min(current);
        let mut order = Vec::with_capacity(choices.len());
        let mut parts = Vec::new();
        for (number, generator) in self.members.iter().enumerate().take(trained) {
            let chosen = choices.iter().zip(0_u32..).filter(|(choice, _)| member(**choice) == number);
            let rows: Vec<u32> = chosen.map(|(_, row)| row).collect();
            // A member's few rows of a batch would be noise as statistics, and one row has no variance.
            let all = match statistics {
                Statistics::Stored | Statistics::Given(_) => None,
                Statistics::Estimated(_) => Some(generator.generate_with(&own, statistics)?),
            };
            if !rows.is_empty() {
                parts.push(match all {
                    Some(samples) => samples.index_select(0, &rows)?,
                    None => generator.generate_with(&own.index_select(0, &rows)?, statistics)?,
                });
                order.extend(rows);
            }
        }
        let mut places: Vec<(u32, u32)> = order.into_iter().zip(0_u32..).collect();
        places.sort_unstable();
        let places: Vec<u32> = places.into_iter().map(|(_, place)| place).collect();
        let joined = Variable::concatenate(&parts.iter().collect::<Vec<_>>(), 0)?;
        Ok(joined.index_select(0, &places)?)
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
