//! How sequences of tokens compare with others of the data.

use std::collections::{BTreeMap, HashMap, HashSet};

use brigand_core::batch::END;

/// Longest runs of tokens that are counted.
const MOST: usize = 3;

type Counts<'a> = HashMap<&'a [u32], f64>;

/// Scores of generated sequences.
#[derive(Clone, Debug, PartialEq)]
pub struct SequenceScores {
    /// The share of different sequences among them.
    pub different: f64,
    /// The Jensen-Shannon divergences, in bits (0 to 1), of the distributions of single tokens, pairs and triples from
    /// those of the real sequences; the end of a sequence counts as a token.
    pub divergences: [f64; MOST],
    /// The mean BLEU of each sequence with all others as its references (Zhu et al. 2018, arXiv:1802.01886), with runs of
    /// 1 to 3 tokens, as far as the sequence has some, and the brevity penalty for the closest length among the others: near
    /// 1 where sequences repeat each other.
    pub self_bleu: f64,
}

impl SequenceScores {
    /// Of `generated` against `real`; neither may be empty.
    pub fn of(generated: &[Vec<u32>], real: &[Vec<u32>]) -> Self {
        let (generated, real) = (ended(generated), ended(real));
        let different: HashSet<&[u32]> = generated.iter().copied().collect();
        let divergence =
            |place: usize| jensen_shannon(&counts(&generated, place + 1), &counts(&real, place + 1));
        Self {
            different: different.len() as f64 / generated.len().max(1) as f64,
            divergences: std::array::from_fn(divergence),
            self_bleu: self_bleu(&generated),
        }
    }
}

/// Each up to its first end, with it.
fn ended(sequences: &[Vec<u32>]) -> Vec<&[u32]> {
    sequences
        .iter()
        .map(|tokens| tokens.split_inclusive(|&token| token == END).next().unwrap_or(&[]))
        .collect()
}

fn counts<'a>(sequences: &[&'a [u32]], order: usize) -> Counts<'a> {
    let mut counts = Counts::new();
    for run in sequences.iter().flat_map(|tokens| tokens.windows(order)) {
        *counts.entry(run).or_insert(0.0) += 1.0;
    }
    counts
}

/// `(KL(p | m) + KL(q | m)) / 2` with `m = (p + q) / 2`, in bits; 1 where one of them has no runs.
fn jensen_shannon(first: &Counts<'_>, second: &Counts<'_>) -> f64 {
    let totals = [first.values().sum::<f64>(), second.values().sum::<f64>()];
    if totals.contains(&0.0) {
        return if totals == [0.0, 0.0] { 0.0 } else { 1.0 };
    }
    let mut runs: Vec<&&[u32]> = first.keys().chain(second.keys()).collect();
    runs.sort_unstable();
    runs.dedup();
    let term = |p: f64, middle: f64| if p > 0.0 { p * (p / middle).log2() } else { 0.0 };
    let terms = runs.into_iter().map(|run| {
        let share = |counts: &Counts<'_>, total: f64| counts.get(run).copied().unwrap_or(0.0) / total;
        let (p, q) = (share(first, totals[0]), share(second, totals[1]));
        let middle = f64::midpoint(p, q);
        f64::midpoint(term(p, middle), term(q, middle))
    });
    terms.sum()
}

/// The largest and second largest count of a run in one sequence, and which sequence has the largest.
#[derive(Clone, Copy, Default)]
struct Largest {
    first: f64,
    owner: usize,
    second: f64,
}

fn self_bleu(sequences: &[&[u32]]) -> f64 {
    let tables: [HashMap<&[u32], Largest>; MOST] = std::array::from_fn(|place| {
        let mut table: HashMap<&[u32], Largest> = HashMap::new();
        for (owner, tokens) in sequences.iter().enumerate() {
            for (run, count) in counts(&[*tokens], place + 1) {
                let largest = table.entry(run).or_default();
                if count > largest.first {
                    *largest = Largest { first: count, owner, second: largest.first };
                } else {
                    largest.second = largest.second.max(count);
                }
            }
        }
        table
    });
    let mut lengths: BTreeMap<usize, usize> = BTreeMap::new();
    sequences.iter().for_each(|tokens| *lengths.entry(tokens.len()).or_default() += 1);
    let bleu = |(owner, tokens): (usize, &&[u32])| {
        let mut logarithms = Vec::with_capacity(MOST);
        for (place, table) in tables.iter().enumerate() {
            let own = counts(&[*tokens], place + 1);
            let total: f64 = own.values().sum();
            if total == 0.0 {
                continue;
            }
            let matched = own.iter().map(|(run, count)| {
                let largest = table.get(run).copied().unwrap_or_default();
                count.min(if largest.owner == owner { largest.second } else { largest.first })
            });
            logarithms.push((matched.sum::<f64>() / total).ln());
        }
        let mean = logarithms.iter().sum::<f64>() / logarithms.len().max(1) as f64;
        mean.exp() * brevity_penalty(tokens.len(), &lengths)
    };
    sequences.iter().enumerate().map(bleu).sum::<f64>() / sequences.len().max(1) as f64
}

/// `min(1, exp(1 - r / c))` of a sequence of `c` tokens, where `r` is the length among the others that is closest to `c`, of
/// two the shorter. `lengths` counts the sequences of each length, this one included.
fn brevity_penalty(own: usize, lengths: &BTreeMap<usize, usize>) -> f64 {
    let others = lengths.iter().filter(|(length, count)| **length != own || **count > 1);
    let closest = others.min_by_key(|(length, _)| (own.abs_diff(**length), **length));
    let closest = closest.map_or(own, |(length, _)| *length);
    (1.0 - closest as f64 / own.max(1) as f64).min(0.0).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_sequences_do_not_diverge_and_foreign_ones_do_by_a_bit() {
        let real = vec![vec![1, 2, 0, 0], vec![2, 1, 1, 0]];
        let same = SequenceScores::of(&real, &real);
        assert!(same.divergences.iter().all(|value| value.abs() < 1e-12) && same.different == 1.0);
        let foreign = SequenceScores::of(&[vec![3, 3, 3, 3], vec![3, 3, 3, 3]], &real);
        assert!(foreign.divergences.iter().all(|value| (value - 1.0).abs() < 1e-12), "{foreign:?}");
        assert_eq!(foreign.different, 0.5);
        assert!((foreign.self_bleu - 1.0).abs() < 1e-12);
    }

    /// Tokens 1 and 0 with shares (2/3, 1/3) against (1/3, 2/3).
    #[test]
    fn the_divergence_is_that_of_the_formula() {
        let found = SequenceScores::of(&[vec![1, 1, 0]], &[vec![1, 0], vec![0, 9]]).divergences[0];
        let side = 2.0 / 3.0 * (4.0f64 / 3.0).log2() + 1.0 / 3.0 * (2.0f64 / 3.0).log2();
        assert!((found - side).abs() < 1e-12, "{found} {side}");
    }

    /// `1 2` and `1 3`: half of the tokens and no pair match.
    #[test]
    fn self_bleu_is_that_of_the_formula() {
        assert_eq!(SequenceScores::of(&[vec![1, 2], vec![1, 3]], &[vec![1]]).self_bleu, 0.0);
        // Two of three tokens (1 and the end), no pair of two.
        let half = SequenceScores::of(&[vec![1, 2, 0], vec![1, 2, 3]], &[vec![1]]).self_bleu;
        // 2/3, 1/2 of the pairs, none of the triples.
        assert_eq!(half, 0.0);
        let alike = SequenceScores::of(&[vec![1, 2], vec![1, 2], vec![1, 3]], &[vec![1]]).self_bleu;
        assert!((alike - 2.0 / 3.0).abs() < 1e-12, "{alike}");
    }

    /// By `nltk.translate.bleu_score.sentence_bleu` 3.9.1 with equal weights of runs of 1 to 3 tokens, each sequence with
    /// the others as references.
    #[test]
    fn self_bleu_is_that_of_nltk() {
        let sets: [(&[&[u32]], f64); 3] = [
            (
                &[&[1, 2, 3, 4, 5], &[1, 2, 3, 5, 4], &[2, 3, 4, 5, 1], &[1, 2, 2, 3, 4]],
                0.732_206_320_443_944_4,
            ),
            (
                &[&[1, 2, 1, 2, 1, 2], &[1, 2, 1, 3], &[2, 1, 2, 1, 2], &[1, 2, 1, 2, 1, 2, 1, 2]],
                0.800_026_364_029_582_2,
            ),
            (
                &[&[1, 2, 3, 1, 2, 3], &[1, 2, 3, 1, 2, 3, 1, 2, 3, 1], &[3, 1, 2, 3, 1, 2, 3, 1]],
                0.830_728_967_019_103_3,
            ),
        ];
        for (sequences, expected) in sets {
            let found = self_bleu(sequences);
            assert!((found - expected).abs() < 1e-12, "{sequences:?}: {found} instead of {expected}");
        }
    }
}
