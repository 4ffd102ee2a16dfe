//! Random matrices with orthonormal rows or columns.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::householder::{
    apply_block_householder_sequence_on_the_left_in_place_scratch as reflect_scratch,
    apply_block_householder_sequence_on_the_left_in_place_with_conj as reflect,
};
use faer::linalg::qr::no_pivoting::factor::{qr_in_place, qr_in_place_scratch, recommended_block_size};
use faer::{Conj, Mat, MatRef, Par, Spec};

use crate::random::Stream;

/// Parts that work is split into, the same on every machine: some sums depend on it.
const PARTS: usize = 8;

/// A row-major matrix `[rows, columns]`, uniformly distributed among those with orthonormal rows, or columns where there are
/// fewer of those: `Q` of the QR decomposition of normal draws, with the signs that make the diagonal of `R` positive.
pub(super) fn orthogonal(rows: usize, columns: usize, stream: &mut Stream) -> Vec<f32> {
    let (long, short) = (rows.max(columns), rows.min(columns));
    if short == 0 {
        return Vec::new();
    }
    let par = Par::rayon(PARTS);
    let mut factored = MatRef::from_row_major_slice(&stream.normal(long * short), long, short).to_owned();
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
