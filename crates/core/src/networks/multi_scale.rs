//! Discriminators of patches at several scales (Wang et al. 2017, arXiv:1711.11585): the same architecture, with weights of its
//! own, on the image and on smaller ones, so that both details and larger structures are scored.

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use super::translator::{PatchDiscriminator, PatchRecipe};
use crate::error::{Error, Result};
use crate::modules::{Builder, Initialization, Pass, Plan};
use crate::players::{Conditioned, Scored, Scorer};

/// Spectral normalisation of every convolution, beside the instance normalisation of its output.
const PLAN: Plan = Plan::new(Initialization::Glorot).spectral();

/// The size of a discriminator of patches at several scales.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultiScaleRecipe {
    /// How many scales: the image, then each half the one before.
    pub scales: usize,
    /// Channels of the largest maps at each scale; each layer doubles them, up to 8 times.
    pub width: usize,
    /// Halvings of height and width at each scale.
    pub halvings: usize,
}

impl MultiScaleRecipe {
    /// Refuses sizes that no network has.
    ///
    /// # Errors
    /// [`Error::Recipe`], saying which value to give.
    pub fn check(&self) -> Result<()> {
        if !(1..=4).contains(&self.scales) {
            return Err(Error::Recipe(format!("discriminator.scales is {}; give 1 to 4", self.scales)));
        }
        self.at_each_scale().check()
    }

    fn at_each_scale(&self) -> PatchRecipe {
        PatchRecipe { width: self.width, halvings: self.halvings }
    }
}

/// Scores overlapping patches of images beside what they are conditioned on, at several scales: a map of scores for each.
/// Features are those of the scales, one after another.
pub struct MultiScaleDiscriminator(Vec<PatchDiscriminator>);

impl MultiScaleDiscriminator {
    /// A discriminator of `[channels, height, width]`, the condition's channels included.
    ///
    /// # Errors
    /// If the images are too small for so many scales and halvings.
    pub fn new(
        b: &mut Builder,
        recipe: &MultiScaleRecipe,
        [channels, height, width]: [usize; 3],
    ) -> Result<Self> {
        let patches = recipe.at_each_scale();
        let smallest = height.min(width) >> (recipe.scales - 1);
        if smallest >> patches.halvings < 4 {
            return Err(Error::Recipe(format!(
                "discriminator.scales is {} and discriminator.halvings is {}, and images of {width}x{height} would leave maps \
                 below 4x4 that patches are scored on; give less of one, or larger images by data.size",
                recipe.scales, recipe.halvings
            )));
        }
        let scale = |number: usize| {
            let image = [channels, height >> number, width >> number];
            b.block(format!("scale{number}"), |b| PatchDiscriminator::with_plan(b, &patches, image, &PLAN))
        };
        Ok(Self((0..recipe.scales).map(scale).collect::<Result<_>>()?))
    }
}

impl Scorer for MultiScaleDiscriminator {
    type Input = Conditioned;
    type Also = ();

    fn score(&self, pass: &mut Pass<'_>, input: &Conditioned) -> Result<Scored<()>> {
        let mut images = match &input.condition {
            Some(condition) => Variable::concatenate(&[&input.samples, condition], 1)?,
            None => input.samples.clone(),
        };
        let (mut scores, mut features) = (Vec::new(), Vec::new());
        for (number, scale) in self.0.iter().enumerate() {
            if number > 0 {
                images = images.avg_pool2d(2, 2, 0)?;
            }
            let (found, maps) = scale.run(pass, &images)?;
            scores.push(found);
            features.extend(maps);
        }
        Ok(Scored { scores, features, also: () })
    }
}
