//! DCGAN (Radford et al. 2015, arXiv:1511.06434): strided convolutions down, transposed ones up.

use brigand_autograd::Activation;
use serde::{Deserialize, Serialize};

use super::{Body, SampleShape};
use crate::error::{Error, Result};
use crate::layers::{
    Activate, BatchNormalization, Builder, Convolution, DCGAN, Dropout, Initialization, Momentum, Reshape,
    Sequence, TransposedConvolution, Window,
};

/// Transposed convolutions from a small map up to the image, or convolutions from the image down to it;
/// each doubles or halves the size and halves or doubles the channels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DcganRecipe {
    /// Channels of the map next to the image.
    pub width: usize,
    /// Batch normalisation: in the generator everywhere but at the image, in the discriminator everywhere
    /// but at its first and last layer.
    pub batch_norm: bool,
    /// Rates of dropout after a discriminator's last convolutions.
    pub dropout: Vec<f64>,
}

impl Default for DcganRecipe {
    fn default() -> Self {
        Self { width: 64, batch_norm: true, dropout: Vec::new() }
    }
}

/// A pyramid of maps: `start`, `2 start`, ... `2^doublings start`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pyramid {
    channels: usize,
    start: usize,
    doublings: usize,
}

const SMALLEST: [usize; 6] = [2, 3, 4, 5, 6, 7];

impl Pyramid {
    /// Halves an image down to a map of side 4 to 7 (2 or 3 for images below 16).
    fn of(sample: SampleShape) -> Result<Self> {
        let SampleShape::Image { channels, height, width } = sample else {
            return Err(Error::Network(
                "dcgan needs images, and this data is points; train `gan` on it, or choose image data".into(),
            ));
        };
        if height != width {
            return Err(Error::Network(format!(
                "dcgan needs square images, these are {height}x{width}; set data.size to crop them"
            )));
        }
        let (mut start, mut doublings) = (height, 0);
        while start % 2 == 0 && start / 2 >= 2 && (start / 2 >= 4 || doublings < 2) {
            start /= 2;
            doublings += 1;
        }
        if doublings < 1 || !SMALLEST.contains(&start) {
            let mut fitting: Vec<usize> =
                SMALLEST.iter().flat_map(|side| (1..=8).map(move |power| side << power)).collect();
            fitting
                .retain(|&size| Self::of(SampleShape::Image { channels, height: size, width: size }).is_ok());
            fitting.sort_unstable_by_key(|&size| (size.abs_diff(height), size));
            fitting.dedup();
            let near: Vec<String> = fitting.iter().take(4).map(ToString::to_string).collect();
            return Err(Error::Network(format!(
                "dcgan cannot halve {height}x{width} images down to a small map; set data.size to {}",
                near.join(", ")
            )));
        }
        Ok(Self { channels, start, doublings })
    }

    /// Channels of the map that is `level` doublings above the smallest, for maps of `width` next to the image.
    fn map_channels(&self, width: usize, level: usize) -> usize {
        width << (self.doublings - 1 - level)
    }
}

impl DcganRecipe {
    fn check(&self) -> Result<()> {
        if self.width == 0 || self.width > 4096 {
            return Err(Error::Recipe(format!("dcgan's width is {}; give 1 to 4096", self.width)));
        }
        Dropout::check(&self.dropout)
    }

    /// Batch normalisation with scales `N(1, 0.02)`, fused with `activation`; or the activation alone.
    fn normalized(
        &self,
        layers: &mut Sequence,
        builder: &mut Builder,
        channels: usize,
        activation: Activation,
    ) -> Result<()> {
        let scale = Initialization::Normal { mean: 1.0, deviation: 0.02 };
        if self.batch_norm {
            return layers.push(builder, |b| {
                BatchNormalization::new(b, channels, scale, 1e-5, Momentum(0.1), activation)
            });
        }
        layers.push_plain(Activate(activation));
        Ok(())
    }

    pub(super) fn generator(
        &self,
        builder: &mut Builder,
        latent: usize,
        sample: SampleShape,
    ) -> Result<Sequence> {
        self.check()?;
        let pyramid = Pyramid::of(sample)?;
        let mut layers = Sequence::new();
        layers.push_plain(Reshape(vec![latent, 1, 1]));
        let mut from = latent;
        for level in 0..pyramid.doublings {
            let to = pyramid.map_channels(self.width, level);
            let window = if level == 0 { Window::whole(pyramid.start) } else { Window::HALVING };
            layers.push(builder, |b| {
                TransposedConvolution::new(b, (from, to), window, !self.batch_norm, DCGAN)
            })?;
            self.normalized(&mut layers, builder, to, Activation::Relu)?;
            from = to;
        }
        layers.push(builder, |b| {
            TransposedConvolution::new(b, (from, pyramid.channels), Window::HALVING, false, DCGAN)
        })?;
        if !builder.logits {
            layers.push_plain(Activate(Activation::Tanh));
        }
        Ok(layers)
    }

    pub(super) fn discriminator(&self, builder: &mut Builder, sample: SampleShape) -> Result<Body> {
        self.check()?;
        let pyramid = Pyramid::of(sample)?;
        let leaky = Activation::LeakyRelu(0.2);
        let mut layers = Sequence::new();
        let mut from = pyramid.channels;
        for (position, level) in (0..pyramid.doublings).rev().enumerate() {
            let to = pyramid.map_channels(self.width, level);
            let bias = position > 0 && !self.batch_norm;
            layers.push(builder, |b| Convolution::new(b, (from, to), Window::HALVING, bias, DCGAN))?;
            if position == 0 {
                layers.push_plain(Activate(leaky));
            } else {
                self.normalized(&mut layers, builder, to, leaky)?;
            }
            if let Some(dropout) = Dropout::after(&self.dropout, position, pyramid.doublings) {
                layers.push_plain(dropout);
            }
            from = to;
        }
        let features = from * pyramid.start * pyramid.start;
        layers.push_plain(Reshape(vec![features]));
        Ok(Body { layers, features, last: (DCGAN, false) })
    }
}
