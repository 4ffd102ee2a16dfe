//! Log-mel spectrograms at absolute level.

use brigand_core::Result;
use brigand_core::batch::SpectrogramField;

use super::{Frames, MelSpectrogram, Mels};

/// What is added to the power before the logarithm.
const FLOOR: f32 = SpectrogramField::FLOOR;

/// Spectrograms `ln(power + 1e-5)` of a second of sound in 64 mel bands. Nothing is normalised by the loudest of a sound, so
/// that louder sounds have larger numbers.
#[derive(Clone, Debug)]
pub struct LogMel(MelSpectrogram, Mels);

impl LogMel {
    /// Samples in a second.
    pub const RATE: u32 = 16_000;
    /// Samples of a sound.
    pub const SAMPLES: usize = 16_000;
    /// Mel bands.
    const BANDS: usize = 64;

    /// Windows of 25 ms every 10 ms.
    ///
    /// # Errors
    /// If there can be no such spectrograms.
    pub fn new() -> Result<Self> {
        let mels = Mels { bands: Self::BANDS, lowest: 60.0, highest: f64::from(Self::RATE) / 2.0 };
        Ok(Self(MelSpectrogram::new(Self::RATE, Frames::of_speech(Self::RATE), mels)?, mels))
    }

    /// Its bands.
    pub fn bands(&self) -> usize {
        self.0.bands()
    }

    /// The beginnings, centres and ends of its bands in hertz, as [`Mels::edges`].
    pub fn edges(&self) -> Vec<f64> {
        self.1.edges()
    }

    /// Frames of a sound.
    pub fn frames(&self) -> usize {
        self.0.frames().count(Self::SAMPLES)
    }

    /// The spectrogram `[bands, frames]` of a wave of [`LogMel::RATE`]: what is longer than a second is cut, what is shorter
    /// filled up with silence.
    ///
    /// # Errors
    /// If a transform fails.
    pub fn of(&self, wave: &[f32]) -> Result<Vec<f32>> {
        let mut second: Vec<f32> = wave.iter().copied().take(Self::SAMPLES).collect();
        second.resize(Self::SAMPLES, 0.0);
        let power = self.0.power(&second)?;
        let (bands, frames) = (self.bands(), power.count());
        let at = |place: usize| power.values.get(place % frames * bands + place / frames).copied();
        Ok((0..bands * frames).map(|place| (at(place).unwrap_or(0.0) + FLOOR).ln()).collect())
    }

    /// The spectrogram of a sound that is `decibels` louder than that of `spectrogram`.
    pub fn amplified(spectrogram: &[f32], decibels: f32) -> Vec<f32> {
        let factor = 10.0_f32.powf(decibels / 10.0);
        let louder = |value: &f32| ((value.exp() - FLOOR).max(0.0) * factor + FLOOR).ln();
        spectrogram.iter().map(louder).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_stay_and_can_be_changed_afterwards() {
        let front_end = LogMel::new().unwrap();
        assert_eq!((front_end.bands(), front_end.frames()), (64, 101));
        let wave =
            |level: f32| -> Vec<f32> { (0..12_000).map(|at| level * (at as f32 * 0.4).sin()).collect() };
        let [quiet, loud] = [0.1, 1.0].map(|level| front_end.of(&wave(level)).unwrap());
        let made = LogMel::amplified(&quiet, 20.0);
        let furthest = made.iter().zip(&loud).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        // Power near the floor keeps few digits of single precision.
        assert!(furthest < 0.2, "{furthest}");
        let loudest = |of: &[f32]| of.iter().copied().fold(f32::MIN, f32::max);
        assert!((loudest(&loud) - loudest(&quiet) - 100.0_f32.ln()).abs() < 0.01);
        // Silence is the floor's logarithm.
        assert_eq!(loud.last().copied(), Some(FLOOR.ln()));
        assert!(front_end.of(&[0.0; 3]).unwrap().iter().all(|value| *value == FLOOR.ln()));
    }
}
