//! What samples are compared by: features, and for some extractors the probabilities of classes.
//!
//! Real and generated images take the same way: values in [-1, 1] are rounded to 8 bits, as if both sets had been
//! saved as pictures, and then prepared as the extractor's network wants them. A distance between features means
//! nothing without the extractor's [`Identity`]: report it with every number.
//!
//! An extraction depends neither on how the samples are cut into batches nor on the number of threads.

use std::fs::File;
use std::path::Path;

use brigand_autograd::Variable;
use candle_core::{DType, Device, Tensor};

use crate::data::checksum::sha256;
use crate::error::{Error, Result};
use crate::files::FileError;
use crate::networks::classifier::Classifier;
use crate::networks::inception::{CLASSES, FEATURES, Inception};

/// Images that go through Inception at once.
const INCEPTION_BATCH: usize = 64;
/// Images that go through a classifier at once.
const CLASSIFIER_BATCH: usize = 500;
/// The beginning of the SHA-256 of the weights that published FIDs use, as their file's name tells it.
const PUBLISHED_INCEPTION: &str = "6726825d";

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
    /// `[n, classes]`, scores before softmax, from extractors that know classes.
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
    Inception(Box<Inception>),
    Classifier(Box<Classifier>),
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
        let network = Inception::open(file)?;
        let digest = File::open(file).and_then(sha256).map_err(FileError::when("read", file))?;
        let published = digest.starts_with(PUBLISHED_INCEPTION);
        let name = if published { "inception-2015-12-05" } else { "inception-own-weights" };
        let preparation = "8 bits, grey repeated, bilinear to 299x299 without antialiasing";
        Ok(Self {
            identity: Identity { name: name.into(), sha256: Some(digest), preparation },
            kind: Kind::Inception(Box::new(network)),
        })
    }

    /// A classifier, called `name`: features of its last hidden layer and the logits of its classes. The classifier
    ///
    /// # Errors
    /// If its weights cannot be written down for their checksum.
    pub fn classifier(name: &str, classifier: Classifier) -> Result<Self> {
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
            Classifier::from_bytes(DIGITS, "the embedded digits classifier")?,
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
    pub fn knows_classes(&self) -> bool {
        match self.kind {
            Kind::Inception(_) | Kind::Classifier(_) => true,
            Kind::Pixels | Kind::Given => false,
        }
    }

    /// As [`Extractor::extract`] without the rounding to 8 bits, for what compares images that differ by less.
    ///
    /// # Errors
    /// As [`Extractor::extract`].
    pub fn extract_unrounded(&self, samples: &Tensor) -> Result<Extraction> {
        self.extract_levels(samples, |value| f32::midpoint(value, 1.0).clamp(0.0, 1.0))
    }

    /// Features (and logits) of `samples`: images `[n, channels, height, width]` with values in [-1, 1] (what lies
    /// outside is clipped), or `[n, dimensions]` for [`Extractor::given`].
    ///
    /// # Errors
    /// If there are none, they have a shape the extractor does not know, or a value is no finite number.
    pub fn extract(&self, samples: &Tensor) -> Result<Extraction> {
        self.extract_levels(samples, level)
    }

    /// With `level` to bring values from [-1, 1] to [0, 1].
    fn extract_levels(&self, samples: &Tensor, level: fn(f32) -> f32) -> Result<Extraction> {
        let (shape, values) = (samples.dims().to_vec(), checked(samples)?);
        match (&self.kind, shape.as_slice()) {
            (Kind::Given, &[_, _]) => Ok(Extraction { features: rows(values, shape[0])?, logits: None }),
            (Kind::Pixels, &[count, _, _, _]) => {
                let pixels = values.into_iter().map(|value| 2.0 * level(value) - 1.0).collect();
                Ok(Extraction { features: rows(pixels, count)?, logits: None })
            }
            (Kind::Inception(network), &[count, channels, height, width]) => {
                let image = channels * height * width;
                let (mut features, mut logits) = (Vec::new(), Vec::new());
                for part in values.chunks(INCEPTION_BATCH * image) {
                    let part: Vec<f32> = part.iter().copied().map(level).collect();
                    let output = network.forward(&part, [part.len() / image, channels, height, width])?;
                    features.extend(output.features);
                    logits.extend(output.logits);
                }
                debug_assert_eq!((features.len(), logits.len()), (count * FEATURES, count * CLASSES));
                Ok(Extraction { features: rows(features, count)?, logits: Some(rows(logits, count)?) })
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
                    let output = classifier.judge(&Variable::from_slice(&part, &shape)?)?;
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
mod tests {
    use super::*;
    use crate::data::{self, Options};

    fn vector(tensor: &Tensor) -> Vec<f32> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    /// The embedded classifier on the digits it was not trained on: the last of every six.
    #[test]
    fn the_digits_classifier_recognises_the_held_out_digits() {
        let digits = data::load(&"digits".parse().unwrap(), &Options::default()).unwrap();
        let held_out: Vec<usize> = (5..digits.len()).step_by(6).collect();
        let batch = digits.get(&held_out).unwrap();
        let images = Tensor::from_vec(batch.values, batch.shape, &Device::Cpu).unwrap();
        let found = Extractor::digits().unwrap().extract(&images).unwrap();
        let logits = vector(&found.logits.unwrap());
        let labels = batch.labels.unwrap();
        let right = |shift: u32| {
            let largest = |row: &[f32]| (0..10).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap() as u32;
            logits
                .chunks(10)
                .zip(&labels)
                .filter(|(row, label)| largest(row) == (**label + shift) % 10)
                .count()
        };
        let accuracy = right(0) as f64 / labels.len() as f64;
        assert!((0.98..=1.0).contains(&accuracy), "{accuracy}");
        // Nothing is recognised when the labels belong to other images.
        assert!(right(1) < labels.len() / 10);
    }

    #[test]
    fn the_embedded_file_is_small_and_identified_by_its_content() {
        assert!(DIGITS.len() < 300_000, "{} bytes", DIGITS.len());
        let identity = Extractor::digits().unwrap().identity().clone();
        assert_eq!(identity.sha256, Some(sha256(DIGITS).unwrap()));
        assert_eq!(identity.to_string(), format!("digits-classifier {}", &sha256(DIGITS).unwrap()[..8]));
    }

    #[test]
    fn batches_do_not_matter_and_probabilities_sum_to_one() {
        let digits = data::load(&"digits".parse().unwrap(), &Options::default()).unwrap();
        let batch = digits.get(&(0..700).collect::<Vec<_>>()).unwrap();
        let images = Tensor::from_vec(batch.values, batch.shape, &Device::Cpu).unwrap();
        let extractor = Extractor::digits().unwrap();
        let whole = extractor.extract(&images).unwrap();
        for (start, count) in [(0, 1), (1, 7), (8, 64), (498, 5), (699, 1)] {
            let part = extractor.extract(&images.narrow(0, start, count).unwrap()).unwrap();
            let same = whole.features.narrow(0, start, count).unwrap();
            assert!(vector(&part.features) == vector(&same), "{start}, {count}");
        }
        let probabilities = whole.probabilities().unwrap().unwrap();
        for sum in probabilities.sum(1).unwrap().to_vec1::<f64>().unwrap() {
            assert!((sum - 1.0).abs() < 1e-12, "{sum}");
        }
        assert_eq!(
            (whole.features.dims(), probabilities.dims()),
            ([700, 84].as_slice(), [700, 10].as_slice())
        );
        assert!(vector(&whole.features).iter().all(|&feature| feature >= 0.0));
    }

    #[test]
    fn images_are_rounded_to_eight_bits_and_given_features_are_not() {
        let values = [-1.0, -0.9999, 0.0, 0.5, 1.0, 7.0];
        let images = Tensor::from_vec(values.to_vec(), (2, 3, 1, 1), &Device::Cpu).unwrap();
        let pixels = Extractor::pixels().extract(&images).unwrap();
        assert_eq!((pixels.features.dims(), pixels.logits.is_none()), ([2, 3].as_slice(), true));
        let unrounded = Extractor::pixels().extract_unrounded(&images).unwrap();
        assert!(
            vector(&unrounded.features).iter().zip(values).all(|(u, v)| (u - f32::min(v, 1.0)).abs() < 1e-6)
        );
        let wanted = [0.0, 0.0, 128.0, 191.0, 255.0, 255.0].map(|level: f32| 2.0 * (level / 255.0) - 1.0);
        assert_eq!(vector(&pixels.features), wanted);
        let points = images.reshape((2, 3)).unwrap();
        assert_eq!(vector(&Extractor::given().extract(&points).unwrap().features), values);
    }

    #[test]
    fn what_cannot_be_extracted_is_refused() {
        let message = |extractor: Extractor, values: Vec<f32>, shape: &[usize]| {
            let samples = Tensor::from_vec(values, shape, &Device::Cpu).unwrap();
            extractor.extract(&samples).unwrap_err().to_string()
        };
        assert!(message(Extractor::pixels(), vec![0.0; 4], &[2, 2]).contains("`pixels` needs images"));
        assert!(message(Extractor::given(), vec![0.0; 4], &[1, 1, 2, 2]).contains("[n, dimensions]"));
        assert!(
            message(Extractor::pixels(), vec![0.0, f32::NAN], &[2, 1, 1, 1]).contains("sample 1 holds NaN")
        );
        assert!(message(Extractor::given(), vec![], &[0, 2]).contains("no samples"));
        let digits = Extractor::digits().unwrap();
        assert!(message(digits, vec![0.0; 16], &[1, 1, 4, 4]).contains("[1, 8, 8]"));
    }
}
