//! What changes a two-player system's inputs, statistics or updates: each can be switched on in any recipe where it
//! makes sense.
//!
//! Others are parts of the recipe itself: smoothed labels are targets of the objective, two time scales are two learning
//! rates, several discriminator steps and the merged update stand in `update`, the average of the generator's weights in
//! `average`.

use brigand_core::limits::at_least_zero;
use brigand_core::modules::Minibatch;
use brigand_core::techniques::{Consistency, FeatureMatching, InstanceNoise, Unrolling};
use brigand_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// Every technique, off by default.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Techniques {
    /// What the discriminator computes over its whole batch.
    pub minibatch: Minibatch,
    /// Samples that the discriminator scores together (PacGAN, Lin et al. 2017, arXiv:1712.04086); 1 is one by one.
    pub packing: usize,
    /// Weight of each player's squared distance to the mean of its past weights (Salimans et al. 2016,
    /// arXiv:1606.03498, section 3.3); 0 is off.
    pub historical_averaging: f64,
    /// Weight of the generator's orthogonal regularisation (Brock et al. 2018, arXiv:1809.11096); 0 is off.
    pub orthogonal: f64,
    /// Normalises the generator's maps by a fixed reference batch instead of its own batch (Salimans et al. 2016,
    /// section 3.5).
    pub virtual_batch_norm: bool,
    /// The generator matches the mean features of real samples.
    pub feature_matching: FeatureMatching,
    /// Noise on every input of the discriminator.
    pub instance_noise: InstanceNoise,
    /// The generator's loss uses a discriminator some steps ahead.
    pub unrolling: Unrolling,
    /// The discriminator's scores of real samples should not depend on its dropout masks.
    pub consistency: Consistency,
    /// A network from samples back to latents.
    pub encoder: EncoderRecipe,
}

impl Default for Techniques {
    fn default() -> Self {
        Self {
            minibatch: Minibatch::None,
            packing: 1,
            historical_averaging: 0.0,
            orthogonal: 0.0,
            virtual_batch_norm: false,
            feature_matching: FeatureMatching::default(),
            instance_noise: InstanceNoise::default(),
            unrolling: Unrolling::default(),
            consistency: Consistency::default(),
            encoder: EncoderRecipe::None {},
        }
    }
}

impl Techniques {
    /// Refuses values that no technique can have.
    pub(super) fn check(&self) -> Result<()> {
        if self.packing == 0 || self.packing > 64 {
            return Err(Error::Recipe(format!("techniques.packing is {}; give 1 to 64", self.packing)));
        }
        let (entropy, distance, score) = match self.encoder {
            EncoderRecipe::None {} => (0.0, 0.0, 0.0),
            EncoderRecipe::Entropy { weight } => (weight, 0.0, 0.0),
            EncoderRecipe::ModeRegularization { distance, score } => (0.0, distance, score),
        };
        let weights = [
            ("techniques.historical_averaging", self.historical_averaging),
            ("techniques.orthogonal", self.orthogonal),
            ("techniques.feature_matching.weight", self.feature_matching.weight),
            ("techniques.instance_noise.deviation", self.instance_noise.deviation),
            ("techniques.consistency.weight", self.consistency.weight),
            ("techniques.consistency.margin", self.consistency.margin),
            ("techniques.encoder.weight", entropy),
            ("techniques.encoder.distance", distance),
            ("techniques.encoder.score", score),
        ];
        at_least_zero(&weights)
    }
}

/// A network from samples back to latents that learns beside the generator.
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
    /// `mean [distance |x - G(E(x))|² + score softplus(-D(G(E(x))))]` over real samples `x`, the squared
    /// distance averaged over elements, so that every mode of the data attracts the generator.
    ModeRegularization {
        /// The paper's lambda 1.
        #[serde(default = "fifth")]
        distance: f64,
        /// The paper's lambda 2, the weight of the discriminator's score.
        #[serde(default = "two_fifths")]
        score: f64,
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

impl Default for EncoderRecipe {
    fn default() -> Self {
        Self::None {}
    }
}
