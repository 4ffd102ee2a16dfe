//! The discriminator in training: one type for samples, codes, pairs, score maps and sequences, with any objective,
//! penalty, constraint and input technique.

use brigand_autograd::{Variable, grad, without_recording};

use super::comparison::{Compared, GeneratorLoss, Sides, generator_loss, mean, over_scores, total};
use super::input::Input;
use super::player::{Learner, Player};
use super::precision::accurate;
use super::report::share_above;
use super::rules::Rules;
use super::scorer::{Scored, Scorer};
use super::slopes::{differentiable, penalty_term, slopes};
use super::triple::{Triple, Wrong};
use super::turn::{Draw, Turn};
use crate::error::{Error, Result};
use crate::modules::{Estimate, How, Mode, Parameters, Part, Weights};
use crate::penalties::Penalty;
use crate::random::Stream;
use crate::state::State;

/// The name of the discriminator in a system that has one: its draws and measurements carry no name of their own.
pub const DISCRIMINATOR: &str = "discriminator";

/// A discriminator in training.
pub struct Critic<M> {
    pub(super) player: Player<M>,
    pub(super) rules: Rules,
}

impl<M: Scorer> Critic<M> {
    /// A discriminator with its rules.
    ///
    /// # Errors
    /// If a penalty or constraint needs each sample's own gradient and the discriminator couples samples, or weights are to be
    /// spectrally normalised and the discriminator was built without that.
    pub fn new(player: Player<M>, rules: Rules) -> Result<Self> {
        Self::checked(player, rules, &rules)
    }

    /// The same for a discriminator that couples samples although its rules have a penalty: a sample's gradient is then that
    /// of all scores of its batch, through what they share. Karras et al. (2017, arXiv:1710.10196) train with WGAN-GP and a
    /// minibatch deviation in this way.
    ///
    /// # Errors
    /// If a constraint needs each sample's own gradient, or as [`Critic::new`].
    pub fn of_coupled(player: Player<M>, rules: Rules) -> Result<Self> {
        Self::checked(player, rules, &Rules { penalty: Penalty::None {}, ..rules })
    }

    /// One whose network can keep `rules`, and those of `alone` sample by sample.
    fn checked(player: Player<M>, rules: Rules, alone: &Rules) -> Result<Self> {
        alone.check_coupling(player.module().couples_samples())?;
        rules.check_spectral(Learner::parameters(&player).is_spectral())?;
        Ok(Self { player: player.clipped(rules.constraint.clip_bound()), rules })
    }

    /// Its network and optimizer.
    pub fn player(&self) -> &Player<M> {
        &self.player
    }

    /// The same, for passes through some of its layers.
    pub fn player_mut(&mut self) -> &mut Player<M> {
        &mut self.player
    }

    /// What it minimises and is constrained by.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The purpose of a draw, apart from those of other discriminators of the system.
    pub(super) fn purpose(&self, of: &str) -> String {
        match self.player.name() {
            DISCRIMINATOR => of.to_owned(),
            other => format!("{other}/{of}"),
        }
    }

    /// The name of a measurement of its own: `discriminator_loss`.
    pub(super) fn measurement(&self, of: &str) -> String {
        format!("{}_{of}", self.player.name())
    }

    /// Scores of one side in single precision or better, with other weights if given; dropout draws from `stream`.
    ///
    /// # Errors
    /// If the input does not fit.
    pub fn score(
        &mut self,
        weights: Option<&Weights>,
        input: &M::Input,
        mode: Mode,
        stream: &mut Stream,
    ) -> Result<Scored<M::Also>> {
        let constraint = self.rules.constraint;
        let input = &differentiable(constraint, input)?;
        let how = How { weights, mode, random: Some(stream) };
        let scored = self.player.run_with(how, |module, pass| module.score(pass, input))?;
        let scores = scored.scores.iter().map(|scores| {
            let scores = accurate(scores)?;
            constraint.normalize(&scores, || slopes(&scores, input))
        });
        Ok(Scored { scores: scores.collect::<Result<_>>()?, ..scored })
    }

    /// Scores outside training, and their gradients by every part of the input, `[batch, ...]` each.
    ///
    /// # Errors
    /// If the discriminator gives no single score for each sample.
    pub fn field(&self, input: &M::Input) -> Result<(Variable, Vec<Variable>)> {
        let input = input.leaves()?;
        let scored = self.player.evaluate(|module, pass| module.score(pass, &input))?;
        let scores = accurate(scored.single()?)?;
        let scores = self.rules.constraint.normalize(&scores, || slopes(&scores, &input))?;
        let parts = input.parts()?;
        let gradients = grad(&scores.sum_all()?, &parts.iter().collect::<Vec<_>>(), false)?;
        Ok((scores.detach(), gradients))
    }

    /// Both sides with fresh noise; `purpose` keeps the draws of the updates apart.
    ///
    /// # Errors
    /// If noise cannot be added.
    pub fn sides(
        &self,
        (real, fake): (M::Input, M::Input),
        purpose: &str,
        draw: Draw,
    ) -> Result<Sides<M::Input>> {
        let (noise, mut stream) = (self.rules.noise, draw.stream(&self.purpose(&format!("noise/{purpose}"))));
        if noise.at(draw.step) == 0.0 {
            return Ok(Sides { noisy_real: real.clone(), noisy_fake: fake.clone(), real, fake });
        }
        let mut noisy = |side: &M::Input| side.map(&mut |part| noise.add(part, draw.step, &mut stream));
        Ok(Sides { noisy_real: noisy(&real)?, noisy_fake: noisy(&fake)?, real, fake })
    }

    /// The discriminator's outputs and losses on both sides; dropout draws for `purpose`.
    ///
    /// # Errors
    /// If the objective does not fit the scores.
    pub fn compare(
        &mut self,
        weights: Option<&Weights>,
        sides: &Sides<M::Input>,
        mode: Mode,
        (purpose, draw): (&str, Draw),
    ) -> Result<Compared<M::Also>> {
        let mut masks = draw.stream(&self.purpose(purpose));
        let real = self.score(weights, &sides.noisy_real, mode, &mut masks)?;
        let fake = self.score(weights, &sides.noisy_fake, mode, &mut masks)?;
        let objective = self.rules.objective;
        let adversarial =
            over_scores(&self.rules, (&real, &fake), sides, |scores| objective.discriminator_loss(scores))?;
        let mut terms = Vec::new();
        let (penalty, mut stream) = (self.rules.penalty, draw.stream(&self.purpose("penalty")));
        let mut masks = draw.stream(&self.purpose("penalty/dropout"));
        let term = penalty_term(penalty, (&sides.real, &sides.fake), &mut stream, |place| {
            let scored = self.score(weights, place, Mode::BatchStatistics, &mut masks)?;
            total(scored.scores.iter().map(|scores| Ok(scores.sum_all()?)))
        })?;
        terms.extend(term.map(|term| ("penalty", term)));
        let consistency = self.rules.consistency;
        if consistency.weight > 0.0 {
            let mut masks = draw.stream(&self.purpose("consistency"));
            let mut pass = || self.score(weights, &sides.noisy_real, Mode::BatchStatistics, &mut masks);
            let (first, second) = (pass()?, pass()?);
            let parts =
                |of: &Scored<M::Also>| Ok::<_, Error>((of.single()?.clone(), accurate(of.last_features()?)?));
            let ((first, first_features), (second, second_features)) = (parts(&first)?, parts(&second)?);
            let term = consistency.term((&first, &first_features), (&second, &second_features))?;
            terms.push(("consistency", term));
        }
        Ok(Compared { real, fake, adversarial, terms })
    }

    /// Notes losses, terms and accuracies.
    pub(super) fn report(&self, turn: &mut Turn<'_>, compared: &Compared<M::Also>) {
        turn.note(&self.measurement("loss"), &compared.adversarial);
        for (name, term) in &compared.terms {
            turn.note(&self.purpose(name), term);
        }
        let threshold = self.rules.objective.properties().threshold;
        if let (Some(threshold), Some(real), Some(fake)) =
            (threshold, compared.real.scores.first(), compared.fake.scores.first())
        {
            let (on_real, on_fake) = (self.measurement("accuracy_real"), self.measurement("accuracy_fake"));
            turn.note_derived(&on_real, real, move |scores| share_above(scores, threshold));
            turn.note_derived(&on_fake, fake, move |scores| 1.0 - share_above(scores, threshold));
        }
    }

    /// One step of the discriminator; no gradient flows into its input.
    ///
    /// # Errors
    /// If the inputs do not fit, or a parameter is not used.
    pub fn learn(&mut self, turn: &mut Turn<'_>, draw: Draw, real: &M::Input, fake: &M::Input) -> Result<()> {
        self.learn_with(turn, draw, (real, fake), |_, _| Ok(Vec::new()))
    }

    /// The same with terms of its other heads, by name, from the outputs for the real and the fake side: classes (AC-GAN),
    /// codes (InfoGAN), class-activation scores (NICE-GAN).
    ///
    /// # Errors
    /// As [`Critic::learn`].
    pub fn learn_with(
        &mut self,
        turn: &mut Turn<'_>,
        draw: Draw,
        (real, fake): (&M::Input, &M::Input),
        heads: impl FnOnce(&Scored<M::Also>, &Scored<M::Also>) -> Result<Vec<(&'static str, Variable)>>,
    ) -> Result<()> {
        self.learn_triple(turn, draw, Triple { real, wrong: Wrong::None, fake }, heads)
    }

    /// The mean absolute distance of both sides' features, a mean over all of them (pix2pixHD, SPADE, talking heads).
    /// The real side's are constants.
    ///
    /// # Errors
    /// If the two sides' features differ in shape.
    pub fn feature_distance(
        &mut self,
        real: &M::Input,
        fake: &Scored<M::Also>,
        draw: Draw,
    ) -> Result<Variable> {
        let mut masks = draw.stream(&self.purpose("dropout/features"));
        let real = self.fixed_score(&real.detached(), &mut masks)?;
        let pairs = real.features.iter().zip(&fake.features);
        let distances = pairs.map(|(real, fake)| Ok(accurate(&fake.sub(real)?.abs()?)?.mean_all()?));
        mean(distances)
    }

    /// Scores and features of real samples as constants.
    fn fixed_score(&mut self, input: &M::Input, masks: &mut Stream) -> Result<Scored<M::Also>> {
        if !self.rules.constraint.normalizes_gradients() {
            return without_recording(|| self.score(None, input, Mode::BatchStatistics, masks));
        }
        // The slope that such scores are divided by needs the pass recorded.
        let scored = self.score(None, input, Mode::BatchStatistics, masks)?;
        let constants = |of: &[Variable]| of.iter().map(Variable::detach).collect();
        let (scores, features) = (constants(&scored.scores), constants(&scored.features));
        Ok(Scored { scores, features, also: scored.also })
    }

    /// The loss of whoever made the fakes, with the discriminator's weights fixed: its own, or unrolled ones. The real side
    /// is scored only where the rules need it.
    ///
    /// # Errors
    /// If the inputs do not fit.
    pub fn generator_loss(
        &mut self,
        weights: Option<&Weights>,
        sides: &Sides<M::Input>,
        draw: Draw,
    ) -> Result<GeneratorLoss<M::Also>> {
        let mut masks = draw.stream(&self.purpose("dropout/generator"));
        let fake = self.score(weights, &sides.noisy_fake, Mode::BatchStatistics, &mut masks)?;
        let real = match self.rules.generator_uses_real() {
            false => None,
            // Unrolled weights depend on the generator, its own do not.
            true if weights.is_some() => {
                Some(self.score(weights, &sides.noisy_real, Mode::BatchStatistics, &mut masks)?)
            }
            true => Some(self.fixed_score(&sides.noisy_real, &mut masks)?),
        };
        let loss = generator_loss(&self.rules, (real.as_ref(), &fake), sides)?;
        Ok(GeneratorLoss { loss, real, fake })
    }

    /// The same without noise of its own making: for whoever only has the two sides.
    ///
    /// # Errors
    /// As [`Critic::generator_loss`].
    pub fn loss_for(&mut self, real: &M::Input, fake: &M::Input, draw: Draw) -> Result<Variable> {
        let sides = self.sides((real.detached(), fake.clone()), "generator", draw)?;
        Ok(self.generator_loss(None, &sides, draw)?.loss)
    }

    /// The loss of whoever made both sides (BiGAN): the discriminator's with the sides exchanged.
    ///
    /// # Errors
    /// If the inputs do not fit.
    pub fn swapped_loss(&mut self, real: &M::Input, fake: &M::Input, draw: Draw) -> Result<Variable> {
        let sides = self.sides((real.clone(), fake.clone()), "generator", draw)?;
        let mut masks = draw.stream(&self.purpose("dropout/generator"));
        let real = self.score(None, &sides.noisy_real, Mode::BatchStatistics, &mut masks)?;
        let fake = self.score(None, &sides.noisy_fake, Mode::BatchStatistics, &mut masks)?;
        let swapped = Sides {
            real: sides.fake,
            fake: sides.real,
            noisy_real: sides.noisy_fake,
            noisy_fake: sides.noisy_real,
        };
        let objective = self.rules.objective;
        over_scores(&self.rules, (&fake, &real), &swapped, |scores| objective.discriminator_loss(scores))
    }
}

impl<M> Part for Critic<M> {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        self.player.save(name, state)
    }

    fn restore(&mut self, name: &str, state: &mut State) -> Result<()> {
        self.player.restore(name, state)
    }

    fn parameters(&self) -> Vec<&Parameters> {
        Part::parameters(&self.player)
    }

    fn sample_by(&mut self, estimate: Option<&Estimate>) -> usize {
        self.player.sample_by(estimate)
    }
}
