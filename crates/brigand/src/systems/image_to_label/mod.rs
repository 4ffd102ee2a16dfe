//! `image-to-label`: a classifier of images with several labels each as the generator of a conditional GAN: it generates label
//! vectors of images, which the discriminator scores beside the image's features, so that labels are found that go together
//! (after Mirza and Osindero 2014, arXiv:1411.1784, who generate tags of photographs).

mod measuring;
mod recipe;

use brigand_autograd::{Variable, without_recording};
use brigand_core::batch::{Batch, IMAGES, SampleShape, TAGS, TagRule};
use brigand_core::capability::{Content, Exhibit, Showing, Tagger};
use brigand_core::measurements::GENERATOR_LOSS;
use brigand_core::modules::Mode;
use brigand_core::networks::{ConditionUse, Discriminator, DiscriminatorOptions, TagNetwork, TagSizes};
use brigand_core::objectives::binary_cross_entropy;
use brigand_core::players::{
    Conditioned, Critic, DISCRIMINATOR, Draw, Player, Triple, Turn, Wrong, other_meanings,
};
use brigand_core::recipe::{Family, Length, Make, Row};
use brigand_core::system::{Parts, System};
use brigand_core::{Place, Result, Setup, parts};

pub use measuring::{EXAMPLE_F1, MACRO_F1, MICRO_F1, PRECISION, RECALL, RULE_VIOLATIONS, THRESHOLD};
use measuring::{Threshold, holding};
pub use recipe::{ImageToLabelRecipe, LabelLosses, LabelOutput, LabelsRecipe};

/// Name of the cross-entropy of the training batch, a mean over samples and labels, in nats.
pub const CROSS_ENTROPY: &str = "cross_entropy";

/// Its row of the registry.
pub const ROW: Row = Row {
    name: "image-to-label",
    family: Family::Classifiers,
    summary: "several labels of an image: the classifier is the generator, the discriminator scores labels beside the image",
    paper: "Mirza and Osindero 2014, arXiv:1411.1784",
    data: "tagged-shapes",
    length: |_| Length { steps: 2000, batch: 64 },
    make: Make::of::<ImageToLabelRecipe>(),
};

/// Both players in training.
struct ImageToLabel {
    recipe: ImageToLabelRecipe,
    names: Vec<String>,
    rules: Vec<TagRule>,
    image: [usize; 3],
    place: Place,
    generator: Player<TagNetwork>,
    discriminator: Option<Critic<Discriminator>>,
    threshold: Threshold,
}

impl ImageToLabel {
    fn new(recipe: &ImageToLabelRecipe, setup: &Setup) -> Result<Self> {
        let (image, tags) = (setup.schema.image(IMAGES)?, setup.schema.tags()?);
        let sample = image.into();
        let LabelsRecipe { features, noise, .. } = recipe.labels;
        let sizes = TagSizes { features, noise, labels: tags.names.len() };
        let network = recipe.encoder.tagger("generator", setup, sample, sizes)?;
        let generator = Player::new(network, recipe.optimizer.generator)?.scheduled(recipe.schedule);
        let discriminator = || {
            let (labels, condition) =
                (SampleShape::Points { dimensions: sizes.labels }, ConditionUse::BesideSample(features));
            let reparametrisation = recipe.adversarial.constraint.reparametrisation();
            let options =
                DiscriminatorOptions { condition, reparametrisation, ..DiscriminatorOptions::default() };
            let network = recipe.discriminator.discriminator(DISCRIMINATOR, setup, labels, options)?;
            let player = Player::new(network, recipe.optimizer.discriminator)?.scheduled(recipe.schedule);
            Critic::new(player, recipe.adversarial.rules())
        };
        Ok(Self {
            names: tags.names.to_vec(),
            rules: tags.rules.to_vec(),
            image,
            place: setup.place.clone(),
            generator: generator.averaged(recipe.average),
            discriminator: (recipe.losses.adversarial > 0.0).then(discriminator).transpose()?,
            threshold: Threshold::default(),
            recipe: recipe.clone(),
        })
    }

    /// Noise for `count` images; none where the recipe has none.
    fn noise(&self, draw: Draw, purpose: &str, count: usize) -> Result<Option<Variable>> {
        let size = self.recipe.labels.noise;
        let drawn = || draw.rows(purpose, count, |count, stream| self.place.normal(&[count, size], stream));
        (size > 0).then(drawn).transpose()
    }

    /// Features of images, and the logits of their labels.
    fn generate(
        &mut self,
        images: &Variable,
        (draw, purpose): (Draw, &str),
        mode: Mode,
    ) -> Result<(Variable, Variable)> {
        let noise = self.noise(draw, purpose, images.shape()[0])?;
        let mut masks = draw.stream(&format!("dropout/{purpose}"));
        self.generator.run(mode, &mut masks, |network, pass| {
            let features = network.features(pass, images)?;
            let logits = network.logits(pass, &features, noise.as_ref())?;
            Ok((features, logits))
        })
    }

    /// What the discriminator is given of generated labels.
    fn output(&self, logits: &Variable, (draw, purpose): (Draw, &str)) -> Result<Variable> {
        match self.recipe.labels.output {
            LabelOutput::Probabilities => Ok(logits.sigmoid()?),
            LabelOutput::StraightThrough => hard(&logits.sigmoid()?),
            LabelOutput::Sampled => {
                let labels = logits.shape()[1];
                let noise = draw.rows(purpose, logits.shape()[0], |count, stream| {
                    let uniform = stream.uniform(count * labels, 1e-6, 1.0 - 1e-6);
                    let logistic = uniform.into_iter().map(|u| (u / (1.0 - u)).ln()).collect();
                    self.place.numbers(logistic, &[count, labels])
                })?;
                hard(&logits.add(&noise)?.sigmoid()?)
            }
        }
    }

    /// Real labels as the discriminator is given them.
    fn blurred(&self, tags: &Variable, draw: Draw) -> Result<Variable> {
        let blur = self.recipe.labels.blur;
        if blur == 0.0 {
            return Ok(tags.clone());
        }
        let size = tags.shape()[1];
        let moved = draw.rows("blur", tags.shape()[0], |count, stream| {
            self.place.numbers(stream.uniform(count * size, 0.0, blur as f32), &[count, size])
        })?;
        // 0 becomes the draw, 1 becomes 1 minus it.
        Ok(tags.add(&moved.mul(&tags.affine(-2.0, 1.0)?)?)?)
    }

    /// One update of the discriminator on the images of `draw`, of the labels as they are, as they are generated, and as others
    /// have them.
    fn update_discriminator(&mut self, turn: &mut Turn<'_>, draw: Draw) -> Result<()> {
        let batch = turn.batch(draw)?;
        let (images, tags) = (batch.numbers(IMAGES)?, batch.numbers(TAGS)?);
        let purpose = (draw, "noise/discriminator");
        let (features, logits) = without_recording(|| self.generate(images, purpose, Mode::BatchStatistics))?;
        let real = self.blurred(tags, draw)?;
        let fake = Conditioned::under(
            without_recording(|| self.output(&logits, (draw, "labels/discriminator")))?,
            features.clone(),
        );
        let others = match self.recipe.losses.mismatched {
            true => other_meanings(&meanings(tags)?, &mut draw.stream("wrong")),
            false => None,
        };
        let wrong = |others: Vec<u32>| -> Result<Conditioned> {
            Ok(Conditioned::under(real.index_select(0, &others)?, features.clone()))
        };
        let wrong = others.map(wrong).transpose()?;
        let real = Conditioned::under(real, features);
        let triple =
            Triple { real: &real, wrong: wrong.as_ref().map_or(Wrong::None, Wrong::Beside), fake: &fake };
        match &mut self.discriminator {
            Some(discriminator) => discriminator.learn_triple(turn, draw, triple, |_, _| Ok(Vec::new())),
            None => Ok(()),
        }
    }

    /// The discriminator's part of the generator's loss.
    fn adversarial(
        &mut self,
        (features, logits): (&Variable, &Variable),
        tags: &Variable,
        draw: Draw,
    ) -> Result<Option<Variable>> {
        let fake = Conditioned::under(self.output(logits, (draw, "labels/generator"))?, features.detach());
        let real = Conditioned::under(self.blurred(tags, draw)?, features.detach());
        let Some(discriminator) = &mut self.discriminator else { return Ok(None) };
        discriminator.loss_for(&real, &fake, draw).map(Some)
    }
}

/// 1 for a probability of 0.5 or more and 0 below, with the probability's gradient.
fn hard(probabilities: &Variable) -> Result<Variable> {
    let chosen = probabilities.detach().at_least(&probabilities.full_like(0.5)?)?;
    Ok(chosen.straight_through(probabilities)?)
}

/// A number for each row of labels `[batch, labels]`, the same for rows with the same labels.
fn meanings(tags: &Variable) -> Result<Vec<u32>> {
    let values = tags.to_vec_f32()?;
    let rows: Vec<Vec<u32>> =
        values.chunks(tags.shape()[1]).map(|row| row.iter().map(|value| value.to_bits()).collect()).collect();
    let kinds: std::collections::BTreeMap<&Vec<u32>, u32> = rows.iter().zip(0..).collect();
    Ok(rows.iter().filter_map(|row| kinds.get(row).copied()).collect())
}

impl System for ImageToLabel {
    fn parts(&mut self) -> Parts<'_> {
        parts!(self, generator, discriminator, threshold)
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let (earlier, draw) = turn.rounds(self.recipe.update.discriminator_steps.into())?;
        if self.discriminator.is_some() {
            earlier.into_iter().chain([draw]).try_for_each(|draw| self.update_discriminator(turn, draw))?;
        }
        let batch = turn.batch(draw)?;
        let (images, tags) = (batch.numbers(IMAGES)?, batch.numbers(TAGS)?);
        let (features, logits) = self.generate(images, (draw, "noise"), Mode::Training)?;
        let cross_entropy = binary_cross_entropy(&logits, tags)?;
        turn.note(CROSS_ENTROPY, &cross_entropy);
        let mut loss = cross_entropy.scale(self.recipe.losses.cross_entropy)?;
        if let Some(adversarial) = self.adversarial((&features, &logits), tags, draw)? {
            loss = loss.add(&adversarial.scale(self.recipe.losses.adversarial)?)?;
        }
        turn.note(GENERATOR_LOSS, &loss);
        turn.descend(&mut [&mut self.generator], &loss)?;
        if self.recipe.held_out.is_due(turn) { self.note_held_out(turn) } else { Ok(()) }
    }

    fn needs_held_out(&self) -> bool {
        true
    }

    /// Images with the labels that hold for them and those that are found.
    fn show(&self, showing: &Showing<'_>) -> Result<Vec<Exhibit>> {
        let (images, tags) = (showing.examples.numbers(IMAGES)?, showing.examples.numbers(TAGS)?);
        let found = self.probabilities(showing.examples)?;
        let (hold, found) = (holding(tags, 0.5)?, holding(&found, self.threshold.counting())?);
        let named = |labels: &[bool]| {
            let names = self.names.iter().zip(labels).filter(|(_, holds)| **holds);
            names.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
        };
        let rows = hold.chunks(self.names.len()).zip(found.chunks(self.names.len()));
        let words = rows.map(|(hold, found)| format!("true: {}\nfound: {}", named(hold), named(found)));
        let content = Content::Rows { images: images.clone(), names: words.collect(), columns: 1 };
        Ok(vec![Exhibit { series: "labels".into(), content }])
    }

    fn as_tagger(&self) -> Option<&dyn Tagger> {
        Some(self)
    }
}

impl Tagger for ImageToLabel {
    fn labels(&self) -> &[String] {
        &self.names
    }

    fn image(&self) -> [usize; 3] {
        self.image
    }

    fn threshold(&self) -> Option<f64> {
        self.threshold.0
    }

    fn probabilities(&self, batch: &Batch) -> Result<Variable> {
        let images = batch.numbers(IMAGES)?;
        let size = self.recipe.labels.noise;
        let noise = || self.place.numbers(vec![0.0; images.shape()[0] * size], &[images.shape()[0], size]);
        let noise = (size > 0).then(noise).transpose()?;
        let logits = self.generator.sample(images, |network, pass| {
            let features = network.features(pass, images)?;
            network.logits(pass, &features, noise.as_ref())
        })?;
        Ok(logits.sigmoid()?)
    }
}
