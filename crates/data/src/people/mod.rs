//! Frames of people with landmarks: a folder for each person, one person alone, or the drawn cartoon faces.

pub mod cartoon;
mod drawing;
mod driving;
mod episodes;
mod folder;
mod landmarks;
mod measuring;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use brigand_core::batch::{NumberKey, Source};
use brigand_core::error::Result;

pub use driving::Driving;
pub use measuring::{Measured, measure};

use super::dataset::Dataset;
use super::error::DataError;
use super::fingerprint::{Content, Fingerprint};
use super::options::Options;
use super::run_data::{MorePart, Part, RunData};
use episodes::{Episodes, Frames};

/// Other frames of a person beside the target in an episode, where no other number is given.
const FRAMES: usize = 4;
/// Of the people, in their order, the last of every so many is kept for measuring.
const HELD_OUT_OF: usize = 6;

/// Which people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeopleSpec {
    /// The drawn faces that are part of the program.
    Cartoon,
    /// A folder with a folder for each person.
    Folder(PathBuf),
    /// The folder of one person.
    One(PathBuf),
}

impl PeopleSpec {
    /// Of data in episodes: other frames beside the target where no other number is given.
    pub fn frames(&self) -> Option<usize> {
        match self {
            Self::Cartoon | Self::Folder(_) => Some(FRAMES),
            Self::One(_) => None,
        }
    }

    /// Whether it reads image files of the user's.
    pub fn reads_files(&self) -> bool {
        match self {
            Self::Cartoon => false,
            Self::Folder(_) | Self::One(_) => true,
        }
    }

    /// The same with another path, where it has one.
    pub(crate) fn with_path(
        &self,
        change: impl Fn(&PathBuf) -> std::result::Result<PathBuf, DataError>,
    ) -> std::result::Result<Self, DataError> {
        Ok(match self {
            Self::Cartoon => Self::Cartoon,
            Self::Folder(path) => Self::Folder(change(path)?),
            Self::One(path) => Self::One(change(path)?),
        })
    }
}

impl fmt::Display for PeopleSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cartoon => f.write_str("cartoon-faces"),
            Self::Folder(path) => write!(f, "identities:{}", path.display()),
            Self::One(path) => write!(f, "person:{}", path.display()),
        }
    }
}

/// Frames with the person of each as its label, and the drawing of each frame's landmarks.
#[derive(Clone, Debug)]
pub(crate) struct People {
    pub(crate) frames: Arc<Dataset>,
    pub(crate) drawings: Arc<Dataset>,
}

impl MorePart for People {
    /// Of the frames with their people, and of the landmarks.
    fn fingerprint(&self) -> Fingerprint {
        let (frames, mut both) = (self.frames.fingerprint(), Content::default());
        both.bytes(frames.sha256.as_bytes());
        both.bytes(self.drawings.fingerprint().sha256.as_bytes());
        Fingerprint { sha256: both.finish(), ..frames }
    }

    fn needed_field(&self) -> Option<(NumberKey, &'static str, &'static str)> {
        None
    }
}

/// The people to train on.
fn trained(spec: &PeopleSpec, options: &Options) -> std::result::Result<People, DataError> {
    match spec {
        PeopleSpec::Cartoon => cartoon::people(cartoon::Part::Trained, options),
        PeopleSpec::Folder(root) => Ok(folder::load(root, options)?.0),
        PeopleSpec::One(path) => folder::load_one(path, options),
    }
}

/// Those who are kept for measuring.
fn held_out(spec: &PeopleSpec, options: &Options) -> std::result::Result<Option<People>, DataError> {
    match spec {
        PeopleSpec::Cartoon => cartoon::people(cartoon::Part::HeldOut, options).map(Some),
        PeopleSpec::Folder(root) => Ok(Some(folder::load(root, options)?.1)),
        PeopleSpec::One(_) => Ok(None),
    }
}

fn frames_of(spec: &PeopleSpec, options: &Options) -> Option<usize> {
    spec.frames().map(|default| options.frames.unwrap_or(default))
}

fn source(people: &People, frames: Option<usize>) -> Result<Box<dyn Source>> {
    Ok(match frames {
        Some(frames) => Box::new(Episodes::new(people.clone(), frames)?),
        None => Box::new(Frames(people.clone())),
    })
}

/// The frames of those who are trained on, without landmarks: classes are the people.
pub(crate) fn frames(spec: &PeopleSpec, options: &Options) -> std::result::Result<Dataset, DataError> {
    Ok(Arc::unwrap_or_clone(trained(spec, options)?.frames))
}

/// The people to train on as the one source of a run.
pub(crate) fn open(spec: &PeopleSpec, options: &Options) -> Result<RunData> {
    let people = trained(spec, options)?;
    let notes = people.frames.notes().clone();
    Ok(RunData {
        sources: vec![Arc::from(source(&people, frames_of(spec, options))?)],
        dataset: Some(Arc::clone(&people.frames)),
        notes,
        parts: vec![Part::More(Arc::new(people))],
    })
}

/// Those who are kept for measuring.
pub(crate) fn open_test_part(spec: &PeopleSpec, options: &Options) -> Result<Option<Box<dyn Source>>> {
    held_out(spec, options)?.map(|people| source(&people, frames_of(spec, options))).transpose()
}

#[cfg(test)]
mod tests;
