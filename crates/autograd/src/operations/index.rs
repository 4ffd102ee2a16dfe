//! Picking entries by number.

use candle_core::{DType, Device, Tensor};

use crate::error::{Result, shape_error};
use crate::variable::{Variable, agree};

impl Variable {
    /// The entries `indices` of dimension `axis`, in that order; entries may repeat.
    pub fn index_select(&self, axis: usize, indices: &[u32]) -> Result<Variable> {
        let size = self.size("index_select", axis)?;
        if let Some(wrong) = indices.iter().find(|&&index| index as usize >= size) {
            let reason = format!("no entry {wrong} in dimension {axis} of {:?}", self.shape());
            return Err(shape_error("index_select", reason));
        }
        let chosen = Tensor::from_slice(indices, indices.len(), self.device())?;
        let value = self.tensor().contiguous()?.index_select(&chosen, axis)?;
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
    pub fn index_add(&self, axis: usize, indices: &[u32], source: &Variable) -> Result<Variable> {
        agree("index_add", self, source)?;
        let size = self.size("index_add", axis)?;
        if source.size("index_add", axis)? != indices.len() || indices.iter().any(|&i| i as usize >= size) {
            let reason = format!(
                "{} indices into {:?} do not fit a source of shape {:?}",
                indices.len(),
                self.shape(),
                source.shape()
            );
            return Err(shape_error("index_add", reason));
        }
        let chosen = Tensor::from_slice(indices, indices.len(), self.device())?;
        let value =
            self.tensor().contiguous()?.index_add(&chosen, &source.tensor().contiguous()?, axis)?;
        let indices = indices.to_vec();
        Ok(Variable::record("index_add", value, &[self, source], &[], false, move |b| {
            Ok(vec![
                b.when(0, || Ok(b.gradient.clone()))?,
                b.when(1, || b.gradient.index_select(axis, &indices))?,
            ])
        }))
    }

    /// `result[.., i, ..] = self[.., index[.., i, ..], ..]` along dimension `axis`; `index` holds `u32`
    /// and has this shape but for that dimension.
    pub fn gather(&self, axis: usize, index: &Tensor) -> Result<Variable> {
        self.size("gather", axis)?;
        let index = index.to_dtype(DType::U32)?.contiguous()?;
        let value = self.tensor().contiguous()?.gather(&index, axis)?;
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
    pub fn scatter_add(&self, axis: usize, index: &Tensor, source: &Variable) -> Result<Variable> {
        agree("scatter_add", self, source)?;
        let index = index.to_dtype(DType::U32)?.contiguous()?;
        let source_values = source.tensor().contiguous()?;
        let value = self.tensor().contiguous()?.scatter_add(&index, &source_values, axis)?;
        Ok(Variable::record("scatter_add", value, &[self, source], &[], false, move |b| {
            Ok(vec![
                b.when(0, || Ok(b.gradient.clone()))?,
                b.when(1, || b.gradient.gather(axis, &index))?,
            ])
        }))
    }

    /// Rows of this table `[entries, features]`: `[indices.len(), features]`.
    pub fn embedding(&self, indices: &[u32]) -> Result<Variable> {
        if self.rank() != 2 {
            let reason = format!("a table is [entries, features], got {:?}", self.shape());
            return Err(shape_error("embedding", reason));
        }
        self.index_select(0, indices)
    }

    /// `[labels.len(), classes]` with a 1 at each label, else 0.
    pub fn one_hot(labels: &[u32], classes: usize, dtype: DType, device: &Device) -> Result<Variable> {
        let mut values = vec![0f32; labels.len() * classes];
        for (row, &label) in values.chunks_mut(classes.max(1)).zip(labels) {
            match row.get_mut(label as usize) {
                Some(slot) => *slot = 1.0,
                None => {
                    let reason = format!("label {label} is not below the number of classes {classes}");
                    return Err(shape_error("one_hot", reason));
                }
            }
        }
        let values = Tensor::from_vec(values, (labels.len(), classes), device)?;
        Ok(Variable::constant(values.to_dtype(dtype)?))
    }
}
