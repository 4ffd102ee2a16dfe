//! Matrix products.

use brigand_kernels::element::Products;
use brigand_kernels::gemm::{self, Matrix};
use candle_core::{DType, Layout, Storage, Tensor};

use crate::buffer::{Real, has_kernels, tensor_of, written_by};
use crate::dispatch;
use crate::error::{Result, element_count, shape_error};
use crate::variable::{Variable, agree};

use super::elementwise::broadcast_shape;

impl Variable {
    /// The matrix product over the last two dimensions, `[.., m, k] x [.., k, n] -> [.., m, n]`; leading
    /// dimensions broadcast.
    pub fn matmul(&self, other: &Variable) -> Result<Variable> {
        self.matmul_by(other, Products::Full)
    }

    /// The same with numbers multiplied as `products` says, in all derivatives too, on the CPU; other devices multiply in full.
    pub fn matmul_by(&self, other: &Variable, products: Products) -> Result<Variable> {
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
        if right_lead.is_empty() && !left_lead.is_empty() {
            return self.matmul_rows(other, products);
        }
        let lead = broadcast_shape("matmul", left_lead, right_lead).map_err(|_| refuse())?;
        let value = product(self.tensor(), other.tensor(), &lead, products)?;
        Ok(Variable::record("matmul", value, &[self, other], &[self, other], false, move |b| {
            let [left, right] = b.saved()?;
            Ok(vec![
                b.when(0, || b.gradient.matmul_by(&right.transposed()?, products)?.sum_to(left.shape()))?,
                b.when(1, || right_gradient(left, right, b.gradient, products))?,
            ])
        }))
    }

    /// `[.., m, k] x [k, n]` as one product with all leading dimensions joined to the rows.
    fn matmul_rows(&self, other: &Variable, products: Products) -> Result<Variable> {
        let (mut shape, inner) = (self.shape().to_vec(), other.size("matmul", 0)?);
        let rows: usize = shape.iter().rev().skip(1).product();
        if let (Some(last), Some(&columns)) = (shape.last_mut(), other.shape().last()) {
            *last = columns;
        }
        self.reshape(&[rows, inner])?.matmul_by(other, products)?.reshape(&shape)
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
        self.linear_by(weight, bias, Products::Full)
    }

    /// The same with numbers multiplied as [`Variable::matmul_by`] does.
    pub fn linear_by(
        &self,
        weight: &Variable,
        bias: Option<&Variable>,
        products: Products,
    ) -> Result<Variable> {
        let product = self.matmul_by(&weight.transposed()?, products)?;
        match bias {
            Some(bias) => product.add(bias),
            None => Ok(product),
        }
    }
}

/// The gradient `left^T gradient` of a product by its right operand, laid out in memory as that operand is: the
/// gradient of a weight that was multiplied transposed needs no copy to be the weight's own.
fn right_gradient(
    left: &Variable,
    right: &Variable,
    gradient: &Variable,
    products: Products,
) -> Result<Variable> {
    let is_transposed = matches!(right.tensor().stride(), [.., 1, columns] if *columns > 1);
    let product = if is_transposed {
        gradient.transposed()?.matmul_by(left, products)?.transposed()?
    } else {
        left.transposed()?.matmul_by(gradient, products)?
    };
    product.sum_to(right.shape())
}

/// The products of the matrices in the last two dimensions, with leading dimensions `lead`. Strides are passed on,
/// so that neither transposing nor broadcasting copies anything.
fn product(left: &Tensor, right: &Tensor, lead: &[usize], products: Products) -> Result<Tensor> {
    let spread = |tensor: &Tensor| {
        let matrix = tensor.dims().iter().skip(tensor.rank().saturating_sub(2));
        let shape: Vec<usize> = lead.iter().chain(matrix).copied().collect();
        tensor.broadcast_as(shape)
    };
    let (left, right) = (spread(left)?, spread(right)?);
    if left.device().is_cpu() && !has_kernels(&left) {
        // In single precision: candle has no product for every dtype.
        let (single, dtype) = (DType::F32, left.dtype());
        let (left, right) = (left.to_dtype(single)?, right.to_dtype(single)?);
        return Ok(kernel_product::<f32>(&left, &right, products)?.to_dtype(dtype)?);
    }
    if !has_kernels(&left) {
        return Ok(left.contiguous()?.matmul(&right.contiguous()?)?);
    }
    dispatch!(left, T => kernel_product::<T>(&left, &right, products))
}

fn kernel_product<T: Real>(left: &Tensor, right: &Tensor, products: Products) -> Result<Tensor> {
    let (left_storage, left_layout) = left.storage_and_layout();
    let (right_storage, right_layout) = right.storage_and_layout();
    let (Storage::Cpu(left_storage), Storage::Cpu(right_storage)) = (&*left_storage, &*right_storage) else {
        return Err(shape_error("matmul", "expected matrices on the CPU"));
    };
    let left = Matrices::<T>::new(left_storage.as_slice()?, left_layout);
    let right = Matrices::<T>::new(right_storage.as_slice()?, right_layout);
    let mut shape = left_layout.dims().to_vec();
    let count = shape.iter().rev().skip(2).product();
    if let Some(last) = shape.last_mut() {
        *last = right.columns;
    }
    let (result, ()) = written_by::<T, _>(element_count("matmul", &shape)?, |result| {
        if count == 1 {
            gemm::multiply(products, left.get(0), right.get(0), result, false);
        } else {
            gemm::multiply_batch(products, count, |index| left.get(index), |index| right.get(index), result);
        }
    });
    tensor_of(result, &shape)
}

/// The matrices of a tensor of any layout, in row-major order of its leading dimensions.
struct Matrices<'a, T> {
    values: &'a [T],
    /// Sizes and strides of the leading dimensions.
    lead: Vec<(usize, usize)>,
    rows: usize,
    columns: usize,
    strides: [usize; 2],
}

impl<'a, T: Real> Matrices<'a, T> {
    /// Of a layout of at least two dimensions.
    fn new(storage: &'a [T], layout: &Layout) -> Self {
        let mut lead: Vec<(usize, usize)> =
            layout.dims().iter().copied().zip(layout.stride().iter().copied()).collect();
        let (columns, column_stride) = lead.pop().unwrap_or((1, 1));
        let (rows, row_stride) = lead.pop().unwrap_or((1, 1));
        let values = storage.get(layout.start_offset()..).unwrap_or(&[]);
        Self { values, lead, rows, columns, strides: [row_stride, column_stride] }
    }

    fn get(&self, index: usize) -> Matrix<'a, T> {
        let (mut rest, mut offset) = (index, 0);
        for &(size, stride) in self.lead.iter().rev() {
            offset += rest % size * stride;
            rest /= size;
        }
        let values = self.values.get(offset..).unwrap_or(&[]);
        Matrix::strided(values, self.rows, self.columns, self.strides[0], self.strides[1])
    }
}
