//! The few matrix computations of metrics and of first weights, on faer.
//!
//! faer splits the work into a given number of parts, and some sums depend on that number. It gets the same
//! number on every machine, and as many threads as there are take up the parts, so results depend on neither.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt_pivoting::factor as pivoted_cholesky;
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::linalg::householder::{
    apply_block_householder_sequence_on_the_left_in_place_scratch as reflect_scratch,
    apply_block_householder_sequence_on_the_left_in_place_with_conj as reflect,
};
use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::linalg::qr::no_pivoting::factor::{qr_in_place, qr_in_place_scratch, recommended_block_size};
use faer::{Accum, Conj, Mat, MatMut, MatRef, Par, Spec};

/// Why a computation has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinearAlgebraError {
    /// A matrix that should be a covariance is none.
    #[error("a covariance has negative eigenvalues or NaN; compute the statistics again from the samples")]
    NoCovariance,
    /// Eigenvalues were not found.
    #[error("the eigenvalues of a covariance cannot be found; look for features that are far out of scale")]
    NoEigenvalues,
}

/// Parts that work is split into.
const PARTS: usize = 8;
/// What rounding may leave where exact numbers would leave nothing, as a share of the whole.
const ROUNDING: f64 = 1e-6;

/// `a bᵀ` of row-major `[m, width]` and `[n, width]` into row-major `[m, n]`.
pub fn inner_products(a: &[f64], b: &[f64], width: usize, out: &mut [f64]) {
    let a = MatRef::from_row_major_slice(a, a.len() / width, width);
    let b = MatRef::from_row_major_slice(b, b.len() / width, width);
    let out = MatMut::from_row_major_slice_mut(out, a.nrows(), b.nrows());
    matmul(out, Accum::Replace, a, b.transpose(), 1.0, Par::rayon(PARTS));
}

/// Adds `xᵀ x` of row-major `x`, `[n, width]`, to the upper triangle of row-major `sum`, `[width, width]`.
pub fn add_gram(x: &[f64], width: usize, sum: &mut [f64]) {
    let x = MatRef::from_row_major_slice(x, x.len() / width, width);
    let sum = MatMut::from_row_major_slice_mut(sum, width, width);
    let (upper, full) = (BlockStructure::TriangularUpper, BlockStructure::Rectangular);
    triangular::matmul(sum, upper, Accum::Add, x.transpose(), full, x, full, 1.0, Par::rayon(PARTS));
}

/// `tr (A B)^(1/2)` of two covariances, row-major `[width, width]`, neither of which need have full rank.
///
/// With `A = L Lᵀ`, the eigenvalues of `A B` that are not zero are those of the symmetric `Lᵀ B L`, which has as many
/// rows as `A` has rank. The pivots of the Cholesky factorisation give that rank.
///
/// # Errors
/// If a matrix is no covariance (a negative variance, NaN) or its eigenvalues cannot be found.
pub fn trace_of_root_of_product(a: &[f64], b: &[f64], width: usize) -> Result<f64, LinearAlgebraError> {
    let root = cholesky_root(a, width)?;
    if root.ncols() == 0 {
        return Ok(0.0);
    }
    let b = MatRef::from_row_major_slice(b, width, width);
    let mut product = Mat::zeros(width, root.ncols());
    matmul(product.as_mut(), Accum::Replace, b, &root, 1.0, Par::rayon(PARTS));
    let mut inner = Mat::zeros(root.ncols(), root.ncols());
    let (lower, full) = (BlockStructure::TriangularLower, BlockStructure::Rectangular);
    triangular::matmul(
        inner.as_mut(),
        lower,
        Accum::Replace,
        root.transpose(),
        full,
        &product,
        full,
        1.0,
        Par::rayon(PARTS),
    );
    let eigenvalues = symmetric_eigenvalues(&inner)?;
    let largest = eigenvalues.iter().copied().fold(0.0, f64::max);
    if eigenvalues.iter().any(|&value| value.is_nan() || value < -ROUNDING * largest) {
        return Err(LinearAlgebraError::NoCovariance);
    }
    Ok(eigenvalues.iter().map(|value| value.max(0.0).sqrt()).sum())
}

/// `L`, `[width, rank]`, with `L Lᵀ` the given covariance.
fn cholesky_root(covariance: &[f64], width: usize) -> Result<Mat<f64>, LinearAlgebraError> {
    let mut factor = MatRef::from_row_major_slice(covariance, width, width).to_owned();
    if (0..width).all(|i| factor[(i, i)] == 0.0) {
        return Ok(Mat::zeros(width, 0));
    }
    let (mut order, mut inverse) = (vec![0_usize; width], vec![0_usize; width]);
    let scratch = pivoted_cholesky::cholesky_in_place_scratch::<usize, f64>(width, Par::Seq, Spec::default());
    let mut memory = MemBuffer::new(scratch);
    let (found, _) = pivoted_cholesky::cholesky_in_place(
        factor.as_mut(),
        &mut order,
        &mut inverse,
        Par::rayon(PARTS),
        MemStack::new(&mut memory),
        Spec::default(),
    )
    .map_err(|_| LinearAlgebraError::NoCovariance)?;
    let entry = |row: usize, column: usize| {
        let place = inverse[row];
        if place < column { 0.0 } else { factor[(place, column)] }
    };
    let root = Mat::from_fn(width, found.rank, entry);
    // The factorisation stops at a pivot that is not positive, and then must have accounted for everything.
    let variance: f64 = covariance.iter().step_by(width + 1).sum();
    if (root.squared_norm_l2() - variance).abs() > ROUNDING * variance {
        return Err(LinearAlgebraError::NoCovariance);
    }
    Ok(root)
}

/// The eigenvalues of the symmetric matrix in the lower triangle, in rising order.
fn symmetric_eigenvalues(matrix: &Mat<f64>) -> Result<Vec<f64>, LinearAlgebraError> {
    let size = matrix.nrows();
    let mut values = faer::diag::Diag::<f64>::zeros(size);
    let parallel = Par::rayon(PARTS);
    let scratch = self_adjoint_evd_scratch::<f64>(size, ComputeEigenvectors::No, parallel, Spec::default());
    let mut memory = MemBuffer::new(scratch);
    self_adjoint_evd(
        matrix.as_ref(),
        values.as_mut(),
        None,
        parallel,
        MemStack::new(&mut memory),
        Spec::default(),
    )
    .map_err(|_| LinearAlgebraError::NoEigenvalues)?;
    Ok(values.column_vector().iter().copied().collect())
}

/// A row-major matrix `[rows, columns]`, uniformly distributed among those with orthonormal rows, or columns where there are
/// fewer of those: `Q` of the QR decomposition of `draws`, as many standard normal numbers, with the signs that make the diagonal
/// of `R` positive.
///
/// # Panics
/// If there are not as many draws as the matrix has numbers.
pub fn orthogonal(rows: usize, columns: usize, draws: &[f32]) -> Vec<f32> {
    let (long, short) = (rows.max(columns), rows.min(columns));
    if short == 0 {
        return Vec::new();
    }
    let par = Par::rayon(PARTS);
    let mut factored = MatRef::from_row_major_slice(draws, long, short).to_owned();
    let block = recommended_block_size::<f32>(long, short);
    let mut factors = Mat::zeros(block, short);
    let scratch =
        qr_in_place_scratch::<f32>(long, short, block, par, Spec::default())
            .or(reflect_scratch::<f32>(long, block, short));
    let mut memory = MemBuffer::new(scratch);
    let stack = MemStack::new(&mut memory);
    qr_in_place(factored.as_mut(), factors.as_mut(), par, stack, Spec::default());
    let mut basis = Mat::<f32>::identity(long, short);
    reflect(factored.as_ref(), factors.as_ref(), Conj::No, basis.as_mut(), par, stack);
    let value = |place: usize, vector: usize| basis[(place, vector)] * factored[(vector, vector)].signum();
    let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    places
        .map(|(row, column)| if rows >= columns { value(row, column) } else { value(column, row) })
        .collect()
}
