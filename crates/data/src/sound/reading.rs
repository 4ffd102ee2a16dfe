//! Sound files of several formats as one kind of wave.

use std::io::Cursor;
use std::path::Path;

use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{Fft, FixedSync, Resampler};

use crate::error::DataError;

/// The endings of files that [`read_sound`] can read, in lower case.
pub const ENDINGS: [&str; 3] = [".wav", ".flac", ".ogg"];

/// The loudest absolute value of a recording that counts as silent: -80 dB of full scale.
const SILENCE: f32 = 1e-4;
/// From this absolute value on a sample is at full scale.
const FULL_SCALE: f32 = 0.999;
/// Rates that recordings have, in samples a second.
const RATES: std::ops::RangeInclusive<u32> = 1000..=768_000;
/// The largest absolute value of a sample: files of floating-point numbers may go beyond full scale, but not by more.
const LOUDEST: f32 = 100.0;
/// Fewest samples that are resampled at once.
const CHUNK: usize = 1024;

/// A wave of one channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Sound {
    /// Samples in a second.
    pub rate: u32,
    /// The wave, in [-1, 1].
    pub samples: Vec<f32>,
}

impl Sound {
    /// How long it lasts, in seconds.
    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.rate.max(1))
    }

    /// Its first samples, so many, or all of it where it is shorter.
    #[must_use]
    pub fn beginning(mut self, count: usize) -> Self {
        self.samples.truncate(count);
        self
    }

    /// Whether it is silent: no sample is louder than -80 dB of full scale.
    pub fn is_silent(&self) -> bool {
        self.samples.iter().all(|sample| sample.abs() < SILENCE)
    }

    /// The share of its samples that are at full scale, as those of a recording that was too loud are.
    pub fn clipped(&self) -> f64 {
        let full = self.samples.iter().filter(|sample| sample.abs() >= FULL_SCALE).count();
        full as f64 / self.samples.len().max(1) as f64
    }

    /// The same sound with `rate` samples in a second, band-limited to what both rates can hold.
    ///
    /// # Errors
    /// If there is no conversion between the two rates.
    pub fn resampled(self, rate: u32) -> Result<Self, String> {
        if rate == self.rate || self.samples.is_empty() {
            return Ok(Self { rate, ..self });
        }
        let (from, to, count) = (self.rate as usize, rate as usize, self.samples.len());
        let refused = |reason: &dyn std::fmt::Display| format!("{from} Hz cannot become {to} Hz: {reason}");
        // The delay of half a block, which is cut off again, must be a whole number of samples: an even number of periods.
        let period = from / greatest_common_divisor(from, to).max(1);
        let chunk = 2 * period * CHUNK.div_ceil(2 * period.max(1));
        let mut resampler =
            Fft::<f32>::new(from, to, chunk, 1, FixedSync::Both).map_err(|error| refused(&error))?;
        let given = SequentialSlice::new(&self.samples, 1, count).map_err(|error| refused(&error))?;
        let made = resampler.process_all(&given, count, None).map_err(|error| refused(&error))?;
        Ok(Self { rate, samples: made.take_data() })
    }
}

/// The sound of a WAV, FLAC or Ogg Vorbis file: the mean of its channels, with `rate` samples in a second where one is given
/// and its own otherwise. The content decides which format it is.
///
/// # Errors
/// If the file cannot be read, is of another kind, is damaged, has no samples, or its rate or samples are no recording's.
pub fn read_sound(path: &Path, rate: Option<u32>) -> Result<Sound, DataError> {
    let bytes = std::fs::read(path).map_err(|source| DataError::io("read", path, source))?;
    let damaged = |problem: String| DataError::Damaged { path: path.to_owned(), problem };
    let sound = match bytes.get(..4) {
        Some(b"RIFF") => match wav(bytes) {
            Err(error) if is_unsupported(&error) => {
                return Err(DataError::WrongKind {
                    path: path.to_owned(),
                    wanted: "sound",
                    problem: "its samples are in a form that is not read; convert it to WAV of 16-bit whole numbers".into(),
                });
            }
            read => read.map_err(|error| error.to_string()),
        },
        Some(b"fLaC") => flac(bytes),
        Some(b"OggS") => vorbis(bytes),
        _ => {
            return Err(DataError::WrongKind {
                path: path.to_owned(),
                wanted: "sound",
                problem: "it is no WAV, FLAC or Ogg Vorbis file; convert it to WAV".into(),
            });
        }
    }
    .map_err(damaged)?;
    if sound.samples.is_empty() || sound.rate == 0 {
        return Err(damaged("it has no samples".into()));
    }
    if !RATES.contains(&sound.rate) {
        return Err(damaged(format!(
            "it says that it has {} samples a second; {} to {} are possible",
            sound.rate,
            RATES.start(),
            RATES.end()
        )));
    }
    if let Some(sample) = sound.samples.iter().find(|sample| sample.is_nan() || sample.abs() > LOUDEST) {
        return Err(damaged(format!("it has a sample of {sample}, and full scale is 1")));
    }
    let rate = rate.unwrap_or(sound.rate);
    sound.resampled(rate).map_err(damaged)
}

/// Whether a WAV file is whole, but of samples that are not read: compressed ones, or floating-point numbers of 64 bits.
fn is_unsupported(error: &hound::Error) -> bool {
    match error {
        hound::Error::Unsupported | hound::Error::TooWide | hound::Error::InvalidSampleFormat => true,
        hound::Error::FormatError(what) => what.contains("bits per sample"),
        hound::Error::IoError(_) | hound::Error::UnfinishedSample => false,
    }
}

/// From this length on that a WAV file gives for its samples, they are all that follows: programs that write into a pipe cannot go back
/// to give the true length (ffmpeg gives 0xffffffff, sox 0x7ffff000).
const UNKNOWN_LENGTH: u32 = 0x7fff_f000;
/// Where the first part of a WAV file begins: after `RIFF`, the file's length and `WAVE`.
const FIRST_PART: usize = 12;

/// The four bytes of a WAV file from `start` on, as a number.
fn number_at(bytes: &[u8], start: usize) -> Option<u32> {
    let four = bytes.get(start..start.checked_add(4)?)?;
    four.try_into().ok().map(u32::from_le_bytes)
}

/// Makes the lengths of the parts of a WAV file those that its reader needs: the samples, where their length is unknown, are the
/// rest of the file in whole frames, and a part of an odd length before them has the byte behind it that makes it even.
fn set_lengths(bytes: &mut [u8]) {
    let (mut place, mut frame) = (FIRST_PART, 1);
    while let (Some(name), Some(length)) = (bytes.get(place..place + 4), number_at(bytes, place + 4)) {
        let content = place + 8;
        let rest = bytes.len() - content;
        match name {
            // The bytes of a frame are the number after the format, the channels, the rate and the bytes of a second.
            b"fmt " => {
                let size = bytes.get(content + 12..content + 14).and_then(|two| two.try_into().ok());
                frame = size.map_or(1, u16::from_le_bytes).max(1);
            }
            b"data" => {
                let whole = u32::try_from(rest - rest % usize::from(frame)).ok();
                let known = whole.filter(|_| length >= UNKNOWN_LENGTH && length as usize > rest);
                if let (Some(known), Some(field)) = (known, bytes.get_mut(place + 4..content)) {
                    field.copy_from_slice(&known.to_le_bytes());
                }
                return;
            }
            _ => {}
        }
        // Not all programs write this byte; the name of the next part does not begin with 0.
        let is_followed = length % 2 == 1 && bytes.get(content.saturating_add(length as usize)) == Some(&0);
        let length = length.saturating_add(is_followed.into());
        if let Some(field) = bytes.get_mut(place + 4..content) {
            field.copy_from_slice(&length.to_le_bytes());
        }
        place = match content.checked_add(length as usize) {
            Some(next) if next < bytes.len() => next,
            Some(_) | None => return,
        };
    }
}

fn wav(mut bytes: Vec<u8>) -> Result<Sound, hound::Error> {
    set_lengths(&mut bytes);
    let mut reader = hound::WavReader::new(Cursor::new(bytes))?;
    let spec = reader.spec();
    let samples: Result<Vec<f32>, hound::Error> = match spec.sample_format {
        hound::SampleFormat::Float => reader.samples::<f32>().collect(),
        hound::SampleFormat::Int => {
            let scale = full_scale(u32::from(spec.bits_per_sample));
            reader.samples::<i32>().map(|sample| sample.map(|sample| sample as f32 / scale)).collect()
        }
    };
    Ok(Sound { rate: spec.sample_rate, samples: mono(&samples?, spec.channels.into()) })
}

fn flac(bytes: Vec<u8>) -> Result<Sound, String> {
    let mut reader = claxon::FlacReader::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let info = reader.streaminfo();
    let scale = full_scale(info.bits_per_sample);
    let samples: Result<Vec<f32>, claxon::Error> =
        reader.samples().map(|sample| sample.map(|sample| sample as f32 / scale)).collect();
    let samples = samples.map_err(|error| error.to_string())?;
    Ok(Sound { rate: info.sample_rate, samples: mono(&samples, info.channels as usize) })
}

fn vorbis(bytes: Vec<u8>) -> Result<Sound, String> {
    let mut reader =
        lewton::inside_ogg::OggStreamReader::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let (rate, channels) = (reader.ident_hdr.audio_sample_rate, reader.ident_hdr.audio_channels.into());
    let mut samples = Vec::new();
    while let Some(packet) = reader.read_dec_packet_itl().map_err(|error| error.to_string())? {
        samples.extend(packet.into_iter().map(|sample| f32::from(sample) / full_scale(16)));
    }
    Ok(Sound { rate, samples: mono(&samples, channels) })
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// The size of the smallest whole number that `bits` can hold.
fn full_scale(bits: u32) -> f32 {
    2f32.powi(bits.saturating_sub(1).min(31) as i32)
}

/// The mean of interleaved channels.
fn mono(samples: &[f32], channels: usize) -> Vec<f32> {
    let channels = channels.max(1);
    samples.chunks_exact(channels).map(|frame| frame.iter().sum::<f32>() / channels as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(frequency: f64, rate: u32, count: usize) -> Vec<f32> {
        let phase = std::f64::consts::TAU * frequency / f64::from(rate);
        (0..count).map(|n| (0.5 * (phase * n as f64).sin()) as f32).collect()
    }

    fn written(spec: hound::WavSpec, samples: &[i32]) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        samples.iter().for_each(|&sample| writer.write_sample(sample).unwrap());
        writer.finalize().unwrap();
        (folder, path)
    }

    const STEREO: hound::WavSpec = hound::WavSpec {
        channels: 2,
        sample_rate: 8000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };

    #[test]
    fn channels_are_averaged_and_scaled() {
        let (_folder, path) = written(STEREO, &[16384, -16384, 32767, 32767, -32768, -32768]);
        let sound = read_sound(&path, None).unwrap();
        assert_eq!((sound.rate, sound.samples.len()), (8000, 3));
        assert_eq!(sound.samples, [0.0, 32767.0 / 32768.0, -1.0]);
        assert!((sound.clipped() - 2.0 / 3.0).abs() < 1e-9 && !sound.is_silent());
        let depth = hound::WavSpec { bits_per_sample: 24, channels: 1, ..STEREO };
        let (_folder, path) = written(depth, &[1 << 22]);
        assert_eq!(read_sound(&path, None).unwrap().samples, [0.5]);
    }

    #[test]
    fn a_wav_file_of_unknown_length_is_read_to_its_end() {
        let (_folder, path) = written(STEREO, &[16384, -16384, 32767, 32767]);
        let whole = std::fs::read(&path).unwrap();
        let length = whole.windows(4).position(|four| four == b"data").unwrap() + 4;
        let changed = |given: u32, more: &[u8]| {
            let mut bytes = [&whole, more].concat();
            bytes[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
            bytes[length..length + 4].copy_from_slice(&given.to_le_bytes());
            std::fs::write(&path, bytes).unwrap();
            read_sound(&path, None)
        };
        for given in [u32::MAX, u32::MAX - 36, UNKNOWN_LENGTH] {
            assert_eq!(changed(given, &[]).unwrap().samples, [0.0, 32767.0 / 32768.0]);
            // A frame that breaks off is none.
            assert_eq!(changed(given, &[1, 2, 3]).unwrap().samples.len(), 2);
        }
        assert!(changed(4000, &[]).unwrap_err().to_string().contains("damaged"));
        // A part before the samples is passed over, of an odd length too, with and without the byte that makes it even.
        for part in [b"LIST\x03\0\0\0abc\0".as_slice(), b"LIST\x03\0\0\0abc"] {
            std::fs::write(&path, [&whole[..length - 4], part, &whole[length - 4..]].concat()).unwrap();
            assert_eq!(read_sound(&path, None).unwrap().samples, [0.0, 32767.0 / 32768.0]);
        }
        let mut bytes = [&whole[..length - 4], b"LIST\x04\0\0\0abcd", &whole[length - 4..]].concat();
        bytes[length + 12..length + 16].copy_from_slice(&u32::MAX.to_le_bytes());
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(read_sound(&path, None).unwrap().samples.len(), 2);
    }

    #[test]
    fn a_sine_stays_the_same_at_another_rate() {
        for (from, to) in [(44_100, 16_000), (8000, 16_000), (16_000, 11_025)] {
            let sound = Sound { rate: from, samples: sine(440.0, from, from as usize / 2) };
            let made = sound.resampled(to).unwrap();
            assert_eq!(made.samples.len(), to as usize / 2 + usize::from(to % 2 == 1), "{from} to {to}");
            let expected = sine(440.0, to, made.samples.len());
            let inner = 200..made.samples.len() - 200;
            let error = made.samples[inner.clone()].iter().zip(&expected[inner]).map(|(a, b)| (a - b).abs());
            let error = error.fold(0.0, f32::max);
            assert!(error < 1e-3, "{from} to {to}: {error}");
        }
        // What the lower rate cannot hold is gone, not another frequency.
        let above = Sound { rate: 16_000, samples: sine(7000.0, 16_000, 8000) }.resampled(8000).unwrap();
        assert!(above.samples[200..3800].iter().all(|sample| sample.abs() < 1e-3));
    }

    #[test]
    fn unreadable_files_say_why() {
        let folder = tempfile::tempdir().unwrap();
        let message = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            read_sound(&path, None).err().unwrap().to_string()
        };
        assert!(message("text.wav", b"hello").contains("no WAV, FLAC or Ogg Vorbis"));
        assert!(message("short.wav", b"RIFF").contains("damaged"));
        assert!(message("short.flac", b"fLaC\0\0").contains("damaged"));
        assert!(message("short.ogg", b"OggS\0").contains("damaged"));
        let depth = hound::WavSpec {
            bits_per_sample: 32,
            sample_format: hound::SampleFormat::Float,
            channels: 1,
            ..STEREO
        };
        for (spec, sample, words) in [
            (depth, f32::NAN, "a sample of NaN"),
            (depth, 3e38, "full scale is 1"),
            (hound::WavSpec { sample_rate: 200_000_003, ..depth }, 0.5, "200000003 samples a second"),
            (hound::WavSpec { sample_rate: 1, ..depth }, 0.5, "1 samples a second"),
        ] {
            let path = folder.path().join("float.wav");
            let mut writer = hound::WavWriter::create(&path, spec).unwrap();
            (0..9).for_each(|_| writer.write_sample(sample).unwrap());
            writer.finalize().unwrap();
            let message = read_sound(&path, Some(16_000)).err().unwrap().to_string();
            assert!(message.contains(words), "{message}");
        }
        let (_folder, path) = written(STEREO, &[]);
        assert!(read_sound(&path, None).err().unwrap().to_string().contains("no samples"));
        assert!(read_sound(std::path::Path::new("absent.wav"), None).is_err());
        let silent = Sound { rate: 8000, samples: vec![1e-5; 9] };
        assert!(silent.is_silent());
    }
}
