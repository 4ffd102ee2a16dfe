//! What an objective computes its losses from.

use brigand_autograd::Variable;

use crate::error::{Error, Result};

/// The discriminator's scores of a real and a generated batch, and what else an objective may compare.
#[derive(Clone, Copy)]
pub struct Scores<'a> {
    /// Scores of real samples, `[batch]`.
    pub real: &'a Variable,
    /// Scores of generated samples, `[batch]`.
    pub fake: &'a Variable,
    /// The real and the generated samples themselves, `[batch, sample...]`, for objectives that compare them.
    pub samples: Option<(&'a Variable, &'a Variable)>,
    /// The discriminator's features of the generated samples, `[batch, features]`.
    pub fake_features: Option<&'a Variable>,
}

impl<'a> Scores<'a> {
    /// Scores alone.
    pub fn new(real: &'a Variable, fake: &'a Variable) -> Self {
        Self { real, fake, samples: None, fake_features: None }
    }

    /// The real and the generated samples, for the objective of kind `kind`.
    pub(super) fn samples(&self, kind: &str) -> Result<(&'a Variable, &'a Variable)> {
        self.samples.ok_or_else(|| {
            Error::Internal(format!("the objective {kind} compares samples and was given scores alone"))
        })
    }
}
