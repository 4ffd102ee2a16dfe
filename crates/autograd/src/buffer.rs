//! Plain slices in and out of candle tensors on the CPU, for the kernels.

use brigand_kernels::element::Element;
use brigand_kernels::elementwise::scaled_add;
use brigand_kernels::float::Float;
pub use brigand_kernels::memory::written_by;
use candle_core::{CpuStorage, DType, Device, InplaceOp2, Layout, Storage, Tensor, WithDType};

use crate::dispatch;
use crate::error::{Result, shape_error};
use crate::layout::in_order;

/// An element type of both the kernels and candle: `f32` or `f64`.
pub trait Real: Element + Float + WithDType {}
impl Real for f32 {}
impl Real for f64 {}

/// Whether the kernels can work on this tensor: `f32` or `f64` in ordinary memory.
pub fn has_kernels(tensor: &Tensor) -> bool {
    matches!(tensor.device(), Device::Cpu) && matches!(tensor.dtype(), DType::F32 | DType::F64)
}

/// Runs `body` on the elements of a CPU tensor in row-major order; copies only if the layout demands it.
pub fn with_slice<T: Real, R>(tensor: &Tensor, body: impl FnOnce(&[T]) -> R) -> Result<R> {
    let (storage, layout) = tensor.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else {
        return Err(shape_error("kernel", "expected a tensor on the CPU"));
    };
    let values = storage.as_slice::<T>()?;
    if layout.is_contiguous() {
        let start = layout.start_offset();
        let elements = values.get(start..start + layout.shape().elem_count());
        return elements
            .map(body)
            .ok_or_else(|| shape_error("kernel", "a tensor's layout exceeds its storage"));
    }
    Ok(body(&in_order(values, layout)))
}

/// The same tensor with its elements in row-major order in memory.
pub(crate) fn contiguous(tensor: &Tensor) -> Result<Tensor> {
    if tensor.is_contiguous() || !has_kernels(tensor) {
        return Ok(tensor.contiguous()?);
    }
    dispatch!(tensor, T => with_slice::<T, _>(tensor, |values| tensor_of(values.to_vec(), tensor.dims()))?)
}

/// A tensor of the same shape, which `body` fills from the elements in row-major order.
/// `body` finds arbitrary values in the result and must write them all.
pub fn map_slice<T: Real>(tensor: &Tensor, body: impl FnOnce(&[T], &mut [T])) -> Result<Tensor> {
    let (result, done) = written_by::<T, _>(tensor.elem_count(), |result| {
        with_slice::<T, _>(tensor, |values| body(values, result))
    });
    done?;
    tensor_of(result, tensor.dims())
}

/// A CPU tensor that takes over `values`.
pub fn tensor_of<T: Real>(values: Vec<T>, shape: &[usize]) -> Result<Tensor> {
    Ok(Tensor::from_vec(values, shape, &Device::Cpu)?)
}

/// Chooses the element type of a kernel call from a tensor's dtype: `dispatch!(tensor, T => expression)`.
#[macro_export]
macro_rules! dispatch {
    ($tensor:expr, $real:ident => $body:expr) => {
        if $tensor.dtype() == ::candle_core::DType::F64 {
            type $real = f64;
            $body
        } else {
            type $real = f32;
            $body
        }
    };
}

struct AddInPlace;

impl InplaceOp2 for AddInPlace {
    fn name(&self) -> &'static str {
        "add-in-place"
    }

    fn cpu_fwd(
        &self,
        target: &mut CpuStorage,
        target_layout: &Layout,
        source: &CpuStorage,
        source_layout: &Layout,
    ) -> candle_core::Result<()> {
        let count = target_layout.shape().elem_count();
        let (to, from) = (target_layout.start_offset(), source_layout.start_offset());
        match (target, source) {
            (CpuStorage::F32(target), CpuStorage::F32(source)) => {
                scaled_add(1.0, &source[from..from + count], &mut target[to..to + count]);
            }
            (CpuStorage::F64(target), CpuStorage::F64(source)) => {
                scaled_add(1.0, &source[from..from + count], &mut target[to..to + count]);
            }
            _ => candle_core::bail!("add-in-place works on f32 and f64 only"),
        }
        Ok(())
    }
}

/// `target += source` in `target`'s own buffer, to which, as the caller guarantees, nothing else refers.
/// Returns `false`, having done nothing, where that is not possible.
pub(crate) fn add_in_place(target: &Tensor, source: &Tensor) -> Result<bool> {
    let possible = has_kernels(target)
        && target.dtype() == source.dtype()
        && target.dims() == source.dims()
        && target.is_contiguous()
        && source.is_contiguous();
    if possible {
        target.inplace_op2(source, &AddInPlace)?;
    }
    Ok(possible)
}
