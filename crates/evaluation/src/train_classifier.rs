//! Who trains a classifier for a metric that needs one.

use serde_json::Value;

use super::extractors;
use super::gathering::Progress;
use brigand_core::error::Result;
use brigand_data::Dataset;

/// Trains a classifier of images and their labels, with all randomness from the seed.
pub type TrainClassifier = fn(Dataset, u64, &mut dyn FnMut(Progress)) -> Result<TrainedClassifier>;

/// A classifier and how it was trained.
pub struct TrainedClassifier {
    /// Gives the probabilities of the classes that it learnt.
    pub extractor: extractors::Extractor,
    /// The settings of the training in a protocol, by name.
    pub protocol: Vec<(&'static str, Value)>,
}
