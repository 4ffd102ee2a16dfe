//! Sounds, each with a picture.

mod pair;
mod table;
pub(crate) mod tones;

use std::sync::Arc;

use brigand_core::batch::{HostBatch, HostField, Kind, NumberKey, SPECTROGRAM, Schema, Source};
use brigand_core::random::Stream;
use brigand_core::{Error, Result};

use super::beside::Beside;
use super::fingerprint::{Content, Fingerprint};
use super::run_data::MorePart;
use super::sound::LogMel;

pub(crate) use pair::load_sounds;
pub use tones::{LEVELS, PITCHES, pure_tone};

/// Spectrograms of sounds of one length.
#[derive(Clone, Debug)]
pub(crate) struct Sounds {
    front_end: LogMel,
    /// One after another, `[bands, frames]` each.
    values: Vec<f32>,
}

impl Sounds {
    /// Spectrograms one after another.
    ///
    /// # Errors
    /// If the values are no whole number of them.
    pub(crate) fn new(front_end: LogMel, values: Vec<f32>) -> Result<Self> {
        let size = front_end.bands() * front_end.frames();
        match !values.is_empty() && values.len().is_multiple_of(size) {
            true => Ok(Self { front_end, values }),
            false => {
                Err(Error::Internal(format!("{} values cannot be spectrograms of {size}", values.len())))
            }
        }
    }

    fn shape(&self) -> [usize; 3] {
        [1, self.front_end.bands(), self.front_end.frames()]
    }

    fn count(&self) -> usize {
        self.values.len() / self.shape().iter().product::<usize>()
    }

    /// Mean and standard deviation of all numbers.
    fn moments(&self) -> (f32, f32) {
        let count = self.values.len() as f64;
        let mean = self.values.iter().map(|&value| f64::from(value)).sum::<f64>() / count;
        let squares = self.values.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>();
        (mean as f32, (squares / count).sqrt().max(1e-6) as f32)
    }
}

/// Spectrograms as a source of batches.
pub(crate) struct SoundSource {
    sounds: Arc<Sounds>,
    moments: (f32, f32),
}

impl Source for SoundSource {
    fn count(&self) -> usize {
        self.sounds.count()
    }

    fn schema(&self) -> Schema {
        let (mean, deviation) = self.moments;
        let (rate, samples) = (LogMel::RATE, LogMel::SAMPLES);
        let kind = Kind::Spectrogram { rate, samples, mean, deviation };
        Schema::default().with(SPECTROGRAM.0, kind, &self.sounds.shape())
    }

    fn get(&self, numbers: &[usize], _: &mut Stream) -> Result<HostBatch> {
        let [_, bands, frames] = self.sounds.shape();
        let mut values = Vec::with_capacity(numbers.len() * bands * frames);
        for &number in numbers {
            let missing = || Error::Data(format!("there is no sound {number}"));
            let own = self.sounds.values.chunks_exact(bands * frames).nth(number).ok_or_else(missing)?;
            values.extend_from_slice(own);
        }
        Ok(HostBatch::from([(
            SPECTROGRAM.0,
            HostField::Numbers(values, vec![numbers.len(), 1, bands, frames]),
        )]))
    }
}

impl MorePart for Sounds {
    fn fingerprint(&self) -> Fingerprint {
        let mut content = Content::default();
        content.numbers(&self.values);
        Fingerprint {
            samples: self.count(),
            shape: self.shape().to_vec(),
            classes: Vec::new(),
            sha256: content.finish(),
        }
    }

    fn needed_field(&self) -> Option<(NumberKey, &'static str, &'static str)> {
        Some((SPECTROGRAM, "sounds with pictures", "sound-to-image"))
    }
}

impl Beside for Sounds {
    type Source = SoundSource;

    const IMAGES_ARE_SAMPLES: bool = false;

    fn source(beside: Arc<Self>) -> SoundSource {
        SoundSource { moments: beside.moments(), sounds: beside }
    }
}
