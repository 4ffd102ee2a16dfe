//! What a generator starts from besides noise, and how a discriminator uses it: classes, and codes that should be
//! recognisable in the samples.

use brigand_core::latent::{CATEGORY, CLASS, CODE, Distribution, LatentPart, LatentRecipe, LatentSpace};
use brigand_core::networks::ConditionUse;
use brigand_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// Where the generator gets the class of its sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GeneratorCondition {
    /// Nowhere: its samples have no given class.
    #[default]
    Nothing,
    /// As coordinates of its latent, one for each class (Mirza and Osindero 2014, arXiv:1411.1784).
    Latent,
    /// In its batch normalisation, which scales and shifts by class (Dumoulin et al. 2016, arXiv:1610.07629).
    BatchNorm,
}

/// How the discriminator uses the class of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum DiscriminatorCondition {
    /// Not at all: it is unconditional. A generator that gets a class then ignores it.
    Nothing {},
    /// The class is concatenated with the sample, as coordinates or channels (Mirza and Osindero 2014, arXiv:1411.1784).
    Sample {},
    /// Projection: a term of the score depends on the class, `w · phi(x) + e_y · phi(x)` (Miyato and Koyama 2018, arXiv:1802.05637).
    Projection {},
    /// An auxiliary output scores whether sample and class match; it is trained on real pairs, real samples with a wrong
    /// class, and generated samples (Reed et al. 2016, arXiv:1605.05396).
    Matching {
        /// The weight of its losses.
        #[serde(default = "one")]
        weight: f64,
        /// Whether generated samples count as not matching any class in the discriminator's loss.
        #[serde(default)]
        fakes: bool,
    },
    /// An auxiliary output classifies the sample, and both players minimise its loss (AC-GAN, Odena et al. 2016,
    /// arXiv:1610.09585).
    Classifier {
        /// The weight of its losses.
        #[serde(default = "one")]
        weight: f64,
        /// Whether the classifier is also trained on generated samples.
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

/// Samples of a given class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConditionRecipe {
    /// Where the generator gets the class.
    pub generator: GeneratorCondition,
    /// How the discriminator uses it.
    pub discriminator: DiscriminatorCondition,
}

impl ConditionRecipe {
    /// Samples have no given class.
    pub const OFF: Self =
        Self { generator: GeneratorCondition::Nothing, discriminator: DiscriminatorCondition::Nothing {} };

    /// Whether samples have a given class.
    pub fn is_on(&self) -> bool {
        self.generator != GeneratorCondition::Nothing
    }

    /// Where a discriminator gets one of `classes` classes as an input.
    pub(super) fn of_discriminator(&self, classes: usize) -> ConditionUse {
        match self.discriminator {
            DiscriminatorCondition::Sample {} => ConditionUse::BesideSample(classes),
            DiscriminatorCondition::Projection {} => ConditionUse::Projection(classes),
            DiscriminatorCondition::Nothing {}
            | DiscriminatorCondition::Matching { .. }
            | DiscriminatorCondition::Classifier { .. } => ConditionUse::None,
        }
    }

    /// Whether the discriminator cannot score a sample without its class.
    pub(super) fn is_input(&self) -> bool {
        self.of_discriminator(1) != ConditionUse::None
    }

    /// Whether the discriminator has a head with a number for each class.
    pub(super) fn has_head(&self) -> bool {
        match self.discriminator {
            DiscriminatorCondition::Matching { .. } | DiscriminatorCondition::Classifier { .. } => true,
            DiscriminatorCondition::Nothing {}
            | DiscriminatorCondition::Sample {}
            | DiscriminatorCondition::Projection {} => false,
        }
    }
}

/// Latent codes beside the noise, which an auxiliary output of the discriminator predicts from the samples: InfoGAN (Chen
/// et al. 2016, arXiv:1606.03657).
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

    /// Refuses sizes and weights that no codes can have.
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

/// The latents of a two-player system: noise, categorical code, continuous codes, class.
pub(super) fn latent_space(
    noise: &LatentRecipe,
    codes: &CodesRecipe,
    condition: &ConditionRecipe,
    class_counts: &[f64],
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
        let distribution = Distribution::Category { shares: class_counts.to_vec() };
        parts.push(LatentPart { name: CLASS, distribution });
    }
    LatentSpace::new(parts)
}
