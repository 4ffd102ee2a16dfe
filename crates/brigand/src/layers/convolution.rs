//! Convolutions and transposed convolutions of `[batch, channels, height, width]`.

use brigand_autograd::{Sliding, Variable};

use super::spectral::NormedWeight;
use super::{Builder, Initialization, Layer, Pass, WeightId};
use crate::error::Result;

/// A square kernel and how it slides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Side of the kernel.
    pub kernel: usize,
    /// Steps between two positions.
    pub stride: usize,
    /// Zeros added on each side.
    pub padding: usize,
}

impl Window {
    /// 4x4, stride 2, padding 1: exactly halves (or, transposed, doubles) an even size.
    pub const HALVING: Self = Self { kernel: 4, stride: 2, padding: 1 };

    /// A kernel as large as the map, without padding: joins it to one pixel, or transposed grows it from one.
    pub const fn whole(kernel: usize) -> Self {
        Self { kernel, stride: 1, padding: 0 }
    }
}

/// A convolution, weight `[to, from, k, k]`.
pub struct Convolution {
    weight: NormedWeight,
    bias: Option<WeightId>,
    sliding: Sliding,
}

impl Convolution {
    /// A convolution; `bias` says whether a bias, starting at 0, is added.
    pub fn new(
        builder: &mut Builder,
        (from, to): (usize, usize),
        window: Window,
        bias: bool,
        initialization: Initialization,
    ) -> Result<Self> {
        let (side, sliding) = (window.kernel, Sliding::new(window.stride, window.padding));
        let fans = (from * side * side, to * side * side);
        let weight = builder.weight("weight", &[to, from, side, side], fans, initialization)?;
        let weight = NormedWeight::new(builder, weight)?;
        Ok(Self { weight, bias: optional_bias(builder, bias, to)?, sliding })
    }
}

impl Layer for Convolution {
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        let weight = self.weight.get(pass)?;
        let output = input.conv2d(&weight, self.sliding)?;
        add_bias(pass, output, self.bias)
    }
}

/// A transposed convolution, weight `[from, to, k, k]`.
pub struct TransposedConvolution {
    weight: NormedWeight,
    bias: Option<WeightId>,
    sliding: Sliding,
}

impl TransposedConvolution {
    /// A transposed convolution; `bias` says whether a bias, starting at 0, is added.
    pub fn new(
        builder: &mut Builder,
        (from, to): (usize, usize),
        window: Window,
        bias: bool,
        initialization: Initialization,
    ) -> Result<Self> {
        let (side, sliding) = (window.kernel, Sliding::new(window.stride, window.padding));
        let fans = (from * side * side, to * side * side);
        let weight = builder.weight("weight", &[from, to, side, side], fans, initialization)?;
        let weight = NormedWeight::transposed(builder, weight)?;
        Ok(Self { weight, bias: optional_bias(builder, bias, to)?, sliding })
    }
}

impl Layer for TransposedConvolution {
    fn forward(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        let weight = self.weight.get(pass)?;
        let output = input.conv_transpose2d(&weight, self.sliding, [0, 0])?;
        add_bias(pass, output, self.bias)
    }
}

fn optional_bias(builder: &mut Builder, wanted: bool, channels: usize) -> Result<Option<WeightId>> {
    let zero = Initialization::Constant { value: 0.0 };
    wanted.then(|| builder.weight("bias", &[channels], (channels, channels), zero)).transpose()
}

fn add_bias(pass: &Pass<'_>, output: Variable, bias: Option<WeightId>) -> Result<Variable> {
    let Some(bias) = bias else { return Ok(output) };
    let bias = pass.weights.get(bias)?;
    Ok(output.add(&bias.reshape(&[1, bias.elements(), 1, 1])?)?)
}
