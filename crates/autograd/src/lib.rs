//! A small tape over candle tensors: gradients of any order.
//!
//! A [`Variable`] is a tensor with a record of the operation that made it. Every operation's backward
//! rule is written with the same operations, so a gradient can be differentiated like anything else:
//!
//! ```
//! use brigand_autograd::{Variable, grad};
//! # fn main() -> brigand_autograd::Result<()> {
//! let x = Variable::leaf(candle_core::Tensor::new(2f64, &candle_core::Device::Cpu)?);
//! let cube = x.powf(3.0)?;
//! let first = grad(&cube, &[&x], true)?; // 3 x²
//! let second = grad(&first[0], &[&x], false)?; // 6 x
//! assert_eq!(first[0].scalar()?, 12.0);
//! assert_eq!(second[0].scalar()?, 12.0);
//! # Ok(())
//! # }
//! ```
#![doc = include_str!("../../../docs/autograd.md")]

pub mod buffer;
mod directional;
mod error;
mod gradient;
mod layout;
mod operations;
mod variable;

pub use brigand_kernels::element::Products;
pub use directional::{hessian_vector_product, jacobian_vector_product};
pub use error::{Error, Result};
pub use gradient::{GradientOptions, Output, grad, grad_of, through_composition};
pub use operations::activation::Activation;
pub use operations::convolution::Sliding;
pub use operations::grouping::Grouping;
pub use operations::normalization::BatchStatistics;
pub use variable::{Backward, Rule, Variable, is_recording, without_recording};
