//! The two-player system: one generator, one discriminator, an objective. About thirty named systems are recipes of it.

mod auxiliary;
mod conditions;
mod recipe;
mod rows;
mod techniques;
mod updates;

pub use conditions::{CodesRecipe, ConditionRecipe, DiscriminatorCondition, GeneratorCondition};
pub(super) use recipe::check_discriminator_steps;
pub use recipe::{DiscriminatorUpdates, Order, Players, TwoPlayerRecipe, UpdateRecipe};
pub use rows::{ROWS, ordinary};
pub use techniques::{EncoderRecipe, Techniques};

use brigand_autograd::Variable;
use brigand_core::batch::{Batch, SampleShape, no_labels};
use brigand_core::capability::{Content, Exhibit, Reconstructor, Sampler, Sampling, ScoreField, Showing};
use brigand_core::latent::LatentSpace;
use brigand_core::measurements::{DISCRIMINATOR_LOSS, GENERATOR_LOSS};
use brigand_core::modules::{Estimate, Minibatch, Network, Parameters, Part, Statistics};
use brigand_core::networks::{
    Discriminator, DiscriminatorOptions, Encoder, Generator, GeneratorNormalization, GeneratorOptions,
};
use brigand_core::players::{
    Conditioned, Critic, HistoricalAverage, OptimizerRecipe, Orthogonal, Player, Scorer, Turn,
};
use brigand_core::random::Stream;
use brigand_core::state::State;
use brigand_core::system::{Parts, System, TheoryLine};
use brigand_core::{Error, Result, Setup, parts};

use auxiliary::{AuxiliaryHead, INFORMATION};
use conditions::latent_space;

/// A generator and a discriminator in training.
pub struct TwoPlayer {
    recipe: TwoPlayerRecipe,
    sampling: Sampling,
    head: AuxiliaryHead,
    generator: Player<Generator>,
    discriminator: Critic<Discriminator>,
    /// From samples back to latents; it learns with the generator.
    encoder: Option<Player<Encoder>>,
}

/// Samples that are shown step by step.
const DRAWN: usize = 10;
/// Samples in the reference batch of virtual batch normalisation.
const REFERENCE: usize = 64;

impl TwoPlayer {
    /// Builds the networks that `recipe` describes, with first values from the seed.
    ///
    /// # Errors
    /// If the batch cannot be packed, a network does not fit the samples, or classes are needed and the data has none.
    pub fn new(recipe: TwoPlayerRecipe, setup: &Setup) -> Result<Self> {
        let (sample_shape, class_counts) = (setup.schema.sample_shape()?, setup.schema.class_counts());
        check_data(&recipe, setup.batch, class_counts)?;
        let space = latent_space(&recipe.latent, &recipe.codes, &recipe.condition, class_counts);
        let head = AuxiliaryHead::new(recipe.condition, recipe.codes, &space);
        let generator = generator(&recipe, setup, sample_shape, &space)?;
        let options = DiscriminatorOptions {
            minibatch: recipe.techniques.minibatch,
            reparametrisation: recipe.constraint.reparametrisation(),
            condition: recipe.condition.of_discriminator(space.classes()),
            auxiliary: head.size(),
        };
        let packed = sample_shape.packed(recipe.techniques.packing);
        let discriminator = recipe.discriminator.discriminator("discriminator", setup, packed, options)?;
        let discriminator = player(discriminator, recipe.optimizer.discriminator, &recipe)?;
        let encoder = match recipe.techniques.encoder {
            EncoderRecipe::None {} => None,
            EncoderRecipe::Entropy { .. } | EncoderRecipe::ModeRegularization { .. } => {
                let encoder =
                    recipe.discriminator.encoder("encoder", setup, sample_shape, recipe.latent.size)?;
                Some(Player::new(encoder, recipe.optimizer.generator)?.scheduled(recipe.schedule))
            }
        };
        Ok(Self {
            generator: player(generator, recipe.optimizer.generator, &recipe)?
                .averaged(recipe.average)
                .with_term(Orthogonal::of(recipe.techniques.orthogonal)),
            discriminator: Critic::new(discriminator, recipe.rules())?,
            encoder,
            sampling: Sampling::new(space, setup)?,
            head,
            recipe,
        })
    }

    /// The inputs of the generator's first layer and of its batch normalisation, of `latents` `[batch, size]`.
    fn generator_inputs(&self, latents: &Variable) -> Result<(Variable, Option<Variable>)> {
        match self.recipe.condition.generator {
            GeneratorCondition::Nothing | GeneratorCondition::Latent => Ok((latents.clone(), None)),
            GeneratorCondition::BatchNorm => {
                let classes = self.sampling.space.classes();
                let noise = self.sampling.space.size() - classes;
                Ok((latents.narrow(1, 0, noise)?, Some(latents.narrow(1, noise, classes)?)))
            }
        }
    }

    /// Whether a sample's score depends on that sample alone, outside training.
    fn scores_single_samples(&self) -> bool {
        let Techniques { packing, minibatch, .. } = self.recipe.techniques;
        packing == 1 && minibatch == Minibatch::None
    }
}

/// Refuses a batch that cannot be packed, and data without the classes that a condition needs.
fn check_data(recipe: &TwoPlayerRecipe, batch: usize, class_counts: &[f64]) -> Result<()> {
    let packing = recipe.techniques.packing;
    if !batch.is_multiple_of(packing) {
        return Err(Error::Recipe(format!(
            "a batch of {batch} cannot be packed by {packing}; give training.batch a multiple of techniques.packing"
        )));
    }
    match (recipe.condition.is_on(), class_counts.len()) {
        (false, _) | (true, 2..) => Ok(()),
        (true, 0) => Err(no_labels()),
        (true, 1) => Err(Error::Data(
            "all samples are of one class, so there is none to choose; give data with at least two".into(),
        )),
    }
}

fn generator(
    recipe: &TwoPlayerRecipe,
    setup: &Setup,
    sample: SampleShape,
    space: &LatentSpace,
) -> Result<Network<Generator>> {
    let (classes, size) = (space.classes(), space.size());
    let (latent, normalization) = match recipe.condition.generator {
        GeneratorCondition::BatchNorm => (size - classes, GeneratorNormalization::ByClass { classes }),
        GeneratorCondition::Nothing | GeneratorCondition::Latent if recipe.techniques.virtual_batch_norm => {
            let stream = &mut Stream::new(setup.seed, "reference", 0);
            let reference = space.draw(REFERENCE, stream, &setup.place.device)?;
            (size, GeneratorNormalization::Virtual { reference })
        }
        GeneratorCondition::Nothing | GeneratorCondition::Latent => (size, GeneratorNormalization::Plain),
    };
    let options = GeneratorOptions { normalization, ..GeneratorOptions::new(latent, sample) };
    recipe.generator.generator("generator", setup, options)
}

/// A player with the settings that both players share.
fn player<M>(network: Network<M>, optimizer: OptimizerRecipe, recipe: &TwoPlayerRecipe) -> Result<Player<M>> {
    let player = Player::new(network, optimizer)?.scheduled(recipe.schedule);
    let history = HistoricalAverage::of(recipe.techniques.historical_averaging, player.weights());
    Ok(player.with_term(history))
}

impl System for TwoPlayer {
    fn parts(&mut self) -> Parts<'_> {
        parts!(self, generator, discriminator, encoder)
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        self.update(turn)
    }

    /// Samples of a generator that draws in steps after each of them, a row for each sample.
    fn show(&self, showing: &Showing<'_>) -> Result<Vec<Exhibit>> {
        let latents = self.latents(DRAWN, &mut showing.stream("canvas"))?;
        let (input, _) = self.generator_inputs(&latents)?;
        let canvases = self.generator.sample(&latents, |generator, pass| generator.canvases(pass, &input))?;
        if canvases.is_empty() {
            return Ok(Vec::new());
        }
        let columns = canvases.len();
        let rows = Variable::stack(&canvases.iter().collect::<Vec<_>>(), 1)?; // [samples, steps, ...]
        let shape = [&[DRAWN * columns], self.sampling.shape.dims().as_slice()].concat();
        let content = Content::Images { images: rows.reshape(&shape)?, columns };
        Ok(vec![Exhibit { series: "canvas".into(), content }])
    }

    fn theory(&self) -> Vec<TheoryLine> {
        let line = |metric, label, value| TheoryLine { metric, label, value };
        let mut lines = match self.recipe.objective.properties().equilibrium {
            None => Vec::new(),
            Some((discriminator, generator)) if discriminator == generator => {
                vec![line(DISCRIMINATOR_LOSS, "both at equilibrium", discriminator)]
            }
            Some((discriminator, generator)) => vec![
                line(DISCRIMINATOR_LOSS, "discriminator at equilibrium", discriminator),
                line(GENERATOR_LOSS, "generator at equilibrium", generator),
            ],
        };
        lines.extend(self.head.code_entropy().map(|value| line(INFORMATION, "entropy of the code", value)));
        lines
    }

    fn as_sampler(&self) -> Option<&dyn Sampler> {
        Some(self)
    }

    /// Where the discriminator is an auto-encoder.
    fn as_reconstructor(&self) -> Option<&dyn Reconstructor> {
        (self.recipe.discriminator.reconstructs() && self.scores_single_samples()).then_some(self)
    }

    fn as_score_field(&self) -> Option<&dyn ScoreField> {
        (self.scores_single_samples() && !self.recipe.condition.is_input()).then_some(self)
    }
}

impl Sampler for TwoPlayer {
    fn sampling(&self) -> &Sampling {
        &self.sampling
    }

    fn generate_with(&self, latents: &Variable, statistics: &mut Statistics<'_>) -> Result<Variable> {
        self.sampling.space.check(latents)?;
        let (input, class) = self.generator_inputs(latents)?;
        self.generator.sample_with(latents, statistics, |generator, pass| {
            generator.forward(pass, &input, class.as_ref())
        })
    }
}

impl Reconstructor for TwoPlayer {
    fn reconstruct(&self, batch: &Batch) -> Result<Variable> {
        let samples = batch.samples()?;
        let input = Conditioned::alone(samples.clone());
        let scored =
            self.discriminator.player().sample(samples, |module, pass| module.score(pass, &input))?;
        let missing = || Error::Internal("a discriminator that reconstructs gave no reconstruction".into());
        scored.also.reconstruction.ok_or_else(missing)
    }
}

impl ScoreField for TwoPlayer {
    fn field(&self, places: &Variable) -> Result<(Variable, Variable)> {
        let (scores, slopes) = self.discriminator.field(&Conditioned::alone(places.clone()))?;
        let missing = || Error::Internal("a discriminator gave no slopes by its samples".into());
        Ok((scores, slopes.into_iter().next().ok_or_else(missing)?))
    }

    fn threshold(&self) -> Option<f64> {
        self.recipe.objective.properties().threshold
    }
}

impl Part for TwoPlayer {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        self.generator.save(&format!("{name}.generator"), state)?;
        self.discriminator.save(&format!("{name}.discriminator"), state)?;
        self.encoder.save(&format!("{name}.encoder"), state)
    }

    fn restore(&mut self, name: &str, state: &mut State) -> Result<()> {
        self.generator.restore(&format!("{name}.generator"), state)?;
        self.discriminator.restore(&format!("{name}.discriminator"), state)?;
        self.encoder.restore(&format!("{name}.encoder"), state)
    }

    fn parameters(&self) -> Vec<&Parameters> {
        let own =
            [Part::parameters(&self.generator), self.discriminator.parameters(), self.encoder.parameters()];
        own.into_iter().flatten().collect()
    }

    fn sample_by(&mut self, estimate: Option<&Estimate>) -> usize {
        let (generator, discriminator) =
            (self.generator.sample_by(estimate), self.discriminator.sample_by(estimate));
        generator + discriminator + self.encoder.sample_by(estimate)
    }
}
