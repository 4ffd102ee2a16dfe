//! Captions of images: one or more sequences of words for each image, and which images mean the same.

mod images;
mod meanings;
mod words;

use std::ops::Range;
use std::sync::Arc;

use brigand_core::batch::{CAPTION, HostBatch, HostField, Indices, Kind, MEANING, NumberKey, Schema, Source};
use brigand_core::random::Stream;
use brigand_core::{Error, Result};

use super::beside::Beside;
use super::fingerprint::{Content, Fingerprint};
use super::run_data::MorePart;

pub(crate) use images::load_captioned;
pub(crate) use meanings::of_shared_captions;
pub(crate) use words::Words;
pub use words::{caption_tokens, tokens_between};

/// Captions that systems draw from where none is given.
const EXAMPLES: usize = 256;

/// The captions of images, as sequences over a vocabulary.
#[derive(Clone)]
pub(crate) struct Captions {
    words: Words,
    /// Sequences of [`Words::length`] tokens, one after another.
    rows: Vec<u32>,
    /// The captions of each image, as numbers of rows.
    of_image: Vec<Range<usize>>,
    /// A number for each image, equal where a caption of one describes the other as well.
    meanings: Vec<u32>,
}

impl Captions {
    /// The captions of each image, by `words`, and the meaning of each image.
    ///
    /// # Errors
    /// If an image has no caption, or there are more meanings or fewer than images.
    pub(crate) fn new(words: Words, captions: &[Vec<Vec<String>>], meanings: Vec<u32>) -> Result<Self> {
        let (mut rows, mut of_image) = (Vec::new(), Vec::with_capacity(captions.len()));
        let mut count = 0;
        for own in captions {
            of_image.push(count..count + own.len());
            count += own.len();
            own.iter().for_each(|caption| rows.extend(words.row(caption)));
        }
        if of_image.iter().any(Range::is_empty) || meanings.len() != captions.len() {
            return Err(Error::Internal("an image without a caption or without a meaning".into()));
        }
        Ok(Self { words, rows, of_image, meanings })
    }

    fn row(&self, number: usize) -> Option<&[u32]> {
        let length = self.words.length;
        self.rows.get(number.checked_mul(length)?..)?.get(..length)
    }

    /// First captions of images that are evenly chosen.
    fn examples(&self) -> Vec<Vec<u32>> {
        let (images, count) = (self.of_image.len(), self.of_image.len().min(EXAMPLES));
        let rows = (0..count).filter_map(|example| self.of_image.get(example * images / count));
        rows.filter_map(|rows| self.row(rows.start)).map(<[u32]>::to_vec).collect()
    }
}

/// Captions as a source of batches: of an image with several one by chance.
pub(crate) struct CaptionSource(pub(crate) Arc<Captions>);

impl Source for CaptionSource {
    fn count(&self) -> usize {
        self.0.of_image.len()
    }

    fn schema(&self) -> Schema {
        let Words { vocabulary, tokens, length, .. } = &self.0.words;
        let kind = Kind::Tokens {
            vocabulary: vocabulary.clone(),
            separator: tokens.separator().to_owned(),
            examples: self.0.examples(),
        };
        Schema::default().with(CAPTION.0, kind, &[*length]).with(MEANING.0, Kind::Number {}, &[])
    }

    fn get(&self, numbers: &[usize], stream: &mut Stream) -> Result<HostBatch> {
        let (mut tokens, mut meanings) = (Vec::new(), Vec::with_capacity(numbers.len()));
        for &number in numbers {
            let missing = || Error::Data(format!("there is no caption of image {number}"));
            let rows = self.0.of_image.get(number).ok_or_else(missing)?;
            let row = rows.start + stream.index(rows.len());
            tokens.extend_from_slice(self.0.row(row).ok_or_else(missing)?);
            meanings.push(self.0.meanings.get(number).copied().ok_or_else(missing)?);
        }
        let (count, length) = (numbers.len(), self.0.words.length);
        Ok(HostBatch::from([
            (CAPTION.0, HostField::Indices(Indices { values: tokens, shape: vec![count, length] })),
            (MEANING.0, HostField::Indices(Indices { values: meanings, shape: vec![count] })),
        ]))
    }
}

impl MorePart for Captions {
    fn fingerprint(&self) -> Fingerprint {
        let mut content = Content::default();
        self.words.vocabulary.iter().for_each(|word| content.bytes(word.as_bytes()));
        content.indices(&self.rows);
        content.indices(&self.meanings);
        content.indices(&self.of_image.iter().map(|rows| rows.end as u32).collect::<Vec<_>>());
        Fingerprint {
            samples: self.of_image.len(),
            shape: vec![self.words.length],
            classes: Vec::new(),
            sha256: content.finish(),
        }
    }

    fn needed_field(&self) -> Option<(NumberKey, &'static str, &'static str)> {
        None
    }
}

impl Beside for Captions {
    type Source = CaptionSource;

    const IMAGES_ARE_SAMPLES: bool = true;

    fn source(beside: Arc<Self>) -> CaptionSource {
        CaptionSource(beside)
    }
}

#[cfg(test)]
mod tests {
    use brigand_core::batch::{END, UNKNOWN};

    use crate::text::Tokens;

    use super::*;

    #[test]
    fn an_image_has_one_of_its_captions_and_unknown_words_have_a_token() {
        let split = |text: &str| caption_tokens(text, Tokens::Words);
        let captions = vec![vec![split("a red cat"), split("Cat, red!")], vec![split("ein grüner Hund")]];
        let words = Words::of(captions.iter().flatten(), Tokens::Words, 4).unwrap();
        assert_eq!(words.vocabulary, ["", "<unknown>", "a", "cat", "ein", "grüner", "hund", "red"]);
        assert!(words.row(&split("a blue cat")).eq([2, UNKNOWN, 3, END]));
        let source = CaptionSource(Arc::new(Captions::new(words, &captions, vec![0, 1]).unwrap()));
        let mut seen = std::collections::BTreeSet::new();
        for step in 0..20 {
            let batch = source.get(&[0, 1], &mut Stream::new(1, "a test", step)).unwrap();
            let Some(HostField::Indices(tokens)) = batch.get(CAPTION.0) else { panic!("no captions") };
            assert_eq!((&tokens.shape[..], &tokens.values[4..]), (&[2, 4][..], &[4, 5, 6, END][..]));
            seen.insert(tokens.values[..4].to_vec());
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [vec![2, 7, 3, END], vec![3, 7, END, END]]);
        assert!(source.get(&[2], &mut Stream::new(1, "a test", 0)).is_err());
        assert_eq!(source.schema().tokens(CAPTION).unwrap().examples.len(), 2);
    }
}
