//! Sound files, and what systems read of them: mel spectrograms and cepstral coefficients.

mod log_mel;
mod mel;
mod mfcc;
mod reading;
mod spectrum;

pub use log_mel::LogMel;
pub use mel::{LOUDNESS_RANGE, MelSpectrogram, Mels};
pub use mfcc::{Mfcc, deltas};
pub use reading::{ENDINGS, Sound, read_sound};
pub use spectrum::Frames;

/// Numbers of equally spaced times, a row for each: `[rows, columns]` in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// The numbers.
    pub values: Vec<f32>,
    /// Numbers of a row.
    pub columns: usize,
}

impl Rows {
    /// How many rows there are.
    pub fn count(&self) -> usize {
        self.values.len() / self.columns.max(1)
    }

    /// The rows in the order of time.
    pub fn iter(&self) -> std::slice::ChunksExact<'_, f32> {
        self.values.chunks_exact(self.columns.max(1))
    }
}
