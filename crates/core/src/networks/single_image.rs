//! The networks of one scale of SinGAN (Shaham et al. 2019, arXiv:1905.01164): a generator and a discriminator of a few
//! convolutions without padding between them, so that both look at patches alone and work on maps of any size.

use brigand_autograd::{Activation, Variable};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::modules::{
    Activate, Builder, Chain, Convolution, DCGAN, Initialization, Norm, NormKind, NormPlan, Pass, Plan,
    Reparametrisation, Window,
};
use crate::players::{Scored, Scorer};

const PLAN: Plan = Plan::new(DCGAN);
/// 3x3 without padding.
const WINDOW: Window = Window::whole(3);
/// Departs: the authors normalise by batch, over batches of one image, and sample with running statistics. Over one image both
/// are the same in training; here samples are normalised by their own statistics too, as in training.
const NORM: NormPlan = NormPlan {
    scale: Initialization::Normal { mean: 1.0, deviation: 0.02 },
    ..NormPlan::new(NormKind::Instance, Activation::LeakyRelu(0.2))
};

/// The size of the networks of the scales.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScaleNetworkRecipe {
    /// Channels inside the networks of the coarsest scales.
    pub width: usize,
    /// Scales after which the width doubles, up to four times the first.
    pub doubled_after: usize,
    /// Convolutions of 3x3; each position depends on `2 layers + 1` pixels in height and width.
    pub layers: usize,
}

impl ScaleNetworkRecipe {
    /// Refuses sizes that no network has.
    ///
    /// # Errors
    /// [`Error::Recipe`], saying which value to give.
    pub fn check(&self) -> Result<()> {
        for (key, value, [low, high]) in [
            ("width", self.width, [1, 1024]),
            ("doubled_after", self.doubled_after, [1, 100]),
            ("layers", self.layers, [2, 20]),
        ] {
            if !(low..=high).contains(&value) {
                return Err(Error::Recipe(format!("networks.{key} is {value}; give {low} to {high}")));
            }
        }
        Ok(())
    }

    /// Channels inside the networks of scale `scale`, counted from the coarsest.
    pub fn width_at(&self, scale: usize) -> usize {
        self.width << (scale / self.doubled_after.max(1)).min(2)
    }

    /// Pixels that the convolutions take off each side of a map.
    pub fn margin(&self) -> usize {
        self.layers
    }

    /// All convolutions but the last with normalisation and activation, then the last one to `to` channels.
    fn layers(
        &self,
        b: &mut Builder,
        scale: usize,
        (from, to): (usize, usize),
        plan: &Plan,
    ) -> Result<Chain> {
        let (mut layers, width, mut channels) = (Chain::new(), self.width_at(scale), from);
        for number in 1..self.layers {
            layers.push_named(b, format!("layer{number}"), |b| {
                Convolution::new(b, (channels, width), WINDOW, plan)
            })?;
            layers.push_named(b, format!("norm{number}"), |b| Norm::new(b, NORM, width))?;
            channels = width;
        }
        layers.push_named(b, "leave", |b| Convolution::new(b, (channels, to), WINDOW, plan))?;
        Ok(layers)
    }
}

/// `tanh(convolutions(noise + previous)) + previous`: what one scale adds to the enlarged image of the scale before.
pub struct ScaleGenerator {
    layers: Chain,
    margin: usize,
}

impl ScaleGenerator {
    /// The generator of scale `scale` for images of so many channels. First values are drawn by the scale's number.
    ///
    /// # Errors
    /// If a layer cannot be made.
    pub fn new(b: &mut Builder, recipe: &ScaleNetworkRecipe, scale: usize, channels: usize) -> Result<Self> {
        let make = |b: &mut Builder| {
            let mut layers = recipe.layers(b, scale, (channels, channels), &PLAN)?;
            layers.push_plain(Activate(Activation::Tanh));
            Ok(layers)
        };
        Ok(Self { layers: b.block(format!("scale{scale}"), make)?, margin: recipe.margin() })
    }

    /// The image of this scale, `[batch, channels, height, width]` as `previous`, the image of the scale before in this
    /// scale's size; `noise` is of that shape too, with its amplitude. Both are padded with zeros once.
    ///
    /// # Errors
    /// If the two differ in shape.
    pub fn run(
        &self,
        pass: &mut Pass<'_>,
        noise: Option<&Variable>,
        previous: &Variable,
    ) -> Result<Variable> {
        let mut input = match noise {
            Some(noise) => noise.add(previous)?,
            None => previous.clone(),
        };
        for axis in [2, 3] {
            input = input.pad_zeros(axis, self.margin, self.margin)?;
        }
        Ok(self.layers.run(pass, &input)?.add(previous)?)
    }
}

/// Scores every patch of an image: a map of scores `[batch, 1, height - 2 layers, width - 2 layers]`.
pub struct ScaleDiscriminator(Chain);

impl ScaleDiscriminator {
    /// The discriminator of scale `scale` for images `[channels, height, width]`, whose convolutions use their weights in this
    /// way.
    ///
    /// # Errors
    /// If the images are smaller than one patch.
    pub fn new(
        b: &mut Builder,
        recipe: &ScaleNetworkRecipe,
        scale: usize,
        [channels, height, width]: [usize; 3],
        reparametrisation: Reparametrisation,
    ) -> Result<Self> {
        let plan = PLAN.reparametrised(reparametrisation);
        let patch = 2 * recipe.margin() + 1;
        if height.min(width) < patch {
            return Err(Error::Recipe(format!(
                "scale {scale} is {width}x{height}, and the discriminator scores patches of {patch}x{patch}; give a larger \
                 pyramid.smallest, or fewer networks.layers"
            )));
        }
        Ok(Self(b.block(format!("scale{scale}"), |b| recipe.layers(b, scale, (channels, 1), &plan))?))
    }
}

impl Scorer for ScaleDiscriminator {
    type Input = Variable;
    type Also = ();

    fn score(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Scored<()>> {
        Ok(Scored { scores: vec![self.0.run(pass, input)?], features: Vec::new(), also: () })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Schema;
    use crate::modules::{How, Mode, Network};
    use crate::random::Stream;
    use crate::{Place, Setup};

    const RECIPE: ScaleNetworkRecipe = ScaleNetworkRecipe { width: 32, doubled_after: 4, layers: 5 };

    fn setup() -> Setup {
        Setup { schema: Schema::default(), batch: 1, steps: 1, seed: 0, place: Place::cpu() }
    }

    fn normal(shape: &[usize], seed: u64) -> Variable {
        Place::cpu().normal(shape, &mut Stream::new(seed, "a test", 0)).unwrap()
    }

    #[test]
    fn widths_double_every_four_scales_up_to_128() {
        let widths: Vec<usize> = [0, 3, 4, 8, 20].map(|scale| RECIPE.width_at(scale)).to_vec();
        assert_eq!(widths, [32, 32, 64, 128, 128]);
        assert_eq!(2 * RECIPE.margin() + 1, 11);
    }

    #[test]
    fn a_generator_keeps_the_size_and_a_discriminator_scores_patches_of_eleven() {
        let generator =
            Network::build("generator", &setup(), |b| ScaleGenerator::new(b, &RECIPE, 0, 3)).unwrap();
        let (noise, previous) = (normal(&[2, 3, 13, 17], 1), normal(&[2, 3, 13, 17], 2));
        let made = generator.evaluate(None, |g, pass| g.run(pass, Some(&noise), &previous)).unwrap();
        assert_eq!(made.shape(), previous.shape());
        let change = made.sub(&previous).unwrap().abs().unwrap().to_vec_f32().unwrap();
        assert!(change.iter().all(|&value| value <= 1.0) && change.iter().any(|&value| value > 0.0));
        let mut critic = Network::build("critic", &setup(), |b| {
            ScaleDiscriminator::new(b, &RECIPE, 0, [3, 13, 17], Reparametrisation::Plain)
        })
        .unwrap();
        let scored = critic.run(How::plain(Mode::Training), |d, pass| d.score(pass, &previous)).unwrap();
        assert_eq!(scored.scores[0].shape(), [2, 1, 3, 7]);
        let small = Network::build("critic", &setup(), |b| {
            ScaleDiscriminator::new(b, &RECIPE, 2, [3, 10, 17], Reparametrisation::Plain)
        });
        assert!(small.err().unwrap().to_string().contains("patches of 11x11"));
    }
}
