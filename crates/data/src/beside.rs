//! Images and what belongs to each of them, as one source.

use std::sync::Arc;

use brigand_core::Result;
use brigand_core::batch::{Joined, NumberKey, Source};

use super::dataset::Dataset;
use super::fingerprint::Fingerprint;
use super::open::{Contents, RunData};
use super::source::DatasetSource;

/// What belongs to images, as a part of the data of a run.
pub(crate) trait BesideImages: Send + Sync {
    /// What tells it from others. Reads all of it.
    fn fingerprint(&self) -> Fingerprint;

    /// What its data is of no use without: a field, what the data is, and the system that it is for; `None` for data that systems
    /// of images train on, too.
    fn needed_field(&self) -> Option<(NumberKey, &'static str, &'static str)>;
}

/// What belongs to images, one for each: label maps, captions, labels or sounds.
pub(crate) trait Beside: BesideImages + 'static {
    /// It as a source of batches.
    type Source: Source + 'static;

    /// Whether the images by themselves are a data set for pictures and measurements.
    const IMAGES_ARE_SAMPLES: bool;

    /// It as a source of batches.
    fn source(beside: Arc<Self>) -> Self::Source;
}

/// Images and what belongs to them as one source.
///
/// # Errors
/// If there are more of one.
fn joined<B: Beside>(images: &Arc<Dataset>, beside: &Arc<B>) -> Result<Joined<DatasetSource, B::Source>> {
    Joined::new(DatasetSource(Arc::clone(images)), B::source(Arc::clone(beside)))
}

/// Images that are kept for measuring, and what belongs to them.
///
/// # Errors
/// If there are more of one.
pub(crate) fn held_out_images<B: Beside>((images, beside): (Dataset, B)) -> Result<Box<dyn Source>> {
    Ok(Box::new(joined(&Arc::new(images), &Arc::new(beside))?))
}

impl RunData {
    /// Images and what belongs to them.
    ///
    /// # Errors
    /// If there are more of one.
    pub(crate) fn of_images<B: Beside>((images, beside): (Dataset, B)) -> Result<Self> {
        let (images, beside) = (Arc::new(images), Arc::new(beside));
        Ok(Self {
            sources: vec![Arc::new(joined(&images, &beside)?)],
            notes: images.notes().clone(),
            dataset: B::IMAGES_ARE_SAMPLES.then(|| Arc::clone(&images)),
            contents: vec![Contents::Samples(images), Contents::Beside(beside)],
        })
    }
}
