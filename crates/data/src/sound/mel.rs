//! Mel spectrograms: power in bands that are equally wide on the scale of pitches.

use brigand_core::{Error, Result};

use super::Rows;
use super::spectrum::Frames;

/// How many decibels below the loudest number of a recording its quietest ones are.
pub const LOUDNESS_RANGE: f32 = 80.0;
/// The least power, of which a logarithm is taken.
const LEAST_POWER: f32 = 1e-10;
/// Below this frequency in hertz the scale is linear, above it logarithmic.
const LINEAR_BELOW: f64 = 1000.0;
/// Hertz of a mel in the linear part.
const LINEAR: f64 = 200.0 / 3.0;
/// The logarithm of the ratio of frequencies a mel apart in the other part: 27 mels from 1000 to 6400 Hz.
const LOGARITHMIC: f64 = 1.856_297_990_365_626_3 / 27.0;

/// The bands of a mel spectrogram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mels {
    /// How many bands there are.
    pub bands: usize,
    /// Where the lowest begins, in hertz.
    pub lowest: f64,
    /// Where the highest ends, in hertz; at most half the sampling rate.
    pub highest: f64,
}

/// Mel spectrograms of waves of one sampling rate: triangular filters on Slaney's mel scale (linear up to 1000 Hz, logarithmic
/// above), each of area 1, over the power of [`Frames`].
#[derive(Clone, Debug)]
pub struct MelSpectrogram {
    frames: Frames,
    /// Of each band, its first bin and its weights from there on.
    filters: Vec<(usize, Vec<f32>)>,
}

impl MelSpectrogram {
    /// Spectrograms of waves with `rate` samples in a second.
    ///
    /// # Errors
    /// If the frames cannot be, or a band has no frequency of the transform: there are too many.
    pub fn new(rate: u32, frames: Frames, mels: Mels) -> Result<Self> {
        frames.check()?;
        let half = f64::from(rate) / 2.0;
        let in_order = 0.0 <= mels.lowest && mels.lowest < mels.highest && mels.highest <= half;
        if mels.bands == 0 || !in_order {
            return Err(Error::Recipe(format!(
                "{} mel bands from {} to {} Hz of sound of {rate} Hz cannot be; give at least one band, between 0 and {half} Hz",
                mels.bands, mels.lowest, mels.highest
            )));
        }
        let edges = mels.edges();
        let filter = |edges: &[f64]| {
            let [left, centre, right] = edges else { return (0, Vec::new()) };
            let weight = |bin: usize| {
                let frequency = bin as f64 * f64::from(rate) / frames.transform as f64;
                let rising = (frequency - left) / (centre - left);
                let falling = (right - frequency) / (right - centre);
                (rising.min(falling).max(0.0) * 2.0 / (right - left)) as f32
            };
            let all: Vec<f32> = (0..frames.bins()).map(weight).collect();
            let first = all.iter().position(|weight| *weight > 0.0).unwrap_or(0);
            let weights = all.into_iter().skip(first).take_while(|weight| *weight > 0.0).collect();
            (first, weights)
        };
        let filters: Vec<(usize, Vec<f32>)> = edges.windows(3).map(filter).collect();
        if let Some(empty) = filters.iter().position(|(_, weights)| weights.is_empty()) {
            return Err(Error::Recipe(format!(
                "mel band {} of {} is narrower than what a transform of {} numbers tells apart; give fewer bands or a longer \
                 transform",
                empty + 1,
                mels.bands,
                frames.transform
            )));
        }
        Ok(Self { frames, filters })
    }

    /// Its bands.
    pub fn bands(&self) -> usize {
        self.filters.len()
    }

    /// Its frames.
    pub fn frames(&self) -> Frames {
        self.frames
    }

    /// The power in each band, `[frames, bands]`.
    ///
    /// # Errors
    /// If a transform fails.
    pub fn power(&self, wave: &[f32]) -> Result<Rows> {
        let spectrum = self.frames.power(wave)?;
        let band = |(first, weights): &(usize, Vec<f32>), row: &[f32]| {
            row.iter().skip(*first).zip(weights).map(|(power, weight)| power * weight).sum()
        };
        let values = spectrum.iter().flat_map(|row| self.filters.iter().map(move |filter| band(filter, row)));
        Ok(Rows { values: values.collect(), columns: self.bands() })
    }

    /// The same in decibels, `10 log10(power)`. What is more than [`LOUDNESS_RANGE`] below the loudest is as loud as that.
    ///
    /// # Errors
    /// As [`MelSpectrogram::power`].
    pub fn decibels(&self, wave: &[f32]) -> Result<Rows> {
        let mut rows = self.power(wave)?;
        rows.values.iter_mut().for_each(|power| *power = 10.0 * power.max(LEAST_POWER).log10());
        let loudest = rows.values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        rows.values.iter_mut().for_each(|level| *level = level.max(loudest - LOUDNESS_RANGE));
        Ok(rows)
    }
}

impl Mels {
    /// The beginnings, centres and ends of the bands in hertz: band `n` is `[n..n + 3]`.
    pub fn edges(&self) -> Vec<f64> {
        let (low, high) = (mel(self.lowest), mel(self.highest));
        let step = (high - low) / (self.bands + 1) as f64;
        (0..self.bands + 2).map(|number| hertz(low + step * number as f64)).collect()
    }
}

fn mel(hertz: f64) -> f64 {
    if hertz < LINEAR_BELOW {
        hertz / LINEAR
    } else {
        LINEAR_BELOW / LINEAR + (hertz / LINEAR_BELOW).ln() / LOGARITHMIC
    }
}

fn hertz(mel: f64) -> f64 {
    let linear = LINEAR_BELOW / LINEAR;
    if mel < linear { mel * LINEAR } else { LINEAR_BELOW * ((mel - linear) * LOGARITHMIC).exp() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_has_its_known_values() {
        // Slaney's: 1000 Hz is 15 mel, 6400 Hz are 27 mel more.
        for (frequency, value) in [(0.0, 0.0), (200.0, 3.0), (1000.0, 15.0), (6400.0, 42.0)] {
            assert!((mel(frequency) - value).abs() < 1e-9, "{frequency}");
            assert!((hertz(value) - frequency).abs() < 1e-6, "{value}");
        }
        let edges = Mels { bands: 4, lowest: 0.0, highest: 1000.0 }.edges();
        assert!(
            edges.iter().zip([0.0, 200.0, 400.0, 600.0, 800.0, 1000.0]).all(|(a, b)| (a - b).abs() < 1e-9)
        );
    }

    #[test]
    fn bands_that_cannot_be_are_refused() {
        let frames = Frames::of_speech(16_000);
        let of = |bands, lowest, highest| {
            MelSpectrogram::new(16_000, frames, Mels { bands, lowest, highest }).map(|made| made.bands())
        };
        assert_eq!(of(40, 0.0, 8000.0).unwrap(), 40);
        assert!(of(0, 0.0, 8000.0).is_err() && of(40, 0.0, 8001.0).is_err() && of(40, 9.0, 9.0).is_err());
        assert!(of(400, 0.0, 8000.0).unwrap_err().to_string().contains("fewer bands"));
    }
}
