//! The phases of a run that trains one thing after another.

use brigand_core::modules::Part;
use brigand_core::state::State;
use brigand_core::{Error, Result};

/// Refuses lengths of phases, by key, that are no shares of a run, or more than all of it.
///
/// # Errors
/// [`Error::Recipe`], saying what to give.
pub(super) fn check_shares(shares: &[(&str, f64)]) -> Result<()> {
    if let Some((key, share)) = shares.iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
        return Err(Error::Recipe(format!("phases.{key} is {share}; give a share from 0 to 1")));
    }
    let sum: f64 = shares.iter().map(|(_, share)| share).sum();
    if sum > 1.0 {
        let keys: Vec<String> = shares.iter().map(|(key, _)| format!("phases.{key}")).collect();
        return Err(Error::Recipe(format!(
            "{} are {sum} of the run together; give at most 1",
            keys.join(" and ")
        )));
    }
    Ok(())
}

/// The steps at which phases end. They are those that the run began with: a run that is made longer goes on in its last
/// phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Phases(Vec<(&'static str, u64)>);

impl Phases {
    /// Phases of these shares of a run of so many steps, by name, before a last one.
    pub(super) fn new(shares: &[(&'static str, f64)], steps: u64) -> Self {
        let (mut sum, mut before) = (0.0, 0);
        let ends = shares.iter().map(|(name, share)| {
            sum += share;
            before = ((sum * steps as f64).round() as u64).max(before);
            (*name, before)
        });
        Self(ends.collect())
    }

    /// Refuses phases that leave the last one, which trains what `trains` says, none of so many steps.
    pub(super) fn refuse_without_last(&self, steps: u64, trains: &str) -> Result<()> {
        match self.0.last() {
            Some((_, end)) if *end >= steps => {
                let keys: Vec<String> = self.0.iter().map(|(name, _)| format!("phases.{name}")).collect();
                Err(Error::Recipe(format!(
                    "{} leave no step of {steps} for {trains}; give less, or more steps",
                    keys.join(" and ")
                )))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The name of phase `number` if all of the first `steps` steps were in it, and there were some.
    pub(super) fn so_far(&self, number: usize, steps: u64) -> Option<&'static str> {
        let in_it = |step: u64| self.at(step) == number;
        let (name, _) = self.0.get(number)?;
        (in_it(0) && in_it(steps.checked_sub(1)?)).then_some(*name)
    }

    /// The number of the phase that this step is in, counted from 0.
    pub(super) fn at(&self, step: u64) -> usize {
        self.0.iter().take_while(|(_, end)| step >= *end).count()
    }
}

impl Part for Phases {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        self.0.iter().for_each(|(phase, end)| state.count(format!("{name}.{phase}"), *end));
        Ok(())
    }

    fn restore(&mut self, name: &str, state: &mut State) -> Result<()> {
        self.0.iter_mut().try_for_each(|(phase, end)| {
            *end = state.counter(&format!("{name}.{phase}"))?;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_follow_each_other_and_stay_when_a_run_is_made_longer() {
        let shares = [("first", 0.5), ("second", 0.25)];
        let phases = Phases::new(&shares, 8);
        let found: Vec<usize> = (0..8).map(|step| phases.at(step)).collect();
        assert_eq!(found, [0, 0, 0, 0, 1, 1, 2, 2]);
        assert_eq!(
            [0, 1, 4, 5].map(|steps| phases.so_far(0, steps)),
            [None, Some("first"), Some("first"), None]
        );
        assert_eq!((phases.so_far(1, 6), phases.so_far(2, 8)), (None, None));
        let mut state = State::default();
        phases.save("phases", &mut state).unwrap();
        let mut longer = Phases::new(&shares, 80);
        longer.restore("phases", &mut state).unwrap();
        assert_eq!(longer, phases);
        assert_eq!(Phases::new(&[("first", 1.0), ("second", 0.0)], 3).at(2), 0);
        assert_eq!(Phases::new(&[("first", 0.0)], 3).at(0), 1);
        assert!(
            check_shares(&[("a", 0.8), ("b", 0.3)])
                .unwrap_err()
                .to_string()
                .contains("phases.a and phases.b")
        );
        assert!(check_shares(&[("a", -0.1), ("b", 0.3)]).is_err());
    }
}
