//! Sequences of tokens: what each stands for, and lines from them and to them.

use crate::error::{Error, Result};

/// The token that ends a sequence and fills the rest of its length.
pub const END: u32 = 0;
/// In captions the token of every word that the vocabulary lacks.
pub const UNKNOWN: u32 = 1;

/// In lines of text the word that stands for every word which is rare.
pub const UNKNOWN_WORD: &str = "<unk>";

/// A field of sequences.
#[derive(Clone, Copy, Debug)]
pub struct TokenField<'a> {
    /// The word of each number.
    pub vocabulary: &'a [String],
    /// What stands between two words.
    pub separator: &'a str,
    /// Tokens of a sequence, with those that fill it up.
    pub length: usize,
    /// Some sequences of the data.
    pub examples: &'a [Vec<u32>],
}

impl TokenField<'_> {
    /// The words of a sequence up to its end.
    pub fn words(&self, tokens: &[u32]) -> Vec<String> {
        let tokens = tokens.iter().take_while(|&&token| token != END);
        let words =
            tokens.map(|&token| self.vocabulary.get(token as usize).map_or("\u{fffd}", String::as_str));
        words.map(str::to_owned).collect()
    }

    /// A sequence up to its end as people read it.
    pub fn text(&self, tokens: &[u32]) -> String {
        self.words(tokens).join(self.separator)
    }

    /// The tokens of a line, filled up with ends. A word that the vocabulary lacks becomes [`UNKNOWN_WORD`], if that is one of its
    /// words.
    ///
    /// # Errors
    /// If the line is empty, has too many tokens, or one that nothing stands for.
    pub fn tokens(&self, line: &str) -> Result<Vec<u32>> {
        let words: Vec<String> = match self.separator {
            "" => line.trim_end().chars().map(String::from).collect(),
            _ => line.split_whitespace().map(str::to_owned).collect(),
        };
        if words.is_empty() {
            return Err(Error::Request("it is empty; leave it out".into()));
        }
        if words.len() > self.length {
            return Err(Error::Request(format!(
                "it has {} tokens, and the run was trained on lines of at most {}; shorten it",
                words.len(),
                self.length
            )));
        }
        let number = |word: &str| {
            let known = self.vocabulary.iter().zip(0..).skip(1).find(|(known, _)| *known == word);
            known.map(|(_, token)| token)
        };
        let unknown = number(UNKNOWN_WORD);
        let mut tokens = Vec::with_capacity(self.length);
        for word in &words {
            tokens.push(number(word).or(unknown).ok_or_else(|| {
                Error::Request(format!(
                    "`{word}` is in no line that the run was trained on; give another word for it"
                ))
            })?);
        }
        tokens.resize(self.length, END);
        Ok(tokens)
    }
}
