//! Labels of which several may hold for one sample, and what holds between them.

use serde::{Deserialize, Serialize};

/// What holds between two labels, given by their numbers, in all samples of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TagRule {
    /// No sample has the first label without the second.
    Implies(usize, usize),
    /// No sample has both.
    Excludes(usize, usize),
}

impl TagRule {
    /// Whether labels that hold (`true`) and do not break it.
    pub fn is_broken_by(self, labels: &[bool]) -> bool {
        let holds = |number: usize| labels.get(number) == Some(&true);
        match self {
            Self::Implies(first, second) => holds(first) && !holds(second),
            Self::Excludes(first, second) => holds(first) && holds(second),
        }
    }
}

/// Labels of which several may hold for one sample.
#[derive(Clone, Copy, Debug)]
pub struct TagField<'a> {
    /// What they are called.
    pub names: &'a [String],
    /// What holds between them in all samples.
    pub rules: &'a [TagRule],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_broken_by_what_it_forbids_alone() {
        let broken = |rule: TagRule| {
            [[false, false], [true, false], [false, true], [true, true]]
                .map(|labels| rule.is_broken_by(&labels))
        };
        assert_eq!(broken(TagRule::Implies(0, 1)), [false, true, false, false]);
        assert_eq!(broken(TagRule::Excludes(0, 1)), [false, false, false, true]);
    }
}
