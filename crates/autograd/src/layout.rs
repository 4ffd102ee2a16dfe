//! Copying elements of any layout into row-major order.

use brigand_kernels::pool::parallel_chunks;
use candle_core::Layout;

/// Elements one task copies.
const BLOCK: usize = 16_384;
/// Columns of a transposed matrix whose cache lines stay near.
const COLUMNS: usize = 64;

/// The elements of `layout` in row-major order.
pub(crate) fn in_order<T: Copy + Default + Send + Sync>(values: &[T], layout: &Layout) -> Vec<T> {
    let mut result = vec![T::default(); layout.shape().elem_count()];
    let mut outer = joined(layout);
    let (inner, stride) = outer.pop().unwrap_or((1, 1));
    let rows = (BLOCK / inner.max(1)).max(16);
    let start = |row: usize| layout.start_offset() + offset(&outer, row);
    parallel_chunks(&mut result, rows * inner, |task, piece| {
        let rows = || (task * rows..).map(start);
        match stride {
            0 => piece.chunks_exact_mut(inner).zip(rows()).for_each(|(to, start)| to.fill(values[start])),
            1 => {
                let rows = piece.chunks_exact_mut(inner).zip(rows());
                rows.for_each(|(to, start)| to.copy_from_slice(&values[start..start + inner]));
            }
            // Neighbouring rows of a transposed matrix share cache lines: a few columns of all of them at a time.
            _ => {
                for first in (0..inner).step_by(COLUMNS) {
                    for (to, start) in piece.chunks_exact_mut(inner).zip(rows()) {
                        let from = values[start + first * stride..].iter().step_by(stride);
                        to[first..].iter_mut().take(COLUMNS).zip(from).for_each(|(to, &from)| *to = from);
                    }
                }
            }
        }
    });
    result
}

/// Sizes and strides, with neighbours joined whose elements follow each other evenly.
fn joined(layout: &Layout) -> Vec<(usize, usize)> {
    let mut dims: Vec<(usize, usize)> = Vec::new();
    for (&size, &stride) in layout.dims().iter().zip(layout.stride()) {
        match dims.last_mut() {
            _ if size == 1 => {}
            Some((before, outer)) if *outer == size * stride => (*before, *outer) = (*before * size, stride),
            _ => dims.push((size, stride)),
        }
    }
    dims
}

/// Where the entry with this row-major number lies.
fn offset(dims: &[(usize, usize)], mut index: usize) -> usize {
    let mut offset = 0;
    for &(size, stride) in dims.iter().rev() {
        offset += index % size * stride;
        index /= size;
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Tensor};

    #[test]
    fn any_layout_is_copied_as_candle_does() {
        let values: Vec<f64> = (0..2 * 3 * 4 * 5).map(f64::from).collect();
        let tensor = Tensor::from_vec(values.clone(), (2, 3, 4, 5), &Device::Cpu).unwrap();
        let large =
            Tensor::from_vec((0..300 * 200).map(f64::from).collect(), (300, 200), &Device::Cpu).unwrap();
        for view in [
            tensor.permute((3, 1, 0, 2)).unwrap(),
            tensor.permute((0, 2, 3, 1)).unwrap(),
            tensor.narrow(2, 1, 2).unwrap().transpose(0, 3).unwrap(),
            tensor.narrow(3, 2, 1).unwrap().broadcast_as((2, 3, 4, 7)).unwrap(),
            tensor.narrow(0, 1, 1).unwrap().broadcast_as((6, 3, 4, 5)).unwrap(),
            tensor.narrow(1, 0, 0).unwrap(),
            large.t().unwrap(),
            large.narrow(1, 3, 1).unwrap().broadcast_as((300, 170)).unwrap(),
        ] {
            let want = view.contiguous().unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
            let (storage, layout) = view.storage_and_layout();
            let candle_core::Storage::Cpu(storage) = &*storage else { panic!("not on the CPU") };
            assert_eq!(in_order(storage.as_slice::<f64>().unwrap(), layout), want, "{layout:?}");
        }
    }
}
