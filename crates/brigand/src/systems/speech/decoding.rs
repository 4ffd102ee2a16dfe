//! From the probabilities of phonemes in segments to the most probable transcript.

use super::hidden_markov::Graph;
use super::language_model::Bigram;
use super::segments::Segment;

/// The least log-probability of a phoneme in a segment.
const LEAST: f64 = -15.0;

/// The most probable phonemes of an utterance whose segments end before the frames `ends`. `scores` `[segments, phonemes]` are
/// log-probabilities of the phonemes in each segment; those of the language model count `weight` times. Two segments in a row have
/// the same phoneme with probability `repeat`, and are one then.
pub(super) fn decode_segments(
    scores: &[f32],
    ends: &[usize],
    language: &Bigram,
    (weight, repeat): (f64, f64),
) -> Vec<Segment> {
    let phones = language.phones();
    let all = 0..phones;
    let (same, other) = (repeat.clamp(1e-4, 0.99).ln(), (1.0 - repeat.clamp(1e-4, 0.99)).ln());
    let before = |phone: usize| {
        let step = |from: usize| match from == phone {
            true => (from, weight * same),
            false => (from, weight * (other + language.log_probability(Some(from), Some(phone)))),
        };
        all.clone().map(step).collect()
    };
    let graph = Graph {
        first: all.clone().map(|phone| weight * language.log_probability(None, Some(phone))).collect(),
        last: all.clone().map(|phone| weight * language.log_probability(Some(phone), None)).collect(),
        before: all.clone().map(before).collect(),
    };
    let scores: Vec<f64> = scores.iter().map(|&score| f64::from(score).max(LEAST)).collect();
    let Some(path) = graph.viterbi(&scores) else { return Vec::new() };
    Segment::joined(path.states.into_iter().map(|phone| phone as u32).zip(ends.iter().copied()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_decides_where_the_segments_do_not() {
        let lines: [&[u32]; 3] = [&[0, 1, 0, 1], &[0, 1], &[2]];
        let language = Bigram::of(3, lines.into_iter());
        // The second segment is 1 or 2 with equal probability; after 0 the text has 1.
        let scores: Vec<f32> =
            [[0.9, 0.05, 0.05], [0.02, 0.49, 0.49]].concat().into_iter().map(f32::ln).collect();
        let found = decode_segments(&scores, &[4, 9], &language, (1.0, 0.01));
        assert_eq!(found, [Segment { phone: 0, end: 4 }, Segment { phone: 1, end: 9 }]);
        // Without the text each segment is what is most probable in it, and equal ones are one.
        let scores: Vec<f32> =
            [[0.1, 0.8, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]].concat().into_iter().map(f32::ln).collect();
        let found = decode_segments(&scores, &[2, 5, 7], &language, (0.0, 0.5));
        assert_eq!(found, [Segment { phone: 1, end: 5 }, Segment { phone: 2, end: 7 }]);
    }
}
