//! The phases of a SeqGAN: which step of a run does what.

use brigand_core::modules::Part;
use brigand_core::state::State;
use brigand_core::{Error, Result};
use serde::{Deserialize, Serialize};

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
    /// Refuses shares that are none.
    ///
    /// # Errors
    /// [`Error::Recipe`], saying what to give.
    pub(super) fn check(self) -> Result<()> {
        for (key, share) in [("likelihood", self.likelihood), ("discriminator", self.discriminator)] {
            if !(0.0..=1.0).contains(&share) {
                return Err(Error::Recipe(format!("phases.{key} is {share}; give a share from 0 to 1")));
            }
        }
        let sum = self.likelihood + self.discriminator;
        if sum > 1.0 {
            return Err(Error::Recipe(format!(
                "phases.likelihood and phases.discriminator are {sum} of the run together; give at most 1"
            )));
        }
        Ok(())
    }
}

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

/// The steps at which phases end. They are those that the run began with: a run that is made longer goes on in its last
/// phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Phases {
    likelihood: u64,
    discriminator: u64,
}

impl Phases {
    /// Those of a run of so many steps.
    pub(super) fn new(recipe: PhasesRecipe, steps: u64) -> Self {
        let at = |share: f64| (share * steps as f64).round() as u64;
        let likelihood = at(recipe.likelihood);
        Self { likelihood, discriminator: at(recipe.likelihood + recipe.discriminator).max(likelihood) }
    }

    /// What this step trains.
    pub(super) fn at(self, step: u64) -> Phase {
        if step < self.likelihood {
            Phase::Likelihood
        } else if step < self.discriminator {
            Phase::Discriminator
        } else {
            Phase::Adversarial
        }
    }
}

impl Part for Phases {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        state.count(format!("{name}.likelihood"), self.likelihood);
        state.count(format!("{name}.discriminator"), self.discriminator);
        Ok(())
    }

    fn restore(&mut self, name: &str, state: &mut State) -> Result<()> {
        self.likelihood = state.counter(&format!("{name}.likelihood"))?;
        self.discriminator = state.counter(&format!("{name}.discriminator"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_follow_each_other_and_stay_when_a_run_is_made_longer() {
        let recipe = PhasesRecipe { likelihood: 0.5, discriminator: 0.25 };
        let phases = Phases::new(recipe, 8);
        let found: Vec<Phase> = (0..8).map(|step| phases.at(step)).collect();
        use Phase::{Adversarial as A, Discriminator as D, Likelihood as L};
        assert_eq!(found, [L, L, L, L, D, D, A, A]);
        let mut state = State::default();
        phases.save("phases", &mut state).unwrap();
        let mut longer = Phases::new(recipe, 80);
        longer.restore("phases", &mut state).unwrap();
        assert_eq!(longer, phases);
        assert_eq!(Phases::new(PhasesRecipe { likelihood: 1.0, discriminator: 0.0 }, 3).at(2), L);
        assert!(PhasesRecipe { likelihood: 0.8, discriminator: 0.3 }.check().is_err());
        assert!(PhasesRecipe { likelihood: -0.1, discriminator: 0.3 }.check().is_err());
    }
}
