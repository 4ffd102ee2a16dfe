//! What tokens of a system stand for.

use brigand_autograd::Variable;
use brigand_core::batch::{Batch, IndexKey, Indices, TOKENS, TokenField};
use brigand_core::objectives::largest;
use brigand_core::{Place, Result, Setup};

/// The words of the data's tokens, and how many tokens a sequence has.
pub(in crate::systems) struct Vocabulary {
    words: Vec<String>,
    separator: String,
    length: usize,
}

impl Vocabulary {
    /// That of the data which a system is built for.
    ///
    /// # Errors
    /// If the data has no sequences.
    pub(in crate::systems) fn of(setup: &Setup) -> Result<Self> {
        Self::of_field(setup, TOKENS)
    }

    /// That of the sequences called `key`.
    ///
    /// # Errors
    /// If the data has none.
    pub(in crate::systems) fn of_field(setup: &Setup, key: IndexKey) -> Result<Self> {
        let field = setup.schema.tokens(key)?;
        Ok(Self {
            words: field.vocabulary.to_vec(),
            separator: field.separator.to_owned(),
            length: field.length,
        })
    }

    pub(in crate::systems) fn words(&self) -> &[String] {
        &self.words
    }

    /// Different tokens, and tokens of a sequence.
    pub(in crate::systems) fn size(&self) -> (usize, usize) {
        (self.words.len(), self.length)
    }

    /// What stands between two words.
    pub(in crate::systems) fn separator(&self) -> &str {
        &self.separator
    }

    /// The token of a word.
    pub(in crate::systems) fn token(&self, word: &str) -> Option<u32> {
        self.field().token(word)
    }

    /// It as the field that it is of.
    pub(in crate::systems) fn field(&self) -> TokenField<'_> {
        let Self { words: vocabulary, separator, length } = self;
        TokenField { vocabulary, separator, length: *length, examples: &[] }
    }

    /// A sequence up to its end as people read it.
    pub(in crate::systems) fn text(&self, tokens: &[u32]) -> String {
        self.field().text(tokens)
    }

    /// The sequences of a batch, `[batch, length, vocabulary]`.
    pub(in super::super) fn one_hot_batch(&self, batch: &Batch, place: &Place) -> Result<Variable> {
        self.one_hot(batch.indices(TOKENS)?, place)
    }

    /// `lines` `[batch, length]` as `[batch, length, vocabulary]`.
    pub(in super::super) fn one_hot(&self, lines: &Indices, place: &Place) -> Result<Variable> {
        let rows = place.one_hot(&lines.values, self.words.len())?;
        Ok(rows.reshape(&[lines.shape.as_slice(), &[self.words.len()]].concat())?)
    }

    /// The most probable token of each of `rows` `[.., vocabulary]`.
    pub(in crate::systems) fn likeliest(&self, rows: &Variable) -> Result<Vec<u32>> {
        Ok(rows.to_vec_f32()?.chunks(self.words.len().max(1)).map(|row| largest(row) as u32).collect())
    }

    /// The most probable tokens of `rows` `[batch, length, vocabulary]`.
    pub(in super::super) fn largest(&self, rows: &Variable) -> Result<Vec<Vec<u32>>> {
        let tokens = self.likeliest(rows)?;
        Ok(tokens.chunks(self.length.max(1)).map(<[u32]>::to_vec).collect())
    }
}

/// Sequences of one length as `[batch, length]`.
pub(in crate::systems) fn indices(lines: &[Vec<u32>]) -> Indices {
    Indices { values: lines.concat(), shape: vec![lines.len(), lines.first().map_or(0, Vec::len)] }
}
