//! Layers one after another, and those without parameters.

use brigand_autograd::{Activation, Variable};

use super::builder::Builder;
use super::convolution::{double, halve};
use super::layer::{Conditioning, Layer, Unconditional, unconditional_layer};
use super::pass::Pass;
use crate::error::Result;

/// Layers one after another, all under the same condition.
pub struct Chain<C: Conditioning = Unconditional>(Vec<Box<dyn Layer<C>>>);

impl<C: Conditioning> Default for Chain<C> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<C: Conditioning> Chain<C> {
    /// No layers yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many layers it has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the layer that `make` builds, under the path `layer<position>`.
    pub fn push<L: Layer<C> + 'static>(
        &mut self,
        builder: &mut Builder,
        make: impl FnOnce(&mut Builder) -> Result<L>,
    ) -> Result<()> {
        self.push_named(builder, format!("layer{}", self.0.len()), make)
    }

    /// Adds the layer that `make` builds, under `name` in the path.
    pub fn push_named<L: Layer<C> + 'static>(
        &mut self,
        builder: &mut Builder,
        name: impl Into<String>,
        make: impl FnOnce(&mut Builder) -> Result<L>,
    ) -> Result<()> {
        let layer = builder.block(name, make)?;
        self.0.push(Box::new(layer));
        Ok(())
    }

    /// Adds a layer without parameters.
    pub fn push_plain<L: Layer<C> + 'static>(&mut self, layer: L) {
        self.0.push(Box::new(layer));
    }

    /// Adds the layers of `others`, which keep their paths.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// The output of every layer.
    ///
    /// # Errors
    /// As [`Layer::forward`].
    pub fn outputs(
        &self,
        pass: &mut Pass<'_>,
        input: &Variable,
        condition: C::Value<'_>,
    ) -> Result<Vec<Variable>> {
        let mut value = input.clone();
        self.0
            .iter()
            .map(|layer| {
                value = layer.forward(pass, &value, condition)?;
                Ok(value.clone())
            })
            .collect()
    }
}

impl<C: Conditioning> Layer<C> for Chain<C> {
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable, condition: C::Value<'_>) -> Result<Variable> {
        self.0.iter().try_fold(input.clone(), |value, layer| layer.forward(pass, &value, condition))
    }

    fn couples_samples(&self) -> bool {
        self.0.iter().any(|layer| layer.couples_samples())
    }
}

impl Chain {
    /// The last output of a stack without a condition.
    ///
    /// # Errors
    /// As [`Layer::forward`].
    pub fn run(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        self.forward(pass, input, ())
    }
}

/// An activation function.
pub struct Activate(pub Activation);

impl Activate {
    fn run(&self, _: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        Ok(input.activate(self.0)?)
    }
}

unconditional_layer!(Activate);

/// A constant factor.
pub struct Scale(pub f64);

impl Scale {
    fn run(&self, _: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        Ok(input.scale(self.0)?)
    }
}

unconditional_layer!(Scale);

/// The same elements as `[batch, shape...]`.
pub struct Reshape(pub Vec<usize>);

impl Reshape {
    fn run(&self, _: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        let batch = input.shape().first().copied().unwrap_or(0);
        let shape: Vec<usize> = std::iter::once(batch).chain(self.0.iter().copied()).collect();
        Ok(input.reshape(&shape)?)
    }
}

unconditional_layer!(Reshape);

/// Twice the height and width, every pixel repeated.
pub struct Double;

impl Double {
    fn run(&self, _: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        double(input)
    }
}

unconditional_layer!(Double);

/// Twice the height and width, by bilinear interpolation.
pub struct DoubleBilinear;

impl DoubleBilinear {
    fn run(&self, _: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        let (_, _, height, width) = input.dims4("upsample")?;
        Ok(input.resize_bilinear(2 * height, 2 * width)?)
    }
}

unconditional_layer!(DoubleBilinear);

/// Twice the height and width from a quarter of the channels: channel `4 c + 2 i + j` of a position becomes pixel `(i, j)` of
/// channel `c` there (sub-pixel convolution, Shi et al. 2016, arXiv:1609.05158).
pub struct PixelShuffle;

impl PixelShuffle {
    fn run(&self, _: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        let (batch, channels, height, width) = input.dims4("a pixel shuffle")?;
        let parts = input.reshape(&[batch, channels / 4, 2, 2, height, width])?;
        Ok(parts.permute(&[0, 1, 4, 2, 5, 3])?.reshape(&[batch, channels / 4, 2 * height, 2 * width])?)
    }
}

unconditional_layer!(PixelShuffle);

/// The largest of 3x3 pixels around every second one: half the height and width.
pub struct MaxHalve;

impl MaxHalve {
    fn run(&self, _: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        Ok(input.max_pool2d(3, 2, 1)?)
    }
}

unconditional_layer!(MaxHalve);

/// Half the height and width, the mean of each 2x2 pixels.
pub struct Halve;

impl Halve {
    fn run(&self, _: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        halve(input)
    }
}

unconditional_layer!(Halve);

/// `[batch, channels, height, width]` summed over positions: `[batch, channels]`.
pub struct SumPositions;

impl SumPositions {
    fn run(&self, _: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        Ok(input.sum(&[2, 3])?)
    }
}

unconditional_layer!(SumPositions);
