//! A convolution with its batch normalisation and ReLU6.

use brigand_core::error::Result;
use brigand_kernels::convolution::{self, Geometry};
use brigand_kernels::element::Products;
use brigand_kernels::memory::written_by;

/// Added to the variance.
const EPSILON: f64 = 1e-3;
/// The largest value that ReLU6 lets through.
const LIMIT: f32 = 6.0;

/// Maps of some images, `[batch, channels, height, width]`.
pub(super) struct Maps {
    pub(super) shape: [usize; 4],
    pub(super) values: Vec<f32>,
}

impl Maps {
    /// Pixels of one channel of one image.
    pub(super) fn pixels(&self) -> usize {
        self.shape[2] * self.shape[3]
    }
}

/// What sets one layer apart from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A window over all channels, then ReLU6.
    Dense { kernel: usize, stride: usize },
    /// A window in each channel by itself, then ReLU6.
    Depthwise { kernel: usize, stride: usize },
    /// Each pixel by itself, and no ReLU6.
    Projection,
}

impl Kind {
    /// Each pixel by itself, then ReLU6.
    pub(super) const POINT: Self = Self::Dense { kernel: 1, stride: 1 };

    fn window(self) -> (usize, usize) {
        match self {
            Self::Dense { kernel, stride } | Self::Depthwise { kernel, stride } => (kernel, stride),
            Self::Projection => (1, 1),
        }
    }
}

/// A convolution whose weights contain the scale of the normalisation that follows it.
pub(super) struct Layer {
    from: usize,
    to: usize,
    kind: Kind,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Layer {
    /// The layer whose convolution and normalisation have these names; `get(name, shape)` returns their parameters.
    ///
    /// # Errors
    /// As `get`.
    pub(super) fn new(
        [convolution, norm]: [&str; 2],
        (from, to): (usize, usize),
        kind: Kind,
        get: &mut impl FnMut(&str, &[usize]) -> Result<Vec<f32>>,
    ) -> Result<Self> {
        let kernel = kind.window().0;
        let inputs = if matches!(kind, Kind::Depthwise { .. }) { 1 } else { from };
        let mut weight = get(&format!("{convolution}.weight"), &[to, inputs, kernel, kernel])?;
        let mut statistic = |part: &str| get(&format!("{norm}.{part}"), &[to]);
        let (gain, mut bias) = (statistic("weight")?, statistic("bias")?);
        let (mean, variance) = (statistic("running_mean")?, statistic("running_var")?);
        let filters = weight.chunks_exact_mut(inputs * kernel * kernel);
        let statistics = gain.iter().zip(&mean).zip(&variance);
        for ((filter, shift), ((gain, mean), variance)) in filters.zip(&mut bias).zip(statistics) {
            let scale = f64::from(*gain) / (f64::from(*variance) + EPSILON).sqrt();
            filter.iter_mut().for_each(|value| *value = (f64::from(*value) * scale) as f32);
            *shift = (f64::from(*shift) - f64::from(*mean) * scale) as f32;
        }
        Ok(Self { from, to, kind, weight, bias })
    }

    /// Its output for square maps.
    pub(super) fn run(&self, input: &Maps) -> Maps {
        let [count, channels, side, _] = input.shape;
        let (kernel, stride) = self.kind.window();
        let (before, after) = same_padding(side, kernel, stride);
        let widened;
        let (input, side, padding) = if before == after {
            (&input.values, side, before)
        } else {
            widened = widen(&input.values, side, before, after);
            (&widened, side + before + after, 0)
        };
        let geometry = Geometry {
            batch: count,
            in_channels: channels,
            in_height: side,
            in_width: side,
            out_channels: self.to,
            kernel: [kernel; 2],
            stride: [stride; 2],
            padding: [padding; 2],
            dilation: [1, 1],
            groups: if matches!(self.kind, Kind::Depthwise { .. }) { self.from } else { 1 },
        };
        let (height, width) = (geometry.out_height(), geometry.out_width());
        let (mut values, ()) = written_by(count * self.to * height * width, |output| {
            convolution::forward(Products::Full, &geometry, input, &self.weight, output);
        });
        for (plane, bias) in values.chunks_exact_mut(height * width).zip(self.bias.iter().cycle()) {
            match self.kind {
                Kind::Dense { .. } | Kind::Depthwise { .. } => {
                    plane.iter_mut().for_each(|value| *value = (*value + bias).clamp(0.0, LIMIT));
                }
                Kind::Projection => plane.iter_mut().for_each(|value| *value += bias),
            }
        }
        Maps { shape: [count, self.to, height, width], values }
    }
}

/// Zeros before and after a side, so that there are `side / stride` windows, rounded up: TensorFlow's `SAME`.
pub(super) fn same_padding(side: usize, kernel: usize, stride: usize) -> (usize, usize) {
    let windows = side.div_ceil(stride);
    let all = ((windows - 1) * stride + kernel).saturating_sub(side);
    (all / 2, all - all / 2)
}

/// Square planes of `side` with zeros around them.
pub(super) fn widen(planes: &[f32], side: usize, before: usize, after: usize) -> Vec<f32> {
    let wide = side + before + after;
    let mut widened = vec![0.0; planes.len() / (side * side) * wide * wide];
    for (plane, wide_plane) in planes.chunks_exact(side * side).zip(widened.chunks_exact_mut(wide * wide)) {
        for (row, wide_row) in plane.chunks_exact(side).zip(wide_plane.chunks_exact_mut(wide).skip(before)) {
            wide_row[before..before + side].copy_from_slice(row);
        }
    }
    widened
}
