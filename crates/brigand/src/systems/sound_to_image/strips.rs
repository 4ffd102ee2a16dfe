//! What a run of sounds shows: images of sounds, of rising levels, and of rising pitches.

use brigand_autograd::Variable;
use brigand_core::Result;
use brigand_core::batch::{IMAGES, SPECTROGRAM};
use brigand_core::capability::{Content, Exhibit, Showing, SoundSampler};

use crate::data::sound::LogMel;
use crate::data::sounds::{PITCHES, pure_tone};

/// Images of a sound, each with other noise.
const SAMPLES: usize = 6;
/// Images of a strip.
const STEPS: usize = 9;
/// The level of the first image of a strip in decibels; that of the last is 0.
const LOWEST: f32 = -20.0;
/// Sounds of which there is a strip of levels.
const STRIPS: usize = 4;
/// Levels of the strips of pitches, in decibels of full scale.
pub const PITCH_LEVELS: [f32; 3] = [-20.0, -10.0, -3.0];

/// Gains in decibels and images `[steps, channels, height, width]` of the sound `spectrogram` `[1, 1, bands, frames]` with them,
/// of the same noise.
///
/// # Errors
/// If the spectrogram does not fit.
pub fn level_strip(
    sampler: &dyn SoundSampler,
    spectrogram: &Variable,
    noise: &Variable,
) -> Result<(Vec<f32>, Variable)> {
    let gains: Vec<f32> = (0..STEPS).map(|step| LOWEST * (1.0 - step as f32 / (STEPS - 1) as f32)).collect();
    let own = spectrogram.to_vec_f32()?;
    let sounds = gains.iter().flat_map(|&gain| LogMel::amplified(&own, gain)).collect();
    Ok((gains, strip(sampler, sounds, noise)?))
}

/// Pitches in hertz and images of pure tones of them at a level in decibels of full scale, of the same noise.
///
/// # Errors
/// If tones do not fit.
pub fn pitch_strip(sampler: &dyn SoundSampler, level: f32, noise: &Variable) -> Result<(Vec<f32>, Variable)> {
    let [from, to] = PITCHES.map(f32::log2);
    let pitches: Vec<f32> =
        (0..STEPS).map(|step| (from + (to - from) * step as f32 / (STEPS - 1) as f32).exp2()).collect();
    let (front_end, mut sounds) = (LogMel::new()?, Vec::new());
    for &pitch in &pitches {
        sounds.extend(front_end.of(&pure_tone(pitch, level))?);
    }
    Ok((pitches, strip(sampler, sounds, noise)?))
}

fn strip(sampler: &dyn SoundSampler, sounds: Vec<f32>, noise: &Variable) -> Result<Variable> {
    let field = sampler.spectrogram();
    let sounds = sampler.place().numbers(sounds, &[STEPS, 1, field.bands, field.frames])?;
    sampler.images(&noise.broadcast_to(&[STEPS, noise.shape()[1]])?, &sounds)
}

/// Each sound's spectrogram, low bands below, the picture that belongs to it, and images of it.
pub(super) fn sounds(sampler: &dyn SoundSampler, showing: &Showing<'_>) -> Result<Exhibit> {
    let (pictures, sounds) = (showing.examples.numbers(IMAGES)?, showing.examples.numbers(SPECTROGRAM)?);
    let (count, channels, height, width) = pictures.dims4("pictures of sounds")?;
    let mut shown = Vec::new();
    for number in 0..count {
        let own = sounds.narrow(0, number, 1)?;
        shown.push(thumbnail(&own, [channels, height, width], sampler)?);
        shown.push(pictures.narrow(0, number, 1)?);
        let (noise, shape) = (sampler.noise(SAMPLES, &mut showing.stream("sounds"))?, own.shape());
        let repeated = own.broadcast_to(&[SAMPLES, 1, shape[2], shape[3]])?;
        shown.push(sampler.images(&noise, &repeated)?);
    }
    let images = Variable::concatenate(&shown.iter().collect::<Vec<_>>(), 0)?;
    let names = vec![format!("spectrogram, picture, {SAMPLES} images"); count];
    Ok(Exhibit { series: "sounds".into(), content: Content::Rows { images, names, columns: SAMPLES + 2 } })
}

/// A spectrogram as an image, low bands below, from the faintest (black) to the loudest (white) number.
fn thumbnail(
    spectrogram: &Variable,
    [channels, height, width]: [usize; 3],
    sampler: &dyn SoundSampler,
) -> Result<Variable> {
    let small = spectrogram.resize_nearest(height, width)?.to_vec_f32()?;
    let ends = small.iter().fold((f32::MAX, f32::MIN), |(low, high), &of| (low.min(of), high.max(of)));
    let range = (ends.1 - ends.0).max(1e-6);
    let upright = small.chunks(width).rev().flatten();
    let grey: Vec<f32> = upright.map(|value| 2.0 * (value - ends.0) / range - 1.0).collect();
    sampler.place().numbers(grey.repeat(channels), &[1, channels, height, width])
}

/// A strip of rising levels for each of a few sounds.
pub(super) fn levels(sampler: &dyn SoundSampler, showing: &Showing<'_>) -> Result<Exhibit> {
    let sounds = showing.examples.numbers(SPECTROGRAM)?;
    let noise = sampler.noise(1, &mut showing.stream("levels"))?;
    let strips = (0..STRIPS.min(sounds.shape()[0]))
        .map(|number| Ok(level_strip(sampler, &sounds.narrow(0, number, 1)?, &noise)?.1))
        .collect::<Result<Vec<_>>>()?;
    let names = (1..=strips.len()).map(|number| format!("sound {number}, {LOWEST} to 0 dB")).collect();
    exhibit("levels", &strips, names)
}

/// A strip of rising pitches for each of a few levels.
pub(super) fn pitches(sampler: &dyn SoundSampler, showing: &Showing<'_>) -> Result<Exhibit> {
    let noise = sampler.noise(1, &mut showing.stream("pitches"))?;
    let strips = PITCH_LEVELS
        .iter()
        .map(|&level| Ok(pitch_strip(sampler, level, &noise)?.1))
        .collect::<Result<Vec<_>>>()?;
    let [from, to] = PITCHES;
    let names = PITCH_LEVELS.iter().map(|level| format!("{from} to {to} Hz at {level} dB")).collect();
    exhibit("pitches", &strips, names)
}

fn exhibit(series: &str, strips: &[Variable], names: Vec<String>) -> Result<Exhibit> {
    let images = Variable::concatenate(&strips.iter().collect::<Vec<_>>(), 0)?;
    Ok(Exhibit { series: series.to_owned(), content: Content::Rows { images, names, columns: STEPS } })
}
