//! `cyclegan`: translation between two domains of images without pairs (Zhu et al. 2017, arXiv:1703.10593). The
//! cycle-consistency loss compares each image with its translation to the other domain and back. `ganilla` is the same with
//! another translator (Hicsonmez et al. 2020, arXiv:2002.05638).

mod recipe;

use brigand_autograd::Variable;
use brigand_core::batch::{Batch, IMAGES, SECOND};
use brigand_core::capability::{Direction, Exhibit, Showing, Translator};
use brigand_core::measurements::GENERATOR_LOSS;
use brigand_core::modules::Network;
use brigand_core::networks::{ImageTranslator, PatchDiscriminator};
use brigand_core::players::{Critic, ImagePool, Player, Turn};
use brigand_core::recipe::{Family, Length, Make, Row, parse};
use brigand_core::system::{Parts, System};
use brigand_core::{Error, Result, Setup, parts};

use super::translation::{BothWays, TO_FIRST, TO_SECOND, distance, domains, note_held_out, show_both_ways};
pub use super::translation::{CYCLE_ERROR, HELD_OUT_CYCLE_ERROR, PAIR_ERROR};
pub use recipe::{CycleGanLosses, CycleGanRecipe, PoolRecipe};

/// CycleGAN's row of the registry.
pub const ROW: Row = Row {
    name: "cyclegan",
    family: Family::Translation,
    summary: "unpaired image-to-image translation in both directions with a cycle-consistency loss",
    paper: "Zhu et al. 2017, arXiv:1703.10593",
    data: "scenes",
    length: |_| Length { steps: 2000, batch: 4 },
    make: Make::of::<CycleGanRecipe>(),
};

/// GANILLA's row of the registry.
pub const GANILLA: Row = Row {
    name: "ganilla",
    family: Family::Translation,
    summary: "cyclegan with a translator that keeps the maps of every size: photographs to illustrations",
    paper: "Hicsonmez et al. 2020, arXiv:2002.05638",
    data: "landscapes",
    length: |_| Length { steps: 1500, batch: 4 },
    make: Make {
        defaults: |kind| Ok(Box::new(CycleGanRecipe::ganilla(kind)?)),
        parse: parse::<CycleGanRecipe>,
    },
};

/// Two translators and two discriminators in training.
struct CycleGan {
    recipe: CycleGanRecipe,
    channels: [usize; 2],
    to_second: Player<ImageTranslator>,
    to_first: Player<ImageTranslator>,
    first: Critic<PatchDiscriminator>,
    second: Critic<PatchDiscriminator>,
    first_pool: ImagePool,
    second_pool: ImagePool,
}

impl CycleGan {
    fn new(recipe: &CycleGanRecipe, setup: &Setup) -> Result<Self> {
        let [first, second] = domains(setup)?;
        if recipe.losses.identity > 0.0 && first != second {
            return Err(Error::Recipe(format!(
                "losses.identity is {}, which needs domains of equal channels, and these have {} and {}; set \
                 data.channels=3, or losses.identity=0",
                recipe.losses.identity, first[0], second[0]
            )));
        }
        let translator = |name: &str, channels| {
            let network =
                Network::build(name, setup, |b| ImageTranslator::new(b, &recipe.translator, channels))?;
            Ok::<_, Error>(Player::new(network, recipe.optimizer.translator)?.scheduled(recipe.schedule))
        };
        let critic = |name: &str, image| {
            let network = Network::build(name, setup, |b| {
                PatchDiscriminator::new(
                    b,
                    &recipe.discriminator,
                    image,
                    recipe.adversarial.constraint.reparametrisation(),
                )
            })?;
            let player = Player::new(network, recipe.optimizer.discriminator)?.scheduled(recipe.schedule);
            Critic::new(player, recipe.adversarial.rules())
        };
        let pool = |image: [usize; 3]| {
            let like = setup.place.numbers(vec![0.0; image.iter().product()], &image)?;
            Ok::<_, Error>(ImagePool::new(recipe.pool.size, like.tensor()))
        };
        let to_second = translator("to_second", (first[0], second[0]))?;
        to_second
            .module()
            .check_size(first[1], first[2])
            .map_err(|error| Error::Data(format!("{error}: set data.size")))?;
        Ok(Self {
            to_second,
            to_first: translator("to_first", (second[0], first[0]))?,
            first: critic("first", first)?,
            second: critic("second", second)?,
            first_pool: pool(first)?,
            second_pool: pool(second)?,
            recipe: recipe.clone(),
            channels: [first[0], second[0]],
        })
    }

    /// The networks that translate in a direction and back.
    fn translators(&self, direction: &Direction) -> (&Player<ImageTranslator>, &Player<ImageTranslator>) {
        if *direction == TO_FIRST {
            (&self.to_first, &self.to_second)
        } else {
            (&self.to_second, &self.to_first)
        }
    }
}

impl BothWays for CycleGan {
    fn there_and_back(&self, direction: &Direction, images: &Variable) -> Result<(Variable, Variable)> {
        let (there, back) = self.translators(direction);
        let translated = there.sample(images, |t, pass| t.run(pass, images))?;
        let again = back.sample(&translated, |t, pass| t.run(pass, &translated))?;
        Ok((translated, again))
    }
}

impl System for CycleGan {
    fn parts(&mut self) -> Parts<'_> {
        parts!(self, to_second, to_first, first, second, first_pool, second_pool)
    }

    fn train_step(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let draw = turn.only_draw();
        let batch = turn.batch(draw)?;
        let (a, b) = (batch.numbers(IMAGES)?, batch.numbers(SECOND)?);
        let fake_b = self.to_second.train(|t, pass| t.run(pass, a))?;
        let fake_a = self.to_first.train(|t, pass| t.run(pass, b))?;
        let again_a = self.to_first.train(|t, pass| t.run(pass, &fake_b))?;
        let again_b = self.to_second.train(|t, pass| t.run(pass, &fake_a))?;
        let cycle = distance(&again_a, a)?.add(&distance(&again_b, b)?)?;
        turn.note(CYCLE_ERROR, &cycle);
        let mut loss = cycle.scale(self.recipe.losses.cycle)?;
        let identity = self.recipe.losses.cycle * self.recipe.losses.identity;
        if identity > 0.0 {
            let same_b = self.to_second.train(|t, pass| t.run(pass, b))?;
            let same_a = self.to_first.train(|t, pass| t.run(pass, a))?;
            let same = distance(&same_a, a)?.add(&distance(&same_b, b)?)?;
            turn.note("identity_error", &same);
            loss = loss.add(&same.scale(identity)?)?;
        }
        for (critic, real, fake) in [(&mut self.second, b, &fake_b), (&mut self.first, a, &fake_a)] {
            loss = loss.add(&critic.loss_for(real, fake, draw)?)?;
        }
        turn.note(GENERATOR_LOSS, &loss);
        turn.descend(&mut [&mut self.to_second, &mut self.to_first], &loss)?;
        let stream = &mut draw.stream("pool");
        let fake = self.second_pool.exchange(&fake_b, stream)?;
        self.second.learn(turn, draw, b, &fake)?;
        let fake = self.first_pool.exchange(&fake_a, stream)?;
        self.first.learn(turn, draw, a, &fake)?;
        if self.recipe.held_out.is_due(turn) { note_held_out(self, turn) } else { Ok(()) }
    }

    fn needs_held_out(&self) -> bool {
        self.recipe.held_out.every > 0
    }

    fn show(&self, showing: &Showing<'_>) -> Result<Vec<Exhibit>> {
        show_both_ways(self, showing)
    }

    fn as_translator(&self) -> Option<&dyn Translator> {
        Some(self)
    }
}

impl Translator for CycleGan {
    fn directions(&self) -> &[Direction] {
        &[TO_SECOND, TO_FIRST]
    }

    fn channels(&self, direction: &Direction) -> usize {
        let [first, second] = self.channels;
        if *direction == TO_FIRST { second } else { first }
    }

    fn translate(&self, direction: &Direction, batch: &Batch) -> Result<Variable> {
        let images = batch.numbers(direction.from)?;
        self.translators(direction).0.sample(images, |t, pass| t.run(pass, images))
    }
}
