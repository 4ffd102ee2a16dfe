//! The phases of a SeqGAN: which step of a run does what.

use brigand_core::Result;
use serde::{Deserialize, Serialize};

use super::super::phases::{Phases, check_shares};

/// How long the phases before the policy gradient are, as shares of the run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhasesRecipe {
    /// The share of the run that trains the generator by maximum likelihood.
    pub likelihood: f64,
    /// The share of the run after it that trains the discriminator alone.
    pub discriminator: f64,
}

impl PhasesRecipe {
    fn shares(self) -> [(&'static str, f64); 2] {
        [("likelihood", self.likelihood), ("discriminator", self.discriminator)]
    }

    /// Refuses shares that are none.
    ///
    /// # Errors
    /// [`brigand_core::Error::Recipe`], saying what to give.
    pub(super) fn check(self) -> Result<()> {
        check_shares(&self.shares())
    }

    /// The phases of a run of so many steps.
    pub(super) fn of_run(self, steps: u64) -> Phases {
        Phases::new(&self.shares(), steps)
    }
}

/// The number of the phase that trains the discriminator alone.
pub(super) const DISCRIMINATOR_ALONE: usize = 1;

/// What a step trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The generator, by maximum likelihood.
    Likelihood,
    /// The discriminator alone.
    Discriminator,
    /// The generator by the policy gradient, and the discriminator.
    Adversarial,
}

impl Phase {
    /// What this step trains.
    pub(super) fn at(phases: &Phases, step: u64) -> Self {
        match phases.at(step) {
            0 => Self::Likelihood,
            DISCRIMINATOR_ALONE => Self::Discriminator,
            _ => Self::Adversarial,
        }
    }
}
