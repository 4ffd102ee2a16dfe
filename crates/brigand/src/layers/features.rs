//! What a discriminator sees just before it judges.

use brigand_autograd::Variable;

use super::{Layer, Pass, Sequence};
use crate::error::Result;

/// Passes `[batch, features]` on and leaves it in the pass, for feature matching, consistency terms and codes.
pub struct Features;

impl Layer for Features {
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        pass.features = Some(input.clone());
        Ok(input.clone())
    }
}

/// A second head beside the one that judges: what its layers say of the features stays in the pass, `[batch, size]`.
pub struct SecondHead(pub Sequence);

impl Layer for SecondHead {
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        pass.second = Some(self.0.forward(pass, input)?);
        Ok(input.clone())
    }

    fn couples_samples(&self) -> bool {
        self.0.couples_samples()
    }
}
