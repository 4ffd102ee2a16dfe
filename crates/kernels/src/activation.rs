//! Activation functions and their gradients.
use crate::dispatch::vectorised;
use crate::elementwise::{in_blocks, map, zip};
use crate::float::Float;

/// An activation function `f`, applied to every element by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// `x`
    Identity,
    /// `max(x, 0)`, with derivative 0 at 0
    Relu,
    /// `x` if `x > 0`, else `slope x`, with derivative `slope` at 0
    LeakyRelu(f64),
    /// `x` if `x > 0`, else `alpha (e^x - 1)` (Clevert et al. 2015, arXiv 1511.07289)
    Elu(f64),
    /// `x / (1 + e^-x)` (Elfwing et al. 2017, arXiv 1702.03118)
    Silu,
    /// `x Phi(x)`, `Phi` the standard normal distribution function, not its tanh approximation
    /// (Hendrycks and Gimpel 2016, arXiv 1606.08415)
    Gelu,
    /// `tanh(x)`
    Tanh,
    /// `1 / (1 + e^-x)`
    Sigmoid,
    /// `ln(1 + e^x)`
    Softplus,
}

impl Activation {
    /// Whether [`gradient`] reads the input `x`; otherwise `x` may be empty there.
    pub fn gradient_reads_input(self) -> bool {
        match self {
            Activation::LeakyRelu(factor) | Activation::Elu(factor) => factor.is_nan() || factor < 0.0,
            Activation::Silu | Activation::Gelu => true,
            _ => false,
        }
    }

    /// Whether [`gradient`] reads the output `y`; otherwise `y` may be empty there.
    pub fn gradient_reads_output(self) -> bool {
        self != Activation::Identity && !self.gradient_reads_input()
    }

    /// The factor on negative inputs of the piecewise linear activations (1, 0 or `slope`), which
    /// normalisation can be fused with; `None` for the others.
    pub fn negative_slope(self) -> Option<f64> {
        match self {
            Activation::Identity => Some(1.0),
            Activation::Relu => Some(0.0),
            Activation::LeakyRelu(slope) => Some(slope),
            _ => None,
        }
    }
}

/// `-inf` would meet a factor of 0; no finite input below this bound has a result that is not 0.
#[inline(always)]
fn above_underflow<T: Float>(x: T) -> T {
    x.larger(T::of(-1000.0))
}

vectorised! {
    fn apply_block<T: Float>(activation: Activation, x: &[T], y: &mut [T]) {
        match activation {
            Activation::Identity => map(x, y, |x| x),
            Activation::Relu => map(x, y, |x| x.larger(T::ZERO)),
            Activation::LeakyRelu(slope) => {
                let slope = T::of(slope);
                map(x, y, |x| if x > T::ZERO { x } else { slope * x });
            }
            Activation::Elu(alpha) => {
                let alpha = T::of(alpha);
                map(x, y, |x| {
                    let negative = alpha * x.smaller(T::ZERO).exponential_minus_one();
                    if x > T::ZERO { x } else { negative }
                });
            }
            Activation::Silu => map(x, y, |x| above_underflow(x) * x.logistic()),
            Activation::Gelu => map(x, y, |x| above_underflow(x) * x.normal_distribution()),
            Activation::Tanh => map(x, y, |x| x.hyperbolic_tangent()),
            Activation::Sigmoid => map(x, y, |x| x.logistic()),
            Activation::Softplus => map(x, y, |x| x.soft_plus()),
        }
    }
}

vectorised! {
    /// `dx = upstream * f'`, the derivative computed from `source`, which is the input or the output.
    fn gradient_block<T: Float>(activation: Activation, source: &[T], upstream: &[T], dx: &mut [T]) {
        match activation {
            Activation::Identity => map(upstream, dx, |g| g),
            Activation::Relu => zip(source, upstream, dx, |y, g| if y > T::ZERO { g } else { T::ZERO }),
            Activation::LeakyRelu(slope) => {
                let slope = T::of(slope);
                zip(source, upstream, dx, |x, g| if x > T::ZERO { g } else { slope * g });
            }
            Activation::Elu(alpha) if alpha < 0.0 => {
                let alpha = T::of(alpha);
                zip(source, upstream, dx, |x, g| {
                    if x > T::ZERO { g } else { g * alpha * x.smaller(T::ZERO).exponential() }
                });
            }
            Activation::Elu(alpha) => {
                let alpha = T::of(alpha);
                zip(source, upstream, dx, |y, g| if y > T::ZERO { g } else { g * (y + alpha) });
            }
            Activation::Silu => zip(source, upstream, dx, |x, g| {
                let logistic = x.logistic();
                let bounded = above_underflow(x).smaller(T::of(1000.0));
                g * (logistic * (T::ONE + bounded * (-x).logistic()))
            }),
            Activation::Gelu => {
                let scale = T::of(1.0 / std::f64::consts::TAU.sqrt());
                zip(source, upstream, dx, |x, g| {
                    let bounded = above_underflow(x).smaller(T::of(1000.0));
                    let density = scale * (T::of(-0.5) * bounded * bounded).exponential();
                    g * (x.normal_distribution() + bounded * density)
                });
            }
            Activation::Tanh => zip(source, upstream, dx, |y, g| g * (T::ONE - y * y)),
            Activation::Sigmoid => zip(source, upstream, dx, |y, g| g * (y * (T::ONE - y))),
            Activation::Softplus => zip(source, upstream, dx, |y, g| g * -(-y).exponential_minus_one()),
        }
    }
}

/// `y = f(x)`, element by element.
///
/// # Panics
/// When the lengths differ.
pub fn apply<T: Float>(activation: Activation, x: &[T], y: &mut [T]) {
    assert_eq!(x.len(), y.len(), "input and output differ in length");
    in_blocks(y, |range, y| apply_block(activation, &x[range], y));
}

/// `dx = upstream * f'(x)`, element by element, where `y = f(x)`.
///
/// Reads `y` rather than `x` for all but Silu and Gelu, and LeakyRelu and Elu with a negative factor (whose output
/// does not tell the sign of the input); what is not read ([`Activation::gradient_reads_input`],
/// [`Activation::gradient_reads_output`]) may be empty.
///
/// # Panics
/// When the lengths of the slices that are read differ.
pub fn gradient<T: Float>(activation: Activation, x: &[T], y: &[T], upstream: &[T], dx: &mut [T]) {
    assert_eq!(upstream.len(), dx.len(), "upstream gradient and result differ in length");
    let source = match activation {
        Activation::Identity => upstream,
        _ if activation.gradient_reads_input() => x,
        _ => y,
    };
    assert_eq!(source.len(), dx.len(), "the slice the gradient reads and the result differ in length");
    in_blocks(dx, |range, dx| gradient_block(activation, &source[range.clone()], &upstream[range], dx));
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Activation; 10] = [
        Activation::Identity,
        Activation::Relu,
        Activation::LeakyRelu(0.2),
        Activation::LeakyRelu(-0.3),
        Activation::Elu(1.5),
        Activation::Silu,
        Activation::Gelu,
        Activation::Tanh,
        Activation::Sigmoid,
        Activation::Softplus,
    ];

    fn plain(activation: Activation, x: f64) -> f64 {
        match activation {
            Activation::Identity => x,
            Activation::Relu => x.max(0.0),
            Activation::LeakyRelu(slope) => x.max(0.0) + slope * x.min(0.0),
            Activation::Elu(alpha) => x.max(0.0) + alpha * x.min(0.0).exp_m1(),
            Activation::Silu => x / (1.0 + (-x).exp()),
            Activation::Gelu => x * x.normal_distribution(),
            Activation::Tanh => x.tanh(),
            Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Activation::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        }
    }

    /// `count` values over [-bound, bound].
    fn grid(count: usize, bound: f64) -> Vec<f64> {
        (0..count).map(|i| bound * (2.0 * (i as f64 + 0.5) / count as f64 - 1.0)).collect()
    }

    #[test]
    fn values_equal_plain_double_precision() {
        for activation in ALL {
            for count in [0, 1, 17, 70_003] {
                let wide = grid(count, 100.0);
                let x: Vec<f32> = wide.iter().map(|&x| x as f32).collect();
                let (mut y, mut wide_y) = (vec![f32::NAN; count], vec![f64::NAN; count]);
                apply(activation, &x, &mut y);
                apply(activation, &wide, &mut wide_y);
                for i in 0..count {
                    let want = plain(activation, f64::from(x[i]));
                    let error = (f64::from(y[i]) - want).abs() - 1e-43;
                    assert!(error <= 1e-6 * want.abs(), "{activation:?}({}) = {}, not {want}", x[i], y[i]);
                    let want = plain(activation, wide[i]);
                    assert!((wide_y[i] - want).abs() <= 1e-12 * want.abs(), "{activation:?}({})", wide[i]);
                }
            }
        }
    }

    #[test]
    fn gradients_equal_finite_differences() {
        for activation in ALL {
            let x = grid(2_000, 12.0);
            let upstream: Vec<f64> = x.iter().map(|x| 1.0 + 0.1 * x).collect();
            let (mut y, mut dx) = (vec![f64::NAN; x.len()], vec![f64::NAN; x.len()]);
            apply(activation, &x, &mut y);
            let input: &[f64] = if activation.gradient_reads_input() { &x } else { &[] };
            let output: &[f64] = if activation.gradient_reads_output() { &y } else { &[] };
            gradient(activation, input, output, &upstream, &mut dx);
            let single = |x: &[f64]| x.iter().map(|&x| x as f32).collect::<Vec<f32>>();
            let mut single_dx = vec![f32::NAN; x.len()];
            gradient(activation, &single(input), &single(output), &single(&upstream), &mut single_dx);
            for i in 0..x.len() {
                let h = 1e-5;
                let slope = (plain(activation, x[i] + h) - plain(activation, x[i] - h)) / (2.0 * h);
                let want = upstream[i] * slope;
                assert!((dx[i] - want).abs() < 1e-8, "{activation:?}'({}): {} for {want}", x[i], dx[i]);
                assert!((f64::from(single_dx[i]) - want).abs() < 1e-6, "{activation:?}'({})", x[i]);
            }
        }
    }

    #[test]
    fn kinks_limits_and_nan() {
        let mut dx = [f32::NAN; 1];
        gradient(Activation::Relu, &[], &[0.0], &[3.0], &mut dx);
        assert_eq!(dx, [0.0]);
        gradient(Activation::LeakyRelu(0.2), &[], &[0.0], &[3.0], &mut dx);
        assert_eq!(dx, [0.6]);
        for (activation, low, high) in [
            (Activation::Relu, 0.0, f32::INFINITY),
            (Activation::Elu(2.0), -2.0, f32::INFINITY),
            (Activation::Silu, 0.0, f32::INFINITY),
            (Activation::Gelu, 0.0, f32::INFINITY),
            (Activation::Tanh, -1.0, 1.0),
            (Activation::Sigmoid, 0.0, 1.0),
            (Activation::Softplus, 0.0, f32::INFINITY),
        ] {
            let mut y = [0.0; 3];
            apply(activation, &[f32::NEG_INFINITY, f32::INFINITY, f32::NAN], &mut y);
            assert_eq!(&y[..2], [low, high], "{activation:?}");
            assert!(y[2].is_nan(), "{activation:?}");
        }
        for (activation, high) in
            [(Activation::Silu, 1.0), (Activation::Gelu, 1.0), (Activation::Elu(-1.0), 1.0)]
        {
            let mut dx = [0.0; 2];
            gradient(activation, &[f32::NEG_INFINITY, f32::INFINITY], &[], &[1.0; 2], &mut dx);
            assert_eq!(dx.map(f32::abs), [0.0, high], "{activation:?}");
        }
    }
}
