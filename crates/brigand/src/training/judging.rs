//! Measuring samples while a run trains, and what a run is measured with.

use std::path::Path;

use candle_core::Device;

use super::generated::generated_samples;
use super::{load_classifier, load_test_part};
use crate::data::{Dataset, Spec};
use crate::error::{Error, Result};
use crate::evaluation::extractors::Extractor;
use crate::evaluation::{
    Available, Better, DataSamples, Evaluation, FeatureFile, MetricRow, Need, Request, Samples, Side,
    evaluate, make_features,
};
use crate::recipe::Recipe;
use crate::systems::{Report, System};

/// Side of the digits that the embedded classifier knows.
const DIGITS: [usize; 3] = [1, 8, 8];
const FORMS: &str = "auto, classifier, classifier:RUN, inception:FILE, pixels or given";

/// The extractor that `features` names: `classifier` (of the embedded digits), `classifier:RUN`, `inception:FILE`,
/// `pixels`, `given` or `auto`. The last is the embedded classifier for `source` `digits`, pixels for other images,
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
            Extractor::classifier("classifier", load_classifier(Path::new(run), device)?)?
        }
        Some(("inception", file)) => Extractor::inception(Path::new(file))?,
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

const PIXELS: &str = "images are compared pixel by pixel, which sees brightness and layout but not what is shown; \
                      for numbers that mean more train a judge (brigand train classifier --data ...) and give \
                      classifier:RUN, or give inception:FILE for photographs, as features";

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
    .at_most(most, seed))
}

/// The real samples, as what remains to be done with them needs.
enum Real {
    Features(FeatureFile),
    Samples(DataSamples),
}

/// Measures a system again and again in the same way.
pub(super) struct Judge {
    extractor: Extractor,
    metrics: Vec<&'static MetricRow>,
    best: Option<(&'static str, Better)>,
    count: usize,
    seed: u64,
    classes: Vec<String>,
    real: Real,
}

/// What a judge says.
pub(super) struct Judged {
    pub(super) evaluation: Evaluation,
    /// The scores by name.
    pub(super) values: Report,
    /// How good the step is, lower is better.
    pub(super) score: Option<f64>,
}

impl Judge {
    /// Prepares the real samples of the recipe's data.
    ///
    /// # Errors
    /// If the system makes no samples, or a metric or the extractor cannot be used with them.
    pub(super) fn new(system: &dyn System, data: &Dataset, recipe: &Recipe) -> Result<Self> {
        let (wanted, seed) = (&recipe.common.evaluation, recipe.common.training.seed);
        if !system.generates() {
            return Err(Error::Recipe(format!(
                "evaluation.every: `{}` makes no samples to be measured; leave it at 0",
                recipe.common.system
            )));
        }
        let source = recipe.common.data.source.parse::<Spec>()?;
        let samples = real_samples(recipe, data, wanted.count, seed)?;
        let (extractor, _) =
            choose_extractor(&wanted.features, Some(&source), &samples.shape()?, &Device::Cpu)?;
        let metrics = wanted.chosen()?;
        let made = make_features(&samples, &extractor, &mut |_| {})?;
        let classes = recipe.common.data.classes.clone();
        let probe = generated_samples(system, "the run", 1, seed)?.with_classes(&classes);
        let available = Available::of(Side::Samples(&samples), Side::Samples(&probe), &extractor, false);
        if let Some((metric, lacking)) = metrics.iter().find_map(|row| Some((row, row.lacks(&available)?))) {
            return Err(Error::Recipe(format!(
                "evaluation.metrics: {metric} needs {lacking} (evaluation.features is `{}`); or leave it out",
                wanted.features
            )));
        }
        let apart = samples.shapes().channels().is_none()
            || metrics.iter().any(|metric| metric.needs(Need::RealSamples));
        let real = if apart { Real::Samples(samples) } else { Real::Features(made) };
        let (best, count) = (wanted.best_score()?, wanted.count);
        Ok(Self { extractor, metrics, best, count, seed, classes, real })
    }

    /// Measures fresh samples of the same latents as at every step.
    ///
    /// # Errors
    /// If a sample is no number or a metric has no value.
    pub(super) fn measure(&self, system: &dyn System, step: u64) -> Result<Judged> {
        let name = format!("step {step}");
        let generated = generated_samples(system, &name, self.count, self.seed)?.with_classes(&self.classes);
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
        let values: Report = scores.iter().map(|score| (score.curve(), score.value)).collect();
        let score = self.best.and_then(|(name, better)| {
            let found = scores.iter().find(|score| score.protocol.metric == name)?.value;
            match better {
                Better::Lower => Some(found),
                Better::Higher => Some(-found),
                Better::Neither => None,
            }
        });
        Ok(Judged { evaluation: Evaluation { generated: name, step: Some(step), scores }, values, score })
    }
}
