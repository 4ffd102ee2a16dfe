//! Two domains of images: drawn from independently of each other, or in pairs.

use std::sync::Arc;

use brigand_core::batch::{IMAGES, Joined, Need, NumberKey, Renamed, SECOND, Schema, Source};

use super::dataset::Dataset;
use super::run_data::{Part, RunData};
use super::source::DatasetSource;
use brigand_core::{Error, Result};

/// The images of a second domain, under its name.
type Second = Renamed<DatasetSource>;

/// The two data sets as the sources of a run; the second's images become the second domain.
pub(crate) fn two_domains(first: Dataset, second: Dataset) -> RunData {
    let (first, second) = (Arc::new(first), Arc::new(second));
    run_data(&first, &second, vec![Arc::new(DatasetSource(Arc::clone(&first))), Arc::new(of_second(&second))])
}

/// The two data sets as the one source of a run, image `n` of the one belonging to image `n` of the other.
///
/// # Errors
/// If one has more images.
pub(crate) fn pairs((first, second): (Dataset, Dataset)) -> Result<RunData> {
    let (first, second) = (Arc::new(first), Arc::new(second));
    let joined = Joined::new(DatasetSource(Arc::clone(&first)), of_second(&second))?;
    Ok(run_data(&first, &second, vec![Arc::new(joined)]))
}

/// The two data sets as one source.
///
/// # Errors
/// If one has more images.
pub(crate) fn paired((first, second): (Dataset, Dataset)) -> Result<Joined<DatasetSource, Second>> {
    Joined::new(DatasetSource(Arc::new(first)), of_second(&Arc::new(second)))
}

fn of_second(second: &Arc<Dataset>) -> Second {
    Renamed { source: DatasetSource(Arc::clone(second)), from: IMAGES, to: SECOND }
}

fn run_data(first: &Arc<Dataset>, second: &Arc<Dataset>, sources: Vec<Arc<dyn Source>>) -> RunData {
    RunData {
        parts: [first, second].map(|set| Part::Samples(Arc::clone(set))).into(),
        sources,
        dataset: None,
        notes: first.notes().clone().with(second.notes()),
    }
}

/// The part of the second domain that is kept for measuring, under its name there.
pub(crate) fn second_domain(part: Option<Box<dyn Source>>) -> Option<Box<dyn Source>> {
    part.map(|source| Box::new(Renamed { source, from: IMAGES, to: SECOND }) as Box<dyn Source>)
}

impl RunData {
    /// Refuses data that lacks what a system needs, and data of more than the images that it would train on: two domains of them, or
    /// images with label maps, several labels or sounds.
    ///
    /// # Errors
    /// [`Error::Data`], saying what to give instead.
    pub fn check_needs(&self, spec: &str, needs: &[Need]) -> Result<()> {
        let uses = |key: NumberKey| {
            needs.iter().any(|need| match need {
                Need::Numbers(other) => *other == key,
                Need::Aligned(first, second) => [*first, *second].contains(&key.0),
                Need::Samples | Need::Indices(_) => false,
            })
        };
        let mut schema = Schema::default();
        self.sources.iter().for_each(|source| schema.fields.extend(source.schema().fields));
        let missing = schema.check(needs).err();
        let refused = |what: &str, system: &str| {
            Error::Data(match &missing {
                Some(missing) => format!("{spec} is {what}, for {system}; {missing}"),
                None => format!(
                    "{spec} is {what}, and this system trains on images; give a folder of images as data.source, or train \
                     {system}"
                ),
            })
        };
        for part in &self.parts {
            let needed = match part {
                Part::More(more) => more.needed_field(),
                Part::Samples(_) | Part::Read(_) => None,
            };
            if let Some((_, what, system)) = needed.filter(|(key, ..)| !uses(*key)) {
                return Err(refused(what, system));
            }
        }
        let domains = self.parts.iter().filter(|part| matches!(part, Part::Samples(_))).count();
        if domains > 1 && !uses(SECOND) && missing.is_none() {
            return Err(Error::Data(format!(
                "{spec} is two domains of images, and this system trains on one; give one of them as data.source, or train \
                 a translator such as cyclegan"
            )));
        }
        missing.map_or(Ok(()), |missing| Err(Error::Data(format!("{spec} does not fit: {missing}"))))
    }
}
