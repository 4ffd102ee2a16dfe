//! An encoder of captions: from a sequence of words to one vector.

use brigand_autograd::{Activation, Variable};
use serde::{Deserialize, Serialize};

use crate::batch::{END, Indices, UNKNOWN};
use crate::error::{Error, Result};
use crate::limits::within;
use crate::modules::{Builder, Initialization, Linear, Lstm, LstmState, Pass, PixelNorm, Plan, WeightId};
use crate::place::Place;

/// How the words of a caption become one vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaptionReader {
    /// An LSTM reads them one after another.
    Recurrent,
    /// Their mean, whatever their order.
    Bag,
}

/// The size of an encoder of captions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaptionEncoderRecipe {
    /// How the words become one vector.
    pub reader: CaptionReader,
    /// Numbers of a word.
    pub word: usize,
    /// Numbers in the state of the LSTM, or in the hidden layer behind the mean.
    pub hidden: usize,
}

impl CaptionEncoderRecipe {
    /// Refuses sizes that no network has.
    ///
    /// # Errors
    /// [`Error::Recipe`], saying which to give.
    pub fn check(&self) -> Result<()> {
        for (key, value) in [("word", self.word), ("hidden", self.hidden)] {
            within(&format!("caption_encoder.{key}"), value, 1..=8192)?;
        }
        Ok(())
    }
}

enum Reader {
    Recurrent(Lstm),
    Bag(Linear),
}

/// From captions `[batch, length]` to vectors `[batch, size]` whose mean square is 1. A word starts as a vector of zeros, and
/// the unknown word stays one, so that a word which training never has says nothing.
pub struct CaptionEncoder {
    words: WeightId,
    reader: Reader,
    hidden: usize,
    last: Linear,
}

impl CaptionEncoder {
    /// An encoder of captions over so many words to vectors of so many numbers.
    ///
    /// # Errors
    /// If a path is taken.
    pub fn new(
        b: &mut Builder,
        recipe: &CaptionEncoderRecipe,
        (vocabulary, size): (usize, usize),
    ) -> Result<Self> {
        let (CaptionEncoderRecipe { reader, word, hidden }, plan) =
            (*recipe, Plan::new(Initialization::Glorot));
        Ok(Self {
            words: b.weight("words", &[vocabulary, word], (vocabulary, word), Initialization::ZERO)?,
            reader: match reader {
                CaptionReader::Recurrent => {
                    Reader::Recurrent(b.block("cell", |b| Lstm::new(b, word, hidden, &plan))?)
                }
                CaptionReader::Bag => {
                    Reader::Bag(b.block("hidden", |b| Linear::new(b, word, hidden, &plan))?)
                }
            },
            hidden,
            last: b.block("last", |b| Linear::new(b, hidden, size, &plan))?,
        })
    }

    /// The vectors of `captions` `[batch, length]`.
    ///
    /// # Errors
    /// If they are none, or have words beyond the vocabulary.
    pub fn run(&self, pass: &mut Pass<'_>, captions: &Indices, place: &Place) -> Result<Variable> {
        let &[batch, length] = captions.shape.as_slice() else {
            return Err(Error::Internal(format!("captions are [batch, length], not {:?}", captions.shape)));
        };
        let table = pass.weight(self.words)?;
        // Position by position, so that a step of the LSTM is a run of rows.
        let tokens: Vec<u32> = (0..length)
            .flat_map(|position| captions.values.iter().skip(position).step_by(length.max(1)).copied())
            .collect();
        let share = |keep: fn(u32) -> bool| -> Result<Variable> {
            let kept = tokens.iter().map(|&token| f32::from(u8::from(keep(token)))).collect();
            place.numbers(kept, &[length * batch, 1])
        };
        let known = share(|token| token != END && token != UNKNOWN)?;
        let present = share(|token| token != END)?;
        let words = table.index_select(0, &tokens)?.mul(&known)?;
        let at = |of: &Variable, position: usize| of.narrow(0, position * batch, batch);
        let read = match &self.reader {
            Reader::Recurrent(cell) => {
                let zeros = place.numbers(vec![0.0; batch * self.hidden], &[batch, self.hidden])?;
                let start = LstmState { hidden: zeros.clone(), cell: zeros };
                let all = |of: &Variable| -> Result<Vec<Variable>> {
                    (0..length).map(|position| Ok(at(of, position)?)).collect()
                };
                cell.unroll_present(pass, &all(&words)?, &all(&present)?, start)?.1.hidden
            }
            Reader::Bag(layer) => {
                let over = |of: &Variable| -> Result<Variable> {
                    Ok(of.reshape(&[length, batch, of.elements() / (length * batch).max(1)])?.sum(&[0])?)
                };
                let counts = over(&present)?;
                let mean = over(&words)?.div(&counts.maximum(&counts.full_like(1.0)?)?)?;
                layer.run(pass, &mean)?.activate(Activation::LeakyRelu(0.2))?
            }
        };
        let vectors = self.last.run(pass, &read)?;
        PixelNorm.run(pass, &vectors)
    }
}
