//! The fields of a batch.

use std::collections::BTreeMap;

use brigand_autograd::Variable;

use crate::error::{Error, Result};

/// The name of a field of numbers: a tensor `[batch, ...]` in the compute type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NumberKey(pub &'static str);

/// The name of a field of whole numbers: classes, tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IndexKey(pub &'static str);

/// Images `[batch, channels, height, width]` in [-1, 1]; of a translator its first domain.
pub const IMAGES: NumberKey = NumberKey("images");
/// Images of a second domain.
pub const SECOND: NumberKey = NumberKey("second");
/// Of held-out samples of [`IMAGES`] whose partner in [`SECOND`] is known: the partner.
pub const PARTNER: NumberKey = NumberKey("partner");
/// Of held-out samples of [`SECOND`] whose partner in [`IMAGES`] is known: the partner.
pub const SECOND_PARTNER: NumberKey = NumberKey("second_partner");
/// The one picture that is all the data, `[1, channels, height, width]` in [-1, 1].
pub const PICTURE: NumberKey = NumberKey("picture");
/// Landmarks of [`IMAGES`] as line drawings, `[batch, 3, height, width]` in [-1, 1].
pub const LANDMARKS: NumberKey = NumberKey("landmarks");
/// Other frames of the person of [`IMAGES`], `[batch, frames, channels, height, width]` in [-1, 1].
pub const SOURCES: NumberKey = NumberKey("sources");
/// The landmarks of [`SOURCES`] as line drawings, `[batch, frames, 3, height, width]` in [-1, 1].
pub const SOURCE_LANDMARKS: NumberKey = NumberKey("source_landmarks");
/// Points `[batch, dimensions]`.
pub const POINTS: NumberKey = NumberKey("points");
/// Latents or codes `[batch, size]`.
pub const CODES: NumberKey = NumberKey("codes");
/// One-hot label maps `[batch, classes, height, width]`.
pub const LABEL_MAP: NumberKey = NumberKey("label_map");
/// Which of several labels hold for a sample, 1 or 0: `[batch, labels]`.
pub const TAGS: NumberKey = NumberKey("tags");
/// Spectrograms of sounds at their absolute level, `[batch, 1, bands, frames]`.
pub const SPECTROGRAM: NumberKey = NumberKey("spectrogram");
/// Waves `[batch, channels, samples]` in [-1, 1].
pub const AUDIO: NumberKey = NumberKey("audio");
/// Features of the frames of an utterance in the order of time, `[batch, frames, size]`, with zeros after its end.
pub const FRAMES: NumberKey = NumberKey("frames");
/// Encoded rows of a table `[batch, columns]`.
pub const TABLE: NumberKey = NumberKey("table");
/// A class for each sample `[batch]`.
pub const LABELS: IndexKey = IndexKey("labels");
/// Sequences `[batch, length]` over a vocabulary.
pub const TOKENS: IndexKey = IndexKey("tokens");
/// Sequences of a second style, `[batch, length]` over the vocabulary of [`TOKENS`].
pub const SECOND_TOKENS: IndexKey = IndexKey("second_tokens");
/// How many of [`FRAMES`] an utterance has, `[batch]`.
pub const FRAME_COUNT: IndexKey = IndexKey("frame_count");
/// The number of an utterance among all of its source, `[batch]`.
pub const UTTERANCE: IndexKey = IndexKey("utterance");
/// The number of the segment that each of [`FRAMES`] belongs to, counted from 0, `[batch, frames]`.
pub const SEGMENTS: IndexKey = IndexKey("segments");
/// The phoneme that each of [`FRAMES`] belongs to, `[batch, frames]` over the vocabulary of [`TOKENS`]. For measuring only.
pub const PHONES: IndexKey = IndexKey("phones");
/// Captions `[batch, length]` over a vocabulary of words, of which [`UNKNOWN`](super::UNKNOWN) is one.
pub const CAPTION: IndexKey = IndexKey("caption");
/// A number for each sample `[batch]`, equal where a caption of one describes the other as well.
pub const MEANING: IndexKey = IndexKey("meaning");

/// Whole numbers in row-major order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indices {
    /// The numbers.
    pub values: Vec<u32>,
    /// Their shape, the batch first.
    pub shape: Vec<usize>,
}

impl Indices {
    /// Numbers in a sample's row, of rows `[batch, length]`.
    ///
    /// # Errors
    /// If they have another shape.
    pub fn row_length(&self) -> Result<usize> {
        match *self.shape.as_slice() {
            [_, length] if length > 0 => Ok(length),
            ref other => Err(Error::Internal(format!("sequences are [batch, length], not {other:?}"))),
        }
    }

    /// The rows of `[batch, length]`.
    ///
    /// # Errors
    /// As [`Indices::row_length`].
    pub fn rows(&self) -> Result<std::slice::Chunks<'_, u32>> {
        Ok(self.values.chunks(self.row_length()?))
    }

    /// The rows of `[batch, length]` in portions of at most `count`.
    ///
    /// # Errors
    /// As [`Indices::row_length`].
    pub fn portions(&self, count: usize) -> Result<impl Iterator<Item = Self>> {
        let length = self.row_length()?;
        let portion = move |values: &[u32]| Self {
            shape: vec![values.len() / length, length],
            values: values.to_vec(),
        };
        Ok(self.values.chunks(count.max(1) * length).map(portion))
    }
}

#[derive(Clone, Debug)]
enum Value {
    Numbers(Variable),
    Indices(Indices),
}

/// Some samples, each field under its name.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    fields: BTreeMap<&'static str, Value>,
}

impl Batch {
    /// A batch of unlabelled `samples`: images `[batch, channels, height, width]` or points `[batch, dimensions]`.
    pub fn of(samples: Variable) -> Self {
        let key = if samples.rank() == 4 { IMAGES } else { POINTS };
        Self::default().with(key, samples)
    }

    /// The same with the class of each sample.
    #[must_use]
    pub fn labelled(self, labels: Vec<u32>) -> Self {
        let shape = vec![labels.len()];
        self.with_indices(LABELS, Indices { values: labels, shape })
    }

    /// Adds a field of numbers.
    #[must_use]
    pub fn with(mut self, key: NumberKey, value: Variable) -> Self {
        self.fields.insert(key.0, Value::Numbers(value));
        self
    }

    /// Adds a field of whole numbers.
    #[must_use]
    pub fn with_indices(mut self, key: IndexKey, value: Indices) -> Self {
        self.fields.insert(key.0, Value::Indices(value));
        self
    }

    /// Adds the fields of another batch.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.fields.extend(other.fields);
        self
    }

    /// The numbers called `key`.
    ///
    /// # Errors
    /// If there are none.
    pub fn numbers(&self, key: NumberKey) -> Result<&Variable> {
        match self.fields.get(key.0) {
            Some(Value::Numbers(value)) => Ok(value),
            Some(Value::Indices(_)) | None => Err(self.lacks(key.0)),
        }
    }

    /// The numbers called `key`, where the batch has such a field.
    ///
    /// # Errors
    /// If the field is of whole numbers.
    pub fn optional_numbers(&self, key: NumberKey) -> Result<Option<&Variable>> {
        self.fields.contains_key(key.0).then(|| self.numbers(key)).transpose()
    }

    /// The whole numbers called `key`.
    ///
    /// # Errors
    /// If there are none.
    pub fn indices(&self, key: IndexKey) -> Result<&Indices> {
        match self.fields.get(key.0) {
            Some(Value::Indices(value)) => Ok(value),
            Some(Value::Numbers(_)) | None => Err(self.lacks(key.0)),
        }
    }

    /// The whole numbers called `key`, where the batch has such a field.
    ///
    /// # Errors
    /// If the field is of no whole numbers.
    pub fn optional_indices(&self, key: IndexKey) -> Result<Option<&Indices>> {
        self.fields.contains_key(key.0).then(|| self.indices(key)).transpose()
    }

    /// The images, or the points where there are no images: `[batch, sample...]`.
    ///
    /// # Errors
    /// If there are neither.
    pub fn samples(&self) -> Result<&Variable> {
        self.numbers(IMAGES).or_else(|_| self.numbers(POINTS))
    }

    /// The class of each sample, where the data has classes.
    pub fn labels(&self) -> Option<&[u32]> {
        self.indices(LABELS).ok().map(|labels| labels.values.as_slice())
    }

    /// The class of each sample.
    ///
    /// # Errors
    /// If the data has none.
    pub fn required_labels(&self) -> Result<&[u32]> {
        self.labels().ok_or_else(no_labels)
    }

    fn lacks(&self, name: &str) -> Error {
        let present: Vec<&str> = self.fields.keys().copied().collect();
        Error::Data(format!("the batch has no field `{name}`; it has {}", present.join(", ")))
    }
}

/// What is wrong with data without labels, for a system that needs them.
pub fn no_labels() -> Error {
    Error::Data(
        "this system needs labelled data; use digits, mnist, idx:IMAGES,LABELS or a folder with a sub-folder for \
         each class"
            .into(),
    )
}
