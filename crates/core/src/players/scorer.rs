//! What a discriminator computes.

use brigand_autograd::Variable;

use super::input::Input;
use crate::error::{Error, Result};
use crate::modules::Pass;

/// The outputs of a discriminator for one side, real or fake.
#[derive(Clone)]
pub struct Scored<A> {
    /// Raw scores, high for real: `[batch]`, or score maps `[batch, ...]`, one for each scale or head.
    pub scores: Vec<Variable>,
    /// Features, for matching and consistency; the last are those just before the scores, `[batch, features]`.
    pub features: Vec<Variable>,
    /// The outputs of other heads: class logits, codes, a reconstruction.
    pub also: A,
}

impl Scored<()> {
    /// Scores and features without other heads.
    pub fn new(scores: Variable, features: Variable) -> Self {
        Self { scores: vec![scores], features: vec![features], also: () }
    }
}

impl<A> Scored<A> {
    /// The one score of each sample, `[batch]`.
    ///
    /// # Errors
    /// If the discriminator gives several, or maps of scores.
    pub fn single(&self) -> Result<&Variable> {
        match self.scores.as_slice() {
            [only] if only.rank() == 1 => Ok(only),
            several => Err(Error::Recipe(format!(
                "one score for each sample is needed, the discriminator gives scores of shapes {:?}",
                several.iter().map(Variable::shape).collect::<Vec<_>>()
            ))),
        }
    }

    /// The features just before the scores, `[batch, features]`.
    ///
    /// # Errors
    /// If the discriminator gives none.
    pub fn last_features(&self) -> Result<&Variable> {
        let missing = || Error::Recipe("features are needed, and this discriminator gives none".into());
        self.features.last().ok_or_else(missing)
    }
}

/// The computation of a discriminator.
pub trait Scorer: Send + Sync {
    /// Its input for one side.
    type Input: Input;
    /// The outputs of its other heads; `()` without any.
    type Also: Clone;

    /// Its scores.
    ///
    /// # Errors
    /// If the input does not fit.
    fn score(&self, pass: &mut Pass<'_>, input: &Self::Input) -> Result<Scored<Self::Also>>;

    /// Whether, in training, a sample's score depends on the other samples of its batch.
    fn couples_samples(&self) -> bool {
        false
    }
}
