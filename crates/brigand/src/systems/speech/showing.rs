//! The picture of an utterance.

use std::f32::consts::PI;

use brigand_core::capability::{Content, Exhibit, Showing};
use brigand_core::{Error, Result};

use super::Speech;
use super::segments::{Segment, Utterance, true_segments};
use crate::data::sound::Rows;
use crate::data::speech::{BANDS, COEFFICIENTS};
use crate::pictures::{Lane, Timeline};

impl Speech {
    /// The first example: its features over time, the true phonemes where they are known, and the found ones.
    pub(super) fn utterance_picture(&self, showing: &Showing<'_>) -> Result<Exhibit> {
        let utterances = Utterance::of_batch(showing.examples)?;
        let none = || Error::Internal("there is no utterance to show".into());
        let utterance = utterances.first().ok_or_else(none)?;
        let levels = match self.frames.1 {
            0 => utterance.frames.clone(),
            _ => spectrum(&utterance.frames),
        };
        let lane = |name: &str, segments: &[Segment]| Lane {
            name: name.to_owned(),
            segments: segments.iter().map(|segment| (segment.end, self.text(&[segment.phone]))).collect(),
        };
        let known = utterance.phones.as_ref().map(|phones| lane("true", &true_segments(phones)));
        let found = lane("found", &self.transcribed(utterance)?);
        let timeline = Timeline {
            levels: &levels.values,
            bands: levels.columns,
            lanes: known.into_iter().chain([found]).collect(),
        };
        let picture = timeline.draw()?;
        let (width, height) = (picture.width(), picture.height());
        let pixels = picture.pixels();
        let values = (0..3).flat_map(|channel| {
            pixels.iter().skip(channel).step_by(3).map(|&level| f32::from(level) / 127.5 - 1.0)
        });
        let images = self.setup.place.numbers(values.collect(), &[1, 3, height, width])?;
        Ok(Exhibit { series: "utterance".into(), content: Content::Images { images, columns: 1 } })
    }
}

/// The spectrum that cepstral coefficients describe, as far as they do: the inverse cosine transform, each coefficient `k`
/// (which has variance 1 here) divided by `k + 1`, about as they fall in speech. `[frames, bands]`.
fn spectrum(frames: &Rows) -> Rows {
    let level = |frame: &[f32], band: usize| {
        let terms = frame.iter().take(COEFFICIENTS).enumerate();
        let angle = PI * (2 * band + 1) as f32 / (2 * BANDS) as f32;
        terms.map(|(k, value)| value * (k as f32 * angle).cos() / (k + 1) as f32).sum::<f32>()
    };
    let values = frames.iter().flat_map(|frame| (0..BANDS).map(move |band| level(frame, band)));
    Rows { values: values.collect(), columns: BANDS }
}
