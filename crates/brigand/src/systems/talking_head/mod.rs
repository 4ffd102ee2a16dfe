//! `talking-head`: frames of a person in the poses of landmark drawings, from a few frames of that person (Zakharov et al.
//! 2019, arXiv:1905.08233). An embedder reads the frames beside their drawings, the mean of its embeddings becomes the scales
//! and shifts of the generator's normalisations, and the discriminator projects its features on a vector of each person. What
//! was trained on many people is then fine-tuned on one.
//!
//! Departs: the content loss is the mean absolute distance of pixels; the paper's is that of the features of two large
//! networks.

mod losses;
mod person;
mod recipe;

pub use losses::{CONTENT_LOSS, HeadLosses, MATCHING_LOSS};
pub use recipe::{Phase, ROW, TalkingHeadRecipe};

use std::collections::BTreeMap;

use brigand_autograd::{Variable, without_recording};
use brigand_core::batch::{Batch, IMAGES, LANDMARKS, SOURCE_LANDMARKS, SOURCES};
use brigand_core::capability::{Exhibit, FineTuning, Reenactor, Showing};
use brigand_core::measurements::GENERATOR_LOSS;
use brigand_core::modules::Network;
use brigand_core::networks::{
    HeadDiscriminator, HeadEmbedder, HeadGenerator, HeadLayout, PersonStyle, StyleProjection,
};
use brigand_core::players::{AverageRecipe, Critic, DISCRIMINATOR, Draw, Player, Schedule, Turn};
use brigand_core::recipe::Recipe;
use brigand_core::system::{Parts, System};
use brigand_core::{Error, Place, Result, Setup, parts};
use candle_core::Tensor;

use super::held_out::for_each_portion;
use super::translation::{Mean, PAIR_ERROR, side_by_side};
use losses::{beside_landmarks, generator_loss};

/// Name of the mean absolute distance of the first source frame to the true one, on [0, 1], of held-out people: what copying
/// gives.
pub const COPY_ERROR: &str = "copy_error";
/// Name of the mean absolute distance on [0, 1] where the first source frame alone is known, of held-out people.
pub const ONE_FRAME_ERROR: &str = "one_frame_error";

/// The most frames of a person that are embedded at once, and of which a person is embedded.
const MOST_FRAMES: usize = 32;
/// The networks' names.
const GENERATOR: &str = "generator";

/// The networks in meta-training.
struct TalkingHead {
    recipe: TalkingHeadRecipe,
    place: Place,
    layout: HeadLayout,
    people: usize,
    embedder: Player<HeadEmbedder>,
    projection: Player<StyleProjection>,
    generator: Player<HeadGenerator>,
    discriminator: Critic<HeadDiscriminator>,
}

/// Single frames `[batch * frames, sample...]` of the field `[batch, frames, sample...]`.
fn singly(frames: &Variable) -> Result<Variable> {
    match *frames.shape() {
        [batch, count, channels, height, width] => {
            Ok(frames.reshape(&[batch * count, channels, height, width])?)
        }
        ref other => {
            Err(Error::Internal(format!("frames of shape {other:?} in place of [batch, frames, ...]")))
        }
    }
}

/// The first `count` source frames of each episode and their drawings, singly.
fn sources(batch: &Batch, count: usize) -> Result<[Variable; 2]> {
    let of = |key| singly(&batch.numbers(key)?.narrow(1, 0, count)?);
    Ok([of(SOURCES)?, of(SOURCE_LANDMARKS)?])
}

/// The mean embedding `[batch, size]` of `count` frames each.
fn mean_embedding(embeddings: &Variable, count: usize) -> Result<Variable> {
    let [frames, size] = [embeddings.shape()[0], embeddings.shape()[1]];
    Ok(embeddings.reshape(&[frames / count.max(1), count, size])?.mean(&[1])?)
}

impl TalkingHead {
    fn new(recipe: &TalkingHeadRecipe, setup: &Setup) -> Result<Self> {
        let schema = &setup.schema;
        let missing = || {
            Error::Data(
                "meta-training needs episodes of several people; give --data cartoon-faces or identities:DIR (one person is for \
                 `brigand adapt`)"
                    .into(),
            )
        };
        schema.shape(SOURCES).map_err(|_| missing())?;
        let people = schema.class_counts().len();
        if people < 2 {
            return Err(missing());
        }
        let layout = HeadLayout { image: schema.image(IMAGES)?, embedding: recipe.embedding };
        let embedder =
            Network::build("embedder", setup, |b| HeadEmbedder::new(b, &recipe.embedder, &layout))?;
        let generator =
            Network::build(GENERATOR, setup, |b| HeadGenerator::new(b, &recipe.generator, &layout))?;
        let sizes = (recipe.embedding, generator.module.style_size());
        let projection = Network::build("projection", setup, |b| StyleProjection::new(b, sizes))?;
        let discriminator = Network::build(DISCRIMINATOR, setup, |b| {
            HeadDiscriminator::new(b, &recipe.discriminator, &layout, Some(people))
        })?;
        let steps = recipe.optimizer;
        let discriminator = Player::new(discriminator, steps.discriminator)?.scheduled(recipe.schedule);
        Ok(Self {
            recipe: recipe.clone(),
            place: setup.place.clone(),
            layout,
            people,
            embedder: Player::new(embedder, steps.generator)?
                .scheduled(recipe.schedule)
                .averaged(recipe.average),
            projection: Player::new(projection, steps.generator)?
                .scheduled(recipe.schedule)
                .averaged(recipe.average),
            generator: Player::new(generator, steps.generator)?
                .scheduled(recipe.schedule)
                .averaged(recipe.average),
            discriminator: Critic::new(discriminator, recipe.adversarial.rules())?,
        })
    }

    /// The generated frames of a training batch, and the embeddings that they were made with.
    fn generate_for_training(&mut self, batch: &Batch) -> Result<(Variable, Variable)> {
        let count = batch.numbers(SOURCES)?.shape()[1];
        let [frames, drawn] = sources(batch, count)?;
        let embeddings = self.embedder.train(|embedder, pass| embedder.run(pass, &frames, &drawn))?;
        let embeddings = mean_embedding(&embeddings, count)?;
        let styles = self.projection.train(|projection, pass| projection.run(pass, &embeddings))?;
        let drawings = batch.numbers(LANDMARKS)?;
        let made = self.generator.train(|generator, pass| generator.run(pass, drawings, &styles))?;
        Ok((made, embeddings))
    }

    /// The style `[batch, size]` that belongs to `frames` and their drawings, `count` for each of a batch.
    fn styles(&self, [frames, drawn]: &[Variable; 2], count: usize) -> Result<Variable> {
        let embeddings = self.embedder.sample(frames, |embedder, pass| embedder.run(pass, frames, drawn))?;
        let embeddings = mean_embedding(&embeddings, count)?;
        self.projection.sample(&embeddings, |projection, pass| projection.run(pass, &embeddings))
    }

    /// The frames of a batch of episodes of which the first `count` source frames are known.
    fn generate(&self, batch: &Batch, count: usize) -> Result<Variable> {
        let styles = self.styles(&sources(batch, count)?, count)?;
        let drawings = batch.numbers(LANDMARKS)?;
        self.generator.sample(&styles, |generator, pass| generator.run(pass, drawings, &styles))
    }

    /// One update of the discriminator on an episode batch and what was generated for it.
    fn update_discriminator(
        &mut self,
        turn: &mut Turn<'_>,
        draw: Draw,
        (batch, frames, people): (&Batch, &Variable, &Variable),
    ) -> Result<()> {
        let real = beside_landmarks(batch.numbers(IMAGES)?, batch, Some(people))?;
        let fake = beside_landmarks(frames, batch, Some(people))?;
        self.discriminator.learn(turn, draw, &real, &fake)
    }

    fn one_hot(&self, batch: &Batch) -> Result<Variable> {
        self.place.one_hot(batch.required_labels()?, self.people)
    }

    /// Notes the errors on people who are kept from training.
    fn note_held_out(&self, turn: &mut Turn<'_>) -> Result<()> {
        let (mut error, mut one, mut copy) = (Mean::default(), Mean::default(), Mean::default());
        for_each_portion(turn.feed(), |batch| {
            let truth = batch.numbers(IMAGES)?;
            let count = batch.numbers(SOURCES)?.shape()[1];
            error.add_distance(&self.generate(batch, count)?, truth)?;
            one.add_distance(&self.generate(batch, 1)?, truth)?;
            let [first, _] = sources(batch, 1)?;
            copy.add_distance(&first, truth)
        })?;
        for (name, mean) in [(PAIR_ERROR, error), (ONE_FRAME_ERROR, one), (COPY_ERROR, copy)] {
            if let Some(value) = mean.value() {
                turn.report.note_number(name, value);
            }
        }
        Ok(())
    }

    /// The mean embedding `[1, size]` of a person's frames, of as many of them as are embedded at most.
    fn embedding_of(&self, person: &Batch) -> Result<Variable> {
        let (frames, drawn) = (person.numbers(IMAGES)?, person.numbers(LANDMARKS)?);
        let count = frames.shape()[0];
        if count == 0 {
            return Err(Error::Request("no frame of the person is given; give at least one".into()));
        }
        let [channels, height, width] = self.layout.image;
        if frames.shape()[1..] != [channels, height, width] || drawn.shape()[0] != count {
            return Err(Error::Request(format!(
                "frames of shape {:?} with drawings of shape {:?} were given; {channels} channels of {height}x{width} are needed",
                frames.shape(),
                drawn.shape()
            )));
        }
        let taken = count.min(MOST_FRAMES);
        let chosen: Vec<u32> = (0..taken).map(|number| (number * count / taken) as u32).collect();
        let (frames, drawn) = (frames.index_select(0, &chosen)?, drawn.index_select(0, &chosen)?);
        let embeddings =
            self.embedder.sample(&frames, |embedder, pass| embedder.run(pass, &frames, &drawn))?;
        mean_embedding(&embeddings, taken)
    }
}

impl System for TalkingHead {
    fn parts(&mut self) -> Parts<'_> {
        parts!(self, embedder, projection, generator, discriminator)
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let losses = self.recipe.losses;
        let (earlier, draw) = turn.rounds(self.recipe.update.discriminator_steps.into())?;
        for draw in earlier.into_iter().filter(|_| losses.use_discriminator()) {
            let batch = turn.batch(draw)?;
            let (frames, _) = without_recording(|| self.generate_for_training(&batch))?;
            let people = self.one_hot(&batch)?;
            self.update_discriminator(turn, draw, (&batch, &frames, &people))?;
        }
        let batch = turn.batch(draw)?;
        let (frames, embeddings) = self.generate_for_training(&batch)?;
        let people = self.one_hot(&batch)?;
        if losses.use_discriminator() {
            self.update_discriminator(turn, draw, (&batch, &frames, &people))?;
        }
        let made = (&batch, &frames, Some(&people), Some(&embeddings));
        let loss = generator_loss(turn, draw, &mut self.discriminator, losses, made)?;
        turn.note(GENERATOR_LOSS, &loss);
        turn.descend(&mut [&mut self.embedder, &mut self.projection, &mut self.generator], &loss)?;
        if self.recipe.held_out.is_due(turn) { self.note_held_out(turn) } else { Ok(()) }
    }

    fn needs_held_out(&self) -> bool {
        self.recipe.held_out.every > 0
    }

    /// The source frames of a few people, a landmark drawing, the generated frame, and the true one.
    fn show(&self, showing: &Showing<'_>) -> Result<Vec<Exhibit>> {
        let batch = showing.examples;
        let frames = batch.numbers(SOURCES)?;
        let (batch_size, count) = (frames.shape()[0], frames.shape()[1]);
        let [channels, height, width] = self.layout.image;
        let source =
            |number| Ok(frames.narrow(1, number, 1)?.reshape(&[batch_size, channels, height, width])?);
        let mut shown: Vec<Variable> = (0..count).map(source).collect::<Result<_>>()?;
        shown.push(batch.numbers(LANDMARKS)?.clone());
        shown.push(self.generate(batch, count)?);
        shown.push(batch.numbers(IMAGES)?.clone());
        Ok(vec![side_by_side("poses", &shown.iter().collect::<Vec<_>>())?])
    }

    fn as_reenactor(&self) -> Option<&dyn Reenactor> {
        Some(self)
    }
}

impl Reenactor for TalkingHead {
    fn frame(&self) -> [usize; 3] {
        self.layout.image
    }

    fn is_of_one_person(&self) -> bool {
        false
    }

    fn drive(&self, person: Option<&Batch>, drawings: &Variable) -> Result<Variable> {
        let missing = || {
            Error::Request("this run draws anybody of whom some frames are known; give frames of a person with --person DIR".into())
        };
        let embedding = self.embedding_of(person.ok_or_else(missing)?)?;
        let style =
            self.projection.sample(&embedding, |projection, pass| projection.run(pass, &embedding))?;
        let styles = style.broadcast_to(&[drawings.shape()[0], style.shape()[1]])?;
        self.generator.sample(&styles, |generator, pass| generator.run(pass, drawings, &styles))
    }

    /// The embedding stays as it is: the style `P e` becomes a weight, and the person's vector in the discriminator starts
    /// at `w0 + e`.
    fn fine_tuning(&self, person: &Batch) -> Result<FineTuning> {
        let embedding = self.embedding_of(person)?;
        let style =
            self.projection.sample(&embedding, |projection, pass| projection.run(pass, &embedding))?;
        let mut start: BTreeMap<String, Tensor> = BTreeMap::new();
        let shared = format!("{DISCRIMINATOR}.{}", HeadDiscriminator::SHARED);
        for (name, buffers, weights) in [
            (GENERATOR, parameters(&self.generator).buffers(), self.generator.sampling_weights()),
            (
                DISCRIMINATOR,
                parameters(self.discriminator.player()).buffers(),
                self.discriminator.player().weights(),
            ),
        ] {
            let weights = weights.names().iter().zip(weights.values().iter().map(Variable::tensor));
            let buffers = buffers.names().iter().zip(buffers.values());
            for (path, tensor) in weights.chain(buffers) {
                start.insert(format!("{name}.{path}"), tensor.clone());
            }
        }
        start.retain(|name, _| !name.starts_with(&format!("{DISCRIMINATOR}.score.embedding")));
        let vector = start.get(&shared).ok_or_else(|| Error::Internal(format!("there is no `{shared}`")))?;
        let vector = (vector + embedding.tensor().to_dtype(vector.dtype())?)?;
        start.insert(shared, vector);
        let style = style.tensor().to_dtype(self.place.storage)?;
        start.insert(format!("{}.{}", person::STYLE, PersonStyle::WEIGHT), style);
        let recipe = TalkingHeadRecipe {
            phase: Phase::Person {},
            schedule: Schedule::Constant {},
            average: AverageRecipe::OFF,
            ..self.recipe.clone()
        };
        Ok(FineTuning { recipe: Recipe::to_table(&recipe)?, start })
    }
}

fn parameters<M>(player: &Player<M>) -> &brigand_core::modules::Parameters {
    brigand_core::players::Learner::parameters(player)
}
