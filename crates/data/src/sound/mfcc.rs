//! Mel-frequency cepstral coefficients, the features of speech recognition.

use std::f64::consts::PI;

use brigand_core::{Error, Result};

use super::Rows;
use super::mel::{MelSpectrogram, Mels};
use super::spectrum::Frames;

/// Frames before and after one that its rate of change is measured over.
const REACH: usize = 2;

/// Cepstral coefficients of waves of one sampling rate: the first numbers of the orthonormal cosine transform (DCT-II) of a mel
/// spectrogram in decibels (Davis and Mermelstein 1980).
#[derive(Clone, Debug)]
pub struct Mfcc {
    mels: MelSpectrogram,
    /// The cosine transform `[coefficients, bands]`.
    transform: Rows,
}

impl Mfcc {
    /// `coefficients` of each 25 ms of waves with `rate` samples in a second, every 10 ms, over `bands` mel bands.
    ///
    /// # Errors
    /// If there are more coefficients than bands or none, or the bands cannot be.
    pub fn new(rate: u32, coefficients: usize, bands: usize) -> Result<Self> {
        if coefficients == 0 || coefficients > bands {
            return Err(Error::Recipe(format!(
                "{coefficients} cepstral coefficients of {bands} mel bands cannot be; give from 1 to {bands}"
            )));
        }
        let highest = f64::from(rate) / 2.0;
        let mels = MelSpectrogram::new(rate, Frames::of_speech(rate), Mels { bands, lowest: 0.0, highest })?;
        let values = (0..coefficients).flat_map(|k| {
            let scale = if k == 0 { 1.0 } else { 2.0 } / bands as f64;
            (0..bands).map(move |n| {
                (scale.sqrt() * (PI * k as f64 * (2 * n + 1) as f64 / (2 * bands) as f64).cos()) as f32
            })
        });
        Ok(Self { mels, transform: Rows { values: values.collect(), columns: bands } })
    }

    /// Numbers of a frame of [`Mfcc::features`].
    pub fn size(&self) -> usize {
        3 * self.transform.count()
    }

    /// Its frames.
    pub fn frames(&self) -> Frames {
        self.mels.frames()
    }

    /// The coefficients of each frame, `[frames, coefficients]`.
    ///
    /// # Errors
    /// If a transform fails.
    pub fn coefficients(&self, wave: &[f32]) -> Result<Rows> {
        let levels = self.mels.decibels(wave)?;
        let product = |row: &[f32], level: &[f32]| row.iter().zip(level).map(|(a, b)| a * b).sum();
        let values =
            levels.iter().flat_map(|level| self.transform.iter().map(move |row| product(row, level)));
        Ok(Rows { values: values.collect(), columns: self.transform.count() })
    }

    /// The coefficients, their [`deltas`] and the deltas of those, each with mean 0 and variance 1 over the wave:
    /// `[frames, 3 * coefficients]`. What does not vary at all is 0.
    ///
    /// # Errors
    /// As [`Mfcc::coefficients`].
    pub fn features(&self, wave: &[f32]) -> Result<Rows> {
        let first = self.coefficients(wave)?;
        let second = deltas(&first);
        let third = deltas(&second);
        let rows = first.iter().zip(second.iter()).zip(third.iter());
        let values = rows.flat_map(|((a, b), c)| a.iter().chain(b).chain(c).copied()).collect();
        Ok(normalized(Rows { values, columns: self.size() }))
    }
}

/// The rate of change of each number by frames: the slope of the straight line through five frames,
/// `sum_k k (x[t + k] - x[t - k]) / (2 sum_k k^2)` for `k` = 1, 2. The first and last frames are repeated beyond the ends.
pub fn deltas(rows: &Rows) -> Rows {
    let (count, columns) = (rows.count(), rows.columns);
    let at = |row: usize, column: usize| rows.values.get(row * columns + column).copied().unwrap_or(0.0);
    let scale: f32 = (1..=REACH).map(|k| 2.0 * (k * k) as f32).sum();
    let slope = |row: usize, column: usize| {
        let of = |k: usize| {
            let after = at((row + k).min(count.saturating_sub(1)), column);
            k as f32 * (after - at(row.saturating_sub(k), column))
        };
        (1..=REACH).map(of).sum::<f32>() / scale
    };
    let values = (0..count).flat_map(|row| (0..columns).map(move |column| slope(row, column)));
    Rows { values: values.collect(), columns }
}

/// Each column with mean 0 and variance 1.
fn normalized(mut rows: Rows) -> Rows {
    let (count, columns) = (rows.count().max(1) as f64, rows.columns);
    for column in 0..columns {
        let of = |rows: &Rows| -> Vec<f64> {
            rows.iter().filter_map(|row| row.get(column)).map(|&x| f64::from(x)).collect()
        };
        let all = of(&rows);
        let mean = all.iter().sum::<f64>() / count;
        let variance = all.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        let scale = if variance > 1e-12 { 1.0 / variance.sqrt() } else { 0.0 };
        for (number, value) in rows.values.iter_mut().skip(column).step_by(columns).zip(all) {
            *number = ((value - mean) * scale) as f32;
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delta_of_a_line_is_its_slope() {
        let rows = Rows { values: (0..8).map(|n| 3.0 * n as f32).collect(), columns: 1 };
        let found = deltas(&rows).values;
        assert!(found[2..6].iter().all(|slope| (slope - 3.0).abs() < 1e-6), "{found:?}");
        // At the ends the outermost frames are repeated: (1 * 3 + 2 * 6) / 10.
        assert!((found[0] - 1.5).abs() < 1e-6);
    }

    #[test]
    fn features_have_mean_0_and_variance_1() {
        let mfcc = Mfcc::new(16_000, 13, 40).unwrap();
        let wave: Vec<f32> = (0..8000).map(|n| ((n * n) as f32 * 1e-4).sin() * 0.3).collect();
        let features = mfcc.features(&wave).unwrap();
        assert_eq!((features.columns, features.count(), mfcc.size()), (39, 51, 39));
        let of: Vec<f32> = features.iter().map(|row| row[5]).collect();
        let mean: f32 = of.iter().sum::<f32>() / 51.0;
        let variance: f32 = of.iter().map(|x| x * x).sum::<f32>() / 51.0;
        assert!(mean.abs() < 1e-4 && (variance - 1.0).abs() < 1e-3);
        assert!(mfcc.features(&[0.0; 4000]).unwrap().values.iter().all(|value| *value == 0.0));
        assert!(Mfcc::new(16_000, 41, 40).is_err() && Mfcc::new(16_000, 0, 40).is_err());
    }
}
