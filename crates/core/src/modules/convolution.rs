//! Convolutions and transposed convolutions of `[batch, channels, height, width]`.

use brigand_autograd::{Sliding, Variable};

use super::builder::Builder;
use super::layer::unconditional_layer;
use super::linear::bias;
use super::parameters::WeightId;
use super::pass::Pass;
use super::weight::{Plan, Weight};
use crate::error::Result;

/// What a map is padded with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// Zeros.
    Zeros,
    /// The map mirrored at its border.
    Reflection,
}

/// A kernel and how it slides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows and columns of the kernel.
    pub kernel: [usize; 2],
    /// Steps between two positions.
    pub stride: usize,
    /// What is added on each side, down and across.
    pub padding: [usize; 2],
    /// What it consists of.
    pub around: Padding,
    /// Independent groups of channels.
    pub groups: usize,
}

impl Window {
    /// An odd square kernel that keeps the size.
    pub const fn same(side: usize) -> Self {
        Self { kernel: [side; 2], stride: 1, padding: [side / 2; 2], around: Padding::Zeros, groups: 1 }
    }

    /// 4x4, stride 2, padding 1: exactly halves (or, transposed, doubles) an even size.
    pub const HALVING: Self =
        Self { kernel: [4; 2], stride: 2, padding: [1; 2], around: Padding::Zeros, groups: 1 };

    /// A kernel as large as the map, without padding: joins it to one pixel, or transposed grows it from one.
    pub const fn whole(side: usize) -> Self {
        Self { kernel: [side; 2], stride: 1, padding: [0; 2], around: Padding::Zeros, groups: 1 }
    }

    /// A kernel along sequences `[batch, channels, 1, length]` that keeps the length.
    pub const fn along(length: usize) -> Self {
        Self { kernel: [1, length], stride: 1, padding: [0, length / 2], around: Padding::Zeros, groups: 1 }
    }

    /// The same with reflection at the border.
    #[must_use]
    pub const fn reflecting(self) -> Self {
        Self { around: Padding::Reflection, ..self }
    }

    /// The same on so many independent groups of channels, which divide the channels on both sides.
    #[must_use]
    pub const fn grouped(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    fn sliding(&self, padding: [usize; 2]) -> Sliding {
        Sliding { stride: [self.stride; 2], padding, groups: self.groups, ..Sliding::default() }
    }

    /// The inputs and outputs that each output and input of a layer of these channels is connected to.
    fn fans(&self, (from, to): (usize, usize)) -> (usize, usize) {
        let [rows, columns] = self.kernel;
        let groups = self.groups.max(1);
        (from / groups * rows * columns, to / groups * rows * columns)
    }
}

/// A convolution, weight `[to, from / groups, rows, columns]`.
pub struct Convolution {
    weight: Weight,
    bias: Option<WeightId>,
    window: Window,
}

impl Convolution {
    /// A convolution from `from` to `to` channels.
    pub fn new(
        builder: &mut Builder,
        (from, to): (usize, usize),
        window: Window,
        plan: &Plan,
    ) -> Result<Self> {
        let [rows, columns] = window.kernel;
        let weight = Weight::new(
            builder,
            &[to, from / window.groups.max(1), rows, columns],
            window.fans((from, to)),
            plan,
        )?;
        Ok(Self { weight, bias: bias(builder, plan, to)?, window })
    }

    /// The output.
    pub fn run(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        let weight = self.weight.value(pass)?;
        let [down, across] = self.window.padding;
        let output = match self.window.around {
            Padding::Zeros => input.conv2d(&weight, self.window.sliding([down, across]))?,
            Padding::Reflection => {
                let padded = input.pad_reflection(2, down, down)?.pad_reflection(3, across, across)?;
                padded.conv2d(&weight, self.window.sliding([0, 0]))?
            }
        };
        with_bias(pass, output, self.bias)
    }
}

unconditional_layer!(Convolution);

/// A transposed convolution, weight `[from, to / groups, rows, columns]`, padded with zeros.
pub struct TransposedConvolution {
    weight: Weight,
    bias: Option<WeightId>,
    window: Window,
}

impl TransposedConvolution {
    /// A transposed convolution from `from` to `to` channels.
    pub fn new(
        builder: &mut Builder,
        (from, to): (usize, usize),
        window: Window,
        plan: &Plan,
    ) -> Result<Self> {
        let [rows, columns] = window.kernel;
        let shape = [from, to / window.groups.max(1), rows, columns];
        let weight = Weight::transposed(builder, &shape, window.fans((from, to)), plan)?;
        Ok(Self { weight, bias: bias(builder, plan, to)?, window })
    }

    /// The output.
    pub fn run(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        let weight = self.weight.value(pass)?;
        let sliding = self.window.sliding(self.window.padding);
        let output = input.conv_transpose2d(&weight, sliding, [0, 0])?;
        with_bias(pass, output, self.bias)
    }
}

unconditional_layer!(TransposedConvolution);

fn with_bias(pass: &mut Pass<'_>, output: Variable, bias: Option<WeightId>) -> Result<Variable> {
    let Some(bias) = bias else { return Ok(output) };
    let bias = pass.weight(bias)?;
    Ok(output.add(&bias.reshape(&[1, bias.elements(), 1, 1])?)?)
}
