//! The duel: one generator, one discriminator, an objective. Two dozen systems are a duel with a recipe.

mod conditions;
mod critic;
mod recipe;
mod updates;

pub use conditions::{CATEGORY, CODE, CodesRecipe, ConditionRecipe, DiscriminatorHears, GeneratorHears};
pub use recipe::{DuelRecipe, Order, Players, UpdateRecipe};

use brigand_autograd::{Variable, grad, without_recording};
use candle_core::Device;

use super::average::WeightAverage;
use super::feed::Feed;
use super::player::Player;
use super::recognition::no_labels;
use super::state::{Fragment, State};
use super::{Report, Setup, System, TheoryLine};
use crate::error::{Error, Result};
use crate::layers::Mode;
use crate::networks::{GeneratorOptions, Head, Hearing, Network, NetworkRecipe, SampleShape, Setting};
use crate::random::Stream;
use crate::systems::LatentSpace;
use crate::techniques::{EncoderRecipe, HistoricalAverage};
use crate::training::history::{DISCRIMINATOR_LOSS, GENERATOR_LOSS};
use conditions::{INFORMATION, Recognition, latent_space};
use critic::Critic;
use updates::Draw;

/// A generator and a discriminator in training.
pub struct Duel {
    recipe: DuelRecipe,
    sample_shape: SampleShape,
    steps: u64,
    device: Device,
    space: LatentSpace,
    recognition: Recognition,
    generator: Player,
    critic: Critic,
    /// From samples back to latents; it learns with the generator.
    encoder: Option<Player>,
    average: Option<WeightAverage>,
    history: Option<Players<HistoricalAverage>>,
}

/// Samples in the reference batch of virtual batch normalisation.
const REFERENCE: usize = 64;

impl Duel {
    /// Builds the networks that `recipe` asks for, with first values from the seed.
    ///
    /// # Errors
    /// If the recipe is impossible or a network does not fit the samples.
    pub fn new(recipe: DuelRecipe, setup: &Setup<'_>) -> Result<Self> {
        recipe.check()?;
        let (sample, seed, device) = (setup.sample, setup.seed, setup.device);
        let techniques = &recipe.techniques;
        if !setup.batch.is_multiple_of(techniques.packing) {
            return Err(Error::Recipe(format!(
                "a batch of {} cannot be packed by {}; give training.batch a multiple of techniques.packing",
                setup.batch, techniques.packing
            )));
        }
        let classes = setup.classes.len();
        if recipe.condition.is_on() && classes < 2 {
            return Err(if classes == 0 { no_labels() } else { one_class() });
        }
        let space = latent_space(&recipe.latent, &recipe.codes, &recipe.condition, setup.classes);
        let recognition = Recognition::new(recipe.condition, recipe.codes, classes);
        let reference = techniques
            .virtual_batch_norm
            .then(|| space.draw(REFERENCE, &mut Stream::new(seed, "reference", 0), device))
            .transpose()?;
        let conditional = (recipe.condition.generator == GeneratorHears::BatchNorm).then_some(classes);
        let noise = space.size() - conditional.unwrap_or(0);
        let options = GeneratorOptions { reference, conditional, logits: false };
        let generator = recipe.generator.generator("generator", noise, sample, options, seed, device)?;
        let head = Head {
            outputs: None,
            minibatch: techniques.minibatch,
            spectral: recipe.constraint.normalizes_weights(),
            condition: recipe.condition.hearing(classes),
            second: recognition.size(),
        };
        let judged = sample.packed(techniques.packing);
        let network = recipe.discriminator.discriminator("discriminator", judged, head, seed, device)?;
        recipe.check_coupling(network.couples_samples())?;
        let encoder = (techniques.encoder != EncoderRecipe::None {})
            .then(|| {
                let head = Head { outputs: Some(recipe.latent.size), ..Head::default() };
                let network = recipe.discriminator.discriminator("encoder", sample, head, seed, device)?;
                Ok::<_, Error>(Player::new(network, recipe.optimizer.generator))
            })
            .transpose()?;
        let average = WeightAverage::new(recipe.average, &generator.weights);
        let history = (techniques.historical_averaging > 0.0).then(|| Players {
            generator: HistoricalAverage::new(&generator.weights),
            discriminator: HistoricalAverage::new(&network.weights),
        });
        let generator = Player::new(generator, recipe.optimizer.generator);
        let player = Player::new(network, recipe.optimizer.discriminator);
        let critic = Critic { player, constraint: recipe.constraint };
        let (sample_shape, steps, device) = (sample, setup.steps, device.clone());
        Ok(Self {
            recipe,
            sample_shape,
            steps,
            device,
            space,
            recognition,
            generator,
            critic,
            encoder,
            average,
            history,
        })
    }

    /// What the generator's first layer and its batch normalisation get of `latents`.
    fn heard(&self, latents: &Variable) -> Result<(Variable, Option<Variable>)> {
        if self.recipe.condition.generator != GeneratorHears::BatchNorm {
            return Ok((latents.clone(), None));
        }
        let classes = self.space.classes();
        let noise = self.space.size() - classes;
        Ok((latents.narrow(1, 0, noise)?, Some(latents.narrow(1, noise, classes)?)))
    }

    /// Whether the discriminator cannot judge without a class.
    fn conditions_critic(&self) -> bool {
        self.recipe.condition.hearing(1) != Hearing::Nothing
    }

    /// Everything a checkpoint holds, by name.
    fn parts(&mut self) -> Vec<(&'static str, &mut dyn Fragment)> {
        let mut parts: Vec<(&'static str, &mut dyn Fragment)> =
            vec![("generator", &mut self.generator), ("discriminator", &mut self.critic.player)];
        parts.extend(self.encoder.as_mut().map(|encoder| ("encoder", encoder as &mut dyn Fragment)));
        if let Some(history) = &mut self.history {
            parts.push(("history.generator", &mut history.generator));
            parts.push(("history.discriminator", &mut history.discriminator));
        }
        parts.extend(self.average.as_mut().map(|average| ("average", average as &mut dyn Fragment)));
        parts
    }
}

impl System for Duel {
    fn networks(&self) -> Vec<&Network> {
        let encoder = self.encoder.as_ref().map(|encoder| &encoder.network);
        [&self.generator.network, &self.critic.player.network].into_iter().chain(encoder).collect()
    }

    fn train_step(&mut self, feed: &mut Feed, step: u64) -> Result<Report> {
        let mut report = Report::new();
        let rounds = u64::from(self.recipe.update.discriminator_steps);
        let draw = |number| Draw { seed: feed.seed(), number, step };
        let draws: Vec<Draw> = (0..rounds).map(|round| draw(step * rounds + round)).collect();
        for (round, &draw) in draws.iter().enumerate() {
            self.update_round(feed, draw, round + 1 == draws.len(), &mut report)?;
        }
        if let (Order::Alternating, Some(&last)) = (self.recipe.update.order, draws.last()) {
            let made = self.make(feed, "latents/generator", (step, last), Mode::Training)?;
            self.update_generator(feed, &made, last, &mut report)?;
        }
        if let Some(average) = &mut self.average {
            average.follow(&self.generator.network.weights)?;
        }
        Ok(report)
    }

    fn sample_shape(&self) -> SampleShape {
        self.sample_shape
    }

    fn device(&self) -> &Device {
        &self.device
    }

    fn latent_space(&self) -> Result<LatentSpace> {
        Ok(self.space.clone())
    }

    fn generate(&self, latents: &Variable) -> Result<Variable> {
        self.space.check(latents)?;
        let (input, condition) = self.heard(latents)?;
        let weights = self.average.as_ref().map(|average| &average.weights);
        let setting = Setting { weights, condition: condition.as_ref(), ..Setting::plain(Mode::Sampling) };
        let make = || Ok(self.generator.network.judge(setting, &input)?.output);
        if latents.has_history() { make() } else { without_recording(make) }
    }

    /// What a discriminator that is an auto-encoder makes of them.
    fn reconstruct(&self, samples: &Variable, _: Option<&[u32]>) -> Result<Option<Variable>> {
        let reconstructs = matches!(self.recipe.discriminator, NetworkRecipe::Autoencoder(_));
        if !reconstructs || self.recipe.techniques.packing > 1 {
            return Ok(None);
        }
        let setting = Setting::plain(Mode::Sampling);
        without_recording(|| Ok(self.critic.player.network.judge(setting, samples)?.reconstruction))
    }

    fn opinion(&self, places: &Variable) -> Result<Option<(Variable, Variable)>> {
        if self.recipe.techniques.packing > 1 || self.conditions_critic() {
            return Ok(None);
        }
        let places = Variable::leaf(places.tensor().clone());
        let scores = self.critic.score(&places)?;
        let slopes = grad(&scores.sum_all()?, &[&places], false)?;
        Ok(slopes.into_iter().next().map(|slopes| (scores.detach(), slopes)))
    }

    fn save(&mut self, state: &mut State) -> Result<()> {
        self.parts().into_iter().try_for_each(|(name, part)| part.save(name, state))
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        self.parts().into_iter().try_for_each(|(name, part)| part.restore(name, state))
    }

    fn theory(&self) -> Vec<TheoryLine> {
        let line = |metric, label, value| TheoryLine { metric, label, value };
        let mut lines = match self.recipe.objective.properties().equilibrium {
            None => Vec::new(),
            Some((discriminator, generator)) if discriminator == generator => {
                vec![line(DISCRIMINATOR_LOSS, "both when D cannot tell", discriminator)]
            }
            Some((discriminator, generator)) => vec![
                line(DISCRIMINATOR_LOSS, "D when it cannot tell", discriminator),
                line(GENERATOR_LOSS, "G when D cannot tell", generator),
            ],
        };
        let most = self.recognition.greatest_information();
        lines.extend(most.map(|value| line(INFORMATION, "all of the code", value)));
        lines
    }
}

fn one_class() -> Error {
    Error::Request(
        "all samples are of one class, so there is nothing to ask for; give data with at least two".into(),
    )
}
