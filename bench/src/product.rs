//! How fast this machine multiplies matrices.

use std::hint::black_box;
use std::time::Instant;

use brigand_kernels::element::Products;
use brigand_kernels::gemm::{Matrix, multiply};

use crate::Failure;
use crate::measurement::median;

const SIZE: usize = 2048;
const CALLS: usize = 5;

/// GFLOP/s of a large square product, the median of a few.
pub(crate) fn rate() -> Result<f64, Failure> {
    let operand: Vec<f32> = (0..SIZE * SIZE).map(|index| (index as f32 * 0.37).sin()).collect();
    let mut result = vec![0.0; SIZE * SIZE];
    let matrix = || Matrix::row_major(&operand, SIZE, SIZE);
    let times = (0..CALLS).map(|_| {
        let start = Instant::now();
        multiply(Products::Full, matrix(), matrix(), black_box(&mut result), false);
        start.elapsed().as_secs_f64()
    });
    Ok(2.0 * (SIZE as f64).powi(3) / median(times)? / 1e9)
}
