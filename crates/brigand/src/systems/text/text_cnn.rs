//! The discriminator of SeqGAN: a convolutional network of whole sequences (Kim 2014, arXiv:1408.5882) with a highway layer
//! (Srivastava et al. 2015, arXiv:1505.00387).

use brigand_autograd::Variable;
use brigand_core::batch::END;
use brigand_core::limits::at_least_one;
use brigand_core::modules::{Builder, Convolution, Dropout, Layer, Linear, Padding, Pass, Plan, Window};
use brigand_core::players::{Scored, Scorer};
use brigand_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::critics::as_maps;

/// Filters of one width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterRecipe {
    /// Tokens that a filter covers.
    pub tokens: usize,
    /// Filters.
    pub maps: usize,
}

/// A discriminator of whole sequences.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextCnnRecipe {
    /// Numbers that a token becomes.
    pub embedding: usize,
    /// Its filters.
    pub filters: Vec<FilterRecipe>,
    /// The share of features that are dropped before the score.
    pub dropout: f64,
    /// Half the weight of the squared weights of the last layer in the loss.
    pub weight_decay: f64,
}

impl TextCnnRecipe {
    /// 32 filters of each of these widths, without dropout and weight decay.
    pub(in super::super) fn of(embedding: usize, widths: &[usize]) -> Self {
        let filters = widths.iter().map(|&tokens| FilterRecipe { tokens, maps: 32 }).collect();
        Self { embedding, filters, dropout: 0.0, weight_decay: 0.0 }
    }

    pub(in super::super) fn check(&self) -> Result<()> {
        at_least_one("discriminator.embedding", self.embedding)?;
        if self.filters.is_empty() {
            return Err(Error::Recipe(
                "discriminator.filters is empty; give filters such as { tokens = 2, maps = 32 }".into(),
            ));
        }
        for filter in &self.filters {
            at_least_one("discriminator.filters.tokens", filter.tokens)?;
            at_least_one("discriminator.filters.maps", filter.maps)?;
        }
        if !(0.0..1e6).contains(&self.weight_decay) {
            return Err(Error::Recipe(format!(
                "discriminator.weight_decay is {}; give 0 or more",
                self.weight_decay
            )));
        }
        Dropout::check(&[self.dropout])
    }
}

/// Embeddings, filters of several widths, the largest value of each over the sequence, a highway layer, dropout, a score.
/// What fills a sequence up after its end changes nothing.
pub(in super::super) struct TextCnn {
    embedding: Convolution,
    filters: Vec<(usize, Convolution)>,
    transform: Linear,
    gate: Linear,
    dropout: Dropout,
    score: Linear,
}

/// The path of the last layer.
pub(in super::super) const SCORE: &str = "score";

impl TextCnn {
    pub(in super::super) fn new(
        b: &mut Builder,
        recipe: &TextCnnRecipe,
        vocabulary: usize,
        plan: &Plan,
    ) -> Result<Self> {
        let embedding = recipe.embedding;
        let table = plan.without_bias();
        let features: usize = recipe.filters.iter().map(|filter| filter.maps).sum();
        let embedded =
            b.block("embedding", |b| Convolution::new(b, (vocabulary, embedding), Window::along(1), &table))?;
        let filters = recipe.filters.iter().enumerate().map(|(number, filter)| {
            let window = Window {
                kernel: [1, filter.tokens],
                stride: 1,
                padding: [0, 0],
                around: Padding::Zeros,
                groups: 1,
            };
            let made = b.block(format!("filter{number}"), |b| {
                Convolution::new(b, (embedding, filter.maps), window, plan)
            })?;
            Ok((filter.tokens, made))
        });
        let filters = filters.collect::<Result<_>>()?;
        Ok(Self {
            embedding: embedded,
            filters,
            transform: b.block("transform", |b| Linear::new(b, features, features, plan))?,
            gate: b.block("gate", |b| Linear::new(b, features, features, plan))?,
            dropout: Dropout(recipe.dropout),
            score: b.block(SCORE, |b| Linear::new(b, features, 1, plan))?,
        })
    }

    /// The shares `[batch, 1, 1, length]` in which positions of `maps` `[batch, vocabulary, 1, length]` belong to their
    /// sequence: 1 up to and with the first end, 0 after it, and the product of what is no end for relaxed tokens.
    fn belonging(maps: &Variable) -> Result<Variable> {
        let (_, _, _, length) = maps.dims4("a sequence")?;
        let goes_on = maps.narrow(1, END as usize, 1)?.affine(-1.0, 1.0)?;
        let mut share = goes_on.narrow(3, 0, 1)?.full_like(1.0)?;
        let mut shares = vec![share.clone()];
        for position in 1..length {
            share = share.mul(&goes_on.narrow(3, position - 1, 1)?)?;
            shares.push(share.clone());
        }
        Ok(Variable::concatenate(&shares.iter().collect::<Vec<_>>(), 3)?)
    }
}

impl Scorer for TextCnn {
    type Input = Variable;
    type Also = ();

    fn score(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Scored<()>> {
        let maps = as_maps(input)?;
        let (batch, _, _, _) = maps.dims4("a sequence")?;
        let belonging = Self::belonging(&maps)?;
        let embedded = self.embedding.run(pass, &maps)?.mul(&belonging)?;
        let mut largest = Vec::with_capacity(self.filters.len());
        for (tokens, filter) in &self.filters {
            // A filter begins at every token, and covers zeros after the last one.
            let found = filter.run(pass, &embedded.pad_zeros(3, 0, tokens - 1)?)?.relu()?;
            largest.push(found.mul(&belonging)?.max(3)?.reshape(&[batch, found.shape()[1]])?);
        }
        let features = Variable::concatenate(&largest.iter().collect::<Vec<_>>(), 1)?;
        // Two less, so that a new layer passes its input on.
        let gate = self.gate.run(pass, &features)?.affine(1.0, -2.0)?.sigmoid()?;
        let changed = self.transform.run(pass, &features)?.relu()?;
        let features = features.add(&gate.mul(&changed.sub(&features)?)?)?;
        let kept =
            Layer::<brigand_core::modules::Unconditional>::forward(&self.dropout, pass, &features, ())?;
        let scores = self.score.run(pass, &kept)?.reshape(&[batch])?;
        Ok(Scored::new(scores, features))
    }
}

#[cfg(test)]
mod tests {
    use brigand_core::batch::{Indices, Schema};
    use brigand_core::modules::{Initialization, Network};
    use brigand_core::{Place, Setup};

    use super::*;

    fn scores(lines: &[&[u32]]) -> Vec<f64> {
        let place = Place::cpu();
        let setup = Setup { schema: Schema::default(), batch: 2, steps: 1, seed: 1, place: place.clone() };
        let recipe = TextCnnRecipe {
            embedding: 3,
            filters: [1, 2, 4].map(|tokens| FilterRecipe { tokens, maps: 3 }).to_vec(),
            dropout: 0.5,
            weight_decay: 0.0,
        };
        // Biases too, which would show where a filter lies in what fills up.
        let plan = Plan::new(Initialization::Normal { mean: 0.0, deviation: 1.0 });
        let network =
            Network::build("discriminator", &setup, |b| TextCnn::new(b, &recipe, 5, &plan)).unwrap();
        let mut stream = brigand_core::random::Stream::new(1, "test", 0);
        let weights = network.parameters().weights();
        let values =
            weights.values().iter().map(|value| place.normal(value.shape(), &mut stream).unwrap()).collect();
        let weights = weights.with_values(values).unwrap();
        let lines = Indices { values: lines.concat(), shape: vec![lines.len(), lines[0].len()] };
        let rows = place.one_hot(&lines.values, 5).unwrap();
        let rows = rows.reshape(&[lines.shape[0], lines.shape[1], 5]).unwrap();
        let scored = network.evaluate(Some(&weights), |cnn, pass| cnn.score(pass, &rows)).unwrap();
        scored.single().unwrap().to_vec().unwrap()
    }

    #[test]
    fn what_fills_a_line_up_changes_no_score() {
        let short = scores(&[&[3, 1, 0], &[2, 4, 1], &[2, 4, 3]]);
        let long = scores(&[&[3, 1, 0, 0, 0, 0], &[2, 4, 1, 0, 0, 0], &[2, 4, 3, 1, 1, 0]]);
        assert!((short[0] - long[0]).abs() < 1e-5, "{short:?} {long:?}");
        // These end one token later, or go on.
        assert!((short[1] - long[1]).abs() > 1e-5 && (short[2] - long[2]).abs() > 1e-5, "{short:?} {long:?}");
    }
}
