//! CT-GAN's consistency term (Wei et al. 2018, arXiv:1803.01541).

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::networks::Observed;

/// Two passes of the same real samples with different dropout masks should agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Consistency {
    /// The paper's lambda 2, for example 2; 0 is off.
    pub weight: f64,
    /// The disagreement that is free, the paper's M'.
    pub margin: f64,
}

/// The share of the features' disagreement beside the scores'.
const FEATURES: f64 = 0.1;

impl Consistency {
    /// `mean_i max(0, weight [(s'_i - s''_i)² + 0.1 mean_j (h'_ij - h''_ij)²] - margin)` of scores `s` and
    /// features `h` of two passes.
    pub fn term(&self, first: &Observed, second: &Observed) -> Result<Variable> {
        let missing = || Error::Internal("consistency got no features of the discriminator".into());
        let features = |of: &Observed| of.features.clone().ok_or_else(missing);
        let apart = features(first)?.sub(&features(second)?)?.square()?.mean(&[1])?.scale(FEATURES)?;
        let disagreement = first.output.sub(&second.output)?.square()?.add(&apart)?;
        Ok(disagreement.affine(self.weight, -self.margin)?.relu()?.mean_all()?)
    }
}
