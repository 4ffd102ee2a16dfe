//! Two domains of images that are drawn from independently of each other.

use std::sync::Arc;

use brigand_core::batch::{IMAGES, Need, Renamed, SECOND, Source};

use super::dataset::Dataset;
use super::open::{Contents, RunData};
use super::source::DatasetSource;
use brigand_core::{Error, Result};

/// The two data sets as the sources of a run; the second's images become the second domain.
pub(crate) fn two_domains(first: Dataset, second: Dataset) -> RunData {
    let notes = first.notes().clone().with(second.notes());
    let (first, second) = (Arc::new(first), Arc::new(second));
    let contents = vec![Contents::Samples(Arc::clone(&first)), Contents::Samples(Arc::clone(&second))];
    let second = DatasetSource(second);
    RunData {
        contents,
        sources: vec![
            Arc::new(DatasetSource(first)),
            Arc::new(Renamed { source: second, from: IMAGES, to: SECOND }),
        ],
        dataset: None,
        notes,
    }
}

/// The part of the second domain that is kept for measuring, under its name there.
pub(crate) fn second_domain(part: Option<Box<dyn Source>>) -> Option<Box<dyn Source>> {
    part.map(|source| Box::new(Renamed { source, from: IMAGES, to: SECOND }) as Box<dyn Source>)
}

impl RunData {
    /// Refuses two domains for a system that would train on the first alone.
    ///
    /// # Errors
    /// [`Error::Data`], saying what to give instead.
    pub fn check_domains(&self, spec: &str, needs: &[Need]) -> Result<()> {
        if self.sources.len() > 1 && !needs.contains(&Need::Numbers(SECOND)) {
            return Err(Error::Data(format!(
                "{spec} is two domains of images, and this system trains on one; give one of them as data.source, or train \
                 a translator such as cyclegan"
            )));
        }
        Ok(())
    }
}
