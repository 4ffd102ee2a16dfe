//! What follows what in text of phonemes: a smoothed bigram.

/// Probabilities of a phoneme after another. Phonemes are numbered from 0; a sequence begins and ends with a mark of its own.
///
/// `p(b | a) = (n(a b) + t(a) p(b)) / (n(a) + t(a))`, where `t(a)` counts the different phonemes that follow `a` (Witten and Bell
/// 1991) and `p(b) = (n(b) + 1) / sum_c (n(c) + 1)`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bigram {
    phones: usize,
    /// How often a phoneme or the end follows another or the beginning, as `log`.
    pairs: Vec<f64>,
    /// `ln p(b | a)`: row `a` of phonemes and the beginning, column `b` of phonemes and the end.
    log: Vec<f64>,
    /// The share of each phoneme in the text.
    shares: Vec<f64>,
}

impl Bigram {
    /// That of `lines` of phonemes below `phones`.
    pub(super) fn of<'a>(phones: usize, lines: impl Iterator<Item = &'a [u32]>) -> Self {
        let size = phones + 1;
        let mut pairs = vec![0.0; size * size];
        for line in lines {
            let mut before = phones;
            for &phone in line.iter().chain([&(phones as u32)]) {
                let phone = (phone as usize).min(phones);
                if let Some(count) = pairs.get_mut(before * size + phone) {
                    *count += 1.0;
                }
                before = phone;
            }
        }
        Self::of_counts(phones, pairs)
    }

    /// That of counts: row `a` of phonemes and the beginning, column `b` of phonemes and the end.
    pub(super) fn of_counts(phones: usize, pairs: Vec<f64>) -> Self {
        let size = phones + 1;
        let mut single = vec![1.0; size];
        for row in pairs.chunks_exact(size) {
            single.iter_mut().zip(row).for_each(|(sum, count)| *sum += count);
        }
        let total: f64 = single.iter().sum();
        let log = pairs.chunks_exact(size).flat_map(|row| {
            let count: f64 = row.iter().sum();
            // What never occurred is followed by anything.
            let kinds = f64::max(row.iter().filter(|count| **count > 0.0).count() as f64, 1.0);
            row.iter()
                .zip(&single)
                .map(move |(pair, single)| ((pair + kinds * single / total) / (count + kinds)).ln())
                .collect::<Vec<_>>()
        });
        let log: Vec<f64> = log.collect();
        let spoken: f64 = single.iter().take(phones).sum();
        let shares = single.iter().take(phones).map(|count| count / spoken).collect();
        Self { phones, pairs, log, shares }
    }

    /// How often a phoneme or the end follows another or the beginning.
    pub(super) fn counts(&self) -> &[f64] {
        &self.pairs
    }

    /// How many phonemes there are.
    pub(super) fn phones(&self) -> usize {
        self.phones
    }

    /// `ln p(after | before)`; `None` is the beginning or the end.
    pub(super) fn log_probability(&self, before: Option<usize>, after: Option<usize>) -> f64 {
        let place = |phone: Option<usize>| phone.unwrap_or(self.phones).min(self.phones);
        let at = place(before) * (self.phones + 1) + place(after);
        self.log.get(at).copied().unwrap_or(f64::NEG_INFINITY)
    }

    /// The mean of `-ln p` of the phonemes and ends of `lines`, in nats.
    pub(super) fn cross_entropy(&self, lines: &[Vec<u32>]) -> f64 {
        let (mut sum, mut count) = (0.0, 0.0);
        for line in lines {
            let mut before = None;
            for after in line.iter().map(|&phone| Some(phone as usize)).chain([None]) {
                sum -= self.log_probability(before, after);
                count += 1.0;
                before = after;
            }
        }
        sum / f64::max(count, 1.0)
    }

    /// The Kullback-Leibler divergence of the shares of phonemes in the text from those in `lines`, in nats: how far the use of
    /// phonemes is from the text's. Each phoneme counts as used once more than it was.
    pub(super) fn usage_divergence(&self, lines: &[Vec<u32>]) -> f64 {
        let mut counts = vec![1.0; self.phones];
        for phone in lines.iter().flatten() {
            if let Some(count) = counts.get_mut(*phone as usize) {
                *count += 1.0;
            }
        }
        let total: f64 = counts.iter().sum();
        self.shares.iter().zip(&counts).map(|(share, count)| share * (share / (count / total)).ln()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_the_formula_and_sum_to_one() {
        let lines: [&[u32]; 2] = [&[0, 1, 0, 1], &[0, 1]];
        let model = Bigram::of(3, lines.into_iter());
        // Three of phoneme 0 and of 1, none of 2, two ends, each plus one: 4, 4, 1, 3 of 12. After 0 always 1, of one kind.
        let expected = (3.0 + 4.0 / 12.0) / 4.0;
        assert!((model.log_probability(Some(0), Some(1)).exp() - expected).abs() < 1e-12);
        // After 1: 0 once and the end twice, of two kinds.
        let expected = (2.0 + 2.0 * 3.0 / 12.0) / 5.0;
        assert!((model.log_probability(Some(1), None).exp() - expected).abs() < 1e-12);
        for before in [None, Some(0), Some(1), Some(2)] {
            let sum: f64 = [Some(0), Some(1), Some(2), None]
                .map(|after| model.log_probability(before, after).exp())
                .iter()
                .sum();
            assert!((sum - 1.0).abs() < 1e-12, "{before:?}: {sum}");
        }
        let own = model.cross_entropy(&[vec![0, 1, 0, 1], vec![0, 1]]);
        assert!(own < model.cross_entropy(&[vec![1, 0], vec![2, 2]]), "{own}");
        assert!(model.usage_divergence(&[vec![2; 50]]) > model.usage_divergence(&[[0, 1].repeat(25)]));
    }
}
