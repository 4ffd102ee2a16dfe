//! Held-out sequences in the words of those that are trained on.

use std::collections::BTreeMap;

use super::schema::{Kind, Schema, other_labels};
use super::source::{HostBatch, HostField, Source};
use super::tokens::UNKNOWN_WORDS;
use crate::error::{Error, Result};
use crate::random::Stream;

/// A source with the tokens of another vocabulary.
struct Reworded {
    source: Box<dyn Source>,
    schema: Schema,
    /// For each field of tokens that changes the new number of each old one.
    numbers: BTreeMap<String, Vec<u32>>,
}

/// `apart` with its sequences over the vocabularies of `trained`: words that these lack become the unknown word. Labels of several
/// for a sample, and those of maps, must be the same.
///
/// # Errors
/// If a word is new and there is no unknown one, or labels differ.
pub(super) fn in_words_of(trained: &Schema, apart: Box<dyn Source>) -> Result<Box<dyn Source>> {
    let mut schema = apart.schema();
    let mut numbers = BTreeMap::new();
    for (name, field) in &trained.fields {
        let Some(own) = schema.fields.get_mut(name) else { continue };
        match &field.kind {
            Kind::Tokens { vocabulary, .. } => {
                if let Kind::Tokens { vocabulary: words, .. } = &own.kind
                    && vocabulary != words
                {
                    numbers.insert(name.clone(), renumbered(vocabulary, words)?);
                    own.kind = field.kind.clone();
                }
            }
            Kind::Tags { .. } | Kind::LabelMap { .. } => {
                if let Some(differences) = other_labels(&labels(&field.kind), &labels(&own.kind)) {
                    return Err(Error::Data(format!(
                        "held-out samples have other labels; {differences}; give held-out samples with the same labels"
                    )));
                }
            }
            Kind::Image {}
            | Kind::Frames {}
            | Kind::Points {}
            | Kind::Class { .. }
            | Kind::Spectrogram { .. }
            | Kind::Features { .. }
            | Kind::Number {}
            | Kind::Audio { .. } => {}
        }
    }
    Ok(if numbers.is_empty() { apart } else { Box::new(Reworded { source: apart, schema, numbers }) })
}

/// The names of the labels of a field, if it has some.
fn labels(kind: &Kind) -> Vec<String> {
    match kind {
        Kind::Tags { names, .. } => names.clone(),
        Kind::LabelMap { labels } => labels.iter().map(|label| label.name.clone()).collect(),
        Kind::Image {}
        | Kind::Frames {}
        | Kind::Points {}
        | Kind::Class { .. }
        | Kind::Spectrogram { .. }
        | Kind::Features { .. }
        | Kind::Number {}
        | Kind::Audio { .. }
        | Kind::Tokens { .. } => Vec::new(),
    }
}

/// The number in `vocabulary` of each of `words`.
fn renumbered(vocabulary: &[String], words: &[String]) -> Result<Vec<u32>> {
    let places: BTreeMap<&String, u32> = vocabulary.iter().zip(0..).collect();
    let unknown = UNKNOWN_WORDS.into_iter().find_map(|word| places.get(&word.to_owned()).copied());
    let number = |word: &String| {
        places.get(word).copied().or(unknown).ok_or_else(|| {
            Error::Data(format!(
                "`{word}` of the held-out samples is in none that is trained on; leave its samples out, or train on some with it"
            ))
        })
    };
    words.iter().map(number).collect()
}

impl Reworded {
    fn with_numbers(&self, mut batch: HostBatch) -> Result<HostBatch> {
        for (name, field) in &mut batch {
            if let (Some(numbers), HostField::Indices(tokens)) = (self.numbers.get(*name), field) {
                for token in &mut tokens.values {
                    let missing = || Error::Internal(format!("`{name}` has a token beyond its vocabulary"));
                    *token = *numbers.get(*token as usize).ok_or_else(missing)?;
                }
            }
        }
        Ok(batch)
    }
}

impl Source for Reworded {
    fn count(&self) -> usize {
        self.source.count()
    }

    fn schema(&self) -> Schema {
        self.schema.clone()
    }

    fn get(&self, numbers: &[usize], stream: &mut Stream) -> Result<HostBatch> {
        self.with_numbers(self.source.get(numbers, stream)?)
    }

    fn get_plain(&self, numbers: &[usize], stream: &mut Stream) -> Result<HostBatch> {
        self.with_numbers(self.source.get_plain(numbers, stream)?)
    }

    fn labels(&self, numbers: &[usize]) -> Result<Option<Vec<u32>>> {
        self.source.labels(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_the_numbers_of_those_that_are_trained_on() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let trained = words(&["", "<unknown>", "blue", "disc", "red"]);
        assert_eq!(
            renumbered(&trained, &words(&["", "<unknown>", "disc", "green", "red"])).unwrap(),
            [0, 1, 3, 1, 4]
        );
        let message = renumbered(&words(&["", "a"]), &words(&["", "b"])).unwrap_err().to_string();
        assert!(message.contains("`b` of the held-out samples"), "{message}");
    }
}
