//! `text-to-image` and `stackgan`: images from captions. A caption becomes a vector by an encoder that was first trained to
//! match captions with images, and is then frozen; a generator makes images from the vector and noise, and a discriminator
//! scores whether an image is real and shows what its caption says (Reed et al. 2016, arXiv:1605.05396). Where there is a
//! second generator, it makes larger images of the first one's, once that is trained (Zhang et al. 2016, arXiv:1612.03242).

mod encoders;
mod pictures;
mod recipe;
mod retrieval;
mod sampling;
mod stage;

use std::sync::Arc;

use brigand_autograd::{Variable, without_recording};
use brigand_core::batch::{CAPTION, IMAGES, MEANING};
use brigand_core::capability::{CaptionSampler, Exhibit, Sampler, Sampling, Showing};
use brigand_core::latent::{self, Distribution, LatentPart, LatentSpace};
use brigand_core::modules::{Network, Part, Statistics};
use brigand_core::networks::{CaptionGenerator, CaptionLayout, ConditionOutput, StackRefiner};
use brigand_core::players::{DISCRIMINATOR, Draw, Turn, near_meanings, other_meanings};
use brigand_core::state::State;
use brigand_core::system::{Parts, System};
use brigand_core::{Error, Place, Result, Setup};

use encoders::CaptionEncoders;
pub use encoders::{CONTRASTIVE_ACCURACY, CONTRASTIVE_LOSS};
pub use recipe::{
    CaptionCondition, CaptionGanRecipe, CaptionOptimizers, CaptionPhases, Comparison, MatchingRecipe,
    PairScores, PairsRecipe, STACKGAN, Stacking, TEXT_TO_IMAGE,
};
pub use retrieval::{RANDOM_RETRIEVAL, REAL_RETRIEVAL, RETRIEVAL};
pub use stage::UNCONDITIONAL;
use stage::{Given, Stage};

use super::phases::Phases;

/// The names of the parts of latents that choose drawn conditions of the two generators.
const CONDITIONS: [&str; 2] = ["condition", "second condition"];

/// The number of the phase that trains the encoders alone.
const ENCODERS: usize = 0;
/// Captions of a batch that count as near to another one.
const NEAREST: usize = 4;

/// Steps done, which say whether the second generator makes the samples.
struct Done(u64);

impl Part for Done {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        state.count(format!("{name}.steps"), self.0);
        Ok(())
    }

    fn restore(&mut self, name: &str, state: &mut State) -> Result<()> {
        self.0 = state.counter(&format!("{name}.steps"))?;
        Ok(())
    }
}

/// All networks in training.
struct CaptionGan {
    recipe: CaptionGanRecipe,
    /// Of the data's images.
    sampling: Sampling,
    seed: u64,
    /// Channels, height and width of the first generator's images.
    small: [usize; 3],
    phases: Phases,
    done: Done,
    encoders: CaptionEncoders,
    first: Stage<CaptionGenerator>,
    second: Option<Stage<StackRefiner>>,
}

impl CaptionGan {
    fn new(recipe: &CaptionGanRecipe, setup: &Setup) -> Result<Self> {
        let image = setup.schema.image(IMAGES)?;
        let layout = |sample| CaptionLayout {
            noise: recipe.latent.size,
            caption: recipe.matching.size,
            condition: recipe.condition.size(),
            output: match recipe.condition {
                CaptionCondition::Projection { .. } => ConditionOutput::Condition,
                CaptionCondition::Augmentation { .. } => ConditionOutput::Distribution,
            },
            sample,
        };
        let phases = Phases::new(&recipe.shares(), setup.steps);
        phases.refuse_without_last(
            setup.steps,
            match recipe.second {
                Stacking::None {} => "the generator",
                Stacking::Second { .. } => "the second generator",
            },
        )?;
        let doublings = match recipe.second {
            Stacking::None {} => 0,
            Stacking::Second { doublings, .. } => doublings,
        };
        let small = smaller(image, doublings)?;
        let sample = small.into();
        let generator = Network::build("generator", setup, |b| {
            CaptionGenerator::new(b, &recipe.generator, &layout(sample))
        })
        .map_err(|error| of_small_images(error, doublings))?;
        let discriminator = recipe
            .discriminator
            .discriminator(DISCRIMINATOR, setup, sample, recipe.discriminator_options(false))
            .map_err(|error| of_small_images(error, doublings))?;
        let first = Stage::new(generator, discriminator, recipe, &setup.place)?;
        let second = match &recipe.second {
            Stacking::None {} => None,
            Stacking::Second { doublings, generator, discriminator } => {
                let generator = Network::build("second_generator", setup, |b| {
                    StackRefiner::new(b, generator, (small, *doublings), &layout(image.into()))
                })?;
                let options = recipe.discriminator_options(true);
                let name = "second_discriminator";
                let discriminator = discriminator.discriminator(name, setup, image.into(), options)?;
                Some(Stage::new(generator, discriminator, recipe, &setup.place)?)
            }
        };
        Ok(Self {
            sampling: Sampling::new(space(recipe, second.is_some(), setup)?, setup)?,
            phases,
            encoders: CaptionEncoders::new(recipe, setup)?,
            recipe: recipe.clone(),
            seed: setup.seed,
            small,
            done: Done(0),
            first,
            second,
        })
    }

    /// Vectors of captions of other meanings for the images of a batch, if wrong pairs are shown.
    fn wrong(&self, captions: &Variable, meanings: &[u32], draw: Draw) -> Result<Option<Variable>> {
        let PairsRecipe { wrong, near, .. } = self.recipe.pairs;
        if !wrong {
            return Ok(None);
        }
        let mut stream = draw.stream("wrong captions");
        let others = if near > 0.0 {
            let likeness = captions.matmul(&captions.transposed()?)?.to_vec_f32()?;
            near_meanings(meanings, &likeness, (near, NEAREST), &mut stream)
        } else {
            other_meanings(meanings, &mut stream)
        };
        Ok(others.map(|others| captions.index_select(0, &others)).transpose()?)
    }

    /// One step of a stage on a real batch.
    fn learn(&mut self, turn: &mut Turn<'_>, draw: Draw, in_second: bool) -> Result<()> {
        let batch = turn.batch(draw)?;
        let images = batch.numbers(IMAGES)?;
        let captions = self.encoders.of_batch(&batch)?;
        let wrong = self.wrong(&captions, &batch.indices(MEANING)?.values, draw)?;
        let mixed = self.mixed(&captions, draw)?;
        let noise = draw.rows("latent", images.shape()[0], |count, stream| {
            Ok(self
                .recipe
                .latent
                .draw(count, stream, &self.sampling.place.device)?
                .to_dtype(self.sampling.place.compute)?)
        })?;
        match (&mut self.second, in_second) {
            (Some(second), true) => {
                let chosen =
                    conditions(self.recipe.condition, images.shape()[0], draw, &self.sampling.place)?;
                let small = without_recording(|| {
                    self.first.generate(&noise, (&mixed, chosen.as_ref()), &mut Statistics::Stored)
                })?;
                let given = Given {
                    images,
                    captions: &captions,
                    wrong: wrong.as_ref(),
                    mixed: &mixed,
                    input: &small,
                };
                second.learn(turn, draw, &given)
            }
            (Some(_), false) | (None, _) => {
                let small = fitted(images, self.small)?;
                let given = Given {
                    images: &small,
                    captions: &captions,
                    wrong: wrong.as_ref(),
                    mixed: &mixed,
                    input: &noise,
                };
                self.first.learn(turn, draw, &given)
            }
        }
    }

    /// The vectors that images are generated from: of some captions the mean with that of another one, which no image shows
    /// (Reed et al. 2016, section 4.3).
    fn mixed(&self, captions: &Variable, draw: Draw) -> Result<Variable> {
        let (count, share) = (captions.shape()[0], self.recipe.pairs.interpolated);
        if share == 0.0 {
            return Ok(captions.clone());
        }
        let mut stream = draw.stream("interpolated captions");
        let order: Vec<u32> = stream.permutation(count).into_iter().map(|other| other as u32).collect();
        let draws = stream.uniform(count, 0.0, 1.0).into_iter();
        let shares = draws.map(|drawn| if f64::from(drawn) < share { 0.5 } else { 0.0 }).collect();
        let shares = self.sampling.place.numbers(shares, &[count, 1])?;
        let step = captions.index_select(0, &order)?.sub(captions)?;
        Ok(captions.add(&step.mul(&shares)?)?)
    }

    /// Whether the second generator has been trained.
    fn is_in_second(&self) -> bool {
        self.second.is_some() && self.done.0 > 0 && self.phases.at(self.done.0 - 1) == 2
    }
}

/// Standard normal numbers that choose a training batch's drawn conditions of the frozen first generator.
fn conditions(
    condition: CaptionCondition,
    count: usize,
    draw: Draw,
    place: &Place,
) -> Result<Option<Variable>> {
    condition
        .is_drawn()
        .then(|| {
            draw.rows("first condition", count, |count, stream| {
                place.normal(&[count, condition.size()], stream)
            })
        })
        .transpose()
}

/// The shape of images halved so often.
fn smaller([channels, height, width]: [usize; 3], halvings: usize) -> Result<[usize; 3]> {
    let multiple = 1 << halvings;
    if !height.is_multiple_of(multiple) || !width.is_multiple_of(multiple) {
        return Err(Error::Recipe(format!(
            "second.doublings is {halvings}, and images of {width}x{height} cannot be halved so often; set data.size to a \
             multiple of {multiple}"
        )));
    }
    Ok([channels, height / multiple, width / multiple])
}

/// An error about the images of the first of two generators, which are smaller than the data's.
fn of_small_images(error: Error, halvings: usize) -> Error {
    match error {
        Error::Network(what) if halvings > 0 => Error::Network(format!(
            "{what} (the first generator's images; data.size is {} times as large, or less with fewer second.doublings)",
            1 << halvings
        )),
        other => other,
    }
}

/// Images at a whole part of their size: the means of their pixels.
fn fitted(images: &Variable, [_, height, _]: [usize; 3]) -> Result<Variable> {
    let (_, _, own, _) = images.dims4("images of a stage")?;
    let times = own / height.max(1);
    Ok(if times == 1 { images.clone() } else { images.avg_pool2d(times, times, 0)? })
}

/// Noise, what chooses drawn conditions, and the tokens of a caption: one of the data's where none is given.
fn space(recipe: &CaptionGanRecipe, has_second: bool, setup: &Setup) -> Result<LatentSpace> {
    let field = setup.schema.tokens(CAPTION)?;
    if field.examples.is_empty() {
        return Err(Error::Internal("the data has no examples of its captions".into()));
    }
    let mut parts = vec![recipe.latent.part()];
    if recipe.condition.is_drawn() {
        let stages = if has_second { 2 } else { 1 };
        let distribution = Distribution::Normal { size: recipe.condition.size(), deviation: 1.0 };
        let chooses = |name| LatentPart { name, distribution: distribution.clone() };
        parts.extend(CONDITIONS.into_iter().take(stages).map(chooses));
    }
    let rows: Arc<[f32]> = field.examples.iter().flatten().map(|&token| token as f32).collect();
    parts.push(LatentPart {
        name: latent::CAPTION,
        distribution: Distribution::Points { size: field.length, rows },
    });
    Ok(LatentSpace::new(parts))
}

impl System for CaptionGan {
    fn parts(&mut self) -> Parts<'_> {
        let mut parts: Parts<'_> = vec![
            ("phases", &mut self.phases),
            ("done", &mut self.done),
            ("caption_encoder", &mut self.encoders.captions),
            ("image_encoder", &mut self.encoders.images),
            ("generator", &mut self.first.generator),
            (DISCRIMINATOR, &mut self.first.discriminator),
        ];
        if let Some(second) = &mut self.second {
            parts.push(("second_generator", &mut second.generator));
            parts.push(("second_discriminator", &mut second.discriminator));
        }
        parts
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let draw = turn.only_draw();
        match self.phases.at(turn.step) {
            ENCODERS => self.encoders.learn(turn, draw)?,
            phase => self.learn(turn, draw, phase == 2)?,
        }
        self.done.0 = turn.step + 1;
        if self.recipe.held_out.is_due(turn) { retrieval::note(self, turn) } else { Ok(()) }
    }

    fn needs_held_out(&self) -> bool {
        self.recipe.held_out.every > 0
    }

    fn untrained_phase(&self, step: u64) -> Option<&'static str> {
        self.phases.so_far(ENCODERS, step)
    }

    fn show(&self, showing: &Showing<'_>) -> Result<Vec<Exhibit>> {
        pictures::show(self, showing)
    }

    fn as_sampler(&self) -> Option<&dyn Sampler> {
        Some(self)
    }

    fn as_caption_sampler(&self) -> Option<&dyn CaptionSampler> {
        Some(self)
    }
}
