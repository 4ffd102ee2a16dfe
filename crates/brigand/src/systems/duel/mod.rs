//! The duel: one generator, one discriminator, an objective. Two dozen systems are a duel with a recipe.

mod critic;
mod recipe;
mod updates;

pub use recipe::{DuelRecipe, Order, Players, UpdateRecipe};

use brigand_autograd::{Variable, grad};
use candle_core::Device;

use super::average::WeightAverage;
use super::feed::Feed;
use super::optimizer::Optimizer;
use super::state::{Fragment, State};
use super::{Report, Setup, System, TheoryLine};
use crate::error::{Error, Result};
use crate::layers::Mode;
use crate::networks::{Head, Network, SampleShape};
use crate::penalties::Constraint;
use crate::random::Stream;
use crate::techniques::{EncoderRecipe, HistoricalAverage};
use crate::training::history::{DISCRIMINATOR_LOSS, GENERATOR_LOSS};
use critic::Critic;
use updates::Draw;

/// A generator and a discriminator in training.
pub struct Duel {
    recipe: DuelRecipe,
    sample_shape: SampleShape,
    steps: u64,
    device: Device,
    generator: Network,
    critic: Critic,
    encoder: Option<Encoder>,
    optimizers: Players<Optimizer>,
    average: Option<WeightAverage>,
    history: Option<Players<HistoricalAverage>>,
}

/// The network from samples back to latents, which learns with the generator.
struct Encoder {
    network: Network,
    optimizer: Optimizer,
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
        let reference = techniques
            .virtual_batch_norm
            .then(|| recipe.latent.draw(REFERENCE, &mut Stream::new(seed, "reference", 0), device))
            .transpose()?;
        let generator = recipe.generator.generator(recipe.latent.size, sample, reference, seed, device)?;
        let head = Head {
            outputs: None,
            minibatch: techniques.minibatch,
            spectral: recipe.constraint == Constraint::Spectral {},
        };
        let judged = sample.packed(techniques.packing);
        let network = recipe.discriminator.discriminator("discriminator", judged, head, seed, device)?;
        recipe.check_coupling(network.couples_samples())?;
        let encoder = (techniques.encoder != EncoderRecipe::None {})
            .then(|| {
                let head = Head { outputs: Some(recipe.latent.size), ..Head::default() };
                let network = recipe.discriminator.discriminator("encoder", sample, head, seed, device)?;
                Ok::<_, Error>(Encoder { network, optimizer: Optimizer::new(recipe.optimizer.generator) })
            })
            .transpose()?;
        let optimizers = Players {
            generator: Optimizer::new(recipe.optimizer.generator),
            discriminator: Optimizer::new(recipe.optimizer.discriminator),
        };
        let average = WeightAverage::new(recipe.average, &generator.weights);
        let history = (techniques.historical_averaging > 0.0).then(|| Players {
            generator: HistoricalAverage::new(&generator.weights),
            discriminator: HistoricalAverage::new(&network.weights),
        });
        let critic = Critic { network, constraint: recipe.constraint };
        let (sample_shape, steps, device) = (sample, setup.steps, device.clone());
        Ok(Self {
            recipe,
            sample_shape,
            steps,
            device,
            generator,
            critic,
            encoder,
            optimizers,
            average,
            history,
        })
    }

    /// Everything a checkpoint holds, by name.
    fn parts(&mut self) -> Vec<(&'static str, &mut dyn Fragment)> {
        let mut parts: Vec<(&'static str, &mut dyn Fragment)> = vec![
            ("generator", &mut self.generator),
            ("discriminator", &mut self.critic.network),
            ("optimizer.generator", &mut self.optimizers.generator),
            ("optimizer.discriminator", &mut self.optimizers.discriminator),
        ];
        if let Some(encoder) = &mut self.encoder {
            parts.push(("encoder", &mut encoder.network));
            parts.push(("optimizer.encoder", &mut encoder.optimizer));
        }
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
        [&self.generator, &self.critic.network].into_iter().chain(encoder).collect()
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
            let made = self.make(feed, "latents/generator", step, Mode::Training)?;
            self.update_generator(feed, &made, last, &mut report)?;
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

    fn opinion(&self, places: &Variable) -> Result<Option<(Variable, Variable)>> {
        if self.recipe.techniques.packing > 1 {
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
        let Some((discriminator, generator)) = self.recipe.objective.equilibrium() else { return Vec::new() };
        if discriminator == generator {
            let label = "both when D cannot tell";
            return vec![TheoryLine { metric: DISCRIMINATOR_LOSS, label, value: discriminator }];
        }
        vec![
            TheoryLine { metric: DISCRIMINATOR_LOSS, label: "D when it cannot tell", value: discriminator },
            TheoryLine { metric: GENERATOR_LOSS, label: "G when D cannot tell", value: generator },
        ]
    }
}
