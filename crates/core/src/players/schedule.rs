//! How step sizes change over a run.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How step sizes change over a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Schedule {
    /// Not at all.
    Constant {},
    /// Linearly to 0 at the last step, after a share of the run at full size.
    Linear {
        /// The share of the run before the decay, 0 to 1.
        #[serde(default)]
        after: f64,
    },
    /// Along half a cosine to 0 at the last step.
    Cosine {},
    /// Exponentially to a share of the full size at the last step, after a share of the run at full size.
    Exponential {
        /// The share of the run before the decay, 0 to 1.
        #[serde(default)]
        after: f64,
        /// The factor at the last step, more than 0.
        #[serde(default = "hundredth")]
        end: f64,
    },
    /// At once to a factor of the full size, after a share of the run.
    Drop {
        /// The share of the run at full size, 0 to 1.
        #[serde(default = "four_fifths")]
        after: f64,
        /// The factor from then on, more than 0.
        #[serde(default = "tenth")]
        end: f64,
    },
}

fn four_fifths() -> f64 {
    0.8
}

fn tenth() -> f64 {
    0.1
}

fn hundredth() -> f64 {
    0.01
}

impl Schedule {
    /// Refuses shares of a run that are none, and a last factor that no step can have.
    pub fn check(&self) -> Result<()> {
        let (after, end) = match *self {
            Self::Constant {} | Self::Cosine {} => return Ok(()),
            Self::Linear { after } => (after, 1.0),
            Self::Exponential { after, end } | Self::Drop { after, end } => (after, end),
        };
        if !(0.0..1.0).contains(&after) {
            return Err(Error::Recipe(format!("schedule.after is {after}; give 0 or more and less than 1")));
        }
        if !(end > 0.0 && end <= 1.0) {
            return Err(Error::Recipe(format!("schedule.end is {end}; give more than 0 and at most 1")));
        }
        Ok(())
    }

    /// Its key in a recipe, for [`crate::recipe::SystemRecipe::spread_over_run`]; nothing where it is constant.
    pub fn spread_over_run(&self) -> Vec<&'static str> {
        match self {
            Self::Constant {} => Vec::new(),
            Self::Linear { .. } | Self::Cosine {} | Self::Exponential { .. } | Self::Drop { .. } => {
                vec!["schedule"]
            }
        }
    }

    /// The factor of the step sizes at `step` of `steps`.
    pub fn at(&self, step: u64, steps: u64) -> f64 {
        let done = (step as f64 / steps.max(1) as f64).min(1.0);
        match *self {
            Self::Constant {} => 1.0,
            Self::Linear { after } => ((1.0 - done) / (1.0 - after)).min(1.0),
            Self::Exponential { after, end } => end.powf(((done - after) / (1.0 - after)).max(0.0)),
            Self::Drop { after, .. } if done < after => 1.0,
            Self::Drop { end, .. } => end,
            Self::Cosine {} => 0.5 * (1.0 + (std::f64::consts::PI * done).cos()),
        }
    }
}
