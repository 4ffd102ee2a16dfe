//! Entries of one dimension of CPU tensors: copied in a given order, or added to in a given order.

use brigand_kernels::pool::parallel_chunks;
use candle_core::Tensor;

use crate::buffer::{Real, tensor_of, with_slice, written_by};
use crate::error::Result;

/// A row-major tensor seen from one of its dimensions.
#[derive(Clone, Copy)]
struct Split {
    /// Entries of that dimension.
    size: usize,
    /// Numbers of an entry that lie side by side.
    inner: usize,
}

impl Split {
    fn of(shape: &[usize], axis: usize) -> Self {
        let size = shape.get(axis).copied().unwrap_or(1);
        Self { size, inner: shape.iter().skip(axis + 1).product() }
    }
}

/// The entries `indices` of dimension `axis`, each below its size.
pub(super) fn selected<T: Real>(x: &Tensor, axis: usize, indices: &[u32]) -> Result<Tensor> {
    let Split { size, inner } = Split::of(x.dims(), axis);
    let mut shape = x.dims().to_vec();
    if let Some(slot) = shape.get_mut(axis) {
        *slot = indices.len();
    }
    let count = shape.iter().product();
    if count == 0 {
        return tensor_of(Vec::<T>::new(), &shape);
    }
    let (result, done) = written_by::<T, _>(count, |result| {
        with_slice::<T, _>(x, |values| {
            parallel_chunks(result, indices.len() * inner, |number, result| {
                let values = &values[number * size * inner..][..size * inner];
                if inner == 1 {
                    result.iter_mut().zip(indices).for_each(|(to, &index)| *to = values[index as usize]);
                    return;
                }
                for (to, &index) in result.chunks_exact_mut(inner).zip(indices) {
                    to.copy_from_slice(&values[index as usize * inner..][..inner]);
                }
            });
        })
    });
    done?;
    tensor_of(result, &shape)
}

/// `target` with the entries of `source` added, one after the other, to its entries `indices` of dimension `axis`.
pub(super) fn added<T: Real>(
    target: &Tensor,
    axis: usize,
    indices: &[u32],
    source: &Tensor,
) -> Result<Tensor> {
    let Split { size, inner } = Split::of(target.dims(), axis);
    let count = target.elem_count();
    if count == 0 {
        return tensor_of(Vec::<T>::new(), target.dims());
    }
    let (result, done) = written_by::<T, _>(count, |result| {
        with_slice::<T, _>(target, |target| {
            with_slice::<T, _>(source, |source| {
                parallel_chunks(result, size * inner, |number, result| {
                    result.copy_from_slice(&target[number * size * inner..][..size * inner]);
                    let source = &source[number * indices.len() * inner..][..indices.len() * inner];
                    if inner == 1 {
                        indices
                            .iter()
                            .zip(source)
                            .for_each(|(&index, &value)| result[index as usize] += value);
                        return;
                    }
                    for (&index, from) in indices.iter().zip(source.chunks_exact(inner)) {
                        let to = &mut result[index as usize * inner..][..inner];
                        to.iter_mut().zip(from).for_each(|(to, &value)| *to += value);
                    }
                });
            })
        })
    });
    done??;
    tensor_of(result, target.dims())
}

#[cfg(test)]
mod tests {
    use brigand_kernels::pool::set_threads;
    use candle_core::Device;

    use super::*;

    fn numbers(shape: &[usize], factor: f32) -> Tensor {
        let values = (0..shape.iter().product()).map(|i: usize| (i as f32 * factor).sin()).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    fn bits(tensor: &Tensor) -> (Vec<usize>, Vec<u32>) {
        let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        (tensor.dims().to_vec(), values.into_iter().map(f32::to_bits).collect())
    }

    #[test]
    fn entries_are_copied_and_added_as_candle_does_with_any_number_of_threads() {
        let (shape, indices) = ([6, 5, 40, 33], [3, 2, 1, 0, 1, 2, 3, 4, 3, 2]);
        let (target, chosen) = (numbers(&shape, 0.7), Tensor::new(&indices, &Device::Cpu).unwrap());
        for axis in 0..4 {
            let copied = target.index_select(&chosen, axis).unwrap();
            let source = numbers(copied.dims(), 0.3);
            let sum = target.index_add(&chosen, &source, axis).unwrap();
            for threads in [1, 2, 3] {
                set_threads(threads);
                assert_eq!(bits(&selected::<f32>(&target, axis, &indices).unwrap()), bits(&copied), "{axis}");
                let own = added::<f32>(&target, axis, &indices, &source).unwrap();
                assert_eq!(bits(&own), bits(&sum), "{axis}");
            }
        }
    }
}
