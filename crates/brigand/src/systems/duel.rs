//! The duel: one generator, one discriminator, an objective. Two dozen systems are a duel with a recipe.

use brigand_autograd::{Variable, grad, without_recording};
use candle_core::Device;
use serde::{Deserialize, Serialize};

use super::feed::Feed;
use super::latent::LatentRecipe;
use super::optimizer::{Optimizer, OptimizerRecipe};
use super::state::{Fragment, State};
use super::{Report, System, TheoryLine};
use crate::error::{Error, Result};
use crate::layers::Mode;
use crate::networks::{Network, NetworkRecipe, SampleShape};
use crate::objectives::{Objective, Scores};
use crate::random::Stream;
use crate::training::history::{ACCURACY_ON_FAKE, ACCURACY_ON_REAL, DISCRIMINATOR_LOSS, GENERATOR_LOSS};

/// A value for each player.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Players<T> {
    /// The generator's.
    pub generator: T,
    /// The discriminator's.
    pub discriminator: T,
}

/// The order of updates within a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateRecipe {
    /// Discriminator updates, each on a fresh real batch and fresh latents, before the generator's one.
    pub discriminator_steps: u32,
}

/// Everything that makes a duel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DuelRecipe {
    /// The noise the generator starts from.
    pub latent: LatentRecipe,
    /// The generator's network.
    pub generator: NetworkRecipe,
    /// The discriminator's network.
    pub discriminator: NetworkRecipe,
    /// What the players minimise.
    pub objective: Objective,
    /// How they step.
    pub optimizer: Players<OptimizerRecipe>,
    /// Who steps when.
    pub update: UpdateRecipe,
}

impl DuelRecipe {
    /// Refuses values that no duel can be fought with.
    pub fn check(&self) -> Result<()> {
        self.latent.check()?;
        self.optimizer.generator.check("generator")?;
        self.optimizer.discriminator.check("discriminator")?;
        if self.update.discriminator_steps == 0 {
            return Err(Error::Recipe(
                "update.discriminator_steps is 0, so the discriminator would never learn; give at least 1".into(),
            ));
        }
        Ok(())
    }
}

/// A generator and a discriminator in training.
pub struct Duel {
    recipe: DuelRecipe,
    sample_shape: SampleShape,
    device: Device,
    generator: Network,
    discriminator: Network,
    optimizers: Players<Optimizer>,
}

impl Duel {
    /// Builds both networks for samples of `sample_shape`, with first values from `seed`.
    ///
    /// # Errors
    /// If the recipe is impossible or a network does not fit the samples.
    pub fn new(recipe: DuelRecipe, sample_shape: SampleShape, seed: u64, device: &Device) -> Result<Self> {
        recipe.check()?;
        let generator = recipe.generator.generator(recipe.latent.size, sample_shape, seed, device)?;
        let discriminator = recipe.discriminator.discriminator(sample_shape, seed, device)?;
        let optimizers = Players {
            generator: Optimizer::new(recipe.optimizer.generator),
            discriminator: Optimizer::new(recipe.optimizer.discriminator),
        };
        Ok(Self { recipe, sample_shape, device: device.clone(), generator, discriminator, optimizers })
    }

    fn latent_batch(&self, feed: &Feed, purpose: &str, draw: u64) -> Result<Variable> {
        self.recipe.latent.draw(feed.batch_size(), &mut Stream::new(feed.seed(), purpose, draw), &self.device)
    }

    /// One discriminator update on a fresh real batch and detached fakes.
    fn update_discriminator(&mut self, feed: &mut Feed, draw: u64, report: &mut Report) -> Result<()> {
        let real = feed.batch(draw)?.samples;
        let latents = self.latent_batch(feed, "latents/discriminator", draw)?;
        let fake = without_recording(|| self.generator.forward(&latents, Mode::Frozen))?;
        let real_scores = self.discriminator.forward(&real, Mode::Training)?;
        let fake_scores = self.discriminator.forward(&fake, Mode::Training)?;
        let loss = self.recipe.objective.discriminator_loss(&Scores { real: &real_scores, fake: &fake_scores })?;
        report.insert(DISCRIMINATOR_LOSS.into(), loss.scalar()?);
        if let Some(threshold) = self.recipe.objective.decision_threshold() {
            report.insert(ACCURACY_ON_REAL.into(), share_above(&real_scores, threshold)?);
            report.insert(ACCURACY_ON_FAKE.into(), 1.0 - share_above(&fake_scores, threshold)?);
        }
        let gradients = grad(&loss, &self.discriminator.weights.values().iter().collect::<Vec<_>>(), false)?;
        self.optimizers.discriminator.step(&mut self.discriminator.weights, &gradients)
    }

    /// One generator update through the frozen discriminator.
    fn update_generator(&mut self, feed: &mut Feed, step: u64, report: &mut Report) -> Result<()> {
        let latents = self.latent_batch(feed, "latents/generator", step)?;
        let fake = self.generator.forward(&latents, Mode::Training)?;
        let fake_scores = self.discriminator.forward(&fake, Mode::Frozen)?;
        let loss = self.recipe.objective.generator_loss(&Scores { real: &fake_scores, fake: &fake_scores })?;
        report.insert(GENERATOR_LOSS.into(), loss.scalar()?);
        let gradients = grad(&loss, &self.generator.weights.values().iter().collect::<Vec<_>>(), false)?;
        self.optimizers.generator.step(&mut self.generator.weights, &gradients)
    }

    fn parts(&self) -> [(&'static str, &dyn Fragment); 4] {
        [
            ("generator", &self.generator),
            ("discriminator", &self.discriminator),
            ("optimizer.generator", &self.optimizers.generator),
            ("optimizer.discriminator", &self.optimizers.discriminator),
        ]
    }
}

/// The share of scores above `threshold`.
fn share_above(scores: &Variable, threshold: f64) -> Result<f64> {
    let scores = scores.to_vec_f32()?;
    let above = scores.iter().filter(|&&score| f64::from(score) > threshold).count();
    Ok(above as f64 / scores.len().max(1) as f64)
}

impl System for Duel {
    fn networks(&self) -> Vec<&Network> {
        vec![&self.generator, &self.discriminator]
    }

    fn train_step(&mut self, feed: &mut Feed, step: u64) -> Result<Report> {
        let mut report = Report::new();
        let rounds = u64::from(self.recipe.update.discriminator_steps);
        for round in 0..rounds {
            self.update_discriminator(feed, step * rounds + round, &mut report)?;
        }
        self.update_generator(feed, step, &mut report)?;
        Ok(report)
    }

    fn sample_shape(&self) -> SampleShape {
        self.sample_shape
    }

    fn latents(&self, count: usize, stream: &mut Stream) -> Result<Variable> {
        self.recipe.latent.draw(count, stream, &self.device)
    }

    fn generate(&self, latents: &Variable) -> Result<Variable> {
        self.generator.sample(latents)
    }

    fn save(&self, state: &mut State) -> Result<()> {
        self.parts().into_iter().try_for_each(|(name, part)| part.save(name, state))
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.generator.restore("generator", state)?;
        self.discriminator.restore("discriminator", state)?;
        self.optimizers.generator.restore("optimizer.generator", state)?;
        self.optimizers.discriminator.restore("optimizer.discriminator", state)
    }

    fn theory(&self) -> Vec<TheoryLine> {
        let Some((discriminator, generator)) = self.recipe.objective.equilibrium() else { return Vec::new() };
        vec![
            TheoryLine { metric: DISCRIMINATOR_LOSS, label: "ln 4: D cannot tell", value: discriminator },
            TheoryLine { metric: GENERATOR_LOSS, label: "G when D cannot tell", value: generator },
        ]
    }
}
