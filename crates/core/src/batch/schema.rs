//! The shapes and kinds of a batch's fields, and what a system needs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fields::{
    CAPTION, FRAMES, IMAGES, IndexKey, LABEL_MAP, LABELS, LANDMARKS, NumberKey, PICTURE, POINTS, SECOND,
    SECOND_TOKENS, SPECTROGRAM, TAGS, TOKENS,
};
use super::sample_shape::SampleShape;
use super::tags::{TagField, TagRule};
use super::tokens::TokenField;
use crate::error::{Error, Result};

/// Which data has the fields that few have.
const ADVICE: [(&str, &str); 10] = [
    (CAPTION.0, "; give images with captions: --data caption-scenes, captions:TSV or captions:CSV"),
    (PICTURE.0, "; give one picture, for example --data image:FILE"),
    (
        SECOND.0,
        "; give two domains of images: --data unpaired:folder:a,folder:b, or pairs:a,b where they belong together",
    ),
    (LABEL_MAP.0, "; give images with label maps: --data label-scenes, or labels:IMAGES,MAPS"),
    (LANDMARKS.0, "; give frames of people with landmarks: --data cartoon-faces or identities:DIR"),
    (SPECTROGRAM.0, "; give sounds with pictures: --data tone-discs or sounds:FILE.tsv"),
    (TAGS.0, "; give images with several labels each: --data tagged-shapes or tags:FILE.csv"),
    (FRAMES.0, "; give speech and text of phonemes: --data cipher or speech:DIR,PHONES.txt"),
    (
        SECOND_TOKENS.0,
        "; give lines of text in two styles: --data opinions or unpaired-lines:NEGATIVE,POSITIVE",
    ),
    (TOKENS.0, "; give text, for example --data lines:FILE or grammar"),
];

/// What a field's values mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Kind {
    /// `[channels, height, width]` in [-1, 1].
    Image {},
    /// `[frames, channels, height, width]` in [-1, 1].
    Frames {},
    /// `[dimensions]`, unbounded.
    Points {},
    /// `[labels, height, width]`, one-hot.
    LabelMap {
        /// The labels, in the order of their numbers.
        labels: Vec<MapLabel>,
    },
    /// `[labels]`, 1 for each label that holds for the sample and 0 for the others.
    Tags {
        /// What the labels are called.
        names: Vec<String>,
        /// What holds between them in all samples.
        rules: Vec<TagRule>,
    },
    /// A class of each sample, with how many samples each class has.
    Class {
        /// The counts.
        counts: Vec<f64>,
    },
    /// `[length]` whole numbers below the size of a vocabulary.
    Tokens {
        /// The word of each number; number [`END`](super::END) ends a sequence.
        vocabulary: Vec<String>,
        /// What stands between two words: a space, or nothing between characters.
        #[serde(default)]
        separator: String,
        /// Some sequences of the data, for systems that make something of a sequence where none is given.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        examples: Vec<Vec<u32>>,
    },
    /// `[1, bands, frames]`, logarithms of the power in bands of the mel scale.
    Spectrogram {
        /// Samples in a second of the waves.
        rate: u32,
        /// Samples of a wave.
        samples: usize,
        /// The mean of all numbers.
        mean: f32,
        /// The standard deviation of all numbers.
        deviation: f32,
    },
    /// `[frames, size]`: numbers of equally spaced times.
    Features {
        /// Samples in a second of the sound that they are from; 0 where they are from none.
        rate: u32,
    },
    /// A whole number, or one for each time.
    Number {},
    /// `[channels, samples]` in [-1, 1].
    Audio {
        /// Samples in a second.
        rate: u32,
    },
}

impl Kind {
    /// What the values are, in a word or two.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Image {} => "images",
            Self::Frames {} => "frames of images",
            Self::Points {} => "points",
            Self::LabelMap { .. } => "label maps",
            Self::Tags { .. } => "labels",
            Self::Class { .. } => "classes",
            Self::Tokens { .. } => "tokens",
            Self::Spectrogram { .. } => "spectrograms",
            Self::Features { .. } => "features",
            Self::Number {} => "whole numbers",
            Self::Audio { .. } => "waves",
        }
    }
}

/// A label of the pixels of maps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapLabel {
    /// What it is called.
    pub name: String,
    /// The colour that stands for it in pictures and palettes, red, green and blue from 0 to 255.
    pub colour: [u8; 3],
}

/// A field of spectrograms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpectrogramField {
    /// Bands of a spectrogram.
    pub bands: usize,
    /// Its frames.
    pub frames: usize,
    /// The mean of all numbers.
    pub mean: f32,
    /// The standard deviation of all numbers.
    pub deviation: f32,
}

impl SpectrogramField {
    /// What is added to a power before its logarithm.
    pub const FLOOR: f32 = 1e-5;
}

/// A field: its meaning and the shape of one sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// What its values mean.
    pub kind: Kind,
    /// The shape of one sample, without the batch.
    pub shape: Vec<usize>,
    /// The group whose samples belong together; fields of different groups are drawn independently.
    pub group: usize,
}

/// What data has the field called `name`, for a message.
fn advice(name: &str) -> &'static str {
    ADVICE.iter().find(|(field, _)| *field == name).map_or("", |(_, advice)| advice)
}

/// How the labels of other data differ from `own`, if they do.
pub(super) fn other_labels(own: &[String], data: &[String]) -> Option<String> {
    let in_words = |names: &[String], others: &[String]| {
        let names: Vec<&str> =
            names.iter().filter(|name| !others.contains(name)).map(String::as_str).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    (own != data).then(|| format!("new in the data: {}; gone: {}", in_words(data, own), in_words(own, data)))
}

/// Refuses labels that are not those that a system was trained on.
fn refuse_other_labels(own: &[String], data: &[String]) -> Result<()> {
    other_labels(own, data).map_or(Ok(()), |differences| {
        Err(Error::Data(format!(
            "the run was trained on other labels; {differences}; train a new run on this data"
        )))
    })
}

impl Field {
    /// That this field, called `name`, is not what is needed.
    fn is_not(&self, name: &str, needed: &str) -> Error {
        let (kind, shape) = (self.kind.name(), &self.shape);
        let advice = advice(name);
        Error::Data(format!("`{name}` holds {kind} of shape {shape:?}, but {needed} are needed{advice}"))
    }
}

/// The fields of a batch by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Schema {
    /// The fields.
    pub fields: BTreeMap<String, Field>,
}

/// What a system needs of its data: a row of the registry lists these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Images or points.
    Samples,
    /// A field of numbers.
    Numbers(NumberKey),
    /// A field of whole numbers.
    Indices(IndexKey),
    /// Two fields of which each sample's values belong together.
    Aligned(&'static str, &'static str),
}

impl Schema {
    /// The schema of images `[channels, height, width]` or points `[dimensions]`, with the samples of each class
    /// counted where there are classes.
    pub fn of_samples(shape: &[usize], class_counts: &[f64]) -> Self {
        let (key, kind) = match shape.len() {
            3 => (IMAGES, Kind::Image {}),
            _ => (POINTS, Kind::Points {}),
        };
        let mut schema = Self::default().with(key.0, kind, shape);
        if !class_counts.is_empty() {
            schema = schema.with(LABELS.0, Kind::Class { counts: class_counts.to_vec() }, &[]);
        }
        schema
    }

    /// The same with one more field, of the first group.
    #[must_use]
    pub fn with(mut self, name: &str, kind: Kind, shape: &[usize]) -> Self {
        self.fields.insert(name.to_owned(), Field { kind, shape: shape.to_vec(), group: 0 });
        self
    }

    /// The shape of one sample of `key`.
    ///
    /// # Errors
    /// If there is no such field.
    pub fn shape(&self, key: NumberKey) -> Result<&[usize]> {
        Ok(&self.field(key.0)?.shape)
    }

    /// The name of the images, or of the points where there are no images.
    ///
    /// # Errors
    /// If there are neither.
    pub fn samples(&self) -> Result<NumberKey> {
        [IMAGES, POINTS].into_iter().find(|key| self.fields.contains_key(key.0)).ok_or_else(|| {
            Error::Data(format!("the system needs images or points, the data has {}", self.names()))
        })
    }

    /// The shape of one image or point.
    ///
    /// # Errors
    /// If there are neither.
    pub fn sample_shape(&self) -> Result<SampleShape> {
        SampleShape::of(self.shape(self.samples()?)?)
    }

    /// Channels, height and width of the images called `key`.
    ///
    /// # Errors
    /// If there is no such field or it holds no maps.
    pub fn image(&self, key: NumberKey) -> Result<[usize; 3]> {
        match *self.shape(key)? {
            [channels, height, width] => Ok([channels, height, width]),
            ref other => Err(Error::Data(format!("`{}` has shape {other:?}, images are needed", key.0))),
        }
    }

    /// How many samples each class has; empty without classes.
    pub fn class_counts(&self) -> &[f64] {
        match self.fields.get(LABELS.0).map(|field| &field.kind) {
            Some(Kind::Class { counts }) => counts,
            _ => &[],
        }
    }

    /// The sequences called `key`.
    ///
    /// # Errors
    /// If `key` is no field of tokens.
    pub fn tokens(&self, key: IndexKey) -> Result<TokenField<'_>> {
        let field = self.field(key.0)?;
        match (&field.kind, field.shape.as_slice()) {
            (Kind::Tokens { vocabulary, separator, examples }, [length]) => {
                Ok(TokenField { vocabulary, separator, length: *length, examples })
            }
            _ => Err(field.is_not(key.0, "tokens")),
        }
    }

    /// The labels of which several may hold for a sample.
    ///
    /// # Errors
    /// If there are none.
    pub fn tags(&self) -> Result<TagField<'_>> {
        let field = self.field(TAGS.0)?;
        match &field.kind {
            Kind::Tags { names, rules } => Ok(TagField { names, rules }),
            _ => Err(field.is_not(TAGS.0, "labels")),
        }
    }

    /// Refuses `data` over other words or labels than these, where a system needs them: its weights belong to their numbers.
    ///
    /// # Errors
    /// [`Error::Data`], naming a word or label that is new.
    pub fn refuse_other_words(&self, data: &Self, needs: &[Need]) -> Result<()> {
        for need in needs {
            match need {
                Need::Indices(key) => {
                    if let (Ok(own), Ok(other)) = (self.tokens(*key), data.tokens(*key)) {
                        own.refuse_other_vocabulary(&other)?;
                    }
                }
                Need::Numbers(TAGS) => refuse_other_labels(self.tags()?.names, data.tags()?.names)?,
                Need::Numbers(_) | Need::Samples | Need::Aligned(..) => {}
            }
        }
        Ok(())
    }

    /// The spectrograms of sounds.
    ///
    /// # Errors
    /// If there are none.
    pub fn spectrogram(&self) -> Result<SpectrogramField> {
        let field = self.field(SPECTROGRAM.0)?;
        match (&field.kind, field.shape.as_slice()) {
            (&Kind::Spectrogram { mean, deviation, .. }, &[1, bands, frames]) => {
                Ok(SpectrogramField { bands, frames, mean, deviation })
            }
            _ => Err(field.is_not(SPECTROGRAM.0, "spectrograms")),
        }
    }

    /// The most frames, the numbers of each and the sampling rate of the features called `key`.
    ///
    /// # Errors
    /// If `key` is no field of features.
    pub fn features(&self, key: NumberKey) -> Result<([usize; 2], u32)> {
        let field = self.field(key.0)?;
        match (&field.kind, field.shape.as_slice()) {
            (Kind::Features { rate }, &[frames, size]) => Ok(([frames, size], *rate)),
            _ => Err(field.is_not(key.0, "features")),
        }
    }

    /// The labels of the maps called `key`.
    ///
    /// # Errors
    /// If `key` is no field of label maps.
    pub fn map_labels(&self, key: NumberKey) -> Result<&[MapLabel]> {
        let field = self.field(key.0)?;
        match &field.kind {
            Kind::LabelMap { labels } => Ok(labels),
            _ => Err(field.is_not(key.0, "label maps")),
        }
    }

    /// Refuses data that lacks what is needed, before anything is built.
    pub fn check(&self, needs: &[Need]) -> Result<()> {
        needs.iter().try_for_each(|need| match *need {
            Need::Samples => self.samples().map(|_| ()),
            Need::Indices(LABELS) if !self.fields.contains_key(LABELS.0) => Err(super::fields::no_labels()),
            Need::Numbers(NumberKey(name)) | Need::Indices(IndexKey(name)) => self.field(name).map(|_| ()),
            Need::Aligned(first, second) if self.field(first)?.group == self.field(second)?.group => Ok(()),
            Need::Aligned(first, second) => Err(Error::Data(format!(
                "`{first}` and `{second}` come from different sources; give one source of pairs, for example --data pairs:a,b"
            ))),
        })
    }

    fn field(&self, name: &str) -> Result<&Field> {
        let missing = || {
            let advice = advice(name);
            Error::Data(format!("the system needs `{name}`, the data has {}{advice}", self.names()))
        };
        self.fields.get(name).ok_or_else(missing)
    }

    fn names(&self) -> String {
        self.fields.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}
