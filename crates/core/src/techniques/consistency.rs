//! CT-GAN's consistency term (Wei et al. 2018, arXiv:1803.01541).

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// Consistency regularisation: the difference between two passes of the same real samples with different dropout masks.
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
    /// `mean_i max(0, weight [(s'_i - s''_i)² + 0.1 mean_j (h'_ij - h''_ij)²] - margin)` of scores `s` `[batch]` and
    /// features `h` `[batch, features]` of two passes, each given as `(s, h)`.
    ///
    /// # Errors
    /// If the shapes of the two passes differ.
    pub fn term(&self, first: (&Variable, &Variable), second: (&Variable, &Variable)) -> Result<Variable> {
        let apart = first.1.sub(second.1)?.square()?.mean(&[1])?.scale(FEATURES)?;
        let disagreement = first.0.sub(second.0)?.square()?.add(&apart)?;
        Ok(disagreement.affine(self.weight, -self.margin)?.relu()?.mean_all()?)
    }
}
