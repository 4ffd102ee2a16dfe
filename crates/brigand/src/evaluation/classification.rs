//! The classification accuracy score (Ravuri and Vinyals 2019): a classifier learns from generated samples and their
//! classes, and is tested on real ones.

use candle_core::Device;

use super::classes::{ClassificationAccuracy, TrainedOn};
use super::error::{EvaluationError, refused};
use super::extractors;
use super::gathering::{PORTION, Progress, features_of, needed, take};
use super::protocol::{Extractor, Setting};
use super::samples::Samples;
use super::score::Score;
use crate::data::{Dataset, Labels};
use crate::error::Result;
use crate::networks::SampleShape;
use crate::systems::classifier::{ClassifierRecipe, ClassifierTraining, HeldOutRecipe};
use crate::systems::{Feed, System};

/// How long the classifier learns, and from how many samples at once.
const STEPS: u64 = 2000;
const BATCH: usize = 64;
/// With fewer samples of a class the classifier knows it badly, whatever the generator is like.
const USUAL_OF_CLASS: usize = 100;

/// Trains a classifier on `generated`, in 8 bits, and tests it on `real`.
///
/// # Errors
/// If a side has no classes, the generated ones are none of the real ones, or the samples are no images.
pub(super) fn measure(
    real: &dyn Samples,
    generated: &dyn Samples,
    setting: &Setting,
    observe: &mut dyn FnMut(Progress),
) -> Result<Score> {
    let (Some(tested), Some(learnt)) = (real.labels(), generated.labels()) else {
        return Ok(Err(without_classes(real, generated))?);
    };
    let learnt = in_classes_of(&tested, learnt, generated)?;
    let missing = missing_classes(&tested, &learnt);
    let count = learnt.values.len();
    let recipe = recipe(tested.classes.len());
    let classifier = train(generated, learnt, recipe.clone(), setting.seed, observe)?;
    let judge = extractors::Extractor::classifier("learnt", classifier)?;
    let mut predictions = Vec::with_capacity(real.count());
    for first in (0..real.count()).step_by(PORTION) {
        let portion = take(real, first..real.count().min(first + PORTION))?;
        let judged = features_of(&judge, &portion)?;
        predictions.extend(needed(judged.probabilities(), "cas", "classes")?.predictions());
    }
    let accuracy = ClassificationAccuracy::of(&predictions, &tested.values, tested.classes.len())?;
    let name = "classifier of the generated samples".to_owned();
    let extractor = Extractor { name, sha256: None, resizing: "8 bits".into() };
    let mut score = accuracy.score(TrainedOn::Generated, &Setting { extractor, ..setting.clone() })?;
    let recipe = serde_json::to_value(recipe).map_err(|reason| {
        EvaluationError::Protocol(format!("the recipe cannot be written down: {reason}"))
    })?;
    let how = [("steps", STEPS.into()), ("batch", BATCH.min(count).into()), ("recipe", recipe)];
    score.protocol.parameters.extend(how.map(|(name, value)| (name.to_owned(), value)));
    if !missing.is_empty() {
        let missing = missing.join(", ");
        score
            .warnings
            .push(format!("no generated sample is of class {missing}, so no real one of them is recognised"));
    }
    if count < USUAL_OF_CLASS * tested.classes.len() {
        score.warnings.push(format!(
            "{count} generated samples of {} classes teach little, so the accuracy is too low; use as many as the \
             generator was trained on",
            tested.classes.len()
        ));
    }
    Ok(score)
}

fn recipe(classes: usize) -> ClassifierRecipe {
    let mut recipe = ClassifierRecipe { held_out: HeldOutRecipe { every: 0 }, ..ClassifierRecipe::default() };
    recipe.network.classes = classes;
    recipe
}

fn without_classes(real: &dyn Samples, generated: &dyn Samples) -> EvaluationError {
    let [real, generated] =
        [real, generated].map(|samples| (samples.source().name, samples.labels().is_some()));
    EvaluationError::Input(match (real, generated) {
        ((real, false), _) => format!(
            "cas needs the classes of the real samples, {real} has none; give labelled data (mnist, \
             idx:IMAGES,LABELS, a folder with a sub-folder for each class)"
        ),
        (_, (generated, _)) => format!(
            "cas needs the class that each generated sample was made for, {generated} has none; give the samples of a \
             conditional generator as a folder with a sub-folder for each class, named as the real classes are"
        ),
    })
}

/// Generated classes by their numbers among the real ones.
fn in_classes_of(real: &Labels, generated: Labels, samples: &dyn Samples) -> Result<Labels> {
    let place = |name: &String| match real.classes.iter().position(|class| class == name) {
        Some(place) => Ok(place as u32),
        None => refused(format!(
            "{} has a class `{name}`, the real samples have {}; give both the same names",
            samples.source().name,
            real.classes.join(", ")
        )),
    };
    let places: Vec<u32> = generated.classes.iter().map(place).collect::<std::result::Result<_, _>>()?;
    let values = generated.values.iter().filter_map(|&value| places.get(value as usize).copied()).collect();
    Ok(Labels { classes: real.classes.clone(), values })
}

fn missing_classes(real: &Labels, generated: &Labels) -> Vec<String> {
    let absent = |&(class, _): &(usize, &String)| !generated.values.contains(&(class as u32));
    real.classes.iter().enumerate().filter(absent).map(|(_, name)| name.clone()).collect()
}

fn train(
    generated: &dyn Samples,
    labels: Labels,
    recipe: ClassifierRecipe,
    seed: u64,
    observe: &mut dyn FnMut(Progress),
) -> Result<crate::networks::classifier::Classifier> {
    let &[channels, height, width] = generated.shape() else {
        return needed(None, "cas", "images, these are points");
    };
    let (pixels, count) = (extractors::Extractor::pixels(), generated.count());
    let mut values = Vec::with_capacity(count * channels * height * width);
    for first in (0..count).step_by(PORTION) {
        let portion = take(generated, first..count.min(first + PORTION))?;
        values.extend(pixels.extract(&portion)?.features.flatten_all()?.to_vec1::<f32>()?);
    }
    let dataset = Dataset::from_values("generated", values, generated.shape())?.with_labels(labels)?;
    let mut feed = Feed::new(dataset, BATCH.min(count), seed, &Device::Cpu)?;
    let sample = SampleShape::Image { channels, height, width };
    let mut training = ClassifierTraining::new(recipe, sample, seed, &Device::Cpu)?;
    for step in 0..STEPS {
        training.train_step(&mut feed, step)?;
        let done = usize::try_from(step).unwrap_or_default() + 1;
        observe(Progress {
            what: "a classifier learns from the generated samples",
            done,
            total: STEPS as usize,
        });
    }
    training.trained()
}
