//! Images of captions.

use brigand_autograd::Variable;
use brigand_core::batch::{CAPTION, Feed, Indices, SampleShape, UNKNOWN};
use brigand_core::capability::{CaptionSampler, Retrieval, Sampler, Sampling};
use brigand_core::latent;
use brigand_core::modules::Statistics;
use brigand_core::{Error, Result};

use super::{CONDITIONS, CaptionGan, retrieval};
use crate::data::captions::{caption_tokens, tokens_between};
use crate::systems::text::indices;

/// Images at every stage.
pub(super) struct Made {
    /// The first generator's.
    pub(super) small: Variable,
    /// The second one's, once it is trained.
    pub(super) large: Option<Variable>,
}

impl CaptionGan {
    /// The part of latents called `name`, if they have one.
    fn part(&self, latents: &Variable, name: &str) -> Result<Option<Variable>> {
        let Some((range, _)) = self.sampling.space.part(name) else { return Ok(None) };
        Ok(Some(latents.narrow(1, range.start, range.len())?))
    }

    /// The tokens in latents: the nearest whole numbers.
    fn tokens(&self, latents: &Variable) -> Result<Indices> {
        let missing = || Error::Internal("latents without captions".into());
        let rows = self.part(latents, latent::CAPTION)?.ok_or_else(missing)?;
        let largest = self.encoders.vocabulary.words().len().saturating_sub(1) as f32;
        let values = rows.to_vec_f32()?.into_iter().map(|token| token.round().clamp(0.0, largest) as u32);
        Ok(Indices { values: values.collect(), shape: rows.shape().to_vec() })
    }

    /// The images of latents at every stage.
    pub(super) fn made(&self, latents: &Variable, statistics: &mut Statistics<'_>) -> Result<Made> {
        self.sampling.space.check(latents)?;
        let captions = self.encoders.vectors(&self.tokens(latents)?)?;
        let missing = || Error::Internal("latents without noise".into());
        let noise = self.part(latents, latent::NOISE)?.ok_or_else(missing)?;
        let [first, second] = CONDITIONS.map(|name| self.part(latents, name));
        let small = self.first.generate(&noise, (&captions, first?.as_ref()), statistics)?;
        let large = match &self.second {
            Some(stage) if self.is_in_second() => {
                Some(stage.generate(&small, (&captions, second?.as_ref()), statistics)?)
            }
            Some(_) | None => None,
        };
        Ok(Made { small, large })
    }

    /// The first generator's images at the size of the data's.
    pub(super) fn enlarged(&self, small: &Variable) -> Result<Variable> {
        match self.sampling.shape {
            SampleShape::Image { height, width, .. } if [height, width] != self.small[1..] => {
                Ok(small.resize_bilinear(height, width)?)
            }
            SampleShape::Image { .. } | SampleShape::Points { .. } => Ok(small.clone()),
        }
    }

    /// The tokens of a caption, and its words that the vocabulary lacks.
    fn read(&self, caption: &str) -> Result<(Vec<u32>, Vec<String>)> {
        let (vocabulary, length) = (&self.encoders.vocabulary, self.encoders.vocabulary.size().1);
        let words = caption_tokens(caption, tokens_between(vocabulary.separator()));
        if words.is_empty() {
            return Err(Error::Request(format!("the caption `{caption}` has no word; give it at least one")));
        }
        if words.len() > length {
            return Err(Error::Request(format!(
                "the caption `{}` has {} {}, this run's have at most {length}; give a shorter one",
                beginning(caption),
                words.len(),
                if vocabulary.separator().is_empty() { "characters" } else { "words" }
            )));
        }
        let mut tokens: Vec<u32> =
            words.iter().map(|word| vocabulary.token(word).unwrap_or(UNKNOWN)).collect();
        let unknown = words.into_iter().zip(&tokens).filter(|(_, token)| **token == UNKNOWN);
        let unknown = unknown.map(|(word, _)| word).collect();
        tokens.resize(length, brigand_core::batch::END);
        Ok((tokens, unknown))
    }

    /// The tokens of each caption.
    fn rows(&self, captions: &[&str]) -> Result<Vec<Vec<u32>>> {
        captions.iter().map(|caption| Ok(self.read(caption)?.0)).collect()
    }

    /// `latents` with the captions of these tokens.
    pub(super) fn with_tokens(&self, latents: &Variable, rows: &[Vec<u32>]) -> Result<Variable> {
        let Indices { values, shape } = indices(rows);
        let values = values.into_iter().map(|token| token as f32).collect();
        self.sampling.space.with_part(latents, latent::CAPTION, self.sampling.place.numbers(values, &shape)?)
    }
}

/// The beginning of a caption, for a message.
fn beginning(caption: &str) -> String {
    const MOST: usize = 80;
    match caption.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", caption.get(..end).unwrap_or(caption)),
        None => caption.to_owned(),
    }
}

impl Sampler for CaptionGan {
    fn sampling(&self) -> &Sampling {
        &self.sampling
    }

    /// Before the second generator is trained, the first one's images enlarged.
    fn generate_with(&self, latents: &Variable, statistics: &mut Statistics<'_>) -> Result<Variable> {
        let made = self.made(latents, statistics)?;
        made.large.map_or_else(|| self.enlarged(&made.small), Ok)
    }
}

impl CaptionSampler for CaptionGan {
    fn sampler(&self) -> &dyn Sampler {
        self
    }

    fn unknown_words(&self, caption: &str) -> Result<Vec<String>> {
        Ok(self.read(caption)?.1)
    }

    fn with_captions(&self, latents: &Variable, captions: &[&str]) -> Result<Variable> {
        self.with_tokens(latents, &self.rows(captions)?)
    }

    fn captions(&self, latents: &Variable) -> Result<Vec<String>> {
        self.sampling.space.check(latents)?;
        let Indices { values, shape } = self.tokens(latents)?;
        let length = shape.last().copied().unwrap_or(0).max(1);
        Ok(values.chunks(length).map(|tokens| self.encoders.vocabulary.text(tokens)).collect())
    }

    fn retrieval(&self, feed: &Feed, seed: u64, draws: u64) -> Result<Option<Retrieval>> {
        self.encoders.vocabulary.field().refuse_other_vocabulary(&feed.schema().tokens(CAPTION)?)?;
        retrieval::measure(self, feed, seed, draws)
    }
}
