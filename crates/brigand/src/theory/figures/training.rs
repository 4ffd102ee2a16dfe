//! A generator and a discriminator small enough to be evaluated at every step, with the same networks, objectives,
//! penalties and optimizers as every trained system.

use brigand_autograd::{Output, Variable, without_recording};
use brigand_core::batch::{Feed, SampleShape, Schema};
use brigand_core::latent::LatentRecipe;
use brigand_core::modules::Mode;
use brigand_core::networks::{
    Discriminator, DiscriminatorOptions, Generator, GeneratorOptions, Hidden, HiddenNormalization, MlpRecipe,
    NetworkRecipe,
};
use brigand_core::objectives::Objective;
use brigand_core::penalties::Penalty;
use brigand_core::players::{Conditioned, Critic, Gateway, OptimizerRecipe, Player, Rules, Turn};
use brigand_core::random::Stream;
use brigand_core::{Place, Setup};
use candle_core::Device;

use crate::data::Toy;
use crate::error::Result;

/// What both networks are built for: no data, whose batches the figures make themselves.
fn setup(seed: u64) -> Setup {
    Setup { schema: Schema::default(), batch: 1, steps: 1, seed, place: Place::cpu() }
}

/// One step outside a run, number `step`.
fn in_turn<R>(seed: u64, step: u64, body: impl FnOnce(&mut Turn<'_>) -> Result<R>) -> Result<R> {
    let (mut feed, mut gateway) = (Feed::new(Vec::new(), 1, seed, &Place::cpu())?, Gateway::default());
    body(&mut Turn::new((step, u64::MAX), seed, (0, 1), &mut feed, &mut gateway))
}

/// A discriminator or critic in training.
pub(super) struct FigureCritic {
    critic: Critic<Discriminator>,
    seed: u64,
    steps: u64,
}

impl FigureCritic {
    pub(super) fn new(
        recipe: &NetworkRecipe,
        sample: SampleShape,
        (objective, penalty): (Objective, Penalty),
        optimizer: OptimizerRecipe,
        seed: u64,
    ) -> Result<Self> {
        let options = DiscriminatorOptions::default();
        let network = recipe.discriminator("discriminator", &setup(seed), sample, options)?;
        let rules = Rules { penalty, ..Rules::plain(objective) };
        Ok(Self { critic: Critic::new(Player::new(network, optimizer)?, rules)?, seed, steps: 0 })
    }

    /// One step on a real and a generated batch.
    pub(super) fn learn(&mut self, real: &Variable, fake: &Variable) -> Result<()> {
        let (real, fake) = (Conditioned::alone(real.clone()), Conditioned::alone(fake.clone()));
        let critic = &mut self.critic;
        in_turn(self.seed, self.steps, |turn| {
            let draw = turn.only_draw();
            critic.learn(turn, draw, &real, &fake)
        })?;
        self.steps += 1;
        Ok(())
    }

    /// The scores of samples `[n, sample...]`.
    pub(super) fn scores(&self, samples: &Variable) -> Result<Vec<f64>> {
        Ok(self.critic.field(&Conditioned::alone(samples.clone()))?.0.to_vec()?)
    }
}

/// A generator in training.
pub(super) struct FigureGenerator {
    player: Player<Generator>,
    latent: LatentRecipe,
    seed: u64,
    steps: u64,
}

impl FigureGenerator {
    pub(super) fn new(
        recipe: &NetworkRecipe,
        sample: SampleShape,
        latent: LatentRecipe,
        optimizer: OptimizerRecipe,
        seed: u64,
    ) -> Result<Self> {
        let options = GeneratorOptions::new(latent.size, sample);
        let network = recipe.generator("generator", &setup(seed), options)?;
        Ok(Self { player: Player::new(network, optimizer)?, latent, seed, steps: 0 })
    }

    /// A batch to train a discriminator on, number `draw`.
    pub(super) fn batch(&mut self, count: usize, draw: u64) -> Result<Variable> {
        let latents = self.latents(count, "figure/discriminated", draw)?;
        let stream = &mut Stream::new(self.seed, "figure/dropout", draw);
        without_recording(|| {
            self.player.run(Mode::BatchStatistics, stream, |g, pass| g.forward(pass, &latents, None))
        })
    }

    /// Samples for latents `[n, latent]`, as they are when training is over.
    pub(super) fn samples(&self, latents: &Variable) -> Result<Variable> {
        self.player.sample(latents, |g, pass| g.forward(pass, latents, None))
    }

    pub(super) fn latents(&self, count: usize, purpose: &str, draw: u64) -> Result<Variable> {
        self.latent.draw(count, &mut Stream::new(self.seed, purpose, draw), &Device::Cpu)
    }

    /// The loss under `objective` on `count` samples.
    fn loss(&mut self, critic: &mut FigureCritic, objective: Objective, count: usize) -> Result<Variable> {
        let latents = self.latents(count, "figure/generated", self.steps)?;
        let fake = self.player.train(|g, pass| g.forward(pass, &latents, None))?;
        let stream = &mut Stream::new(self.seed, "figure/dropout", self.steps);
        let scored = critic.critic.score(None, &Conditioned::alone(fake), Mode::BatchStatistics, stream)?;
        let scores = scored.single()?;
        objective.generator_loss(&brigand_core::objectives::Scores::new(&scores.detach(), scores))
    }

    /// The gradients of the generator's loss under `objective` on `count` samples.
    pub(super) fn gradients(
        &mut self,
        critic: &mut FigureCritic,
        objective: Objective,
        count: usize,
    ) -> Result<Vec<Variable>> {
        let loss = self.loss(critic, objective, count)?;
        let player = &self.player;
        in_turn(self.seed, self.steps, |turn| {
            let output = [Output { variable: &loss, weight: None }];
            Ok(turn.gradients(&[player], &output, &[], false)?.0.into_iter().flatten().collect())
        })
    }

    /// One step against `critic`, by its objective.
    pub(super) fn learn(&mut self, critic: &mut FigureCritic, count: usize) -> Result<()> {
        let objective = critic.critic.rules().objective;
        let loss = self.loss(critic, objective, count)?;
        let player = &mut self.player;
        in_turn(self.seed, self.steps, |turn| turn.descend(&mut [player], &loss))?;
        self.steps += 1;
        Ok(())
    }
}

/// Fully connected layers without normalisation.
pub(super) fn mlp(widths: &[usize], activation: Hidden) -> NetworkRecipe {
    let (widths, normalization) = (widths.to_vec(), HiddenNormalization::None);
    NetworkRecipe::Mlp(MlpRecipe { widths, activation, normalization, ..MlpRecipe::default() })
}

/// Batch number `draw` of a toy distribution, `[count, dimensions]`.
pub(super) fn toy_batch(toy: Toy, count: usize, draw: u64) -> Result<Variable> {
    let (points, _) = toy.draw(count, &mut Stream::new(0, "figure/real", draw));
    Ok(Variable::from_slice(&points, &[count, toy.dimensions()])?)
}

/// Numbers as a column of samples with one coordinate, `[n, 1]`.
pub(super) fn column(values: impl Iterator<Item = f64>) -> Result<Variable> {
    let values: Vec<f32> = values.map(|value| value as f32).collect();
    Ok(Variable::from_slice(&values, &[values.len(), 1])?)
}

/// The length of all gradients together.
pub(super) fn length(gradients: &[Variable]) -> Result<f64> {
    let mut sum = 0.0;
    for gradient in gradients {
        sum += gradient.to_vec()?.iter().map(|value| value * value).sum::<f64>();
    }
    Ok(sum.sqrt())
}
