//! From samples to features, portion by portion.

use std::borrow::Cow;

use candle_core::Tensor;

use super::error::{EvaluationError, refused};
use super::extractors;
use super::feature_file::FeatureFile;
use super::features::Features;
use super::grouped_moments::{GroupedMoments, Groups};
use super::moments::Moments;
use super::probabilities::Probabilities;
use super::protocol::{Extractor, Origin, Source};
use super::reference::Reference;
use super::samples::Samples;
use brigand_core::error::Result;

/// Samples that are in memory at once, unless they are so large that their values would be too many.
const PORTION: usize = 250;
/// Values that are in memory at once.
const VALUES: usize = 1 << 26;

/// How many samples of a set are in memory at once.
pub(super) fn portion(samples: &dyn Samples) -> usize {
    PORTION.min(VALUES / samples.shapes().largest().max(1)).max(1)
}

/// How far an evaluation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub what: &'static str,
    /// How much of it is done.
    pub done: usize,
    /// How much there is to do.
    pub total: usize,
}

/// One of the two sets that are compared.
#[derive(Clone, Copy)]
pub enum Side<'a> {
    /// Samples, from which the extractor makes features.
    Samples(&'a dyn Samples),
    /// Features that were made before, and what they are called if they do not record their origin.
    Features(&'a FeatureFile, &'a str),
    /// Statistics of features that were made before, which suffice for the Fréchet distance; called likewise.
    Statistics(&'a Reference, &'a str),
}

impl<'a> Side<'a> {
    /// The samples, where it has them.
    pub fn samples(self) -> Option<&'a dyn Samples> {
        match self {
            Self::Samples(samples) => Some(samples),
            Self::Features(..) | Self::Statistics(..) => None,
        }
    }

    /// Whether features of single samples can be had of it.
    pub fn has_features(self) -> bool {
        match self {
            Self::Samples(_) | Self::Features(..) => true,
            Self::Statistics(..) => false,
        }
    }
}

/// What is known of a set once it has been through the extractor.
pub(crate) struct Gathered<'a> {
    pub(crate) origin: Origin,
    /// Where the Fréchet distance is wanted.
    pub(crate) moments: Option<Moments>,
    /// Likewise, of the side whose samples give it an interval.
    pub(crate) groups: Option<Groups>,
    /// Where single features are wanted.
    pub(crate) features: Option<Cow<'a, Features>>,
}

/// What of a set is wanted.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) what: &'static str,
    /// With the seed by which groups are drawn.
    pub(crate) moments: Option<u64>,
    /// Ten groups of the moments, which are as much memory as ten covariances.
    pub(crate) groups: bool,
    pub(crate) features: bool,
    /// Probabilities of classes beside the features.
    pub(crate) classes: bool,
}

impl Wanted {
    /// Single features alone.
    pub(crate) fn features(what: &'static str, classes: bool) -> Self {
        Self { what, moments: None, groups: false, features: true, classes }
    }
}

/// The extractor as a protocol names it.
pub(crate) fn described(extractor: &extractors::Extractor) -> Extractor {
    let identity = extractor.identity();
    Extractor {
        name: identity.name.clone(),
        sha256: identity.sha256.clone(),
        resizing: identity.preparation.to_owned(),
    }
}

/// Brings a set through `extractor`, or takes what was made before.
pub(crate) fn gather<'a>(
    side: Side<'a>,
    extractor: &extractors::Extractor,
    wanted: Wanted,
    observe: &mut dyn FnMut(Progress),
) -> Result<Gathered<'a>> {
    let unknown = |name: &str| Origin {
        extractor: described(&extractors::Extractor::given()),
        source: Source {
            name: name.to_owned(),
            split: None,
            count: None,
            shape: None,
            images: None,
            drawn: None,
        },
    };
    match side {
        Side::Samples(samples) => {
            let origin = Origin { extractor: described(extractor), source: samples.source() };
            let (groups, features) = extract(samples, extractor, wanted, observe)?;
            let moments = groups.as_ref().map(Groups::whole).transpose()?;
            let groups = groups.filter(|_| wanted.groups);
            Ok(Gathered { origin, moments, groups, features: features.map(Cow::Owned) })
        }
        Side::Features(file, name) => {
            let mut origin = file.origin.clone().unwrap_or_else(|| unknown(name));
            origin.source.count = Some(file.features.count() as u64);
            check_count(wanted, &origin.source.name, file.features.count())?;
            let groups = wanted.moments.map(|seed| grouped(&file.features, seed)).transpose()?;
            let moments = groups.as_ref().map(Groups::whole).transpose()?;
            let groups = groups.filter(|_| wanted.groups);
            Ok(Gathered { origin, moments, groups, features: Some(Cow::Borrowed(&file.features)) })
        }
        Side::Statistics(reference, name) => {
            if wanted.features {
                return Ok(refused(
                    "statistics hold a mean and a covariance, which suffice for fid only; give the samples \
                     themselves for the other metrics",
                )?);
            }
            let mut origin = reference.origin.clone().unwrap_or_else(|| unknown(name));
            origin.source.count = reference.moments.count();
            Ok(Gathered { origin, moments: Some(reference.moments.clone()), groups: None, features: None })
        }
    }
}

/// Brings samples through `extractor` and keeps their features with what they were made of.
///
/// # Errors
/// If the extractor does not take them.
pub fn make_features(
    samples: &dyn Samples,
    extractor: &extractors::Extractor,
    observe: &mut dyn FnMut(Progress),
) -> Result<FeatureFile> {
    let gathered = gather(
        Side::Samples(samples),
        extractor,
        Wanted::features("features of the real samples", true),
        observe,
    )?;
    let features = needed(gathered.features, "an evaluation", "at least one sample")?.into_owned();
    Ok(FeatureFile { features, origin: Some(gathered.origin) })
}

fn grouped(features: &Features, seed: u64) -> Result<Groups> {
    let mut moments = GroupedMoments::new(features.dimensions(), features.count(), seed);
    moments.add(features)?;
    Ok(moments.finish()?)
}

fn extract(
    samples: &dyn Samples,
    extractor: &extractors::Extractor,
    wanted: Wanted,
    observe: &mut dyn FnMut(Progress),
) -> Result<(Option<Groups>, Option<Features>)> {
    let (count, mut running, mut all) = (samples.count(), None, None);
    if wanted.moments.is_none() && !wanted.features {
        return Ok((None, None));
    }
    check_count(wanted, &samples.source().name, count)?;
    let at_once = portion(samples);
    for first in (0..count).step_by(at_once) {
        let places: Vec<usize> = (first..count.min(first + at_once)).collect();
        let mut portion = features_of_each(extractor, &take(samples, &places)?)?;
        if !wanted.classes {
            portion = portion.without_probabilities();
        }
        if let Some(seed) = wanted.moments {
            let moments =
                running.get_or_insert_with(|| GroupedMoments::new(portion.dimensions(), count, seed));
            moments.add(&portion)?;
        }
        if wanted.features {
            match &mut all {
                None => all = Some(portion.with_room_for(count)),
                Some(all) => Features::append(all, &portion)?,
            }
        }
        observe(Progress { what: wanted.what, done: count.min(first + at_once), total: count });
    }
    Ok((running.map(GroupedMoments::finish).transpose()?, all))
}

/// Refuses a set too small for statistics by its name.
fn check_count(wanted: Wanted, name: &str, count: usize) -> Result<()> {
    if wanted.moments.is_some() && count < 2 {
        return Ok(refused(format!(
            "fid compares means and covariances, for which {name} has too few samples ({count}); give at least 2 on \
             either side, and thousands for a reliable distance"
        ))?);
    }
    Ok(())
}

/// The samples at `places`, tensor by tensor as [`Samples::get`] gives them.
///
/// # Errors
/// As [`Samples::get`], and if a value is NaN or infinite, naming its sample.
pub(super) fn take(samples: &dyn Samples, places: &[usize]) -> Result<Vec<Tensor>> {
    let portion = samples.get(places)?;
    let mut first = 0;
    for tensor in &portion {
        let values = tensor.flatten_all()?.to_vec1::<f32>()?;
        let count = tensor.dims().first().copied().unwrap_or(0);
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return Ok(refused(format!(
                "sample {} of {} holds a value that is no finite number; leave it out or repair its source",
                places.get(first + at * count / values.len()).copied().unwrap_or(0),
                samples.source().name
            ))?);
        }
        first += count;
    }
    Ok(portion)
}

/// As [`take`] of samples that all have one shape, as one tensor.
///
/// # Errors
/// As [`take`], and if they have several shapes.
pub(super) fn take_alike(samples: &dyn Samples, places: &[usize]) -> Result<Tensor> {
    samples.shape()?;
    Ok(Tensor::cat(&take(samples, places)?, 0)?)
}

/// Features of samples of one shape, with the probabilities of classes where the extractor gives them.
pub fn features_of(extractor: &extractors::Extractor, samples: &Tensor) -> Result<Features> {
    features_of_each(extractor, std::slice::from_ref(samples))
}

/// As [`features_of`] of images that may have several sizes.
pub(crate) fn features_of_each(extractor: &extractors::Extractor, samples: &[Tensor]) -> Result<Features> {
    let extraction = extractor.extract_each(samples)?;
    let width = extraction.features.dim(1)?;
    let features = Features::new(extraction.features.flatten_all()?.to_vec1::<f32>()?, width)?;
    match extraction.probabilities()? {
        None => Ok(features),
        Some(probabilities) => {
            let classes = probabilities.dim(1)?;
            let values: Vec<f64> = probabilities.flatten_all()?.to_vec1()?;
            Ok(features.with_probabilities(Probabilities::new(values, classes)?)?)
        }
    }
}

/// Refuses what `metric` cannot do without.
pub(crate) fn needed<T>(found: Option<T>, metric: &str, what: &str) -> Result<T> {
    found.ok_or_else(|| EvaluationError::Input(format!("{metric} needs {what}")).into())
}
