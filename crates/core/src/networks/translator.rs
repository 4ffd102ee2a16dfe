//! The networks of CycleGAN (Zhu et al. 2017, arXiv:1703.10593): a translator, residual or of another kind, and a discriminator
//! that scores overlapping patches. All are fully convolutional.

use brigand_autograd::{Activation, Variable};
use serde::{Deserialize, Serialize};

use super::ganilla::{GanillaRecipe, PyramidTranslator};
use crate::error::{Error, Result};
use crate::modules::{
    Activate, Builder, Chain, Convolution, DCGAN, Double, Layer, Norm, NormKind, NormPlan, Pass, Plan,
    Reparametrisation, Skip, Window,
};
use crate::players::{Scored, Scorer};

const PLAN: Plan = Plan::new(DCGAN);

fn instance(activation: Activation) -> NormPlan {
    NormPlan::new(NormKind::Instance, activation)
}

/// A translator's network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum TranslatorRecipe {
    /// CycleGAN's: halvings, residual blocks, doublings.
    Residual(ResidualTranslatorRecipe),
    /// GANILLA's: residual blocks that concatenate, and the sums of maps of all sizes.
    Ganilla(GanillaRecipe),
}

impl TranslatorRecipe {
    /// Refuses sizes that no network has.
    ///
    /// # Errors
    /// [`Error::Recipe`], saying which value to give.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Residual(recipe) => recipe.check(),
            Self::Ganilla(recipe) => recipe.check(),
        }
    }
}

/// The size of CycleGAN's translator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResidualTranslatorRecipe {
    /// Channels of the largest maps; each halving doubles them.
    pub width: usize,
    /// How often height and width are halved before the residual blocks.
    pub halvings: usize,
    /// Residual blocks at the smallest size.
    pub blocks: usize,
}

impl Default for ResidualTranslatorRecipe {
    /// For images of 16 to 64 pixels.
    fn default() -> Self {
        Self { width: 12, halvings: 1, blocks: 2 }
    }
}

impl ResidualTranslatorRecipe {
    fn check(&self) -> Result<()> {
        for (key, value, [low, high]) in [
            ("width", self.width, [1, 1024]),
            ("halvings", self.halvings, [0, 4]),
            ("blocks", self.blocks, [1, 64]),
        ] {
            if !(low..=high).contains(&value) {
                return Err(Error::Recipe(format!("translator.{key} is {value}; give {low} to {high}")));
            }
        }
        Ok(())
    }

    /// `c7s1, d.., R.., u.., c7s1, tanh` with instance normalisation; doubling repeats pixels and convolves, which leaves
    /// no checkerboard (Odena et al. 2016).
    fn layers(&self, b: &mut Builder, (from, to): (usize, usize)) -> Result<Chain> {
        let (mut layers, mut width) = (Chain::new(), self.width);
        let convolution =
            |channels, window| move |b: &mut Builder| Convolution::new(b, channels, window, &PLAN);
        let norm = |channels| move |b: &mut Builder| Norm::new(b, instance(Activation::Relu), channels);
        let wide = Window::same(7).reflecting();
        layers.push_named(b, "enter", convolution((from, width), wide))?;
        layers.push_named(b, "enter_norm", norm(width))?;
        for number in 0..self.halvings {
            layers.push_named(
                b,
                format!("down{number}"),
                convolution((width, 2 * width), Window::HALVING),
            )?;
            width *= 2;
            layers.push_named(b, format!("down{number}_norm"), norm(width))?;
        }
        for number in 0..self.blocks {
            layers.push_named(b, format!("block{number}"), |b| {
                Skip::new(b, width, &PLAN, |b, activated| {
                    let activation = if activated { Activation::Relu } else { Activation::Identity };
                    Norm::new(b, instance(activation), width)
                })
            })?;
        }
        for number in 0..self.halvings {
            layers.push_plain(Double);
            let same = Window::same(3).reflecting();
            layers.push_named(b, format!("up{number}"), convolution((width, width / 2), same))?;
            width /= 2;
            layers.push_named(b, format!("up{number}_norm"), norm(width))?;
        }
        layers.push_named(b, "leave", convolution((width, to), wide))?;
        layers.push_plain(Activate(Activation::Tanh));
        Ok(layers)
    }
}

/// From an image of one domain to one of another of the same size, in [-1, 1].
pub struct ImageTranslator {
    layers: Box<dyn Layer>,
    multiple: usize,
    /// The smallest height and width that reflection at the border and instance normalisation leave something of.
    least: usize,
}

impl ImageTranslator {
    /// The translator of a recipe, for images of so many channels on both sides.
    ///
    /// # Errors
    /// If a layer cannot be made.
    pub fn new(b: &mut Builder, recipe: &TranslatorRecipe, channels: (usize, usize)) -> Result<Self> {
        Ok(match recipe {
            TranslatorRecipe::Residual(recipe) => {
                let multiple = 1 << recipe.halvings;
                let layers = Box::new(recipe.layers(b, channels)?);
                Self { layers, multiple, least: (2 * multiple).max(4) }
            }
            TranslatorRecipe::Ganilla(recipe) => Self {
                layers: Box::new(PyramidTranslator::new(b, recipe, channels)?),
                multiple: recipe.multiple(),
                least: recipe.least(),
            },
        })
    }

    /// Heights and widths of images must be multiples of this.
    pub fn multiple(&self) -> usize {
        self.multiple
    }

    /// Refuses images whose height or width do not fit.
    ///
    /// # Errors
    /// [`Error::Request`], saying which do.
    pub fn check_size(&self, height: usize, width: usize) -> Result<()> {
        check_size([height, width], self.multiple, self.least)
    }

    /// The translation of `images` `[batch, channels, height, width]`, of the same height and width.
    ///
    /// # Errors
    /// If height or width do not fit: the message says which do.
    pub fn run(&self, pass: &mut Pass<'_>, images: &Variable) -> Result<Variable> {
        let (_, _, height, width) = images.dims4("a translator")?;
        self.check_size(height, width)?;
        self.layers.forward(pass, images, ())
    }
}

/// Refuses images whose height and width are not multiples of `multiple` and at least `least`.
///
/// # Errors
/// [`Error::Request`], saying which are.
pub(super) fn check_size([height, width]: [usize; 2], multiple: usize, least: usize) -> Result<()> {
    if height.min(width) < least || !height.is_multiple_of(multiple) || !width.is_multiple_of(multiple) {
        return Err(Error::Request(format!(
            "images of {width}x{height} cannot be translated; width and height must be multiples of {multiple} \
             and at least {least}"
        )));
    }
    Ok(())
}

/// The size of a discriminator of patches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatchRecipe {
    /// Channels of the largest maps; each layer doubles them, up to 8 times.
    pub width: usize,
    /// Halvings of height and width: with 3, and the two layers after them, each score is of 70x70 pixels.
    pub halvings: usize,
}

impl PatchRecipe {
    /// Refuses sizes that no network has.
    ///
    /// # Errors
    /// [`Error::Recipe`], saying which value to give.
    pub fn check(&self) -> Result<()> {
        for (key, value, [low, high]) in
            [("width", self.width, [1, 1024]), ("halvings", self.halvings, [1, 6])]
        {
            if !(low..=high).contains(&value) {
                return Err(Error::Recipe(format!("discriminator.{key} is {value}; give {low} to {high}")));
            }
        }
        Ok(())
    }
}

/// Scores overlapping patches (Isola et al. 2016, arXiv:1611.07004): a map of scores for each image. Its features are the maps
/// `[batch, channels, height, width]` after every activation.
pub struct PatchDiscriminator {
    layers: Chain,
    /// The layers whose outputs are features.
    taps: Vec<usize>,
}

impl PatchDiscriminator {
    /// A discriminator of images `[channels, height, width]`, whose convolutions use their weights in this way.
    ///
    /// # Errors
    /// If the images are too small to be halved so often.
    pub fn new(
        b: &mut Builder,
        recipe: &PatchRecipe,
        image: [usize; 3],
        reparametrisation: Reparametrisation,
    ) -> Result<Self> {
        Self::with_plan(b, recipe, image, &PLAN.reparametrised(reparametrisation))
    }

    /// The same with convolutions of another plan.
    ///
    /// # Errors
    /// As [`PatchDiscriminator::new`].
    pub fn with_plan(
        b: &mut Builder,
        recipe: &PatchRecipe,
        [channels, height, width]: [usize; 3],
        plan: &Plan,
    ) -> Result<Self> {
        if height.min(width) >> recipe.halvings < 4 {
            return Err(Error::Recipe(format!(
                "discriminator.halvings is {}, and images of {width}x{height} would leave maps below 4x4 that patches are \
                 scored on; give less, or larger images by data.size",
                recipe.halvings
            )));
        }
        let (mut layers, leaky) = (Chain::new(), Activation::LeakyRelu(0.2));
        let four = Window { stride: 1, ..Window::HALVING };
        let (mut from, mut taps) = (channels, Vec::new());
        for number in 0..=recipe.halvings {
            let window = if number < recipe.halvings { Window::HALVING } else { four };
            let to = recipe.width << number.min(3);
            layers
                .push_named(b, format!("down{number}"), |b| Convolution::new(b, (from, to), window, plan))?;
            taps.push(layers.len());
            match number {
                0 => layers.push_plain(Activate(leaky)),
                _ => layers
                    .push_named(b, format!("down{number}_norm"), |b| Norm::new(b, instance(leaky), to))?,
            }
            from = to;
        }
        layers.push_named(b, "score", |b| Convolution::new(b, (from, 1), four, plan))?;
        Ok(Self { layers, taps })
    }

    /// The map of scores `[batch, 1, height, width]` of `images`, and the features.
    ///
    /// # Errors
    /// If the images do not fit.
    pub fn run(&self, pass: &mut Pass<'_>, images: &Variable) -> Result<(Variable, Vec<Variable>)> {
        let mut outputs = self.layers.outputs(pass, images, ())?;
        let scores = outputs.pop().ok_or_else(|| Error::Internal("a discriminator has no layers".into()))?;
        Ok((scores, self.taps.iter().filter_map(|&tap| outputs.get(tap).cloned()).collect()))
    }
}

impl Scorer for PatchDiscriminator {
    type Input = Variable;
    type Also = ();

    fn score(&self, pass: &mut Pass<'_>, input: &Variable) -> Result<Scored<()>> {
        let (scores, features) = self.run(pass, input)?;
        Ok(Scored { scores: vec![scores], features, also: () })
    }
}
