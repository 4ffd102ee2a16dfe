//! What a metric is measured from.

use brigand_core::capability::Sampler;
use std::cell::RefCell;

use serde_json::Value;

use super::error::{EvaluationError, refused};
use super::extractors;
use super::features::Features;
use super::gathering::{Gathered, Progress, Side, Wanted, gather, portion, take_alike};
use super::grouped_moments::Groups;
use super::moments::Moments;
use super::need::{CLASSES, GENERATOR, Need};
use super::probabilities::Probabilities;
use super::protocol::{Extractor, Setting};
use super::samples::Samples;
use super::train_classifier::TrainClassifier;
use brigand_core::error::Result;
use brigand_core::random::Stream;
use brigand_data::{Labels, Modes};

/// A generated sample, the training sample nearest to it, and their distance.
pub type Pair = (usize, usize, f64);

/// Both sets as far as the metric's row lists them as needed, and what they are measured with.
pub struct Inputs<'a> {
    /// The metric's name and needs.
    pub(super) metric: (&'static str, &'static [Need]),
    pub(super) setting: Setting,
    pub(super) extractor: &'a extractors::Extractor,
    pub(super) train: Option<&'a dyn Samples>,
    pub(super) train_classifier: Option<TrainClassifier>,
    pub(super) sides: [Side<'a>; 2],
    pub(super) gathered: [Gathered<'a>; 2],
    pub(super) observe: RefCell<&'a mut (dyn FnMut(Progress) + 'a)>,
    pub(super) pairs: RefCell<Vec<Pair>>,
}

impl<'a> Inputs<'a> {
    /// What the scores of this evaluation share.
    pub fn setting(&self) -> &Setting {
        &self.setting
    }

    /// The setting of a score that is measured in pixels, whatever the extractor of the evaluation is.
    pub fn setting_of_pixels(&self, preparation: &str) -> Setting {
        let extractor = Extractor { name: "pixels".into(), sha256: None, resizing: preparation.into() };
        Setting { extractor, ..self.setting.clone() }
    }

    /// What makes features of samples.
    pub fn extractor(&self) -> &'a extractors::Extractor {
        self.extractor
    }

    /// The stream of random numbers for one purpose of this metric.
    pub fn stream(&self, purpose: &str) -> Stream {
        Stream::new(self.setting.seed, &self.purpose(purpose), 0)
    }

    /// The numbers `0..count` in random order, so that what is taken from them does not depend on the order of samples.
    /// Put [`Inputs::drawn`] of the same purpose into the score's protocol.
    pub fn permutation(&self, purpose: &str, count: usize) -> Vec<usize> {
        self.stream(purpose).permutation(count)
    }

    /// How a protocol names what [`Inputs::permutation`] draws.
    pub fn drawn(&self, purpose: &str) -> Value {
        format!("seeded permutation {}", self.purpose(purpose)).into()
    }

    fn purpose(&self, purpose: &str) -> String {
        format!("evaluation/{}/{purpose}", self.metric.0)
    }

    /// Reports the progress of a long measurement.
    pub fn progress(&self, progress: Progress) {
        (self.observe.borrow_mut())(progress);
    }

    /// Keeps pairs of samples for whoever shows them.
    pub fn keep_pairs(&self, pairs: Vec<Pair>) {
        *self.pairs.borrow_mut() = pairs;
    }

    /// Refuses what the metric cannot do without.
    ///
    /// # Errors
    /// If there is nothing.
    pub fn needed<T>(&self, found: Option<T>, what: &str) -> Result<T> {
        found.ok_or_else(|| EvaluationError::Input(format!("{} needs {what}", self.metric.0)).into())
    }

    /// Refuses to give what the metric's row does not list, because it was not prepared.
    fn listed(&self, need: Need) -> Result<()> {
        if self.metric.1.contains(&need) {
            return Ok(());
        }
        Ok(refused(format!(
            "the row of `{}` does not list Need::{need:?}, which its `measure` uses; add it there",
            self.metric.0
        ))?)
    }

    fn of(&self, need: Need, side: usize) -> Result<&Gathered<'a>> {
        self.listed(need)?;
        self.needed(self.gathered.get(side), "two sets")
    }

    /// The features of the real samples.
    ///
    /// # Errors
    /// If there are none, or the row does not list [`Need::RealFeatures`].
    pub fn real_features(&self) -> Result<&Features> {
        let found = self.of(Need::RealFeatures, 0)?.features.as_deref();
        self.needed(found, "features of both sets")
    }

    /// The features of the generated samples.
    ///
    /// # Errors
    /// If there are none, or the row does not list [`Need::GeneratedFeatures`].
    pub fn generated_features(&self) -> Result<&Features> {
        let found = self.of(Need::GeneratedFeatures, 1)?.features.as_deref();
        self.needed(found, "features of both sets")
    }

    /// The probabilities of classes that the extractor gave the generated samples.
    ///
    /// # Errors
    /// If it gives none, or the row does not list [`Need::Classes`] and [`Need::GeneratedFeatures`].
    pub fn generated_probabilities(&self) -> Result<&Probabilities> {
        self.listed(Need::Classes)?;
        self.needed(self.generated_features()?.probabilities(), CLASSES)
    }

    /// The moments of the features of both sets.
    ///
    /// # Errors
    /// If there are none, or the row does not list [`Need::Moments`].
    pub fn moments(&self) -> Result<(&Moments, &Moments)> {
        let [real, generated] =
            [0, 1].map(|side| self.needed(self.of(Need::Moments, side)?.moments.as_ref(), "statistics"));
        Ok((real?, generated?))
    }

    /// The moments of the generated samples in groups, where they are samples or features.
    pub(super) fn groups(&self) -> Option<&Groups> {
        self.gathered.get(1).and_then(|generated| generated.groups.as_ref())
    }

    /// The real samples, unless features or statistics stand for them.
    pub fn real_samples(&self) -> Option<&'a dyn Samples> {
        self.sides[0].samples()
    }

    /// The generated samples, unless features or statistics stand for them.
    pub fn generated_samples(&self) -> Option<&'a dyn Samples> {
        self.sides[1].samples()
    }

    /// The modes of the distribution that the real samples were drawn from.
    pub fn modes(&self) -> Option<&'a Modes> {
        self.real_samples().and_then(Samples::modes)
    }

    /// The class of every generated sample.
    pub fn generated_classes(&self) -> Option<Labels> {
        self.generated_samples().and_then(Samples::labels)
    }

    /// The generator and how many samples of it are measured.
    ///
    /// # Errors
    /// If the generated samples come from elsewhere.
    pub fn generator(&self) -> Result<(&'a dyn Sampler, usize)> {
        let found =
            self.generated_samples().and_then(|samples| Some((samples.generator()?, samples.count())));
        self.needed(found, GENERATOR)
    }

    /// The samples that the generator was trained on, where the real ones are others.
    pub fn training_samples(&self) -> Option<&'a dyn Samples> {
        self.train
    }

    /// The function that trains a classifier of generated samples.
    ///
    /// # Errors
    /// If there is none.
    pub fn train_classifier(&self) -> Result<TrainClassifier> {
        self.needed(self.train_classifier, "a function that trains a classifier")
    }

    /// Features of further samples.
    ///
    /// # Errors
    /// If the extractor does not take them.
    pub fn features_of(&self, samples: &dyn Samples, what: &'static str) -> Result<Features> {
        let wanted = Wanted::features(what, false);
        let mut observe = |done| self.progress(done);
        let gathered = gather(Side::Samples(samples), self.extractor, wanted, &mut observe)?;
        Ok(self.needed(gathered.features, "at least one sample")?.into_owned())
    }

    /// The values of the samples at `places`, one after another.
    ///
    /// # Errors
    /// If a place does not exist, a value is NaN or infinite, or the samples are images of several sizes.
    pub fn values(&self, samples: &dyn Samples, places: &[usize]) -> Result<Vec<f32>> {
        let mut values = Vec::new();
        for portion in places.chunks(portion(samples)) {
            values.extend(take_alike(samples, portion)?.flatten_all()?.to_vec1::<f32>()?);
        }
        Ok(values)
    }
}
