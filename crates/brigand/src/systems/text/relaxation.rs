//! How choices of tokens are made differentiable, over a run.

use brigand_core::modules::Relaxation;
use brigand_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// How choices are made differentiable. Temperatures change geometrically from the first step to the last.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum RelaxationRecipe {
    /// The probabilities themselves; sampling takes the most probable token, so that only the latent varies the lines.
    Softmax {},
    /// Draws relaxed by Gumbel noise (Jang et al. 2016, arXiv:1611.01144).
    Gumbel {
        /// The temperature at the first step.
        #[serde(default = "one")]
        first: f64,
        /// The temperature at the last step.
        #[serde(default = "half")]
        last: f64,
    },
    /// Hard draws whose gradient is that of the relaxed ones.
    StraightThrough {
        /// The gradient's temperature at the first step.
        #[serde(default = "one")]
        first: f64,
        /// The gradient's temperature at the last step.
        #[serde(default = "half")]
        last: f64,
    },
}

fn one() -> f64 {
    1.0
}

fn half() -> f64 {
    0.5
}

impl Default for RelaxationRecipe {
    fn default() -> Self {
        Self::Gumbel { first: one(), last: half() }
    }
}

impl RelaxationRecipe {
    /// Whether it is another one at the last step than at the first.
    pub(in super::super) fn changes(self) -> bool {
        match self {
            Self::Softmax {} => false,
            Self::Gumbel { first, last } | Self::StraightThrough { first, last } => first != last,
        }
    }

    pub(in super::super) fn check(self) -> Result<()> {
        let (first, last) = match self {
            Self::Softmax {} => return Ok(()),
            Self::Gumbel { first, last } | Self::StraightThrough { first, last } => (first, last),
        };
        match [("first", first), ("last", last)]
            .into_iter()
            .find(|(_, value)| !(0.01..=100.0).contains(value))
        {
            Some((key, value)) => {
                Err(Error::Recipe(format!("relaxation.{key} is {value}; give a temperature of 0.01 to 100")))
            }
            None => Ok(()),
        }
    }

    /// The relaxation after this share of the run, 0 to 1.
    pub(in super::super) fn at(self, share: f64) -> Relaxation {
        let between = |first: f64, last: f64| first * (last / first).powf(share);
        match self {
            Self::Softmax {} => Relaxation::Softmax,
            Self::Gumbel { first, last } => Relaxation::Gumbel { temperature: between(first, last) },
            Self::StraightThrough { first, last } => {
                Relaxation::StraightThrough { temperature: between(first, last) }
            }
        }
    }

    /// How tokens are chosen once trained: hard draws, or the probabilities where there was no draw.
    pub(in super::super) fn sampling(self) -> Relaxation {
        match self {
            Self::Softmax {} => Relaxation::Softmax,
            Self::Gumbel { .. } | Self::StraightThrough { .. } => {
                Relaxation::StraightThrough { temperature: 1.0 }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temperatures_go_from_the_first_to_the_last() {
        let recipe = RelaxationRecipe::Gumbel { first: 4.0, last: 1.0 };
        let temperatures = [0.0, 0.5, 1.0].map(|share| recipe.at(share));
        assert_eq!(temperatures, [4.0, 2.0, 1.0].map(|temperature| Relaxation::Gumbel { temperature }));
        assert!(RelaxationRecipe::Gumbel { first: 0.0, last: 1.0 }.check().is_err());
    }
}
