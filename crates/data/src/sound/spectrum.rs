//! The power spectrum of short frames of a wave.

use std::f64::consts::TAU;

use brigand_core::{Error, Result};
use realfft::RealFftPlanner;

use super::Rows;

/// Where frames lie and how long they are, in samples. Frame `n` has its centre at sample `n * hop`; a wave of `length` samples
/// has `1 + length / hop` frames, with zeros before its beginning and after its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frames {
    /// Numbers of a Fourier transform.
    pub transform: usize,
    /// Samples under the window (a periodic Hann window), in the middle of the transform's numbers.
    pub window: usize,
    /// Samples from one frame to the next.
    pub hop: usize,
}

impl Frames {
    /// Frames for `rate` samples in a second: 25 ms long and 10 ms apart, as is usual for speech.
    pub fn of_speech(rate: u32) -> Self {
        let of = |milliseconds: u64| (u64::from(rate) * milliseconds).div_ceil(1000).max(1) as usize;
        let window = of(25);
        Self { transform: window.next_power_of_two(), window, hop: of(10) }
    }

    /// How many frames a wave of `length` samples has.
    pub fn count(&self, length: usize) -> usize {
        1 + length / self.hop.max(1)
    }

    /// Numbers of a spectrum.
    pub fn bins(&self) -> usize {
        self.transform / 2 + 1
    }

    /// Refuses frames that cannot be.
    ///
    /// # Errors
    /// If a number is 0 or the window is longer than the transform.
    pub fn check(&self) -> Result<()> {
        if self.hop == 0 || self.window == 0 || self.window > self.transform {
            return Err(Error::Recipe(format!(
                "frames with a window of {} samples in a transform of {}, {} apart, cannot be; the window must be at least 1 \
                 and at most the transform, and frames at least 1 apart",
                self.window, self.transform, self.hop
            )));
        }
        Ok(())
    }

    /// The squared magnitudes of the Fourier transform of each frame of `wave`, `[frames, transform / 2 + 1]`.
    ///
    /// # Errors
    /// As [`Frames::check`].
    pub fn power(&self, wave: &[f32]) -> Result<Rows> {
        self.check()?;
        let transform = RealFftPlanner::<f32>::new().plan_fft_forward(self.transform);
        let (mut input, mut output) = (transform.make_input_vec(), transform.make_output_vec());
        let window = self.hann();
        let mut values = Vec::with_capacity(self.count(wave.len()) * self.bins());
        for frame in 0..self.count(wave.len()) {
            // The first number of the transform is this far before the frame's centre.
            let first = (frame * self.hop) as isize - (self.transform / 2) as isize;
            for (place, (number, weight)) in input.iter_mut().zip(&window).enumerate() {
                let sample = usize::try_from(first + place as isize).ok().and_then(|at| wave.get(at));
                *number = weight * sample.copied().unwrap_or(0.0);
            }
            let refused = |error: realfft::FftError| Error::Internal(format!("a Fourier transform: {error}"));
            transform.process(&mut input, &mut output).map_err(refused)?;
            values.extend(output.iter().map(|number| number.norm_sqr()));
        }
        Ok(Rows { values, columns: self.bins() })
    }

    /// The window as a weight of each number of the transform.
    fn hann(&self) -> Vec<f32> {
        let before = (self.transform - self.window) / 2;
        let weight = |place: usize| match place.checked_sub(before) {
            Some(at) if at < self.window => (0.5 - 0.5 * (TAU * at as f64 / self.window as f64).cos()) as f32,
            Some(_) | None => 0.0,
        };
        (0..self.transform).map(weight).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sine_has_its_power_in_its_own_bin() {
        let frames = Frames { transform: 64, window: 64, hop: 16 };
        let wave: Vec<f32> = (0..320).map(|n| (TAU * 8.0 * f64::from(n) / 64.0).sin() as f32).collect();
        let power = frames.power(&wave).unwrap();
        assert_eq!((power.count(), power.columns), (21, 33));
        let middle: Vec<&[f32]> = power.iter().collect();
        // A sine of amplitude 1 under a Hann window of n numbers has a quarter of n at its frequency, an eighth beside it.
        let expected = [(7, 8.0f32.powi(2)), (8, 16.0f32.powi(2)), (9, 8.0f32.powi(2)), (20, 0.0)];
        for (bin, value) in expected {
            assert!((middle[10][bin] - value).abs() < 1e-2, "{bin}: {}", middle[10][bin]);
        }
    }

    #[test]
    fn frames_of_speech_are_25_ms_long() {
        assert_eq!(Frames::of_speech(16_000), Frames { transform: 512, window: 400, hop: 160 });
        assert!(Frames { transform: 8, window: 9, hop: 1 }.check().is_err());
        assert!(Frames { transform: 8, window: 8, hop: 0 }.power(&[0.0]).is_err());
    }
}
