//! The input of a discriminator for one side (real or fake): samples, codes, pairs, conditioned samples.

use brigand_autograd::Variable;

use crate::error::{Error, Result};

/// One side of a comparison. Noise is added to its parts, penalties take gradients by them, and generators get gradients
/// through them; conditions that come along are left alone by all that.
pub trait Input: Clone {
    /// The same with every part changed.
    fn map(&self, change: &mut dyn FnMut(&Variable) -> Result<Variable>) -> Result<Self>;

    /// The parts of both sides joined one by one, under this side's conditions.
    fn zip(
        &self,
        other: &Self,
        join: &mut dyn FnMut(&Variable, &Variable) -> Result<Variable>,
    ) -> Result<Self>;

    /// The samples of both sides, one after the other, each with its own conditions.
    fn beside(&self, other: &Self) -> Result<Self>;

    /// The same without history, conditions included.
    fn detached(&self) -> Self;

    /// The parts.
    fn parts(&self) -> Result<Vec<Variable>> {
        let mut parts = Vec::new();
        self.map(&mut |part| {
            parts.push(part.clone());
            Ok(part.clone())
        })?;
        Ok(parts)
    }

    /// The same with every part a leaf of its own.
    fn leaves(&self) -> Result<Self> {
        self.map(&mut |part| Ok(Variable::leaf(part.tensor().clone())))
    }
}

impl Input for Variable {
    fn map(&self, change: &mut dyn FnMut(&Variable) -> Result<Variable>) -> Result<Self> {
        change(self)
    }

    fn zip(
        &self,
        other: &Self,
        join: &mut dyn FnMut(&Variable, &Variable) -> Result<Variable>,
    ) -> Result<Self> {
        join(self, other)
    }

    fn beside(&self, other: &Self) -> Result<Self> {
        Ok(Variable::concatenate(&[self, other], 0)?)
    }

    fn detached(&self) -> Self {
        self.detach()
    }
}

/// Two parts of which both count: a sample and its code (BiGAN), an image and a drawn map that is generated too.
#[derive(Clone)]
pub struct Pair(pub Variable, pub Variable);

impl Input for Pair {
    fn map(&self, change: &mut dyn FnMut(&Variable) -> Result<Variable>) -> Result<Self> {
        Ok(Self(change(&self.0)?, change(&self.1)?))
    }

    fn zip(
        &self,
        other: &Self,
        join: &mut dyn FnMut(&Variable, &Variable) -> Result<Variable>,
    ) -> Result<Self> {
        Ok(Self(join(&self.0, &other.0)?, join(&self.1, &other.1)?))
    }

    fn beside(&self, other: &Self) -> Result<Self> {
        self.zip(other, &mut |own, other| own.beside(other))
    }

    fn detached(&self) -> Self {
        Self(self.0.detach(), self.1.detach())
    }
}

/// Samples and what they are conditioned on: a class, a caption's code, a label map, a source image. `None` where the
/// recipe has no condition.
#[derive(Clone)]
pub struct Conditioned {
    /// `[batch, sample...]`.
    pub samples: Variable,
    /// `[batch, ...]`.
    pub condition: Option<Variable>,
}

impl Conditioned {
    /// Samples without a condition.
    pub fn alone(samples: Variable) -> Self {
        Self { samples, condition: None }
    }

    /// Samples under a condition.
    pub fn under(samples: Variable, condition: Variable) -> Self {
        Self { samples, condition: Some(condition) }
    }
}

impl Input for Conditioned {
    fn map(&self, change: &mut dyn FnMut(&Variable) -> Result<Variable>) -> Result<Self> {
        Ok(Self { samples: change(&self.samples)?, condition: self.condition.clone() })
    }

    fn zip(
        &self,
        other: &Self,
        join: &mut dyn FnMut(&Variable, &Variable) -> Result<Variable>,
    ) -> Result<Self> {
        Ok(Self { samples: join(&self.samples, &other.samples)?, condition: self.condition.clone() })
    }

    fn beside(&self, other: &Self) -> Result<Self> {
        let condition = match (&self.condition, &other.condition) {
            (Some(own), Some(other)) => Some(own.beside(other)?),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                return Err(Error::Internal(
                    "conditioned samples were joined with unconditioned ones".into(),
                ));
            }
        };
        Ok(Self { samples: self.samples.beside(&other.samples)?, condition })
    }

    fn detached(&self) -> Self {
        Self { samples: self.samples.detach(), condition: self.condition.as_ref().map(Variable::detach) }
    }
}
