//! What a discriminator sees just before it judges.

use brigand_autograd::Variable;

use super::{Layer, Pass};
use crate::error::Result;

/// Passes `[batch, features]` on and leaves it in the pass, for feature matching, consistency terms and codes.
pub struct Features;

impl Layer for Features {
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        pass.features = Some(input.clone());
        Ok(input.clone())
    }
}
