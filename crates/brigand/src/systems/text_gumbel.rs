//! A GAN of token sequences: a recurrent generator whose choices are relaxed, so that gradients flow through them (Kusner
//! and Hernández-Lobato 2016, arXiv:1611.04051), against a convolutional critic of sequences.

use brigand_autograd::{Variable, without_recording};
use brigand_core::batch::{Batch, END, Need, SampleKind, TOKENS, TokenField};
use brigand_core::capability::SequenceSampler;
use brigand_core::measurements::GENERATOR_LOSS;
use brigand_core::modules::{How, Initialization, Mode, Network, Plan};
use brigand_core::objectives::{Objective, Wasserstein};
use brigand_core::penalties::{Constraint, Cost, Penalty, Probe};
use brigand_core::players::{AverageRecipe, Critic, OptimizerRecipe, Player, Rules, Schedule, Turn};
use brigand_core::random::Stream;
use brigand_core::recipe::{Family, Length, Make, Row, SystemRecipe};
use brigand_core::system::{Parts, System};
use brigand_core::{Error, Result, Setup, parts};
use serde::{Deserialize, Serialize};

use super::HeldOutRecipe;
use super::text_networks::{Generator, SequenceCritic};
use super::text_recipe::{CriticRecipe, GeneratorRecipe, RelaxationRecipe};
use super::text_scores::note_scores;
use super::two_player::Players;

/// Its row of the registry.
pub const ROW: Row = Row {
    name: "text-gumbel",
    family: Family::Sequences,
    summary: "lines of text from an LSTM generator, trained through the Gumbel-softmax relaxation",
    paper: "Kusner and Hernández-Lobato 2016, arXiv:1611.04051",
    data: "grammar",
    length: |_| Length { steps: 3000, batch: 64 },
    make: Make::of::<TextGumbelRecipe>(),
};

/// Everything that makes one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextGumbelRecipe {
    /// The generator's network.
    pub generator: GeneratorRecipe,
    /// The critic's network.
    pub discriminator: CriticRecipe,
    /// How the generator's choices are made differentiable.
    pub relaxation: RelaxationRecipe,
    /// What the players minimise.
    pub objective: Objective,
    /// What is added to the critic's loss.
    pub penalty: Penalty,
    /// What constrains the critic without a term in its loss.
    pub constraint: Constraint,
    /// How they step.
    pub optimizer: Players<OptimizerRecipe>,
    /// How the step sizes change over the run.
    pub schedule: Schedule,
    /// Critic updates, each on a fresh batch, for one generator update.
    pub discriminator_steps: u64,
    /// The average of the generator's weights that samples are taken from.
    pub average: AverageRecipe,
    /// When samples are compared with held-out lines.
    pub held_out: HeldOutRecipe,
}

impl SystemRecipe for TextGumbelRecipe {
    const NEEDS: &'static [Need] = &[Need::Indices(TOKENS)];

    fn defaults(_: SampleKind) -> Result<Self> {
        let adam = OptimizerRecipe::adam(1e-3, 0.5, 0.9);
        Ok(Self {
            generator: GeneratorRecipe { latent: 16, hidden: 64 },
            discriminator: CriticRecipe { width: 64, layers: 2 },
            relaxation: RelaxationRecipe::default(),
            objective: Objective::Wasserstein(Wasserstein {}),
            penalty: Penalty::Gradient { probe: Probe::Line {}, cost: Cost::TwoSided, weight: 10.0 },
            constraint: Constraint::None {},
            optimizer: Players { generator: adam, discriminator: adam },
            schedule: Schedule::Constant {},
            discriminator_steps: 2,
            average: AverageRecipe::OFF,
            held_out: HeldOutRecipe { every: 100 },
        })
    }

    fn check(&self) -> Result<()> {
        self.generator.check()?;
        self.discriminator.check()?;
        self.relaxation.check()?;
        self.rules().check()?;
        self.schedule.check()?;
        self.average.check()?;
        self.optimizer.generator.check("generator")?;
        self.optimizer.discriminator.check("discriminator")?;
        match self.discriminator_steps {
            0 => Err(Error::Recipe(
                "discriminator_steps is 0, so the critic would never learn; give at least 1".into(),
            )),
            _ => Ok(()),
        }
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        let relaxation = self.relaxation.changes().then_some("relaxation");
        self.schedule.spread_over_run().into_iter().chain(relaxation).collect()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        Ok(Box::new(TextGumbel::new(*self, setup)?))
    }
}

impl TextGumbelRecipe {
    fn rules(&self) -> Rules {
        let Self { objective, penalty, constraint, .. } = *self;
        Rules { penalty, constraint, ..Rules::plain(objective) }
    }
}

/// A GAN of sequences in training.
pub struct TextGumbel {
    recipe: TextGumbelRecipe,
    setup: Setup,
    vocabulary: Vec<String>,
    separator: String,
    length: usize,
    generator: Player<Generator>,
    discriminator: Critic<SequenceCritic>,
}

impl TextGumbel {
    /// Builds both networks.
    ///
    /// # Errors
    /// If the data has no sequences.
    pub fn new(recipe: TextGumbelRecipe, setup: &Setup) -> Result<Self> {
        let field = setup.schema.tokens(TOKENS)?;
        let size = (field.vocabulary.len(), field.length);
        let generator = Network::build("generator", setup, |b| Generator::new(b, recipe.generator, size))?;
        let reparametrisation = recipe.constraint.reparametrisation();
        let plan = Plan::new(Initialization::Glorot).reparametrised(reparametrisation);
        let critic = Network::build("discriminator", setup, |b| {
            SequenceCritic::new(b, recipe.discriminator, size, &plan)
        })?;
        let critic = Player::new(critic, recipe.optimizer.discriminator)?.scheduled(recipe.schedule);
        let generator = Player::new(generator, recipe.optimizer.generator)?.scheduled(recipe.schedule);
        Ok(Self {
            recipe,
            setup: setup.clone(),
            vocabulary: field.vocabulary.to_vec(),
            separator: field.separator.to_owned(),
            length: field.length,
            generator: generator.averaged(recipe.average),
            discriminator: Critic::new(critic, recipe.rules())?,
        })
    }

    fn field(&self) -> TokenField<'_> {
        TokenField { vocabulary: &self.vocabulary, separator: &self.separator, length: self.length }
    }

    fn fake(&mut self, stream: &mut Stream, step: u64) -> Result<Variable> {
        let relaxation = self.recipe.relaxation.at(step as f64 / self.setup.steps.max(1) as f64);
        let place = &self.setup.place;
        let latents = place.normal(&[self.setup.batch, self.recipe.generator.latent], stream)?;
        self.generator.run_with(How::plain(Mode::Training), |generator, pass| {
            generator.forward(pass, &latents, relaxation, (stream, place))
        })
    }

    fn real(&self, batch: &Batch) -> Result<Variable> {
        let tokens = batch.indices(TOKENS)?;
        let words = self.vocabulary.len();
        let rows = self.setup.place.one_hot(&tokens.values, words)?;
        Ok(rows.reshape(&[tokens.shape.as_slice(), &[words]].concat())?)
    }
}

impl System for TextGumbel {
    fn parts(&mut self) -> Parts<'_> {
        parts!(self, generator, discriminator)
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let mut draw = turn.only_draw();
        let mut real = None;
        for round in 0..self.recipe.discriminator_steps {
            draw = turn.draw(turn.step * self.recipe.discriminator_steps + round);
            let batch = self.real(&turn.batch(draw)?)?;
            let stream = &mut draw.stream("latents/discriminator");
            let fake = without_recording(|| self.fake(stream, draw.step))?;
            self.discriminator.learn(turn, draw, &batch, &fake)?;
            real = Some(batch);
        }
        let fake = self.fake(&mut draw.stream("latents/generator"), draw.step)?;
        let real = real.ok_or_else(|| Error::Internal("a step without an update of the critic".into()))?;
        let loss = self.discriminator.loss_for(&real, &fake, draw)?;
        turn.note(GENERATOR_LOSS, &loss);
        turn.descend(&mut [&mut self.generator], &loss)?;
        if self.recipe.held_out.is_due(turn) {
            note_scores(self, turn)?;
        }
        Ok(())
    }

    fn needs_held_out(&self) -> bool {
        self.recipe.held_out.every > 0
    }

    fn as_sequence_sampler(&self) -> Option<&dyn SequenceSampler> {
        Some(self)
    }
}

impl SequenceSampler for TextGumbel {
    fn vocabulary(&self) -> &[String] {
        &self.vocabulary
    }

    fn sequences(&self, count: usize, stream: &mut Stream) -> Result<Vec<Vec<u32>>> {
        if count == 0 {
            return Err(Error::Request("asked for 0 lines; ask for at least 1".into()));
        }
        let (place, field) = (&self.setup.place, self.field());
        let latents = place.normal(&[count, self.recipe.generator.latent], stream)?;
        let choice = self.recipe.relaxation.sampling();
        let rows = self
            .generator
            .sample(&latents, |generator, pass| generator.forward(pass, &latents, choice, (stream, place)))?;
        let values = rows.to_vec_f32()?;
        let tokens: Vec<u32> = values.chunks(field.vocabulary.len().max(1)).map(largest).collect();
        Ok(tokens.chunks(field.length.max(1)).map(<[u32]>::to_vec).collect())
    }

    fn text(&self, tokens: &[u32]) -> String {
        self.field().text(tokens)
    }
}

/// The place of the largest value.
fn largest(row: &[f32]) -> u32 {
    let places = row.iter().zip(0u32..);
    places.max_by(|(a, _), (b, _)| a.total_cmp(b)).map_or(END, |(_, place)| place)
}
