//! What a metric says of itself.

use std::fmt;

use super::extractors::Extractor;
use super::gathering::Side;
use super::inputs::Inputs;
use super::need::{CLASSES, GENERATED_CLASSES, GENERATOR, MODES_OR_CLASSES, Need, SEVERAL};
use super::samples::Samples;
use super::score::Score;
use brigand_core::error::Result;

/// A metric, or a few that belong together.
///
/// Names are lower-case words joined by `-`, of metrics and of scores. [`Score::curve`] is the name of a score among
/// the curves of a run.
#[derive(Clone, Copy)]
pub struct MetricRow {
    /// Its name on the command line and in recipes.
    pub name: &'static str,
    /// What it measures, in half a sentence.
    pub summary: &'static str,
    /// What has to be prepared for it.
    pub needs: &'static [Need],
    /// Every score that it can give.
    pub scores: &'static [ScoreRow],
    /// Whether it is measured when no metrics are chosen, wherever the sets have what it needs.
    pub usual: bool,
    /// Whether it takes too long to be measured every few steps of a training.
    pub slow: bool,
    /// Measures it.
    pub measure: fn(&Inputs<'_>) -> Result<Vec<Score>>,
}

/// A score that a metric can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScoreRow {
    /// The score's name, which is its protocol's `metric`.
    pub name: &'static str,
    /// Which way is better.
    pub better: Better,
}

/// Which values of a score are better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Lower ones.
    Lower,
    /// Higher ones.
    Higher,
    /// Neither: a value in the middle, or one that is read beside others. It chooses no best checkpoint.
    Neither,
}

impl MetricRow {
    /// Whether it has this need.
    pub fn needs(&self, need: Need) -> bool {
        self.needs.contains(&need)
    }

    /// Whether the extractor of the evaluation takes part in it.
    pub fn uses_extractor(&self) -> bool {
        self.needs.iter().any(|need| match need {
            Need::Moments
            | Need::RealFeatures
            | Need::GeneratedFeatures
            | Need::Classes
            | Need::ModesOrClasses
            | Need::Generator => true,
            Need::RealSamples
            | Need::GeneratedSamples
            | Need::TrainingSamples
            | Need::OneRealImage
            | Need::RealClasses
            | Need::GeneratedClasses
            | Need::Classifier => false,
        })
    }

    /// What it needs that is not `available`, as the end of a sentence.
    pub fn lacks(&self, available: &Available) -> Option<&'static str> {
        self.needs.iter().find_map(|need| {
            let (there, text) = match need {
                Need::TrainingSamples => (true, ""),
                Need::Moments => (!available.one_real, SEVERAL),
                Need::OneRealImage => (available.one_real, "data that is one image, for example image:FILE"),
                Need::RealFeatures if available.one_real => (false, SEVERAL),
                Need::RealFeatures => (available.real_features, "features of the real samples"),
                Need::GeneratedFeatures => {
                    (available.generated_features, "features of the generated samples")
                }
                Need::Classes => (available.classes, CLASSES),
                Need::ModesOrClasses => (available.classes || available.modes, MODES_OR_CLASSES),
                Need::RealSamples => (available.real_samples, "the real samples themselves"),
                Need::GeneratedSamples => (available.generated_samples, "the generated samples themselves"),
                Need::RealClasses => (available.real_classes, "the classes of the real samples"),
                Need::GeneratedClasses => (available.generated_classes, GENERATED_CLASSES),
                Need::Generator => (available.generator, GENERATOR),
                Need::Classifier => (available.classifier, "a function that trains a classifier"),
            };
            (!there).then_some(text)
        })
    }
}

/// What two sets and an extractor have of all that metrics need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Available {
    one_real: bool,
    real_features: bool,
    generated_features: bool,
    classes: bool,
    modes: bool,
    real_samples: bool,
    generated_samples: bool,
    real_classes: bool,
    generated_classes: bool,
    generator: bool,
    classifier: bool,
}

impl Available {
    /// What `real`, `generated` and `extractor` have; `classifier` is whether one can be trained.
    pub fn of(real: Side<'_>, generated: Side<'_>, extractor: &Extractor, classifier: bool) -> Self {
        let (real_samples, generated_samples) = (real.samples(), generated.samples());
        let labelled =
            |samples: Option<&dyn Samples>| samples.is_some_and(|samples| samples.labels().is_some());
        Self {
            one_real: real_samples.is_some_and(|samples| samples.count() == 1),
            real_features: real.has_features(),
            generated_features: generated.has_features(),
            classes: extractor.has_classes() && real_samples.is_some() && generated_samples.is_some(),
            modes: real_samples.is_some_and(|samples| samples.modes().is_some()),
            real_samples: real_samples.is_some(),
            generated_samples: generated_samples.is_some(),
            real_classes: labelled(real_samples),
            generated_classes: labelled(generated_samples),
            generator: generated_samples.is_some_and(|samples| samples.generator().is_some()),
            classifier,
        }
    }
}

/// Two rows are the same metric when they have the same name.
impl PartialEq for MetricRow {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for MetricRow {}

impl fmt::Display for MetricRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Debug for MetricRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MetricRow").field(&self.name).finish()
    }
}
