//! A small convolutional classifier of images (after LeCun et al. 1998, "Gradient-based learning applied to document
//! recognition"): what judges samples of data that Inception was not made for.

use std::collections::{BTreeMap, HashMap};

use brigand_autograd::{Activation, Variable, without_recording};
use candle_core::{Device, Tensor};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::{Network, SampleShape};
use crate::error::{Error, Result};
use crate::layers::{
    Activate, BatchNormalization, Builder, Convolution, Initialization, Linear, Mode, Momentum, Reshape,
    Sequence, Weights, Window,
};

/// Maps of a side below this are not halved any more.
const HALVED_FROM: usize = 8;
/// Key of the description in a file's metadata.
const DESCRIPTION: &str = "classifier";

/// Convolutions that halve the image down to a side of 4 to 7 and double their channels each time, each followed by
/// batch normalisation and ReLU; then the features; then a score for each class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClassifierNetworkRecipe {
    /// Channels of the first maps.
    pub width: usize,
    /// Numbers of a feature vector, which is not negative.
    pub features: usize,
    /// Classes; as many as the data has.
    pub classes: usize,
}

impl Default for ClassifierNetworkRecipe {
    /// 84 features, as LeNet-5 has.
    fn default() -> Self {
        Self { width: 16, features: 84, classes: 10 }
    }
}

impl ClassifierNetworkRecipe {
    /// Refuses sizes that no network can have.
    pub fn check(&self) -> Result<()> {
        for (key, value, least, most) in [
            ("width", self.width, 1, 1024),
            ("features", self.features, 1, 65_536),
            ("classes", self.classes, 2, 65_536),
        ] {
            if !(least..=most).contains(&value) {
                return Err(Error::Recipe(format!("network.{key} is {value}; give {least} to {most}")));
            }
        }
        Ok(())
    }
}

/// What a classifier says of a batch of images.
pub struct Verdicts {
    /// `[batch, features]`, the layer before the last, after its ReLU.
    pub features: Variable,
    /// `[batch, classes]`, scores before softmax.
    pub logits: Variable,
}

/// A classifier of images `[batch, channels, height, width]` with values in [-1, 1].
pub struct Classifier {
    recipe: ClassifierNetworkRecipe,
    sample: SampleShape,
    /// From images to features.
    pub body: Network,
    /// From features to logits.
    pub head: Network,
}

/// What a file of weights must say beside them.
#[derive(Serialize, Deserialize)]
struct Description {
    network: ClassifierNetworkRecipe,
    sample: [usize; 3],
}

impl Classifier {
    /// A classifier with first weights from `seed`.
    ///
    /// # Errors
    /// If the recipe is impossible or the samples are no images of at least 4 x 4 pixels.
    pub fn new(
        recipe: ClassifierNetworkRecipe,
        sample: SampleShape,
        seed: u64,
        device: &Device,
    ) -> Result<Self> {
        recipe.check()?;
        let SampleShape::Image { channels, height, width } = sample else {
            return Err(Error::Network(
                "a classifier needs images, and this data is points; choose image data with labels".into(),
            ));
        };
        if height.min(width) < 4 {
            return Err(Error::Network(format!(
                "a classifier needs images of at least 4x4 pixels, these are {height}x{width}; set data.size to 8"
            )));
        }
        let body =
            Network::build("body", seed, device, |builder| body(builder, recipe, [channels, height, width]))?;
        let head = Network::build("head", seed, device, |builder| {
            Linear::new(builder, recipe.features, recipe.classes, Initialization::Glorot)
        })?;
        Ok(Self { recipe, sample, body, head })
    }

    /// What the images look like.
    pub fn sample_shape(&self) -> SampleShape {
        self.sample
    }

    /// How many classes it tells apart.
    pub fn classes(&self) -> usize {
        self.recipe.classes
    }

    /// Features and logits, recorded for training if `mode` is.
    pub fn forward(&mut self, images: &Variable, mode: Mode) -> Result<Verdicts> {
        let features = self.body.forward(images, mode)?;
        let logits = self.head.forward(&features, mode)?;
        Ok(Verdicts { features, logits })
    }

    /// Features and logits with running statistics, recording nothing: an image's do not depend on the others.
    ///
    /// # Errors
    /// If the images have another shape than the classifier was made for.
    pub fn judge(&self, images: &Variable) -> Result<Verdicts> {
        let wanted = self.sample.dims();
        if images.shape().get(1..) != Some(wanted.as_slice()) {
            return Err(Error::Request(format!(
                "the classifier knows images of shape {wanted:?}, these are {:?}; train one on images of that shape \
                 with `brigand train classifier`",
                images.shape().get(1..).unwrap_or_default()
            )));
        }
        without_recording(|| {
            let features = self.body.sample(images)?;
            let logits = self.head.sample(&features)?;
            Ok(Verdicts { features, logits })
        })
    }

    /// The same classifier with other weights (of body and head) and the same running statistics.
    pub fn with_weights(&self, body: &Weights, head: &Weights) -> Result<Self> {
        let mut other = Self::new(self.recipe, self.sample, 0, &Device::Cpu)?;
        for (network, source, weights) in
            [(&mut other.body, &self.body, body), (&mut other.head, &self.head, head)]
        {
            for (index, value) in weights.values().iter().enumerate() {
                network.weights.replace(index, value.tensor().to_device(&Device::Cpu)?);
            }
            for (index, value) in source.buffers.values().iter().enumerate() {
                network.buffers.replace(index, value.to_device(&Device::Cpu)?);
            }
        }
        Ok(other)
    }

    /// All weights and statistics by name, and what they are, as a safetensors file; the same classifier always
    /// gives the same bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut stored: BTreeMap<String, (Vec<usize>, Vec<u8>)> = BTreeMap::new();
        for network in [&self.body, &self.head] {
            for (path, tensor) in tensors(network) {
                let values = tensor.flatten_all()?.to_vec1::<f32>()?;
                let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                stored.insert(path, (tensor.dims().to_vec(), bytes));
            }
        }
        let failed = |reason: String| Error::Network(format!("the classifier cannot be written: {reason}"));
        let mut views = Vec::with_capacity(stored.len());
        for (name, (shape, bytes)) in &stored {
            let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
            views.push((name.as_str(), view.map_err(|reason| failed(reason.to_string()))?));
        }
        let SampleShape::Image { channels, height, width } = self.sample else {
            return Err(failed("its samples are no images".into()));
        };
        let description = Description { network: self.recipe, sample: [channels, height, width] };
        let description = serde_json::to_string(&description).map_err(|reason| failed(reason.to_string()))?;
        let metadata = HashMap::from([(DESCRIPTION.to_owned(), description)]);
        safetensors::serialize(views, Some(metadata)).map_err(|reason| failed(reason.to_string()))
    }

    /// The classifier of a file that [`Classifier::to_bytes`] made; `origin` names it in errors.
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
        let mut classifier = Self::new(network, SampleShape::of(&sample)?, 0, &Device::Cpu)?;
        for network in [&mut classifier.body, &mut classifier.head] {
            let wanted = tensors(network);
            let weights = network.weights.names().len();
            for (index, (path, held)) in wanted.into_iter().enumerate() {
                let found = stored.get(&path).ok_or_else(|| fault(format!("there is no tensor `{path}`")))?;
                if found.dims() != held.dims() {
                    return Err(fault(format!(
                        "`{path}` has shape {:?} instead of {:?}",
                        found.dims(),
                        held.dims()
                    )));
                }
                match index.checked_sub(weights) {
                    None => network.weights.replace(index, found.clone()),
                    Some(index) => network.buffers.replace(index, found.clone()),
                }
            }
        }
        Ok(classifier)
    }
}

/// A network's weights, then its running statistics, by full name.
fn tensors(network: &Network) -> Vec<(String, Tensor)> {
    let name = |path: &String| format!("{}.{path}", network.name());
    let weights = network.weights.names().iter().map(name);
    let weights = weights.zip(network.weights.values().iter().map(|value| value.tensor().clone()));
    let buffers = network.buffers.names().iter().map(name).zip(network.buffers.values().iter().cloned());
    weights.chain(buffers).collect()
}

fn body(
    builder: &mut Builder,
    recipe: ClassifierNetworkRecipe,
    [channels, mut height, mut width]: [usize; 3],
) -> Result<Sequence> {
    let mut layers = Sequence::new();
    let (mut from, mut to) = (channels, recipe.width);
    let mut window = Window { kernel: 3, stride: 1, padding: 1 };
    loop {
        layers.push(builder, |b| Convolution::new(b, (from, to), window, false, Initialization::Glorot))?;
        let scale = Initialization::Constant { value: 1.0 };
        layers.push(builder, |b| {
            BatchNormalization::new(b, to, scale, 1e-5, Momentum(0.1), Activation::Relu)
        })?;
        if height.min(width) < HALVED_FROM {
            break;
        }
        (from, to, window) = (to, 2 * to, Window::HALVING);
        (height, width) = (height / 2, width / 2);
    }
    let flat = to * height * width;
    layers.push_plain(Reshape(vec![flat]));
    layers.push(builder, |b| Linear::new(b, flat, recipe.features, Initialization::Glorot))?;
    layers.push_plain(Activate(Activation::Relu));
    Ok(layers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classifier(sample: [usize; 3]) -> Result<Classifier> {
        let recipe = ClassifierNetworkRecipe { width: 2, features: 5, classes: 3 };
        Classifier::new(recipe, SampleShape::of(&sample)?, 7, &Device::Cpu)
    }

    #[test]
    fn images_of_any_side_become_features_and_logits() {
        for sample in [[1, 4, 4], [1, 8, 8], [3, 28, 28], [1, 15, 33]] {
            let images = Variable::from_slice(
                &vec![0.5f32; 2 * sample.iter().product::<usize>()],
                &[2, sample[0], sample[1], sample[2]],
            );
            let verdicts = classifier(sample).unwrap().judge(&images.unwrap()).unwrap();
            assert_eq!(
                (verdicts.features.shape(), verdicts.logits.shape()),
                ([2, 5].as_slice(), [2, 3].as_slice())
            );
        }
        assert!(classifier([1, 3, 9]).is_err());
    }

    #[test]
    fn a_file_gives_back_the_same_classifier() {
        let original = classifier([1, 8, 8]).unwrap();
        let bytes = original.to_bytes().unwrap();
        let copy = Classifier::from_bytes(&bytes, "a test").unwrap();
        assert_eq!(copy.to_bytes().unwrap(), bytes);
        let images = Variable::from_slice(
            &(0..64).map(|i| (i % 7) as f32 / 3.0 - 1.0).collect::<Vec<_>>(),
            &[1, 1, 8, 8],
        );
        let images = images.unwrap();
        let logits = |classifier: &Classifier| classifier.judge(&images).unwrap().logits.to_vec().unwrap();
        assert_eq!(logits(&copy), logits(&original));
    }

    #[test]
    fn other_files_and_other_images_are_refused_with_what_is_wrong() {
        let text = |bytes: &[u8]| Classifier::from_bytes(bytes, "x.safetensors").err().unwrap().to_string();
        assert!(text(b"nothing").contains("x.safetensors is no classifier"));
        let mut bytes = classifier([1, 8, 8]).unwrap().to_bytes().unwrap();
        let place = bytes.windows(9).position(|part| part == b"head.bias").unwrap();
        bytes[place] = b'b';
        assert!(text(&bytes).contains("`head.bias`"), "{}", text(&bytes));
        let images = Variable::from_slice(&[0.0; 27], &[1, 3, 3, 3]).unwrap();
        let message = classifier([1, 8, 8]).unwrap().judge(&images).err().unwrap().to_string();
        assert!(message.contains("[1, 8, 8]") && message.contains("[3, 3, 3]"), "{message}");
    }
}
