//! Critics of relaxed sequences.

use brigand_autograd::{Activation, Variable};
use brigand_core::limits::at_least_one;
use brigand_core::modules::{
    Activate, Builder, Chain, Convolution, Linear, Pass, Plan, Residual, Scale, Window,
};
use brigand_core::players::{Scored, Scorer};
use brigand_core::{Error, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The recipe of a critic.
pub trait CriticRecipe: Serialize + DeserializeOwned + Copy + Send + Sync + 'static {
    /// Refuses sizes that no network has.
    ///
    /// # Errors
    /// [`Error::Recipe`], saying what to give.
    fn check(&self) -> Result<()>;

    /// The critic of sequences over so many tokens, of so many tokens.
    ///
    /// # Errors
    /// If a path is taken.
    fn build(&self, b: &mut Builder, size: (usize, usize), plan: &Plan) -> Result<SequenceCritic>;
}

/// Convolutions along the sequence, one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvolutionsRecipe {
    /// Channels of each convolution.
    pub width: usize,
    /// Convolutions, each over 3 tokens.
    pub layers: usize,
}

impl CriticRecipe for ConvolutionsRecipe {
    fn check(&self) -> Result<()> {
        at_least_one("discriminator.width", self.width)?;
        at_least_one("discriminator.layers", self.layers)
    }

    fn build(
        &self,
        b: &mut Builder,
        (vocabulary, length): (usize, usize),
        plan: &Plan,
    ) -> Result<SequenceCritic> {
        let mut body = Chain::new();
        for layer in 0..self.layers {
            let from = if layer == 0 { vocabulary } else { self.width };
            body.push_named(b, format!("convolution{layer}"), |b| {
                Convolution::new(b, (from, self.width), Window::along(3), plan)
            })?;
            body.push_plain(Activate(Activation::LeakyRelu(0.2)));
        }
        Ok(SequenceCritic {
            body,
            score: b.block("score", |b| Linear::new(b, self.width * length, 1, plan))?,
        })
    }
}

/// A projection of each token, and residual blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResidualCriticRecipe {
    /// Channels of its maps.
    pub width: usize,
    /// Residual blocks, each of two convolutions over 5 tokens.
    pub blocks: usize,
}

impl CriticRecipe for ResidualCriticRecipe {
    fn check(&self) -> Result<()> {
        at_least_one("discriminator.width", self.width)
    }

    fn build(
        &self,
        b: &mut Builder,
        (vocabulary, length): (usize, usize),
        plan: &Plan,
    ) -> Result<SequenceCritic> {
        let mut body = Chain::new();
        body.push_named(b, "projection", |b| {
            Convolution::new(b, (vocabulary, self.width), Window::along(1), plan)
        })?;
        body.extend(residual_blocks(b, (self.blocks, self.width), plan)?);
        Ok(SequenceCritic {
            body,
            score: b.block("score", |b| Linear::new(b, self.width * length, 1, plan))?,
        })
    }
}

/// Maps along the sequence, and a score from all of them.
pub struct SequenceCritic {
    body: Chain,
    score: Linear,
}

/// `[batch, length, vocabulary]` as maps `[batch, vocabulary, 1, length]`.
pub(super) fn as_maps(input: &Variable) -> Result<Variable> {
    let &[batch, length, vocabulary] = input.shape() else {
        let shape = input.shape();
        return Err(Error::Network(format!(
            "the critic takes [batch, length, vocabulary], it was given {shape:?}"
        )));
    };
    Ok(input.transposed()?.reshape(&[batch, vocabulary, 1, length])?)
}

impl Scorer for SequenceCritic {
    type Input = Variable;
    type Also = ();

    fn score(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Scored<()>> {
        let maps = as_maps(input)?;
        let features = self.body.run(pass, &maps)?.flatten_from_second()?;
        let batch = features.shape().first().copied().unwrap_or(0);
        let scores = self.score.run(pass, &features)?.reshape(&[batch])?;
        Ok(Scored::new(scores, features))
    }
}

/// `count` blocks `x + 0.3 conv5(relu(conv5(relu(x))))` of `width` channels.
pub(super) fn residual_blocks(b: &mut Builder, (count, width): (usize, usize), plan: &Plan) -> Result<Chain> {
    let mut blocks = Chain::new();
    for number in 0..count {
        blocks.push_named(b, format!("block{number}"), |b| {
            let mut main = Chain::new();
            for name in ["conv1", "conv2"] {
                main.push_plain(Activate(Activation::Relu));
                main.push_named(b, name, |b| Convolution::new(b, (width, width), Window::along(5), plan))?;
            }
            main.push_plain(Scale(0.3));
            Ok(Residual { main, shortcut: Chain::new() })
        })?;
    }
    Ok(blocks)
}
