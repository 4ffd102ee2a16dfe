//! A network from samples back to latents that learns beside the generator.

use serde::{Deserialize, Serialize};

/// What the encoder is for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum EncoderRecipe {
    /// There is none.
    None {},
    /// The energy-based view's entropy: generator and encoder minimise `weight mean |z - E(G(z))|² / 2`, a bound on
    /// the information that samples keep of their latents, so that the generator cannot put everything into the
    /// lowest energy.
    Entropy {
        /// The weight of the entropy.
        #[serde(default = "one")]
        weight: f64,
    },
    /// Mode regularisation (Che et al. 2016, arXiv:1612.02136): generator and encoder minimise
    /// `mean [distance |x - G(E(x))|² + judgement softplus(-D(G(E(x))))]` over real samples `x`, the squared
    /// distance averaged over elements, so that every mode of the data pulls on the generator.
    ModeRegularization {
        /// The paper's lambda 1.
        #[serde(default = "fifth")]
        distance: f64,
        /// The paper's lambda 2.
        #[serde(default = "two_fifths")]
        judgement: f64,
    },
}

fn one() -> f64 {
    1.0
}

fn fifth() -> f64 {
    0.2
}

fn two_fifths() -> f64 {
    0.4
}

impl EncoderRecipe {
    /// Whether its term needs real samples in the generator's update.
    pub fn uses_real_samples(&self) -> bool {
        match self {
            Self::None {} | Self::Entropy { .. } => false,
            Self::ModeRegularization { .. } => true,
        }
    }
}

impl Default for EncoderRecipe {
    fn default() -> Self {
        Self::None {}
    }
}
