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
mod state_file;
mod unit;

use std::collections::BTreeMap;
use std::path::Path;

use brigand_kernels::gemm::{Matrix, multiply};
use brigand_kernels::memory::written_by;
use brigand_kernels::pool::{parallel_chunks, threads};
use candle_core::Tensor;

use self::architecture::{layers, pass};
use self::state_file::floats;
use brigand_core::error::{Error, Result};

/// Side of the network's input images.
const SIDE: usize = 299;
/// Numbers of a feature vector.
pub const FEATURES: usize = 2048;
/// Outputs of the last layer: 1000 ImageNet classes among 8 that mean nothing.
pub const CLASSES: usize = 1008;
/// Images that go through the network together on one thread: enough to use every weight several times while it is
/// near, few enough that the maps stay in the cache.
const GROUP: usize = 8;

/// The network, in evaluation mode.
pub struct Inception {
    layers: Vec<architecture::Node>,
    /// `[CLASSES, FEATURES]`.
    weight: Vec<f32>,
    /// `[CLASSES]`.
    bias: Vec<f32>,
}

/// An image in a size of its own.
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    /// Row-major values in [0, 1].
    pub values: &'a [f32],
    /// `[channels, height, width]`.
    pub shape: [usize; 3],
}

/// What the network gives for a batch of images.
#[derive(Clone, Debug, PartialEq)]
pub struct InceptionOutput {
    /// The last pooling layer ("pool3"), `[batch, FEATURES]`, row after row.
    pub features: Vec<f32>,
    /// The scores of the classes before softmax, `[batch, CLASSES]`, row after row.
    pub logits: Vec<f32>,
}

impl Inception {
    /// The network with the parameters in a `.pth` file (a state dict of PyTorch, either of its two formats) or a
    /// `.safetensors` file.
    ///
    /// # Errors
    /// If the file cannot be read, or lacks a parameter or has it in another shape: the message names it.
    pub fn open(path: &Path) -> Result<Self> {
        let tensors = state_file::read(path)?;
        Self::from_parameters(|name, shape| parameter(&tensors, path, name, shape))
    }

    /// The network with the parameters that `get(name, shape)` returns, row-major.
    ///
    /// # Errors
    /// The first that `get` gives, or if a parameter has another number of elements than its shape.
    pub fn from_parameters(mut get: impl FnMut(&str, &[usize]) -> Result<Vec<f32>>) -> Result<Self> {
        let mut checked = |name: &str, shape: &[usize]| {
            let (values, count) = (get(name, shape)?, shape.iter().product::<usize>());
            if values.len() == count {
                return Ok(values);
            }
            Err(Error::Network(format!("`{name}` has {} numbers, {shape:?} needs {count}", values.len())))
        };
        Ok(Self {
            layers: layers(&mut checked)?,
            weight: checked("fc.weight", &[CLASSES, FEATURES])?,
            bias: checked("fc.bias", &[CLASSES])?,
        })
    }

    /// Features and logits of `images`, `[batch, channels, height, width]` row-major with values in [0, 1]; grey
    /// ones are repeated to three channels. They are resized to 299 x 299 (bilinear, pixel centres at half
    /// integers, no antialiasing) and scaled to [-1, 1].
    ///
    /// An image's output does not depend on the others of its batch.
    ///
    /// # Errors
    /// If there is no image, `images` does not have the shape, or the channels are neither 1 nor 3.
    pub fn forward(&self, images: &[f32], shape: [usize; 4]) -> Result<InceptionOutput> {
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

    /// As [`Inception::forward`] of images that may have different sizes, each resized by itself.
    ///
    /// # Errors
    /// If there is no image, or one does not have its shape or neither 1 nor 3 channels.
    pub fn forward_each(&self, images: &[Image<'_>]) -> Result<InceptionOutput> {
        let unfit = |image: &&Image<'_>| {
            image.values.is_empty()
                || image.values.len() != image.shape.iter().product::<usize>()
                || ![1, 3].contains(&image.shape[0])
        };
        if let Some(image) = images.iter().find(unfit) {
            return Err(Error::Request(format!(
                "inception needs images [1 or 3, height, width], got {} numbers as {:?}",
                image.values.len(),
                image.shape
            )));
        }
        if images.is_empty() {
            return Err(Error::Request("inception needs at least one image".into()));
        }
        // Equal shares for all threads.
        let share = images.len().div_ceil(threads());
        let group = share.div_ceil(share.div_ceil(GROUP));
        let mut features = vec![0.0; images.len() * FEATURES];
        parallel_chunks(&mut features, group * FEATURES, |index, features| {
            let own = images.iter().skip(index * group).take(features.len() / FEATURES);
            self.pool3(own, features);
        });
        let logits = self.logits(&features);
        Ok(InceptionOutput { features, logits })
    }

    /// The features of a group of images.
    fn pool3<'i>(&self, images: impl Iterator<Item = &'i Image<'i>>, features: &mut [f32]) {
        let (count, sample) = (features.len() / FEATURES, 3 * SIDE * SIDE);
        let (values, ()) = written_by(count * sample, |resized| {
            for (Image { values, shape: [channels, height, width] }, slot) in
                images.zip(resized.chunks_exact_mut(sample))
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

    fn logits(&self, features: &[f32]) -> Vec<f32> {
        let mut logits: Vec<f32> =
            self.bias.iter().copied().cycle().take(features.len() / FEATURES * CLASSES).collect();
        let weight = Matrix::row_major(&self.weight, CLASSES, FEATURES).transposed();
        multiply(Matrix::row_major(features, features.len() / FEATURES, FEATURES), weight, &mut logits, true);
        logits
    }
}

/// A parameter of the file at `path`, which must have `shape`.
fn parameter(
    tensors: &BTreeMap<String, Tensor>,
    path: &Path,
    name: &str,
    shape: &[usize],
) -> Result<Vec<f32>> {
    let fault = |what: String| {
        Error::Network(format!(
            "{}: {what}; give the weights that pytorch-fid publishes as pt_inception-2015-12-05-6726825d.pth",
            path.display()
        ))
    };
    match tensors.get(name) {
        None => Err(fault(format!("there is no tensor `{name}`, which must have shape {shape:?}"))),
        Some(tensor) if tensor.dims() != shape => {
            Err(fault(format!("`{name}` has shape {:?} instead of {shape:?}", tensor.dims())))
        }
        Some(tensor) => floats(tensor),
    }
}
