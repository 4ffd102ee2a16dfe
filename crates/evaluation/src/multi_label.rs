//! How well several labels of each sample are found.

use brigand_core::batch::TagRule;

use super::error::{Result, refused};

/// Precision, recall and F1 of found labels. F1 is `2 tp / (2 tp + fp + fn)`; where nothing is found and nothing holds it is 0,
/// as in scikit-learn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MultiLabelScores {
    /// The share of found labels that hold, over all samples and labels.
    pub precision: f64,
    /// The share of holding labels that are found, over all samples and labels.
    pub recall: f64,
    /// F1 over all samples and labels.
    pub micro_f1: f64,
    /// The mean over the labels of each label's F1.
    pub macro_f1: f64,
    /// The mean over the samples of each sample's F1.
    pub example_f1: f64,
}

/// Labels that are found and hold, that are found, and that hold.
#[derive(Clone, Copy, Default)]
struct Counts {
    both: u64,
    found: u64,
    hold: u64,
}

impl Counts {
    fn add(&mut self, found: bool, holds: bool) {
        self.both += u64::from(found && holds);
        self.found += u64::from(found);
        self.hold += u64::from(holds);
    }

    fn f1(self) -> f64 {
        ratio(2 * self.both, self.found + self.hold)
    }
}

fn ratio(part: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { part as f64 / of as f64 }
}

impl MultiLabelScores {
    /// The scores of `found` where `hold` holds: `labels` values for each sample, one after another.
    ///
    /// # Errors
    /// If the two have other numbers of values, or no whole number of samples.
    pub fn of(found: &[bool], hold: &[bool], labels: usize) -> Result<Self> {
        check(found.len(), hold.len(), labels)?;
        let (mut all, mut of_label, mut examples) = (Counts::default(), vec![Counts::default(); labels], 0.0);
        for (found, hold) in found.chunks_exact(labels).zip(hold.chunks_exact(labels)) {
            let mut own = Counts::default();
            for ((&found, &holds), of_label) in found.iter().zip(hold).zip(&mut of_label) {
                own.add(found, holds);
                of_label.add(found, holds);
                all.add(found, holds);
            }
            examples += own.f1();
        }
        Ok(Self {
            precision: ratio(all.both, all.found),
            recall: ratio(all.both, all.hold),
            micro_f1: all.f1(),
            macro_f1: of_label.iter().map(|counts| counts.f1()).sum::<f64>() / labels as f64,
            example_f1: examples / (hold.len() / labels) as f64,
        })
    }
}

fn check(found: usize, hold: usize, labels: usize) -> Result<()> {
    if found != hold || labels == 0 || hold == 0 || !hold.is_multiple_of(labels) {
        return refused(format!(
            "{found} found labels and {hold} that hold, of samples with {labels} labels each"
        ));
    }
    Ok(())
}

/// The threshold of the best micro F1: a label is found where its probability is at least that. `None` where no label holds.
///
/// # Errors
/// If there is not one probability for each label.
pub fn best_threshold(probabilities: &[f32], hold: &[bool]) -> Result<Option<f64>> {
    check(probabilities.len(), hold.len(), 1)?;
    let mut ranked: Vec<(f32, bool)> = probabilities.iter().copied().zip(hold.iter().copied()).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let total = hold.iter().filter(|holds| **holds).count() as u64;
    let (mut counts, mut best) = (Counts { hold: total, ..Counts::default() }, None);
    for (place, &(probability, holds)) in ranked.iter().enumerate() {
        counts.both += u64::from(holds);
        counts.found += 1;
        let next = ranked.get(place + 1).map(|(next, _)| *next);
        if next == Some(probability) {
            continue;
        }
        let f1 = counts.f1();
        if best.is_none_or(|(highest, _)| f1 > highest) && counts.both > 0 {
            // Halfway to the first probability that is not found.
            best = Some((f1, (f64::from(probability) + f64::from(next.unwrap_or(0.0))) / 2.0));
        }
    }
    Ok(best.map(|(_, threshold)| threshold))
}

/// How many rules a sample's found labels break, in the mean over the samples.
///
/// # Errors
/// If the values are no whole number of samples.
pub fn broken_rules(found: &[bool], labels: usize, rules: &[TagRule]) -> Result<f64> {
    check(found.len(), found.len(), labels)?;
    let of_sample = |sample: &[bool]| rules.iter().filter(|rule| rule.is_broken_by(sample)).count();
    let broken: usize = found.chunks_exact(labels).map(of_sample).sum();
    Ok(broken as f64 / (found.len() / labels) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Origin: scikit-learn 1.9, `fixtures/metric_values.py`. A sample and a label have nothing that is found or holds.
    #[test]
    fn scores_equal_those_of_scikit_learn() {
        let scattered = |phase: f64, above: f64| -> Vec<bool> {
            let value = |k: usize| ((k * k) as f64 * 0.7311 + phase).sin() * 2.0 > above;
            let empty = |k: usize| (k - 1) / 7 == 5 || (k - 1) % 7 == 6;
            (1..=40 * 7).map(|k| value(k) && !empty(k)).collect()
        };
        let scores = MultiLabelScores::of(&scattered(0.4, 0.1), &scattered(0.0, 0.4), 7).unwrap();
        for (found, expected) in [
            (scores.precision, 0.875),
            (scores.recall, 0.892_156_862_745_098_1),
            (scores.micro_f1, 0.883_495_145_631_068),
            (scores.macro_f1, 0.754_968_447_710_383_2),
            (scores.example_f1, 0.851_686_507_936_506_6),
        ] {
            assert!((found - expected).abs() < 1e-12, "{found} instead of {expected}");
        }
    }

    #[test]
    fn the_threshold_of_the_best_f1_lies_between_two_probabilities() {
        let probabilities = [0.9, 0.8, 0.6, 0.4, 0.4, 0.1];
        // F1 after each: 2/4, 4/5, 4/6, (two equal ones) 6/8, 6/9: the best is after the second.
        let hold = [true, true, false, true, false, false];
        let found = best_threshold(&probabilities, &hold).unwrap().unwrap();
        assert!((found - 0.7).abs() < 1e-6, "{found}");
        assert_eq!(best_threshold(&probabilities, &[false; 6]).unwrap(), None);
        assert!((best_threshold(&[0.4], &[true]).unwrap().unwrap() - 0.2).abs() < 1e-6);
        assert!(best_threshold(&[0.4], &[true, false]).is_err());
    }

    #[test]
    fn broken_rules_are_a_mean_over_samples() {
        let rules = [TagRule::Implies(0, 1), TagRule::Excludes(1, 2)];
        let found = [true, false, true, true, true, true, false, false, false, true, true, false];
        assert_eq!(broken_rules(&found, 3, &rules).unwrap(), 0.5);
        assert!(broken_rules(&found, 5, &rules).is_err());
    }
}
