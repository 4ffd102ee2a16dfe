//! The classifier of the classification accuracy score.

use candle_core::Device;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::evaluation::extractors::Extractor;
use crate::evaluation::{Progress, TrainedClassifier};
use crate::systems::classifier::{ClassifierRecipe, ClassifierTraining, HeldOutRecipe};
use crate::systems::{Feed, System};

/// How long the classifier learns, and from how many samples at once.
const STEPS: u64 = 2000;
const BATCH: usize = 64;

/// Trains a classifier of the labelled images in `dataset`, in batches drawn by a seeded permutation.
///
/// # Errors
/// If they have no labels or no classifier fits them.
pub fn train_classifier(
    dataset: Dataset,
    seed: u64,
    observe: &mut dyn FnMut(Progress),
) -> Result<TrainedClassifier> {
    let batch = BATCH.min(dataset.len());
    let mut feed = Feed::new(dataset, batch, seed, &Device::Cpu)?;
    let mut recipe = ClassifierRecipe { held_out: HeldOutRecipe { every: 0 }, ..ClassifierRecipe::default() };
    recipe.network.classes = feed.class_counts().len();
    let described = serde_json::to_value(&recipe)
        .map_err(|reason| Error::Recipe(format!("the classifier cannot be written down: {reason}")))?;
    let mut training = ClassifierTraining::new(recipe, feed.sample_shape()?, seed, &Device::Cpu)?;
    for step in 0..STEPS {
        training.train_step(&mut feed, step)?;
        observe(Progress {
            what: "a classifier learns from the generated samples",
            done: usize::try_from(step).unwrap_or_default() + 1,
            total: STEPS as usize,
        });
    }
    Ok(TrainedClassifier {
        extractor: Extractor::classifier("learnt", training.trained()?)?,
        protocol: vec![
            ("steps", STEPS.into()),
            ("batch", batch.into()),
            ("recipe", described),
            ("drawn", "batches by seeded permutation".into()),
        ],
    })
}
