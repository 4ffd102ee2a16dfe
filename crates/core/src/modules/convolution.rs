//! Convolutions and transposed convolutions of `[batch, channels, height, width]`.

use brigand_autograd::{Products, Sliding, Variable};

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

    /// The side of an odd square kernel that keeps the size of maps among zeros.
    fn side_that_is_kept(&self) -> Option<usize> {
        let [side, _] = self.kernel;
        (side % 2 == 1 && *self == Self::same(side)).then_some(side)
    }

    /// The convolution of `input` by `weight` `[to, from, rows, columns]`.
    fn apply(&self, input: &Variable, weight: &Variable, products: Products) -> Result<Variable> {
        let [down, across] = self.padding;
        Ok(match self.around {
            Padding::Zeros => input.conv2d(weight, self.sliding(self.padding, products))?,
            Padding::Reflection => {
                let padded = input.pad_reflection(2, down, down)?.pad_reflection(3, across, across)?;
                padded.conv2d(weight, self.sliding([0, 0], products))?
            }
        })
    }

    fn sliding(&self, padding: [usize; 2], products: Products) -> Sliding {
        Sliding { stride: [self.stride; 2], padding, groups: self.groups, products, ..Sliding::default() }
    }

    /// The inputs and outputs that each output and input of a layer of these channels is connected to.
    fn fans(&self, (from, to): (usize, usize)) -> (usize, usize) {
        let [rows, columns] = self.kernel;
        let groups = self.groups.max(1);
        (from / groups * rows * columns, to / groups * rows * columns)
    }
}

/// What happens to height and width beside a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resizing {
    /// Nothing.
    None,
    /// Every pixel is repeated twice before it.
    Doubling,
    /// The mean of each 2x2 pixels is taken after it.
    Halving,
}

/// A convolution, weight `[to, from / groups, rows, columns]`.
pub struct Convolution {
    weight: Weight,
    bias: Option<WeightId>,
    window: Window,
    resizing: Resizing,
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
        let shape = [to, from / window.groups.max(1), rows, columns];
        let weight = Weight::new(builder, &shape, window.fans((from, to)), plan)?;
        Ok(Self { weight, bias: bias(builder, plan, to)?, window, resizing: Resizing::None })
    }

    /// The same on maps of twice the height and width, every pixel repeated.
    #[must_use]
    pub fn doubling(self) -> Self {
        Self { resizing: Resizing::Doubling, ..self }
    }

    /// The same, and of its output the mean of each 2x2 pixels.
    #[must_use]
    pub fn halving(self) -> Self {
        Self { resizing: Resizing::Halving, ..self }
    }

    /// The output.
    pub fn run(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Variable> {
        let (weight, products) = (self.weight.value(pass)?, pass.products());
        let resized =
            |side: usize| Sliding { stride: [2; 2], padding: [side / 2; 2], products, ..Sliding::default() };
        let output = match (self.resizing, self.window.side_that_is_kept()) {
            (Resizing::None, _) => self.window.apply(input, &weight, products)?,
            // A pixel at a time commutes with both, so that it can run on the smaller maps.
            (Resizing::Doubling, Some(1)) => double(&self.window.apply(input, &weight, products)?)?,
            (Resizing::Halving, Some(1)) => self.window.apply(&halve(input)?, &weight, products)?,
            (Resizing::Doubling, Some(side)) => {
                input.conv_transpose2d(&doubling_weight(&weight, side)?, resized(side), [0, 0])?
            }
            (Resizing::Halving, Some(side)) => {
                input.conv2d(&halving_weight(&weight, side)?, resized(side))?
            }
            (Resizing::Doubling, None) => self.window.apply(&double(input)?, &weight, products)?,
            (Resizing::Halving, None) => halve(&self.window.apply(input, &weight, products)?)?,
        };
        with_bias(pass, output, self.bias)
    }
}

/// Twice the height and width of maps, every pixel repeated.
pub(super) fn double(maps: &Variable) -> Result<Variable> {
    let (_, _, height, width) = maps.dims4("upsample")?;
    Ok(maps.resize_nearest(2 * height, 2 * width)?)
}

/// Half the height and width of maps, the mean of each 2x2 pixels.
pub(super) fn halve(maps: &Variable) -> Result<Variable> {
    Ok(maps.avg_pool2d(2, 2, 0)?)
}

/// From `weight` `[to, from, side, side]` of a convolution of doubled maps to that of the transposed convolution of stride
/// 2 with the same output, `[from, to, side + 1, side + 1]`: pixels that are equal because they were repeated need one
/// product for the sum of their weights (Karras et al. 2017, arXiv:1710.10196, have it in their program).
fn doubling_weight(weight: &Variable, side: usize) -> Result<Variable> {
    // Along each axis, tap `j` sums taps `side - 1 - j` and `side - j`.
    let sums = |tap: usize, from: usize| f32::from(u8::from(from + tap + 1 == side || from + tap == side));
    spread_taps(&weight.transpose(0, 1)?, side, sums)
}

/// From `weight` `[to, from, side, side]` of a convolution whose output is halved to that of the convolution of stride 2
/// with the same output, `[to, from, side + 1, side + 1]`: the mean of its shifts by one pixel.
fn halving_weight(weight: &Variable, side: usize) -> Result<Variable> {
    let means = |tap: usize, from: usize| if tap == from || tap == from + 1 { 0.5 } else { 0.0 };
    spread_taps(weight, side, means)
}

/// `[a, b, side, side]` to `[a, b, side + 1, side + 1]`, along each axis by factor `share(new tap, old tap)`.
fn spread_taps(weight: &Variable, side: usize, share: impl Fn(usize, usize) -> f32) -> Result<Variable> {
    let (first, second, _, _) = weight.dims4("a convolution's weight")?;
    let (old, new) = (side * side, (side + 1) * (side + 1));
    let values = (0..old).flat_map(|from| (0..new).map(move |to| (from, to)));
    let values: Vec<f32> = values
        .map(|(from, to)| share(to / (side + 1), from / side) * share(to % (side + 1), from % side))
        .collect();
    let shares = Variable::from_slice(&values, &[old, new])?;
    let shares = shares.to_dtype(weight.dtype())?.to_device(weight.device())?;
    let taps = weight.reshape(&[first * second, old])?.matmul(&shares)?;
    Ok(taps.reshape(&[first, second, side + 1, side + 1])?)
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
        let sliding = self.window.sliding(self.window.padding, pass.products());
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
