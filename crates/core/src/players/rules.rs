//! What a discriminator and whoever made the fakes minimise, and what constrains it.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::limits::at_least_zero;
use crate::objectives::{Objective, Wasserstein};
use crate::penalties::{Constraint, Penalty};
use crate::techniques::{Consistency, FeatureMatching, InstanceNoise};

/// What a discriminator and whoever made the fakes minimise, and what constrains it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// What both minimise.
    pub objective: Objective,
    /// What is added to the discriminator's loss.
    pub penalty: Penalty,
    /// What holds without a term in the loss. Spectral normalisation is a value in the network's plan.
    pub constraint: Constraint,
    /// Noise on every part of the input.
    #[serde(rename = "instance_noise")]
    pub noise: InstanceNoise,
    /// Consistency regularisation: the distance of the discriminator's outputs under two dropout masks.
    pub consistency: Consistency,
    /// The distance of the mean features of generated and real samples.
    pub feature_matching: FeatureMatching,
}

impl Default for Rules {
    fn default() -> Self {
        Self::plain(Objective::NON_SATURATING)
    }
}

/// The keys `objective`, `penalty`, `constraint` and `instance_noise` of a recipe, which are flattened into it: what a
/// discriminator and whoever made the fakes minimise, and what constrains it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdversarialRecipe {
    /// What both minimise.
    pub objective: Objective,
    /// What is added to the discriminator's loss.
    #[serde(default)]
    pub penalty: Penalty,
    /// What constrains the discriminator without a term in its loss.
    #[serde(default)]
    pub constraint: Constraint,
    /// Noise on every part of the discriminator's input.
    #[serde(default)]
    pub instance_noise: InstanceNoise,
}

impl Default for AdversarialRecipe {
    fn default() -> Self {
        Self::of(Objective::NON_SATURATING)
    }
}

impl AdversarialRecipe {
    /// An objective and nothing else.
    pub fn of(objective: Objective) -> Self {
        Self {
            objective,
            penalty: Penalty::default(),
            constraint: Constraint::default(),
            instance_noise: InstanceNoise::default(),
        }
    }

    /// The Wasserstein objective and its gradient penalty.
    pub fn wgan_gp() -> Self {
        Self { penalty: Penalty::WGAN_GP, ..Self::of(Objective::Wasserstein(Wasserstein {})) }
    }

    /// The rules that a critic keeps.
    pub fn rules(&self) -> Rules {
        let Self { objective, penalty, constraint, instance_noise: noise } = *self;
        Rules { penalty, constraint, noise, ..Rules::plain(objective) }
    }

    /// Refuses values that no loss can have, and objectives on energies: the discriminators of systems with these keys are no
    /// auto-encoders.
    ///
    /// # Errors
    /// [`Error::Recipe`], saying which key has which value and what to give instead.
    pub fn check(&self) -> Result<()> {
        self.rules().check()?;
        self.objective.refuse_energies()
    }
}

impl Rules {
    /// An objective and nothing else.
    pub fn plain(objective: Objective) -> Self {
        Self {
            objective,
            penalty: Penalty::None {},
            constraint: Constraint::None {},
            noise: InstanceNoise::default(),
            consistency: Consistency::default(),
            feature_matching: FeatureMatching::default(),
        }
    }

    /// Refuses values that no loss can have.
    pub fn check(&self) -> Result<()> {
        self.objective.check()?;
        self.penalty.check()?;
        self.constraint.check()?;
        let weights = [
            ("instance_noise.deviation", self.noise.deviation),
            ("consistency.weight", self.consistency.weight),
            ("consistency.margin", self.consistency.margin),
            ("feature_matching.weight", self.feature_matching.weight),
        ];
        at_least_zero(&weights)
    }

    /// Refuses what needs each sample's own gradient where the discriminator, as built, couples the samples of a batch.
    pub fn check_coupling(&self, discriminator_couples: bool) -> Result<()> {
        let needing = if self.penalty.is_active() {
            "penalty.kind=gradient"
        } else if self.constraint.normalizes_gradients() {
            "this constraint"
        } else {
            return Ok(());
        };
        if discriminator_couples {
            return Err(Error::Recipe(format!(
                "{needing} needs each sample's own gradient, and this discriminator's batch normalisation or \
                 minibatch layer mixes samples; set discriminator.batch_norm=false (dcgan), \
                 discriminator.normalization=none (mlp), techniques.minibatch=none or minibatch_deviation=false (pggan)"
            )));
        }
        Ok(())
    }

    /// Refuses spectral normalisation of a discriminator that was built without it: the constraint would have no effect.
    pub fn check_spectral(&self, discriminator_is_spectral: bool) -> Result<()> {
        if self.constraint == (Constraint::Spectral {}) && !discriminator_is_spectral {
            return Err(Error::Recipe(
                "constraint.kind=spectral has no effect on this discriminator, whose weights are used as they are; set \
                 constraint.kind=none, or another constraint"
                    .into(),
            ));
        }
        Ok(())
    }

    /// Whether the loss of whoever made the fakes needs real samples scored.
    pub(super) fn generator_uses_real(&self) -> bool {
        self.feature_matching.weight > 0.0 || self.objective.properties().generator_uses_real
    }
}
