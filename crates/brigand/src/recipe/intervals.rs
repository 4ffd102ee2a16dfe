//! Intervals that follow the length of a run where nobody chose them.

use super::Common;

/// An interval whose default is a share of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interval {
    /// Between pictures of samples.
    Samples,
    /// Between checkpoints.
    Checkpoints,
}

impl Interval {
    pub(super) const ALL: [Self; 2] = [Self::Samples, Self::Checkpoints];

    /// Its key in a recipe.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Samples => "samples.every",
            Self::Checkpoints => "checkpoint.every",
        }
    }

    /// Steps between two, for a run of `steps`: about 30 pictures and 6 checkpoints.
    pub(super) fn default(self, steps: u64) -> u64 {
        match self {
            Self::Samples => rounded(steps / 30),
            Self::Checkpoints => rounded(steps / 6),
        }
    }

    /// Its place in a recipe.
    pub(super) fn of(self, common: &mut Common) -> &mut u64 {
        match self {
            Self::Samples => &mut common.samples.every,
            Self::Checkpoints => &mut common.checkpoint.every,
        }
    }
}

impl Common {
    /// Makes it a recipe of `steps` steps. Intervals that are the defaults of the length before become those of the new
    /// one; answers each that changed, as `key=value`.
    pub fn set_steps(&mut self, steps: u64) -> Vec<String> {
        let before = std::mem::replace(&mut self.training.steps, steps);
        let mut changed = Vec::new();
        for interval in Interval::ALL {
            let (own, default) = (interval.of(self), interval.default(steps));
            if *own == interval.default(before) && *own != default {
                *own = default;
                changed.push(format!("{}={default}", interval.key()));
            }
        }
        changed
    }
}

/// The largest of 1, 2, 5, 10, 20, 50... that is not above `count`, at least 1.
fn rounded(count: u64) -> u64 {
    let mut power = 1;
    while power * 10 <= count {
        power *= 10;
    }
    [5, 2, 1].into_iter().map(|digit| digit * power).find(|&round| round <= count).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Changes, Recipe};
    use crate::registry;

    #[test]
    fn intervals_are_round() {
        assert_eq!([0, 1, 4, 9, 266, 1333, 5000].map(rounded), [1, 1, 2, 5, 200, 1000, 5000]);
    }

    #[test]
    fn an_extended_trial_does_not_keep_the_intervals_of_its_20_steps() {
        let common = |steps: u64, keys: &[&str]| {
            let mut assignments = vec![format!("training.steps={steps}")];
            assignments.extend(keys.iter().map(ToString::to_string));
            let changes = Changes { file: None, assignments };
            Recipe::resolve(registry::find("gan").unwrap(), &changes).unwrap().common
        };
        let mut extended = common(20, &[]);
        assert_eq!(extended.set_steps(6000), ["samples.every=200", "checkpoint.every=1000"]);
        assert_eq!(extended, common(6000, &[]));
        let chosen = ["samples.every=7", "checkpoint.every=0"];
        let mut kept = common(20, &chosen);
        assert!(kept.set_steps(6000).is_empty());
        assert_eq!(kept, common(6000, &chosen));
        assert!(kept.set_steps(6000).is_empty());
    }
}
