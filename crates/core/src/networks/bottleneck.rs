//! R3GAN's network (Huang et al. 2024, arXiv:2501.05441, section 4): residual bottlenecks with grouped convolutions, no
//! normalisation, first values that leave the signal as it is, bilinear resampling, and a learned basis that the latent
//! scales.

use brigand_autograd::Activation;
use serde::{Deserialize, Serialize};

use super::Body;
use super::generator_layout::GeneratorLayout;
use super::normalizing::Normalizing;
use super::sides::{channels, halved};
use crate::batch::SampleShape;
use crate::error::{Error, Result};
use crate::modules::{
    Activate, Builder, Chain, Conditioning, Convolution, DoubleBilinear, Halve, Initialization,
    ModulatedBasis, Plan, Reparametrisation, Reshape, Residual, Window,
};

const ONE: Window = Window::same(1);
const LEAKY: Activation = Activation::LeakyRelu(0.2);
/// Convolutions in a branch.
const IN_BRANCH: f64 = 3.0;

/// Blocks `x + f(x)`, several at each size, with `f` a 1x1 convolution to more channels, a grouped 3x3 convolution, and a
/// 1x1 convolution back, leaky relus between. The last convolution of each branch starts at 0, so that the untrained
/// network is one of resampling and 1x1 convolutions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BottleneckRecipe {
    /// Channels of the largest maps; each halving of the side doubles them, up to `widest` times.
    pub width: usize,
    /// The most times as many channels as the largest maps have.
    pub widest: usize,
    /// Blocks at each size.
    pub blocks: usize,
    /// How many times as many channels the inside of a branch has.
    pub expansion: usize,
    /// Channels in each group of the 3x3 convolutions.
    pub group: usize,
}

impl Default for BottleneckRecipe {
    fn default() -> Self {
        Self { width: 32, widest: 4, blocks: 2, expansion: 2, group: 16 }
    }
}

/// First values that keep the scale of a signal through a linear layer of so many inputs.
fn keeping(fan_in: usize, gain: f64) -> Initialization {
    Initialization::Normal { mean: 0.0, deviation: gain / (fan_in.max(1) as f64).sqrt() }
}

impl BottleneckRecipe {
    /// Channels of the image, and the sides of maps from it down.
    fn check(&self, sample: SampleShape) -> Result<(usize, Vec<(usize, usize)>)> {
        for (key, value, most) in [
            ("width", self.width, 4096),
            ("widest", self.widest, 256),
            ("blocks", self.blocks, 256),
            ("expansion", self.expansion, 64),
            ("group", self.group, 4096),
        ] {
            if value == 0 || value > most {
                return Err(Error::Recipe(format!(
                    "{key} of a bottleneck network is {value}; give 1 to {most}"
                )));
            }
        }
        let inside = self.width * self.expansion;
        if !inside.is_multiple_of(self.group) {
            return Err(Error::Recipe(format!(
                "the {inside} channels inside a bottleneck (width {} times expansion {}) do not make whole groups of {}; \
                 set group to a divisor",
                self.width, self.expansion, self.group
            )));
        }
        match sample {
            SampleShape::Image { channels, height, width } => Ok((channels, halved((height, width)))),
            SampleShape::Points { .. } => Err(Error::Network(
                "bottleneck needs images, and this data is points; choose image data, or set the network's kind to mlp"
                    .into(),
            )),
        }
    }

    fn channels(&self, halvings: usize) -> usize {
        channels(self.width, halvings, self.widest)
    }

    /// A 1x1 convolution outside branches.
    fn join(
        &self,
        builder: &mut Builder,
        (from, to): (usize, usize),
        reparametrisation: Reparametrisation,
    ) -> Result<Convolution> {
        let plan = Plan::new(keeping(from, 1.0)).reparametrised(reparametrisation).without_bias();
        Convolution::new(builder, (from, to), ONE, &plan)
    }

    /// `x + f(x)`. Weights before the last start with the scale of He et al., divided by the fourth root of the number of
    /// branches (fixup, Zhang et al. 2019, arXiv:1901.09321), so that the first steps change the network by as much
    /// however deep it is.
    fn block<C: Conditioning>(
        &self,
        builder: &mut Builder,
        width: usize,
        branches: usize,
        reparametrisation: Reparametrisation,
    ) -> Result<Residual<C>> {
        let inside = width * self.expansion;
        let gain = std::f64::consts::SQRT_2 * (branches.max(1) as f64).powf(-0.5 / (IN_BRANCH - 1.0));
        let plan = |fan_in: usize| Plan::new(keeping(fan_in, gain)).reparametrised(reparametrisation);
        let last = Plan::new(Initialization::ZERO).reparametrised(reparametrisation).without_bias();
        let main = builder.block("main", |b| {
            let mut main = Chain::new();
            main.push(b, |b| Convolution::new(b, (width, inside), ONE, &plan(width)))?;
            main.push_plain(Activate(LEAKY));
            let grouped = Window::same(3).grouped(inside / self.group);
            main.push(b, |b| Convolution::new(b, (inside, inside), grouped, &plan(9 * self.group)))?;
            main.push_plain(Activate(LEAKY));
            main.push(b, |b| Convolution::new(b, (inside, width), ONE, &last))?;
            Ok(main)
        })?;
        Ok(Residual { main, shortcut: Chain::new() })
    }

    pub(super) fn generator<N: Normalizing>(
        &self,
        builder: &mut Builder,
        layout: &GeneratorLayout<N>,
    ) -> Result<Chain<N::Condition>> {
        let (channels, sides) = self.check(layout.sample)?;
        let (halvings, way) = (sides.len() - 1, layout.reparametrisation);
        let (height, width) = sides.last().copied().unwrap_or_default();
        let mut from = self.channels(halvings);
        let mut layers = Chain::new();
        let plan = Plan::new(keeping(layout.latent, 1.0)).reparametrised(way);
        layers.push(builder, |b| ModulatedBasis::new(b, layout.latent, [from, height, width], &plan))?;
        for halving in (0..=halvings).rev() {
            let to = self.channels(halving);
            if from != to {
                layers.push(builder, |b| self.join(b, (from, to), way))?;
            }
            if halving < halvings {
                layers.push_plain(DoubleBilinear);
            }
            for _ in 0..self.blocks {
                layers.push(builder, |b| self.block(b, to, self.blocks * sides.len(), way))?;
            }
            from = to;
        }
        layers.push(builder, |b| self.join(b, (from, channels), way))?;
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
        let (channels, sides) = self.check(sample)?;
        let mut layers = Chain::new();
        let mut from = channels;
        for halving in 0..sides.len() {
            let to = self.channels(halving);
            if halving > 0 {
                layers.push_plain(Halve);
            }
            if from != to {
                layers.push(builder, |b| self.join(b, (from, to), reparametrisation))?;
            }
            let branches = self.blocks * sides.len();
            for _ in 0..self.blocks {
                layers.push(builder, |b| self.block(b, to, branches, reparametrisation))?;
            }
            from = to;
        }
        let (height, width) = sides.last().copied().unwrap_or_default();
        // Each channel's map is weighed by a map of its own.
        let whole = Window { kernel: [height, width], ..Window::whole(1) }.grouped(from);
        let plan = Plan::new(keeping(height * width, 1.0)).reparametrised(reparametrisation).without_bias();
        layers.push(builder, |b| Convolution::new(b, (from, from), whole, &plan))?;
        layers.push_plain(Reshape(vec![from]));
        let last = Plan::new(keeping(from, 1.0)).reparametrised(reparametrisation);
        Ok(Body { layers, features: from, last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Place;
    use crate::modules::Network;
    use crate::networks::{GeneratorOptions, NetworkRecipe};
    use crate::setup::Setup;

    fn setup() -> Setup {
        Setup { schema: Default::default(), batch: 8, steps: 1, seed: 3, place: Place::cpu() }
    }

    fn shape(side: usize) -> SampleShape {
        SampleShape::Image { channels: 3, height: side, width: side }
    }

    #[test]
    fn the_last_convolution_of_each_branch_starts_at_zero() {
        let recipe = BottleneckRecipe { width: 8, group: 4, ..BottleneckRecipe::default() };
        let network = NetworkRecipe::Bottleneck(recipe)
            .generator("generator", &setup(), GeneratorOptions::new(12, shape(16)))
            .unwrap();
        let weights = network.parameters().weights();
        let named = weights.names().iter().zip(weights.values());
        let last: Vec<_> = named.filter(|(name, _)| name.ends_with("main.layer4.weight")).collect();
        // Three sizes of two blocks each.
        assert_eq!(last.len(), 6);
        assert!(last.iter().all(|(_, value)| value.to_vec().unwrap().iter().all(|value| *value == 0.0)));
    }

    #[test]
    fn the_basis_is_scaled_channel_by_channel() {
        let plan = Plan::new(keeping(5, 1.0));
        let basis =
            Network::build("basis", &setup(), |b| ModulatedBasis::new(b, 5, [3, 2, 2], &plan)).unwrap();
        let latents = brigand_autograd::Variable::from_slice(
            &[1.0_f32, 0.0, 0.0, 0.0, 2.0, 0.5, -1.0, 0.0, 0.0, 0.0],
            &[2, 5],
        )
        .unwrap();
        let found = basis.evaluate(None, |basis, pass| basis.run(pass, &latents)).unwrap();
        assert_eq!(found.shape(), [2, 3, 2, 2]);
        let weights = basis.parameters().weights();
        let [map, scale] = [0, 1].map(|place| weights.values()[place].to_vec().unwrap());
        let (found, latents) = (found.to_vec().unwrap(), latents.to_vec().unwrap());
        for (place, value) in found.iter().enumerate() {
            let (sample, channel, position) = (place / 12, place / 4 % 3, place % 4);
            let by: f64 = (0..5).map(|k| scale[channel * 5 + k] * latents[sample * 5 + k]).sum();
            assert!((value - by * map[channel * 4 + position]).abs() < 1e-5);
        }
    }

    #[test]
    fn widths_that_make_no_groups_are_refused() {
        let recipe = BottleneckRecipe { width: 5, group: 4, ..BottleneckRecipe::default() };
        let message = recipe.check(shape(16)).unwrap_err().to_string();
        assert!(message.contains("10 channels") && message.contains("groups of 4"), "{message}");
    }
}
