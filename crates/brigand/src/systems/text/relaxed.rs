//! GANs of token sequences whose choices are relaxed, so that gradients flow through them: `text-gumbel` (Kusner and
//! Hernández-Lobato 2016, arXiv:1611.04051) and `text-wgan` (Gulrajani et al. 2017, arXiv:1704.00028, section 5.4).

use brigand_autograd::{Variable, without_recording};
use brigand_core::batch::{Batch, Need, SampleKind, TOKENS};
use brigand_core::capability::SequenceSampler;
use brigand_core::measurements::GENERATOR_LOSS;
use brigand_core::modules::{How, Initialization, Mode, Network, Plan};
use brigand_core::players::{
    AdversarialRecipe, AverageRecipe, Critic, Draw, OptimizerRecipe, Player, Schedule, Turn,
};
use brigand_core::random::Stream;
use brigand_core::recipe::{Family, Length, Make, Row, SystemRecipe};
use brigand_core::system::{Parts, System};
use brigand_core::{Error, Result, Setup, parts};
use serde::{Deserialize, Serialize};

use super::super::HeldOutRecipe;
use super::super::two_player::{Players, check_discriminator_steps};
use super::critics::{ConvolutionsRecipe, CriticRecipe, ResidualCriticRecipe, SequenceCritic};
use super::generators::{GeneratorRecipe, RecurrentRecipe, RelaxedGenerator, ResidualGeneratorRecipe};
use super::relaxation::RelaxationRecipe;
use super::scores::note_scores;
use super::vocabulary::Vocabulary;

/// Lines that are sampled at once, which bounds the memory.
const PORTION: usize = 10_000;

/// The recipe of `text-gumbel`.
pub type TextGumbelRecipe = RelaxedTextRecipe<RecurrentRecipe>;
/// The recipe of `text-wgan`.
pub type TextWganRecipe = RelaxedTextRecipe<ResidualGeneratorRecipe>;

/// A row of the registry.
pub(super) const TEXT_GUMBEL: Row = Row {
    name: "text-gumbel",
    family: Family::Sequences,
    summary: "lines of text from an LSTM generator, trained through the Gumbel-softmax relaxation",
    paper: "Kusner and Hernández-Lobato 2016, arXiv:1611.04051",
    data: "grammar",
    length: |_| Length { steps: 3000, batch: 64 },
    make: Make::of::<TextGumbelRecipe>(),
};

/// A row of the registry.
pub(super) const TEXT_WGAN: Row = Row {
    name: "text-wgan",
    family: Family::Sequences,
    summary: "lines of text from a convolutional generator, whose probabilities are given to a WGAN-GP critic",
    paper: "Gulrajani et al. 2017, arXiv:1704.00028",
    data: "grammar",
    length: |_| Length { steps: 3000, batch: 64 },
    make: Make::of::<TextWganRecipe>(),
};

/// Everything that makes one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct RelaxedTextRecipe<G: GeneratorOfRow> {
    /// The generator's network.
    pub generator: G,
    /// The critic's network.
    pub discriminator: G::Critic,
    /// How the generator's choices are made differentiable.
    pub relaxation: RelaxationRecipe,
    /// What generator and critic are trained by.
    #[serde(flatten)]
    pub adversarial: AdversarialRecipe,
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

impl<G: GeneratorOfRow> RelaxedTextRecipe<G> {
    /// WGAN-GP between these networks.
    fn wgan_gp(
        (generator, discriminator): (G, G::Critic),
        relaxation: RelaxationRecipe,
        (rate, discriminator_steps): (f64, u64),
    ) -> Self {
        let adam = OptimizerRecipe::adam(rate, 0.5, 0.9);
        Self {
            generator,
            discriminator,
            relaxation,
            adversarial: AdversarialRecipe::wgan_gp(),
            optimizer: Players { generator: adam, discriminator: adam },
            schedule: Schedule::Constant {},
            discriminator_steps,
            average: AverageRecipe::OFF,
            held_out: HeldOutRecipe { every: 100 },
        }
    }
}

/// A generator's recipe that a row of the registry is for.
pub trait GeneratorOfRow: GeneratorRecipe {
    /// The default values of the row's system.
    fn system() -> RelaxedTextRecipe<Self>;
}

impl GeneratorOfRow for RecurrentRecipe {
    fn system() -> RelaxedTextRecipe<Self> {
        let networks =
            (RecurrentRecipe { latent: 16, hidden: 64 }, ConvolutionsRecipe { width: 64, layers: 2 });
        RelaxedTextRecipe::wgan_gp(networks, RelaxationRecipe::default(), (1e-3, 2))
    }
}

impl GeneratorOfRow for ResidualGeneratorRecipe {
    fn system() -> RelaxedTextRecipe<Self> {
        let generator = ResidualGeneratorRecipe { latent: 32, width: 48, blocks: 2 };
        let critic = ResidualCriticRecipe { width: 48, blocks: 2 };
        RelaxedTextRecipe::wgan_gp((generator, critic), RelaxationRecipe::Softmax {}, (5e-4, 5))
    }
}

impl<G: GeneratorOfRow> SystemRecipe for RelaxedTextRecipe<G> {
    const NEEDS: &'static [Need] = &[Need::Indices(TOKENS)];

    fn defaults(_: SampleKind) -> Result<Self> {
        Ok(G::system())
    }

    fn check(&self) -> Result<()> {
        self.generator.check()?;
        self.discriminator.check()?;
        self.relaxation.check()?;
        self.adversarial.check()?;
        self.schedule.check()?;
        self.average.check()?;
        self.optimizer.check()?;
        check_discriminator_steps("discriminator_steps", self.discriminator_steps)
    }

    fn spread_over_run(&self) -> Vec<&'static str> {
        let relaxation = self.relaxation.changes().then_some("relaxation");
        self.schedule.spread_over_run().into_iter().chain(relaxation).collect()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn System>> {
        Ok(Box::new(RelaxedText::new(*self, setup)?))
    }
}

/// A GAN of relaxed sequences in training.
struct RelaxedText<G: GeneratorOfRow> {
    recipe: RelaxedTextRecipe<G>,
    setup: Setup,
    vocabulary: Vocabulary,
    generator: Player<G::Network>,
    discriminator: Critic<SequenceCritic>,
}

impl<G: GeneratorOfRow> RelaxedText<G> {
    fn new(recipe: RelaxedTextRecipe<G>, setup: &Setup) -> Result<Self> {
        let vocabulary = Vocabulary::of(setup)?;
        let size = vocabulary.size();
        let generator = Network::build("generator", setup, |b| recipe.generator.build(b, size))?;
        let reparametrisation = recipe.adversarial.constraint.reparametrisation();
        let plan = Plan::new(Initialization::Glorot).reparametrised(reparametrisation);
        let critic = Network::build("discriminator", setup, |b| recipe.discriminator.build(b, size, &plan))?;
        let critic = Player::new(critic, recipe.optimizer.discriminator)?.scheduled(recipe.schedule);
        let generator = Player::new(generator, recipe.optimizer.generator)?.scheduled(recipe.schedule);
        Ok(Self {
            recipe,
            setup: setup.clone(),
            vocabulary,
            generator: generator.averaged(recipe.average),
            discriminator: Critic::new(critic, recipe.adversarial.rules())?,
        })
    }

    fn fake(&mut self, stream: &mut Stream, step: u64) -> Result<Variable> {
        let relaxation = self.recipe.relaxation.at(step as f64 / self.setup.steps.max(1) as f64);
        let place = &self.setup.place;
        let latents = place.normal(&[self.setup.batch, self.recipe.generator.latent()], stream)?;
        self.generator.run_with(How::plain(Mode::Training), |generator, pass| {
            generator.forward(pass, &latents, relaxation, (stream, place))
        })
    }

    fn real(&self, batch: &Batch) -> Result<Variable> {
        self.vocabulary.one_hot_batch(batch, &self.setup.place)
    }

    /// One step of the critic; the real batch.
    fn update_critic(&mut self, turn: &mut Turn<'_>, draw: Draw) -> Result<Variable> {
        let real = self.real(&turn.batch(draw)?)?;
        let fake = without_recording(|| self.fake(&mut draw.stream("latents/discriminator"), draw.step))?;
        self.discriminator.learn(turn, draw, &real, &fake)?;
        Ok(real)
    }
}

impl<G: GeneratorOfRow> System for RelaxedText<G> {
    fn parts(&mut self) -> Parts<'_> {
        parts!(self, generator, discriminator)
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let (earlier, draw) = turn.rounds(self.recipe.discriminator_steps)?;
        for draw in earlier {
            self.update_critic(turn, draw)?;
        }
        let real = self.update_critic(turn, draw)?;
        let fake = self.fake(&mut draw.stream("latents/generator"), draw.step)?;
        let loss = self.discriminator.loss_for(&real, &fake, draw)?;
        turn.note(GENERATOR_LOSS, &loss);
        turn.descend(&mut [&mut self.generator], &loss)?;
        if self.recipe.held_out.is_due(turn) {
            note_scores(self, None, turn)?;
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

impl<G: GeneratorOfRow> SequenceSampler for RelaxedText<G> {
    fn vocabulary(&self) -> &[String] {
        self.vocabulary.words()
    }

    fn sequences(&self, count: usize, stream: &mut Stream) -> Result<Vec<Vec<u32>>> {
        if count == 0 {
            return Err(Error::Request("asked for 0 lines; ask for at least 1".into()));
        }
        let (place, choice) = (&self.setup.place, self.recipe.relaxation.sampling());
        let mut lines = Vec::with_capacity(count);
        while lines.len() < count {
            let portion = PORTION.min(count - lines.len());
            let latents = place.normal(&[portion, self.recipe.generator.latent()], stream)?;
            let rows = self.generator.sample(&latents, |generator, pass| {
                generator.forward(pass, &latents, choice, (stream, place))
            })?;
            lines.extend(self.vocabulary.largest(&rows)?);
        }
        Ok(lines)
    }

    fn text(&self, tokens: &[u32]) -> String {
        self.vocabulary.text(tokens)
    }
}
