//! Images and what belongs to each of them, as one source.

use std::sync::Arc;

use brigand_core::Result;
use brigand_core::batch::{Joined, Source};

use super::dataset::Dataset;
use super::run_data::{MorePart, Part, RunData};
use super::source::DatasetSource;

/// What belongs to images, one for each: label maps, captions, labels or sounds.
pub(crate) trait Beside: MorePart + 'static {
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
            parts: vec![Part::Samples(images), Part::More(beside)],
        })
    }
}
