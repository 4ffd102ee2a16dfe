//! The table of metrics. A metric is one file with a [`MetricRow`] and a line in [`METRICS`]; recipes, reports, the
//! program and its help go through the table and name no metric. `docs/new-metric.md` shows how to add one.

use std::fmt;

use super::error::EvaluationError;
use super::extractors::Extractor;
use super::gathering::Side;
use super::inputs::Inputs;
use super::samples::Samples;
use super::score::Score;
use super::{
    class_match, classification, frechet, inception_score, kernel_distance, latent_paths, memorisation,
    modes, nearest_neighbour, pair_similarity, parzen, precision_recall, stacked_digits,
};
use brigand_core::error::Result;

/// All metrics, in the order in which they are listed.
pub static METRICS: &[MetricRow] = &[
    frechet::ROW,
    kernel_distance::ROW,
    inception_score::ROW,
    precision_recall::ROW,
    parzen::ROW,
    pair_similarity::ROW,
    modes::ROW,
    class_match::ROW,
    stacked_digits::ROW,
    memorisation::ROW,
    nearest_neighbour::ROW,
    latent_paths::ROW,
    classification::ROW,
];

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

/// What a metric needs prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Mean and covariance of the features of both sets, which statistics in files suffice for.
    Moments,
    /// The features of the real samples, one by one.
    RealFeatures,
    /// The features of the generated samples, one by one.
    GeneratedFeatures,
    /// An extractor that gives probabilities of classes beside the features.
    Classes,
    /// The modes that the real samples were drawn from, or else an extractor that gives probabilities of classes.
    ModesOrClasses,
    /// The real samples themselves.
    RealSamples,
    /// The generated samples themselves.
    GeneratedSamples,
    /// The samples that the generator was trained on, where the real ones are others and they can be had.
    TrainingSamples,
    /// The class of every real sample.
    RealClasses,
    /// The class of every generated sample: its condition, or that of its folder.
    GeneratedClasses,
    /// A generator that makes samples of latents.
    Generator,
    /// A function that trains a classifier, see [`super::TrainClassifier`].
    Classifier,
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
            | Need::RealClasses
            | Need::GeneratedClasses
            | Need::Classifier => false,
        })
    }

    /// What it needs that is not `available`, as the end of a sentence.
    pub fn lacks(&self, available: &Available) -> Option<&'static str> {
        self.needs.iter().find_map(|need| {
            let (there, text) = match need {
                Need::Moments | Need::TrainingSamples => (true, ""),
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

pub(super) const CLASSES: &str =
    "an extractor with class probabilities; choose --features classifier, classifier:RUN or inception:FILE";
pub(super) const MODES_OR_CLASSES: &str = "points of a mixture, or images and an extractor with class probabilities; \
                                           choose --features classifier, classifier:RUN or inception:FILE";
pub(super) const GENERATED_CLASSES: &str = "classes of the generated samples; give a class-conditional run";
pub(super) const GENERATOR: &str = "a generator, to follow paths through its latent space; give a run";

/// What two sets and an extractor have of all that metrics need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Available {
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

/// The metric called `name`.
///
/// # Errors
/// If there is none, naming the nearest and all there are.
pub fn find_metric(name: &str) -> std::result::Result<&'static MetricRow, EvaluationError> {
    if let Some(found) = METRICS.iter().find(|metric| metric.name == name) {
        return Ok(found);
    }
    let closeness = |metric: &MetricRow| {
        let names = std::iter::once(metric.name).chain(metric.scores.iter().map(|score| score.name));
        names.map(|own| strsim::normalized_damerau_levenshtein(own, name)).fold(0.0, f64::max)
    };
    let nearest = METRICS.iter().max_by(|a, b| closeness(a).total_cmp(&closeness(b)));
    Err(EvaluationError::Input(format!(
        "no metric is called `{name}`; the nearest is {}, there are {}",
        nearest.map_or("none", |metric| metric.name),
        names()
    )))
}

/// The names of all metrics, with commas between.
fn names() -> String {
    METRICS.iter().map(|metric| metric.name).collect::<Vec<_>>().join(", ")
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_found_and_suggested() {
        for metric in METRICS {
            assert_eq!(find_metric(metric.name).unwrap(), metric);
        }
        for (given, meant) in [
            ("fdi", "fid"),
            ("memorization", "memorisation"),
            ("recal", "prdc"),
            ("ssim", "ms-ssim"),
            ("path", "path-length"),
        ] {
            let message = find_metric(given).unwrap_err().to_string();
            assert!(message.contains(&format!("the nearest is {meant},")), "{message}");
        }
    }

    #[test]
    fn names_are_lower_case_words_joined_by_hyphens_and_occur_once() {
        let word = |word: &str| {
            !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        let scores = || METRICS.iter().flat_map(|metric| metric.scores).map(|score| score.name);
        for name in METRICS.iter().map(|metric| metric.name).chain(scores()) {
            assert!(name.split('-').all(word), "{name}");
        }
        assert_eq!(scores().collect::<BTreeSet<_>>().len(), scores().count());
        assert_eq!(METRICS.iter().map(|row| row.name).collect::<BTreeSet<_>>().len(), METRICS.len());
        assert!(METRICS.iter().all(|row| !row.summary.is_empty() && !row.scores.is_empty()));
    }
}
