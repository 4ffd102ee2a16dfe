//! The networks of SAGAN (Zhang et al. 2018, arXiv:1805.08318) and BigGAN (Brock et al. 2018, arXiv:1809.11096): residual
//! blocks with one self-attention layer, spectral normalisation in both networks, batch normalisation that the class (and
//! BigGAN's noise) modulates in the generator, and a projection of the class in the discriminator.

use brigand_autograd::{Activation, Variable};
use serde::{Deserialize, Serialize};

use super::attended_blocks::AttendedBlocks;
use super::sides::{SMALLEST, channels, halved};
use crate::error::{Error, Result};
use crate::modules::{
    Builder, Convolution, Initialization, Layer, Linear, Norm, NormKind, NormPlan, OnVector, Pass, Plan,
    Projection, SelfAttention, TableNorm, UpBlock, VectorNorm, Window,
};
use crate::players::{Conditioned, Scored, Scorer};

/// The most times as many channels as the largest maps have.
const WIDEST: usize = 16;

/// The path of the embedding of classes that all blocks of a generator share.
pub const SHARED_EMBEDDING: &str = "embedding";

/// The size of one of the two networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttentionNetworkRecipe {
    /// Channels of the largest maps; each halving of the side doubles them, up to 16 times.
    pub width: usize,
    /// Self-attention works on the largest maps inside the network of at most this side, 0 for none. Its cost grows with
    /// the fourth power of the side.
    pub attention: usize,
}

/// How noise and class reach the generator's blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Modulation {
    /// All noise enters at the start; the batch normalisation of every block has scales and shifts of its own for each
    /// class (SAGAN).
    Tables {},
    /// The noise is cut into chunks of equal size. The first enters at the start; the batch normalisation of each block
    /// reads the next one, beside an embedding of the class that all blocks share, through two linear maps: `(1 + gain)
    /// norm(x) + shift` (BigGAN).
    Chunks {
        /// Numbers of the embedding.
        embedding: usize,
    },
}

impl Default for Modulation {
    fn default() -> Self {
        Self::Tables {}
    }
}

/// What a generator or discriminator is built for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionLayout {
    /// The images, `[channels, height, width]`.
    pub image: [usize; 3],
    /// Their classes.
    pub classes: usize,
    /// First values of every weight.
    pub initialization: Initialization,
}

impl AttentionLayout {
    /// Every convolution and linear layer of both networks.
    const fn plan(&self) -> Plan {
        Plan::new(self.initialization).spectral()
    }
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
    pub(super) fn sides(&self, network: &str, [_, height, width]: [usize; 3]) -> Result<Vec<(usize, usize)>> {
        let sides = halved((height, width));
        if sides.len() == 1 {
            return Err(Error::Network(format!(
                "images of {height}x{width} cannot be halved to {SMALLEST} or more; set data.size to 8 or another even \
                 number above"
            )));
        }
        let smallest = sides.last().map_or(0, |&(height, width)| height.max(width));
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
    pub(super) fn attended(&self, sides: &[(usize, usize)]) -> Option<(usize, usize)> {
        sides.iter().skip(1).copied().find(|&(height, width)| height.max(width) <= self.attention)
    }

    /// Channels after `halvings` of the image's side.
    pub(super) fn channels(&self, halvings: usize) -> usize {
        channels(self.width, halvings, WIDEST)
    }
}

fn attention(b: &mut Builder, channels: usize, plan: &Plan) -> Result<SelfAttention> {
    b.block("attention", |b| SelfAttention::new(b, channels, plan))
}

/// The embedding that a generator's blocks share, and the size of their chunks of noise.
struct Shared {
    embedding: Linear,
    chunk: usize,
}

impl Shared {
    /// For a generator of so many blocks. The embedding is not spectrally normalised: it is no map between features.
    fn new(
        b: &mut Builder,
        layout: &AttentionLayout,
        (noise, blocks): (usize, usize),
        size: usize,
    ) -> Result<Self> {
        let chunks = blocks + 1;
        if !noise.is_multiple_of(chunks) || noise == 0 {
            let (below, above) = (noise / chunks * chunks, noise.div_ceil(chunks).max(1) * chunks);
            let fitting = if below == 0 { above.to_string() } else { format!("{below} or {above}") };
            return Err(Error::Recipe(format!(
                "latent.size is {noise}, and the noise is cut into {chunks} chunks of equal size, one more than the generator \
                 has blocks; give {fitting}"
            )));
        }
        let plan = Plan::new(layout.initialization).without_bias();
        let embedding = b.block(SHARED_EMBEDDING, |b| Linear::new(b, layout.classes, size, &plan))?;
        Ok(Self { embedding, chunk: noise / chunks })
    }

    /// What enters at the start, `[batch, chunk]`, and what each block reads, `[batch, chunk + embedding]`.
    fn split(
        &self,
        pass: &mut Pass<'_>,
        (noise, classes): (&Variable, &Variable),
        blocks: usize,
    ) -> Result<(Variable, Vec<Variable>)> {
        let embedded = self.embedding.run(pass, classes)?;
        let chunk = |number: usize| noise.narrow(1, number * self.chunk, self.chunk);
        let read = (1..=blocks).map(|number| Ok(Variable::concatenate(&[&chunk(number)?, &embedded], 1)?));
        Ok((chunk(0)?, read.collect::<Result<_>>()?))
    }
}

/// From noise and a class to images in [-1, 1].
pub struct AttentionGenerator {
    start: [usize; 3],
    shared: Option<Shared>,
    enter: Linear,
    blocks: Vec<UpBlock<OnVector>>,
    /// The layer, and how many blocks stand before it.
    attention: Option<(usize, SelfAttention)>,
    norm: Norm,
    leave: Convolution,
}

impl AttentionGenerator {
    /// A generator from so many numbers of noise.
    ///
    /// # Errors
    /// If the images cannot be halved, all maps are larger than attention may work on, or the noise cannot be cut into equal
    /// chunks.
    pub fn new(
        b: &mut Builder,
        recipe: &AttentionNetworkRecipe,
        (modulation, noise): (Modulation, usize),
        layout: &AttentionLayout,
    ) -> Result<Self> {
        let (sides, plan) = (recipe.sides("generator", layout.image)?, layout.plan());
        let (halvings, attended) = (sides.len() - 1, recipe.attended(&sides));
        let (height, width) = sides.last().copied().unwrap_or_default();
        let start = [recipe.channels(halvings), height, width];
        let (shared, entering, reading) = match modulation {
            Modulation::Tables {} => (None, noise, layout.classes),
            Modulation::Chunks { embedding } => {
                let shared = Shared::new(b, layout, (noise, halvings), embedding)?;
                let chunk = shared.chunk;
                (Some(shared), chunk, chunk + embedding)
            }
        };
        let enter = b.block("enter", |b| Linear::new(b, entering, start.iter().product(), &plan))?;
        let norm = NormPlan::new(NormKind::Batch, Activation::Relu);
        let mut attending = None;
        if sides.last().copied() == attended && attended.is_some() {
            attending = Some((0, attention(b, start[0], &plan)?));
        }
        let mut blocks = Vec::with_capacity(halvings);
        for halving in (0..halvings).rev() {
            let channels = (recipe.channels(halving + 1), recipe.channels(halving));
            blocks.push(b.block(format!("up{}", blocks.len()), |b| match modulation {
                Modulation::Tables {} => {
                    UpBlock::new(b, channels, &plan, |b, channels| TableNorm::new(b, norm, channels, reading))
                }
                Modulation::Chunks { .. } => UpBlock::new(b, channels, &plan, |b, channels| {
                    VectorNorm::new(b, norm, (channels, reading), &plan)
                }),
            })?);
            if sides.get(halving).copied() == attended && attended.is_some() {
                attending = Some((blocks.len(), attention(b, channels.1, &plan)?));
            }
        }
        let leaving = (recipe.width, layout.image[0]);
        Ok(Self {
            start,
            shared,
            enter,
            blocks,
            attention: attending,
            norm: b.block("norm", |b| Norm::new(b, norm, recipe.width))?,
            leave: b.block("leave", |b| Convolution::new(b, leaving, Window::same(3), &plan))?,
        })
    }

    /// Whether noise modulates its normalisation, so that the statistics of its batches depend on how widely noise is drawn
    /// in more than their scale.
    pub fn is_modulated_by_noise(&self) -> bool {
        self.shared.is_some()
    }

    /// The images of `noise` `[batch, noise]` and one-hot (or mixed) `classes` `[batch, classes]`, and the attention
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
        let (entering, read) = match &self.shared {
            None => (noise.clone(), vec![classes.clone(); self.blocks.len()]),
            Some(shared) => shared.split(pass, (noise, classes), self.blocks.len())?,
        };
        let mut maps = self.enter.run(pass, &entering)?;
        maps = maps.reshape(&[maps.shape()[0], channels, height, width])?;
        let (mut found, mut stages) = (None, self.blocks.iter().zip(&read));
        for number in 0..=self.blocks.len() {
            if let Some((after, attention)) = &self.attention
                && *after == number
            {
                let (attended, weights) = attention.run(pass, &maps)?;
                (maps, found) = (attended, Some(weights));
            }
            if let Some((block, condition)) = stages.next() {
                maps = block.forward(pass, &maps, condition)?;
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
    blocks: AttendedBlocks,
    score: Projection,
}

impl AttentionDiscriminator {
    /// A discriminator of the layout's images and classes.
    ///
    /// # Errors
    /// If the images cannot be halved, or all maps are larger than attention may work on.
    pub fn new(b: &mut Builder, recipe: &AttentionNetworkRecipe, layout: &AttentionLayout) -> Result<Self> {
        let (sides, plan) = (recipe.sides("discriminator", layout.image)?, layout.plan());
        let mut channels = vec![layout.image[0]];
        // The last block keeps the side.
        channels.extend((0..sides.len()).map(|number| recipe.channels(number)));
        let blocks = AttendedBlocks::new(b, &channels, (&sides, recipe.attended(&sides)), (&plan, None))?;
        let features = recipe.channels(sides.len() - 1);
        let score = b.block("score", |b| Projection::new(b, features, layout.classes, &plan))?;
        Ok(Self { blocks, score })
    }
}

impl Scorer for AttentionDiscriminator {
    type Input = Conditioned;
    type Also = ();

    fn score(&self, pass: &mut Pass<'_>, input: &Conditioned) -> Result<Scored<()>> {
        let missing = || Error::Internal("a projection discriminator was given no classes".into());
        let classes = input.condition.as_ref().ok_or_else(missing)?;
        let maps = self.blocks.run(pass, &input.samples)?;
        let features = maps.relu()?.sum(&[2, 3])?;
        let scores = self.score.run(pass, &features, classes)?.reshape(&[features.shape()[0]])?;
        Ok(Scored::new(scores, features))
    }
}
