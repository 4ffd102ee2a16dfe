//! The players' updates.

use brigand_autograd::{Output, Variable, without_recording};
use brigand_core::latent::CLASS;
use brigand_core::measurements::GENERATOR_LOSS;
use brigand_core::modules::{How, Mode};
use brigand_core::players::{Conditioned, Draw, Learner, Turn};
use brigand_core::techniques::{UnrolledGradient, pack};
use brigand_core::{Error, Result};

use super::auxiliary::{CATEGORY_LOSS, Classes, INFORMATION, Targets, Terms};
use super::recipe::Order;
use super::techniques::EncoderRecipe;
use super::{Sampler, TwoPlayer};

/// A batch of the generator's.
struct Generated {
    /// `[batch, sample...]`.
    samples: Variable,
    /// Their latents and classes, which are those of the real batch they are compared with.
    targets: Targets,
}

impl TwoPlayer {
    /// The discriminator's updates of one step, then the generator's.
    pub(super) fn update(&mut self, turn: &mut Turn<'_>) -> Result<()> {
        let (earlier, last) = turn.rounds(self.recipe.update.discriminator_steps.into())?;
        for draw in earlier {
            self.update_discriminator_alone(turn, draw)?;
        }
        match self.recipe.update.order {
            Order::Alternating => {
                self.update_discriminator_alone(turn, last)?;
                let latents = ("latents/generator", turn.only_draw());
                let generated = self.generated(turn, latents, last, Mode::Training)?;
                self.update_generator(turn, &generated, last)
            }
            Order::SharedFakes => {
                let latents = ("latents/discriminator", last);
                let generated = self.generated(turn, latents, last, Mode::Training)?;
                self.update_discriminator(turn, &generated, last)?;
                self.update_generator(turn, &generated, last)
            }
            Order::Merged => self.update_both(turn, last),
        }
    }

    /// Fakes for the real batch of `draw`, from the latents that `latents` draws for a purpose. Conditional fakes are of
    /// that batch's classes, so that the shares of the classes do not separate them.
    fn generated(
        &mut self,
        turn: &mut Turn<'_>,
        (purpose, latents): (&str, Draw),
        draw: Draw,
        mode: Mode,
    ) -> Result<Generated> {
        let count = turn.feed().batch_size();
        let mut latents = latents.rows(purpose, count, |count, stream| self.latents(count, stream))?;
        let mut classes = None;
        if self.recipe.condition.is_on() {
            let batch = turn.batch(draw)?;
            let right = batch.required_labels()?;
            latents = self.sampling.space.with_category(&latents, CLASS, right)?;
            classes = Some(self.classes(right, draw)?);
        }
        let (input, class) = self.generator_inputs(&latents)?;
        let samples = self
            .generator
            .run_with(How::plain(mode), |generator, pass| generator.forward(pass, &input, class.as_ref()))?;
        Ok(Generated { samples, targets: Targets { latents, classes } })
    }

    /// The classes of a batch, and for each another one.
    fn classes(&self, right: &[u32], draw: Draw) -> Result<Classes> {
        let (count, mut stream) = (self.sampling.space.classes(), draw.stream("wrong classes"));
        let other = |&class: &u32| (class as usize + 1 + stream.index(count.max(2) - 1)) % count.max(1);
        let wrong: Vec<u32> = right.iter().map(other).map(|class| class as u32).collect();
        let one_hot = |of: &[u32]| self.sampling.place.one_hot(of, count);
        Ok(Classes { right: one_hot(right)?, wrong: one_hot(&wrong)? })
    }

    /// The discriminator's input for `samples`, real or fake.
    fn side(&self, samples: &Variable, targets: &Targets) -> Result<Conditioned> {
        let classes = targets.classes.as_ref().filter(|_| self.recipe.condition.is_input());
        Ok(Conditioned {
            samples: pack(samples, self.recipe.techniques.packing)?,
            condition: classes.map(|classes| classes.right.clone()),
        })
    }

    /// The real batch of `draw` and the generated one as the discriminator's inputs.
    fn sides(
        &self,
        turn: &mut Turn<'_>,
        generated: &Generated,
        draw: Draw,
    ) -> Result<(Conditioned, Conditioned)> {
        let real = self.side(turn.batch(draw)?.samples()?, &generated.targets)?;
        Ok((real, self.side(&generated.samples, &generated.targets)?))
    }

    /// A discriminator update that no generator update follows, on fakes made without a record.
    fn update_discriminator_alone(&mut self, turn: &mut Turn<'_>, draw: Draw) -> Result<()> {
        let generated = without_recording(|| {
            self.generated(turn, ("latents/discriminator", draw), draw, Mode::BatchStatistics)
        })?;
        self.update_discriminator(turn, &generated, draw)
    }

    /// One discriminator update on a fresh real batch and generated samples, through which no gradient flows.
    fn update_discriminator(&mut self, turn: &mut Turn<'_>, generated: &Generated, draw: Draw) -> Result<()> {
        let (real, fake) = self.sides(turn, generated, draw)?;
        let (head, mut category) = (&self.head, None);
        self.discriminator.learn_with(turn, draw, (&real, &fake), |real, fake| {
            let terms = head.discriminator_terms(&real.also, &fake.also, &generated.targets)?;
            category = category_loss(&terms);
            Ok(terms)
        })?;
        self.note_information(turn, category);
        Ok(())
    }

    /// Notes the information that a categorical code's loss leaves.
    fn note_information(&self, turn: &mut Turn<'_>, category_loss: Option<Variable>) {
        if let (Some(loss), Some((entropy, weight))) = (category_loss, self.head.information()) {
            turn.note_derived(INFORMATION, &loss, move |loss| {
                loss.first().map_or(f64::NAN, |&loss| entropy - f64::from(loss) / weight)
            });
        }
    }

    /// One generator update through the discriminator, whose weights are fixed or unrolled.
    fn update_generator(&mut self, turn: &mut Turn<'_>, generated: &Generated, draw: Draw) -> Result<()> {
        let (real, fake) = self.sides(turn, generated, draw)?;
        let sides = self.discriminator.sides((real, fake), "generator", draw)?;
        let unrolling = self.recipe.techniques.unrolling;
        let full = match unrolling.gradient {
            UnrolledGradient::Full => true,
            UnrolledGradient::FirstOrder => false,
        };
        let ahead = (unrolling.steps, full, turn.scale_of(self.discriminator.player()));
        let (head, targets) = (&self.head, &generated.targets);
        let weights = self.discriminator.unrolled(ahead, &sides, draw, |real, fake| {
            head.discriminator_terms(&real.also, &fake.also, targets)
        })?;
        let scored = self.discriminator.generator_loss(weights.as_ref(), &sides, draw)?;
        turn.note(GENERATOR_LOSS, &scored.loss);
        let mut loss = scored.loss;
        for (_, term) in head.generator_terms(&scored.fake.also, targets)? {
            loss = loss.add(&term)?;
        }
        if let Some(term) = self.encoder_term(turn, generated, draw)? {
            loss = loss.add(&term)?;
        }
        turn.descend(&mut self.generator_learners(), &loss)
    }

    /// Both updates from one pass of the fakes through the discriminator before its step.
    fn update_both(&mut self, turn: &mut Turn<'_>, draw: Draw) -> Result<()> {
        let generated = self.generated(turn, ("latents/discriminator", draw), draw, Mode::Training)?;
        let (real, fake) = self.sides(turn, &generated, draw)?;
        let (head, targets, mut category) = (&self.head, &generated.targets, None);
        let merged = self.discriminator.merged_gradients(turn, draw, (&real, &fake), |real, fake| {
            let terms = head.discriminator_terms(&real.also, &fake.also, targets)?;
            category = category_loss(&terms);
            Ok([terms, head.generator_terms(&fake.also, targets)?])
        })?;
        self.note_information(turn, category);
        // Through the discriminator before its step.
        let term = self.encoder_term(turn, &generated, draw)?;
        turn.step(&mut [self.discriminator.player_mut()], merged.own)?;
        let by_fake = merged.by_fake.first();
        let missing = || Error::Internal("the merged update found no gradient by the fakes".into());
        let mut outputs =
            vec![Output { variable: &fake.samples, weight: Some(by_fake.ok_or_else(missing)?) }];
        outputs.extend(term.as_ref().map(|variable| Output { variable, weight: None }));
        turn.descend_outputs(&mut self.generator_learners(), &outputs)
    }

    /// The generator, and the encoder if there is one.
    fn generator_learners(&mut self) -> Vec<&mut dyn Learner> {
        let encoder = self.encoder.as_mut().map(|encoder| encoder as &mut dyn Learner);
        [&mut self.generator as &mut dyn Learner].into_iter().chain(encoder).collect()
    }

    /// The term of the generator's loss that the encoder has a part in.
    fn encoder_term(
        &mut self,
        turn: &mut Turn<'_>,
        generated: &Generated,
        draw: Draw,
    ) -> Result<Option<Variable>> {
        let Some(encoder) = &mut self.encoder else { return Ok(None) };
        let mut masks = draw.stream("dropout/encoder");
        let mut encode = |samples: &Variable| {
            encoder.run(Mode::Training, &mut masks, |encoder, pass| encoder.forward(pass, samples))
        };
        match self.recipe.techniques.encoder {
            EncoderRecipe::None {} => Ok(None),
            EncoderRecipe::Entropy { weight } => {
                let difference = generated.targets.latents.sub(&encode(&generated.samples)?)?;
                let term = difference.square()?.sum(&[1])?.mean_all()?.scale(weight / 2.0)?;
                turn.note("latent_reconstruction", &term);
                Ok(Some(term))
            }
            EncoderRecipe::ModeRegularization { distance, score } => {
                let batch = turn.batch(draw)?;
                let (real, codes) = (batch.samples()?, encode(batch.samples()?)?);
                let rebuilt =
                    self.generator.run_with(How::plain(Mode::BatchStatistics), |generator, pass| {
                        generator.forward(pass, &codes, None)
                    })?;
                let difference = real.sub(&rebuilt)?.square()?.mean_all()?.scale(distance)?;
                let rebuilt = Conditioned::alone(pack(&rebuilt, self.recipe.techniques.packing)?);
                let masks = &mut draw.stream("dropout/regularization");
                let scored = self.discriminator.score(None, &rebuilt, Mode::BatchStatistics, masks)?;
                let low = scored.single()?.neg()?.softplus()?.mean_all()?.scale(score)?;
                let term = difference.add(&low)?;
                turn.note("mode_regularization", &term);
                Ok(Some(term))
            }
        }
    }
}

fn category_loss(terms: &Terms) -> Option<Variable> {
    terms.iter().find(|(name, _)| *name == CATEGORY_LOSS).map(|(_, term)| term.clone())
}
