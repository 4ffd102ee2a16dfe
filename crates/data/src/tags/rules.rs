//! What holds between labels in all samples, found by counting.

use brigand_core::batch::TagRule;

/// Samples that would break a rule if its two labels were independent, at the least. Independent labels then show none by
/// chance in one of 22,000 pairs.
const EXPECTED: f64 = 10.0;
/// Rules that are kept, at most: with thousands of labels millions of pairs never meet, and every checkpoint notes the rules.
const MOST: usize = 10_000;

/// The implications and exclusions that hold in all samples, where that is no chance; of more than [`MOST`] those that most samples
/// would break by chance. `values` has `labels` values for each sample.
pub(super) fn rules_of(values: &[bool], labels: usize) -> Vec<TagRule> {
    let samples = values.chunks_exact(labels.max(1));
    let total = samples.len() as f64;
    let (mut single, mut both) = (vec![0_u32; labels], vec![0_u32; labels * labels]);
    for sample in samples {
        let present: Vec<usize> =
            sample.iter().enumerate().filter(|(_, holds)| **holds).map(|(label, _)| label).collect();
        for &first in &present {
            single[first] += 1;
            for &second in &present {
                both[first * labels + second] += 1;
            }
        }
    }
    let mut rules = Vec::new();
    for first in 0..labels {
        for second in (0..labels).filter(|&second| second != first) {
            let together = f64::from(both[first * labels + second]);
            let (own, other) = (f64::from(single[first]), f64::from(single[second]));
            let (without, both) = (own * (1.0 - other / total), own * other / total);
            if together == own && without >= EXPECTED {
                rules.push((without, TagRule::Implies(first, second)));
            }
            if first < second && together == 0.0 && both >= EXPECTED {
                rules.push((both, TagRule::Excludes(first, second)));
            }
        }
    }
    rules.sort_by(|(one, first), (other, second)| other.total_cmp(one).then_with(|| first.cmp(second)));
    let mut rules: Vec<TagRule> = rules.into_iter().take(MOST).map(|(_, rule)| rule).collect();
    rules.sort_unstable();
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples with these labels, so many of each.
    fn samples(of: &[(usize, [bool; 3])]) -> Vec<bool> {
        of.iter().flat_map(|(count, labels)| labels.repeat(*count)).collect()
    }

    #[test]
    fn rules_are_what_no_sample_breaks_and_many_would_by_chance() {
        let (yes, no) = (true, false);
        let some = [(40, [yes, yes, no]), (40, [no, yes, no]), (40, [no, no, yes]), (40, [no, no, no])];
        // 20 of 40 samples with the first label would lack the second, 20 samples would have the second and the third.
        let found = rules_of(&samples(&some), 3);
        let expected = [TagRule::Implies(0, 1), TagRule::Excludes(0, 2), TagRule::Excludes(1, 2)];
        assert_eq!(found, expected);
        // One exception ends a rule.
        let exception = [&some[..], &[(1, [yes, no, no])]].concat();
        assert_eq!(rules_of(&samples(&exception), 3), [TagRule::Excludes(0, 2), TagRule::Excludes(1, 2)]);
        // Of a fifth of the samples nothing is certain: 4 would break the first rule.
        let few = some.map(|(count, labels)| (count / 5, labels));
        assert_eq!(rules_of(&samples(&few), 3), []);
    }
}
