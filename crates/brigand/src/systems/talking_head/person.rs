//! A talking head that is fine-tuned on one person.

use brigand_autograd::{Variable, without_recording};
use brigand_core::batch::{Batch, IMAGES, LANDMARKS};
use brigand_core::capability::{Exhibit, FineTuning, Reenactor, Showing};
use brigand_core::measurements::GENERATOR_LOSS;
use brigand_core::modules::Network;
use brigand_core::networks::{HeadDiscriminator, HeadGenerator, HeadLayout, PersonStyle};
use brigand_core::players::{Critic, DISCRIMINATOR, Player, Turn};
use brigand_core::system::{Parts, System};
use brigand_core::{Error, Result, Setup, parts};

use super::super::translation::side_by_side;
use super::losses::{beside_landmarks, generator_loss};
use super::recipe::TalkingHeadRecipe;

/// The name of the style's part.
pub(super) const STYLE: &str = "style";

/// The generator, the style of one person, and a discriminator of that person.
pub(super) struct PersonHead {
    recipe: TalkingHeadRecipe,
    layout: HeadLayout,
    style: Player<PersonStyle>,
    generator: Player<HeadGenerator>,
    discriminator: Critic<HeadDiscriminator>,
}

impl PersonHead {
    pub(super) fn new(recipe: &TalkingHeadRecipe, setup: &Setup) -> Result<Self> {
        let layout = HeadLayout { image: setup.schema.image(IMAGES)?, embedding: recipe.embedding };
        let generator =
            Network::build(super::GENERATOR, setup, |b| HeadGenerator::new(b, &recipe.generator, &layout))?;
        let size = generator.module.style_size();
        let style = Network::build(STYLE, setup, |b| PersonStyle::new(b, size))?;
        let discriminator = Network::build(DISCRIMINATOR, setup, |b| {
            HeadDiscriminator::new(b, &recipe.discriminator, &layout, None)
        })?;
        let steps = recipe.optimizer;
        let discriminator = Player::new(discriminator, steps.discriminator)?.scheduled(recipe.schedule);
        Ok(Self {
            recipe: recipe.clone(),
            layout,
            style: Player::new(style, steps.generator)?.scheduled(recipe.schedule),
            generator: Player::new(generator, steps.generator)?.scheduled(recipe.schedule),
            discriminator: Critic::new(discriminator, recipe.adversarial.rules())?,
        })
    }

    fn generate(&self, drawings: &Variable) -> Result<Variable> {
        let styles =
            without_recording(|| self.style.evaluate(|style, pass| style.run(pass, drawings.shape()[0])))?;
        self.generator.sample(drawings, |generator, pass| generator.run(pass, drawings, &styles))
    }
}

impl System for PersonHead {
    fn parts(&mut self) -> Parts<'_> {
        parts!(self, style, generator, discriminator)
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let (draw, losses) = (turn.only_draw(), self.recipe.losses);
        let batch = turn.batch(draw)?;
        let drawings = batch.numbers(LANDMARKS)?;
        let styles = self.style.train(|style, pass| style.run(pass, drawings.shape()[0]))?;
        let frames = self.generator.train(|generator, pass| generator.run(pass, drawings, &styles))?;
        if losses.use_discriminator() {
            let real = beside_landmarks(batch.numbers(IMAGES)?, &batch, None)?;
            let fake = beside_landmarks(&frames, &batch, None)?;
            self.discriminator.learn(turn, draw, &real, &fake)?;
        }
        let made = (&batch, &frames, None, None);
        let loss = generator_loss(turn, draw, &mut self.discriminator, losses, made)?;
        turn.note(GENERATOR_LOSS, &loss);
        turn.descend(&mut [&mut self.style, &mut self.generator], &loss)
    }

    /// Landmark drawings of the person's frames, the generated frames, and the true ones.
    fn show(&self, showing: &Showing<'_>) -> Result<Vec<Exhibit>> {
        let (frames, drawings) = (showing.examples.numbers(IMAGES)?, showing.examples.numbers(LANDMARKS)?);
        Ok(vec![side_by_side("person", &[drawings, &self.generate(drawings)?, frames])?])
    }

    fn as_reenactor(&self) -> Option<&dyn Reenactor> {
        Some(self)
    }
}

impl Reenactor for PersonHead {
    fn frame(&self) -> [usize; 3] {
        self.layout.image
    }

    fn is_of_one_person(&self) -> bool {
        true
    }

    fn drive(&self, person: Option<&Batch>, drawings: &Variable) -> Result<Variable> {
        if person.is_some() {
            return Err(Error::Request(
                "this run was fine-tuned on one person and draws no other; leave out --person, or give the run it came from".into(),
            ));
        }
        self.generate(drawings)
    }

    fn fine_tuning(&self, _: &Batch) -> Result<FineTuning> {
        Err(Error::Request(
            "this run was fine-tuned on one person; give the run it came from, or go on with `brigand train --resume`".into(),
        ))
    }
}
