//! Picking entries by number.

use candle_core::{DType, Device, Tensor};

use crate::buffer::{contiguous, has_kernels};
use crate::dispatch;
use crate::error::{Error, Result, element_count, shape_error};
use crate::variable::{Variable, agree};

use super::entries::{added, selected};
use super::precision::in_single;

impl Variable {
    /// The entries `indices` of dimension `axis`, in that order; entries may repeat.
    pub fn index_select(&self, axis: usize, indices: &[u32]) -> Result<Variable> {
        let size = self.size("index_select", axis)?;
        if let Some(wrong) = indices.iter().find(|&&index| index as usize >= size) {
            let reason = format!("no entry {wrong} in dimension {axis} of {:?}", self.shape());
            return Err(shape_error("index_select", reason));
        }
        if indices.is_empty() {
            return self.narrow(axis, 0, 0);
        }
        let value = if has_kernels(self.tensor()) {
            dispatch!(self.tensor(), T => selected::<T>(self.tensor(), axis, indices))?
        } else {
            let chosen = Tensor::from_slice(indices, indices.len(), self.device())?;
            contiguous(self.tensor())?.index_select(&chosen, axis)?
        };
        let (shape, indices) = (self.shape().to_vec(), indices.to_vec());
        Ok(Variable::record("index_select", value, &[self], &[], false, move |b| {
            let rule = || {
                let zeros = Variable::full(0.0, &shape, b.gradient.dtype(), b.gradient.device())?;
                zeros.index_add(axis, &indices, b.gradient)
            };
            Ok(vec![b.when(0, rule)?])
        }))
    }

    /// `self` with the entries of `source` added to the entries `indices` of dimension `axis`.
    ///
    /// # Errors
    /// If an index is too large, or `source` has not one entry for each index and otherwise this shape.
    pub fn index_add(&self, axis: usize, indices: &[u32], source: &Variable) -> Result<Variable> {
        agree("index_add", self, source)?;
        let size = self.size("index_add", axis)?;
        let mut fitting = self.shape().to_vec();
        if let Some(slot) = fitting.get_mut(axis) {
            *slot = indices.len();
        }
        if source.shape() != fitting || indices.iter().any(|&index| index as usize >= size) {
            let reason = format!(
                "{} indices into dimension {axis} of {:?} do not fit a source of shape {:?}",
                indices.len(),
                self.shape(),
                source.shape()
            );
            return Err(shape_error("index_add", reason));
        }
        let value = if indices.is_empty() {
            self.tensor().clone()
        } else if has_kernels(self.tensor()) {
            dispatch!(self.tensor(), T => added::<T>(self.tensor(), axis, indices, source.tensor()))?
        } else {
            let chosen = Tensor::from_slice(indices, indices.len(), self.device())?;
            let values = [&contiguous(self.tensor())?, &contiguous(source.tensor())?];
            in_single(values, |[target, source]| Ok(target.index_add(&chosen, source, axis)?))?
        };
        let indices = indices.to_vec();
        Ok(Variable::record("index_add", value, &[self, source], &[], false, move |b| {
            Ok(vec![
                b.when(0, || Ok(b.gradient.clone()))?,
                b.when(1, || b.gradient.index_select(axis, &indices))?,
            ])
        }))
    }

    /// `result[.., i, ..] = self[.., index[.., i, ..], ..]` along dimension `axis`; `index` holds whole numbers
    /// and has this rank, and in the other dimensions at most this size.
    ///
    /// # Errors
    /// If ranks or sizes do not fit or an index is too large.
    pub fn gather(&self, axis: usize, index: &Tensor) -> Result<Variable> {
        let index = self.fitting_index("gather", axis, index)?;
        let value = contiguous(self.tensor())?.gather(&index, axis)?;
        let shape = self.shape().to_vec();
        Ok(Variable::record("gather", value, &[self], &[], false, move |b| {
            let rule = || {
                let zeros = Variable::full(0.0, &shape, b.gradient.dtype(), b.gradient.device())?;
                zeros.scatter_add(axis, &index, b.gradient)
            };
            Ok(vec![b.when(0, rule)?])
        }))
    }

    /// `self` with each entry of `source` added at its `index` along dimension `axis`: the derivative of
    /// [`Variable::gather`].
    ///
    /// # Errors
    /// As [`Variable::gather`], and if `source` and `index` differ in shape.
    pub fn scatter_add(&self, axis: usize, index: &Tensor, source: &Variable) -> Result<Variable> {
        agree("scatter_add", self, source)?;
        if source.shape() != index.dims() {
            let reason = format!(
                "source {:?} and index {:?} differ in shape, into {:?}",
                source.shape(),
                index.dims(),
                self.shape()
            );
            return Err(shape_error("scatter_add", reason));
        }
        let index = self.fitting_index("scatter_add", axis, index)?;
        let values = [&contiguous(self.tensor())?, &contiguous(source.tensor())?];
        let value = in_single(values, |[target, source]| Ok(target.scatter_add(&index, source, axis)?))?;
        Ok(Variable::record("scatter_add", value, &[self, source], &[], false, move |b| {
            Ok(vec![b.when(0, || Ok(b.gradient.clone()))?, b.when(1, || b.gradient.gather(axis, &index))?])
        }))
    }

    /// `index` as `u32`, if it fits this variable.
    fn fitting_index(&self, operation: &'static str, axis: usize, index: &Tensor) -> Result<Tensor> {
        let size = self.size(operation, axis)?;
        let beside = self.shape().iter().zip(index.dims()).enumerate();
        let fits = index.rank() == self.rank()
            && index.elem_count() > 0
            && beside.fold(true, |fits, (at, (&ours, &theirs))| fits && (at == axis || theirs <= ours));
        let refuse = |what: &str| {
            let reason =
                format!("{what} of shape {:?} along dimension {axis} of {:?}", index.dims(), self.shape());
            shape_error(operation, reason)
        };
        if !fits {
            return Err(refuse("no room for an index"));
        }
        if !index.device().same_device(self.device()) {
            let (left, right) = (format!("{:?}", self.device()), format!("{:?}", index.device()));
            return Err(Error::Device { operation, left, right });
        }
        let index = index.to_dtype(DType::U32)?.contiguous()?;
        if index.flatten_all()?.max(0)?.to_scalar::<u32>()? as usize >= size {
            return Err(refuse("too large an entry in an index"));
        }
        Ok(index)
    }

    /// Rows of this table `[entries, features]` by `u32` indices of any shape: the shape of `indices`, then
    /// `features`. The gradient of a row is the sum over the places that it was taken to.
    ///
    /// # Errors
    /// If this is no table, or the indices are of another type or too large.
    pub fn embedding(&self, indices: &Tensor) -> Result<Variable> {
        let operation = "embedding";
        let &[entries, features] = self.shape() else {
            let reason = format!("a table is [entries, features], got {:?}", self.shape());
            return Err(shape_error(operation, reason));
        };
        if indices.dtype() != DType::U32 {
            return Err(shape_error(operation, format!("indices are U32, got {:?}", indices.dtype())));
        }
        let rows = indices.flatten_all()?.to_vec1::<u32>()?;
        if let Some(wrong) = rows.iter().find(|&&row| row as usize >= entries) {
            return Err(shape_error(operation, format!("no row {wrong} in a table of {:?}", self.shape())));
        }
        let shape: Vec<usize> = indices.dims().iter().copied().chain([features]).collect();
        self.index_select(0, &rows)?.reshape(&shape)
    }

    /// `[labels.len(), classes]` with a 1 at each label, else 0.
    pub fn one_hot(labels: &[u32], classes: usize, dtype: DType, device: &Device) -> Result<Variable> {
        let mut values = vec![0f32; element_count("one_hot", &[labels.len(), classes])?];
        if let Some(label) = labels.iter().find(|&&label| label as usize >= classes) {
            let reason = format!("label {label} is not below the number of classes {classes}");
            return Err(shape_error("one_hot", reason));
        }
        for (row, &label) in values.chunks_mut(classes.max(1)).zip(labels) {
            row[label as usize] = 1.0;
        }
        let values = Tensor::from_vec(values, (labels.len(), classes), device)?;
        Ok(Variable::constant(values.to_dtype(dtype)?))
    }
}
