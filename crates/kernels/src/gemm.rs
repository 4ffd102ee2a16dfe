//! Matrix products.
//!
//! One operand is packed into panels of vectors, the other is read where it lies, one number at a time, and
//! broadcast. Which of the two is packed, and so whether the product or its transpose is computed, is a matter of
//! cost: a batch of 64 rows times a large transposed weight matrix packs the batch and never moves the weights.

mod pack;
pub(crate) mod product;

use crate::element::{Element, Path, Products};
use crate::pool;
use crate::workspace::Workspace;
use product::{Out, Product, View};

/// A matrix in a slice: the element at row `r` and column `c` is `data[r * row_stride + c * column_stride]`.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, T> {
    data: &'a [T],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a, T> Matrix<'a, T> {
    /// A row-major matrix without gaps.
    ///
    /// # Panics
    /// If `data` is shorter than `rows * columns`.
    pub fn row_major(data: &'a [T], rows: usize, columns: usize) -> Self {
        Self::strided(data, rows, columns, columns, 1)
    }

    /// A matrix with any strides, zero included.
    ///
    /// # Panics
    /// If the last element lies outside `data`.
    pub fn strided(
        data: &'a [T],
        rows: usize,
        columns: usize,
        row_stride: usize,
        column_stride: usize,
    ) -> Self {
        if rows > 0 && columns > 0 {
            let last = (rows - 1) * row_stride + (columns - 1) * column_stride;
            assert!(last < data.len(), "{rows} x {columns} matrix ends at {last}, slice at {}", data.len());
        }
        Self { data, rows, columns, row_stride, column_stride }
    }

    /// The transpose of the same data; nothing is copied.
    pub fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }
}

/// `C = A B`, or `C += A B` when `accumulate`. `c` is row-major, `a.rows() x b.columns()`.
///
/// Without `accumulate` every element of `c` is written and none is read. The result does not depend on the number
/// of threads.
///
/// # Panics
/// If the inner dimensions differ or `c` has not `a.rows() * b.columns()` elements.
pub fn multiply<T: Element>(
    products: Products,
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    c: &mut [T],
    accumulate: bool,
) {
    let path = Path::of(products);
    if !products.round_first() {
        return multiply_on(path, a, b, c, accumulate);
    }
    let [mut first, mut second] = [a, b].map(|matrix| rounded(matrix.data));
    let (a, b) = (Matrix { data: first.slice(), ..a }, Matrix { data: second.slice(), ..b });
    multiply_on(path, a, b, c, accumulate);
}

/// Numbers rounded to bfloat16.
pub(crate) fn rounded<T: Element>(values: &[T]) -> Workspace<T> {
    let mut copy = Workspace::take(values.len());
    copy.slice().iter_mut().zip(values).for_each(|(to, value)| *to = value.rounded());
    copy
}

/// `count` products: `C[i] = A(i) B(i)`. `c` is `[count, rows, columns]`; all products have the same shape.
///
/// # Panics
/// As [`multiply`], or if `c` is not `count` equal matrices.
pub fn multiply_batch<'a, T: Element>(
    products: Products,
    count: usize,
    a: impl Fn(usize) -> Matrix<'a, T> + Sync,
    b: impl Fn(usize) -> Matrix<'a, T> + Sync,
    c: &mut [T],
) {
    if count == 0 || c.is_empty() {
        return;
    }
    assert_eq!(c.len() % count, 0, "{} elements are not {count} equal matrices", c.len());
    let size = c.len() / count;
    let one = |index: usize, c: &mut [T]| multiply(products, a(index), b(index), c, false);
    if count >= 2 * pool::threads() {
        pool::parallel_chunks(c, size, one);
    } else {
        c.chunks_exact_mut(size).enumerate().for_each(|(index, c)| one(index, c));
    }
}

/// [`multiply`] on a chosen path.
pub(crate) fn multiply_on<T: Element>(
    path: Path,
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    c: &mut [T],
    accumulate: bool,
) {
    let (rows, depth, columns) = (a.rows, a.columns, b.columns);
    assert_eq!(depth, b.rows, "the columns of A and the rows of B differ");
    assert_eq!(c.len(), rows * columns, "C is not {rows} x {columns}");
    if c.is_empty() {
        return;
    }
    if depth == 0 {
        if !accumulate {
            c.fill(T::default());
        }
        return;
    }
    let out = Out { start: c.as_mut_ptr(), row_stride: columns, column_stride: 1 };
    let straight = Product { left: View::of(a), right: View::of(b), out, accumulate };
    let turned = straight.transposed();
    let cheaper = if straight.cost() <= turned.cost() { straight } else { turned };
    cheaper.compute(path);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::bfloat16;
    use proptest::prelude::*;

    /// Small integers, so that sums are exact in every order and type.
    fn integers(length: usize, seed: u32) -> Vec<i32> {
        let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
        (0..length)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as i32 % 17 - 8
            })
            .collect()
    }

    fn stored(rows: usize, columns: usize, seed: u32, layout: u8) -> (Vec<i32>, usize, usize) {
        let (row_stride, column_stride) = match layout {
            0 => (columns, 1),
            1 => (1, rows),
            2 => (columns + 3, 1),
            3 => (2, 2 * rows + 1),
            _ => (0, 1),
        };
        (integers(1 + rows * row_stride + columns * column_stride, seed), row_stride, column_stride)
    }

    fn check<T: Element + From<f32>>(
        shape: (usize, usize, usize),
        layouts: (u8, u8),
        accumulate: bool,
        seed: u32,
    ) {
        let (rows, depth, columns) = shape;
        let (a, a_row, a_column) = stored(rows, depth, seed, layouts.0);
        let (b, b_row, b_column) = stored(depth, columns, seed + 1, layouts.1);
        let convert = |data: &[i32]| data.iter().map(|&v| T::from(v as f32)).collect::<Vec<T>>();
        let (a_data, b_data) = (convert(&a), convert(&b));
        let left = Matrix::strided(&a_data, rows, depth, a_row, a_column);
        let right = Matrix::strided(&b_data, depth, columns, b_row, b_column);
        let before = integers(rows * columns, seed + 2);
        let expected: Vec<i32> = (0..rows * columns)
            .map(|i| {
                let (r, c) = (i / columns, i % columns);
                let sum: i32 =
                    (0..depth).map(|k| a[r * a_row + k * a_column] * b[k * b_row + c * b_column]).sum();
                sum + if accumulate { before[i] } else { 0 }
            })
            .collect();
        // So small whole numbers are exact in bfloat16, too.
        for path in Path::available().chain([Path::of(Products::Bfloat16)]) {
            let mut c = if accumulate { convert(&before) } else { vec![T::from(f32::NAN); rows * columns] };
            multiply_on(path, left, right, &mut c, accumulate);
            assert_eq!(c, convert(&expected), "{path:?} {shape:?} {layouts:?} {accumulate}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn products_equal_the_sum_of_products(
            rows in 0_usize..40, depth in 0_usize..80, columns in 0_usize..150,
            layouts in (0_u8..5, 0_u8..5), accumulate: bool, seed in 0_u32..1000,
        ) {
            check::<f32>((rows, depth, columns), layouts, accumulate, seed);
            check::<f64>((rows, depth, columns), layouts, accumulate, seed);
        }
    }

    #[test]
    fn large_products_cross_every_block_edge() {
        for layouts in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            check::<f32>((131, 700, 333), layouts, false, 7);
            check::<f64>((64, 513, 270), layouts, true, 8);
        }
        for (rows, columns) in [(1, 300), (300, 1), (1, 1), (7, 64)] {
            check::<f32>((rows, 1000, columns), (0, 1), false, 9);
        }
    }

    #[test]
    fn batches_are_their_products() {
        for count in [0, 1, 3, 9] {
            let (a, b) = (integers(count * 6, 1), integers(count * 15, 2));
            let a: Vec<f64> = a.iter().map(|&v| f64::from(v)).collect();
            let b: Vec<f64> = b.iter().map(|&v| f64::from(v)).collect();
            let left = |i: usize| Matrix::row_major(&a[i * 6..], 2, 3);
            let right = |i: usize| Matrix::row_major(&b[i * 15..], 5, 3).transposed();
            let mut c = vec![f64::NAN; count * 10];
            multiply_batch(Products::Full, count, left, right, &mut c);
            for (i, product) in c.chunks(10).enumerate() {
                let mut single = [0.0; 10];
                multiply(Products::Full, left(i), right(i), &mut single, false);
                assert_eq!(product, single);
            }
        }
    }

    #[test]
    fn the_thread_count_does_not_change_a_byte() {
        let a: Vec<f32> = (0..130 * 600).map(|i| (i as f32 * 0.37).sin()).collect();
        let b: Vec<f32> = (0..600 * 210).map(|i| (i as f32 * 0.11).cos()).collect();
        let product = |products: Products| {
            let mut c = vec![0.0_f32; 130 * 210];
            multiply(
                products,
                Matrix::row_major(&a, 130, 600),
                Matrix::row_major(&b, 600, 210),
                &mut c,
                false,
            );
            c.iter().map(|v| v.to_bits()).collect::<Vec<_>>()
        };
        for products in [Products::Full, Products::Bfloat16] {
            let several = product(products);
            assert_eq!(several, product(products));
            for threads in [1, 3] {
                pool::set_threads(threads);
                let others = product(products);
                pool::set_threads(0);
                assert_eq!(several, others, "{products:?}, {threads} threads");
            }
        }
    }

    #[test]
    fn products_in_bfloat16_are_those_of_rounded_numbers() {
        let (rows, depth, columns) = (37, 301, 75);
        let a: Vec<f32> = (0..rows * depth).map(|i| (i as f32 * 0.37).sin()).collect();
        let b: Vec<f32> = (0..depth * columns).map(|i| (i as f32 * 0.11).cos()).collect();
        let of = |products: Products, transposed: bool| {
            let mut c = vec![0.0; rows * columns];
            let (left, right) = (Matrix::row_major(&a, rows, depth), Matrix::row_major(&b, depth, columns));
            if transposed {
                let mut turned = vec![0.0; rows * columns];
                multiply(products, right.transposed(), left.transposed(), &mut turned, false);
                (0..rows * columns).for_each(|i| c[i] = turned[i % columns * rows + i / columns]);
            } else {
                multiply(products, left, right, &mut c, false);
            }
            c
        };
        for transposed in [false, true] {
            let full = of(Products::Full, transposed);
            for (i, &found) in of(Products::Bfloat16, transposed).iter().enumerate() {
                let (r, c) = (i / columns, i % columns);
                let exact: f64 = (0..depth)
                    .map(|k| f64::from(bfloat16(a[r * depth + k])) * f64::from(bfloat16(b[k * columns + c])))
                    .sum();
                assert!((f64::from(found) - exact).abs() < 1e-4, "{found} for {exact}");
                assert!(found != full[i] || exact == f64::from(full[i]), "nothing was rounded");
            }
        }
    }

    #[test]
    fn rounding_goes_to_the_nearest_and_keeps_what_is_no_number() {
        for (value, nearest) in [(1.0, 1.0), (1.003, 1.0), (1.005, 1.007_812_5), (1.0 + 1.0 / 256.0, 1.0)] {
            assert!((bfloat16(value) - nearest).abs() <= nearest.abs() * 3e-3, "{value}");
        }
        assert_eq!(bfloat16(1.0 + 3.0 / 256.0), 1.0 + 4.0 / 256.0);
        assert!(bfloat16(f32::from_bits(0x7fff_ffff)).is_nan());
        assert_eq!([f32::INFINITY, f32::MAX, -0.0].map(bfloat16), [f32::INFINITY, f32::INFINITY, -0.0]);
    }
}
