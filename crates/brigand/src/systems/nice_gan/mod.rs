//! `nice-gan`: translation between two domains of images without pairs, with no encoders but the discriminators' first layers
//! (Chen et al. 2020, arXiv:2003.00273). An encoder is trained in its discriminator's step alone; the translators' step
//! passes through it and leaves it as it is.

mod recipe;

use brigand_autograd::{Variable, without_recording};
use brigand_core::batch::Batch;
use brigand_core::capability::{Direction, Exhibit, Showing, Translator};
use brigand_core::measurements::GENERATOR_LOSS;
use brigand_core::modules::{How, Mode, Network};
use brigand_core::networks::{CodeTranslator, EncodingDiscriminator};
use brigand_core::players::{Critic, Draw, Learner, Optimizer, Player, Turn};
use brigand_core::recipe::{Family, Length, Make, Row};
use brigand_core::system::{Parts, System};
use brigand_core::{Error, Result, Setup, parts};

use super::translation::{
    BothWays, CYCLE_ERROR, TO_FIRST, TO_SECOND, distance, domains, note_held_out, show_both_ways,
    side_by_side,
};
pub use recipe::{NiceGanLosses, NiceGanRecipe};

/// Name of the mean absolute distance of images to the translations of their codes into their own domain, both domains
/// summed.
pub const RECONSTRUCTION_ERROR: &str = "reconstruction_error";

/// Its row of the registry.
pub const ROW: Row = Row {
    name: "nice-gan",
    family: Family::Translation,
    summary: "unpaired translation whose encoders are the discriminators' first layers",
    paper: "Chen et al. 2020, arXiv:2003.00273",
    data: "landscapes",
    length: |_| Length { steps: 1500, batch: 4 },
    make: Make::of::<NiceGanRecipe>(),
};

/// A discriminator, and what its encoder steps by in the translators' step where the recipe has it trained there.
struct Domain {
    critic: Critic<EncodingDiscriminator>,
    coupled: Option<Optimizer>,
}

impl Domain {
    fn new(name: &str, recipe: &NiceGanRecipe, (setup, image): (&Setup, [usize; 3])) -> Result<Self> {
        let network =
            Network::build(name, setup, |b| EncodingDiscriminator::new(b, &recipe.discriminator, image))?;
        network
            .module
            .check_size(image[1], image[2])
            .map_err(|error| Error::Data(format!("{error}: set data.size")))?;
        let player = Player::new(network, recipe.optimizer.discriminator)?.scheduled(recipe.schedule);
        let coupled = match recipe.couple {
            true => Some(Optimizer::new(recipe.optimizer.translator, player.weights())?),
            false => None,
        };
        Ok(Self { critic: Critic::new(player, recipe.adversarial.rules())?, coupled })
    }

    /// The codes of `images` in training.
    fn encode(&mut self, images: &Variable) -> Result<Variable> {
        let how = How::plain(Mode::BatchStatistics);
        Ok(self.critic.player_mut().run_with(how, |d, pass| d.encode(pass, images))?.maps)
    }

    /// The loss of the translator that made `fake`, a sum over the scores, and the codes of `fake`.
    fn loss_for(&mut self, real: &Variable, fake: &Variable, draw: Draw) -> Result<(Variable, Variable)> {
        let sides = self.critic.sides((real.detach(), fake.clone()), "generator", draw)?;
        let found = self.critic.generator_loss(None, &sides, draw)?;
        Ok((found.loss.scale(EncodingDiscriminator::HEADS as f64)?, found.fake.also))
    }

    /// The codes of `images` outside training.
    fn code(&self, images: &Variable) -> Result<Variable> {
        Ok(self.critic.player().sample(images, |d, pass| d.encode(pass, images))?.maps)
    }
}

/// Two translators and two discriminators in training.
struct NiceGan {
    recipe: NiceGanRecipe,
    channels: [usize; 2],
    to_second: Player<CodeTranslator>,
    to_first: Player<CodeTranslator>,
    first: Domain,
    second: Domain,
}

impl NiceGan {
    fn new(recipe: &NiceGanRecipe, setup: &Setup) -> Result<Self> {
        let [first_image, second_image] = domains(setup)?;
        let first = Domain::new("first", recipe, (setup, first_image))?;
        let second = Domain::new("second", recipe, (setup, second_image))?;
        let translator = |name: &str, domain: &Domain, channels| {
            let codes = domain.critic.player().module().code_channels();
            let network = Network::build(name, setup, |b| {
                CodeTranslator::new(b, &recipe.translator, (codes, channels))
            })?;
            Ok::<_, Error>(Player::new(network, recipe.optimizer.translator)?.scheduled(recipe.schedule))
        };
        Ok(Self {
            to_second: translator("to_second", &first, second_image[0])?,
            to_first: translator("to_first", &second, first_image[0])?,
            first,
            second,
            recipe: recipe.clone(),
            channels: [first_image[0], second_image[0]],
        })
    }

    /// The domain that a direction leads away from, and the translator there.
    fn from(&self, direction: &Direction) -> (&Domain, &Player<CodeTranslator>) {
        if *direction == TO_FIRST { (&self.second, &self.to_first) } else { (&self.first, &self.to_second) }
    }

    /// The translations of `images` outside training.
    fn translated(&self, direction: &Direction, images: &Variable) -> Result<Variable> {
        let (domain, translator) = self.from(direction);
        let codes = domain.code(images)?;
        translator.sample(&codes, |t, pass| t.run(pass, &codes))
    }

    /// The mean absolute value of the codes of `images`, from -1 for the smallest to 1 for the largest of each image, at the
    /// images' size.
    fn heat(&self, direction: &Direction, images: &Variable) -> Result<Variable> {
        let (batch, _, height, width) = images.dims4("images")?;
        let heat = self.from(direction).0.code(images)?.abs()?.mean(&[1])?;
        let rows = heat.flatten_from_second()?;
        let column = |of: Variable| of.reshape(&[batch, 1]);
        let (least, most) = (column(rows.min(1)?)?, column(rows.max(1)?)?);
        let scaled = rows.sub(&least)?.div(&most.sub(&least)?.affine(1.0, 1e-12)?)?.affine(2.0, -1.0)?;
        let (down, across) = (heat.shape()[1], heat.shape()[2]);
        Ok(scaled.reshape(&[batch, 1, down, across])?.resize_nearest(height, width)?)
    }

    /// One step of both discriminators, encoders included.
    fn train_discriminators(&mut self, turn: &mut Turn<'_>, a: &Variable, b: &Variable) -> Result<()> {
        let draw = turn.only_draw();
        let (fake_b, fake_a) = without_recording(|| {
            let codes = (self.first.encode(a)?, self.second.encode(b)?);
            let fake_b = self.to_second.train(|t, pass| t.run(pass, &codes.0))?;
            Ok::<_, Error>((fake_b, self.to_first.train(|t, pass| t.run(pass, &codes.1))?))
        })?;
        self.first.critic.learn(turn, draw, a, &fake_a)?;
        self.second.critic.learn(turn, draw, b, &fake_b)
    }

    /// The loss of both translators.
    fn translators_loss(&mut self, turn: &mut Turn<'_>, a: &Variable, b: &Variable) -> Result<Variable> {
        let draw = turn.only_draw();
        let (of_a, of_b) = (self.first.encode(a)?, self.second.encode(b)?);
        let fake_b = self.to_second.train(|t, pass| t.run(pass, &of_a))?;
        let fake_a = self.to_first.train(|t, pass| t.run(pass, &of_b))?;
        let (loss_b, of_fake_b) = self.second.loss_for(b, &fake_b, draw)?;
        let (loss_a, of_fake_a) = self.first.loss_for(a, &fake_a, draw)?;
        let again_a = self.to_first.train(|t, pass| t.run(pass, &of_fake_b))?;
        let again_b = self.to_second.train(|t, pass| t.run(pass, &of_fake_a))?;
        let cycle = distance(&again_a, a)?.add(&distance(&again_b, b)?)?;
        turn.note(CYCLE_ERROR, &cycle);
        // The translator into a domain takes the codes of both: those of its own domain's images should give these again.
        let same_a = self.to_first.train(|t, pass| t.run(pass, &of_a))?;
        let same_b = self.to_second.train(|t, pass| t.run(pass, &of_b))?;
        let same = distance(&same_a, a)?.add(&distance(&same_b, b)?)?;
        turn.note(RECONSTRUCTION_ERROR, &same);
        let losses = self.recipe.losses;
        let loss = loss_a.add(&loss_b)?.scale(losses.adversarial)?;
        Ok(loss.add(&cycle.scale(losses.cycle)?)?.add(&same.scale(losses.reconstruction)?)?)
    }

    /// One step of both translators down `loss`, and of the encoders where the recipe couples them.
    fn step_translators(&mut self, turn: &mut Turn<'_>, loss: &Variable) -> Result<()> {
        let Self { to_second, to_first, first, second, .. } = self;
        let (Some(of_first), Some(of_second)) = (&mut first.coupled, &mut second.coupled) else {
            return turn.descend(&mut [to_second, to_first], loss);
        };
        let (first, second) = (first.critic.player_mut(), second.critic.player_mut());
        let encoder = first.module().encoder_path();
        first.restrict(Some(&[encoder]));
        second.restrict(Some(&[encoder]));
        let (mut first, mut second) = (first.by(of_first), second.by(of_second));
        let learners: &mut [&mut dyn Learner] = &mut [to_second, to_first, &mut first, &mut second];
        turn.descend(learners, loss)?;
        self.first.critic.player_mut().restrict(None);
        self.second.critic.player_mut().restrict(None);
        Ok(())
    }
}

impl BothWays for NiceGan {
    fn there_and_back(&self, direction: &Direction, images: &Variable) -> Result<(Variable, Variable)> {
        let translated = self.translated(direction, images)?;
        let back = if *direction == TO_FIRST { TO_SECOND } else { TO_FIRST };
        let again = self.translated(&back, &translated)?;
        Ok((translated, again))
    }
}

impl System for NiceGan {
    fn parts(&mut self) -> Parts<'_> {
        let mut found: Parts<'_> = parts!(self, to_second, to_first);
        found.push(("first", &mut self.first.critic));
        found.push(("second", &mut self.second.critic));
        found.push(("optimizer.coupled_first", &mut self.first.coupled));
        found.push(("optimizer.coupled_second", &mut self.second.coupled));
        found
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let batch = turn.batch(turn.only_draw())?;
        let (a, b) = (batch.numbers(TO_SECOND.from)?, batch.numbers(TO_FIRST.from)?);
        self.train_discriminators(turn, a, b)?;
        let loss = self.translators_loss(turn, a, b)?;
        turn.note(GENERATOR_LOSS, &loss);
        self.step_translators(turn, &loss)?;
        if self.recipe.held_out.is_due(turn) { note_held_out(self, turn) } else { Ok(()) }
    }

    fn needs_held_out(&self) -> bool {
        self.recipe.held_out.every > 0
    }

    /// Translations both ways, and for each domain images beside where the encoder's codes are large.
    fn show(&self, showing: &Showing<'_>) -> Result<Vec<Exhibit>> {
        let mut shown = show_both_ways(self, showing)?;
        for (series, direction) in [("heat-a", &TO_SECOND), ("heat-b", &TO_FIRST)] {
            let images = showing.examples.numbers(direction.from)?;
            shown.push(side_by_side(series, &[images, &self.heat(direction, images)?])?);
        }
        Ok(shown)
    }

    fn as_translator(&self) -> Option<&dyn Translator> {
        Some(self)
    }
}

impl Translator for NiceGan {
    fn directions(&self) -> &[Direction] {
        &[TO_SECOND, TO_FIRST]
    }

    fn channels(&self, direction: &Direction) -> usize {
        let [first, second] = self.channels;
        if *direction == TO_FIRST { second } else { first }
    }

    fn translate(&self, direction: &Direction, batch: &Batch) -> Result<Variable> {
        self.translated(direction, batch.numbers(direction.from)?)
    }
}
