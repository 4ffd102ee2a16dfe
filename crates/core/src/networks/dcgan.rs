//! DCGAN (Radford et al. 2015, arXiv:1511.06434): strided convolutions down, transposed ones up.

use brigand_autograd::Activation;
use serde::{Deserialize, Serialize};

use super::Body;
use super::generator_layout::GeneratorLayout;
use super::normalizing::{Learned, Normalizing};
use crate::batch::SampleShape;
use crate::error::{Error, Result};
use crate::modules::{
    Activate, Builder, Chain, Convolution, DCGAN, Dropout, Initialization, NormKind, NormPlan, Plan,
    Reparametrisation, Reshape, TransposedConvolution, Window,
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
    fn normalized<N: Normalizing>(
        &self,
        layers: &mut Chain<N::Condition>,
        builder: &mut Builder,
        (channels, activation): (usize, Activation),
        normalizing: &N,
    ) -> Result<()> {
        if !self.batch_norm {
            layers.push_plain(Activate(activation));
            return Ok(());
        }
        let scale = Initialization::Normal { mean: 1.0, deviation: 0.02 };
        let plan = NormPlan { scale, ..NormPlan::new(NormKind::Batch, activation) };
        layers.push(builder, |b| normalizing.norm(b, plan, channels))
    }

    pub(super) fn generator<N: Normalizing>(
        &self,
        builder: &mut Builder,
        layout: &GeneratorLayout<N>,
    ) -> Result<Chain<N::Condition>> {
        self.check()?;
        let pyramid = Pyramid::of(layout.sample)?;
        let plan = plan(layout.reparametrisation);
        let mut layers = Chain::new();
        layers.push_plain(Reshape(vec![layout.latent, 1, 1]));
        let mut from = layout.latent;
        for level in 0..pyramid.doublings {
            let to = pyramid.map_channels(self.width, level);
            let window = if level == 0 { Window::whole(pyramid.start) } else { Window::HALVING };
            let plan = plan.with_bias(!self.batch_norm);
            layers.push(builder, |b| TransposedConvolution::new(b, (from, to), window, &plan))?;
            self.normalized(&mut layers, builder, (to, Activation::Relu), &layout.normalizing)?;
            from = to;
        }
        let channels = (from, pyramid.channels);
        layers.push(builder, |b| TransposedConvolution::new(b, channels, Window::HALVING, &plan))?;
        if !layout.logits {
            layers.push_plain(Activate(Activation::Tanh));
        }
        Ok(layers)
    }

    pub(super) fn body(
        &self,
        builder: &mut Builder,
        sample: SampleShape,
        reparametrisation: Reparametrisation,
    ) -> Result<Body> {
        self.check()?;
        let pyramid = Pyramid::of(sample)?;
        let (leaky, plan) = (Activation::LeakyRelu(0.2), plan(reparametrisation));
        let mut layers = Chain::new();
        let mut from = pyramid.channels;
        for (position, level) in (0..pyramid.doublings).rev().enumerate() {
            let to = pyramid.map_channels(self.width, level);
            let plan = plan.with_bias(position > 0 && !self.batch_norm);
            layers.push(builder, |b| Convolution::new(b, (from, to), Window::HALVING, &plan))?;
            if position == 0 {
                layers.push_plain(Activate(leaky));
            } else {
                self.normalized(&mut layers, builder, (to, leaky), &Learned)?;
            }
            if let Some(dropout) = Dropout::after(&self.dropout, position, pyramid.doublings) {
                layers.push_plain(dropout);
            }
            from = to;
        }
        let features = from * pyramid.start * pyramid.start;
        layers.push_plain(Reshape(vec![features]));
        Ok(Body { layers, features, last: plan })
    }
}

/// Weights `N(0, 0.02)` without a bias.
fn plan(reparametrisation: Reparametrisation) -> Plan {
    Plan::new(DCGAN).reparametrised(reparametrisation).without_bias()
}
