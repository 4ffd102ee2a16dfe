//! Residual networks of SN-GAN (Miyato et al. 2018, arXiv:1802.05957, tables 4 to 6).

use brigand_autograd::Activation;
use serde::{Deserialize, Serialize};

use super::Body;
use super::generator_layout::GeneratorLayout;
use super::normalizing::Normalizing;
use super::sides::{channels, halved};
use crate::batch::SampleShape;
use crate::error::{Error, Result};
use crate::modules::{
    Activate, Builder, Chain, Convolution, DownBlock, Dropout, Initialization, Linear, NormKind, NormPlan,
    Plan, Reparametrisation, Reshape, SumPositions, UpBlock, Window,
};

/// Every normalisation, with its relu.
const NORM_RELU: NormPlan = NormPlan::new(NormKind::Batch, Activation::Relu);

/// Residual blocks: the generator doubles a small map up to the image. Where all maps have the same width, the
/// discriminator halves twice, adds two blocks at that size and sums over positions, as for 32x32; where channels double
/// with every halving, it halves down to the smallest map and adds one block, as for 64x64 and 128x128.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResnetRecipe {
    /// Channels of the largest maps.
    pub width: usize,
    /// Channels double with each halving of the side, up to so many times those of the largest maps; 1 keeps them.
    pub widest: usize,
    /// Rates of dropout after a discriminator's last blocks.
    pub dropout: Vec<f64>,
}

impl Default for ResnetRecipe {
    fn default() -> Self {
        Self { width: 128, widest: 1, dropout: Vec::new() }
    }
}

impl ResnetRecipe {
    /// Channels of the image and its side; the side must be at least 8 and divisible by 4.
    fn check(&self, sample: SampleShape) -> Result<(usize, usize)> {
        if self.width == 0 || self.width > 4096 {
            return Err(Error::Recipe(format!("resnet's width is {}; give 1 to 4096", self.width)));
        }
        if self.widest == 0 || self.widest > 256 {
            return Err(Error::Recipe(format!("resnet's widest is {}; give 1 to 256", self.widest)));
        }
        Dropout::check(&self.dropout)?;
        match sample {
            SampleShape::Image { channels, height, width }
                if height == width && height >= 8 && height % 4 == 0 =>
            {
                Ok((channels, height))
            }
            SampleShape::Image { .. } | SampleShape::Points { .. } => Err(Error::Network(format!(
                "resnet needs square images whose side is a multiple of 4 and at least 8, this data is {:?}; \
                 set data.size to such a number",
                sample.dims()
            ))),
        }
    }

    /// Channels after `halvings` of the image's side.
    fn channels(&self, halvings: usize) -> usize {
        channels(self.width, halvings, self.widest)
    }

    pub(super) fn generator<N: Normalizing>(
        &self,
        builder: &mut Builder,
        layout: &GeneratorLayout<N>,
    ) -> Result<Chain<N::Condition>> {
        let (channels, side) = self.check(layout.sample)?;
        let (mut start, mut doublings) = (side, 0);
        while start % 2 == 0 && start > 4 {
            start /= 2;
            doublings += 1;
        }
        let (plan, normalizing) = (plan(layout.reparametrisation), &layout.normalizing);
        let mut layers = Chain::new();
        let mut from = self.channels(doublings);
        layers.push(builder, |b| Linear::new(b, layout.latent, from * start * start, &plan))?;
        layers.push_plain(Reshape(vec![from, start, start]));
        for halving in (0..doublings).rev() {
            let to = self.channels(halving);
            layers.push(builder, |b| {
                UpBlock::new(b, (from, to), &plan, |b, channels| normalizing.norm(b, NORM_RELU, channels))
            })?;
            from = to;
        }
        layers.push(builder, |b| normalizing.norm(b, NORM_RELU, self.width))?;
        layers.push(builder, |b| Convolution::new(b, (self.width, channels), Window::same(3), &plan))?;
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
        let (mut from, side) = self.check(sample)?;
        let plan = plan(reparametrisation);
        let mut layers = Chain::new();
        let down = if self.widest == 1 {
            vec![true, true, false, false]
        } else {
            let halvings = halved((side, side)).len() - 1;
            (0..=halvings).map(|position| position < halvings).collect()
        };
        let blocks = down.len();
        for (position, down) in down.into_iter().enumerate() {
            let (first, to) = (position == 0, self.channels(position));
            layers.push(builder, |b| DownBlock::new(b, (from, to), (down, first), &plan))?;
            if let Some(dropout) = Dropout::after(&self.dropout, position, blocks) {
                layers.push_plain(dropout);
            }
            from = to;
        }
        layers.push_plain(Activate(Activation::Relu));
        layers.push_plain(SumPositions);
        Ok(Body { layers, features: from, last: plan })
    }
}

/// The plan of every layer.
fn plan(reparametrisation: Reparametrisation) -> Plan {
    Plan::new(Initialization::Glorot).reparametrised(reparametrisation)
}
