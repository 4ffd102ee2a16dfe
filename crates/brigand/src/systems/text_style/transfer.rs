//! Lines of text in the other style, once the networks are trained or while they are.

use brigand_core::batch::{Batch, END, Indices, SECOND_TOKENS, TOKENS, TokenField};
use brigand_core::capability::LineTranslator;
use brigand_core::{Error, Result};

use super::super::text::indices;
use super::{OutputRecipe, STYLES, TextStyle};

/// Lines that are translated at once.
const PORTION: usize = 64;

/// A line, what is made of it in the other style, and what is made of that in its own.
pub(super) struct Round {
    /// The style of the translation.
    pub(super) to: usize,
    pub(super) source: Vec<u32>,
    pub(super) there: Vec<u32>,
    pub(super) back: Vec<u32>,
}

impl Round {
    /// Of the lines of both styles of a batch, those of the first style first.
    pub(super) fn of(translator: &dyn LineTranslator, batch: &Batch) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for (key, to) in [(TOKENS, 1), (SECOND_TOKENS, 0)] {
            let lines = batch.indices(key)?;
            let there = translator.transfer(lines, to)?;
            let back = translator.transfer(&indices(&there), 1 - to)?;
            let rounds = lines.rows()?.map(<[u32]>::to_vec).zip(there).zip(back);
            all.extend(rounds.map(|((source, there), back)| Self { to, source, there, back }));
        }
        Ok(all)
    }
}

impl TextStyle {
    /// `lines` in style `to`, each up to its end, filled up with ends.
    fn transferred(&self, lines: &Indices, to: u32) -> Result<Vec<Vec<u32>>> {
        let (place, length) = (&self.setup.place, self.vocabulary.size().1);
        let styles = vec![to; lines.values.len() / length.max(1)];
        let idle = place.numbers(vec![0.0], &[1])?;
        let values: Vec<u32> = self.generator.sample(&idle, |generator, pass| {
            let source = generator.embed(pass, lines, place)?;
            let memory = generator.encode(pass, &source, &styles)?;
            match self.recipe.output {
                OutputRecipe::Words { .. } => {
                    let mut tokens = Vec::with_capacity(length);
                    generator.write_words(pass, &memory, place, |logits| {
                        let likeliest = self.vocabulary.likeliest(logits)?;
                        let choice = place.one_hot(&likeliest, self.vocabulary.size().0);
                        tokens.push(likeliest);
                        choice
                    })?;
                    // Position by position, to line by line.
                    let line = |number: usize| tokens.iter().filter_map(move |at| at.get(number).copied());
                    Ok((0..styles.len()).flat_map(line).collect())
                }
                OutputRecipe::Vectors {} => {
                    let written = generator.write_vectors(pass, &memory)?;
                    let nearest = generator.nearest(pass, &written)?.into_iter();
                    let of = |(word, own): (u32, &u32)| if *own == END { END } else { word };
                    Ok(nearest.zip(&lines.values).map(of).collect())
                }
            }
        })?;
        Ok(values.chunks(length.max(1)).map(up_to_end).collect())
    }

    /// Some lines of each style, what is made of them, and what is made of that in their own style.
    pub(super) fn table(&self, examples: &Batch) -> Result<Vec<String>> {
        let mut rows = vec![["source", "transferred", "back"].map(str::to_owned)];
        for Round { source, there, back, .. } in Round::of(self, examples)? {
            rows.push([source, there, back].map(|tokens| self.vocabulary.text(&tokens)));
        }
        let width = |column: usize| {
            rows.iter().filter_map(|row| row.get(column)).map(|text| text.chars().count()).max().unwrap_or(0)
        };
        let (first, second) = (width(0), width(1));
        let line = |[a, b, c]: &[String; 3]| format!("{a:first$} | {b:second$} | {c}").trim_end().to_owned();
        Ok(rows.iter().map(line).collect())
    }
}

/// A line with nothing but ends after its first end.
fn up_to_end(line: &[u32]) -> Vec<u32> {
    let words = line.iter().copied().take_while(|&token| token != END);
    words.chain(std::iter::repeat(END)).take(line.len()).collect()
}

impl LineTranslator for TextStyle {
    fn styles(&self) -> [&str; 2] {
        STYLES
    }

    fn lines(&self) -> TokenField<'_> {
        self.vocabulary.field()
    }

    fn transfer(&self, lines: &Indices, to: usize) -> Result<Vec<Vec<u32>>> {
        let style = match to {
            0 | 1 => to as u32,
            other => return Err(Error::Request(format!("there is no style {other}; give 0 or 1"))),
        };
        let mut all = Vec::new();
        for portion in lines.portions(PORTION)? {
            all.extend(self.transferred(&portion, style)?);
        }
        Ok(all)
    }
}
