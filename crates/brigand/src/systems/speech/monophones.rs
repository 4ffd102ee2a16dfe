//! Hidden Markov models of phonemes: of each a few states in a row, each with a normal distribution of frames.

use super::hidden_markov::Graph;
use super::language_model::Bigram;
use super::recipe::CountingRecipe;
use super::segments::{Segment, Utterance};

/// The least variance, of features whose variance over an utterance is 1.
const LEAST_VARIANCE: f64 = 0.05;
/// The mean frames of a state that never occurred.
const UNSEEN_FRAMES: f64 = 3.0;

/// A row of states for each phoneme. A sequence of phonemes is their rows one after another.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Monophones {
    /// How many phonemes there are.
    pub(super) phones: usize,
    /// States of a phoneme.
    pub(super) states: usize,
    /// Numbers of a frame.
    pub(super) size: usize,
    /// The mean of each state, `[phones * states, size]`.
    pub(super) means: Vec<f32>,
    /// The variances of each state, `[phones * states, size]`.
    pub(super) variances: Vec<f32>,
    /// The probability of staying in each state, `[phones * states]`.
    pub(super) stays: Vec<f32>,
}

/// Sums that distributions are estimated from.
struct Sums {
    frames: Vec<f64>,
    entries: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
}

impl Sums {
    fn new(states: usize, size: usize) -> Self {
        let zeros = |count| vec![0.0; count];
        Self {
            frames: zeros(states),
            entries: zeros(states),
            first: zeros(states * size),
            second: zeros(states * size),
        }
    }

    /// Counts `frame` as of `state`, so much.
    fn add(&mut self, state: usize, frame: &[f32], weight: f64) {
        if let Some(count) = self.frames.get_mut(state) {
            *count += weight;
        }
        let size = frame.len();
        let sums = self.first.iter_mut().zip(&mut self.second).skip(state * size);
        for ((first, second), &value) in sums.zip(frame) {
            *first += weight * f64::from(value);
            *second += weight * f64::from(value).powi(2);
        }
    }

    /// Counts a way into `state`.
    fn enter(&mut self, state: usize, weight: f64) {
        if let Some(count) = self.entries.get_mut(state) {
            *count += weight;
        }
    }
}

impl Monophones {
    /// Models of `states` states for each of `phones` phonemes, from utterances with the segments of their transcripts: first
    /// each segment is cut into equal parts, then states and distributions are found in turn, `passes` times.
    pub(super) fn trained(
        (phones, states): (usize, usize),
        utterances: &[(Utterance, Vec<Segment>)],
        (passes, counting): (usize, CountingRecipe),
    ) -> Self {
        let size = utterances.first().map_or(0, |(utterance, _)| utterance.frames.columns);
        let mut sums = Sums::new(phones * states, size);
        for (utterance, segments) in utterances {
            let mut start = 0;
            for segment in segments {
                let length = segment.end.saturating_sub(start).max(1);
                let mut before = None;
                for (place, frame) in utterance.frames.iter().skip(start).take(length).enumerate() {
                    let state = segment.phone as usize * states + place * states / length;
                    sums.add(state, frame, 1.0);
                    if before != Some(state) {
                        sums.enter(state, 1.0);
                    }
                    before = Some(state);
                }
                start = segment.end;
            }
        }
        let mut models = Self::estimated((phones, states, size), &sums);
        for _ in 0..passes {
            let mut sums = Sums::new(phones * states, size);
            for (utterance, segments) in utterances {
                let transcript: Vec<u32> = segments.iter().map(|segment| segment.phone).collect();
                models.count(utterance, &transcript, counting, &mut sums);
            }
            models = Self::estimated((phones, states, size), &sums);
        }
        models
    }

    /// The distributions of `sums`.
    fn estimated((phones, states, size): (usize, usize, usize), sums: &Sums) -> Self {
        let count = |state: usize| sums.frames.get(state).copied().unwrap_or(0.0);
        let places = 0..phones * states * size;
        let moment = |sums: &[f64], place: usize| {
            let frames = count(place / size.max(1));
            if frames > 0.0 { sums.get(place).map(|sum| sum / frames) } else { None }
        };
        let mean = |place: usize| moment(&sums.first, place);
        let variance = |place: usize| {
            let (mean, second) = (mean(place)?, moment(&sums.second, place)?);
            Some((second - mean * mean).max(LEAST_VARIANCE))
        };
        let stay = |state: usize| {
            let entries = sums.entries.get(state).copied().unwrap_or(0.0);
            let frames = if entries > 0.0 { count(state) / entries } else { UNSEEN_FRAMES };
            (1.0 - 1.0 / frames.max(1.01)) as f32
        };
        Self {
            phones,
            states,
            size,
            means: places.clone().map(|place| mean(place).unwrap_or(0.0) as f32).collect(),
            variances: places.map(|place| variance(place).unwrap_or(1.0) as f32).collect(),
            stays: (0..phones * states).map(stay).collect(),
        }
    }

    /// Adds the frames of an utterance to the states that its transcript puts them in. Too short ones are left out.
    fn count(&self, utterance: &Utterance, transcript: &[u32], counting: CountingRecipe, sums: &mut Sums) {
        let row: Vec<usize> = transcript
            .iter()
            .flat_map(|&phone| (0..self.states).map(move |state| phone as usize * self.states + state))
            .collect();
        let Some(last) = row.len().checked_sub(1) else { return };
        let none = f64::NEG_INFINITY;
        let at = |place: usize, wanted: usize| if place == wanted { 0.0 } else { none };
        let before = |place: usize| {
            let stay = (place, self.stay(row.get(place).copied()));
            let came = place.checked_sub(1).map(|from| (from, self.leave(row.get(from).copied())));
            std::iter::once(stay).chain(came).collect()
        };
        let graph = Graph {
            first: (0..row.len()).map(|place| at(place, 0)).collect(),
            last: (0..row.len()).map(|place| at(place, last)).collect(),
            before: (0..row.len()).map(before).collect(),
        };
        let emissions = self.emissions(utterance, &row);
        match counting {
            CountingRecipe::BestPath => {
                let Some(path) = graph.viterbi(&emissions) else { return };
                let mut previous = None;
                for (&place, frame) in path.states.iter().zip(utterance.frames.iter()) {
                    let Some(&state) = row.get(place) else { continue };
                    sums.add(state, frame, 1.0);
                    if previous != Some(place) {
                        sums.enter(state, 1.0);
                    }
                    previous = Some(place);
                }
            }
            CountingRecipe::AllPaths => {
                let Some(posteriors) = graph.forward_backward(&emissions) else { return };
                for (weights, frame) in posteriors.states.chunks_exact(row.len()).zip(utterance.frames.iter())
                {
                    for (&state, &weight) in row.iter().zip(weights) {
                        if weight > 1e-6 {
                            sums.add(state, frame, weight);
                        }
                    }
                }
                row.iter().for_each(|&state| sums.enter(state, 1.0));
            }
        }
    }

    fn stay(&self, state: Option<usize>) -> f64 {
        let stay = state.and_then(|state| self.stays.get(state)).copied().unwrap_or(0.5);
        f64::from(stay).max(1e-3).ln()
    }

    fn leave(&self, state: Option<usize>) -> f64 {
        let stay = state.and_then(|state| self.stays.get(state)).copied().unwrap_or(0.5);
        (1.0 - f64::from(stay)).max(1e-3).ln()
    }

    /// The log-density of each frame in each of `states`, `[frames, states]`.
    fn emissions(&self, utterance: &Utterance, states: &[usize]) -> Vec<f64> {
        let size = self.size.max(1);
        let of = |values: &'_ [f32], state: usize| -> Vec<f32> {
            values.chunks_exact(size).nth(state).map(<[f32]>::to_vec).unwrap_or_default()
        };
        let distributions: Vec<(Vec<f32>, Vec<f32>, f64)> = states
            .iter()
            .map(|&state| {
                let (mean, variance) = (of(&self.means, state), of(&self.variances, state));
                let constant =
                    variance.iter().map(|v| (std::f64::consts::TAU * f64::from(*v)).ln()).sum::<f64>();
                (mean, variance.iter().map(|v| 1.0 / v).collect(), -0.5 * constant)
            })
            .collect();
        let mut values = Vec::with_capacity(utterance.frames.count() * states.len());
        for frame in utterance.frames.iter() {
            values.extend(distributions.iter().map(|(mean, precision, constant)| {
                let terms = frame.iter().zip(mean).zip(precision);
                let distance: f32 =
                    terms.map(|((x, mean), precision)| (x - mean) * (x - mean) * precision).sum();
                constant - 0.5 * f64::from(distance)
            }));
        }
        values
    }

    /// The most probable phonemes of an utterance and where each ends, given what follows what in text: `weight` multiplies the
    /// logarithms of the language model. Equal phonemes do not follow each other. None where the utterance is too short for any.
    pub(super) fn decode(&self, utterance: &Utterance, language: &Bigram, weight: f64) -> Vec<Segment> {
        let all: Vec<usize> = (0..self.phones * self.states).collect();
        let graph = self.loop_of_phones(language, weight);
        let Some(path) = graph.viterbi(&self.emissions(utterance, &all)) else { return Vec::new() };
        Segment::joined(path.states.into_iter().map(|state| (state / self.states.max(1)) as u32).zip(1..))
    }

    /// The graph in which every phoneme can follow every other.
    fn loop_of_phones(&self, language: &Bigram, weight: f64) -> Graph {
        let (states, none) = (self.states, f64::NEG_INFINITY);
        let begins = |state: usize| state.is_multiple_of(states);
        let ends = |state: usize| state % states == states - 1;
        let log =
            |before: Option<usize>, after: Option<usize>| weight * language.log_probability(before, after);
        let all = 0..self.phones * states;
        let before = |state: usize| {
            let phone = state / states;
            let mut from = vec![(state, self.stay(Some(state)))];
            if begins(state) {
                let others = (0..self.phones).filter(|&other| other != phone);
                from.extend(others.map(|other| {
                    let last = other * states + states - 1;
                    (last, self.leave(Some(last)) + log(Some(other), Some(phone)))
                }));
            } else {
                from.push((state - 1, self.leave(Some(state - 1))));
            }
            from
        };
        let first = |state: usize| if begins(state) { log(None, Some(state / states)) } else { none };
        let last = |state: usize| {
            if ends(state) { self.leave(Some(state)) + log(Some(state / states), None) } else { none }
        };
        Graph {
            first: all.clone().map(first).collect(),
            last: all.clone().map(last).collect(),
            before: all.map(before).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use brigand_core::random::Stream;

    use super::*;
    use crate::data::sound::Rows;

    /// Utterances of three phonemes, whose frames lie around one place each but for the middle of the last, which is at
    /// another place than its ends.
    fn spoken(count: usize) -> Vec<(Utterance, Vec<Segment>)> {
        let stream = &mut Stream::new(1, "test", 0);
        let centre = |phone: u32, share: f32| match phone {
            0 => [2.0, 0.0],
            1 => [-2.0, 0.0],
            _ if (0.33..0.66).contains(&share) => [0.0, 3.0],
            _ => [0.0, -3.0],
        };
        let mut made = Vec::new();
        for number in 0..count as u32 {
            let (mut values, mut segments, mut phone) = (Vec::new(), Vec::new(), stream.index(3) as u32);
            for _ in 0..5 {
                let length = 5 + stream.index(4);
                for place in 0..length {
                    let noise = stream.normal(2);
                    let at = centre(phone, place as f32 / length as f32);
                    values.extend(at.iter().zip(noise).map(|(at, noise)| at + 0.5 * noise));
                }
                let frames = values.len() / 2;
                segments.push(Segment { phone, end: frames });
                phone = (phone + 1 + stream.index(2) as u32) % 3;
            }
            let frames = Rows { values, columns: 2 };
            made.push((Utterance { number: Some(number), frames, segments: None, phones: None }, segments));
        }
        made
    }

    #[test]
    fn models_of_known_utterances_find_the_phonemes_of_new_ones() {
        let mut all = spoken(60);
        let new = all.split_off(40);
        let text: Vec<Vec<u32>> =
            all.iter().map(|(_, found)| found.iter().map(|one| one.phone).collect()).collect();
        let language = Bigram::of(3, text.iter().map(Vec::as_slice));
        for counting in [CountingRecipe::BestPath, CountingRecipe::AllPaths] {
            let models = Monophones::trained((3, 3), &all, (3, counting));
            // The middle state of the last phoneme.
            assert!((models.means[(2 * 3 + 1) * 2 + 1] - 3.0).abs() < 0.5, "{:?}", models.means);
            let mut exact = 0;
            for (utterance, segments) in &new {
                let found = models.decode(utterance, &language, 1.0);
                let phones = |segments: &[Segment]| segments.iter().map(|one| one.phone).collect::<Vec<_>>();
                exact += usize::from(phones(&found) == phones(segments));
                assert_eq!(found.last().unwrap().end, utterance.frames.count());
            }
            assert!(exact >= 18, "{counting:?}: {exact} of 20");
        }
    }
}
