//! The classifier of the classification accuracy score.

use std::sync::Arc;

use brigand_core::Place;
use brigand_core::capability::Classifier;
use brigand_core::networks::ClassifierNetworkRecipe;
use brigand_core::session::{Session, Span};

use crate::data::{Dataset, DatasetSource};
use crate::error::{Error, Result};
use crate::evaluation::extractors::Extractor;
use crate::evaluation::{Progress, TrainedClassifier};
use crate::systems::HeldOutRecipe;
use crate::systems::classifier::ClassifierRecipe;

/// How long the classifier trains, and from how many samples at once.
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
    let classes = dataset.class_counts().len();
    let source = DatasetSource(Arc::new(dataset));
    let recipe = ClassifierRecipe {
        network: ClassifierNetworkRecipe { classes, ..ClassifierNetworkRecipe::default() },
        held_out: HeldOutRecipe { every: 0 },
        ..ClassifierRecipe::default()
    };
    let described = serde_json::to_value(&recipe)
        .map_err(|reason| Error::Internal(format!("the classifier cannot be written down: {reason}")))?;
    let span = Span { steps: STEPS, batch, seed };
    let mut session = Session::new(&recipe, vec![Box::new(source)], span, &Place::cpu())?;
    for step in 0..STEPS {
        session.advance()?;
        observe(Progress {
            what: "training a classifier on the generated samples",
            done: usize::try_from(step).unwrap_or_default() + 1,
            total: STEPS as usize,
        });
    }
    let classifier =
        session.system().as_classifier().map(Classifier::image_classifier).transpose()?.flatten();
    let classifier = classifier
        .ok_or_else(|| Error::Internal("the trained classifier cannot be used by itself".into()))?;
    Ok(TrainedClassifier {
        extractor: Extractor::classifier("learnt", classifier)?,
        protocol: vec![
            ("steps", STEPS.into()),
            ("batch", batch.into()),
            ("recipe", described),
            ("drawn", "batches by seeded permutation".into()),
        ],
    })
}
