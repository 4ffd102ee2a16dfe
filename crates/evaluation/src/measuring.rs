//! All chosen metrics of two sets.

use std::cell::RefCell;

use super::extractors;
use super::gathering::{Gathered, Progress, Side, Wanted, gather};
use super::inputs::{Inputs, Pair};
use super::metric::MetricRow;
use super::need::Need;
use super::protocol::Setting;
use super::reference::Reference;
use super::samples::{Samples, different_shapes};
use super::score::Score;
use super::train_classifier::TrainClassifier;
use brigand_core::error::Result;

/// What to measure, and with what.
pub struct Request<'a> {
    /// The metrics, in the order of their scores.
    pub metrics: &'a [&'static MetricRow],
    /// What makes features of samples.
    pub extractor: &'a extractors::Extractor,
    /// What subsets and resamples are drawn with.
    pub seed: u64,
    /// The samples that the generator was trained on, where the real ones are others.
    pub train: Option<&'a dyn Samples>,
    /// What trains the classifier of metrics that need one.
    pub train_classifier: Option<TrainClassifier>,
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The scores.
    pub scores: Vec<Score>,
    /// The statistics of the real samples, where a metric needed them.
    pub reference: Option<Reference>,
    /// A generated sample, the training sample nearest to it and their distance, the nearest pairs first; where
    /// memorisation was among the metrics. Training samples are counted in [`Request::train`] or the real set.
    pub nearest: Vec<Pair>,
}

/// Measures every chosen metric. Samples go through the extractor once, in portions; features are kept only where a
/// metric needs them one by one, which the Fréchet distance does not.
///
/// # Errors
/// If a set is empty, holds a value that is no number, or does not fit the other, the extractor or a metric.
pub fn evaluate(
    request: &Request<'_>,
    real: Side<'_>,
    generated: Side<'_>,
    observe: &mut dyn FnMut(Progress),
) -> Result<Measured> {
    check_shapes(request, real.samples(), generated.samples())?;
    let any = |need| request.metrics.iter().any(|metric| metric.needs(need));
    let moments = any(Need::Moments).then_some(request.seed);
    let classes = any(Need::Classes) || any(Need::ModesOrClasses);
    let wanted = |what, groups, features| Wanted { what, moments, groups, features, classes };
    let from_real = gather(
        real,
        request.extractor,
        wanted("features of the real samples", false, any(Need::RealFeatures)),
        observe,
    )?;
    let from_generated = gather(
        generated,
        request.extractor,
        wanted("features of the generated samples", true, any(Need::GeneratedFeatures)),
        observe,
    )?;
    let setting = setting([real, generated], [&from_real, &from_generated], request.seed)?;
    let total = request.metrics.len();
    let Some(&first) = request.metrics.first() else {
        return Ok(Measured { scores: Vec::new(), reference: reference(from_real), nearest: Vec::new() });
    };
    let mut inputs = Inputs {
        metric: (first.name, first.needs),
        setting,
        extractor: request.extractor,
        train: request.train,
        train_classifier: request.train_classifier,
        sides: [real, generated],
        gathered: [from_real, from_generated],
        observe: RefCell::new(observe),
        pairs: RefCell::default(),
    };
    let mut scores = Vec::new();
    for (done, &metric) in request.metrics.iter().enumerate() {
        inputs.metric = (metric.name, metric.needs);
        inputs.progress(Progress { what: "metrics", done, total });
        scores.extend((metric.measure)(&inputs)?);
    }
    inputs.progress(Progress { what: "metrics", done: total, total });
    let sizes =
        real.samples().zip(generated.samples()).and_then(|(real, generated)| size_warning(real, generated));
    for score in &mut scores {
        score.warnings.extend(extractor_warning(&score.protocol.setting));
        score.warnings.extend(sizes.clone());
    }
    let Inputs { gathered: [from_real, _], pairs, .. } = inputs;
    Ok(Measured { scores, reference: reference(from_real), nearest: pairs.into_inner() })
}

fn reference(real: Gathered<'_>) -> Option<Reference> {
    real.moments.map(|moments| Reference { moments, origin: Some(real.origin) })
}

/// What all metrics share. A file of another program does not record its extractor: the user states that it is
/// the same as that of the other side.
fn setting(sides: [Side<'_>; 2], gathered: [&Gathered<'_>; 2], seed: u64) -> Result<Setting> {
    let [mut real, mut generated] = gathered.map(|side| side.origin.clone());
    let trusted = sides.map(|side| matches!(side, Side::Statistics(Reference { origin: None, .. }, _)));
    match trusted {
        [true, _] => real.extractor = generated.extractor.clone(),
        [false, true] => generated.extractor = real.extractor.clone(),
        [false, false] => {}
    }
    Ok(Setting::new(&real, &generated, seed)?)
}

/// What to be wary of with an extractor for these samples.
fn extractor_warning(setting: &Setting) -> Option<String> {
    let grey = matches!(setting.real.shape.as_deref(), Some([1, _, _]));
    let network = [("inception", "Inception"), ("efficientnet", "EfficientNet")]
        .into_iter()
        .find_map(|(begins, network)| setting.extractor.name.starts_with(begins).then_some(network))?;
    grey.then(|| {
        format!(
            "{network} was never trained on grey images: a classifier of the same data is a better extractor (brigand train \
             classifier, --features classifier:RUN)"
        )
    })
}

/// What to be wary of where an extractor has brought images of different sizes to one.
fn size_warning(real: &dyn Samples, generated: &dyn Samples) -> Option<String> {
    let (own, other) = (real.shapes(), generated.shapes());
    (own != other && own.channels().is_some()).then(|| {
        format!(
            "real images are {own} and generated ones {other}, so the score also depends on the sizes; --size N reads \
             images of data at one size"
        )
    })
}

/// Refuses sets that the extractor cannot bring together.
fn check_shapes(
    request: &Request<'_>,
    real: Option<&dyn Samples>,
    generated: Option<&dyn Samples>,
) -> Result<()> {
    // Metrics that look at the generated samples alone compare them with no real ones.
    let compared = request.metrics.iter().any(|metric| {
        [Need::Moments, Need::RealFeatures, Need::RealSamples, Need::RealClasses]
            .into_iter()
            .any(|need| metric.needs(need))
    });
    let used = [real.filter(|_| compared), generated];
    if !request.extractor.resizes() {
        for samples in used.into_iter().flatten() {
            samples.shape()?;
        }
    }
    let (Some(real), Some(generated), true) = (real, generated, compared) else { return Ok(()) };
    let (own, other) = (real.shapes(), generated.shapes());
    let sized = request.extractor.resizes() && own.channels().is_some() && own.channels() == other.channels();
    if own == other || sized { Ok(()) } else { Err(different_shapes(real, generated)) }
}

#[cfg(test)]
mod tests {
    use super::super::protocol::tests::setting;
    use super::*;

    #[test]
    fn networks_of_photographs_are_warned_of_on_grey_images_only() {
        let warning = |name: &str, channels: usize| {
            let mut setting = setting(5, 5);
            setting.extractor.name = name.into();
            setting.real.shape = Some(vec![channels, 28, 28]);
            extractor_warning(&setting)
        };
        assert!(warning("inception-2015-12-05", 1).unwrap().contains("Inception was never trained on grey"));
        assert!(warning("efficientnet-lite0", 1).unwrap().starts_with("EfficientNet"));
        assert_eq!((warning("inception-2015-12-05", 3), warning("classifier", 1)), (None, None));
        assert_eq!(extractor_warning(&setting(5, 5)), None);
    }
}
