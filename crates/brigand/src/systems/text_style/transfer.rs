//! Lines of text in the other style, once the networks are trained or while they are.

use brigand_core::batch::{Batch, END, Indices, SECOND_TOKENS, TOKENS, TokenField};
use brigand_core::capability::LineTranslator;
use brigand_core::{Error, Result};

use super::super::text::indices;
use super::{OutputRecipe, STYLES, TextStyle};

/// Lines that are translated at once.
const PORTION: usize = 64;

impl TextStyle {
    /// `lines` in style `to`, each up to its end, filled up with ends.
    fn transferred(&self, lines: &Indices, to: u32) -> Result<Vec<Vec<u32>>> {
        let (place, length) = (&self.setup.place, self.vocabulary.size().1);
        let styles = vec![to; lines.values.len() / length.max(1)];
        let idle = place.numbers(vec![0.0], &[1])?;
        let values = self.generator.sample(&idle, |generator, pass| {
            let source = generator.embed(pass, lines, place)?;
            let memory = generator.encode(pass, &source, &styles)?;
            match self.recipe.output {
                OutputRecipe::Words { .. } => {
                    let rows = generator.decode(pass, &memory, |pass, position, written| {
                        let logits = generator.logits_at(pass, (position, place), written)?;
                        let likeliest = self.vocabulary.likeliest(&logits)?;
                        let choice = place.one_hot(&likeliest, self.vocabulary.size().0)?;
                        let vectors = generator.vectors(pass, &choice)?;
                        Ok((choice, vectors))
                    })?;
                    self.vocabulary.likeliest(&rows)
                }
                OutputRecipe::Vectors {} => {
                    let written = generator
                        .decode(pass, &memory, |_, _, written| Ok((written.clone(), written.clone())))?;
                    let nearest = generator.nearest(pass, &written)?;
                    let ended = lines.values.iter().map(|token| *token == END);
                    Ok(nearest
                        .into_iter()
                        .zip(ended)
                        .map(|(word, ended)| if ended { END } else { word })
                        .collect())
                }
            }
        })?;
        Ok(values.chunks(length.max(1)).map(up_to_end).collect())
    }

    /// Some lines of each style, what is made of them, and what is made of that in their own style.
    pub(super) fn table(&self, examples: &Batch) -> Result<Vec<String>> {
        let mut rows = vec![["source", "transferred", "back"].map(str::to_owned)];
        for (key, to) in [(TOKENS, 1), (SECOND_TOKENS, 0)] {
            let lines = examples.indices(key)?;
            let there = self.transfer(lines, to)?;
            let back = self.transfer(&indices(&there), 1 - to)?;
            let length = self.vocabulary.size().1.max(1);
            for ((line, there), back) in lines.values.chunks(length).zip(&there).zip(&back) {
                rows.push([line, there.as_slice(), back].map(|tokens| self.vocabulary.text(tokens)));
            }
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
        let length = lines.row_length()?;
        let mut all = Vec::with_capacity(lines.values.len() / length);
        for values in lines.values.chunks(PORTION * length) {
            let portion = Indices { values: values.to_vec(), shape: vec![values.len() / length, length] };
            all.extend(self.transferred(&portion, style)?);
        }
        Ok(all)
    }
}
