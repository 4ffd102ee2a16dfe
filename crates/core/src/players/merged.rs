//! Both players' updates from one pass of a batch.

use brigand_autograd::{Output, Variable};

use super::comparison::{compared_samples, generator_loss, per_sample};
use super::critic::Critic;
use super::input::Input;
use super::precision::{accurate, in_type_of};
use super::scorer::{Scored, Scorer};
use super::turn::{Draw, Turn};
use crate::error::Result;
use crate::measurements::GENERATOR_LOSS;
use crate::modules::Mode;
use crate::objectives::{Scores, SharedPass};

/// Both players' gradients from one pass of a batch.
pub struct Merged {
    /// The discriminator's, as [`Turn::step`] takes them.
    pub own: Vec<Vec<Variable>>,
    /// The generator's, by each part of the fake side.
    pub by_fake: Vec<Variable>,
}

impl<M: Scorer> Critic<M> {
    /// One step of the discriminator that also finds the generator's gradients by the parts of `fake`, as
    /// [`Critic::merged_gradients`] does.
    ///
    /// # Errors
    /// If the inputs do not fit.
    pub fn learn_merged(
        &mut self,
        turn: &mut Turn<'_>,
        draw: Draw,
        sides: (&M::Input, &M::Input),
        heads: impl FnOnce(&Scored<M::Also>, &Scored<M::Also>) -> Result<[Vec<(&'static str, Variable)>; 2]>,
    ) -> Result<Vec<Variable>> {
        let Merged { own, by_fake } = self.merged_gradients(turn, draw, sides, heads)?;
        turn.step(&mut [&mut self.player], own)?;
        Ok(by_fake)
    }

    /// The gradients of the discriminator's loss by its weights, and of the generator's by the parts of `fake`, which is
    /// cut off from its history: both players' updates from one pass.
    ///
    /// Where no score depends on another sample and the generator's loss is the objective's alone, its gradient is the
    /// discriminator's own, each sample rescaled: one backward pass serves both. Otherwise there are two. `heads` gives
    /// the terms of other heads, first the discriminator's, then the generator's.
    ///
    /// # Errors
    /// If the inputs do not fit.
    pub fn merged_gradients(
        &mut self,
        turn: &mut Turn<'_>,
        draw: Draw,
        (real, fake): (&M::Input, &M::Input),
        heads: impl FnOnce(&Scored<M::Also>, &Scored<M::Also>) -> Result<[Vec<(&'static str, Variable)>; 2]>,
    ) -> Result<Merged> {
        let sides = self.sides((real.detached(), fake.leaves()?), "discriminator", draw)?;
        let parts = sides.fake.parts()?;
        let leaves: Vec<&Variable> = parts.iter().collect();
        let compared = self.compare(None, &sides, Mode::Training, ("dropout/discriminator", draw))?;
        self.report(turn, &compared);
        let mut generator = generator_loss(&self.rules, (Some(&compared.real), &compared.fake), &sides)?;
        turn.note(GENERATOR_LOSS, &generator);
        let [own_heads, generator_heads] = heads(&compared.real, &compared.fake)?;
        own_heads.iter().for_each(|(name, term)| turn.note(&self.purpose(name), term));
        for (_, term) in &generator_heads {
            generator = generator.add(&in_type_of(term, &generator)?)?;
        }
        let single = self.rules.feature_matching.weight == 0.0
            && own_heads.is_empty()
            && generator_heads.is_empty()
            && !self.player.module().couples_samples();
        let shared = match (single, compared.real.single(), compared.fake.single()) {
            (true, Ok(real), Ok(fake)) => {
                let samples = compared_samples(&self.rules, &sides)?;
                let samples = samples.as_ref().map(|(real, fake)| (real, fake));
                let features = compared.fake.features.last().map(accurate).transpose()?;
                let scores = Scores { samples, fake_features: features.as_ref(), ..Scores::new(real, fake) };
                self.rules.objective.shared_pass(&scores)?
            }
            _ => None,
        };
        let whole = |variable| Output { variable, weight: None };
        let (own, by_fake) = match shared {
            Some(SharedPass { real, fake, factors }) => {
                let added = compared.added()?;
                let mut outputs = vec![
                    Output { variable: compared.real.single()?, weight: Some(&real) },
                    Output { variable: compared.fake.single()?, weight: Some(&fake) },
                ];
                outputs.extend(added.as_ref().map(whole));
                let (own, by_samples) = turn.gradients(&[&self.player], &outputs, &leaves, false)?;
                (own, by_samples.iter().map(|of| per_sample(of, &factors)).collect::<Result<_>>()?)
            }
            None => {
                let (_, by_samples) = turn.gradients(&[], &[whole(&generator)], &leaves, true)?;
                let loss = compared.loss(&own_heads)?;
                (turn.gradients(&[&self.player], &[whole(&loss)], &[], false)?.0, by_samples)
            }
        };
        Ok(Merged { own, by_fake })
    }
}
