//! Sequences of tokens: what each stands for, and lines from them and to them.

use crate::error::{Error, Result};

/// The token that ends a sequence and fills the rest of its length.
pub const END: u32 = 0;
/// In captions the token of every word that the vocabulary lacks.
pub const UNKNOWN: u32 = 1;

/// In lines of text the word that stands for every word which is rare.
pub const UNKNOWN_WORD: &str = "<unk>";

/// The same in captions.
pub const UNKNOWN_CAPTION_WORD: &str = "<unknown>";

/// All words that stand for unknown ones.
pub(super) const UNKNOWN_WORDS: [&str; 2] = [UNKNOWN_WORD, UNKNOWN_CAPTION_WORD];

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

    /// The token of a word; none of the end.
    pub fn token(&self, word: &str) -> Option<u32> {
        self.vocabulary.iter().zip(0..).skip(1).find(|(known, _)| *known == word).map(|(_, token)| token)
    }

    /// Refuses a field over other words than `data`: the weights of a system belong to numbered tokens, which would mean other
    /// words.
    ///
    /// # Errors
    /// [`Error::Data`], naming a word that is new.
    pub fn refuse_other_vocabulary(&self, data: &TokenField<'_>) -> Result<()> {
        if self.vocabulary == data.vocabulary {
            return Ok(());
        }
        let new = data.vocabulary.iter().find(|token| !self.vocabulary.contains(token));
        let new = new.map_or_else(|| "in another order".to_owned(), |token| format!("for example `{token}`"));
        Err(Error::Data(format!(
            "the run was trained on a vocabulary of {} tokens, and the data has another of {}, {new}; train a new run on this data",
            self.vocabulary.len(),
            data.vocabulary.len()
        )))
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
            return Err(Error::Request("the line is empty; leave it out".into()));
        }
        if words.len() > self.length {
            return Err(Error::Request(format!(
                "the line has {} tokens, and the run was trained on lines of at most {}; shorten it",
                words.len(),
                self.length
            )));
        }
        let unknown = self.token(UNKNOWN_WORD);
        let mut tokens = Vec::with_capacity(self.length);
        for word in &words {
            tokens.push(self.token(word).or(unknown).ok_or_else(|| {
                Error::Request(format!(
                    "`{word}` is in no line that the run was trained on; give another word for it"
                ))
            })?);
        }
        tokens.resize(self.length, END);
        Ok(tokens)
    }
}
