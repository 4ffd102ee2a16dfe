//! Unrolled GANs (Metz et al. 2016, arXiv:1611.02163): the generator's loss uses the discriminator after
//! some further steps of training.

use serde::{Deserialize, Serialize};

/// What the generator's gradient follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnrolledGradient {
    /// Also how the unrolled discriminator depends on the generator: the paper's.
    #[default]
    Full,
    /// The unrolled discriminator as it is: cheaper, a mere look ahead.
    FirstOrder,
}

impl UnrolledGradient {
    /// Whether gradients flow through the unrolled steps themselves.
    pub fn differentiates_steps(self) -> bool {
        match self {
            Self::Full => true,
            Self::FirstOrder => false,
        }
    }
}

/// How far the generator looks ahead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Unrolling {
    /// Discriminator steps, by its own optimizer on the generator's batch, undone afterwards; 0 is off.
    pub steps: u32,
    /// What the generator's gradient follows.
    pub gradient: UnrolledGradient,
}
