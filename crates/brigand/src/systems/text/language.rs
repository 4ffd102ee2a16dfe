//! A language model in training: the generator of systems that choose tokens without relaxing them.

use brigand_autograd::Variable;
use brigand_autograd::without_recording;
use brigand_core::batch::{Indices, TOKENS};
use brigand_core::capability::SequenceSampler;
use brigand_core::limits::at_least_one;
use brigand_core::modules::{How, Initialization, Mode, Network, Plan};
use brigand_core::networks::{RecurrentNetwork, RecurrentSizes, Rollout, counted_tokens};
use brigand_core::players::{AverageRecipe, Draw, OptimizerRecipe, Player, Schedule, Turn};
use brigand_core::random::Stream;
use brigand_core::{Error, Result, Setup};
use serde::{Deserialize, Serialize};

use super::scores::note_scores;
use super::vocabulary::{Vocabulary, indices};

/// Name of the mean negative log-likelihood of a token of the training batch, in nats.
const NLL: &str = "nll";
/// Sequences that are drawn at once.
const PORTION: usize = 256;

/// A recurrent language model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageModelRecipe {
    /// Numbers that a token becomes.
    pub embedding: usize,
    /// Numbers in the state of the LSTM.
    pub hidden: usize,
}

impl LanguageModelRecipe {
    pub(super) fn check(self) -> Result<()> {
        at_least_one("generator.embedding", self.embedding)?;
        at_least_one("generator.hidden", self.hidden)
    }
}

/// How a language model steps.
#[derive(Clone, Copy)]
pub(super) struct Steps {
    pub(super) optimizer: OptimizerRecipe,
    pub(super) schedule: Schedule,
    pub(super) average: AverageRecipe,
    /// The largest norm of the gradients of a step.
    pub(super) longest: f64,
}

/// A language model in training.
pub(super) struct Language {
    pub(super) generator: Player<RecurrentNetwork>,
    vocabulary: Vocabulary,
    setup: Setup,
}

impl Language {
    /// The model, untrained.
    ///
    /// # Errors
    /// If the data has no sequences.
    pub(super) fn new(recipe: LanguageModelRecipe, steps: Steps, setup: &Setup) -> Result<Self> {
        let vocabulary = Vocabulary::of(setup)?;
        let LanguageModelRecipe { embedding, hidden } = recipe;
        let sizes = RecurrentSizes { vocabulary: vocabulary.size().0, latent: 0, embedding, hidden };
        let plan = Plan::new(Initialization::Glorot);
        let network = Network::build("generator", setup, |b| RecurrentNetwork::new(b, sizes, &plan))?;
        let generator = Player::new(network, steps.optimizer)?
            .scheduled(steps.schedule)
            .averaged(steps.average)
            .shortening(Some(steps.longest));
        Ok(Self { generator, vocabulary, setup: setup.clone() })
    }

    /// `ln p` of each token of `lines`, recorded, by the weights in training: `[batch, length]`.
    pub(super) fn log_probabilities(&mut self, lines: &Indices) -> Result<Variable> {
        let place = &self.setup.place;
        self.generator.train(|network, pass| network.log_probabilities(pass, lines, place))
    }

    /// One step up the likelihood of a real batch.
    pub(super) fn maximise_likelihood(&mut self, turn: &mut Turn<'_>, draw: Draw) -> Result<()> {
        let batch = turn.batch(draw)?;
        let lines = batch.indices(TOKENS)?;
        let tokens: f32 = counted_tokens(lines)?.iter().sum();
        let loss = self.log_probabilities(lines)?.sum_all()?.scale(-1.0 / f64::from(tokens.max(1.0)))?;
        turn.note(NLL, &loss);
        turn.descend(&mut [&mut self.generator], &loss)
    }

    /// `count` sequences by the weights in training.
    pub(super) fn draw(&mut self, count: usize, stream: &mut Stream) -> Result<Indices> {
        let (place, length) = (&self.setup.place, self.vocabulary.size().1);
        let how = How::plain(Mode::Sampling);
        let drawn = without_recording(|| {
            self.generator.run_with(how, |network, pass| network.draw(pass, [count, length], (stream, place)))
        })?;
        Ok(indices(&drawn))
    }

    /// A continuation of each beginning of `lines`, by the weights that samples are taken from.
    pub(super) fn rollouts(&self, lines: &Indices, stream: &mut Stream) -> Result<Vec<Rollout>> {
        let place = &self.setup.place;
        let idle = place.numbers(vec![0.0], &[1])?;
        self.generator.sample(&idle, |network, pass| network.rollouts(pass, lines, (stream, place)))
    }

    /// The summed log-likelihood of `lines` in nats by the weights that samples are taken from, and their tokens.
    fn log_likelihood(&self, lines: &Indices) -> Result<(f64, f64)> {
        let place = &self.setup.place;
        let idle = place.numbers(vec![0.0], &[1])?;
        let found =
            self.generator.sample(&idle, |network, pass| network.log_probabilities(pass, lines, place))?;
        let tokens = counted_tokens(lines)?.iter().map(|counted| f64::from(*counted)).sum();
        Ok((found.to_vec()?.iter().sum(), tokens))
    }

    /// Notes how its lines compare with held-out ones, and how likely those are.
    pub(super) fn note_scores(&self, turn: &mut Turn<'_>) -> Result<()> {
        note_scores(self, Some(&|lines| self.log_likelihood(lines)), turn)
    }

    /// `lines` as a discriminator takes them, `[batch, length, vocabulary]`.
    pub(super) fn one_hot(&self, lines: &Indices) -> Result<Variable> {
        self.vocabulary.one_hot(lines, &self.setup.place)
    }

    pub(super) fn setup(&self) -> &Setup {
        &self.setup
    }
}

impl SequenceSampler for Language {
    fn vocabulary(&self) -> &[String] {
        self.vocabulary.words()
    }

    fn sequences(&self, count: usize, stream: &mut Stream) -> Result<Vec<Vec<u32>>> {
        if count == 0 {
            return Err(Error::Request("asked for 0 lines; ask for at least 1".into()));
        }
        let (place, length) = (&self.setup.place, self.vocabulary.size().1);
        let idle = place.numbers(vec![0.0], &[1])?;
        let mut lines = Vec::with_capacity(count);
        while lines.len() < count {
            let size = [PORTION.min(count - lines.len()), length];
            let drawn =
                self.generator.sample(&idle, |network, pass| network.draw(pass, size, (stream, place)));
            lines.extend(drawn?);
        }
        Ok(lines)
    }

    fn text(&self, tokens: &[u32]) -> String {
        self.vocabulary.text(tokens)
    }
}
