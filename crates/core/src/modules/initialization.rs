//! First values of parameters.

use serde::{Deserialize, Serialize};

use crate::random::Stream;
use brigand_linear_algebra::orthogonal;

/// How first values are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Initialization {
    /// All equal.
    Constant {
        /// The value.
        value: f64,
    },
    /// Normally distributed.
    Normal {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        deviation: f64,
    },
    /// Uniform in `±sqrt(6 / (fan_in + fan_out))` (Glorot and Bengio 2010, "Xavier").
    Glorot,
    /// Uniform in `±1 / sqrt(fan_in)`: PyTorch's default for linear and convolution layers.
    FanIn,
    /// Rows of length 1 that are orthogonal to each other, of the weight as a matrix `[first axis, everything else]`; its
    /// columns where there are fewer of them (Saxe et al. 2013, arXiv:1312.6120).
    Orthogonal,
}

/// DCGAN's `N(0, 0.02)` (arXiv:1511.06434, section 4).
pub const DCGAN: Initialization = Initialization::Normal { mean: 0.0, deviation: 0.02 };

impl Initialization {
    /// All zero.
    pub const ZERO: Self = Self::Constant { value: 0.0 };
    /// All one.
    pub const ONE: Self = Self::Constant { value: 1.0 };

    /// First values of a parameter of `shape`; `fans` are the inputs and outputs that each output and input of the layer is
    /// connected to.
    pub fn draw(self, shape: &[usize], fans: (usize, usize), stream: &mut Stream) -> Vec<f32> {
        let count = shape.iter().product();
        let within = |bound: f64, stream: &mut Stream| stream.uniform(count, -bound as f32, bound as f32);
        match self {
            Self::Constant { value } => vec![value as f32; count],
            Self::Normal { mean, deviation } => {
                let scaled = |draw: f32| (mean + deviation * f64::from(draw)) as f32;
                stream.normal(count).into_iter().map(scaled).collect()
            }
            Self::Glorot => within((6.0 / (fans.0 + fans.1) as f64).sqrt(), stream),
            Self::FanIn => within((fans.0.max(1) as f64).sqrt().recip(), stream),
            Self::Orthogonal => {
                let rows = shape.first().copied().unwrap_or(1);
                orthogonal(rows, count / rows.max(1), &stream.normal(count))
            }
        }
    }
}
