//! A folder of recordings, with label files of the same names where phonemes are known.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use brigand_core::{Error, Result};

use super::labels::{Phone, read_labels};
use super::utterances::{Utterance, Utterances};
use super::vocabulary;
use crate::error::DataError;
use crate::folder::{ending, files_below};
use crate::notes::{Notes, Skipped};
use crate::options::Options;
use crate::parallel;
use crate::sound::{ENDINGS, Mfcc, Rows, Sound, read_sound};
use crate::text::{Lines, Tokens, kept_lines, lines_of};

/// Samples in a second of what features are computed of.
pub const RATE: u32 = 16_000;
/// Fewest utterances of which anything can be learned.
pub const FEWEST: usize = 20;
/// Cepstral coefficients of a frame.
pub const COEFFICIENTS: usize = 13;
/// Mel bands that they are of.
pub const BANDS: usize = 40;
/// Most seconds of an utterance.
const LONGEST: f64 = 20.0;
/// The largest share of samples at full scale.
const CLIPPED: f64 = 0.01;

/// The recordings below a folder, in the order of their paths.
pub struct Recordings {
    paths: Vec<PathBuf>,
    unreadable: Vec<Skipped>,
}

impl Recordings {
    /// Those of `root`. Hidden files and folders are passed over.
    ///
    /// # Errors
    /// If it is no folder, or has none.
    pub fn below(root: &Path) -> std::result::Result<Self, DataError> {
        let (mut paths, unreadable) = files_below(root)?;
        paths.retain(|path| ENDINGS.contains(&&*ending(path)));
        if paths.is_empty() {
            let why = unreadable.first().map_or_else(String::new, |first| format!("; {}", first.reason));
            return Err(DataError::WrongKind {
                path: root.to_owned(),
                wanted: "speech",
                problem: format!("no file below it ends in {}{why}", ENDINGS.join(", ")),
            });
        }
        Ok(Self { paths, unreadable })
    }

    /// Their paths.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Folders and files that could not even be listed.
    pub fn unreadable(&self) -> &[Skipped] {
        &self.unreadable
    }
}

/// What recordings are described by: 13 cepstral coefficients of 40 mel bands every 10 ms with their deltas and those of these, each
/// with mean 0 and variance 1 over the utterance.
///
/// # Errors
/// If the sizes do not fit each other, which they do.
pub fn coefficients() -> Result<Mfcc> {
    Mfcc::new(RATE, COEFFICIENTS, BANDS)
}

/// The features of the recording at `path` by [`coefficients`].
///
/// # Errors
/// If it cannot be read, or is silent, clipped or too long.
pub fn features(coefficients: &Mfcc, path: &Path) -> Result<Rows> {
    let sound = read_sound(path, Some(RATE))?;
    if let Some(reason) = unfit(&sound) {
        return Err(Error::Data(format!("{} {reason}", path.display())));
    }
    coefficients.features(&sound.samples)
}

/// Why nothing can be recognised in `sound`.
fn unfit(sound: &Sound) -> Option<String> {
    if sound.is_silent() {
        return Some("is silent; record it louder".into());
    }
    if sound.clipped() > CLIPPED {
        let share = 100.0 * sound.clipped();
        return Some(format!(
            "is clipped: {share:.0} % of its samples are at full scale; record it with less gain"
        ));
    }
    let seconds = sound.seconds();
    (seconds > LONGEST)
        .then(|| format!("has {seconds:.0} seconds, at most {LONGEST} are used; cut it at pauses"))
}

/// The recordings below `sounds`, and the lines of `text`.
pub(super) fn open(sounds: &Path, text: &Path, options: &Options) -> Result<(Utterances, Lines, Notes)> {
    let (kept, skipped) = kept_lines(text, Tokens::Words, options.length.unwrap_or(usize::MAX))?;
    let length = options.length.or(kept.iter().map(Vec::len).max()).unwrap_or(1);
    let lines = lines_of(&kept, Tokens::Words, length, skipped)?;
    let vocabulary = vocabulary(&lines.source)?;
    let Recordings { paths, unreadable } = Recordings::below(sounds)?;
    let coefficients = coefficients()?;
    let hop = coefficients.frames().hop;
    let read = parallel::map(&paths, |path| {
        let frames = features(&coefficients, path)?;
        let labels = path.with_extension("lab");
        let phones = labels.exists().then(|| read_labels(&labels)).transpose()?;
        Ok((frames, phones))
    });
    let (mut utterances, mut unusable_sounds, mut unknown) = (Vec::new(), unreadable, BTreeSet::new());
    for (path, read) in paths.iter().zip(read) {
        let read: Result<(Rows, Option<Vec<Phone>>)> = read;
        match read {
            Ok((frames, phones)) => {
                let phones =
                    phones.map(|phones| numbered(&phones, &vocabulary, (frames.count(), hop), &mut unknown));
                utterances.push(Utterance { frames, phones: phones.filter(|phones| !phones.is_empty()) });
            }
            Err(error) => {
                unusable_sounds.push(Skipped { path: path.clone(), reason: error.to_string() });
            }
        }
    }
    if !unknown.is_empty() {
        let names: Vec<String> = unknown.into_iter().collect();
        return Err(Error::Data(format!(
            "the recordings below {} have phonemes that {} lacks: {}; give text of the same set of phonemes",
            sounds.display(),
            text.display(),
            names.join(" ")
        )));
    }
    if utterances.len() < FEWEST {
        let first =
            unusable_sounds.first().map_or_else(String::new, |one| format!("; left out: {}", one.reason));
        return Err(Error::Data(format!(
            "{} has {} usable recordings, at least {FEWEST} are needed to learn phonemes from{first}",
            sounds.display(),
            utterances.len()
        )));
    }
    let notes = Notes { unusable_sounds, ..Notes::default() };
    Ok((Utterances::new(utterances, vocabulary, RATE), lines, notes))
}

/// The phonemes of an utterance of `frames.0` frames, `frames.1` samples apart, each with the frame that it ends before. Those
/// that `vocabulary` lacks are added to `unknown`.
fn numbered(
    phones: &[Phone],
    vocabulary: &[String],
    frames: (usize, usize),
    unknown: &mut BTreeSet<String>,
) -> Vec<(usize, u32)> {
    let (count, hop) = frames;
    let mut found: Vec<(usize, u32)> = Vec::new();
    for phone in phones {
        // Frame n has its centre at n hops.
        let end = (phone.end * f64::from(RATE) / hop as f64).ceil().clamp(0.0, count as f64) as usize;
        match vocabulary.iter().skip(1).position(|word| *word == phone.name) {
            Some(number) if end > found.last().map_or(0, |&(end, _)| end) => {
                found.push((end, number as u32 + 1))
            }
            // A phoneme between two frames is in none.
            Some(_) => {}
            None => {
                unknown.insert(phone.name.clone());
            }
        }
    }
    if let Some((end, _)) = found.last_mut() {
        *end = count;
    }
    found
}
