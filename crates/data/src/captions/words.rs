//! The words of captions.

use std::collections::BTreeMap;

use brigand_core::batch::{END, UNKNOWN, UNKNOWN_CAPTION_WORD};
use brigand_core::{Error, Result};

use crate::text::{Tokens, numbers, vocabulary};

/// The tokens of a caption: it is read in lower case, and punctuation separates words as white space does.
pub fn caption_tokens(caption: &str, tokens: Tokens) -> Vec<String> {
    let plain = |symbol: char| if is_punctuation(symbol) { ' ' } else { symbol };
    let text: String = caption.to_lowercase().chars().map(plain).collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    tokens.split(&words.join(" "))
}

/// What the tokens of captions are between which stands `separator`.
pub fn tokens_between(separator: &str) -> Tokens {
    if separator.is_empty() { Tokens::Characters } else { Tokens::Words }
}

/// ASCII punctuation, and that of other scripts which stands between words. Joiners inside words are none.
fn is_punctuation(symbol: char) -> bool {
    symbol.is_ascii_punctuation()
        || matches!(
            symbol,
            '\u{a1}' | '\u{ab}' | '\u{bb}' | '\u{bf}' | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}'
                | '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}' | '\u{ff01}' | '\u{ff0c}' | '\u{ff1a}'
                | '\u{ff1b}' | '\u{ff1f}' | '\u{60c}' | '\u{61b}' | '\u{61f}' | '\u{964}' | '\u{965}'
        )
}

/// A vocabulary of words, and how many of them a caption has at most.
#[derive(Clone)]
pub(crate) struct Words {
    /// The end, the unknown word, and the words in their order.
    pub(crate) vocabulary: Vec<String>,
    pub(crate) tokens: Tokens,
    pub(crate) length: usize,
    numbers: BTreeMap<String, u32>,
}

impl Words {
    /// All tokens of `captions`.
    ///
    /// # Errors
    /// If there are too many.
    pub(crate) fn of<'a>(
        captions: impl Iterator<Item = &'a Vec<String>>,
        tokens: Tokens,
        length: usize,
    ) -> Result<Self> {
        if length == 0 {
            return Err(Error::Recipe("data.length is 0; give captions at least 1 word".into()));
        }
        let vocabulary = vocabulary(captions, &["", UNKNOWN_CAPTION_WORD])?;
        let numbers = numbers(&vocabulary, 2).into_iter().map(|(word, number)| (word.clone(), number));
        Ok(Self { numbers: numbers.collect(), vocabulary, tokens, length })
    }

    /// A caption as a sequence, filled up at its end.
    pub(crate) fn row(&self, caption: &[String]) -> impl Iterator<Item = u32> {
        let own = caption.iter().map(|word| self.numbers.get(word).copied().unwrap_or(UNKNOWN));
        own.chain(std::iter::repeat(END)).take(self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_of_any_script_are_split_without_their_punctuation() {
        let words = |text| caption_tokens(text, Tokens::Words);
        assert_eq!(words("A man's  «Blue-eyed» dog…"), ["a", "man", "s", "blue", "eyed", "dog"]);
        assert_eq!(words("красный круг, слева"), ["красный", "круг", "слева"]);
        assert_eq!(words("红色的，圆形"), ["红色的", "圆形"]);
        assert_eq!(caption_tokens("红色，圆", Tokens::Characters), ["红", "色", " ", "圆"]);
        assert_eq!(words(" .,! "), Vec::<String>::new());
        assert_eq!(words("می\u{200c}روم؟"), ["می\u{200c}روم"]);
    }
}
