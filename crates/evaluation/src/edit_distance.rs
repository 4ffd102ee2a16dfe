//! How far one sequence is from another (Levenshtein 1966), and error rates from it.

/// The fewest edits that make the given sequence the reference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Edits {
    /// Items that are others.
    pub substitutions: usize,
    /// Items of the reference that the given sequence lacks.
    pub deletions: usize,
    /// Items of the given sequence that the reference lacks.
    pub insertions: usize,
    /// Items of the reference.
    pub reference: usize,
}

impl Edits {
    /// From `found` to `reference`.
    pub fn between<T: PartialEq>(reference: &[T], found: &[T]) -> Self {
        let start = |insertions| Self { insertions, ..Self::default() };
        let mut row: Vec<Self> = (0..=found.len()).map(start).collect();
        for item in reference {
            let mut diagonal = row.first().copied().unwrap_or_default();
            if let Some(first) = row.first_mut() {
                first.deletions += 1;
            }
            for (place, other) in found.iter().enumerate() {
                let (Some(&left), Some(&above)) = (row.get(place), row.get(place + 1)) else { break };
                let kept =
                    Self { substitutions: diagonal.substitutions + usize::from(item != other), ..diagonal };
                let inserted = Self { insertions: left.insertions + 1, ..left };
                let deleted = Self { deletions: above.deletions + 1, ..above };
                let best = [kept, inserted, deleted].into_iter().min_by_key(Self::count).unwrap_or(kept);
                diagonal = above;
                if let Some(own) = row.get_mut(place + 1) {
                    *own = best;
                }
            }
        }
        Self { reference: reference.len(), ..row.last().copied().unwrap_or_default() }
    }

    /// How many edits there are.
    pub fn count(&self) -> usize {
        self.substitutions + self.deletions + self.insertions
    }

    /// Edits for an item of the reference, as the phone error rate and the word error rate are; more than 1 is possible. An
    /// empty reference has rate 0 where nothing was found, and infinity otherwise.
    pub fn rate(&self) -> f64 {
        match (self.count(), self.reference) {
            (0, 0) => 0.0,
            (count, reference) => count as f64 / reference as f64,
        }
    }
}

impl std::ops::Add for Edits {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            substitutions: self.substitutions + other.substitutions,
            deletions: self.deletions + other.deletions,
            insertions: self.insertions + other.insertions,
            reference: self.reference + other.reference,
        }
    }
}

impl std::iter::Sum for Edits {
    fn sum<I: Iterator<Item = Self>>(edits: I) -> Self {
        edits.fold(Self::default(), |sum, one| sum + one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edits(reference: &str, found: &str) -> (usize, usize, usize) {
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        let found = Edits::between(&letters(reference), &letters(found));
        (found.substitutions, found.deletions, found.insertions)
    }

    #[test]
    fn known_distances() {
        assert_eq!(edits("kitten", "sitting"), (2, 0, 1));
        assert_eq!(edits("abc", "abc"), (0, 0, 0));
        assert_eq!(edits("abc", ""), (0, 3, 0));
        assert_eq!(edits("", "ab"), (0, 0, 2));
        assert_eq!(edits("abcd", "acd"), (0, 1, 0));
        let all: Edits = [Edits::between(&[1, 2, 3], &[1, 3]), Edits::between(&[4], &[5])].into_iter().sum();
        assert_eq!((all.count(), all.reference), (2, 4));
        assert_eq!(all.rate(), 0.5);
        assert_eq!(Edits::between(&[1], &[2, 3, 4]).rate(), 3.0);
        assert_eq!(Edits::between::<u8>(&[], &[]).rate(), 0.0);
    }
}
