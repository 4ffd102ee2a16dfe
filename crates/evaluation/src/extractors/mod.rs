//! What samples are compared by: features, and for some extractors the probabilities of classes.
//!
//! Real and generated images take the same way: values in [-1, 1] are rounded to 8 bits, as if both sets had been
//! saved as pictures, and then prepared as the extractor's network needs them. A distance between features means
//! nothing without the extractor's [`Identity`]: report it with every number.
//!
//! An extraction depends neither on how the samples are cut into batches nor on the number of threads.

use std::fs::File;
use std::path::Path;

use brigand_autograd::Variable;
use brigand_core::networks::ImageClassifier;
use candle_core::{DType, Device, Tensor};

use crate::efficientnet::EfficientNet;
use crate::inception::Inception;
use crate::pretrained::{Image, PretrainedNetwork};
use brigand_core::error::{Error, Result};
use brigand_data::checksum::sha256;
use brigand_data::files::FileError;

/// Images that go through a pretrained network at once.
const PRETRAINED_BATCH: usize = 64;
/// Images that go through a classifier at once.
const CLASSIFIER_BATCH: usize = 500;
/// The beginning of the SHA-256 of the weights that published FIDs use, as in their file's name.
const PUBLISHED_INCEPTION: &str = "6726825d";
/// The same of EfficientNet-lite0's in PyTorch's port.
const PUBLISHED_EFFICIENTNET: &str = "57934424";

/// A classifier of the embedded digits, made from `brigand train classifier`; see `docs/feature-extractors.md`.
static DIGITS: &[u8] = include_bytes!("digits.safetensors");

/// Which extractor made some features.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// What it is called, for example `inception-2015-12-05`.
    pub name: String,
    /// SHA-256 of its weights in hexadecimal, where it has weights.
    pub sha256: Option<String>,
    /// How samples are prepared for it.
    pub preparation: &'static str,
}

impl std::fmt::Display for Identity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.name)?;
        if let Some(sha256) = &self.sha256 {
            write!(formatter, " {}", sha256.get(..8).unwrap_or(sha256))?;
        }
        Ok(())
    }
}

/// What an extractor makes of some samples.
#[derive(Clone, Debug)]
pub struct Extraction {
    /// `[n, features]`, 32-bit floats on the processor.
    pub features: Tensor,
    /// `[n, classes]`, logits, from extractors with classes.
    pub logits: Option<Tensor>,
}

impl Extraction {
    /// The probabilities of the classes, `[n, classes]`, 64-bit floats; rows sum to 1.
    ///
    /// # Errors
    /// If the computation fails.
    pub fn probabilities(&self) -> Result<Option<Tensor>> {
        let softmax = |logits: &Tensor| {
            let logits = Variable::constant(logits.to_dtype(DType::F64)?);
            Ok(logits.softmax(1)?.into_tensor())
        };
        self.logits.as_ref().map(softmax).transpose()
    }
}

enum Kind {
    /// A network trained elsewhere, which resizes images itself.
    Pretrained(Box<dyn PretrainedNetwork>),
    Classifier(Box<ImageClassifier>),
    Pixels,
    Given,
}

/// Makes features of samples.
pub struct Extractor {
    identity: Identity,
    kind: Kind,
}

impl Extractor {
    /// Inception-v3 with the weights in `file` (`.pth` or `.safetensors`): features `[n, 2048]` of the last pooling
    /// layer, logits `[n, 1008]`. Images are resized to 299 x 299 without antialiasing; grey ones are repeated to
    /// three channels, on which it was never trained.
    ///
    /// # Errors
    /// As [`Inception::open`].
    pub fn inception(file: &Path) -> Result<Self> {
        let network = Box::new(Inception::open(file)?);
        let names = ["inception-2015-12-05", "inception-own-weights"];
        let preparation = "8 bits, grey repeated, bilinear to 299x299 without antialiasing";
        Self::pretrained(network, file, (PUBLISHED_INCEPTION, names), preparation)
    }

    /// EfficientNet-lite0 with the weights in `file` (`.pth` or `.safetensors`): features `[n, 1280]` of the last pooling
    /// layer, logits `[n, 1000]` of ImageNet's classes. Images are resized to 224 x 224, bicubic with antialiasing; grey
    /// ones are repeated to three channels.
    ///
    /// # Errors
    /// As [`EfficientNet::open`].
    pub fn efficientnet(file: &Path) -> Result<Self> {
        let network = Box::new(EfficientNet::open(file)?);
        let names = ["efficientnet-lite0", "efficientnet-own-weights"];
        let preparation = "8 bits, grey repeated, bicubic to 224x224 with antialiasing";
        Self::pretrained(network, file, (PUBLISHED_EFFICIENTNET, names), preparation)
    }

    /// A network with the weights in `file`, called by the first of `names` where their checksum begins with `published`.
    fn pretrained(
        network: Box<dyn PretrainedNetwork>,
        file: &Path,
        (published, [name, own_weights]): (&str, [&str; 2]),
        preparation: &'static str,
    ) -> Result<Self> {
        let digest = File::open(file).and_then(sha256).map_err(FileError::when("read", file))?;
        let name = if digest.starts_with(published) { name } else { own_weights };
        Ok(Self {
            identity: Identity { name: name.into(), sha256: Some(digest), preparation },
            kind: Kind::Pretrained(network),
        })
    }

    /// A classifier, called `name`: features of its last hidden layer and the logits of its classes.
    ///
    /// # Errors
    /// If its weights cannot be written down for their checksum.
    pub fn classifier(name: &str, classifier: ImageClassifier) -> Result<Self> {
        let digest = sha256(classifier.to_bytes()?.as_slice())
            .map_err(|reason| Error::Network(format!("the classifier has no checksum: {reason}")))?;
        let identity = Identity { name: name.into(), sha256: Some(digest), preparation: "8 bits" };
        Ok(Self { identity, kind: Kind::Classifier(Box::new(classifier)) })
    }

    /// The classifier of 8x8 digits that is part of Brigand.
    ///
    /// # Errors
    /// If the program was built with a broken file.
    pub fn digits() -> Result<Self> {
        Self::classifier(
            "digits-classifier",
            ImageClassifier::from_bytes(DIGITS, "the embedded digits classifier")?,
        )
    }

    /// The pixels themselves, `[n, channels * height * width]` in [-1, 1].
    pub fn pixels() -> Self {
        Self {
            identity: Identity { name: "pixels".into(), sha256: None, preparation: "8 bits" },
            kind: Kind::Pixels,
        }
    }

    /// Samples that are features already, `[n, dimensions]`: points, or what another program extracted.
    pub fn given() -> Self {
        Self {
            identity: Identity { name: "given".into(), sha256: None, preparation: "none" },
            kind: Kind::Given,
        }
    }

    /// Which extractor this is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether it gives the logits of classes beside the features.
    pub fn has_classes(&self) -> bool {
        match self.kind {
            Kind::Pretrained(_) | Kind::Classifier(_) => true,
            Kind::Pixels | Kind::Given => false,
        }
    }

    /// Whether it brings images of any size to the one that its network reads.
    pub fn resizes(&self) -> bool {
        match self.kind {
            Kind::Pretrained(_) => true,
            Kind::Classifier(_) | Kind::Pixels | Kind::Given => false,
        }
    }

    /// As [`Extractor::extract`] without the rounding to 8 bits, for what compares images that differ by less.
    ///
    /// # Errors
    /// As [`Extractor::extract`].
    pub fn extract_unrounded(&self, samples: &Tensor) -> Result<Extraction> {
        self.extract_levels(std::slice::from_ref(samples), |value| f32::midpoint(value, 1.0).clamp(0.0, 1.0))
    }

    /// Features (and logits) of `samples`: images `[n, channels, height, width]` with values in [-1, 1] (what lies
    /// outside is clipped), or `[n, dimensions]` for [`Extractor::given`].
    ///
    /// # Errors
    /// If there are none, they have a shape the extractor does not take, or a value is no finite number.
    pub fn extract(&self, samples: &Tensor) -> Result<Extraction> {
        self.extract_each(std::slice::from_ref(samples))
    }

    /// As [`Extractor::extract`] of samples in several tensors, one after another, which may have images of different
    /// sizes where the extractor [resizes](Self::resizes) them.
    ///
    /// # Errors
    /// As [`Extractor::extract`], and if the tensors do not fit together.
    pub fn extract_each(&self, samples: &[Tensor]) -> Result<Extraction> {
        self.extract_levels(samples, level)
    }

    /// Samples in several tensors as one.
    fn joined(&self, samples: &[Tensor]) -> Result<Tensor> {
        let shape = |samples: &Tensor| samples.dims().get(1..).unwrap_or_default().to_vec();
        match samples.first().map(shape) {
            Some(first) if samples.iter().all(|other| shape(other) == first) => Ok(Tensor::cat(samples, 0)?),
            Some(_) => Err(Error::Request(format!(
                "the extractor `{}` compares images of one size, and these have several; bring them to one with --size N",
                self.identity.name
            ))),
            None => Err(Error::Request("there are no samples; give at least one".into())),
        }
    }

    /// With `level` to bring values from [-1, 1] to [0, 1].
    fn extract_levels(&self, samples: &[Tensor], level: fn(f32) -> f32) -> Result<Extraction> {
        let joined;
        let samples = match (&self.kind, samples) {
            (_, [samples]) => samples,
            (Kind::Pretrained(network), _) => return pretrained(network.as_ref(), samples, level),
            (Kind::Classifier(_) | Kind::Pixels | Kind::Given, _) => {
                joined = self.joined(samples)?;
                &joined
            }
        };
        let (shape, values) = (samples.dims().to_vec(), checked(samples)?);
        match (&self.kind, shape.as_slice()) {
            (Kind::Given, &[_, _]) => Ok(Extraction { features: rows(values, shape[0])?, logits: None }),
            (Kind::Pixels, &[count, _, _, _]) => {
                let pixels = values.into_iter().map(|value| 2.0 * level(value) - 1.0).collect();
                Ok(Extraction { features: rows(pixels, count)?, logits: None })
            }
            (Kind::Pretrained(network), &[_, _, _, _]) => {
                pretrained(network.as_ref(), std::slice::from_ref(samples), level)
            }
            (Kind::Classifier(classifier), &[count, channels, height, width]) => {
                let image = channels * height * width;
                let (mut features, mut logits) = (Vec::new(), Vec::new());
                for part in values.chunks(CLASSIFIER_BATCH * image) {
                    let held = part.len() / image;
                    let mut part: Vec<f32> = part.iter().map(|&value| 2.0 * level(value) - 1.0).collect();
                    // Kernels round differently for small batches, so every batch is a full one.
                    part.resize(CLASSIFIER_BATCH * image, 0.0);
                    let shape = [CLASSIFIER_BATCH, channels, height, width];
                    let output = classifier.classify(&Variable::from_slice(&part, &shape)?)?;
                    features.extend(output.features.narrow(0, 0, held)?.to_vec_f32()?);
                    logits.extend(output.logits.narrow(0, 0, held)?.to_vec_f32()?);
                }
                Ok(Extraction { features: rows(features, count)?, logits: Some(rows(logits, count)?) })
            }
            (Kind::Given, _) => Err(Error::Request(format!(
                "features are given as [n, dimensions], not {shape:?}; choose an extractor for images"
            ))),
            _ => Err(Error::Request(format!(
                "the extractor `{}` needs images [n, channels, height, width], not {shape:?}; give points and \
                 features as they are",
                self.identity.name
            ))),
        }
    }
}

/// Features and logits of images in tensors of several sizes, each image resized by itself.
fn pretrained(
    network: &dyn PretrainedNetwork,
    samples: &[Tensor],
    level: fn(f32) -> f32,
) -> Result<Extraction> {
    let mut levels: Vec<(Vec<f32>, [usize; 3])> = Vec::with_capacity(samples.len());
    for images in samples {
        let (_, channels, height, width) = images.dims4()?;
        let values = checked(images)?.into_iter().map(level).collect();
        levels.push((values, [channels, height, width]));
    }
    let mut images = Vec::new();
    for (values, shape) in &levels {
        let size = shape.iter().product::<usize>().max(1);
        images.extend(values.chunks_exact(size).map(|values| Image { values, shape: *shape }));
    }
    let (mut features, mut logits) = (Vec::new(), Vec::new());
    for batch in images.chunks(PRETRAINED_BATCH) {
        let output = network.forward_each(batch)?;
        features.extend(output.features);
        logits.extend(output.logits);
    }
    let count = images.len();
    Ok(Extraction { features: rows(features, count)?, logits: Some(rows(logits, count)?) })
}

/// A value in [-1, 1] as one of 256 levels, in [0, 1].
fn level(value: f32) -> f32 {
    ((value + 1.0) * 127.5).round().clamp(0.0, 255.0) / 255.0
}

/// The values of `samples`, row-major.
fn checked(samples: &Tensor) -> Result<Vec<f32>> {
    let samples = samples.to_device(&Device::Cpu)?.to_dtype(DType::F32)?;
    let values: Vec<f32> = samples.flatten_all()?.to_vec1()?;
    if values.is_empty() {
        return Err(Error::Request(format!(
            "there are no samples in {:?}; give at least one",
            samples.dims()
        )));
    }
    let size = values.len() / samples.dims().first().copied().unwrap_or(1).max(1);
    match values.iter().position(|value| !value.is_finite()) {
        Some(place) => Err(Error::Request(format!(
            "sample {} holds {}, which is no finite number; leave it out or repair its source",
            place / size.max(1),
            values[place]
        ))),
        None => Ok(values),
    }
}

fn rows(values: Vec<f32>, count: usize) -> Result<Tensor> {
    let width = values.len() / count.max(1);
    Ok(Tensor::from_vec(values, (count, width), &Device::Cpu)?)
}

#[cfg(test)]
mod tests;
