//! Tones and pictures of discs: the pitch of a tone is the hue of its disc, and its level the disc's size.

use brigand_core::Result;
use brigand_core::batch::Source;
use brigand_core::random::Stream;

use super::Sounds;
use crate::beside::held_out_images;
use crate::dataset::Dataset;
use crate::options::Options;
use crate::parallel;
use crate::pixels::{Images, LARGEST_SIZE, check};
use crate::sound::LogMel;

/// Tones to train on.
pub(crate) const COUNT: usize = 2000;
/// Tones that are kept for measuring.
pub(crate) const HELD_OUT: usize = 300;
/// The side that pictures have where no other is asked for, and the smallest they are drawn at.
pub(crate) const SIDE: usize = 32;
/// The terms of use.
pub(crate) const LICENCE: &str = "none needed, generated";

/// Pitches in hertz, from and to.
pub const PITCHES: [f32; 2] = [200.0, 3200.0];
/// Levels in decibels of full scale, from and to.
pub const LEVELS: [f32; 2] = [-30.0, 0.0];
/// Radii of discs in cells for the lowest and the highest level.
const RADII: [f32; 2] = [3.0, 12.0];
/// Hues of discs for the lowest and the highest pitch, in degrees: red to blue.
const HUES: [f32; 2] = [0.0, 240.0];
/// Cells by which a disc's middle may be moved from that of the picture.
const MOVED: f32 = 3.0;
/// Decibels of the noise below the tone.
const NOISE: f32 = 40.0;
/// Seconds that a tone lasts, from and to.
const LASTS: [f32; 2] = [0.4, 0.9];

/// A tone and its disc.
struct Tone {
    /// From 0 to 1, in octaves between the two pitches.
    pitch: f32,
    /// From 0 to 1, in decibels between the two levels.
    level: f32,
    /// The share of the second harmonic.
    harmonic: f32,
    lasts: f32,
    begins: f32,
    moved: [f32; 2],
}

impl Tone {
    fn draw(stream: &mut Stream) -> Self {
        let mut of = |from, to| stream.number(from, to);
        let lasts = of(LASTS[0], LASTS[1]);
        Self {
            pitch: of(0.0, 1.0),
            level: of(0.0, 1.0),
            harmonic: of(0.0, 0.3),
            lasts,
            begins: of(0.0, 1.0 - lasts),
            moved: [of(-MOVED, MOVED), of(-MOVED, MOVED)],
        }
    }

    fn wave(&self, stream: &mut Stream) -> Vec<f32> {
        let pitch = between([PITCHES[0].log2(), PITCHES[1].log2()], self.pitch).exp2();
        let (level, rate) = (10.0_f32.powf(between(LEVELS, self.level) / 20.0), LogMel::RATE as f32);
        let (begins, lasts) = ((self.begins * rate) as usize, (self.lasts * rate) as usize);
        let noise = stream.normal(LogMel::SAMPLES);
        let faint = level * 10.0_f32.powf(-NOISE / 20.0);
        let mut wave: Vec<f32> = noise.into_iter().map(|noise| faint * noise).collect();
        for (number, sample) in wave.iter_mut().skip(begins).take(lasts).enumerate() {
            let turn = std::f32::consts::TAU * pitch * number as f32 / rate;
            *sample += level * (turn.sin() + self.harmonic * (2.0 * turn).sin()) / (1.0 + self.harmonic);
        }
        wave
    }

    /// The colour of the cell whose middle is at `row` and `column`.
    fn colour(&self, row: f32, column: f32) -> [u8; 3] {
        let middle = SIDE as f32 / 2.0;
        let [down, across] = [row - middle - self.moved[0], column - middle - self.moved[1]];
        match down * down + across * across <= between(RADII, self.level).powi(2) {
            true => hue(between(HUES, self.pitch)),
            false => [235; 3],
        }
    }
}

fn between([from, to]: [f32; 2], share: f32) -> f32 {
    from + share * (to - from)
}

/// The colour of a hue in degrees, as bright as it can be.
fn hue(degrees: f32) -> [u8; 3] {
    let level = |peak: f32| {
        let away = (degrees - peak).abs();
        let away = away.min(360.0 - away);
        (255.0 * (2.0 - away / 60.0).clamp(0.0, 1.0)) as u8
    };
    [0.0, 120.0, 240.0].map(level)
}

/// A pure tone of so many hertz and decibels of full scale, for a second.
pub fn pure_tone(hertz: f32, decibels: f32) -> Vec<f32> {
    let level = 10.0_f32.powf(decibels / 20.0);
    let turn = |number: usize| std::f32::consts::TAU * hertz * number as f32 / LogMel::RATE as f32;
    (0..LogMel::SAMPLES).map(|number| level * turn(number).sin()).collect()
}

/// `count` tones and their pictures, which depend on `purpose` and the options' seed.
fn tones(count: usize, purpose: &str, options: &Options) -> Result<(Dataset, Sounds)> {
    check(options)?;
    let side = options.size.unwrap_or(SIDE).clamp(SIDE, LARGEST_SIZE);
    let front_end = LogMel::new()?;
    let drawn: Vec<(Tone, Vec<f32>)> = (0..count)
        .map(|number| {
            let mut stream = Stream::new(options.seed, purpose, number as u64);
            let tone = Tone::draw(&mut stream);
            let wave = tone.wave(&mut stream);
            (tone, wave)
        })
        .collect();
    let spectrograms = parallel::map(&drawn, |(_, wave)| front_end.of(wave));
    let (mut bytes, mut values) = (Vec::with_capacity(count * 3 * side * side), Vec::new());
    for ((tone, _), spectrogram) in drawn.iter().zip(spectrograms) {
        values.extend(spectrogram?);
        let cell = |place: usize| (place as f32 + 0.5) * SIDE as f32 / side as f32;
        let colours: Vec<[u8; 3]> =
            (0..side * side).map(|place| tone.colour(cell(place / side), cell(place % side))).collect();
        for channel in 0..3 {
            bytes.extend(colours.iter().map(|colour| colour[channel]));
        }
    }
    let images = Images { bytes, channels: 3, height: side, width: side, top: u8::MAX };
    Ok((images.into_dataset("tone-discs", None, LICENCE, options)?, Sounds::new(front_end, values)?))
}

/// The tones to train on.
pub(crate) fn training(options: &Options) -> Result<(Dataset, Sounds)> {
    tones(COUNT, "tone-discs", options)
}

/// The tones that are kept for measuring.
pub(crate) fn held_out(options: &Options) -> Result<Box<dyn Source>> {
    held_out_images(tones(HELD_OUT, "tone-discs/held-out", options)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn louder_tones_have_larger_discs_and_higher_ones_bluer_ones() {
        let tone =
            |pitch, level| Tone { pitch, level, harmonic: 0.0, lasts: 0.5, begins: 0.0, moved: [0.0; 2] };
        let disc = |of: &Tone| -> Vec<[u8; 3]> {
            let cells = (0..SIDE).flat_map(|row| (0..SIDE).map(move |column| (row, column)));
            let colours = cells.map(|(row, column)| of.colour(row as f32 + 0.5, column as f32 + 0.5));
            colours.filter(|colour| *colour != [235; 3]).collect()
        };
        let [small, large] = [tone(0.0, 0.0), tone(1.0, 1.0)].map(|of| disc(&of));
        assert!((26..=32).contains(&small.len()) && (440..=465).contains(&large.len()), "{}", large.len());
        assert!(small.iter().all(|of| *of == [255, 0, 0]) && large.iter().all(|of| *of == [0, 0, 255]));
        let front_end = LogMel::new().unwrap();
        // A tone of 1000 Hz is loudest in the band around it, in every frame that it fills.
        let spectrogram = front_end.of(&pure_tone(1000.0, 0.0)).unwrap();
        let column: Vec<f32> =
            spectrogram.iter().skip(front_end.frames() / 2).step_by(front_end.frames()).copied().collect();
        let loudest = (0..column.len()).max_by(|&a, &b| column[a].total_cmp(&column[b])).unwrap();
        let edges = front_end.edges();
        assert!(edges[loudest] < 1000.0 && 1000.0 < edges[loudest + 2], "{loudest} {edges:?}");
    }
}
