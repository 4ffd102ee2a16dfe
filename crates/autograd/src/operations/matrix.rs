//! Matrix products.

use brigand_kernels::gemm::{self, Matrix};
use candle_core::{Storage, Tensor};

use crate::buffer::{Real, has_kernels, tensor_of};
use crate::dispatch;
use crate::error::{Result, shape_error};
use crate::variable::{Variable, agree};

impl Variable {
    /// The matrix product over the last two dimensions, `[.., m, k] x [.., k, n] -> [.., m, n]`; leading
    /// dimensions broadcast.
    pub fn matmul(&self, other: &Variable) -> Result<Variable> {
        agree("matmul", self, other)?;
        let refuse = || {
            let reason = format!("{:?} and {:?} cannot be multiplied", self.shape(), other.shape());
            shape_error("matmul", reason)
        };
        let ([left_lead @ .., _, left_inner], [right_lead @ .., right_inner, _]) =
            (self.shape(), other.shape())
        else {
            return Err(refuse());
        };
        if left_inner != right_inner {
            return Err(refuse());
        }
        let value = if left_lead == right_lead {
            product(self.tensor(), other.tensor())?
        } else {
            self.tensor().contiguous()?.broadcast_matmul(&other.tensor().contiguous()?)?
        };
        Ok(Variable::record("matmul", value, &[self, other], &[self, other], false, |b| {
            let [left, right] = b.saved else { return Ok(vec![None, None]) };
            Ok(vec![
                b.when(0, || b.gradient.matmul(&right.transposed()?)?.sum_to(left.shape()))?,
                b.when(1, || left.transposed()?.matmul(b.gradient)?.sum_to(right.shape()))?,
            ])
        }))
    }

    /// The last two dimensions exchanged.
    pub fn transposed(&self) -> Result<Variable> {
        let rank = self.rank();
        if rank < 2 {
            return Err(shape_error("transposed", format!("{:?} is no matrix", self.shape())));
        }
        self.transpose(rank - 2, rank - 1)
    }

    /// `x W^T + b` for `x` `[batch, in]`, `W` `[out, in]` and `b` `[out]`.
    pub fn linear(&self, weight: &Variable, bias: Option<&Variable>) -> Result<Variable> {
        let product = self.matmul(&weight.transposed()?)?;
        match bias {
            Some(bias) => product.add(bias),
            None => Ok(product),
        }
    }
}

/// The product of two matrices, or of equally many; strides are passed on, so transposing copies nothing.
fn product(left: &Tensor, right: &Tensor) -> Result<Tensor> {
    if !has_kernels(left) {
        return Ok(left.contiguous()?.matmul(&right.contiguous()?)?);
    }
    dispatch!(left, T => kernel_product::<T>(left, right))
}

fn kernel_product<T: Real>(left: &Tensor, right: &Tensor) -> Result<Tensor> {
    let (mut shape, rank) = (left.dims().to_vec(), left.rank());
    let (rows, inner, columns) = (shape[rank - 2], shape[rank - 1], right.dims()[rank - 1]);
    shape[rank - 1] = columns;
    let count: usize = shape[..rank - 2].iter().product();
    let mut result = vec![T::default(); count * rows * columns];
    if count > 1 || rank > 2 {
        let (left, right) = (left.contiguous()?, right.contiguous()?);
        with_matrices::<T>(&left, &right, |left, right, _, _| {
            gemm::multiply_batch(
                count,
                |i| Matrix::row_major(&left[i * rows * inner..(i + 1) * rows * inner], rows, inner),
                |i| Matrix::row_major(&right[i * inner * columns..(i + 1) * inner * columns], inner, columns),
                &mut result,
            );
        })?;
    } else {
        with_matrices::<T>(left, right, |left, right, left_strides, right_strides| {
            let left = Matrix::strided(left, rows, inner, left_strides[0], left_strides[1]);
            let right = Matrix::strided(right, inner, columns, right_strides[0], right_strides[1]);
            gemm::multiply(left, right, &mut result, false);
        })?;
    }
    tensor_of(result, &shape)
}

/// Both storages from the first element of each layout on, with the strides.
fn with_matrices<T: Real>(
    left: &Tensor,
    right: &Tensor,
    body: impl FnOnce(&[T], &[T], &[usize], &[usize]),
) -> Result<()> {
    let (left_storage, left_layout) = left.storage_and_layout();
    let (right_storage, right_layout) = right.storage_and_layout();
    let (Storage::Cpu(left), Storage::Cpu(right)) = (&*left_storage, &*right_storage) else {
        return Err(candle_core::Error::Msg("expected matrices on the CPU".into()).into());
    };
    let (left, right) = (left.as_slice::<T>()?, right.as_slice::<T>()?);
    body(
        &left[left_layout.start_offset()..],
        &right[right_layout.start_offset()..],
        left_layout.stride(),
        right_layout.stride(),
    );
    Ok(())
}
