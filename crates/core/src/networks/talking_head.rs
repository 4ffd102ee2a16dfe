//! The networks of few-shot talking heads (Zakharov et al. 2019, arXiv:1905.08233): an embedder of frames beside their
//! landmark drawings, a generator from drawings that adaptive instance normalisation makes draw one person, and a
//! discriminator that projects its features on a vector of each person.

use brigand_autograd::{Activation, Variable};
use serde::{Deserialize, Serialize};

use super::attended_blocks::AttendedBlocks;
use super::attention::AttentionNetworkRecipe;
use super::sides::channels;
use crate::error::{Error, Result};
use crate::modules::{
    AdaptiveNorm, Builder, Convolution, Initialization, Layer, Linear, NormKind, OnStyle, Pass, Plan,
    Projection, SelfAttention, Skip, Style, StyleLayout, UpBlock, WeightId, Window,
};
use crate::players::{Conditioned, Scored, Scorer};

/// Channels of a landmark drawing.
const DRAWN: usize = 3;
/// Every convolution.
const PLAN: Plan = Plan::new(Initialization::Glorot).spectral();
/// Layers outside the convolutions, which spectral normalisation would bound to too small a range.
const PLAIN: Plan = Plan::new(Initialization::Glorot);
/// The most times as many channels as the generator's largest maps have.
const WIDEST: usize = 8;

/// What the networks are built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLayout {
    /// Frames, `[channels, height, width]`.
    pub image: [usize; 3],
    /// Numbers of an embedding.
    pub embedding: usize,
}

impl HeadLayout {
    /// The blocks of an embedder or discriminator: from a frame and its drawing to maps of as many channels as an
    /// embedding has numbers.
    fn blocks(&self, b: &mut Builder, recipe: &AttentionNetworkRecipe, name: &str) -> Result<AttendedBlocks> {
        let sides = recipe.sides(name, self.image)?;
        let mut channels = vec![self.image[0] + DRAWN];
        channels.extend((0..sides.len() - 1).map(|number| recipe.channels(number)));
        channels.push(self.embedding);
        AttendedBlocks::new(b, &channels, (&sides, recipe.attended(&sides)), (&PLAN, None))
    }
}

/// ReLU, and the sum over positions: `[batch, channels]`.
fn pooled(maps: &Variable) -> Result<Variable> {
    Ok(maps.relu()?.sum(&[2, 3])?)
}

/// From frames beside their drawings to embeddings that tell the person, whatever the pose.
pub struct HeadEmbedder {
    blocks: AttendedBlocks,
}

impl HeadEmbedder {
    /// An embedder.
    ///
    /// # Errors
    /// If the frames cannot be halved, or all maps are larger than attention may work on.
    pub fn new(b: &mut Builder, recipe: &AttentionNetworkRecipe, layout: &HeadLayout) -> Result<Self> {
        Ok(Self { blocks: layout.blocks(b, recipe, "embedder")? })
    }

    /// The embeddings `[frames, size]` of single `frames` `[frames, channels, height, width]` with their `drawings`.
    ///
    /// # Errors
    /// If the two do not fit.
    pub fn run(&self, pass: &mut Pass<'_>, frames: &Variable, drawings: &Variable) -> Result<Variable> {
        pooled(&self.blocks.run(pass, &Variable::concatenate(&[frames, drawings], 1)?)?)
    }
}

/// The size of a generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadGeneratorRecipe {
    /// Channels of the largest maps; each halving doubles them, up to 8 times.
    pub width: usize,
    /// How often height and width are halved.
    pub halvings: usize,
    /// Residual blocks at the smallest size.
    pub blocks: usize,
    /// Self-attention works on the largest maps inside the network of at most this side, on the way down and on the way
    /// up; 0 for none.
    pub attention: usize,
}

impl HeadGeneratorRecipe {
    /// Refuses sizes that no network has.
    ///
    /// # Errors
    /// [`Error::Recipe`], saying which value to give.
    pub fn check(&self) -> Result<()> {
        for (key, value, [low, high]) in [
            ("width", self.width, [1, 1024]),
            ("halvings", self.halvings, [1, 6]),
            ("blocks", self.blocks, [0, 64]),
        ] {
            if !(low..=high).contains(&value) {
                return Err(Error::Recipe(format!("generator.{key} is {value}; give {low} to {high}")));
            }
        }
        Ok(())
    }

    /// Heights and widths of maps from the frame's down.
    fn sides(&self, [_, height, width]: [usize; 3]) -> Result<Vec<(usize, usize)>> {
        let multiple = 1 << self.halvings;
        let fits = |side: usize| side.is_multiple_of(multiple) && side / multiple >= 2;
        if !fits(height) || !fits(width) {
            return Err(Error::Network(format!(
                "frames of {height}x{width} cannot be halved {} times to 2 or more: set data.size to a multiple of {multiple}, \
                 or generator.halvings to fewer",
                self.halvings
            )));
        }
        Ok((0..=self.halvings).map(|halvings| (height >> halvings, width >> halvings)).collect())
    }
}

/// From landmark drawings and styles to frames in [-1, 1].
pub struct HeadGenerator {
    down: AttendedBlocks,
    middle: Vec<Skip<OnStyle>>,
    up: Vec<UpBlock<OnStyle>>,
    /// The layer, and after which block of the way up it stands.
    attention: Option<(usize, SelfAttention)>,
    norm: AdaptiveNorm,
    leave: Convolution,
    layout: StyleLayout,
}

impl HeadGenerator {
    /// A generator of the layout's frames.
    ///
    /// # Errors
    /// If the frames cannot be halved so often.
    pub fn new(b: &mut Builder, recipe: &HeadGeneratorRecipe, layout: &HeadLayout) -> Result<Self> {
        let sides = recipe.sides(layout.image)?;
        let attended =
            sides.iter().skip(1).copied().find(|&(height, width)| height.max(width) <= recipe.attention);
        let width = |halvings: usize| channels(recipe.width, halvings, WIDEST);
        let mut down = vec![DRAWN];
        down.extend((1..sides.len()).map(width));
        let down = AttendedBlocks::new(b, &down, (&sides, attended), (&PLAN, Some(NormKind::Instance)))?;
        let (mut style, widest) = (StyleLayout::default(), width(recipe.halvings));
        let mut middle = Vec::with_capacity(recipe.blocks);
        for number in 0..recipe.blocks {
            middle.push(b.block(format!("middle{number}"), |b| {
                Skip::new(b, widest, &PLAN, |_, activated| {
                    let activation = if activated { Activation::Relu } else { Activation::Identity };
                    Ok(AdaptiveNorm::new(&mut style, widest, activation))
                })
            })?);
        }
        let (mut up, mut attention) = (Vec::with_capacity(recipe.halvings), None);
        for (number, halving) in (0..recipe.halvings).rev().enumerate() {
            let pair = (width(halving + 1), width(halving));
            up.push(b.block(format!("up{number}"), |b| {
                UpBlock::new(b, pair, &PLAN, |_, channels| {
                    Ok(AdaptiveNorm::new(&mut style, channels, Activation::Relu))
                })
            })?);
            if attended.is_some() && sides.get(halving).copied() == attended {
                let layer = b.block("up_attention", |b| SelfAttention::new(b, pair.1, &PLAN))?;
                attention = Some((number, layer));
            }
        }
        let norm = AdaptiveNorm::new(&mut style, recipe.width, Activation::Relu);
        let leaving = (recipe.width, layout.image[0]);
        let leave = b.block("leave", |b| Convolution::new(b, leaving, Window::same(3), &PLAN))?;
        Ok(Self { down, middle, up, attention, norm, leave, layout: style })
    }

    /// Numbers of a style.
    pub fn style_size(&self) -> usize {
        self.layout.size()
    }

    /// The frames of `drawings` `[batch, 3, height, width]` in `styles` `[batch, style size]`.
    ///
    /// # Errors
    /// If the two do not fit.
    pub fn run(&self, pass: &mut Pass<'_>, drawings: &Variable, styles: &Variable) -> Result<Variable> {
        let style = Style(styles);
        let mut maps = self.down.run(pass, drawings)?;
        for block in &self.middle {
            maps = block.forward(pass, &maps, style)?;
        }
        for (number, block) in self.up.iter().enumerate() {
            maps = block.forward(pass, &maps, style)?;
            if let Some((after, attention)) = &self.attention
                && *after == number
            {
                maps = attention.run(pass, &maps)?.0;
            }
        }
        let maps = self.norm.forward(pass, &maps, style)?;
        Ok(self.leave.run(pass, &maps)?.tanh()?)
    }
}

/// From embeddings to the generator's styles: the one linear map of which every normalisation reads its part.
pub struct StyleProjection(Linear);

impl StyleProjection {
    /// From embeddings of a size to styles of another.
    pub fn new(b: &mut Builder, (embedding, style): (usize, usize)) -> Result<Self> {
        Ok(Self(b.block("linear", |b| Linear::new(b, embedding, style, &PLAIN))?))
    }

    /// The styles `[batch, style size]` of `embeddings` `[batch, embedding]`.
    pub fn run(&self, pass: &mut Pass<'_>, embeddings: &Variable) -> Result<Variable> {
        self.0.run(pass, embeddings)
    }
}

/// The style of one person as a weight of its own, which fine-tuning trains.
pub struct PersonStyle(WeightId);

impl PersonStyle {
    /// The path of the weight, `[1, style size]`.
    pub const WEIGHT: &'static str = "style";

    /// A style of a size, first plain: zeros.
    pub fn new(b: &mut Builder, size: usize) -> Result<Self> {
        Ok(Self(b.weight(Self::WEIGHT, &[1, size], (size, size), Initialization::ZERO)?))
    }

    /// The style for each of `count` frames, `[count, style size]`.
    pub fn run(&self, pass: &mut Pass<'_>, count: usize) -> Result<Variable> {
        let style = pass.weight(self.0)?;
        Ok(style.broadcast_to(&[count, style.elements()])?)
    }
}

/// From features to scores.
enum Score {
    /// `(W_i + w0) · v + b` with a vector of each person.
    OfPeople(Projection),
    /// `w · v + b`: of one person, whose vector is part of `w`.
    OfOne(Linear),
}

/// Scores frames beside their drawings, of people by number or of one person.
pub struct HeadDiscriminator {
    blocks: AttendedBlocks,
    score: Score,
}

impl HeadDiscriminator {
    /// The path of `w0`, the part of the vectors that all people share, `[1, embedding]`.
    pub const SHARED: &'static str = "score.alone.weight";

    /// A discriminator of so many `people`, or of one that has no number.
    ///
    /// # Errors
    /// If the frames cannot be halved, or all maps are larger than attention may work on.
    pub fn new(
        b: &mut Builder,
        recipe: &AttentionNetworkRecipe,
        layout: &HeadLayout,
        people: Option<usize>,
    ) -> Result<Self> {
        let blocks = layout.blocks(b, recipe, "discriminator")?;
        let score = b.block("score", |b| match people {
            Some(people) => Ok(Score::OfPeople(Projection::new(b, layout.embedding, people, &PLAIN)?)),
            None => Ok(Score::OfOne(b.block("alone", |b| Linear::new(b, layout.embedding, 1, &PLAIN))?)),
        })?;
        Ok(Self { blocks, score })
    }
}

impl Scorer for HeadDiscriminator {
    /// Frames beside their drawings, `[batch, channels + 3, height, width]`, under one-hot people where there are several.
    type Input = Conditioned;
    /// The vectors `W_i` of the people, `[batch, embedding]`, where there are several.
    type Also = Option<Variable>;

    fn score(&self, pass: &mut Pass<'_>, input: &Conditioned) -> Result<Scored<Self::Also>> {
        let mut features = self.blocks.outputs(pass, &input.samples)?;
        let missing = || Error::Internal("a discriminator of talking heads has no blocks".into());
        let last = pooled(features.last().ok_or_else(missing)?)?;
        let (scores, also) = match (&self.score, &input.condition) {
            (Score::OfPeople(projection), Some(people)) => {
                (projection.run(pass, &last, people)?, Some(projection.vectors(pass, people)?))
            }
            (Score::OfOne(linear), None) => (linear.run(pass, &last)?, None),
            (Score::OfPeople(_), None) | (Score::OfOne(_), Some(_)) => {
                return Err(Error::Internal(
                    "a discriminator of talking heads was given the wrong people".into(),
                ));
            }
        };
        features.push(last);
        let scores = scores.reshape(&[input.samples.shape()[0]])?;
        Ok(Scored { scores: vec![scores], features, also })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Schema;
    use crate::modules::{How, Mode, Network};
    use crate::place::Place;
    use crate::setup::Setup;

    const LAYOUT: HeadLayout = HeadLayout { image: [3, 16, 16], embedding: 6 };

    fn setup() -> Setup {
        let (schema, place) = (Schema::of_samples(&LAYOUT.image, &[]), Place::cpu());
        Setup { schema, batch: 2, steps: 1, seed: 0, place }
    }

    fn images(count: usize, step: f32) -> Variable {
        let values: Vec<f32> = (0..count * 768).map(|at| (at as f32 * step).sin()).collect();
        Variable::from_slice(&values, &[count, 3, 16, 16]).unwrap()
    }

    /// The normalisations of two blocks of 32 channels and of the two doublings, 32 to 16 and 16 to 8, and the last one:
    /// 2 (2 * 2 * 32 + (32 + 16) + (16 + 8) + 8) scales and shifts.
    #[test]
    fn a_generator_reads_scales_and_shifts_of_every_channel() {
        let recipe = HeadGeneratorRecipe { width: 8, halvings: 2, blocks: 2, attention: 8 };
        let mut network =
            Network::build("generator", &setup(), |b| HeadGenerator::new(b, &recipe, &LAYOUT)).unwrap();
        let size = network.module.style_size();
        assert_eq!(size, 2 * (4 * 32 + 48 + 24 + 8));
        let styles =
            Variable::full(0.3, &[2, size], candle_core::DType::F32, &candle_core::Device::Cpu).unwrap();
        let drawings = images(2, 0.7);
        let made =
            network.run(How::plain(Mode::Training), |g, pass| g.run(pass, &drawings, &styles)).unwrap();
        assert_eq!(made.shape(), [2, 3, 16, 16]);
        assert!(
            network
                .run(How::plain(Mode::Training), |g, pass| {
                    g.run(pass, &drawings, &styles.narrow(1, 0, size - 1)?)
                })
                .is_err()
        );
        let deep = HeadGeneratorRecipe { halvings: 4, ..recipe };
        let refused = Network::build("g", &setup(), |b| HeadGenerator::new(b, &deep, &LAYOUT)).err().unwrap();
        assert!(refused.to_string().contains("multiple of 16"), "{refused}");
    }

    /// The score of person `i` is `(W_i + w0) · v + b`, as that of a discriminator of one person whose `w` is `W_i + w0`.
    #[test]
    fn a_persons_vector_can_be_moved_into_the_shared_one() {
        let recipe = AttentionNetworkRecipe { width: 4, attention: 0 };
        let build = |people| {
            Network::build("discriminator", &setup(), |b| HeadDiscriminator::new(b, &recipe, &LAYOUT, people))
                .unwrap()
        };
        let (mut several, one) = (build(Some(2)), build(None));
        let frames = Variable::concatenate(&[&images(2, 0.7), &images(2, 0.3)], 1).unwrap();
        let people = Place::cpu().one_hot(&[1, 1], 2).unwrap();
        let input = Conditioned::under(frames.clone(), people);
        let scored = several.run(How::plain(Mode::Sampling), |d, pass| d.score(pass, &input)).unwrap();
        let vector = scored.also.unwrap().narrow(0, 0, 1).unwrap();
        let (weights, mut values) = (one.parameters().weights(), Vec::new());
        for (name, own) in weights.names().iter().zip(weights.values()) {
            let theirs = several.parameters().weights();
            let place = theirs.names().iter().position(|of| of == name).unwrap();
            let value = &theirs.values()[place];
            assert_eq!(value.shape(), own.shape(), "{name}");
            let shared = name == HeadDiscriminator::SHARED;
            values.push(if shared { value.add(&vector).unwrap() } else { value.clone() });
        }
        let moved = weights.with_values(values).unwrap();
        let alone = Conditioned::alone(frames);
        let how = How { weights: Some(&moved), mode: Mode::Sampling, random: None };
        let mut one = build(None);
        let found = one.run(how, |d, pass| d.score(pass, &alone)).unwrap().scores[0].to_vec_f32().unwrap();
        let wanted = scored.scores[0].to_vec_f32().unwrap();
        assert!(found.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 1e-4), "{found:?} {wanted:?}");
        assert_eq!(scored.features.len(), 4);
    }
}
