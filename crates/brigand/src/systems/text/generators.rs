//! Generators of relaxed sequences from latents.

use brigand_autograd::Variable;
use brigand_core::limits::at_least_one;
use brigand_core::modules::{
    Builder, Chain, Convolution, Initialization, Linear, Pass, Plan, Relaxation, Window, relaxed_choice,
};
use brigand_core::networks::{RecurrentNetwork, RecurrentSizes, without_end};
use brigand_core::random::Stream;
use brigand_core::{Place, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::critics::{ConvolutionsRecipe, CriticRecipe, ResidualCriticRecipe, residual_blocks};

/// A generator of relaxed sequences.
pub trait RelaxedGenerator: Send + Sync + 'static {
    /// Relaxed tokens `[batch, length, vocabulary]` of `latents` `[batch, latent]`. The first is never the end: lines are not
    /// empty.
    ///
    /// # Errors
    /// If the latents do not fit.
    fn forward(
        &self,
        pass: &mut Pass<'_>,
        latents: &Variable,
        relaxation: Relaxation,
        random: (&mut Stream, &Place),
    ) -> Result<Variable>;
}

/// The recipe of a generator, and of the critic that it is trained against.
pub trait GeneratorRecipe: Serialize + DeserializeOwned + Copy + Send + Sync + 'static {
    /// The generator.
    type Network: RelaxedGenerator;
    /// The recipe of the critic.
    type Critic: CriticRecipe;

    /// Coordinates of a latent, from the standard normal.
    fn latent(&self) -> usize;

    /// Refuses sizes that no network has.
    ///
    /// # Errors
    /// [`brigand_core::Error::Recipe`], saying what to give.
    fn check(&self) -> Result<()>;

    /// The generator of sequences over so many tokens, of so many tokens.
    ///
    /// # Errors
    /// If a path is taken.
    fn build(&self, b: &mut Builder, size: (usize, usize)) -> Result<Self::Network>;
}

/// A recurrent generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecurrentRecipe {
    /// Coordinates of a latent, from the standard normal.
    pub latent: usize,
    /// Numbers in the state of the LSTM.
    pub hidden: usize,
}

impl GeneratorRecipe for RecurrentRecipe {
    type Network = RecurrentGenerator;
    type Critic = ConvolutionsRecipe;

    fn latent(&self) -> usize {
        self.latent
    }

    fn check(&self) -> Result<()> {
        at_least_one("generator.latent", self.latent)?;
        at_least_one("generator.hidden", self.hidden)
    }

    fn build(&self, b: &mut Builder, (vocabulary, length): (usize, usize)) -> Result<RecurrentGenerator> {
        let sizes = RecurrentSizes { vocabulary, latent: self.latent, embedding: 0, hidden: self.hidden };
        let network = RecurrentNetwork::new(b, sizes, &Plan::new(Initialization::Glorot))?;
        Ok(RecurrentGenerator { network, length })
    }
}

/// An LSTM that starts from a latent and gets it and its last token at every step.
pub struct RecurrentGenerator {
    network: RecurrentNetwork,
    length: usize,
}

impl RelaxedGenerator for RecurrentGenerator {
    fn forward(
        &self,
        pass: &mut Pass<'_>,
        latents: &Variable,
        relaxation: Relaxation,
        (stream, place): (&mut Stream, &Place),
    ) -> Result<Variable> {
        let shape = [latents.shape().first().copied().unwrap_or(0), self.network.sizes().vocabulary];
        let mut state = self.network.start(pass, latents)?;
        let mut token = place.numbers(vec![0.0; shape.iter().product()], &shape)?;
        let mut tokens = Vec::with_capacity(self.length);
        for position in 0..self.length {
            let given = (&token, Some(latents));
            let (logits, next) = self.network.step(pass, (position, place), given, &state)?;
            token = relaxed_choice(&logits, relaxation, stream, place)?;
            tokens.push(token.clone());
            state = next;
        }
        Ok(Variable::stack(&tokens.iter().collect::<Vec<_>>(), 1)?)
    }
}

/// A generator of all tokens at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResidualGeneratorRecipe {
    /// Coordinates of a latent, from the standard normal.
    pub latent: usize,
    /// Channels of its maps.
    pub width: usize,
    /// Residual blocks, each of two convolutions over 5 tokens.
    pub blocks: usize,
}

impl GeneratorRecipe for ResidualGeneratorRecipe {
    type Network = ResidualGenerator;
    type Critic = ResidualCriticRecipe;

    fn latent(&self) -> usize {
        self.latent
    }

    fn check(&self) -> Result<()> {
        at_least_one("generator.latent", self.latent)?;
        at_least_one("generator.width", self.width)
    }

    fn build(&self, b: &mut Builder, (vocabulary, length): (usize, usize)) -> Result<ResidualGenerator> {
        let (width, plan) = (self.width, Plan::new(Initialization::Glorot));
        Ok(ResidualGenerator {
            start: b.block("start", |b| Linear::new(b, self.latent, width * length, &plan))?,
            blocks: residual_blocks(b, (self.blocks, width), &plan)?,
            logits: b
                .block("logits", |b| Convolution::new(b, (width, vocabulary), Window::along(1), &plan))?,
            size: [width, length, vocabulary],
        })
    }
}

/// Maps from a latent, residual blocks, and the logits of every position from its own numbers alone (Gulrajani et al. 2017,
/// arXiv:1704.00028, section 5.4).
pub struct ResidualGenerator {
    start: Linear,
    blocks: Chain,
    logits: Convolution,
    /// Channels, tokens of a sequence, and different tokens.
    size: [usize; 3],
}

impl RelaxedGenerator for ResidualGenerator {
    fn forward(
        &self,
        pass: &mut Pass<'_>,
        latents: &Variable,
        relaxation: Relaxation,
        (stream, place): (&mut Stream, &Place),
    ) -> Result<Variable> {
        let ([width, length, vocabulary], start) = (self.size, self.start.run(pass, latents)?);
        let batch = start.shape().first().copied().unwrap_or(0);
        let maps = self.blocks.run(pass, &start.reshape(&[batch, width, 1, length])?)?;
        let logits = self.logits.run(pass, &maps)?.reshape(&[batch, vocabulary, length])?.transposed()?;
        let first = without_end(&logits.narrow(1, 0, 1)?, place)?;
        let logits = match length {
            1 => first,
            _ => Variable::concatenate(&[&first, &logits.narrow(1, 1, length - 1)?], 1)?,
        };
        let tokens =
            relaxed_choice(&logits.reshape(&[batch * length, vocabulary])?, relaxation, stream, place)?;
        Ok(tokens.reshape(&[batch, length, vocabulary])?)
    }
}

#[cfg(test)]
mod tests {
    use brigand_core::Setup;
    use brigand_core::batch::{END, Schema};
    use brigand_core::modules::{How, Mode, Network};

    use super::*;

    fn rows<G: GeneratorRecipe>(recipe: G, relaxation: Relaxation) -> Vec<f32> {
        let place = Place::cpu();
        let setup = Setup { schema: Schema::default(), batch: 2, steps: 1, seed: 1, place: place.clone() };
        let mut network = Network::build("generator", &setup, |b| recipe.build(b, (4, 6))).unwrap();
        let mut stream = Stream::new(1, "test", 0);
        let latents = place.normal(&[2, recipe.latent()], &mut stream).unwrap();
        let found = network.run(How::plain(Mode::Training), |generator, pass| {
            generator.forward(pass, &latents, relaxation, (&mut stream, &place))
        });
        let found = found.unwrap();
        assert_eq!(found.shape(), [2, 6, 4]);
        found.to_vec_f32().unwrap()
    }

    #[test]
    fn relaxed_tokens_are_distributions_and_none_begins_with_the_end() {
        let recurrent = RecurrentRecipe { latent: 3, hidden: 5 };
        let residual = ResidualGeneratorRecipe { latent: 3, width: 5, blocks: 2 };
        for relaxation in [Relaxation::Softmax, Relaxation::Gumbel { temperature: 0.7 }] {
            for values in [rows(recurrent, relaxation), rows(residual, relaxation)] {
                assert!(values.chunks(4).all(|row| (row.iter().sum::<f32>() - 1.0).abs() < 1e-5));
                assert!([0, 24].iter().all(|&start| values[start + END as usize] < 1e-6), "{values:?}");
            }
        }
    }
}
