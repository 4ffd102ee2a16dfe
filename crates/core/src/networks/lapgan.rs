//! The networks of the finer levels of a LAPGAN (Denton et al. 2015, arXiv:1506.05751): from an enlarged smaller image and a
//! plane of noise to the detail that it lacks, and scores of images beside what they were made from.

use brigand_autograd::{Activation, Variable};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::modules::{
    Activate, Builder, Chain, Convolution, Dropout, Initialization, Linear, Padding, Pass, Plan,
    Reparametrisation, Reshape, Window, append_condition,
};
use crate::players::{Conditioned, Scored, Scorer};

/// Every convolution but the discriminator's keeps the size.
const WINDOW: Window = Window::same(5);
/// 5x5 at every second pixel: half the side, rounded up.
const HALVING: Window =
    Window { kernel: [5; 2], stride: 2, padding: [2; 2], around: Padding::Zeros, groups: 1 };

/// The generators of detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetailGeneratorRecipe {
    /// Channels of both hidden layers.
    pub width: usize,
}

/// The discriminators of images with their detail.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetailDiscriminatorRecipe {
    /// Channels of the first layer; the second has twice as many.
    pub width: usize,
    /// The rate of dropout before the score.
    pub dropout: f64,
}

fn check_width(width: usize, network: &str) -> Result<()> {
    if width == 0 || width > 4096 {
        return Err(Error::Recipe(format!("{network}.width is {width}; give 1 to 4096")));
    }
    Ok(())
}

impl DetailGeneratorRecipe {
    /// Refuses widths that no network has; `network` names whose it is.
    ///
    /// # Errors
    /// [`Error::Recipe`], saying which value to give.
    pub fn check(&self, network: &str) -> Result<()> {
        check_width(self.width, network)
    }
}

impl DetailDiscriminatorRecipe {
    /// As [`DetailGeneratorRecipe::check`], and dropout rates that no network has.
    ///
    /// # Errors
    /// [`Error::Recipe`], saying which value to give.
    pub fn check(&self, network: &str) -> Result<()> {
        Dropout::check(&[self.dropout])?;
        check_width(self.width, network)
    }
}

/// Three convolutions from an enlarged smaller image, a plane of noise and a class to detail, which is not bounded.
pub struct DetailGenerator(Chain);

impl DetailGenerator {
    /// A generator for images of so many `channels` under vectors of `classes` numbers, 0 for none.
    ///
    /// # Errors
    /// If a path is taken.
    pub fn new(
        b: &mut Builder,
        recipe: &DetailGeneratorRecipe,
        (channels, classes): (usize, usize),
    ) -> Result<Self> {
        let (plan, width) = (Plan::new(Initialization::Glorot), recipe.width);
        let mut layers = Chain::new();
        for (from, to) in [(channels + 1 + classes, width), (width, width)] {
            layers.push(b, |b| Convolution::new(b, (from, to), WINDOW, &plan))?;
            layers.push_plain(Activate(Activation::Relu));
        }
        layers.push(b, |b| Convolution::new(b, (width, channels), WINDOW, &plan))?;
        Ok(Self(layers))
    }

    /// The detail `[batch, channels, height, width]` for `enlarged` images of that shape, `noise`
    /// `[batch, 1, height, width]` and `class` `[batch, classes]`.
    ///
    /// # Errors
    /// If the inputs do not fit.
    pub fn run(
        &self,
        pass: &mut Pass<'_>,
        enlarged: &Variable,
        noise: &Variable,
        class: Option<&Variable>,
    ) -> Result<Variable> {
        let input = Variable::concatenate(&[enlarged, noise], 1)?;
        let input = class.map_or(Ok(input.clone()), |class| append_condition(&input, class))?;
        self.0.run(pass, &input)
    }
}

/// Two convolutions and a linear layer over an image and its condition: the enlarged smaller image and, where there are
/// classes, a plane for each. [`DetailDiscriminator::condition`] makes the condition.
pub struct DetailDiscriminator(Chain);

impl DetailDiscriminator {
    /// A discriminator of `image`s `[channels, height, width]` under vectors of `classes` numbers, 0 for none.
    ///
    /// # Errors
    /// If a path is taken.
    pub fn new(
        b: &mut Builder,
        recipe: &DetailDiscriminatorRecipe,
        ([channels, height, width], classes): ([usize; 3], usize),
        reparametrisation: Reparametrisation,
    ) -> Result<Self> {
        let plan = Plan::new(Initialization::Glorot).reparametrised(reparametrisation);
        let mut layers = Chain::new();
        for (from, to) in [(2 * channels + classes, recipe.width), (recipe.width, 2 * recipe.width)] {
            layers.push(b, |b| Convolution::new(b, (from, to), HALVING, &plan))?;
            layers.push_plain(Activate(Activation::LeakyRelu(0.2)));
        }
        let features = 2 * recipe.width * height.div_ceil(4) * width.div_ceil(4);
        layers.push_plain(Reshape(vec![features]));
        layers.push_plain(Dropout(recipe.dropout));
        layers.push(b, |b| Linear::new(b, features, 1, &plan))?;
        Ok(Self(layers))
    }

    /// What the scores of images are conditioned on, `[batch, channels + classes, height, width]`.
    ///
    /// # Errors
    /// If the two differ in batch.
    pub fn condition(enlarged: &Variable, class: Option<&Variable>) -> Result<Variable> {
        class.map_or(Ok(enlarged.clone()), |class| append_condition(enlarged, class))
    }
}

impl Scorer for DetailDiscriminator {
    type Input = Conditioned;
    type Also = ();

    fn score(&self, pass: &mut Pass<'_>, input: &Conditioned) -> Result<Scored<()>> {
        let missing = || Error::Internal("a discriminator of detail was given no smaller image".into());
        let condition = input.condition.as_ref().ok_or_else(missing)?;
        let maps = Variable::concatenate(&[&input.samples, condition], 1)?;
        let mut outputs = self.0.outputs(pass, &maps, ())?;
        let scores = outputs.pop().ok_or_else(missing)?;
        let features = outputs.pop().ok_or_else(missing)?;
        Ok(Scored::new(scores.reshape(&[scores.shape()[0]])?, features))
    }
}
