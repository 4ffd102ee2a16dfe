//! The discriminator's auxiliary outputs and their losses.

use std::ops::Range;

use brigand_autograd::Variable;
use brigand_core::latent::{CATEGORY, CODE, LatentSpace};
use brigand_core::networks::Heads;
use brigand_core::objectives::cross_entropy;
use brigand_core::{Error, Result};

use super::conditions::{CodesRecipe, ConditionRecipe, DiscriminatorCondition};

/// The categorical code's cross-entropy, as reported.
pub(super) const CATEGORY_LOSS: &str = "category_loss";
/// Name of the lower bound of the information between categorical code and samples, in nats: `H(c) - CE`.
pub(super) const INFORMATION: &str = "information";

/// The classes of a batch as one-hot rows `[batch, classes]`.
pub(super) struct Classes {
    /// The classes of real samples and fakes.
    pub(super) right: Variable,
    /// For each another class.
    pub(super) wrong: Variable,
}

/// The targets of the auxiliary outputs for a batch.
pub(super) struct Targets {
    /// The fakes' latents, `[batch, size]`.
    pub(super) latents: Variable,
    /// The classes, where samples have a given class.
    pub(super) classes: Option<Classes>,
}

/// Terms of a loss by name.
pub(super) type Terms = Vec<(&'static str, Variable)>;

/// The auxiliary outputs, `[batch, size]`: one for each class, then the categorical code's logits, then the continuous
/// codes' means.
#[derive(Clone)]
pub(super) struct AuxiliaryHead {
    discriminator: DiscriminatorCondition,
    codes: CodesRecipe,
    /// Outputs for classes; 0 for none.
    classes: usize,
    /// The coordinates of the codes in a latent.
    category: Option<Range<usize>>,
    code: Option<Range<usize>>,
}

impl AuxiliaryHead {
    /// The head for the latents of `space`.
    pub(super) fn new(condition: ConditionRecipe, codes: CodesRecipe, space: &LatentSpace) -> Self {
        let range = |name: &str| space.part(name).map(|(range, _)| range);
        let classes = if condition.has_head() { space.classes() } else { 0 };
        let (category, code) = (range(CATEGORY), range(CODE));
        Self { discriminator: condition.discriminator, codes, classes, category, code }
    }

    /// Outputs for each sample; `None` for no such head.
    pub(super) fn size(&self) -> Option<usize> {
        let size = self.classes + self.codes.categories + self.codes.continuous;
        (size > 0).then_some(size)
    }

    /// The terms of the discriminator's loss, of the heads for real samples and fakes.
    pub(super) fn discriminator_terms(&self, real: &Heads, fake: &Heads, targets: &Targets) -> Result<Terms> {
        if self.size().is_none() {
            return Ok(Vec::new());
        }
        let (real, fake) = (output(real)?, output(fake)?);
        let mut terms = match &targets.classes {
            Some(classes) => self.discriminator_class_terms(real, fake, classes)?,
            None => Vec::new(),
        };
        terms.extend(self.code_terms(fake, &targets.latents)?);
        Ok(terms)
    }

    /// The terms of the generator's loss, of the head for its fakes.
    pub(super) fn generator_terms(&self, fake: &Heads, targets: &Targets) -> Result<Terms> {
        if self.size().is_none() {
            return Ok(Vec::new());
        }
        let fake = output(fake)?;
        let mut terms = match &targets.classes {
            Some(classes) => self.generator_class_terms(fake, classes)?,
            None => Vec::new(),
        };
        terms.extend(self.code_terms(fake, &targets.latents)?);
        Ok(terms)
    }

    fn of_classes(&self, outputs: &Variable) -> Result<Variable> {
        Ok(outputs.narrow(1, 0, self.classes)?)
    }

    /// Each sample's output for its class in `classes`, `[batch]`.
    fn match_scores(&self, outputs: &Variable, classes: &Variable) -> Result<Variable> {
        Ok(self.of_classes(outputs)?.mul(classes)?.sum(&[1])?)
    }

    fn discriminator_class_terms(
        &self,
        real: &Variable,
        fake: &Variable,
        Classes { right, wrong }: &Classes,
    ) -> Result<Terms> {
        let mut terms = Vec::new();
        match self.discriminator {
            DiscriminatorCondition::Nothing {}
            | DiscriminatorCondition::Sample {}
            | DiscriminatorCondition::Projection {} => {}
            DiscriminatorCondition::Classifier { weight, fakes } => {
                let loss = |of: &Variable| -> Result<Variable> {
                    Ok(cross_entropy(&self.of_classes(of)?, right)?.scale(weight)?)
                };
                terms.push(("class_loss/real", loss(real)?));
                if fakes {
                    terms.push(("class_loss/fake", loss(fake)?));
                }
            }
            DiscriminatorCondition::Matching { weight, fakes } => {
                let low = |of, classes| below_zero(&self.match_scores(of, classes)?, weight);
                let matched = self.match_scores(real, right)?.neg()?;
                terms.push(("match_loss/real", below_zero(&matched, weight)?));
                terms.push(("match_loss/wrong", low(real, wrong)?));
                if fakes {
                    terms.push(("match_loss/fake", low(fake, right)?));
                }
            }
        }
        Ok(terms)
    }

    fn generator_class_terms(&self, fake: &Variable, Classes { right, .. }: &Classes) -> Result<Terms> {
        Ok(match self.discriminator {
            DiscriminatorCondition::Nothing {}
            | DiscriminatorCondition::Sample {}
            | DiscriminatorCondition::Projection {} => Vec::new(),
            DiscriminatorCondition::Classifier { weight, .. } => {
                let loss = cross_entropy(&self.of_classes(fake)?, right)?.scale(weight)?;
                vec![("class_loss/fake", loss)]
            }
            DiscriminatorCondition::Matching { weight, .. } => {
                let matched = self.match_scores(fake, right)?.neg()?;
                vec![("match_loss/fake", below_zero(&matched, weight)?)]
            }
        })
    }

    /// The codes' losses, the same for both players.
    fn code_terms(&self, fake: &Variable, latents: &Variable) -> Result<Terms> {
        let (mut terms, mut start) = (Vec::new(), self.classes);
        if let Some(range) = &self.category {
            let logits = fake.narrow(1, start, range.len())?;
            let code = latents.narrow(1, range.start, range.len())?;
            let loss = cross_entropy(&logits, &code)?.scale(self.codes.category_weight)?;
            terms.push((CATEGORY_LOSS, loss));
            start += range.len();
        }
        if let Some(range) = &self.code {
            let means = fake.narrow(1, start, range.len())?;
            let difference = means.sub(&latents.narrow(1, range.start, range.len())?)?;
            let likelihood = difference.square()?.sum(&[1])?.mean_all()?.scale(0.5)?;
            terms.push(("code_loss", likelihood.scale(self.codes.continuous_weight)?));
        }
        Ok(terms)
    }

    /// The greatest value of the [`INFORMATION`] of a categorical code, in nats: its entropy.
    pub(super) fn code_entropy(&self) -> Option<f64> {
        (self.codes.categories > 0).then(|| (self.codes.categories as f64).ln())
    }

    /// The code's entropy and the weight of its loss, where the information can be computed from the loss.
    pub(super) fn information(&self) -> Option<(f64, f64)> {
        let weight = self.codes.category_weight;
        self.code_entropy().filter(|_| weight > 0.0).map(|entropy| (entropy, weight))
    }
}

/// `weight mean softplus(scores)`: small where scores lie far below 0.
fn below_zero(scores: &Variable, weight: f64) -> Result<Variable> {
    Ok(scores.softplus()?.mean_all()?.scale(weight)?)
}

fn output(heads: &Heads) -> Result<&Variable> {
    let missing = || Error::Internal("a discriminator gave no auxiliary outputs".into());
    heads.auxiliary.as_ref().ok_or_else(missing)
}
