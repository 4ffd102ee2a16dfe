//! What tells one data set from another, so that a run can notice that its data has changed.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Names of classes in a sentence.
const NAMED: usize = 5;

/// What tells a data set, as it was read, from another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fingerprint {
    /// Number of samples.
    pub samples: usize,
    /// Shape of one sample.
    pub shape: Vec<usize>,
    /// The names of the classes, in their order; of text nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// SHA-256 of all values and classes, in the order of the samples.
    pub sha256: String,
}

impl Fingerprint {
    /// What is different now, a clause for each thing; nothing where the data is the same.
    pub fn differences(&self, now: &Self) -> Vec<String> {
        let mut found = Vec::new();
        if now.samples != self.samples {
            found.push(format!("{} samples instead of {}", now.samples, self.samples));
        }
        if now.shape != self.shape {
            found.push(format!("samples of shape {:?} instead of {:?}", now.shape, self.shape));
        }
        let only_in = |some: &[String], others: &[String]| -> Vec<String> {
            some.iter().filter(|class| !others.contains(class)).map(|class| format!("`{class}`")).collect()
        };
        let (new, gone) = (only_in(&now.classes, &self.classes), only_in(&self.classes, &now.classes));
        for (classes, what) in [(&new, "new"), (&gone, "gone")] {
            if !classes.is_empty() {
                let more = classes.len().saturating_sub(NAMED);
                let names: Vec<&str> = classes.iter().take(NAMED).map(String::as_str).collect();
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                found.push(format!("classes that are {what}: {}{more}", names.join(", ")));
            }
        }
        if new.is_empty() && gone.is_empty() && now.classes != self.classes {
            found.push("its classes in another order".to_owned());
        }
        if found.is_empty() && now.sha256 != self.sha256 {
            found.push("as many samples, but with other values, classes or in another order".to_owned());
        }
        found
    }
}

/// The SHA-256 of values of several kinds, one after another.
#[derive(Default)]
pub(crate) struct Content(Sha256);

impl Content {
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    pub(crate) fn numbers(&mut self, values: &[f32]) {
        self.words(values, |value| value.to_le_bytes());
    }

    pub(crate) fn indices(&mut self, values: &[u32]) {
        self.words(values, |value| value.to_le_bytes());
    }

    /// Many at once, since the digest of four bytes costs more than they do.
    fn words<T: Copy>(&mut self, values: &[T], bytes: impl Fn(T) -> [u8; 4]) {
        self.0.update((values.len() as u64).to_le_bytes());
        for some in values.chunks(1024) {
            self.0.update(some.iter().flat_map(|&value| bytes(value)).collect::<Vec<u8>>());
        }
    }

    pub(crate) fn finish(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Dataset, Labels};

    fn of(values: &[f32], labels: &[u32], classes: &[&str]) -> Fingerprint {
        let classes = classes.iter().map(ToString::to_string).collect();
        let labels = Labels { classes, values: labels.to_vec() };
        Dataset::from_values("a", values.to_vec(), &[1]).unwrap().with_labels(labels).unwrap().fingerprint()
    }

    #[test]
    fn what_differs_is_named() {
        let before = of(&[0.0, 1.0, 2.0], &[0, 1, 1], &["cats", "dogs"]);
        let now = |values: &[f32], labels: &[u32], classes: &[&str]| {
            before.differences(&of(values, labels, classes)).join("; ")
        };
        assert_eq!(now(&[0.0, 1.0, 2.0], &[0, 1, 1], &["cats", "dogs"]), "");
        assert_eq!(now(&[0.0, 1.0, 2.0, 3.0], &[0, 1, 1, 1], &["cats", "dogs"]), "4 samples instead of 3");
        // A class with another name moves in the order, and so shifts those between.
        assert_eq!(
            now(&[0.0, 1.0, 2.0], &[1, 0, 0], &["dogs", "felines"]),
            "classes that are new: `felines`; classes that are gone: `cats`"
        );
        assert_eq!(now(&[0.0, 1.0, 2.0], &[1, 0, 0], &["dogs", "cats"]), "its classes in another order");
        let other = "as many samples, but with other values, classes or in another order";
        assert_eq!(now(&[0.0, 1.0, 2.5], &[0, 1, 1], &["cats", "dogs"]), other);
        assert_eq!(now(&[0.0, 1.0, 2.0], &[0, 0, 1], &["cats", "dogs"]), other);
        assert_eq!(now(&[1.0, 0.0, 2.0], &[1, 0, 1], &["cats", "dogs"]), other);
        let wide = Dataset::from_values("a", vec![0.0; 6], &[2]).unwrap().fingerprint();
        assert!(before.differences(&wide).join("; ").contains("shape [2] instead of [1]"));
    }
}
