//! The few matrix computations of the metrics, in `f64` on faer.
//!
//! faer splits the work into a given number of parts, and some sums depend on that number. It gets the same
//! number on every machine, and as many threads as there are take up the parts, so results depend on neither.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt_pivoting::factor as pivoted_cholesky;
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, Mat, MatMut, MatRef, Par, Spec};

use super::error::{EvaluationError, Result};

/// Parts that work is split into.
const PARTS: usize = 8;
/// What rounding may leave where exact numbers would leave nothing, as a share of the whole.
const ROUNDING: f64 = 1e-6;

/// `a bᵀ` of row-major `[m, width]` and `[n, width]` into row-major `[m, n]`.
pub(crate) fn inner_products(a: &[f64], b: &[f64], width: usize, out: &mut [f64]) {
    let a = MatRef::from_row_major_slice(a, a.len() / width, width);
    let b = MatRef::from_row_major_slice(b, b.len() / width, width);
    let out = MatMut::from_row_major_slice_mut(out, a.nrows(), b.nrows());
    matmul(out, Accum::Replace, a, b.transpose(), 1.0, Par::rayon(PARTS));
}

/// Adds `xᵀ x` of row-major `x`, `[n, width]`, to the upper triangle of row-major `sum`, `[width, width]`.
pub(crate) fn add_gram(x: &[f64], width: usize, sum: &mut [f64]) {
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
pub(crate) fn trace_of_root_of_product(a: &[f64], b: &[f64], width: usize) -> Result<f64> {
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
        return Err(no_covariance());
    }
    Ok(eigenvalues.iter().map(|value| value.max(0.0).sqrt()).sum())
}

/// `L`, `[width, rank]`, with `L Lᵀ` the given covariance.
fn cholesky_root(covariance: &[f64], width: usize) -> Result<Mat<f64>> {
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
    .map_err(|_| no_covariance())?;
    let entry = |row: usize, column: usize| {
        let place = inverse[row];
        if place < column { 0.0 } else { factor[(place, column)] }
    };
    let root = Mat::from_fn(width, found.rank, entry);
    // The factorisation stops at a pivot that is not positive, and then must have accounted for everything.
    let variance: f64 = covariance.iter().step_by(width + 1).sum();
    if (root.squared_norm_l2() - variance).abs() > ROUNDING * variance {
        return Err(no_covariance());
    }
    Ok(root)
}

fn no_covariance() -> EvaluationError {
    EvaluationError::Computation(
        "a covariance has negative eigenvalues or NaN; compute the statistics again from the samples".into(),
    )
}

/// The eigenvalues of the symmetric matrix in the lower triangle, in rising order.
fn symmetric_eigenvalues(matrix: &Mat<f64>) -> Result<Vec<f64>> {
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
    .map_err(|_| {
        EvaluationError::Computation(
            "the eigenvalues of a covariance cannot be found; look for features that are far out of scale"
                .into(),
        )
    })?;
    Ok(values.column_vector().iter().copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(a: &[f64], b: &[f64], width: usize) -> f64 {
        trace_of_root_of_product(a, b, width).unwrap()
    }

    #[test]
    fn the_root_of_a_product_has_the_trace_known_in_closed_form() {
        assert!((trace(&[2.0, 1.0, 1.0, 2.0], &[1.0, 0.0, 0.0, 3.0], 2) - 14f64.sqrt()).abs() < 1e-12);
        assert!((trace(&[9.0], &[4.0], 1) - 6.0).abs() < 1e-12);
        // Rank 1 with rank 2: the root of vᵀ B v.
        let (rank_one, b) = ([1.0, 2.0, 2.0, 4.0], [3.0, 1.0, 1.0, 2.0]);
        let expected = (3.0 + 2.0 * 2.0 + 4.0 * 2.0_f64).sqrt();
        assert!((trace(&rank_one, &b, 2) - expected).abs() < 1e-12);
        assert!((trace(&b, &rank_one, 2) - expected).abs() < 1e-7);
        assert_eq!(trace(&[0.0; 4], &b, 2), 0.0);
        assert_eq!(trace(&b, &[0.0; 4], 2), 0.0);
    }

    #[test]
    fn what_is_no_covariance_is_refused() {
        let good = [1.0, 0.0, 0.0, 1.0];
        for bad in [[-1.0, 0.0, 0.0, 1.0], [1.0, 3.0, 3.0, 1.0], [f64::NAN, 0.0, 0.0, 1.0]] {
            assert!(trace_of_root_of_product(&bad, &good, 2).is_err(), "{bad:?}");
            assert!(trace_of_root_of_product(&good, &bad, 2).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn products_and_grams_are_sums_of_products() {
        let x: Vec<f64> = (0..15).map(|i| f64::from(i * i % 7)).collect();
        let at = |row: usize, column: usize| x[row * 3 + column];
        let mut products = [f64::NAN; 10];
        inner_products(&x, &x[..6], 3, &mut products);
        let mut gram = [100.0; 9];
        add_gram(&x, 3, &mut gram);
        for (place, &found) in products.iter().enumerate() {
            assert_eq!(found, (0..3).map(|k| at(place / 2, k) * at(place % 2, k)).sum::<f64>());
        }
        for (i, j) in [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)] {
            assert_eq!(gram[i * 3 + j], 100.0 + (0..5).map(|k| at(k, i) * at(k, j)).sum::<f64>());
        }
        assert_eq!([gram[3], gram[6], gram[7]], [100.0; 3]);
    }
}
