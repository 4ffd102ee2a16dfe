//! Attention by Gaussian filters: a patch of an image is read, or written, at a place, size and sharpness that a hidden
//! state chooses (DRAW, Gregor et al. 2015, arXiv:1502.04623, section 3.2).

use brigand_autograd::Variable;

use super::builder::Builder;
use super::linear::Linear;
use super::pass::Pass;
use super::weight::Plan;
use crate::error::Result;

/// Added to the sums of filters, which vanish where a filter lies far outside of the image.
const SMALLEST_SUM: f64 = 1e-8;
/// Logarithms of variance, spacing and intensity beyond these would overflow.
const LOGARITHM: (f64, f64) = (-8.0, 8.0);

/// Chooses the filters of each sample from a hidden state.
pub struct GlimpseAttention {
    choose: Linear,
    filters: usize,
    sides: [usize; 2],
}

impl GlimpseAttention {
    /// `filters` by `filters` filters, at least two, on images of `sides` (height, width), chosen by `hidden` numbers.
    ///
    /// # Errors
    /// If the path is taken.
    pub fn new(
        b: &mut Builder,
        hidden: usize,
        (filters, sides): (usize, [usize; 2]),
        plan: &Plan,
    ) -> Result<Self> {
        Ok(Self { choose: Linear::new(b, hidden, Glimpse::NUMBERS, plan)?, filters, sides })
    }

    /// The filters that `hidden` `[batch, hidden]` chooses.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn run(&self, pass: &mut Pass<'_>, hidden: &Variable) -> Result<Glimpse> {
        Glimpse::new(&self.choose.run(pass, hidden)?, (self.filters, self.sides))
    }
}

/// A grid of `N x N` Gaussian filters for each sample of a batch.
///
/// With `A` columns and `B` rows of pixels, counted from 1, and five numbers of each sample, the grid's centre is
/// `g_x = (A + 1) / 2 (x + 1)` and `g_y = (B + 1) / 2 (y + 1)`, its filters are `(max(A, B) - 1) / (N - 1) e^spacing`
/// apart, `i - N / 2 - 1 / 2` spacings from the centre, and a filter is `exp(-(a - centre)^2 / 2 e^variance)`, divided by
/// its sum. A filter that lies many deviations outside of the image is zero.
#[derive(Clone)]
pub struct Glimpse {
    /// `[batch, N, height]`.
    rows: Variable,
    /// `[batch, N, width]`.
    columns: Variable,
    /// `[batch, 1]`.
    intensity: Variable,
    /// The grid's centre, across and down, its filters' distance, and their deviation: `[batch, 1]` each.
    place: [Variable; 4],
}

/// Where a sample's filters are, in pixels counted from 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GlimpsePlace {
    /// The grid's centre, across and down.
    pub centre: [f64; 2],
    /// The distance of its outermost filters.
    pub side: f64,
    /// The filters' standard deviation.
    pub deviation: f64,
}

impl Glimpse {
    /// Numbers of a sample that its filters are chosen by: place across and down, and the logarithms of variance, spacing
    /// and intensity.
    pub const NUMBERS: usize = 5;

    /// The filters that `numbers` `[batch, 5]` describe, on images of `sides` (height, width).
    ///
    /// # Errors
    /// If they are not five of each sample.
    pub fn new(numbers: &Variable, (filters, sides): (usize, [usize; 2])) -> Result<Self> {
        let [height, width] = sides.map(|side| side as f64);
        let column = |at: usize| numbers.narrow(1, at, 1);
        let exponential = |at: usize| column(at)?.clamp(LOGARITHM.0, LOGARITHM.1)?.exp();
        let centre = |at: usize, side: f64| column(at)?.affine((side + 1.0) / 2.0, (side + 1.0) / 2.0);
        let (across, down) = (centre(0, width)?, centre(1, height)?);
        let (variance, intensity) = (exponential(2)?, exponential(4)?);
        let stride = (height.max(width) - 1.0) / (filters.max(2) - 1) as f64;
        let spacing = exponential(3)?.scale(stride)?;
        let steepness = variance.recip()?.scale(-0.5)?;
        let bank = |centre: &Variable, side| filterbank((centre, &spacing, &steepness), filters, side);
        let (rows, columns) = (bank(&down, sides[0])?, bank(&across, sides[1])?);
        let side = spacing.scale((filters.max(2) - 1) as f64)?;
        Ok(Self { rows, columns, intensity, place: [across, down, side, variance.sqrt()?] })
    }

    /// The filters down, `[batch, N, height]`, and across, `[batch, N, width]`.
    pub fn filters(&self) -> (&Variable, &Variable) {
        (&self.rows, &self.columns)
    }

    /// The patches `gamma F_y x F_x^T`, `[batch, channels, N, N]`, of `images` `[batch, channels, height, width]`.
    ///
    /// # Errors
    /// If the images have other sides.
    pub fn read(&self, images: &Variable) -> Result<Variable> {
        let patches = between((&self.rows, &self.columns.transposed()?), images)?;
        Ok(patches.mul(&self.intensity.reshape(&[images.shape()[0], 1, 1, 1])?)?)
    }

    /// The images `1 / gamma F_y^T w F_x`, `[batch, channels, height, width]`, of `patches` `[batch, channels, N, N]`.
    ///
    /// # Errors
    /// If the patches have other sides.
    pub fn write(&self, patches: &Variable) -> Result<Variable> {
        let intensity = self.intensity.recip()?.reshape(&[patches.shape()[0], 1, 1, 1])?;
        between((&self.rows.transposed()?, &self.columns), &patches.mul(&intensity)?)
    }

    /// Where the filters of every sample are.
    ///
    /// # Errors
    /// If the numbers cannot be fetched from their device.
    pub fn places(&self) -> Result<Vec<GlimpsePlace>> {
        let [across, down, side, deviation] = &self.place;
        let (across, down) = (across.to_vec()?, down.to_vec()?);
        let (side, deviation) = (side.to_vec()?, deviation.to_vec()?);
        let rows = across.into_iter().zip(down).zip(side.into_iter().zip(deviation));
        Ok(rows.map(|((x, y), (side, deviation))| GlimpsePlace { centre: [x, y], side, deviation }).collect())
    }
}

/// The filters `[batch, filters, side]` along one side, of `centre`, `spacing` and `-1 / 2 variance` `[batch, 1]`.
fn filterbank(
    (centre, spacing, steepness): (&Variable, &Variable, &Variable),
    filters: usize,
    side: usize,
) -> Result<Variable> {
    let batch = centre.shape()[0];
    let constant = |values: Vec<f32>, shape: &[usize]| {
        Variable::from_slice(&values, shape)?.to_dtype(centre.dtype())?.to_device(centre.device())
    };
    let middle = (filters as f32 + 1.0) / 2.0;
    let offsets = constant((1..=filters).map(|filter| filter as f32 - middle).collect(), &[1, filters])?;
    let pixels = constant((1..=side).map(|pixel| pixel as f32).collect(), &[1, 1, side])?;
    let centres = spacing.mul(&offsets)?.add(centre)?.reshape(&[batch, filters, 1])?;
    let exponents = pixels.sub(&centres)?.square()?.mul(&steepness.reshape(&[batch, 1, 1])?)?;
    let values = exponents.exp()?;
    Ok(values.div(&values.sum_keeping(&[2])?.affine(1.0, SMALLEST_SUM)?)?)
}

/// `left x right` for every channel of `maps` `[batch, channels, p, q]`, with `left` `[batch, m, p]` and `right`
/// `[batch, q, n]`: two products for each sample, whatever the channels.
fn between((left, right): (&Variable, &Variable), maps: &Variable) -> Result<Variable> {
    let (batch, channels, rows, columns) = maps.dims4("attention by Gaussian filters")?;
    let (to_rows, to_columns) = (left.shape()[1], right.shape()[2]);
    let across = maps.reshape(&[batch, channels * rows, columns])?.matmul(right)?;
    let across = across.reshape(&[batch, channels, rows, to_columns])?.permute(&[0, 2, 1, 3])?;
    let down = left.matmul(&across.reshape(&[batch, rows, channels * to_columns])?)?;
    Ok(down.reshape(&[batch, to_rows, channels, to_columns])?.permute(&[0, 2, 1, 3])?)
}
