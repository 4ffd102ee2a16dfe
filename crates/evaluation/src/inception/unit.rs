//! Convolution, batch normalisation and ReLU: the units of the network.

use brigand_kernels::convolution::{self, Geometry};
use brigand_kernels::element::Products;
use brigand_kernels::memory::written_by;
use brigand_kernels::normalization::BatchNormalization;

use super::maps::{Maps, Window};
use brigand_core::error::Result;

/// Added to the variance.
const EPSILON: f64 = 0.001;

/// What sets one convolution apart from another.
#[derive(Clone, Copy)]
pub(super) struct Kernel {
    /// Channels made.
    pub(super) to: usize,
    /// Height and width.
    pub(super) size: [usize; 2],
    /// 1 or 2.
    pub(super) stride: usize,
    /// Zeros added above and below, left and right.
    pub(super) padding: [usize; 2],
}

/// A convolution without bias, batch normalisation with running statistics, ReLU.
pub(super) struct Unit {
    from: usize,
    kernel: Kernel,
    weight: Vec<f32>,
    scale: Vec<f32>,
    shift: Vec<f32>,
    mean: Vec<f32>,
    inverse_deviation: Vec<f32>,
}

impl Unit {
    /// The unit called `name` for maps of `from` channels.
    pub(super) fn new(
        name: &str,
        from: usize,
        kernel: Kernel,
        get: &mut impl FnMut(&str, &[usize]) -> Result<Vec<f32>>,
    ) -> Result<Self> {
        let [height, width] = kernel.size;
        let mut get = |part: &str, shape: &[usize]| get(&format!("{name}.{part}"), shape);
        let inverse = |variance: &f32| (f64::from(*variance) + EPSILON).sqrt().recip() as f32;
        Ok(Self {
            from,
            kernel,
            weight: get("conv.weight", &[kernel.to, from, height, width])?,
            scale: get("bn.weight", &[kernel.to])?,
            shift: get("bn.bias", &[kernel.to])?,
            mean: get("bn.running_mean", &[kernel.to])?,
            inverse_deviation: get("bn.running_var", &[kernel.to])?.iter().map(inverse).collect(),
        })
    }

    fn geometry(&self, [batch, _, in_height, in_width]: [usize; 4]) -> Geometry {
        Geometry {
            batch,
            in_channels: self.from,
            in_height,
            in_width,
            out_channels: self.kernel.to,
            kernel: self.kernel.size,
            stride: [self.kernel.stride; 2],
            padding: self.kernel.padding,
            dilation: [1, 1],
            groups: 1,
        }
    }

    /// The shape of its output for an input of `shape`.
    pub(super) fn shape(&self, shape: [usize; 4]) -> [usize; 4] {
        let geometry = self.geometry(shape);
        [shape[0], self.kernel.to, geometry.out_height(), geometry.out_width()]
    }

    /// Writes its output for `input`.
    pub(super) fn write(&self, input: &Maps, mut out: Window<'_>) {
        let geometry = self.geometry(input.shape);
        let inner = geometry.out_height() * geometry.out_width();
        let image = self.kernel.to * inner;
        let (raw, ()) = written_by(input.shape[0] * image, |raw| {
            convolution::forward(Products::Full, &geometry, &input.values, &self.weight, raw);
        });
        let normalization = BatchNormalization {
            shape: [1, self.kernel.to, inner],
            gamma: Some(&self.scale),
            beta: Some(&self.shift),
            negative_slope: 0.0,
        };
        for (index, raw) in raw.chunks_exact(image).enumerate() {
            normalization.normalize(
                raw,
                &self.mean,
                &self.inverse_deviation,
                out.image(index, self.kernel.to),
            );
        }
    }
}
