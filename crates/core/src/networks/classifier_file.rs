//! A trained classifier of images by itself: in use, and as a file.

use std::collections::{BTreeMap, HashMap};

use brigand_autograd::{Variable, without_recording};
use candle_core::{DType, Device, Tensor};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::image_classifier::{ClassifierNetwork, ClassifierNetworkRecipe, ClassifierOutput};
use crate::batch::{SampleShape, Schema};
use crate::error::{Error, Result};
use crate::modules::{Network, Parameters, Part, Weights};
use crate::place::Place;
use crate::setup::Setup;
use crate::state::State;

/// Key of the description in a file's metadata.
const DESCRIPTION: &str = "classifier";
/// Name of the network.
const NAME: &str = "classifier";

/// A classifier of images `[batch, channels, height, width]` with values in [-1, 1], on the processor.
pub struct ImageClassifier {
    recipe: ClassifierNetworkRecipe,
    sample: SampleShape,
    network: Network<ClassifierNetwork>,
}

/// What a file holds beside the weights.
#[derive(Serialize, Deserialize)]
struct Description {
    network: ClassifierNetworkRecipe,
    sample: [usize; 3],
}

impl ImageClassifier {
    /// A classifier of images of shape `sample` with first values from `seed`.
    ///
    /// # Errors
    /// If the recipe is impossible or the images are smaller than 4 x 4 pixels.
    pub fn new(recipe: ClassifierNetworkRecipe, sample: SampleShape, seed: u64) -> Result<Self> {
        let (schema, place) = (Schema::of_samples(&sample.dims(), &[]), Place::cpu());
        let setup = Setup { schema, batch: 1, steps: 1, seed, place };
        let network = recipe.classifier(NAME, &setup, sample)?;
        Ok(Self { recipe, sample, network })
    }

    /// A classifier with these weights and the running statistics of `parameters`, those of a network of `recipe`.
    ///
    /// # Errors
    /// If they belong to another recipe, or cannot be fetched from their device.
    pub fn with_values(
        recipe: ClassifierNetworkRecipe,
        sample: SampleShape,
        weights: &Weights,
        parameters: &Parameters,
    ) -> Result<Self> {
        let mut state = State::default();
        weights.save(NAME, &mut state)?;
        parameters.buffers().save(NAME, &mut state)?;
        let mut classifier = Self::new(recipe, sample, 0)?;
        classifier.network.restore(NAME, &mut state)?;
        Ok(classifier)
    }

    /// The shape of its images.
    pub fn sample_shape(&self) -> SampleShape {
        self.sample
    }

    /// How many classes it distinguishes.
    pub fn classes(&self) -> usize {
        self.recipe.classes
    }

    /// Features and logits with running statistics, recording nothing: an image's do not depend on the others.
    ///
    /// # Errors
    /// If the images have another shape than the classifier was made for.
    pub fn classify(&self, images: &Variable) -> Result<ClassifierOutput> {
        without_recording(|| self.network.evaluate(None, |network, pass| network.forward(pass, images)))
    }

    /// All weights and statistics by name.
    fn tensors(&self) -> BTreeMap<String, Tensor> {
        let parameters = self.network.parameters();
        let (weights, buffers) = (parameters.weights(), parameters.buffers());
        let values = weights.values().iter().map(|value| value.tensor().clone());
        let named = weights.names().iter().cloned().zip(values);
        named.chain(buffers.names().iter().cloned().zip(buffers.values().iter().cloned())).collect()
    }

    /// All weights and statistics by name, and what they are, as a safetensors file; the same classifier always
    /// gives the same bytes.
    ///
    /// # Errors
    /// If a value cannot be written.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let failed = |reason: String| Error::Network(format!("the classifier cannot be written: {reason}"));
        let mut stored = Vec::new();
        for (name, tensor) in self.tensors() {
            let values = tensor.flatten_all()?.to_dtype(DType::F32)?.to_vec1::<f32>()?;
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            stored.push((name, tensor.dims().to_vec(), bytes));
        }
        let views = stored.iter().map(|(name, shape, bytes)| {
            let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
            Ok((name.as_str(), view.map_err(|reason| failed(reason.to_string()))?))
        });
        let views = views.collect::<Result<Vec<_>>>()?;
        let SampleShape::Image { channels, height, width } = self.sample else {
            return Err(failed("its samples are no images".into()));
        };
        let description = Description { network: self.recipe, sample: [channels, height, width] };
        let description = serde_json::to_string(&description).map_err(|reason| failed(reason.to_string()))?;
        let metadata = HashMap::from([(DESCRIPTION.to_owned(), description)]);
        safetensors::serialize(views, Some(metadata)).map_err(|reason| failed(reason.to_string()))
    }

    /// The classifier of a file that [`ImageClassifier::to_bytes`] made; `origin` names it in errors.
    ///
    /// # Errors
    /// If it is no such file, or lacks a tensor or has it in another shape: the message names it.
    pub fn from_bytes(bytes: &[u8], origin: &str) -> Result<Self> {
        let fault = |what: String| Error::Network(format!("{origin} is no classifier of brigand: {what}"));
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|reason| fault(reason.to_string()))?;
        let described = metadata.metadata().as_ref().and_then(|entries| entries.get(DESCRIPTION));
        let described = described.ok_or_else(|| fault(format!("its metadata has no `{DESCRIPTION}`")))?;
        let Description { network, sample } =
            serde_json::from_str(described).map_err(|reason| fault(reason.to_string()))?;
        let stored = candle_core::safetensors::load_buffer(bytes, &Device::Cpu)?;
        let mut classifier = Self::new(network, SampleShape::of(&sample)?, 0)?;
        let mut state = State::default();
        for (name, held) in classifier.tensors() {
            let found = stored.get(&name).ok_or_else(|| fault(format!("there is no tensor `{name}`")))?;
            if found.dims() != held.dims() {
                return Err(fault(format!(
                    "`{name}` has shape {:?} instead of {:?}",
                    found.dims(),
                    held.dims()
                )));
            }
            state.put(format!("{NAME}.{name}"), found)?;
        }
        classifier.network.restore(NAME, &mut state)?;
        Ok(classifier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classifier(sample: [usize; 3]) -> Result<ImageClassifier> {
        let recipe = ClassifierNetworkRecipe { width: 2, features: 5, classes: 3 };
        ImageClassifier::new(recipe, SampleShape::of(&sample)?, 7)
    }

    #[test]
    fn images_of_any_side_become_features_and_logits() {
        for sample in [[1, 4, 4], [1, 8, 8], [3, 28, 28], [1, 15, 33]] {
            let images = Variable::from_slice(
                &vec![0.5f32; 2 * sample.iter().product::<usize>()],
                &[2, sample[0], sample[1], sample[2]],
            );
            let output = classifier(sample).unwrap().classify(&images.unwrap()).unwrap();
            assert_eq!(
                (output.features.shape(), output.logits.shape()),
                ([2, 5].as_slice(), [2, 3].as_slice())
            );
        }
        assert!(classifier([1, 3, 9]).is_err());
    }

    #[test]
    fn a_file_gives_back_the_same_classifier() {
        let original = classifier([1, 8, 8]).unwrap();
        let bytes = original.to_bytes().unwrap();
        let copy = ImageClassifier::from_bytes(&bytes, "a test").unwrap();
        assert_eq!(copy.to_bytes().unwrap(), bytes);
        let images = Variable::from_slice(
            &(0..64).map(|i| (i % 7) as f32 / 3.0 - 1.0).collect::<Vec<_>>(),
            &[1, 1, 8, 8],
        );
        let images = images.unwrap();
        let logits =
            |classifier: &ImageClassifier| classifier.classify(&images).unwrap().logits.to_vec().unwrap();
        assert_eq!(logits(&copy), logits(&original));
    }

    #[test]
    fn other_files_and_other_images_are_refused_with_what_is_wrong() {
        let text =
            |bytes: &[u8]| ImageClassifier::from_bytes(bytes, "x.safetensors").err().unwrap().to_string();
        assert!(text(b"nothing").contains("x.safetensors is no classifier"));
        let mut bytes = classifier([1, 8, 8]).unwrap().to_bytes().unwrap();
        let place = bytes.windows(9).position(|part| part == b"head.bias").unwrap();
        bytes[place] = b'b';
        assert!(text(&bytes).contains("`head.bias`"), "{}", text(&bytes));
        let images = Variable::from_slice(&[0.0; 27], &[1, 3, 3, 3]).unwrap();
        let message = classifier([1, 8, 8]).unwrap().classify(&images).err().unwrap().to_string();
        assert!(message.contains("[1, 8, 8]") && message.contains("[3, 3, 3]"), "{message}");
    }
}
