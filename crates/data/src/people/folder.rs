//! Folders of people: frames and a CSV file of their landmarks in a folder for each person.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::{DynamicImage, GenericImageView};

use super::drawing::{Fitting, draw};
use super::landmarks::{LANDMARKS, Table, edges_for};
use super::{HELD_OUT_OF, People};
use crate::dataset::Labels;
use crate::error::DataError;
use crate::folder::{decode_safely, find_images, fitted};
use crate::notes::{Notes, Skipped};
use crate::options::Options;
use crate::pixels::{self, Images};
use crate::{natural, parallel};

/// The side where none is asked for.
const SIZE: usize = 64;
/// The fewest people of which some are trained on and one is kept for measuring.
const FEWEST: usize = 3;

/// One person's frames, fitted, and their drawings.
struct Person {
    name: String,
    frames: Vec<DynamicImage>,
    drawings: Vec<Vec<u8>>,
    points: usize,
    table: PathBuf,
    notes: Notes,
}

fn not_a_person(folder: &Path, problem: String) -> DataError {
    DataError::WrongKind { path: folder.to_owned(), wanted: "frames of a person", problem }
}

/// The frames and landmarks of the person in `folder`.
fn read_person(folder: &Path, options: &Options) -> Result<Person, DataError> {
    let size = options.size.unwrap_or(SIZE);
    let table = folder.join(LANDMARKS);
    if folder.is_dir() && !table.is_file() {
        return Err(not_a_person(
            folder,
            format!("it has no {LANDMARKS}; give one with a line frame,x,y,x,y... in pixels for each frame"),
        ));
    }
    let (images, mut notes) = find_images(folder)?;
    notes.others.remove(".csv");
    let table = Table::read(&table)?;
    let name = |path: &Path| {
        let inside = path.strip_prefix(folder).unwrap_or(path);
        inside.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
    };
    let without: Vec<String> =
        images.iter().map(|path| name(path)).filter(|frame| table.of(frame).is_none()).collect();
    if let Some(first) = without.first() {
        let others = match without.len() {
            1 => String::new(),
            count => format!(", nor have {} others", count - 1),
        };
        return Err(not_a_person(
            folder,
            format!(
                "{first} has no line in {}{others}; add the landmarks, or remove the frame",
                table.path.display()
            ),
        ));
    }
    let edges = edges_for(folder, table.points())?;
    let decoded = parallel::map(&images, |path| {
        let whole = decode_safely(path, options.background)?;
        let points = table.of(&name(path)).ok_or_else(|| "it has no landmarks".to_owned())?;
        let (width, height) = whole.dimensions();
        let drawing = draw(&Fitting::new([width, height], size).apply(points), &edges, size);
        Ok::<_, String>((fitted(&whole, size), drawing))
    });
    let (mut frames, mut drawings) = (Vec::new(), Vec::new());
    for (path, read) in images.iter().zip(decoded) {
        match read {
            Ok((frame, drawing)) => {
                frames.push(frame);
                drawings.push(drawing);
            }
            Err(reason) => notes.unreadable.push(Skipped { path: path.clone(), reason }),
        }
    }
    if let (true, Some(first)) = (frames.is_empty(), notes.unreadable.first()) {
        let (count, Skipped { path: first, reason }) = (notes.unreadable.len(), first.clone());
        return Err(DataError::NothingReadable { path: folder.to_owned(), count, first, reason });
    }
    let called = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();
    Ok(Person { name: called, frames, drawings, points: table.points(), table: table.path, notes })
}

/// The people as sets of frames and drawings.
fn of_people(
    name: &str,
    people: &[&Person],
    channels: usize,
    options: &Options,
) -> Result<People, DataError> {
    let size = options.size.unwrap_or(SIZE);
    let licence = "not stated (your own files)";
    let images =
        |bytes: Vec<u8>, channels| Images { bytes, channels, height: size, width: size, top: u8::MAX };
    let frames = people.iter().flat_map(|person| &person.frames);
    let bytes: Vec<u8> = frames.flat_map(|frame| pixels::to_planes(frame, channels)).collect();
    let labels =
        people.iter().enumerate().flat_map(|(number, person)| vec![number as u32; person.frames.len()]);
    let labels = Labels {
        classes: people.iter().map(|person| person.name.clone()).collect(),
        values: labels.collect(),
    };
    let notes = people.iter().fold(Notes::default(), |notes, person| notes.with(&person.notes));
    let plain = Options { channels: None, ..options.clone() };
    let frames = images(bytes, channels).into_dataset(name, Some(labels), licence, &plain)?.with_notes(notes);
    let drawings: Vec<u8> = people.iter().flat_map(|person| person.drawings.concat()).collect();
    let drawings = images(drawings, 3).into_dataset(format!("{name} (landmarks)"), None, licence, &plain)?;
    Ok(People { frames: Arc::new(frames), drawings: Arc::new(drawings) })
}

/// Grey where all frames are, or as the options say.
fn channels(people: &[Person], options: &Options) -> usize {
    let grey = |frame: &DynamicImage| matches!(frame, DynamicImage::ImageLuma8(_));
    let all_grey = people.iter().flat_map(|person| &person.frames).all(grey);
    options.channels.unwrap_or(if all_grey { 1 } else { 3 })
}

/// The person in `folder`.
///
/// # Errors
/// If there is no landmark file, a frame has no line in it, or nothing can be read.
pub(super) fn load_one(folder: &Path, options: &Options) -> Result<People, DataError> {
    pixels::check(options)?;
    let people = [read_person(folder, options)?];
    let [person] = &people;
    of_people(&format!("person:{}", folder.display()), &[person], channels(&people, options), options)
}

/// The people below `root` to train on, and every sixth (with fewer than six people the last), who is kept for measuring.
///
/// # Errors
/// If there are fewer than three people, or one cannot be read, or they have different numbers of landmarks.
pub(super) fn load(root: &Path, options: &Options) -> Result<(People, People), DataError> {
    pixels::check(options)?;
    let people: Vec<Person> =
        folders(root)?.iter().map(|folder| read_person(folder, options)).collect::<Result<_, _>>()?;
    if let [first, others @ ..] = people.as_slice()
        && let Some(other) = others.iter().find(|other| other.points != first.points)
    {
        return Err(DataError::WrongKind {
            path: other.table.clone(),
            wanted: "landmarks beside those of other people",
            problem: format!(
                "it has {} points, {} has {}",
                other.points,
                first.table.display(),
                first.points
            ),
        });
    }
    let channels = channels(&people, options);
    let is_held_out = |number: usize| match people.len() < HELD_OUT_OF {
        true => number + 1 == people.len(),
        false => (number + 1).is_multiple_of(HELD_OUT_OF),
    };
    let part = |held_out: bool| {
        let own = people.iter().enumerate().filter(|(number, _)| is_held_out(*number) == held_out);
        let own: Vec<&Person> = own.map(|(_, person)| person).collect();
        of_people(&format!("identities:{}", root.display()), &own, channels, options)
    };
    Ok((part(false)?, part(true)?))
}

/// The folders of people, in natural order.
fn folders(root: &Path) -> Result<Vec<PathBuf>, DataError> {
    let kind = std::fs::metadata(root).map_err(|source| DataError::io("read", root, source))?;
    if !kind.is_dir() {
        return Err(DataError::NotAFolder(root.to_owned()));
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root).map_err(|source| DataError::io("read", root, source))? {
        let entry = entry.map_err(|source| DataError::io("read", root, source))?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !hidden && entry.path().is_dir() {
            found.push(entry.path());
        }
    }
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    found.sort_by(|a, b| natural::compare(&name(a), &name(b)));
    if found.len() < FEWEST {
        return Err(DataError::WrongKind {
            path: root.to_owned(),
            wanted: "identities",
            problem: format!(
                "it has {} folders, one for each person; give at least {FEWEST}, of which one is kept for measuring",
                found.len()
            ),
        });
    }
    Ok(found)
}
