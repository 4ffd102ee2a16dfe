//! Where samples come from: anything that gives named fields for numbers of samples.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::fields::{Indices, LABELS, NumberKey};
use super::schema::Schema;
use crate::error::{Error, Result};
use crate::random::Stream;

/// A field in ordinary memory.
#[derive(Clone, Debug)]
pub enum HostField {
    /// Numbers in row-major order, and their shape with the batch first.
    Numbers(Vec<f32>, Vec<usize>),
    /// Whole numbers.
    Indices(Indices),
}

/// A batch in ordinary memory.
pub type HostBatch = BTreeMap<&'static str, HostField>;

/// Something that has samples. Adapters (wrong captions, episodes, crops) are sources around sources.
pub trait Source: Send + Sync {
    /// Number of samples.
    fn count(&self) -> usize;

    /// The fields.
    fn schema(&self) -> Schema;

    /// The samples of these numbers; `stream` is for sources that draw (augmentation, wrong pairs).
    ///
    /// # Errors
    /// If there is no sample of a number, or it cannot be read.
    fn get(&self, numbers: &[usize], stream: &mut Stream) -> Result<HostBatch>;

    /// The samples of these numbers as they are: those of sources that augment their samples without it. For measurements
    /// and pictures.
    ///
    /// # Errors
    /// As [`Source::get`].
    fn get_plain(&self, numbers: &[usize], stream: &mut Stream) -> Result<HostBatch> {
        self.get(numbers, stream)
    }

    /// The classes of the samples of these numbers, where there are classes. Sources whose samples are large override
    /// this to read the labels alone.
    ///
    /// # Errors
    /// As [`Source::get`].
    fn labels(&self, numbers: &[usize]) -> Result<Option<Vec<u32>>> {
        let mut batch = self.get(numbers, &mut Stream::new(0, "source/labels", 0))?;
        Ok(match batch.remove(LABELS.0) {
            Some(HostField::Indices(labels)) => Some(labels.values),
            Some(HostField::Numbers(..)) | None => None,
        })
    }
}

macro_rules! pointer_to_source {
    ($pointer:ident) => {
        impl<S: Source + ?Sized> Source for $pointer<S> {
            fn count(&self) -> usize {
                (**self).count()
            }

            fn schema(&self) -> Schema {
                (**self).schema()
            }

            fn get(&self, numbers: &[usize], stream: &mut Stream) -> Result<HostBatch> {
                (**self).get(numbers, stream)
            }

            fn get_plain(&self, numbers: &[usize], stream: &mut Stream) -> Result<HostBatch> {
                (**self).get_plain(numbers, stream)
            }

            fn labels(&self, numbers: &[usize]) -> Result<Option<Vec<u32>>> {
                (**self).labels(numbers)
            }
        }
    };
}

pointer_to_source!(Box);
pointer_to_source!(Arc);

/// Fields in memory, one sample's values after another's.
pub struct MemorySource {
    count: usize,
    schema: Schema,
    fields: HostBatch,
}

impl MemorySource {
    /// `count` samples of `fields`, which `schema` describes.
    ///
    /// # Errors
    /// If a field has not `count` samples of its shape, or the two name other fields.
    pub fn new(count: usize, schema: Schema, fields: HostBatch) -> Result<Self> {
        let described = schema.fields.keys().map(String::as_str);
        if !described.eq(fields.keys().copied()) {
            return Err(Error::Internal("a source's schema and values have other fields".into()));
        }
        for (name, values) in &fields {
            let shape = schema.fields.get(*name).map_or(&[][..], |field| &field.shape);
            let wanted = count * shape.iter().product::<usize>();
            let found = match values {
                HostField::Numbers(values, _) => values.len(),
                HostField::Indices(indices) => indices.values.len(),
            };
            if found != wanted {
                return Err(Error::Data(format!("`{name}` has {found} values, {wanted} are needed")));
            }
        }
        Ok(Self { count, schema, fields })
    }
}

impl Source for MemorySource {
    fn count(&self) -> usize {
        self.count
    }

    fn schema(&self) -> Schema {
        self.schema.clone()
    }

    fn get(&self, numbers: &[usize], _: &mut Stream) -> Result<HostBatch> {
        let mut batch = HostBatch::new();
        for (&name, values) in &self.fields {
            let shape = self.schema.fields.get(name).map_or(&[][..], |field| &field.shape);
            let size: usize = shape.iter().product();
            let shape: Vec<usize> = std::iter::once(numbers.len()).chain(shape.iter().copied()).collect();
            let chosen = match values {
                HostField::Numbers(values, _) => HostField::Numbers(rows(values, numbers, size)?, shape),
                HostField::Indices(indices) => {
                    HostField::Indices(Indices { values: rows(&indices.values, numbers, size)?, shape })
                }
            };
            batch.insert(name, chosen);
        }
        Ok(batch)
    }
}

/// The rows of `size` values each with these numbers.
fn rows<T: Copy>(values: &[T], numbers: &[usize], size: usize) -> Result<Vec<T>> {
    let mut chosen = Vec::with_capacity(numbers.len() * size);
    for &number in numbers {
        let row = values.get(number * size..(number + 1) * size);
        let missing = || Error::Data(format!("there is no sample {number}"));
        chosen.extend_from_slice(row.ok_or_else(missing)?);
    }
    Ok(chosen)
}

/// Two sources of equally many samples as one: sample `n` has the fields of both samples `n`.
pub struct Joined<A, B> {
    first: A,
    second: B,
}

impl<A: Source, B: Source> Joined<A, B> {
    /// Joins them.
    ///
    /// # Errors
    /// If one has more samples, or both have a field of the same name.
    pub fn new(first: A, second: B) -> Result<Self> {
        if first.count() != second.count() {
            let (first, second) = (first.count(), second.count());
            return Err(Error::Data(format!("{first} samples cannot belong to {second} others, one to one")));
        }
        let (own, other) = (first.schema(), second.schema());
        match own.fields.keys().find(|name| other.fields.contains_key(*name)) {
            Some(name) => Err(Error::Internal(format!("both of two joined sources have `{name}`"))),
            None => Ok(Self { first, second }),
        }
    }
}

impl<A: Source, B: Source> Source for Joined<A, B> {
    fn count(&self) -> usize {
        self.first.count()
    }

    fn schema(&self) -> Schema {
        let mut schema = self.first.schema();
        schema.fields.extend(self.second.schema().fields);
        schema
    }

    fn get(&self, numbers: &[usize], stream: &mut Stream) -> Result<HostBatch> {
        let mut batch = self.first.get(numbers, stream)?;
        batch.extend(self.second.get(numbers, stream)?);
        Ok(batch)
    }
}

/// A source with one of its fields alone, called otherwise: a second folder of images becomes the second domain.
pub struct Renamed<S> {
    /// The source.
    pub source: S,
    /// The field's name there.
    pub from: NumberKey,
    /// Its name here.
    pub to: NumberKey,
}

impl<S: Source> Source for Renamed<S> {
    fn count(&self) -> usize {
        self.source.count()
    }

    fn schema(&self) -> Schema {
        let mut fields = self.source.schema().fields;
        let field = fields.remove(self.from.0).map(|field| (self.to.0.to_owned(), field));
        Schema { fields: field.into_iter().collect() }
    }

    fn get(&self, numbers: &[usize], stream: &mut Stream) -> Result<HostBatch> {
        let mut batch = self.source.get(numbers, stream)?;
        let missing = || Error::Data(format!("the source has no `{}`", self.from.0));
        let field = batch.remove(self.from.0).ok_or_else(missing)?;
        Ok(HostBatch::from([(self.to.0, field)]))
    }
}
