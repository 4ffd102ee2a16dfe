//! The duel: one generator, one discriminator, an objective. Two dozen systems are a duel with a recipe.

use brigand_autograd::{GradientOptions, Output, Variable, grad_of, without_recording};
use candle_core::Device;
use serde::{Deserialize, Serialize};

use super::average::{AverageRecipe, WeightAverage};
use super::feed::Feed;
use super::latent::LatentRecipe;
use super::optimizer::{Optimizer, OptimizerRecipe};
use super::state::{Fragment, State};
use super::{Report, System, TheoryLine};
use crate::error::{Error, Result};
use crate::layers::Mode;
use crate::networks::{Network, NetworkRecipe, SampleShape};
use crate::objectives::{Objective, Scores};
use crate::penalties::Penalty;
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

/// Which fakes the generator's update uses, and which discriminator judges them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// The textbook's: the discriminator steps, then the generator steps on fresh latents.
    Alternating,
    /// The discriminator steps, then the generator steps on the same fakes, judged anew: one generator
    /// pass serves both.
    SharedFakes,
    /// Both step at once, from the same fakes and the discriminator before its step: a different
    /// algorithm, the simultaneous one, for less work.
    Merged,
}

/// Who steps when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateRecipe {
    /// Discriminator updates, each on a fresh real batch and fresh latents, for one generator update.
    pub discriminator_steps: u32,
    /// How the last of them and the generator's follow each other.
    pub order: Order,
}

impl Default for UpdateRecipe {
    fn default() -> Self {
        Self { discriminator_steps: 1, order: Order::Alternating }
    }
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
    /// What is added to the discriminator's loss.
    pub penalty: Penalty,
    /// How they step.
    pub optimizer: Players<OptimizerRecipe>,
    /// Who steps when.
    pub update: UpdateRecipe,
    /// The average of the generator's weights that samples are taken from.
    pub average: AverageRecipe,
}

impl DuelRecipe {
    /// Refuses values that no duel can be fought with.
    pub fn check(&self) -> Result<()> {
        self.latent.check()?;
        self.penalty.check()?;
        self.average.check()?;
        self.optimizer.generator.check("generator")?;
        self.optimizer.discriminator.check("discriminator")?;
        if self.update.discriminator_steps == 0 {
            return Err(Error::Recipe(
                "update.discriminator_steps is 0, so the discriminator would never learn; give at least 1"
                    .into(),
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
    average: Option<WeightAverage>,
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
        let average = WeightAverage::new(recipe.average, &generator.weights);
        Ok(Self {
            recipe,
            sample_shape,
            device: device.clone(),
            generator,
            discriminator,
            optimizers,
            average,
        })
    }

    fn latent_batch(&self, feed: &Feed, purpose: &str, draw: u64) -> Result<Variable> {
        self.recipe.latent.draw(feed.batch_size(), &mut Stream::new(feed.seed(), purpose, draw), &self.device)
    }

    /// The discriminator's verdict on a real and a fake batch, its loss and what to report of them.
    fn judge(&mut self, real: &Variable, fake: &Variable, report: &mut Report) -> Result<Judged> {
        let objective = self.recipe.objective;
        let real_scores = self.discriminator.forward(real, Mode::Training)?;
        let fake_scores = self.discriminator.forward(fake, Mode::Training)?;
        let loss = objective.discriminator_loss(&Scores { real: &real_scores, fake: &fake_scores })?;
        report.insert(DISCRIMINATOR_LOSS.into(), loss.scalar()?);
        if let Some(threshold) = objective.decision_threshold() {
            report.insert(ACCURACY_ON_REAL.into(), share_above(&real_scores, threshold)?);
            report.insert(ACCURACY_ON_FAKE.into(), 1.0 - share_above(&fake_scores, threshold)?);
        }
        Ok(Judged { real_scores, fake_scores, loss })
    }

    /// The penalty on the critic for this pair of batches, if the recipe has one.
    fn penalty(&mut self, real: &Variable, fake: &Variable, draw: Draw<'_>) -> Result<Option<Variable>> {
        let mut stream = Stream::new(draw.seed, "penalty", draw.number);
        let discriminator = &mut self.discriminator;
        let mut critic = |samples: &Variable| discriminator.forward(samples, Mode::Frozen);
        let term = self.recipe.penalty.term(&mut critic, real, fake, &mut stream)?;
        if let Some(term) = &term {
            draw.report.insert("penalty".into(), term.scalar()?);
        }
        Ok(term)
    }

    /// One discriminator update on a fresh real batch and `fake`, through which no gradient flows.
    fn update_discriminator(
        &mut self,
        feed: &mut Feed,
        fake: &Variable,
        draw: u64,
        report: &mut Report,
    ) -> Result<()> {
        let (real, fake) = (feed.batch(draw)?.samples, fake.detach());
        let mut loss = self.judge(&real, &fake, report)?.loss;
        let drawn = Draw { seed: feed.seed(), number: draw, report };
        if let Some(term) = self.penalty(&real, &fake, drawn)? {
            loss = loss.add(&term)?;
        }
        let gradients = self.discriminator.gradients(whole(&loss), None, false)?;
        self.optimizers.discriminator.step(&mut self.discriminator.weights, &gradients)
    }

    /// One generator update on `fake` through the frozen discriminator.
    fn update_generator(&mut self, fake: &Variable, report: &mut Report) -> Result<()> {
        let scores = self.discriminator.forward(fake, Mode::Frozen)?;
        let loss = self.recipe.objective.generator_loss(&Scores { real: &scores.detach(), fake: &scores })?;
        report.insert(GENERATOR_LOSS.into(), loss.scalar()?);
        let gradients = self.generator.gradients(whole(&loss), None, false)?;
        self.optimizers.generator.step(&mut self.generator.weights, &gradients)
    }

    /// Both updates from one pass of the fakes through the discriminator before its step.
    ///
    /// Where no sample of the discriminator depends on another, the generator's gradient is the
    /// discriminator's own by its fakes, each sample rescaled: one backward pass serves both.
    fn update_both(&mut self, feed: &mut Feed, draw: u64, report: &mut Report) -> Result<()> {
        let objective = self.recipe.objective;
        let real = feed.batch(draw)?.samples;
        let latents = self.latent_batch(feed, "latents/discriminator", draw)?;
        let fake = self.generator.forward(&latents, Mode::Training)?;
        // Its own leaf, so that the discriminator's backward pass ends at the fakes.
        let shown = Variable::leaf(fake.tensor().clone());
        let judged = self.judge(&real, &shown, report)?;
        let scores = Scores { real: &judged.real_scores, fake: &judged.fake_scores };
        let generator_loss = objective.generator_loss(&scores)?;
        report.insert(GENERATOR_LOSS.into(), generator_loss.scalar()?);
        let drawn = Draw { seed: feed.seed(), number: draw, report };
        let term = self.penalty(&real, &shown.detach(), drawn)?;
        let rescaling =
            if self.discriminator.couples_samples() { None } else { objective.fake_rescaling(&scores)? };
        let (mut gradients, pull) = match rescaling {
            Some(ratio) => {
                let mut gradients = self.discriminator.gradients(whole(&judged.loss), Some(&shown), false)?;
                let pull = gradients.pop().map(|own| per_sample(&own, &ratio)).transpose()?;
                (gradients, pull)
            }
            None => {
                let options = GradientOptions { retain_graph: true, ..GradientOptions::default() };
                let pull =
                    grad_of(&[whole(&generator_loss)], &[&shown], options)?.into_iter().flatten().next();
                (self.discriminator.gradients(whole(&judged.loss), None, false)?, pull)
            }
        };
        if let Some(term) = term {
            let own = self.discriminator.gradients_or_none(&term)?;
            gradients = gradients
                .iter()
                .zip(own)
                .map(|(sum, own)| Ok(own.map_or_else(|| Ok(sum.clone()), |own| sum.add(&own))?))
                .collect::<Result<_>>()?;
        }
        let output = Output { variable: &fake, weight: pull.as_ref() };
        let pulled = self.generator.gradients(output, None, false)?;
        self.optimizers.discriminator.step(&mut self.discriminator.weights, &gradients)?;
        self.optimizers.generator.step(&mut self.generator.weights, &pulled)
    }

    /// Everything a checkpoint holds, by name.
    fn parts(&mut self) -> Vec<(&'static str, &mut dyn Fragment)> {
        let mut parts: Vec<(&'static str, &mut dyn Fragment)> = vec![
            ("generator", &mut self.generator),
            ("discriminator", &mut self.discriminator),
            ("optimizer.generator", &mut self.optimizers.generator),
            ("optimizer.discriminator", &mut self.optimizers.discriminator),
        ];
        parts.extend(self.average.as_mut().map(|average| ("average", average as &mut dyn Fragment)));
        parts
    }
}

/// What the discriminator said, and its loss.
struct Judged {
    real_scores: Variable,
    fake_scores: Variable,
    loss: Variable,
}

/// Which draw of the run a random choice belongs to, and where to report it.
struct Draw<'a> {
    seed: u64,
    number: u64,
    report: &'a mut Report,
}

/// A scalar loss as an output to differentiate.
fn whole(loss: &Variable) -> Output<'_> {
    Output { variable: loss, weight: None }
}

/// Each sample's gradient `[batch, ...]` times its factor `[batch]`.
fn per_sample(gradient: &Variable, factors: &Variable) -> Result<Variable> {
    let mut shape = vec![1; gradient.rank()];
    shape[0] = factors.elements();
    Ok(gradient.mul(&factors.reshape(&shape)?)?)
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
            let (draw, last) = (step * rounds + round, round + 1 == rounds);
            match self.recipe.update.order {
                Order::Merged if last => self.update_both(feed, draw, &mut report)?,
                Order::SharedFakes if last => {
                    let latents = self.latent_batch(feed, "latents/discriminator", draw)?;
                    let fake = self.generator.forward(&latents, Mode::Training)?;
                    self.update_discriminator(feed, &fake, draw, &mut report)?;
                    self.update_generator(&fake, &mut report)?;
                }
                _ => {
                    let latents = self.latent_batch(feed, "latents/discriminator", draw)?;
                    let fake = without_recording(|| self.generator.forward(&latents, Mode::Frozen))?;
                    self.update_discriminator(feed, &fake, draw, &mut report)?;
                }
            }
        }
        if self.recipe.update.order == Order::Alternating {
            let latents = self.latent_batch(feed, "latents/generator", step)?;
            let fake = self.generator.forward(&latents, Mode::Training)?;
            self.update_generator(&fake, &mut report)?;
        }
        if let Some(average) = &mut self.average {
            average.follow(&self.generator.weights)?;
        }
        Ok(report)
    }

    fn sample_shape(&self) -> SampleShape {
        self.sample_shape
    }

    fn latents(&self, count: usize, stream: &mut Stream) -> Result<Variable> {
        self.recipe.latent.draw(count, stream, &self.device)
    }

    fn generate(&self, latents: &Variable) -> Result<Variable> {
        self.generator.sample(self.average.as_ref().map(|average| &average.weights), latents)
    }

    fn save(&mut self, state: &mut State) -> Result<()> {
        self.parts().into_iter().try_for_each(|(name, part)| part.save(name, state))
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.parts().into_iter().try_for_each(|(name, part)| part.restore(name, state))
    }

    fn theory(&self) -> Vec<TheoryLine> {
        let Some((discriminator, generator)) = self.recipe.objective.equilibrium() else { return Vec::new() };
        vec![
            TheoryLine { metric: DISCRIMINATOR_LOSS, label: "ln 4: D cannot tell", value: discriminator },
            TheoryLine { metric: GENERATOR_LOSS, label: "G when D cannot tell", value: generator },
        ]
    }
}
