//! Labels of which several may hold for one image.

mod images;
mod rules;
mod table;

use std::sync::Arc;

use brigand_core::batch::{HostBatch, HostField, Kind, NumberKey, Schema, Source, TAGS, TagRule};
use brigand_core::random::Stream;
use brigand_core::{Error, Result};

use super::beside::Beside;
use super::fingerprint::{Content, Fingerprint};
use super::run_data::MorePart;
use rules::rules_of;

pub(crate) use images::load_tagged;
pub(crate) use table::TagTable;
pub use table::tag_table;

/// Which labels hold for each sample.
#[derive(Clone, Debug)]
pub(crate) struct Tags {
    names: Vec<String>,
    rules: Vec<TagRule>,
    /// For each sample and label whether it holds.
    values: Vec<bool>,
}

impl Tags {
    /// The labels of samples one after another, a value for each name.
    ///
    /// # Errors
    /// If the values are no whole number of samples.
    pub(crate) fn new(names: Vec<String>, values: Vec<bool>) -> Result<Self> {
        if names.is_empty() || values.is_empty() || !values.len().is_multiple_of(names.len()) {
            let (values, names) = (values.len(), names.len());
            return Err(Error::Internal(format!("{values} values cannot be {names} labels of samples")));
        }
        Ok(Self { rules: rules_of(&values, names.len()), names, values })
    }

    fn count(&self) -> usize {
        self.values.len() / self.names.len()
    }
}

/// Labels as a source of batches.
pub(crate) struct TagSource(Arc<Tags>);

impl Source for TagSource {
    fn count(&self) -> usize {
        self.0.count()
    }

    fn schema(&self) -> Schema {
        let (names, rules) = (self.0.names.clone(), self.0.rules.clone());
        Schema::default().with(TAGS.0, Kind::Tags { names, rules }, &[self.0.names.len()])
    }

    fn get(&self, numbers: &[usize], _: &mut Stream) -> Result<HostBatch> {
        let labels = self.0.names.len();
        let mut values = Vec::with_capacity(numbers.len() * labels);
        for &number in numbers {
            let missing = || Error::Data(format!("there are no labels of sample {number}"));
            let own = self.0.values.get(number * labels..(number + 1) * labels).ok_or_else(missing)?;
            values.extend(own.iter().map(|&holds| f32::from(u8::from(holds))));
        }
        Ok(HostBatch::from([(TAGS.0, HostField::Numbers(values, vec![numbers.len(), labels]))]))
    }
}

impl MorePart for Tags {
    fn fingerprint(&self) -> Fingerprint {
        let mut content = Content::default();
        content.bytes(&self.values.iter().map(|&value| u8::from(value)).collect::<Vec<u8>>());
        Fingerprint {
            samples: self.count(),
            shape: vec![self.names.len()],
            classes: self.names.clone(),
            sha256: content.finish(),
        }
    }

    fn needed_field(&self) -> Option<(NumberKey, &'static str, &'static str)> {
        Some((TAGS, "images with several labels each", "image-to-label, which finds the labels of images"))
    }
}

impl Beside for Tags {
    type Source = TagSource;

    const IMAGES_ARE_SAMPLES: bool = false;

    fn source(beside: Arc<Self>) -> TagSource {
        TagSource(beside)
    }
}
