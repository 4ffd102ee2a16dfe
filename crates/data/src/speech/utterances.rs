//! Utterances of different lengths as samples of one shape.

use brigand_core::batch::{
    END, FRAME_COUNT, FRAMES, HostBatch, HostField, Indices, Kind, PHONES, SEGMENTS, Schema, Source,
    UTTERANCE,
};
use brigand_core::random::Stream;
use brigand_core::{Error, Result};

use super::{fingerprint, phones};
use crate::fingerprint::{Content, Fingerprint};
use crate::sound::Rows;

/// One utterance.
#[derive(Clone, Debug)]
pub(super) struct Utterance {
    /// Its features.
    pub(super) frames: Rows,
    /// The frame before which each of its phonemes ends, and its number in the vocabulary; `None` where it is not known.
    pub(super) phones: Option<Vec<(usize, u32)>>,
}

/// Utterances in memory.
pub(super) struct Utterances {
    utterances: Vec<Utterance>,
    vocabulary: Vec<String>,
    rate: u32,
    /// Frames of the longest, and numbers of a frame.
    shape: [usize; 2],
    /// Whether the phonemes of all of them are known.
    labelled: bool,
}

impl Utterances {
    /// Utterances of sound of `rate` (0 where they are not from sound), whose phonemes are words of `vocabulary`.
    pub(super) fn new(utterances: Vec<Utterance>, vocabulary: Vec<String>, rate: u32) -> Self {
        let longest = utterances.iter().map(|one| one.frames.count()).max().unwrap_or(0);
        let size = utterances.first().map_or(0, |one| one.frames.columns);
        let labelled = utterances.iter().all(|one| one.phones.is_some());
        Self { utterances, vocabulary, rate, shape: [longest, size], labelled }
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        let mut content = Content::default();
        for one in &self.utterances {
            content.numbers(&one.frames.values);
            let phones = one.phones.iter().flatten();
            content.indices(&phones.flat_map(|&(end, phone)| [end as u32, phone]).collect::<Vec<_>>());
        }
        fingerprint(self.utterances.len(), &self.shape, content)
    }
}

impl Source for Utterances {
    fn count(&self) -> usize {
        self.utterances.len()
    }

    fn schema(&self) -> Schema {
        let [frames, _] = self.shape;
        let schema = Schema::default()
            .with(FRAMES.0, Kind::Features { rate: self.rate }, &self.shape)
            .with(FRAME_COUNT.0, Kind::Number {}, &[])
            .with(UTTERANCE.0, Kind::Number {}, &[]);
        match self.labelled {
            false => schema,
            true => schema.with(SEGMENTS.0, Kind::Number {}, &[frames]).with(
                PHONES.0,
                phones(&self.vocabulary),
                &[frames],
            ),
        }
    }

    fn get(&self, numbers: &[usize], _: &mut Stream) -> Result<HostBatch> {
        let [frames, size] = self.shape;
        let count = numbers.len();
        let mut values = Vec::with_capacity(count * frames * size);
        let (mut lengths, mut segments, mut phones) = (Vec::new(), Vec::new(), Vec::new());
        for &number in numbers {
            let missing =
                || Error::Data(format!("there is no utterance {number}; there are {}", self.count()));
            let one = self.utterances.get(number).ok_or_else(missing)?;
            values.extend_from_slice(&one.frames.values);
            values.resize(values.len() + (frames - one.frames.count()) * size, 0.0);
            lengths.push(one.frames.count() as u32);
            let start = segments.len();
            for (segment, &(end, phone)) in one.phones.iter().flatten().enumerate() {
                segments.resize(start + end, segment as u32);
                phones.resize(start + end, phone);
            }
            segments.resize(start + frames, 0);
            phones.resize(start + frames, END);
        }
        let numbers = numbers.iter().map(|&number| number as u32).collect();
        let of =
            |values: Vec<u32>, shape: &[usize]| HostField::Indices(Indices { values, shape: shape.to_vec() });
        let mut batch = HostBatch::from([
            (FRAMES.0, HostField::Numbers(values, vec![count, frames, size])),
            (FRAME_COUNT.0, of(lengths, &[count])),
            (UTTERANCE.0, of(numbers, &[count])),
        ]);
        if self.labelled {
            batch.insert(SEGMENTS.0, of(segments, &[count, frames]));
            batch.insert(PHONES.0, of(phones, &[count, frames]));
        }
        Ok(batch)
    }
}
