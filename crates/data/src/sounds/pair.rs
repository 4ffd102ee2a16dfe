//! The sounds and pictures of a table.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Sounds;
use super::table::{Line, lines};
use crate::dataset::{Dataset, Labels};
use crate::error::DataError;
use crate::folder::{Readable, of_read, read_images, square_images};
use crate::natural;
use crate::notes::{Notes, Skipped};
use crate::options::Options;
use crate::parallel;
use crate::sound::{LogMel, read_sound};

/// The sounds of the table `path` and their pictures, with classes where it has some. Sounds become spectrograms of one second:
/// longer ones are cut, shorter ones filled up with silence. Sounds that cannot be read or are silent, and pictures that cannot
/// be read, are left out and noted.
///
/// # Errors
/// If the table cannot be read, names a file that does not exist, or nothing remains.
pub(crate) fn load_sounds(path: &Path, options: &Options) -> Result<(Dataset, Sounds), brigand_core::Error> {
    let lines = lines(path)?;
    let front_end = LogMel::new()?;
    let pictures: Vec<PathBuf> = lines.iter().map(|line| line.picture.clone()).collect();
    let Readable { images: pictures, are_read, unreadable } =
        read_images((path, &pictures), Vec::new(), options)?;
    let lines: Vec<&Line> = of_read(&lines, &are_read).collect();
    let sounds = parallel::map(&lines, |line| spectrogram(&front_end, &line.sound));
    let (mut images, mut values, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    let mut unusable_sounds = Vec::new();
    for ((line, picture), sound) in lines.into_iter().zip(pictures).zip(sounds) {
        match sound {
            Ok(sound) => {
                images.push(picture);
                values.extend(sound);
                kept.push(line);
            }
            Err(reason) => unusable_sounds.push(Skipped { path: line.sound.clone(), reason }),
        }
    }
    if let (true, Some(first)) = (kept.is_empty(), unusable_sounds.first()) {
        let problem =
            format!("none of its sounds can be used; the first: {}: {}", first.path.display(), first.reason);
        return Err(
            DataError::WrongKind { path: path.to_owned(), wanted: "sounds with pictures", problem }.into()
        );
    }
    let notes = Notes { unreadable, unusable_sounds, ..Notes::default() };
    let name = format!("sounds:{}", path.display());
    let set = square_images(&name, &images, classes(&kept), options)?.with_notes(notes);
    Ok((set, Sounds::new(front_end, values)?))
}

/// The log-mel spectrogram of a file, or why there is none.
fn spectrogram(front_end: &LogMel, path: &Path) -> Result<Vec<f32>, String> {
    let sound = read_sound(path, Some(LogMel::RATE)).map_err(|error| error.to_string())?;
    let sound = sound.beginning(LogMel::SAMPLES);
    if sound.is_silent() {
        return Err("its first second is silent".into());
    }
    front_end.of(&sound.samples).map_err(|error| error.to_string())
}

/// The classes of lines, where they have some.
fn classes(lines: &[&Line]) -> Option<Labels> {
    let named: Vec<&String> = lines.iter().filter_map(|line| line.class.as_ref()).collect();
    let mut classes: Vec<String> = named.iter().map(|name| (*name).clone()).collect();
    classes.sort_by(|a, b| natural::compare(a, b));
    classes.dedup();
    let numbers: BTreeMap<&String, u32> = classes.iter().zip(0..).collect();
    let values: Vec<u32> = named.iter().filter_map(|name| numbers.get(name).copied()).collect();
    (!values.is_empty()).then_some(Labels { values, classes: classes.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 16-bit mono WAV of a sine.
    fn wav(path: &Path, level: f32) {
        let samples: Vec<u8> = (0..8000)
            .flat_map(|at| ((level * 32_000.0 * (at as f32 * 0.3).sin()) as i16).to_le_bytes())
            .collect();
        let mut bytes = b"RIFF".to_vec();
        bytes.extend((36 + samples.len() as u32).to_le_bytes());
        bytes.extend(b"WAVEfmt ");
        bytes.extend([16, 0, 0, 0, 1, 0, 1, 0]);
        bytes.extend(8000_u32.to_le_bytes());
        bytes.extend(16_000_u32.to_le_bytes());
        bytes.extend([2, 0, 16, 0]);
        bytes.extend(b"data");
        bytes.extend((samples.len() as u32).to_le_bytes());
        bytes.extend(samples);
        std::fs::write(path, bytes).unwrap();
    }

    #[test]
    fn sounds_of_any_rate_become_spectrograms_and_silent_or_broken_ones_are_noted() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        image::RgbImage::from_pixel(8, 8, image::Rgb([9, 0, 0])).save(place("p.png")).unwrap();
        for (name, level) in [("a.wav", 1.0), ("b.wav", 0.1), ("silent.wav", 0.0)] {
            wav(&place(name), level);
        }
        std::fs::write(place("broken.wav"), b"RIFFxxxxWAVE").unwrap();
        let lines =
            ["a", "b", "silent", "broken"].map(|name| format!("{name}.wav\tp.png\t{name}\n")).concat();
        std::fs::write(place("t.tsv"), lines).unwrap();
        let (pictures, sounds) = load_sounds(&place("t.tsv"), &Options::default()).unwrap();
        assert_eq!((pictures.len(), sounds.count(), sounds.shape()), (2, 2, [1, 64, 101]));
        assert_eq!(pictures.labels().unwrap().classes, ["a", "b"]);
        let notes = pictures.notes().sentences().join("\n");
        assert!(
            notes.contains("2 sounds left out: silent.wav (its first second is silent), broken.wav ("),
            "{notes}"
        );
        // The level stays: 20 dB are ln(100) in the loudest band.
        let [loud, quiet] = [0, 1].map(|number| {
            sounds.values.chunks(64 * 101).nth(number).unwrap().iter().copied().fold(f32::MIN, f32::max)
        });
        assert!((loud - quiet - 100.0_f32.ln()).abs() < 0.05, "{loud} {quiet}");
    }
}
