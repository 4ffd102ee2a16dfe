//! Activation functions, fused into one pass over memory where a kernel exists.

use brigand_kernels::activation as kernel;
use candle_core::Tensor;

use crate::buffer::{Real, has_kernels, map_slice, with_slice};
use crate::dispatch;
use crate::error::Result;
use crate::variable::{Backward, Variable, is_recording};

pub use brigand_kernels::activation::Activation;

impl Variable {
    /// `activation` of each element.
    pub fn activate(&self, activation: Activation) -> Result<Variable> {
        if activation == Activation::Identity {
            return Ok(self.clone());
        }
        if let Some(single) = self.single()? {
            return single.activate(activation)?.to_dtype(self.dtype());
        }
        let x = self.tensor();
        let value = if has_kernels(x) {
            dispatch!(x, T => apply::<T>(activation, x))?
        } else {
            composed(activation, x)?
        };
        // The input is kept only by those whose derivative does not follow from the output.
        let saved: &[&Variable] = if reads_input(activation) { &[self] } else { &[] };
        Ok(Variable::record("activate", value, &[self], saved, true, move |b| {
            Ok(vec![b.when(0, || derivative(activation, b))?])
        }))
    }

    /// `max(x, 0)`, with derivative 0 at 0.
    pub fn relu(&self) -> Result<Variable> {
        self.activate(Activation::Relu)
    }

    /// `x` above 0, `slope x` below.
    pub fn leaky_relu(&self, slope: f64) -> Result<Variable> {
        self.activate(Activation::LeakyRelu(slope))
    }

    /// `x` above 0, `e^x - 1` below.
    pub fn elu(&self) -> Result<Variable> {
        self.activate(Activation::Elu(1.0))
    }

    /// `x sigmoid(x)`.
    pub fn silu(&self) -> Result<Variable> {
        self.activate(Activation::Silu)
    }

    /// `x Phi(x)` with the normal distribution function itself, not its tanh approximation.
    pub fn gelu(&self) -> Result<Variable> {
        self.activate(Activation::Gelu)
    }

    /// The hyperbolic tangent.
    pub fn tanh(&self) -> Result<Variable> {
        self.activate(Activation::Tanh)
    }

    /// `1 / (1 + e^-x)`.
    pub fn sigmoid(&self) -> Result<Variable> {
        self.activate(Activation::Sigmoid)
    }

    /// `ln(1 + e^x)` as `max(x, 0) + ln(1 + e^-|x|)`: finite for every finite x.
    pub fn softplus(&self) -> Result<Variable> {
        self.activate(Activation::Softplus)
    }

    /// `ln sigmoid(x) = -softplus(-x)`: finite for every finite x.
    pub fn log_sigmoid(&self) -> Result<Variable> {
        self.neg()?.softplus()?.neg()
    }

    /// The error function `2 / sqrt(pi) * integral of e^(-t²) from 0 to x`.
    pub fn erf(&self) -> Result<Variable> {
        if let Some(single) = self.single()? {
            return single.erf()?.to_dtype(self.dtype());
        }
        let value = self.tensor().erf()?;
        Ok(Variable::record("erf", value, &[self], &[self], false, |b| {
            let [input] = b.saved()?;
            let slope = || input.square()?.neg()?.exp()?.scale(std::f64::consts::FRAC_2_SQRT_PI);
            Ok(vec![b.when(0, || b.gradient.mul(&slope()?))?])
        }))
    }
}

/// Whether the derivative is computed from the input, in one of the two passes at least.
fn reads_input(activation: Activation) -> bool {
    activation.gradient_reads_input() || activation == Activation::Softplus
}

fn apply<T: Real>(activation: Activation, x: &Tensor) -> Result<Tensor> {
    map_slice::<T>(x, |x, y| kernel::apply(activation, x, y))
}

/// `upstream f'`, where `source` is what the kernel reads of input and output.
fn apply_gradient<T: Real>(activation: Activation, source: &Tensor, upstream: &Tensor) -> Result<Tensor> {
    with_slice::<T, _>(source, |source| {
        map_slice::<T>(upstream, |upstream, dx| kernel::gradient(activation, source, source, upstream, dx))
    })?
}

fn derivative(activation: Activation, b: &Backward) -> Result<Variable> {
    let output = b.output()?;
    let input = if reads_input(activation) {
        let [input] = b.saved()?;
        input
    } else {
        let [] = b.saved()?;
        output
    };
    let source = if activation.gradient_reads_input() { input } else { output };
    if has_kernels(source.tensor()) {
        if activation.negative_slope().is_some() {
            return piecewise_linear(activation, source.tensor().clone(), b.gradient);
        }
        if !is_recording() {
            let (source, upstream) = (source.tensor(), b.gradient.tensor());
            let value = dispatch!(source, T => apply_gradient::<T>(activation, source, upstream))?;
            return Ok(Variable::constant(value));
        }
    }
    b.gradient.mul(&slope(activation, input, output)?)
}

/// `upstream f'` where `f'` is constant almost everywhere: linear in `upstream`, so its own derivative.
fn piecewise_linear(activation: Activation, source: Tensor, upstream: &Variable) -> Result<Variable> {
    let value = dispatch!(source, T => apply_gradient::<T>(activation, &source, upstream.tensor()))?;
    Ok(Variable::record("activate_gradient", value, &[upstream], &[], false, move |b| {
        Ok(vec![b.when(0, || piecewise_linear(activation, source.clone(), b.gradient))?])
    }))
}

/// The derivative as a variable, which can be differentiated again. `input` may be the output where
/// [`reads_input`] says that the input is not read: the two have the same sign there.
fn slope(activation: Activation, input: &Variable, output: &Variable) -> Result<Variable> {
    let positive = || input.greater(&input.full_like(0.0)?);
    match activation {
        Activation::Identity => input.full_like(1.0),
        Activation::Relu => positive(),
        Activation::LeakyRelu(slope) => positive()?.affine(1.0 - slope, slope),
        // Below zero the derivative is y + alpha.
        Activation::Elu(alpha) => positive()?.select(&input.full_like(1.0)?, &output.affine(1.0, alpha)?),
        Activation::Silu => {
            let gate = input.sigmoid()?;
            gate.add(&input.mul(&gate)?.mul(&gate.affine(-1.0, 1.0)?)?)
        }
        Activation::Gelu => {
            let cumulative = input.scale(std::f64::consts::FRAC_1_SQRT_2)?.erf()?.affine(0.5, 0.5)?;
            let density =
                input.square()?.scale(-0.5)?.exp()?.scale((2.0 * std::f64::consts::PI).sqrt().recip())?;
            cumulative.add(&input.mul(&density)?)
        }
        Activation::Tanh => output.square()?.affine(-1.0, 1.0),
        Activation::Sigmoid => output.mul(&output.affine(-1.0, 1.0)?),
        Activation::Softplus => input.sigmoid(),
    }
}

/// The same functions of candle's operations, for other devices than the CPU.
fn composed(activation: Activation, x: &Tensor) -> Result<Tensor> {
    let sigmoid = |x: &Tensor| x.neg()?.exp()?.affine(1.0, 1.0)?.recip();
    Ok(match activation {
        Activation::Identity => x.clone(),
        Activation::Relu => x.relu()?,
        Activation::LeakyRelu(slope) => (x.relu()? - x.neg()?.relu()?.affine(slope, 0.0)?)?,
        Activation::Elu(alpha) => x.elu(alpha)?,
        Activation::Silu => (x * sigmoid(x)?)?,
        Activation::Gelu => x.gelu_erf()?,
        Activation::Tanh => x.tanh()?,
        Activation::Sigmoid => sigmoid(x)?,
        Activation::Softplus => (x.relu()? + x.abs()?.neg()?.exp()?.affine(1.0, 1.0)?.log()?)?,
    })
}
