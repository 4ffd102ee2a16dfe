//! Data sets in memory as sources of batches.

use std::sync::Arc;

use brigand_core::batch::{HostBatch, HostField, IMAGES, Indices, LABELS, NumberKey, POINTS, Schema, Source};
use brigand_core::random::Stream;

use super::dataset::Dataset;
use brigand_core::error::{Error, Result};

/// A data set of images or points, with classes where it has any.
pub struct DatasetSource(pub Arc<Dataset>);

impl DatasetSource {
    fn key(&self) -> NumberKey {
        if self.0.shape().len() == 3 { IMAGES } else { POINTS }
    }
}

impl Source for DatasetSource {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn schema(&self) -> Schema {
        let counts: Vec<f64> = self.0.class_counts().into_iter().map(|count| count as f64).collect();
        Schema::of_samples(self.0.shape(), &counts)
    }

    fn get(&self, numbers: &[usize], _: &mut Stream) -> Result<HostBatch> {
        let batch = self.0.get(numbers)?;
        let mut fields = HostBatch::from([(self.key().0, HostField::Numbers(batch.values, batch.shape))]);
        if let Some(values) = batch.labels {
            let shape = vec![values.len()];
            fields.insert(LABELS.0, HostField::Indices(Indices { values, shape }));
        }
        Ok(fields)
    }

    fn labels(&self, numbers: &[usize]) -> Result<Option<Vec<u32>>> {
        let Some(labels) = self.0.labels() else { return Ok(None) };
        let label = |&number: &usize| {
            let missing = || Error::Data(format!("{} has no sample {number}", self.0.name()));
            labels.values.get(number).copied().ok_or_else(missing)
        };
        numbers.iter().map(label).collect::<Result<_>>().map(Some)
    }
}
