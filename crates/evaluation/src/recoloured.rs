//! Images brought to grey or to colour, so that grey sets can be compared with coloured ones.

use brigand_core::capability::Sampler;
use candle_core::{DType, Tensor};

use super::protocol::Source;
use super::samples::{Samples, Shapes};
use brigand_core::error::{Error, Result};
use brigand_data::{Labels, Modes};

/// What red, green and blue weigh in the luma (ITU-R BT.709).
const LUMA: [f64; 3] = [0.2126, 0.7152, 0.0722];

/// The images of another set in grey or in colour; those that already are stay as they are.
pub struct Recoloured<'a> {
    images: Box<dyn Samples + 'a>,
    channels: usize,
}

impl<'a> Recoloured<'a> {
    /// `images` with 1 channel, the luma of their colours, or with 3, their grey repeated.
    ///
    /// # Errors
    /// If they are no images of 1 or 3 channels, or other channels are asked for.
    pub fn new(images: Box<dyn Samples + 'a>, channels: usize) -> Result<Self> {
        let found = images.shapes().channels();
        if [1, 3].contains(&channels) && found.is_some_and(|own| own == channels || [1, 3].contains(&own)) {
            return Ok(Self { images, channels });
        }
        Err(Error::Request(format!(
            "{} of shape {} cannot be brought to {channels} channels; give images of 1 or 3 channels, and 1 for grey or \
             3 for colour",
            images.source().name,
            images.shapes()
        )))
    }

    fn changes(&self) -> bool {
        self.images.shapes().channels() != Some(self.channels)
    }

    fn recoloured(&self, images: &Tensor) -> Result<Tensor> {
        if self.channels == 3 {
            return Ok(Tensor::cat(&[images, images, images], 1)?);
        }
        let mut luma: Option<Tensor> = None;
        for (channel, weight) in LUMA.into_iter().enumerate() {
            let part = (images.narrow(1, channel, 1)?.to_dtype(DType::F32)? * weight)?;
            luma = Some(match luma {
                Some(sum) => (sum + part)?,
                None => part,
            });
        }
        luma.ok_or_else(|| Error::Request("images without colours have no luma".into()))
    }
}

impl Samples for Recoloured<'_> {
    fn source(&self) -> Source {
        let source = self.images.source();
        if !self.changes() {
            return source;
        }
        let how = if self.channels == 3 { "grey repeated in 3 channels" } else { "luma of 3 channels" };
        let images = source.images.map_or(how.to_owned(), |images| format!("{images}; {how}"));
        Source { shape: self.shapes().one(), images: Some(images), ..source }
    }

    fn count(&self) -> usize {
        self.images.count()
    }

    fn shapes(&self) -> Shapes {
        self.images.shapes().with_channels(self.channels)
    }

    fn get(&self, places: &[usize]) -> Result<Vec<Tensor>> {
        let found = self.images.get(places)?;
        if !self.changes() {
            return Ok(found);
        }
        found.iter().map(|images| self.recoloured(images)).collect()
    }

    fn modes(&self) -> Option<&Modes> {
        self.images.modes()
    }

    fn labels(&self) -> Option<Labels> {
        self.images.labels()
    }

    fn generator(&self) -> Option<&dyn Sampler> {
        // Whoever follows its latents measures its own samples.
        self.images.generator().filter(|_| !self.changes())
    }
}
