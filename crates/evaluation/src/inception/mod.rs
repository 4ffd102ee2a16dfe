//! Inception-v3 (Szegedy et al. 2015, arXiv:1512.00567) as the Fréchet inception distance uses it: the graph that
//! TensorFlow published on 2015-12-05, whose features every published FID is measured with.
//!
//! It differs from the usual ports of the network in four places: average pools leave the padding out of the mean,
//! the last block pools by maximum, batch normalisation adds 0.001 to the variance, and there are 1008 outputs.
//! Parameters have the names of PyTorch's ports, for example `Mixed_5b.branch5x5_1.conv.weight`.
//!
//! It computes on the processor, whichever device the images come from.

mod architecture;
mod maps;
mod pooling;
mod resizing;
mod unit;

use std::path::Path;

use brigand_kernels::memory::written_by;

use self::architecture::{layers, pass};
use crate::pretrained::{
    Image, LastLayer, NetworkOutput, PretrainedNetwork, check_images, features_of_groups, of_length,
};
use crate::state_file::{self, parameter};
use brigand_core::error::{Error, Result};

/// Side of the network's input images.
const SIDE: usize = 299;
/// Numbers of a feature vector.
pub const FEATURES: usize = 2048;
/// Outputs of the last layer: 1000 ImageNet classes among 8 that mean nothing.
pub const CLASSES: usize = 1008;

/// The network, in evaluation mode.
pub struct Inception {
    layers: Vec<architecture::Node>,
    last: LastLayer,
}

/// Where its weights are to be had.
const WEIGHTS: &str = "give the weights that pytorch-fid publishes as pt_inception-2015-12-05-6726825d.pth";

impl Inception {
    /// The network with the parameters in a `.pth` file (a state dict of PyTorch, either of its two formats) or a
    /// `.safetensors` file.
    ///
    /// # Errors
    /// If the file cannot be read, or lacks a parameter or has it in another shape: the message names it.
    pub fn open(path: &Path) -> Result<Self> {
        let tensors = state_file::read(path, None)?;
        Self::from_parameters(|name, shape| parameter(&tensors, path, (name, shape), WEIGHTS))
    }

    /// The network with the parameters that `get(name, shape)` returns, row-major.
    ///
    /// # Errors
    /// The first that `get` gives, or if a parameter has another number of elements than its shape.
    pub fn from_parameters(get: impl FnMut(&str, &[usize]) -> Result<Vec<f32>>) -> Result<Self> {
        let mut get = of_length(get);
        let layers = layers(&mut get)?;
        Ok(Self { layers, last: LastLayer::new("fc", [CLASSES, FEATURES], &mut get)? })
    }

    /// Features and logits of `images`, `[batch, channels, height, width]` row-major with values in [0, 1]; grey
    /// ones are repeated to three channels. They are resized to 299 x 299 (bilinear, pixel centres at half
    /// integers, no antialiasing) and scaled to [-1, 1].
    ///
    /// An image's output does not depend on the others of its batch.
    ///
    /// # Errors
    /// If there is no image, `images` does not have the shape, or the channels are neither 1 nor 3.
    pub fn forward(&self, images: &[f32], shape: [usize; 4]) -> Result<NetworkOutput> {
        let [_, channels, height, width] = shape;
        if images.is_empty() || images.len() != shape.iter().product::<usize>() || ![1, 3].contains(&channels)
        {
            return Err(Error::Request(format!(
                "inception needs images [batch, 1 or 3, height, width], got {} numbers as {shape:?}",
                images.len()
            )));
        }
        let shape = [channels, height, width];
        let images: Vec<Image<'_>> =
            images.chunks_exact(channels * height * width).map(|values| Image { values, shape }).collect();
        self.forward_each(&images)
    }

    /// The features of a group of images.
    fn pool3(&self, images: &[Image<'_>], features: &mut [f32]) {
        let (count, sample) = (images.len(), 3 * SIDE * SIDE);
        let (values, ()) = written_by(count * sample, |resized| {
            for (Image { values, shape: [channels, height, width] }, slot) in
                images.iter().zip(resized.chunks_exact_mut(sample))
            {
                resizing::resize(values, [1, *channels, *height, *width], SIDE, slot);
            }
        });
        let input = maps::Maps { shape: [count, 3, SIDE, SIDE], values };
        let last = pass(&self.layers, input);
        let pixels = last.pixels();
        for (mean, plane) in features.iter_mut().zip(last.values.chunks_exact(pixels)) {
            *mean = plane.iter().sum::<f32>() / pixels as f32;
        }
    }
}

impl PretrainedNetwork for Inception {
    fn forward_each(&self, images: &[Image<'_>]) -> Result<NetworkOutput> {
        check_images("inception", images)?;
        let features = features_of_groups(images, FEATURES, |group, features| self.pool3(group, features));
        let logits = self.last.logits(&features);
        Ok(NetworkOutput { features, logits })
    }
}
