//! The classification accuracy score (Ravuri and Vinyals 2019): a classifier is trained on generated samples and their
//! classes, and tested on real ones.

use super::classes::{ClassificationAccuracy, TrainedOn};
use super::error::{EvaluationError, refused};
use super::extractors;
use super::gathering::{features_of, portion, take_alike};
use super::inputs::Inputs;
use super::metric::{Better, MetricRow, ScoreRow};
use super::need::Need;
use super::protocol::{Extractor, Setting};
use super::samples::{Samples, common_shape};
use super::score::Score;
use brigand_core::error::Result;
use brigand_data::{Dataset, Labels};

/// With fewer samples of a class the classifier's accuracy is low for any generator.
const USUAL_OF_CLASS: usize = 100;

/// Its row of the table.
pub(super) const ROW: MetricRow = MetricRow {
    name: "cas",
    summary: "accuracy on real samples of a classifier trained on generated ones",
    needs: &[
        Need::RealSamples,
        Need::GeneratedSamples,
        Need::RealClasses,
        Need::GeneratedClasses,
        Need::Classifier,
    ],
    scores: &[ScoreRow { name: "classification-accuracy-score", better: Better::Higher }],
    usual: false,
    slow: true,
    measure,
};

/// Trains a classifier on the generated samples, in 8 bits, and tests it on the real ones.
fn measure(inputs: &Inputs<'_>) -> Result<Vec<Score>> {
    let both = inputs.real_samples().zip(inputs.generated_samples());
    let (real, generated) = inputs.needed(both, "the images themselves and their classes")?;
    let (Some(tested), Some(learnt)) = (real.labels(), generated.labels()) else {
        return Ok(Err(without_classes(real, generated))?);
    };
    common_shape(real, generated)?;
    let learnt = in_classes_of(&tested, learnt, generated)?;
    let missing = missing_classes(&tested, &learnt);
    let count = learnt.values.len();
    let mut observe = |progress| inputs.progress(progress);
    let classifier = (inputs.train_classifier()?)(
        labelled(inputs, generated, learnt)?,
        inputs.setting().seed,
        &mut observe,
    )?;
    let (all, mut predictions): (Vec<usize>, _) = ((0..real.count()).collect(), Vec::new());
    for places in all.chunks(portion(real)) {
        let features = features_of(&classifier.extractor, &take_alike(real, places)?)?;
        predictions.extend(inputs.needed(features.probabilities(), "a classifier")?.predictions());
    }
    let accuracy = ClassificationAccuracy::of(&predictions, &tested.values, tested.classes.len())?;
    let name = "classifier of the generated samples".to_owned();
    let extractor = Extractor { name, sha256: None, resizing: "8 bits".into() };
    let setting = Setting { extractor, ..inputs.setting().clone() };
    let mut score = accuracy.score(TrainedOn::Generated, &setting)?;
    let how = classifier.protocol.into_iter();
    score.protocol.parameters.extend(how.map(|(name, value)| (name.to_owned(), value)));
    if !missing.is_empty() {
        let missing = missing.join(", ");
        score
            .warnings
            .push(format!("no generated sample is of class {missing}, so no real one of them is recognised"));
    }
    if count < USUAL_OF_CLASS * tested.classes.len() {
        score.warnings.push(format!(
            "{count} generated samples of {} classes are few for training, so the accuracy is too low; use as many as the \
             generator was trained on",
            tested.classes.len()
        ));
    }
    Ok(vec![score])
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

/// The generated images as data to train on.
fn labelled(inputs: &Inputs<'_>, generated: &dyn Samples, labels: Labels) -> Result<Dataset> {
    let shape = generated.shape()?;
    let [channels, height, width] = *shape else {
        return inputs.needed(None, "images, these are points");
    };
    let (pixels, count) = (extractors::Extractor::pixels(), generated.count());
    let all: Vec<usize> = (0..count).collect();
    let mut values = Vec::with_capacity(count * channels * height * width);
    for places in all.chunks(portion(generated)) {
        let portion = take_alike(generated, places)?;
        values.extend(pixels.extract(&portion)?.features.flatten_all()?.to_vec1::<f32>()?);
    }
    Ok(Dataset::from_values("generated", values, &shape)?.with_labels(labels)?)
}
