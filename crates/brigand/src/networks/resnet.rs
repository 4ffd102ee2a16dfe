//! Residual networks of SN-GAN (Miyato et al. 2018, arXiv:1802.05957, table 4).

use brigand_autograd::Activation;
use serde::{Deserialize, Serialize};

use super::{Body, SampleShape};
use crate::error::{Error, Result};
use crate::layers::{
    Activate, BatchNormalization, Builder, Convolution, Double, Dropout, Halve, Initialization, Linear,
    Momentum, Reshape, Residual, Sequence, SumPositions, Window,
};

const THREE: Window = Window { kernel: 3, stride: 1, padding: 1 };
const ONE: Window = Window { kernel: 1, stride: 1, padding: 0 };

/// Residual blocks: the generator doubles a small map up to the image, the discriminator halves twice,
/// adds two blocks at that size and sums over positions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResnetRecipe {
    /// Channels of every map.
    pub width: usize,
    /// Rates of dropout after a discriminator's last blocks.
    pub dropout: Vec<f64>,
}

impl Default for ResnetRecipe {
    fn default() -> Self {
        Self { width: 128, dropout: Vec::new() }
    }
}

impl ResnetRecipe {
    /// Channels of the image and its side; the side must be at least 8 and divisible by 4.
    fn check(&self, sample: SampleShape) -> Result<(usize, usize)> {
        if self.width == 0 || self.width > 4096 {
            return Err(Error::Recipe(format!("resnet's width is {}; give 1 to 4096", self.width)));
        }
        Dropout::check(&self.dropout)?;
        match sample {
            SampleShape::Image { channels, height, width }
                if height == width && height >= 8 && height % 4 == 0 =>
            {
                Ok((channels, height))
            }
            other => Err(Error::Network(format!(
                "resnet needs square images whose side is a multiple of 4 and at least 8, this data is {:?}; \
                 set data.size to such a number",
                other.dims()
            ))),
        }
    }

    /// `norm relu up conv norm relu conv`, around it `up conv`.
    fn generator_block(&self, builder: &mut Builder) -> Result<Residual> {
        let channels = (self.width, self.width);
        let (mut main, mut shortcut) = (Sequence::new(), Sequence::new());
        builder.within("main", |b| {
            main.push(b, |b| norm_relu(b, self.width))?;
            main.push_plain(Double);
            main.push(b, |b| convolution(b, channels, THREE))?;
            main.push(b, |b| norm_relu(b, self.width))?;
            main.push(b, |b| convolution(b, channels, THREE))
        })?;
        builder.within("shortcut", |b| {
            shortcut.push_plain(Double);
            shortcut.push(b, |b| convolution(b, channels, ONE))
        })?;
        Ok(Residual { main, shortcut })
    }

    /// `[relu] conv relu conv [down]`, around it `conv [down]`; the first block has no leading relu and
    /// halves before its shortcut's convolution.
    fn discriminator_block(
        &self,
        builder: &mut Builder,
        from: usize,
        down: bool,
        first: bool,
    ) -> Result<Residual> {
        let (mut main, mut shortcut) = (Sequence::new(), Sequence::new());
        builder.within("main", |b| {
            if !first {
                main.push_plain(Activate(Activation::Relu));
            }
            main.push(b, |b| convolution(b, (from, self.width), THREE))?;
            main.push_plain(Activate(Activation::Relu));
            main.push(b, |b| convolution(b, (self.width, self.width), THREE))?;
            if down {
                main.push_plain(Halve);
            }
            Ok::<(), Error>(())
        })?;
        builder.within("shortcut", |b| {
            if down && first {
                shortcut.push_plain(Halve);
            }
            shortcut.push(b, |b| convolution(b, (from, self.width), ONE))?;
            if down && !first {
                shortcut.push_plain(Halve);
            }
            Ok::<(), Error>(())
        })?;
        Ok(Residual { main, shortcut })
    }

    pub(super) fn generator(
        &self,
        builder: &mut Builder,
        latent: usize,
        sample: SampleShape,
    ) -> Result<Sequence> {
        let (channels, side) = self.check(sample)?;
        let (mut start, mut doublings) = (side, 0);
        while start % 2 == 0 && start > 4 {
            start /= 2;
            doublings += 1;
        }
        let mut layers = Sequence::new();
        let map = self.width * start * start;
        layers.push(builder, |b| Linear::new(b, latent, map, Initialization::Glorot))?;
        layers.push_plain(Reshape(vec![self.width, start, start]));
        for _ in 0..doublings {
            layers.push(builder, |b| self.generator_block(b))?;
        }
        layers.push(builder, |b| norm_relu(b, self.width))?;
        layers.push(builder, |b| convolution(b, (self.width, channels), THREE))?;
        if !builder.logits {
            layers.push_plain(Activate(Activation::Tanh));
        }
        Ok(layers)
    }

    pub(super) fn discriminator(&self, builder: &mut Builder, sample: SampleShape) -> Result<Body> {
        let (channels, _) = self.check(sample)?;
        let mut layers = Sequence::new();
        let halving = [true, true, false, false];
        for (position, down) in halving.into_iter().enumerate() {
            let from = if position == 0 { channels } else { self.width };
            layers.push(builder, |b| self.discriminator_block(b, from, down, position == 0))?;
            if let Some(dropout) = Dropout::after(&self.dropout, position, halving.len()) {
                layers.push_plain(dropout);
            }
        }
        layers.push_plain(Activate(Activation::Relu));
        layers.push_plain(SumPositions);
        Ok(Body { layers, features: self.width, last: (Initialization::Glorot, true) })
    }
}

fn convolution(builder: &mut Builder, channels: (usize, usize), window: Window) -> Result<Convolution> {
    Convolution::new(builder, channels, window, true, Initialization::Glorot)
}

fn norm_relu(builder: &mut Builder, channels: usize) -> Result<BatchNormalization> {
    let one = Initialization::Constant { value: 1.0 };
    BatchNormalization::new(builder, channels, one, 1e-5, Momentum(0.1), Activation::Relu)
}
