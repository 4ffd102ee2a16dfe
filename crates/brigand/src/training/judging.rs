//! Measuring samples while a run trains, and what a run is measured with.

use candle_core::Device;

use super::{load_classifier, load_test_part};
use crate::data::{Dataset, Spec};
use crate::error::{Error, Result};
use crate::evaluation::extractors::Extractor;
use crate::evaluation::{
    DataSamples, Evaluation, FeatureFile, GeneratedSamples, Metric, Request, Samples, Side, evaluate,
    make_features,
};
use crate::files::path_of;
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
            Extractor::classifier("classifier", load_classifier(&path_of(run), device)?)?
        }
        Some(("inception", file)) => Extractor::inception(&path_of(file))?,
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
/// most so many.
///
/// # Errors
/// If the data cannot be read.
pub fn real_samples(recipe: &Recipe, data: &Dataset, most: usize) -> Result<DataSamples> {
    Ok(match load_test_part(recipe)? {
        Some(test) => DataSamples::new(test, Some("test")),
        None => DataSamples::new(data.clone(), None),
    }
    .at_most(most))
}

/// The real samples, as what remains to be done with them needs.
enum Real {
    Features(FeatureFile),
    Samples(DataSamples),
}

/// Measures a system again and again in the same way.
pub(super) struct Judge {
    extractor: Extractor,
    metrics: Vec<Metric>,
    best: Option<(&'static str, bool)>,
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
        let samples = real_samples(recipe, data, wanted.count)?;
        let (extractor, _) =
            choose_extractor(&wanted.features, Some(&source), samples.shape(), &Device::Cpu)?;
        let metrics = wanted.chosen()?;
        let made = make_features(&samples, &extractor, &mut |_| {})?;
        let classless = made.features.probabilities().is_none();
        if metrics.contains(&Metric::ClassMatch) && system.latent_space()?.classes() == 0 {
            return Err(Error::Recipe(format!(
                "evaluation.metrics: class-match is for systems that are asked for a class, and `{}` is not; leave \
                 it out",
                recipe.common.system
            )));
        }
        let unfit = |metric: &&Metric| {
            let modes = **metric == Metric::Modes && samples.modes().is_some();
            metric.needs_classes() && classless && !modes
        };
        if let Some(metric) = metrics.iter().find(unfit) {
            return Err(Error::Recipe(format!(
                "evaluation.metrics: {metric} needs an extractor that knows classes, evaluation.features is `{}`; \
                 choose classifier:RUN or inception:FILE",
                wanted.features
            )));
        }
        let apart = samples.shape().len() == 1 || metrics.iter().any(|metric| metric.needs_images());
        let real = if apart { Real::Samples(samples) } else { Real::Features(made) };
        let (best, count) = (wanted.best_score()?, wanted.count);
        let classes = recipe.common.data.classes.clone();
        Ok(Self { extractor, metrics, best, count, seed, classes, real })
    }

    /// Measures fresh samples of the same latents as at every step.
    ///
    /// # Errors
    /// If a sample is no number or a metric has no value.
    pub(super) fn measure(&self, system: &dyn System, step: u64) -> Result<Judged> {
        let name = format!("step {step}");
        let generated =
            GeneratedSamples::new(system, &name, self.count, self.seed)?.with_classes(&self.classes);
        let request =
            Request { metrics: &self.metrics, extractor: &self.extractor, seed: self.seed, train: None };
        let real = match &self.real {
            Real::Features(file) => Side::Features(file, "data"),
            Real::Samples(samples) => Side::Samples(samples),
        };
        let scores = evaluate(&request, real, Side::Samples(&generated), &mut |_| {})?.scores;
        let values: Report =
            scores.iter().map(|score| (score.protocol.metric.clone(), score.value)).collect();
        let signed =
            |(name, more): (&str, bool)| values.get(name).map(|value| if more { -value } else { *value });
        let score = self.best.and_then(signed);
        Ok(Judged { evaluation: Evaluation { generated: name, step: Some(step), scores }, values, score })
    }
}
