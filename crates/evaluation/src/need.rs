//! What metrics need prepared, and how an error names what is not there.

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
    /// One real image, and no more.
    OneRealImage,
    /// The class of every real sample.
    RealClasses,
    /// The class of every generated sample: its condition, or that of its folder.
    GeneratedClasses,
    /// A generator that makes samples of latents.
    Generator,
    /// A function that trains a classifier, see [`super::TrainClassifier`].
    Classifier,
}

/// What distances between sets need.
pub(super) const SEVERAL: &str = "more than one real sample; one image is measured by sifid";
pub(super) const CLASSES: &str = "an extractor with class probabilities; choose --features classifier, classifier:RUN, inception:FILE or efficientnet:FILE";
pub(super) const MODES_OR_CLASSES: &str = "points of a mixture, or images and an extractor with class probabilities; \
                                           choose --features classifier, classifier:RUN, inception:FILE or efficientnet:FILE";
pub(super) const GENERATED_CLASSES: &str = "classes of the generated samples; give a class-conditional run";
pub(super) const GENERATOR: &str = "a generator, to follow paths through its latent space; give a run";
