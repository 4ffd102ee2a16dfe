//! A small convolutional classifier of images (after LeCun et al. 1998, "Gradient-based learning applied to document
//! recognition"), for evaluation on data that Inception was not made for.

use brigand_autograd::{Activation, Variable};
use serde::{Deserialize, Serialize};

use crate::batch::SampleShape;
use crate::error::{Error, Result};
use crate::limits::within;
use crate::modules::{
    Activate, Builder, Chain, Convolution, Initialization, Linear, Network, Norm, NormKind, NormPlan, Pass,
    Plan, Reshape, Window,
};
use crate::setup::Setup;

/// Maps of a side below this are not halved any more.
const HALVED_FROM: usize = 8;
/// The plan of every layer with weights.
const PLAN: Plan = Plan::new(Initialization::Glorot);

/// Convolutions that halve the image down to a side of 4 to 7 and double their channels each time, each followed by
/// batch normalisation and ReLU; then the features; then a logit for each class.
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

/// From images `[batch, channels, height, width]` with values in [-1, 1] to features and logits.
pub struct ClassifierNetwork {
    sample: SampleShape,
    body: Chain,
    head: Linear,
}

/// The outputs of a classifier for a batch of images.
pub struct ClassifierOutput {
    /// `[batch, features]`, the layer before the last after its ReLU.
    pub features: Variable,
    /// `[batch, classes]`, before softmax.
    pub logits: Variable,
}

impl ClassifierNetwork {
    /// Features and logits of `images`.
    ///
    /// # Errors
    /// If the images have another shape than the classifier was made for.
    pub fn forward(&self, pass: &mut Pass<'_>, images: &Variable) -> Result<ClassifierOutput> {
        let needed = self.sample.dims();
        if images.shape().get(1..) != Some(needed.as_slice()) {
            return Err(Error::Request(format!(
                "the classifier takes images of shape {needed:?}, these are {:?}; train one on images of that shape \
                 with `brigand train classifier`",
                images.shape().get(1..).unwrap_or_default()
            )));
        }
        let features = self.body.run(pass, images)?;
        let logits = self.head.run(pass, &features)?;
        Ok(ClassifierOutput { features, logits })
    }

    /// The shape of its images.
    pub fn sample_shape(&self) -> SampleShape {
        self.sample
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
            within(&format!("network.{key}"), value, least..=most)?;
        }
        Ok(())
    }

    /// A classifier called `name`, of images of shape `sample`. Its parameters are called `body...` and `head...`; their
    /// first values do not depend on `name`.
    ///
    /// # Errors
    /// If the recipe is impossible or the samples are no images of at least 4 x 4 pixels.
    pub fn classifier(
        &self,
        name: &str,
        setup: &Setup,
        sample: SampleShape,
    ) -> Result<Network<ClassifierNetwork>> {
        self.check()?;
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
        Network::build(name, setup, |builder| {
            Ok(ClassifierNetwork {
                sample,
                body: builder.seeded_block("body", |b| self.body(b, [channels, height, width]))?,
                head: builder.seeded_block("head", |b| Linear::new(b, self.features, self.classes, &PLAN))?,
            })
        })
    }

    fn body(&self, builder: &mut Builder, [channels, mut height, mut width]: [usize; 3]) -> Result<Chain> {
        let mut layers = Chain::new();
        let (mut from, mut to, mut window) = (channels, self.width, Window::same(3));
        loop {
            layers.push(builder, |b| Convolution::new(b, (from, to), window, &PLAN.without_bias()))?;
            let norm = NormPlan::new(NormKind::Batch, Activation::Relu);
            layers.push(builder, |b| Norm::new(b, norm, to))?;
            if height.min(width) < HALVED_FROM {
                break;
            }
            (from, to, window) = (to, 2 * to, Window::HALVING);
            (height, width) = (height / 2, width / 2);
        }
        let flat = to * height * width;
        layers.push_plain(Reshape(vec![flat]));
        layers.push(builder, |b| Linear::new(b, flat, self.features, &PLAN))?;
        layers.push_plain(Activate(Activation::Relu));
        Ok(layers)
    }
}
