//! What else than noise a generator starts from, and how a discriminator insists on it: classes that are asked for,
//! codes that are to mean something.

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::networks::Hearing;
use crate::objectives::cross_entropy;
use crate::systems::{CLASS, Distribution, LatentPart, LatentRecipe, LatentSpace};

/// Where the generator hears the class it is to make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GeneratorHears {
    /// Nowhere: classes are not asked for.
    #[default]
    Nothing,
    /// As coordinates of its latent, one for each class (Mirza and Osindero 2014, arXiv:1411.1784).
    Latent,
    /// In its batch normalisation, which scales and shifts by class (Dumoulin et al. 2016, arXiv:1610.07629).
    BatchNorm,
}

/// How the discriminator insists on the class that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum DiscriminatorHears {
    /// Not at all: it only tells real from fake. A generator that hears a class then ignores it.
    Nothing {},
    /// It sees the class beside the sample, as coordinates or planes (Mirza and Osindero 2014, arXiv:1411.1784).
    Sample {},
    /// Its score has a part for the class: `w · phi(x) + e_y · phi(x)` (Miyato and Koyama 2018, arXiv:1802.05637).
    Projection {},
    /// A second head says whether sample and class match; it learns from real pairs, real samples with a wrong class,
    /// and fakes (Reed et al. 2016, arXiv:1605.05396).
    Matching {
        /// The weight of its losses.
        #[serde(default = "one")]
        weight: f64,
        /// Whether fakes count as no match of any class while the discriminator learns.
        #[serde(default)]
        fakes: bool,
    },
    /// A second head names the class, and both players want it to be right (AC-GAN, Odena et al. 2016,
    /// arXiv:1610.09585).
    Classifier {
        /// The weight of its losses.
        #[serde(default = "one")]
        weight: f64,
        /// Whether the discriminator's head also learns from fakes.
        #[serde(default = "yes")]
        fakes: bool,
    },
}

fn one() -> f64 {
    1.0
}

fn yes() -> bool {
    true
}

/// Samples of a class that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConditionRecipe {
    /// Where the generator hears the class.
    pub generator: GeneratorHears,
    /// How the discriminator insists on it.
    pub discriminator: DiscriminatorHears,
}

impl ConditionRecipe {
    /// Classes are not asked for.
    pub const OFF: Self =
        Self { generator: GeneratorHears::Nothing, discriminator: DiscriminatorHears::Nothing {} };

    /// Whether classes are asked for.
    pub fn is_on(&self) -> bool {
        self.generator != GeneratorHears::Nothing
    }

    /// Where a discriminator of `classes` classes hears them.
    pub(super) fn hearing(&self, classes: usize) -> Hearing {
        match self.discriminator {
            DiscriminatorHears::Sample {} => Hearing::Sample(classes),
            DiscriminatorHears::Projection {} => Hearing::Projection(classes),
            _ => Hearing::Nothing,
        }
    }
}

/// Codes beside the noise that the discriminator's second head must be able to read off the samples: InfoGAN (Chen et
/// al. 2016, arXiv:1606.03657).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodesRecipe {
    /// Values of the categorical code; 0 for none.
    pub categories: usize,
    /// Continuous codes, uniform in [-1, 1].
    pub continuous: usize,
    /// The weight of the categorical code's cross-entropy.
    pub category_weight: f64,
    /// The weight of the continuous codes' squared error (their likelihood under a normal of deviation 1).
    pub continuous_weight: f64,
}

impl CodesRecipe {
    /// No codes.
    pub const OFF: Self = Self { categories: 0, continuous: 0, category_weight: 1.0, continuous_weight: 0.1 };

    /// Whether there are any.
    pub fn is_on(&self) -> bool {
        self.categories + self.continuous > 0
    }

    /// Refuses codes that say nothing.
    pub(super) fn check(&self) -> Result<()> {
        let sizes = self.categories == 1 || self.categories > 10_000 || self.continuous > 1000;
        if sizes || !(self.category_weight >= 0.0 && self.continuous_weight >= 0.0) {
            return Err(Error::Recipe(format!(
                "codes has {} categories (weight {}) and {} continuous codes (weight {}); give 2 to 10000 categories \
                 or 0, at most 1000 continuous codes, and weights of 0 or more",
                self.categories, self.category_weight, self.continuous, self.continuous_weight
            )));
        }
        Ok(())
    }
}

/// Name of the part of a latent that is the categorical code.
pub const CATEGORY: &str = "category";
/// Name of the part of a latent that is the continuous codes.
pub const CODE: &str = "code";

/// The latents of a duel: noise, categorical code, continuous codes, class.
pub(super) fn latent_space(
    noise: &LatentRecipe,
    codes: &CodesRecipe,
    condition: &ConditionRecipe,
    classes: &[f64],
) -> LatentSpace {
    let mut parts = vec![noise.part()];
    if codes.categories > 0 {
        let distribution = Distribution::Category { shares: vec![1.0; codes.categories] };
        parts.push(LatentPart { name: CATEGORY, distribution });
    }
    if codes.continuous > 0 {
        let distribution = Distribution::Uniform { size: codes.continuous, low: -1.0, high: 1.0 };
        parts.push(LatentPart { name: CODE, distribution });
    }
    if condition.is_on() {
        let distribution = Distribution::Category { shares: classes.to_vec() };
        parts.push(LatentPart { name: CLASS, distribution });
    }
    LatentSpace::new(parts)
}

/// What the second head is to read off a batch.
pub(super) struct Told {
    /// The fakes' latents, `[batch, size]`.
    pub(super) latents: Variable,
    /// Real samples and fakes have these classes, one-hot `[batch, classes]`.
    pub(super) classes: Option<Variable>,
    /// Classes that they do not have, one-hot.
    pub(super) wrong: Option<Variable>,
}

/// Whose loss is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Learner {
    Generator,
    Discriminator,
}

/// A second head's outputs, `[batch, size]`: one for each class, then the categorical code's, then the continuous
/// codes' means.
#[derive(Clone, Copy)]
pub(super) struct Recognition {
    condition: ConditionRecipe,
    codes: CodesRecipe,
    classes: usize,
}

/// The categorical code's cross-entropy, as reported.
pub(super) const CATEGORY_LOSS: &str = "category loss";
/// Name of the lower bound of the information between categorical code and samples, in nats: `H(c) - CE`.
pub(super) const INFORMATION: &str = "information";

impl Recognition {
    pub(super) fn new(condition: ConditionRecipe, codes: CodesRecipe, classes: usize) -> Self {
        let named = matches!(
            condition.discriminator,
            DiscriminatorHears::Matching { .. } | DiscriminatorHears::Classifier { .. }
        );
        Self { condition, codes, classes: if named { classes } else { 0 } }
    }

    /// Numbers that the second head gives; `None` if it has nothing to say.
    pub(super) fn size(&self) -> Option<usize> {
        let size = self.classes + self.codes.categories + self.codes.continuous;
        (size > 0).then_some(size)
    }

    /// What is added to the learner's loss, by name.
    pub(super) fn terms(
        &self,
        learner: Learner,
        (real, fake): (&Variable, &Variable),
        told: &Told,
        space: &LatentSpace,
    ) -> Result<Vec<(&'static str, Variable)>> {
        let mut terms = self.class_terms(learner, (real, fake), told)?;
        let mut start = self.classes;
        if let Some((range, _)) = space.part(CATEGORY) {
            let logits = fake.narrow(1, start, range.len())?;
            let code = told.latents.narrow(1, range.start, range.len())?;
            let loss = cross_entropy(&logits, &code)?.scale(self.codes.category_weight)?;
            terms.push((CATEGORY_LOSS, loss));
            start += range.len();
        }
        if let Some((range, _)) = space.part(CODE) {
            let means = fake.narrow(1, start, range.len())?;
            let apart = means.sub(&told.latents.narrow(1, range.start, range.len())?)?;
            let likelihood = apart.square()?.sum(&[1])?.mean_all()?.scale(0.5)?;
            terms.push(("code loss", likelihood.scale(self.codes.continuous_weight)?));
        }
        Ok(terms)
    }

    fn class_terms(
        &self,
        learner: Learner,
        (real, fake): (&Variable, &Variable),
        told: &Told,
    ) -> Result<Vec<(&'static str, Variable)>> {
        let (Some(classes), Some(wrong)) = (&told.classes, &told.wrong) else { return Ok(Vec::new()) };
        let head = |outputs: &Variable| outputs.narrow(1, 0, self.classes);
        let discriminates = learner == Learner::Discriminator;
        let mut terms = Vec::new();
        match self.condition.discriminator {
            DiscriminatorHears::Classifier { weight, fakes } => {
                if discriminates {
                    terms.push(("class loss/real", cross_entropy(&head(real)?, classes)?.scale(weight)?));
                }
                if fakes || !discriminates {
                    terms.push(("class loss/fake", cross_entropy(&head(fake)?, classes)?.scale(weight)?));
                }
            }
            DiscriminatorHears::Matching { weight, fakes } => {
                let score = |outputs: &Variable, of: &Variable| head(outputs)?.mul(of)?.sum(&[1]);
                let mut push = |name, scores: Variable| -> Result<()> {
                    terms.push((name, scores.softplus()?.mean_all()?.scale(weight)?));
                    Ok(())
                };
                if discriminates {
                    push("match loss/real", score(real, classes)?.neg()?)?;
                    push("match loss/wrong", score(real, wrong)?)?;
                    if fakes {
                        push("match loss/fake", score(fake, classes)?)?;
                    }
                } else {
                    push("match loss/fake", score(fake, classes)?.neg()?)?;
                }
            }
            _ => {}
        }
        Ok(terms)
    }

    /// The greatest value of the [`INFORMATION`] of a categorical code, in nats.
    pub(super) fn greatest_information(&self) -> Option<f64> {
        (self.codes.categories > 0).then(|| (self.codes.categories as f64).ln())
    }

    /// The information that a reported [`CATEGORY_LOSS`] leaves.
    pub(super) fn information(&self, category_loss: f64) -> Option<f64> {
        let weight = self.codes.category_weight;
        self.greatest_information().filter(|_| weight > 0.0).map(|most| most - category_loss / weight)
    }
}
