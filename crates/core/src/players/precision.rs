//! Precision of what is computed from scores and features: networks may run in half precision, losses do not.

use brigand_autograd::Variable;
use candle_core::DType;

use crate::error::Result;

/// `value` in single precision or better.
pub(super) fn accurate(value: &Variable) -> Result<Variable> {
    Ok(match value.dtype() {
        DType::F16 | DType::BF16 => value.to_dtype(DType::F32)?,
        _ => value.clone(),
    })
}

/// `variable` in the type of another.
pub(super) fn in_type_of(variable: &Variable, like: &Variable) -> Result<Variable> {
    Ok(if variable.dtype() == like.dtype() { variable.clone() } else { variable.to_dtype(like.dtype())? })
}
