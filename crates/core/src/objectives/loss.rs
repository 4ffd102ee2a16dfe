//! The trait of objectives and their properties.

use brigand_autograd::Variable;

use super::Scores;
use crate::error::Result;

/// An adversarial loss: what both players minimise, and the properties that other code depends on.
pub trait AdversarialLoss {
    /// The discriminator's loss, a scalar.
    ///
    /// # Errors
    /// If the scores' shapes differ, or samples or features are missing that the loss compares.
    fn discriminator(&self, scores: &Scores<'_>) -> Result<Variable>;

    /// The generator's loss, a scalar.
    ///
    /// # Errors
    /// As for the discriminator's.
    fn generator(&self, scores: &Scores<'_>) -> Result<Variable>;

    /// What other code decides by.
    fn properties(&self) -> Properties;

    /// Refuses values of its fields that no loss can have, naming the recipe's key (`objective.margin`).
    ///
    /// # Errors
    /// If a field has such a value.
    fn check(&self) -> Result<()>;

    /// The arXiv number of the paper that introduced it.
    fn paper(&self) -> &'static str;
}

/// The properties of an objective. There are no defaults: each objective states every one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Properties {
    /// Whether the generator's loss depends on real samples or their scores.
    pub generator_uses_real: bool,
    /// Whether a loss compares real samples with generated ones, pair by pair or all with all.
    pub compares_samples: bool,
    /// The shapes of scores it takes.
    pub scores: ScoreShape,
    /// Whether scores may be negative energies.
    pub energies: Energies,
    /// The score above which a sample counts as classified real; `None` if only differences of scores mean something.
    pub threshold: Option<f64>,
    /// Both losses, `(discriminator, generator)`, where real and generated samples have the same distribution and the discriminator is optimal;
    /// `None` if they depend on the samples.
    pub equilibrium: Option<(f64, f64)>,
    /// Whether one backward pass serves both players.
    pub merging: Merging,
}

/// What shapes of scores an objective takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoreShape {
    /// Any: each loss is a mean of a function of each score (and of mean scores), so score maps
    /// `[batch, 1, height, width]` and several scales work.
    Any,
    /// One score for each sample, `[batch]`.
    PerSample,
}

/// Whether an objective works on negative energies, scores that are never positive: an auto-encoder's are minus its
/// reconstruction errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Energies {
    /// It works on nothing else.
    Required,
    /// It works on them as on any scores.
    Accepted,
    /// It needs scores of both signs.
    Refused,
}

/// How the merged update, where both players step from the same scores, finds the generator's gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merging {
    /// By the discriminator's own backward pass: both losses reach a generated sample through its score alone, and the
    /// discriminator's derivative by that score is not 0 over a whole range of scores. Each sample's gradient, times
    /// the quotient of the derivatives, is the generator's.
    Rescaled,
    /// By a backward pass of its own: a loss compares samples or features, or the discriminator's loss ignores some
    /// generated samples (hinges).
    Apart,
}
