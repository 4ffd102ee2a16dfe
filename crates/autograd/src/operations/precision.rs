//! Types narrower than `f32`: what takes more than one rounding is computed in `f32` and rounded once.

use candle_core::{DType, Tensor};

use crate::error::Result;
use crate::variable::Variable;

fn is_narrow(dtype: DType) -> bool {
    dtype.is_float() && dtype.size_in_bytes() < DType::F32.size_in_bytes()
}

impl Variable {
    /// This variable in `f32`, recorded, if its type is narrower: an operation of several steps does them there and
    /// turns its result back. Nothing for other types.
    pub(super) fn single(&self) -> Result<Option<Variable>> {
        if is_narrow(self.dtype()) { self.to_dtype(DType::F32).map(Some) } else { Ok(None) }
    }

    /// This variable in `f32`, recorded, if its type is narrower; else itself.
    pub(super) fn at_least_single(&self) -> Result<Variable> {
        Ok(self.single()?.unwrap_or_else(|| self.clone()))
    }
}

/// `body` of `tensors`, in `f32` where their type is narrower: for values that are sums of many.
pub(super) fn in_single<const N: usize>(
    tensors: [&Tensor; N],
    body: impl FnOnce([&Tensor; N]) -> Result<Tensor>,
) -> Result<Tensor> {
    let Some(narrow) = tensors.iter().map(|tensor| tensor.dtype()).find(|&dtype| is_narrow(dtype)) else {
        return body(tensors);
    };
    let mut single = tensors.map(Tensor::clone);
    for tensor in &mut single {
        *tensor = tensor.to_dtype(DType::F32)?;
    }
    Ok(body(single.each_ref())?.to_dtype(narrow)?)
}
