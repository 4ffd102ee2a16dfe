//! Residual networks without normalisation, whose branches start small: `x + alpha f(x)` (Mescheder et al. 2018,
//! arXiv:1801.04406). Sizes change by means and interpolation only, which leave no checkerboard.

use brigand_autograd::Activation;
use serde::{Deserialize, Serialize};

use super::Body;
use super::generator_layout::GeneratorLayout;
use super::normalizing::Normalizing;
use super::sides::{channels, halved};
use crate::batch::SampleShape;
use crate::error::{Error, Result};
use crate::modules::{
    Activate, Builder, Chain, Conditioning, Convolution, DCGAN, DoubleBilinear, Halve, Initialization,
    Linear, Plan, Reparametrisation, Reshape, Residual, Scale, SumPositions, Window,
};

const THREE: Window = Window::same(3);

/// Blocks `x + alpha f(x)` with `f` a 3x3 convolution, a relu and a 3x3 convolution, several at each size; between sizes
/// means of 2x2 pixels or bilinear interpolation. A 1x1 convolution stands on the shortcut only where the width changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScaledResnetRecipe {
    /// Channels of the largest maps; each halving of the side doubles them, up to `widest` times.
    pub width: usize,
    /// The most times as many channels as the largest maps have.
    pub widest: usize,
    /// Blocks at each size.
    pub blocks: usize,
    /// The factor of each branch.
    pub alpha: f64,
    /// First values of the convolutions in branches. Layers on the way through the network start as Glorot and Bengio's.
    pub initialization: Initialization,
}

impl Default for ScaledResnetRecipe {
    fn default() -> Self {
        Self { width: 32, widest: 4, blocks: 2, alpha: 0.1, initialization: DCGAN }
    }
}

impl ScaledResnetRecipe {
    /// Channels of the image, and the sides of maps from it down.
    fn check(&self, sample: SampleShape) -> Result<(usize, Vec<(usize, usize)>)> {
        for (key, value, most) in
            [("width", self.width, 4096), ("widest", self.widest, 256), ("blocks", self.blocks, 256)]
        {
            if value == 0 || value > most {
                return Err(Error::Recipe(format!("{key} of a scaled-resnet is {value}; give 1 to {most}")));
            }
        }
        if !(self.alpha > 0.0 && self.alpha.is_finite()) {
            return Err(Error::Recipe(format!(
                "alpha of a scaled-resnet is {}; give a number above 0, for example 0.1",
                self.alpha
            )));
        }
        match sample {
            SampleShape::Image { channels, height, width } => Ok((channels, halved((height, width)))),
            SampleShape::Points { .. } => Err(Error::Network(
                "scaled-resnet needs images, and this data is points; choose image data, or set the network's kind \
                 to mlp"
                    .into(),
            )),
        }
    }

    fn channels(&self, halvings: usize) -> usize {
        channels(self.width, halvings, self.widest)
    }

    /// The blocks at one size, of which the first changes the width.
    fn stage<C: Conditioning>(
        &self,
        builder: &mut Builder,
        layers: &mut Chain<C>,
        (from, to): (usize, usize),
        plan: &Plan,
    ) -> Result<()> {
        for number in 0..self.blocks {
            let from = if number == 0 { from } else { to };
            layers.push(builder, |b| self.block(b, (from, to), plan))?;
        }
        Ok(())
    }

    /// `shortcut(x) + alpha f(x)`; the shortcut is the identity unless the width changes.
    fn block<C: Conditioning>(
        &self,
        builder: &mut Builder,
        (from, to): (usize, usize),
        plan: &Plan,
    ) -> Result<Residual<C>> {
        let inside = Plan { initialization: self.initialization, ..*plan };
        let main = builder.block("main", |b| {
            let mut main = Chain::new();
            main.push(b, |b| Convolution::new(b, (from, to), THREE, &inside))?;
            main.push_plain(Activate(Activation::Relu));
            main.push(b, |b| Convolution::new(b, (to, to), THREE, &inside))?;
            main.push_plain(Scale(self.alpha));
            Ok(main)
        })?;
        let mut shortcut = Chain::new();
        if from != to {
            shortcut.push_named(builder, "shortcut", |b| {
                Convolution::new(b, (from, to), Window::same(1), &plan.without_bias())
            })?;
        }
        Ok(Residual { main, shortcut })
    }

    pub(super) fn generator<N: Normalizing>(
        &self,
        builder: &mut Builder,
        layout: &GeneratorLayout<N>,
    ) -> Result<Chain<N::Condition>> {
        let (channels, sides) = self.check(layout.sample)?;
        let plan = plan(layout.reparametrisation);
        let halvings = sides.len() - 1;
        let (height, width) = sides.last().copied().unwrap_or_default();
        let mut from = self.channels(halvings);
        let mut layers = Chain::new();
        layers.push(builder, |b| Linear::new(b, layout.latent, from * height * width, &plan))?;
        layers.push_plain(Reshape(vec![from, height, width]));
        for halving in (0..=halvings).rev() {
            let to = self.channels(halving);
            self.stage(builder, &mut layers, (from, to), &plan)?;
            if halving > 0 {
                layers.push_plain(DoubleBilinear);
            }
            from = to;
        }
        layers.push_plain(Activate(Activation::Relu));
        layers.push(builder, |b| Convolution::new(b, (from, channels), THREE, &plan))?;
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
        let (mut from, sides) = self.check(sample)?;
        let (plan, mut layers) = (plan(reparametrisation), Chain::new());
        for halving in 0..sides.len() {
            let to = self.channels(halving);
            self.stage(builder, &mut layers, (from, to), &plan)?;
            if halving + 1 < sides.len() {
                layers.push_plain(Halve);
            }
            from = to;
        }
        layers.push_plain(Activate(Activation::Relu));
        layers.push_plain(SumPositions);
        Ok(Body { layers, features: from, last: plan })
    }
}

/// The plan of layers outside branches.
fn plan(reparametrisation: Reparametrisation) -> Plan {
    Plan::new(Initialization::Glorot).reparametrised(reparametrisation)
}

#[cfg(test)]
mod tests {
    use brigand_autograd::Variable;

    use super::*;
    use crate::Place;
    use crate::modules::{Layer, Network, Unconditional};
    use crate::random::Stream;
    use crate::setup::Setup;

    /// `|out - x| / |x|` of a first block of 24 channels, at first values.
    fn change(recipe: &ScaledResnetRecipe) -> f64 {
        let setup = Setup { schema: Default::default(), batch: 8, steps: 1, seed: 3, place: Place::cpu() };
        let plan = Plan::new(Initialization::Glorot);
        let block = Network::build("block", &setup, |b| recipe.block::<Unconditional>(b, (24, 24), &plan));
        let drawn = Stream::new(1, "a test", 0).normal(4 * 24 * 64);
        let input = Variable::from_slice(&drawn, &[4, 24, 8, 8]).unwrap();
        let output = block.unwrap().evaluate(None, |block, pass| block.forward(pass, &input, ())).unwrap();
        let norm = |of: &Variable| of.square().unwrap().sum_all().unwrap().scalar().unwrap().sqrt();
        norm(&output.sub(&input).unwrap()) / norm(&input)
    }

    #[test]
    fn blocks_start_near_the_identity_unless_their_branch_counts_fully() {
        let scaled = ScaledResnetRecipe::default();
        assert!(change(&scaled) < 0.2, "{}", change(&scaled));
        let plain =
            ScaledResnetRecipe { alpha: 1.0, initialization: Initialization::Glorot, ..scaled.clone() };
        assert!(change(&plain) > 0.5, "{}", change(&plain));
        // Alpha alone is enough.
        let only_alpha = ScaledResnetRecipe { initialization: Initialization::Glorot, ..scaled };
        assert!(change(&only_alpha) < 0.2, "{}", change(&only_alpha));
    }
}
