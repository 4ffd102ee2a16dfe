//! The networks of SAGAN (Zhang et al. 2018, arXiv:1805.08318): residual blocks with one self-attention layer, spectral
//! normalisation in both networks, class-conditional batch normalisation in the generator and a projection of the class
//! in the discriminator.

use brigand_autograd::{Activation, Variable};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::modules::{
    Builder, Convolution, DownBlock, Initialization, Layer, Linear, Norm, NormKind, NormPlan, OnVector, Pass,
    Plan, Projection, SelfAttention, TableNorm, UpBlock, Window,
};
use crate::players::{Conditioned, Scored, Scorer};

/// The smallest side at which the generator starts and the discriminator ends.
const SMALLEST: usize = 4;
/// The most times as many channels as the largest maps have.
const WIDEST: usize = 16;
/// Every convolution and linear layer of both networks.
const PLAN: Plan = Plan::new(Initialization::Glorot).spectral();

/// The size of one of SAGAN's networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttentionNetworkRecipe {
    /// Channels of the largest maps; each halving of the side doubles them, up to 16 times.
    pub width: usize,
    /// Self-attention works on the largest maps inside the network of at most this side, 0 for none. Its cost grows with
    /// the fourth power of the side.
    pub attention: usize,
}

impl AttentionNetworkRecipe {
    /// Refuses widths that no network has; `network` names whose it is.
    ///
    /// # Errors
    /// [`Error::Recipe`], saying which value to give.
    pub fn check(&self, network: &str) -> Result<()> {
        if self.width == 0 || self.width > 4096 {
            return Err(Error::Recipe(format!("{network}.width is {}; give 1 to 4096", self.width)));
        }
        if (1..SMALLEST).contains(&self.attention) {
            return Err(Error::Recipe(format!(
                "{network}.attention is {}, and no maps are smaller than {SMALLEST}; give 0 for no attention, or {SMALLEST} \
                 or more",
                self.attention
            )));
        }
        Ok(())
    }

    /// Heights and widths of maps from the image's down, each half the one before.
    fn sides(&self, network: &str, [_, height, width]: [usize; 3]) -> Result<Vec<(usize, usize)>> {
        let mut sides = vec![(height, width)];
        let (mut height, mut width) = (height, width);
        while height.is_multiple_of(2) && width.is_multiple_of(2) && height.min(width) >= 2 * SMALLEST {
            (height, width) = (height / 2, width / 2);
            sides.push((height, width));
        }
        if sides.len() == 1 {
            return Err(Error::Network(format!(
                "images of {height}x{width} cannot be halved to {SMALLEST} or more; set data.size to 8 or another even \
                 number above"
            )));
        }
        let smallest = height.max(width);
        if self.attention > 0 && smallest > self.attention {
            return Err(Error::Recipe(format!(
                "{network}.attention is {}, and the smallest maps are {smallest}; give {smallest} or more, or 0 for no \
                 attention",
                self.attention
            )));
        }
        Ok(sides)
    }

    /// The maps that attention works on: the largest of at most the chosen side, smaller than the image.
    fn attended(&self, sides: &[(usize, usize)]) -> Option<(usize, usize)> {
        sides.iter().skip(1).copied().find(|&(height, width)| height.max(width) <= self.attention)
    }

    /// Channels after `halvings` of the image's side.
    fn channels(&self, halvings: usize) -> usize {
        self.width * WIDEST.min(1 << halvings.min(8))
    }
}

fn attention(b: &mut Builder, channels: usize) -> Result<SelfAttention> {
    b.block("attention", |b| SelfAttention::new(b, channels, &PLAN))
}

/// From noise and a class to images in [-1, 1].
pub struct AttentionGenerator {
    start: [usize; 3],
    enter: Linear,
    blocks: Vec<UpBlock<OnVector>>,
    /// The layer, and how many blocks stand before it.
    attention: Option<(usize, SelfAttention)>,
    norm: Norm,
    leave: Convolution,
}

impl AttentionGenerator {
    /// A generator of `image`s `[channels, height, width]` of `classes` from so many numbers of noise.
    ///
    /// # Errors
    /// If the images cannot be halved, or all maps are larger than attention may work on.
    pub fn new(
        b: &mut Builder,
        recipe: &AttentionNetworkRecipe,
        (noise, classes): (usize, usize),
        image: [usize; 3],
    ) -> Result<Self> {
        let sides = recipe.sides("generator", image)?;
        let (halvings, attended) = (sides.len() - 1, recipe.attended(&sides));
        let (height, width) = sides.last().copied().unwrap_or_default();
        let start = [recipe.channels(halvings), height, width];
        let enter = b.block("enter", |b| Linear::new(b, noise, start.iter().product(), &PLAN))?;
        let norm = NormPlan::new(NormKind::Batch, Activation::Relu);
        let mut attending = None;
        if sides.last().copied() == attended && attended.is_some() {
            attending = Some((0, attention(b, start[0])?));
        }
        let mut blocks = Vec::with_capacity(halvings);
        for halving in (0..halvings).rev() {
            let channels = (recipe.channels(halving + 1), recipe.channels(halving));
            blocks.push(b.block(format!("up{}", blocks.len()), |b| {
                UpBlock::new(b, channels, &PLAN, |b, channels| TableNorm::new(b, norm, channels, classes))
            })?);
            if sides.get(halving).copied() == attended && attended.is_some() {
                attending = Some((blocks.len(), attention(b, channels.1)?));
            }
        }
        Ok(Self {
            start,
            enter,
            blocks,
            attention: attending,
            norm: b.block("norm", |b| Norm::new(b, norm, recipe.width))?,
            leave: b
                .block("leave", |b| Convolution::new(b, (recipe.width, image[0]), Window::same(3), &PLAN))?,
        })
    }

    /// The images of `noise` `[batch, noise]` and one-hot `classes` `[batch, classes]`, and the attention
    /// `[batch, queries, keys]` of the positions, row after row, where there is attention.
    ///
    /// # Errors
    /// If the inputs do not fit.
    pub fn run(
        &self,
        pass: &mut Pass<'_>,
        noise: &Variable,
        classes: &Variable,
    ) -> Result<(Variable, Option<Variable>)> {
        let [channels, height, width] = self.start;
        let mut maps = self.enter.run(pass, noise)?;
        maps = maps.reshape(&[maps.shape()[0], channels, height, width])?;
        let mut found = None;
        for number in 0..=self.blocks.len() {
            if let Some((after, attention)) = &self.attention
                && *after == number
            {
                let (attended, weights) = attention.run(pass, &maps)?;
                (maps, found) = (attended, Some(weights));
            }
            if let Some(block) = self.blocks.get(number) {
                maps = block.forward(pass, &maps, classes)?;
            }
        }
        let maps = self.norm.run(pass, &maps)?;
        Ok((self.leave.run(pass, &maps)?.tanh()?, found))
    }

    /// The factor of the attention's output, `[1]`, which starts at 0; `None` without attention.
    ///
    /// # Errors
    /// If the pass is another network's.
    pub fn gamma(&self, pass: &mut Pass<'_>) -> Result<Option<Variable>> {
        self.attention.as_ref().map(|(_, attention)| attention.gamma(pass)).transpose()
    }
}

/// Scores images under their class.
pub struct AttentionDiscriminator {
    blocks: Vec<DownBlock>,
    /// The layer, and how many blocks stand before it.
    attention: Option<(usize, SelfAttention)>,
    score: Projection,
}

impl AttentionDiscriminator {
    /// A discriminator of `image`s `[channels, height, width]` of `classes`.
    ///
    /// # Errors
    /// As [`AttentionGenerator::new`].
    pub fn new(
        b: &mut Builder,
        recipe: &AttentionNetworkRecipe,
        classes: usize,
        image: [usize; 3],
    ) -> Result<Self> {
        let sides = recipe.sides("discriminator", image)?;
        let attended = recipe.attended(&sides);
        let (mut blocks, mut attending, mut from) = (Vec::with_capacity(sides.len()), None, image[0]);
        for number in 0..sides.len() {
            // The last block keeps the side.
            let (halves, to) = (number + 1 < sides.len(), recipe.channels(number));
            let channels = (from, to);
            blocks.push(b.block(format!("down{number}"), |b| {
                DownBlock::new(b, channels, (halves, number == 0), &PLAN)
            })?);
            if halves && sides.get(number + 1).copied() == attended && attended.is_some() {
                attending = Some((number, attention(b, to)?));
            }
            from = to;
        }
        let score = b.block("score", |b| Projection::new(b, from, classes, &PLAN))?;
        Ok(Self { blocks, attention: attending, score })
    }
}

impl Scorer for AttentionDiscriminator {
    type Input = Conditioned;
    type Also = ();

    fn score(&self, pass: &mut Pass<'_>, input: &Conditioned) -> Result<Scored<()>> {
        let missing = || Error::Internal("a projection discriminator was given no classes".into());
        let classes = input.condition.as_ref().ok_or_else(missing)?;
        let mut maps = input.samples.clone();
        for (number, block) in self.blocks.iter().enumerate() {
            maps = block.run(pass, &maps)?;
            if let Some((after, attention)) = &self.attention
                && *after == number
            {
                maps = attention.run(pass, &maps)?.0;
            }
        }
        let features = maps.relu()?.sum(&[2, 3])?;
        let scores = self.score.run(pass, &features, classes)?.reshape(&[features.shape()[0]])?;
        Ok(Scored::new(scores, features))
    }
}
