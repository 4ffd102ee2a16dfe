//! Layers one after another, and the ones without parameters.

use brigand_autograd::{Activation, Variable};

use super::{Builder, Layer, Pass};
use crate::error::Result;

/// Layers one after another.
#[derive(Default)]
pub struct Sequence(Vec<Box<dyn Layer>>);

impl Sequence {
    /// No layers yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the layer that `make` builds, under the path `layer<position>`.
    pub fn push<L: Layer + 'static>(
        &mut self,
        builder: &mut Builder,
        make: impl FnOnce(&mut Builder) -> Result<L>,
    ) -> Result<()> {
        let layer = builder.within(format!("layer{}", self.0.len()), make)?;
        self.0.push(Box::new(layer));
        Ok(())
    }

    /// Adds the layers of `others`.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Adds a layer without parameters.
    pub fn push_plain<L: Layer + 'static>(&mut self, layer: L) {
        self.0.push(Box::new(layer));
    }
}

impl Layer for Sequence {
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        self.0.iter().try_fold(input.clone(), |value, layer| layer.forward(pass, &value))
    }

    fn couples_samples(&self) -> bool {
        self.0.iter().any(|layer| layer.couples_samples())
    }
}

/// An activation function.
pub struct Activate(pub Activation);

impl Layer for Activate {
    fn forward(&self, _: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        Ok(input.activate(self.0)?)
    }
}

/// The same elements as `[batch, shape...]`.
pub struct Reshape(pub Vec<usize>);

impl Layer for Reshape {
    fn forward(&self, _: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        let batch = input.shape().first().copied().unwrap_or(0);
        let shape: Vec<usize> = std::iter::once(batch).chain(self.0.iter().copied()).collect();
        Ok(input.reshape(&shape)?)
    }
}
