//! Utterances in ordinary memory, and their division into segments.

use brigand_core::batch::{Batch, FRAME_COUNT, FRAMES, IndexKey, PHONES, SEGMENTS, UTTERANCE};
use brigand_core::{Error, Result};

use crate::data::sound::Rows;
use crate::data::speech::COEFFICIENTS;

/// Frames on each side of a boundary that are compared.
const COMPARED: usize = 2;
/// Frames between two boundaries, at least.
const APART: usize = 3;
/// Equal parts of a segment whose means stand for it.
const PARTS: usize = 3;

/// A phoneme of a transcript and the frame before which it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// Its number, counted from 0.
    pub(super) phone: u32,
    /// The frame before which it ends.
    pub(super) end: usize,
}

impl Segment {
    /// The segments of `phones`, each given with the frame before which it ends: equal ones that follow each other are one.
    pub(super) fn joined(phones: impl Iterator<Item = (u32, usize)>) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        for (phone, end) in phones {
            match found.last_mut() {
                Some(last) if last.phone == phone => last.end = end,
                Some(_) | None => found.push(Self { phone, end }),
            }
        }
        found
    }
}

/// An utterance.
#[derive(Clone, Debug)]
pub(super) struct Utterance {
    /// Its number among all of the data; none of a recording that is no part of it.
    pub(super) number: Option<u32>,
    /// Its features.
    pub(super) frames: Rows,
    /// The frames before which its given segments end.
    pub(super) segments: Option<Vec<usize>>,
    /// The phoneme of each frame, counted from 0; for measuring only.
    pub(super) phones: Option<Vec<u32>>,
}

impl Utterance {
    /// Those of a batch. Their numbers, segments and phonemes are known where it has those fields.
    ///
    /// # Errors
    /// If it has no frames, or fields that do not fit each other.
    pub(super) fn of_batch(batch: &Batch) -> Result<Vec<Self>> {
        let (frames, counts) = (batch.numbers(FRAMES)?, &batch.indices(FRAME_COUNT)?.values);
        let &[utterances, longest, size] = frames.shape() else {
            return Err(Error::Internal(format!("frames of utterances have shape {:?}", frames.shape())));
        };
        if counts.len() != utterances || counts.iter().any(|&count| count as usize > longest) {
            return Err(Error::Internal(format!(
                "{utterances} utterances of up to {longest} frames have the lengths {counts:?}"
            )));
        }
        let of_each = |key: IndexKey, each: usize| {
            let found = batch.optional_indices(key)?.map(|found| found.values.as_slice());
            match found {
                Some(values) if values.len() != utterances * each => Err(Error::Internal(format!(
                    "`{}` has {} values for {utterances} utterances, {} are needed",
                    key.0,
                    values.len(),
                    utterances * each
                ))),
                Some(_) | None => Ok(found),
            }
        };
        let numbers = of_each(UTTERANCE, 1)?;
        let (segments, phones) = (of_each(SEGMENTS, longest)?, of_each(PHONES, longest)?);
        let values = frames.to_vec_f32()?;
        let of = |(place, &count): (usize, &u32)| {
            let count = count as usize;
            let own =
                |all: &[u32]| all.iter().skip(place * longest).take(count).copied().collect::<Vec<u32>>();
            let values = values.iter().skip(place * longest * size).take(count * size).copied().collect();
            Self {
                number: numbers.and_then(|all| all.get(place)).copied(),
                frames: Rows { values, columns: size },
                segments: segments.map(|all| ends(&own(all))),
                phones: phones.map(|all| own(all).into_iter().map(|phone| phone.saturating_sub(1)).collect()),
            }
        };
        Ok(counts.iter().enumerate().map(of).collect())
    }

    /// The phonemes that it is known to have; equal ones that follow each other count as one.
    pub(super) fn reference(&self) -> Option<Vec<u32>> {
        self.phones.as_ref().map(|phones| without_repeats(phones.iter().copied()))
    }

    /// Where the features change most: of each frame that differs more from the one before it than its neighbours do, its
    /// number and the distance between the means of two frames on its two sides.
    pub(super) fn changes(&self) -> Vec<(usize, f32)> {
        let (count, size) = (self.frames.count(), self.frames.columns);
        // The cepstral coefficients without their deltas.
        let used = size.min(COEFFICIENTS);
        let mean = |from: usize, to: usize, column: usize| {
            let rows = self.frames.values.iter().skip(from * size + column).step_by(size.max(1));
            rows.take(to - from).sum::<f32>() / (to - from).max(1) as f32
        };
        let distance = |frame: usize| {
            let (from, to) = (frame.saturating_sub(COMPARED), (frame + COMPARED).min(count));
            let squares =
                (0..used).map(|column| (mean(frame, to, column) - mean(from, frame, column)).powi(2));
            squares.sum::<f32>().sqrt()
        };
        let all: Vec<f32> = (0..count).map(|frame| if frame == 0 { 0.0 } else { distance(frame) }).collect();
        let is_largest = |frame: usize| {
            let (from, to) = (frame.saturating_sub(APART - 1), (frame + APART).min(count));
            let own = all.get(frame).copied().unwrap_or(0.0);
            // Of equal ones the first.
            (from..to).all(|other| {
                let value = all.get(other).copied().unwrap_or(0.0);
                if other < frame { own > value } else { own >= value }
            })
        };
        let inner = APART..count.saturating_sub(APART - 1).max(APART);
        inner.filter(|&frame| is_largest(frame)).filter_map(|frame| Some((frame, *all.get(frame)?))).collect()
    }

    /// What stands for each of its segments: the means of the features over three equal parts of it.
    pub(super) fn segment_vectors(&self, ends: &[usize]) -> Vec<Vec<f32>> {
        let starts = std::iter::once(0).chain(ends.iter().copied());
        starts.zip(ends).map(|(start, &end)| self.segment_vector(start, end)).collect()
    }

    /// What stands for the segment of these frames.
    pub(super) fn segment_vector(&self, start: usize, end: usize) -> Vec<f32> {
        let length = end.saturating_sub(start).max(1);
        let part = |part: usize| {
            let from = start + part * length / PARTS;
            let to = (start + (part + 1) * length / PARTS).max(from + 1);
            let mut sums = vec![0.0; self.frames.columns];
            for frame in self.frames.iter().skip(from).take(to - from) {
                sums.iter_mut().zip(frame).for_each(|(sum, value)| *sum += value / (to - from) as f32);
            }
            sums
        };
        (0..PARTS).flat_map(part).collect()
    }
}

/// The threshold of [`Utterance::changes`] above which there are `wanted` boundaries.
pub(super) fn threshold(mut heights: Vec<f32>, wanted: usize) -> f32 {
    heights.sort_by(|a, b| b.total_cmp(a));
    match wanted.checked_sub(1).and_then(|last| heights.get(last.min(heights.len().saturating_sub(1)))) {
        Some(height) => *height,
        None => f32::MAX,
    }
}

/// The items without those that are equal to the one before.
pub(super) fn without_repeats<T: PartialEq>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut found: Vec<T> = items.collect();
    found.dedup();
    found
}

/// The segments of equal phonemes of frames.
pub(super) fn true_segments(phones: &[u32]) -> Vec<Segment> {
    Segment::joined(phones.iter().copied().zip(1..))
}

/// The frames before which the segments end whose numbers the frames have.
fn ends(segments: &[u32]) -> Vec<usize> {
    let changes = segments.windows(2).enumerate().filter(|(_, pair)| pair.first() != pair.last());
    changes.map(|(place, _)| place + 1).chain([segments.len()]).collect()
}

#[cfg(test)]
mod tests {
    use brigand_core::Place;
    use brigand_core::batch::{Indices, NumberKey};

    use super::*;

    #[test]
    fn boundaries_are_where_the_features_change() {
        let values =
            (0..30).flat_map(|frame| if (10..18).contains(&frame) { [1.0, 0.0] } else { [0.0, 0.3] });
        let frames = Rows { values: values.collect(), columns: 2 };
        let utterance = Utterance { number: None, frames, segments: None, phones: None };
        let changes = utterance.changes();
        let limit = threshold(changes.iter().map(|(_, height)| *height).collect(), 2);
        let found: Vec<usize> =
            changes.iter().filter(|(_, height)| *height >= limit).map(|(frame, _)| *frame).collect();
        assert_eq!(found, [10, 18]);
        assert_eq!(utterance.segment_vectors(&[10, 18, 30])[1], [1.0, 0.0].repeat(3));
        assert_eq!(ends(&[0, 0, 1, 2, 2]), [2, 3, 5]);
        assert_eq!(threshold(vec![1.0, 3.0, 2.0], 2), 2.0);
        assert_eq!(without_repeats([1, 1, 2, 1].into_iter()), [1, 2, 1]);
        let joined = true_segments(&[1, 1, 2, 1]).into_iter().map(|one| (one.phone, one.end));
        assert_eq!(joined.collect::<Vec<_>>(), [(1, 2), (2, 3), (1, 4)]);
    }

    #[test]
    fn fields_of_a_batch_that_do_not_fit_are_refused() {
        let place = Place::cpu();
        let indices = |values: &[u32]| Indices { values: values.to_vec(), shape: vec![values.len()] };
        let of = |shape: &[usize], counts: &[u32]| {
            let frames = place.numbers(vec![0.5; shape.iter().product()], shape).unwrap();
            Batch::default().with(FRAMES, frames).with_indices(FRAME_COUNT, indices(counts))
        };
        let found = Utterance::of_batch(&of(&[2, 3, 1], &[3, 2])).unwrap();
        assert_eq!((found[1].number, found[1].frames.count(), &found[1].segments), (None, 2, &None));
        let numbered = of(&[2, 3, 1], &[3, 2]).with_indices(UTTERANCE, indices(&[7, 0]));
        assert_eq!(Utterance::of_batch(&numbered).unwrap()[1].number, Some(0));
        for wrong in [
            of(&[2, 3], &[3, 2]),
            of(&[2, 3, 1], &[3]),
            of(&[2, 3, 1], &[3, 4]),
            of(&[2, 3, 1], &[3, 2]).with_indices(UTTERANCE, indices(&[1])),
            of(&[2, 3, 1], &[3, 2]).with_indices(PHONES, indices(&[1; 5])),
            of(&[2, 3, 1], &[3, 2]).with(NumberKey(SEGMENTS.0), place.numbers(vec![0.0], &[1]).unwrap()),
        ] {
            assert!(Utterance::of_batch(&wrong).is_err(), "{wrong:?}");
        }
    }
}
