//! Choices from a vocabulary through which gradients flow.

use crate::random::Stream;
use brigand_autograd::Variable;
use candle_core::Tensor;

use crate::error::Result;
use crate::place::Place;

/// How a choice is made differentiable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Relaxation {
    /// The probabilities themselves.
    Softmax,
    /// A draw relaxed at this temperature (Jang et al. 2016, arXiv:1611.01144).
    Gumbel {
        /// 0 is a hard choice.
        temperature: f64,
    },
    /// A hard choice forward, the relaxed one's gradient backward.
    StraightThrough {
        /// Of the gradient.
        temperature: f64,
    },
}

/// One choice of each row of `logits` `[batch, choices]`, as rows that sum to 1.
pub fn relaxed_choice(
    logits: &Variable,
    relaxation: Relaxation,
    stream: &mut Stream,
    place: &Place,
) -> Result<Variable> {
    let (temperature, hard) = match relaxation {
        Relaxation::Softmax => return Ok(logits.softmax(1)?),
        Relaxation::Gumbel { temperature } => (temperature, false),
        Relaxation::StraightThrough { temperature } => (temperature, true),
    };
    let uniform = stream.uniform(logits.elements(), 1e-6, 1.0 - 1e-6);
    let gumbel = uniform.into_iter().map(|u| -(-u.ln()).ln()).collect();
    let moved = logits.add(&place.numbers(gumbel, logits.shape())?)?;
    let relaxed = moved.scale(1.0 / temperature.max(1e-3))?.softmax(1)?;
    if !hard {
        return Ok(relaxed);
    }
    // The first of the largest: in half precision several are often equal.
    let largest = moved.tensor().contiguous()?.argmax_keepdim(1)?;
    let numbers = Tensor::arange(0, moved.shape()[1] as u32, moved.device())?;
    let chosen = largest.broadcast_eq(&numbers.unsqueeze(0)?)?.to_dtype(moved.dtype())?;
    Ok(Variable::constant(chosen).straight_through(&relaxed)?)
}
