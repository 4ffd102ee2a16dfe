//! The data of a run.

use std::sync::Arc;

use brigand_core::batch::{NumberKey, Source};

use super::dataset::Dataset;
use super::fingerprint::Fingerprint;
use super::notes::Notes;

/// What is no data set of samples by itself: what belongs to the images before it, or frames of people with landmarks.
pub(crate) trait MorePart: Send + Sync {
    /// What tells it from others. Reads all of it.
    fn fingerprint(&self) -> Fingerprint;

    /// What its data is of no use without: a field, what the data is, and the system that it is for; `None` for data that systems
    /// of images train on, too.
    fn needed_field(&self) -> Option<(NumberKey, &'static str, &'static str)>;
}

/// A part of the data of a run.
#[derive(Clone)]
pub(crate) enum Part {
    /// Images or points.
    Samples(Arc<Dataset>),
    /// What belongs to the images before it, or frames of people.
    More(Arc<dyn MorePart>),
    /// Text or speech, whose fingerprint is made when it is read.
    Read(Fingerprint),
}

/// The data of a run: what batches are drawn from, and the images or points themselves where that is what they are.
#[derive(Clone)]
pub struct RunData {
    /// Each source is drawn from independently of the others.
    pub sources: Vec<Arc<dyn Source>>,
    /// The images or points, for pictures and measurements; `None` for data of another kind.
    pub dataset: Option<Arc<Dataset>>,
    /// What was noticed when it was read.
    pub notes: Notes,
    pub(crate) parts: Vec<Part>,
}

impl RunData {
    /// What tells this data from other data, of each source. Reads all of it.
    pub fn fingerprints(&self) -> Vec<Fingerprint> {
        let of = |part: &Part| match part {
            Part::Samples(dataset) => dataset.fingerprint(),
            Part::More(more) => more.fingerprint(),
            Part::Read(fingerprint) => fingerprint.clone(),
        };
        self.parts.iter().map(of).collect()
    }

    /// Images or points to show: the data set, or the first images that the data has.
    pub fn shown(&self) -> Option<&Dataset> {
        self.parts.iter().find_map(|part| match part {
            Part::Samples(dataset) => Some(dataset.as_ref()),
            Part::More(_) | Part::Read(_) => None,
        })
    }

    /// The sources, as a feed takes them.
    pub fn boxed_sources(&self) -> Vec<Box<dyn Source>> {
        self.sources.iter().map(|source| Box::new(Arc::clone(source)) as Box<dyn Source>).collect()
    }
}
