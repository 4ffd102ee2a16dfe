//! `gaugan`: images from label maps, in the style of another image (Park et al. 2019, arXiv:1903.07291). The map modulates every
//! normalisation of the generator; an encoder makes a code of an image, which the generator starts from.

mod recipe;
mod regions;

use brigand_autograd::{Variable, without_recording};
use brigand_core::batch::{Batch, CODES, IMAGES, LABEL_MAP, MapLabel};
use brigand_core::capability::{Content, Direction, Exhibit, Showing, StyleInput, Translator};
use brigand_core::measurements::GENERATOR_LOSS;
use brigand_core::modules::Network;
use brigand_core::networks::{MultiScaleDiscriminator, SpadeGenerator, StyleEncoder};
use brigand_core::players::{Conditioned, Critic, DISCRIMINATOR, Draw, Learner, Player, Turn};
use brigand_core::random::Stream;
use brigand_core::recipe::{Family, Length, Make, Row};
use brigand_core::system::{Parts, System};
use brigand_core::{Error, Place, Result, Setup, parts};

use super::encoders::{KL_DIVERGENCE, Posterior};
use super::held_out::for_each_portion;
use super::translation::{Mean, PAIR_ERROR, side_by_side};
pub use recipe::{GauGanLosses, GauGanRecipe, StyleRecipe, StyleSource};
use regions::{Regions, coloured, difference};

/// Name of the mean absolute distance of the discriminator's features of translations to those of the images.
pub const FEATURE_DISTANCE: &str = "feature_distance";
/// Name of the share of the pixels of held-out maps' translations that are nearer to the colour of their own label than to that
/// of any other, the colours being the means over the labels' pixels in the image that belongs to the map.
pub const LABEL_ACCURACY: &str = "label_accuracy";
/// Name of the mean absolute difference, in [0, 1], of the mean colours of labels in a translation and in the held-out image
/// whose style it was given, which belongs to another map.
pub const STYLE_ERROR: &str = "style_error";

const TO_IMAGES: Direction = Direction { name: "a-to-b", from: LABEL_MAP, to: IMAGES };
/// Maps, and styles, of the matrix of pictures.
const SHOWN: usize = 6;

/// Its row of the registry.
pub const ROW: Row = Row {
    name: "gaugan",
    family: Family::Translation,
    summary: "images from label maps in the style of an image: the map modulates every normalisation (SPADE)",
    paper: "Park et al. 2019, arXiv:1903.07291",
    data: "label-scenes",
    length: |_| Length { steps: 2000, batch: 8 },
    make: Make::of::<GauGanRecipe>(),
};

/// All networks in training.
struct GauGan {
    recipe: GauGanRecipe,
    labels: Vec<MapLabel>,
    /// Channels, height and width of the images.
    image: [usize; 3],
    place: Place,
    seed: u64,
    generator: Player<SpadeGenerator>,
    encoder: Option<Player<StyleEncoder>>,
    discriminator: Critic<MultiScaleDiscriminator>,
}

impl GauGan {
    fn new(recipe: &GauGanRecipe, setup: &Setup) -> Result<Self> {
        let (image, [labels, height, width]) = (setup.schema.image(IMAGES)?, setup.schema.image(LABEL_MAP)?);
        if image[1..] != [height, width] {
            return Err(Error::Data(format!(
                "images are {}x{} and their label maps {width}x{height}; both must have one size",
                image[2], image[1]
            )));
        }
        let (code, rate) = (recipe.style.size, recipe.optimizer.generator);
        let network = Network::build("generator", setup, |b| {
            SpadeGenerator::new(b, &recipe.generator, image, (labels, code))
        })?;
        let encoder = match &recipe.encoder {
            StyleSource::None {} => None,
            StyleSource::Convolutional(encoder) => {
                let network = Network::build("encoder", setup, |b| {
                    StyleEncoder::new(b, encoder, image, Posterior::NUMBERS * code)
                })?;
                Some(Player::new(network, rate)?.scheduled(recipe.schedule))
            }
        };
        let both = [image[0] + labels, height, width];
        let discriminator = Network::build(DISCRIMINATOR, setup, |b| {
            MultiScaleDiscriminator::new(b, &recipe.discriminator, both)
        })?;
        let discriminator = Player::new(discriminator, recipe.optimizer.discriminator)?;
        Ok(Self {
            labels: setup.schema.map_labels(LABEL_MAP)?.to_vec(),
            image,
            place: setup.place.clone(),
            seed: setup.seed,
            generator: Player::new(network, rate)?.scheduled(recipe.schedule),
            encoder,
            discriminator: Critic::new(discriminator.scheduled(recipe.schedule), recipe.adversarial.rules())?,
            recipe: recipe.clone(),
        })
    }

    /// Codes for the images of a training batch, and their divergence from the prior where they are encoded.
    fn training_codes(&mut self, images: &Variable, draw: Draw) -> Result<(Variable, Option<Variable>)> {
        let Some(encoder) = &mut self.encoder else {
            let (count, size) = (images.shape()[0], self.recipe.style.size);
            let drawn =
                draw.rows("codes", count, |count, stream| self.place.normal(&[count, size], stream))?;
            return Ok((drawn, None));
        };
        let outputs = encoder.train(|encoder, pass| encoder.run(pass, images))?;
        let posterior = Posterior::of(&outputs)?;
        let noise = posterior.noise(draw, &self.place)?;
        Ok((posterior.sample(&noise)?, Some(posterior.divergence()?)))
    }

    /// The mean codes of images; without an encoder codes at random, the same for every call.
    fn codes(&self, images: &Variable) -> Result<Variable> {
        match &self.encoder {
            Some(encoder) => {
                let outputs = encoder.sample(images, |encoder, pass| encoder.run(pass, images))?;
                Ok(Posterior::of(&outputs)?.mean().clone())
            }
            None => {
                let shape = [images.shape()[0], self.recipe.style.size];
                self.place.normal(&shape, &mut Stream::new(self.seed, "codes/shown", 0))
            }
        }
    }

    /// The images of one-hot maps in the style of codes.
    fn generated(&self, codes: &Variable, maps: &Variable) -> Result<Variable> {
        self.generator.sample(codes, |generator, pass| generator.run(pass, codes, maps))
    }

    /// Notes the errors on held-out images and maps: translations in the style of the image that belongs to the map, and in that
    /// of the next one.
    fn note_held_out(&self, turn: &mut Turn<'_>) -> Result<()> {
        let (mut pair, mut accuracy, mut style) = (Mean::default(), Mean::default(), Mean::default());
        let labels = self.labels.len();
        for_each_portion(turn.feed(), |batch| {
            let (images, maps) = (batch.numbers(IMAGES)?, batch.numbers(LABEL_MAP)?);
            let (codes, count) = (self.codes(images)?, images.shape()[0]);
            let translated = self.generated(&codes, maps)?;
            pair.add_distance(&translated, images)?;
            let next: Vec<u32> = (0..count as u32).map(|number| (number + 1) % count as u32).collect();
            let others = self.generated(&codes.index_select(0, &next)?, maps)?;
            let [real, own, other] = [images, &translated, &others].map(|of| Regions::of(of, maps));
            let (real, own, other) = (real?, own?, other?);
            for number in 0..count {
                accuracy.add(1, own.accuracy(number, &real.colours(number, labels)));
                let wanted = real.colours((number + 1) % count, labels);
                if let Some(error) = difference(&other.colours(number, labels), &wanted) {
                    style.add(1, error);
                }
            }
            Ok(())
        })?;
        for (name, mean) in [(PAIR_ERROR, pair), (LABEL_ACCURACY, accuracy), (STYLE_ERROR, style)] {
            if let Some(mean) = mean.value() {
                turn.report.note_number(name, mean);
            }
        }
        Ok(())
    }

    /// A row for each map, in the style of a column's image each: the images above, the maps at the left.
    fn matrix(&self, images: &Variable, maps: &Variable) -> Result<Exhibit> {
        let (count, channels, height, width) = images.dims4("images")?;
        let count = count.min(SHOWN);
        let in_colour = |of: &Variable, number: usize| -> Result<Variable> {
            Ok(of.narrow(0, number, 1)?.broadcast_to(&[1, channels.max(3), height, width])?)
        };
        let (codes, shown) = (self.codes(images)?, coloured(maps, &self.labels)?);
        let mut cells = vec![shown.narrow(0, 0, 1)?.full_like(1.0)?];
        for style in 0..count {
            cells.push(in_colour(images, style)?);
        }
        for layout in 0..count {
            cells.push(shown.narrow(0, layout, 1)?);
            for style in 0..count {
                let made = self.generated(&codes.narrow(0, style, 1)?, &maps.narrow(0, layout, 1)?)?;
                cells.push(in_colour(&made, 0)?);
            }
        }
        let images = Variable::concatenate(&cells.iter().collect::<Vec<_>>(), 0)?;
        Ok(Exhibit { series: "styles".into(), content: Content::Images { images, columns: count + 1 } })
    }
}

impl System for GauGan {
    fn parts(&mut self) -> Parts<'_> {
        parts!(self, generator, encoder, discriminator)
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let draw = turn.only_draw();
        let batch = turn.batch(draw)?;
        let (images, maps) = (batch.numbers(IMAGES)?, batch.numbers(LABEL_MAP)?);
        let (codes, divergence) = self.training_codes(images, draw)?;
        let fake = self.generator.train(|generator, pass| generator.run(pass, &codes, maps))?;
        let real = Conditioned::under(images.clone(), maps.clone());
        let fake = Conditioned::under(fake, maps.clone());
        let sides = self.discriminator.sides((real.clone(), fake.clone()), "generator", draw)?;
        let scored = self.discriminator.generator_loss(None, &sides, draw)?;
        let mut loss = scored.loss;
        if self.recipe.losses.feature_matching > 0.0 {
            let distance = self.discriminator.feature_distance(&real, &scored.fake, draw)?;
            turn.note(FEATURE_DISTANCE, &distance);
            loss = loss.add(&distance.scale(self.recipe.losses.feature_matching)?)?;
        }
        if let Some(divergence) = divergence {
            turn.note(KL_DIVERGENCE, &divergence);
            loss = loss.add(&divergence.scale(self.recipe.losses.divergence)?)?;
        }
        turn.note(GENERATOR_LOSS, &loss);
        let mut learners: Vec<&mut dyn Learner> = vec![&mut self.generator];
        learners.extend(self.encoder.as_mut().map(|encoder| encoder as &mut dyn Learner));
        turn.descend(&mut learners, &loss)?;
        self.discriminator.learn(turn, draw, &real, &fake)?;
        if self.recipe.held_out.is_due(turn) { self.note_held_out(turn) } else { Ok(()) }
    }

    fn needs_held_out(&self) -> bool {
        self.recipe.held_out.every > 0
    }

    /// Maps, their translations in the style of the images that belong to them, and these images; every map in every style.
    fn show(&self, showing: &Showing<'_>) -> Result<Vec<Exhibit>> {
        let (images, maps) = (showing.examples.numbers(IMAGES)?, showing.examples.numbers(LABEL_MAP)?);
        let translated = self.generated(&self.codes(images)?, maps)?;
        let pairs = side_by_side(TO_IMAGES.name, &[&coloured(maps, &self.labels)?, &translated, images])?;
        Ok(vec![pairs, self.matrix(images, maps)?])
    }

    fn as_translator(&self) -> Option<&dyn Translator> {
        Some(self)
    }
}

impl Translator for GauGan {
    fn directions(&self) -> &[Direction] {
        &[TO_IMAGES]
    }

    fn channels(&self, _: &Direction) -> usize {
        self.labels.len()
    }

    fn map_labels(&self, _: &Direction) -> Option<&[MapLabel]> {
        Some(&self.labels)
    }

    fn style(&self) -> Option<StyleInput> {
        let image = self.encoder.as_ref().map(|_| self.image);
        Some(StyleInput { code: self.recipe.style.size, image })
    }

    /// In the style of the batch's codes, or of its images, or in the one whose code is 0.
    fn translate(&self, direction: &Direction, batch: &Batch) -> Result<Variable> {
        let maps = batch.numbers(direction.from)?;
        let (count, labels, _, _) = maps.dims4("label maps")?;
        if labels != self.labels.len() {
            return Err(Error::Request(format!(
                "maps of {labels} labels cannot be translated; those of this run have {}",
                self.labels.len()
            )));
        }
        let codes = match (batch.optional_numbers(CODES)?, batch.optional_numbers(IMAGES)?) {
            (Some(codes), _) => codes.clone(),
            (None, Some(_)) if self.encoder.is_none() => {
                return Err(Error::Request(
                    "this run has encoder.kind=none, so no image can give a translation its style".into(),
                ));
            }
            (None, Some(images)) => without_recording(|| self.codes(images))?,
            (None, None) => {
                let size = self.recipe.style.size;
                self.place.numbers(vec![0.0; count * size], &[count, size])?
            }
        };
        self.generated(&codes, maps)
    }
}
