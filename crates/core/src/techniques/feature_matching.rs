//! Feature matching (Salimans et al. 2016, arXiv:1606.03498, section 3.1).

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// The generator's distance to the mean features of real samples, as a term of its loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeatureMatching {
    /// The term's weight; 0 is off.
    pub weight: f64,
    /// Whether it replaces the generator's objective, as in the paper, or is added to it.
    pub alone: bool,
}

impl FeatureMatching {
    /// `weight |mean h(x) - mean h(G(z))|²` of features `[batch, features]`; the real ones are constants.
    pub fn term(&self, real: &Variable, fake: &Variable) -> Result<Variable> {
        let apart = real.detach().mean(&[0])?.sub(&fake.mean(&[0])?)?;
        Ok(apart.square()?.sum_all()?.scale(self.weight)?)
    }
}
