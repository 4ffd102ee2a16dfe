//! The networks of a system of sequences.

use brigand_autograd::{Activation, Variable};
use brigand_core::batch::END;
use brigand_core::modules::{
    Activate, Builder, Cell, Chain, Convolution, Initialization, Linear, Lstm, LstmState, Pass, Plan,
    Relaxation, Window, relaxed_choice,
};
use brigand_core::players::{Scored, Scorer};
use brigand_core::random::Stream;
use brigand_core::{Error, Place, Result};

use super::text_recipe::{CriticRecipe, GeneratorRecipe};

/// An LSTM that starts from a latent and gets it and its last token at every step.
pub(super) struct Generator {
    start: Linear,
    cell: Lstm,
    logits: Linear,
    length: usize,
    vocabulary: usize,
}

impl Generator {
    pub(super) fn new(
        b: &mut Builder,
        recipe: GeneratorRecipe,
        (vocabulary, length): (usize, usize),
    ) -> Result<Self> {
        let GeneratorRecipe { latent, hidden } = recipe;
        let plan = Plan::new(Initialization::Glorot);
        Ok(Self {
            start: b.block("start", |b| Linear::new(b, latent, 2 * hidden, &plan))?,
            cell: b.block("cell", |b| Lstm::new(b, vocabulary + latent, hidden, &plan))?,
            logits: b.block("logits", |b| Linear::new(b, hidden, vocabulary, &plan))?,
            length,
            vocabulary,
        })
    }

    /// Relaxed tokens `[batch, length, vocabulary]` of `latents` `[batch, latent]`. The first is never the end: lines are
    /// not empty.
    pub(super) fn forward(
        &self,
        pass: &mut Pass<'_>,
        latents: &Variable,
        relaxation: Relaxation,
        (stream, place): (&mut Stream, &Place),
    ) -> Result<Variable> {
        let batch = latents.shape().first().copied().unwrap_or(0);
        let start = self.start.run(pass, latents)?;
        let hidden = start.shape().get(1).copied().unwrap_or(0) / 2;
        let mut state =
            LstmState { hidden: start.narrow(1, 0, hidden)?.tanh()?, cell: start.narrow(1, hidden, hidden)? };
        let mut token = place.numbers(vec![0.0; batch * self.vocabulary], &[batch, self.vocabulary])?;
        let ends = place.one_hot(&vec![END; batch], self.vocabulary)?;
        let mut tokens = Vec::with_capacity(self.length);
        for position in 0..self.length {
            let input = Variable::concatenate(&[&token, latents], 1)?;
            let (output, next) = self.cell.step(pass, &input, &state)?;
            let mut logits = self.logits.run(pass, &output)?;
            if position == 0 {
                logits = logits.sub(&ends.scale(EXCLUDED)?)?;
            }
            token = relaxed_choice(&logits, relaxation, stream, place)?;
            tokens.push(token.clone());
            state = next;
        }
        Ok(Variable::stack(&tokens.iter().collect::<Vec<_>>(), 1)?)
    }
}

/// What is taken from the logit of a token that must not be chosen.
const EXCLUDED: f64 = 1e4;

/// Convolutions of width 3 along the sequence.
pub(super) struct SequenceCritic {
    body: Chain,
    score: Linear,
}

impl SequenceCritic {
    pub(super) fn new(
        b: &mut Builder,
        CriticRecipe { width, layers }: CriticRecipe,
        (vocabulary, length): (usize, usize),
        plan: &Plan,
    ) -> Result<Self> {
        let mut body = Chain::new();
        for layer in 0..layers {
            let from = if layer == 0 { vocabulary } else { width };
            body.push_named(b, format!("convolution{layer}"), |b| {
                Convolution::new(b, (from, width), Window::along(3), plan)
            })?;
            body.push_plain(Activate(Activation::LeakyRelu(0.2)));
        }
        Ok(Self { body, score: b.block("score", |b| Linear::new(b, width * length, 1, plan))? })
    }
}

impl Scorer for SequenceCritic {
    type Input = Variable;
    type Also = ();

    fn score(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Scored<()>> {
        let &[batch, length, vocabulary] = input.shape() else {
            let shape = input.shape();
            return Err(Error::Network(format!(
                "the critic takes [batch, length, vocabulary], it was given {shape:?}"
            )));
        };
        let maps = input.transposed()?.reshape(&[batch, vocabulary, 1, length])?;
        let features = self.body.run(pass, &maps)?.flatten_from_second()?;
        let scores = self.score.run(pass, &features)?.reshape(&[batch])?;
        Ok(Scored::new(scores, features))
    }
}
