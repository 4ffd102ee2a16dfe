//! Measuring samples while a run trains, and what a run is measured with.

use brigand_core::capability::Sampler;
use brigand_core::players::Measurements;
use brigand_core::system::System;
use candle_core::Device;

use super::loading::load_classifier;
use super::prepared::load_test_part;
use crate::data::{Dataset, Spec};
use crate::error::{Error, Result};
use crate::evaluation::extractors::Extractor;
use crate::evaluation::{
    Available, Better, DataSamples, Evaluation, FeatureFile, GeneratedSamples, MetricRow, Need, Request,
    Samples, Side, evaluate, make_features,
};
use crate::files::path_of;
use crate::recipe::Recipe;

/// Side of the digits that the embedded classifier knows.
const DIGITS: [usize; 3] = [1, 8, 8];
const FORMS: &str = "auto, classifier, classifier:RUN, inception:FILE, efficientnet:FILE, pixels or given";

/// The extractor that `features` names: `classifier` (of the embedded digits), `classifier:RUN`, `inception:FILE`,
/// `efficientnet:FILE`, `pixels`, `given` or `auto`. The last is the embedded classifier for `source` `digits`, pixels for other images,
/// and coordinates for points. Also answers, for people, what an automatic choice means.
///
/// # Errors
/// For any other text, and for files and runs that cannot be used.
pub fn choose_extractor(
    features: &str,
    source: Option<&Spec>,
    shape: &[usize],
    device: &Device,
) -> Result<(Extractor, Option<&'static str>)> {
    let chosen = match features.split_once(':') {
        Some(("classifier", run)) => {
            Extractor::classifier("classifier", load_classifier(&path_of(run), device)?)?
        }
        Some(("inception", file)) => Extractor::inception(&path_of(file))?,
        Some(("efficientnet", file)) => Extractor::efficientnet(&path_of(file))?,
        None if features == "classifier" => Extractor::digits()?,
        None if features == "pixels" => Extractor::pixels(),
        None if features == "given" => Extractor::given(),
        None if features == "auto" && shape.len() == 1 => Extractor::given(),
        None if features == "auto" && source == Some(&Spec::Digits) && shape == DIGITS => {
            Extractor::digits()?
        }
        None if features == "auto" => return Ok((Extractor::pixels(), Some(PIXELS))),
        _ => return Err(Error::Request(format!("no features are called `{features}`; there are {FORMS}"))),
    };
    Ok((chosen, None))
}

const PIXELS: &str = "images are compared pixel by pixel, which measures brightness and layout but not content; for numbers that \
                      mean more train a classifier (brigand train classifier --data ...) and give \
                      classifier:RUN, or give inception:FILE or efficientnet:FILE for photographs, as features";

/// What samples of a recipe are compared with: the test part of its data, or the data itself where it has none; at
/// most so many, drawn by a permutation that `seed` decides.
///
/// # Errors
/// If the data cannot be read.
pub fn real_samples(recipe: &Recipe, data: &Dataset, most: usize, seed: u64) -> Result<DataSamples> {
    let size = Some(recipe.common.data.size).filter(|&size| size > 0);
    Ok(match load_test_part(recipe)? {
        Some(test) => DataSamples::new(test, Some("test")),
        None => DataSamples::new(data.clone(), None),
    }
    .scaled(size)
    .over(recipe.common.data.background.unwrap_or_default())
    .at_most(most, seed))
}

/// The first `count` samples of `system` for `seed`; `name` says where they are from.
///
/// # Errors
/// If the system makes no samples from latents or none is asked for.
pub fn generated_samples<'a>(
    system: &'a dyn System,
    name: &str,
    count: usize,
    seed: u64,
) -> Result<GeneratedSamples<'a>> {
    let sampler = system.as_sampler().ok_or_else(|| {
        Error::Request(format!(
            "{name} makes no samples from latents to be measured; give a run that does (a classifier is an extractor of \
             features for the samples of others: --features classifier:RUN)"
        ))
    })?;
    GeneratedSamples::new(sampler, name, count, seed)
}

/// The real samples, as what remains to be done with them needs.
enum Real {
    Features(FeatureFile),
    Samples(DataSamples),
}

/// Measures the samples of a system while it trains, always in the same way.
pub(super) struct MeasuresWhileTraining {
    extractor: Extractor,
    metrics: Vec<&'static MetricRow>,
    best: Option<(&'static str, Better)>,
    count: usize,
    seed: u64,
    classes: Vec<String>,
    real: Real,
}

/// The measurements of one step.
pub(super) struct MeasuredStep {
    pub(super) evaluation: Evaluation,
    /// The scores by name.
    pub(super) values: Measurements,
    /// The score by which the best checkpoint is chosen, lower is better.
    pub(super) score: Option<f64>,
}

impl MeasuresWhileTraining {
    /// Prepares the real samples of the recipe's data.
    ///
    /// # Errors
    /// If the system makes no samples from latents, or a metric or the extractor cannot be used with them.
    pub(super) fn new(system: &dyn System, data: Option<&Dataset>, recipe: &Recipe) -> Result<Self> {
        let (wanted, seed) = (&recipe.common.evaluation, recipe.common.training.seed);
        let (Some(sampler), Some(data)) = (system.as_sampler(), data) else {
            return Err(Error::Recipe(format!(
                "evaluation.every: `{}` makes no samples from latents that metrics compare; leave it at 0",
                recipe.common.system
            )));
        };
        let source = recipe.common.data.source.parse::<Spec>()?;
        let samples = real_samples(recipe, data, wanted.count, seed)?;
        let (extractor, _) =
            choose_extractor(&wanted.features, Some(&source), &samples.shape()?, &Device::Cpu)?;
        let metrics = wanted.chosen()?;
        let features = make_features(&samples, &extractor, &mut |_| {})?;
        let classes = recipe.common.data.classes.clone();
        let probe = GeneratedSamples::new(sampler, "the run", 1, seed)?.with_classes(&classes);
        let available = Available::of(Side::Samples(&samples), Side::Samples(&probe), &extractor, false);
        if let Some((metric, lacking)) = metrics.iter().find_map(|row| Some((row, row.lacks(&available)?))) {
            return Err(Error::Recipe(format!(
                "evaluation.metrics: {metric} needs {lacking} (evaluation.features is `{}`); or leave it out",
                wanted.features
            )));
        }
        let apart = samples.shapes().channels().is_none()
            || metrics.iter().any(|metric| metric.needs(Need::RealSamples));
        let real = if apart { Real::Samples(samples) } else { Real::Features(features) };
        let (best, count) = (wanted.best_score()?, wanted.count);
        Ok(Self { extractor, metrics, best, count, seed, classes, real })
    }

    /// Measures fresh samples of the same latents as at every step.
    ///
    /// # Errors
    /// If a sample is no number or a metric has no value.
    pub(super) fn measure(&self, sampler: &dyn Sampler, step: u64) -> Result<MeasuredStep> {
        let name = format!("step {step}");
        let generated =
            GeneratedSamples::new(sampler, &name, self.count, self.seed)?.with_classes(&self.classes);
        let request = Request {
            metrics: &self.metrics,
            extractor: &self.extractor,
            seed: self.seed,
            train: None,
            train_classifier: None,
        };
        let real = match &self.real {
            Real::Features(file) => Side::Features(file, "data"),
            Real::Samples(samples) => Side::Samples(samples),
        };
        let scores = evaluate(&request, real, Side::Samples(&generated), &mut |_| {})?.scores;
        let values: Measurements = scores.iter().map(|score| (score.curve(), score.value)).collect();
        let score = self.best.and_then(|(name, better)| {
            let found = scores.iter().find(|score| score.protocol.metric == name)?.value;
            match better {
                Better::Lower => Some(found),
                Better::Higher => Some(-found),
                Better::Neither => None,
            }
        });
        Ok(MeasuredStep {
            evaluation: Evaluation { generated: name, step: Some(step), scores },
            values,
            score,
        })
    }
}
