//! The players' updates.

use brigand_autograd::{GradientOptions, Output, Variable, grad_of, without_recording};

use super::super::Report;
use super::super::feed::Feed;
use super::Duel;
use super::recipe::Order;
use crate::error::Result;
use crate::layers::{Mode, Weights};
use crate::networks::{Network, Observed, joint_gradients};
use crate::objectives::Scores;
use crate::random::Stream;
use crate::techniques::{EncoderRecipe, UnrolledGradient, off_diagonal_penalty, pack};
use crate::training::history::{ACCURACY_ON_FAKE, ACCURACY_ON_REAL, DISCRIMINATOR_LOSS, GENERATOR_LOSS};

/// Which draw of the run random choices belong to, at which step.
#[derive(Clone, Copy)]
pub(super) struct Draw {
    pub(super) seed: u64,
    pub(super) number: u64,
    pub(super) step: u64,
}

impl Draw {
    fn stream(&self, purpose: &str) -> Stream {
        Stream::new(self.seed, purpose, self.number)
    }
}

/// A real and a generated batch, packed; what the discriminator sees of them carries noise.
pub(super) struct Shown {
    real: Variable,
    fake: Variable,
    noisy_real: Variable,
    noisy_fake: Variable,
}

/// What the discriminator said about both.
struct Judged {
    real: Observed,
    fake: Observed,
    loss: Variable,
}

/// The generator's batch: its latents and what it made of them.
pub(super) struct Made {
    pub(super) latents: Variable,
    pub(super) samples: Variable,
}

impl Duel {
    pub(super) fn make(&mut self, feed: &Feed, purpose: &str, draw: u64, mode: Mode) -> Result<Made> {
        let mut stream = Stream::new(feed.seed(), purpose, draw);
        let latents = self.recipe.latent.draw(feed.batch_size(), &mut stream, &self.device)?;
        let samples = self.generator.forward(&latents, mode)?;
        Ok(Made { latents, samples })
    }

    /// Both batches as the discriminator gets them; `purpose` keeps the players' noise apart.
    fn show(&self, real: &Variable, fake: &Variable, purpose: &str, draw: Draw) -> Result<Shown> {
        let techniques = &self.recipe.techniques;
        let (real, fake) = (pack(real, techniques.packing)?, pack(fake, techniques.packing)?);
        let mut stream = draw.stream(&format!("noise/{purpose}"));
        let noise = techniques.instance_noise;
        let noisy_real = noise.add(&real, draw.step, &mut stream)?;
        let noisy_fake = noise.add(&fake, draw.step, &mut stream)?;
        Ok(Shown { real, fake, noisy_real, noisy_fake })
    }

    /// The discriminator's verdict on both batches and its loss, penalties aside.
    fn judge(
        &mut self,
        weights: Option<&Weights>,
        shown: &Shown,
        mode: Mode,
        stream: &mut Stream,
    ) -> Result<Judged> {
        let real = self.critic.judge(weights, &shown.noisy_real, mode, stream)?;
        let fake = self.critic.judge(weights, &shown.noisy_fake, mode, stream)?;
        let loss = self.recipe.objective.discriminator_loss(&scores(&real, &fake, shown))?;
        Ok(Judged { real, fake, loss })
    }

    fn report_verdict(&self, judged: &Judged, report: &mut Report) -> Result<()> {
        report.insert(DISCRIMINATOR_LOSS.into(), judged.loss.scalar()?);
        if let Some(threshold) = self.recipe.objective.decision_threshold() {
            report.insert(ACCURACY_ON_REAL.into(), share_above(&judged.real.output, threshold)?);
            report.insert(ACCURACY_ON_FAKE.into(), 1.0 - share_above(&judged.fake.output, threshold)?);
        }
        Ok(())
    }

    /// What is added to the discriminator's loss: the penalty, the consistency term, its history.
    fn discriminator_terms(
        &mut self,
        weights: Option<&Weights>,
        shown: &Shown,
        draw: Draw,
        report: Option<&mut Report>,
    ) -> Result<Option<Variable>> {
        let techniques = self.recipe.techniques;
        let mut terms: Vec<(&str, Variable)> = Vec::new();
        let mut masks = draw.stream("penalty/dropout");
        let critic = &mut self.critic;
        let mut scores =
            |samples: &Variable| Ok(critic.judge(weights, samples, Mode::Frozen, &mut masks)?.output);
        let (real, fake) = (shown.real.detach(), shown.fake.detach());
        let penalty = self.recipe.penalty.term(&mut scores, &real, &fake, &mut draw.stream("penalty"))?;
        terms.extend(penalty.map(|term| ("penalty", term)));
        if techniques.consistency.weight > 0.0 {
            let mut masks = draw.stream("consistency");
            let mut pass = || self.critic.judge(weights, &shown.noisy_real, Mode::Frozen, &mut masks);
            let (first, second) = (pass()?, pass()?);
            terms.push(("consistency", techniques.consistency.term(&first, &second)?));
        }
        if let Some(history) = &self.history {
            let weights = weights.unwrap_or(&self.critic.network.weights);
            let term = history.discriminator.term(weights, techniques.historical_averaging)?;
            terms.push(("history/discriminator", term));
        }
        sum_of(terms, report)
    }

    /// One discriminator update on a fresh real batch and `fake`, through which no gradient flows.
    pub(super) fn update_discriminator(
        &mut self,
        feed: &mut Feed,
        fake: &Variable,
        draw: Draw,
        report: &mut Report,
    ) -> Result<()> {
        let real = feed.batch(draw.number)?.samples;
        let shown = self.show(&real, &fake.detach(), "discriminator", draw)?;
        let judged = self.judge(None, &shown, Mode::Training, &mut draw.stream("dropout/discriminator"))?;
        self.report_verdict(&judged, report)?;
        let loss = match self.discriminator_terms(None, &shown, draw, Some(report))? {
            Some(terms) => judged.loss.add(&terms)?,
            None => judged.loss,
        };
        let gradients = self.critic.network.gradients(whole(&loss), None, false)?;
        self.step_discriminator(&gradients, draw.step, report)
    }

    fn step_discriminator(&mut self, gradients: &[Variable], step: u64, report: &mut Report) -> Result<()> {
        self.optimizers.discriminator.scale = self.recipe.schedule.at(step, self.steps);
        self.optimizers.discriminator.step(&mut self.critic.network.weights, gradients)?;
        if let Some(share) = self.critic.clip()? {
            report.insert("share of clipped weights".into(), share);
        }
        match &mut self.history {
            Some(history) => history.discriminator.follow(&self.critic.network.weights),
            None => Ok(()),
        }
    }

    /// The discriminator's weights after the unrolled steps on this batch, as functions of the fakes.
    fn unrolled(&mut self, shown: &Shown, draw: Draw) -> Result<Option<Weights>> {
        let unrolling = self.recipe.techniques.unrolling;
        if unrolling.steps == 0 {
            return Ok(None);
        }
        let mut weights = self.critic.network.weights.clone();
        let mut optimizer = self.optimizers.discriminator.unrolled(&weights)?;
        for number in 0..unrolling.steps {
            let mut masks = draw.stream(&format!("dropout/unrolled/{number}"));
            let judged = self.judge(Some(&weights), shown, Mode::Frozen, &mut masks)?;
            let loss = match self.discriminator_terms(Some(&weights), shown, draw, None)? {
                Some(terms) => judged.loss.add(&terms)?,
                None => judged.loss,
            };
            let inputs: Vec<&Variable> = weights.values().iter().collect();
            let full = unrolling.gradient == UnrolledGradient::Full;
            // The first-order variant still keeps the generator's graph, which its own loss needs.
            let options = GradientOptions { create_graph: full, retain_graph: true, allow_unused: false };
            let gradients: Vec<Variable> =
                grad_of(&[whole(&loss)], &inputs, options)?.into_iter().flatten().collect();
            weights = weights.with_values(optimizer.step(weights.values(), &gradients)?);
        }
        Ok(Some(weights))
    }

    /// The part of the generator's loss that comes through the discriminator.
    fn judged_generator_loss(&self, real: &Observed, fake: &Observed, shown: &Shown) -> Result<Variable> {
        let matching = self.recipe.techniques.feature_matching;
        let objective = || self.recipe.objective.generator_loss(&scores(real, fake, shown));
        let pair = real.features.as_ref().zip(fake.features.as_ref());
        match pair.filter(|_| matching.weight > 0.0) {
            Some((real, fake)) if matching.alone => matching.term(real, fake),
            Some((real, fake)) => Ok(objective()?.add(&matching.term(real, fake)?)?),
            None => objective(),
        }
    }

    /// The part of the generator's loss that does not: its encoder's term, its weights' terms.
    fn generator_terms(
        &mut self,
        made: &Made,
        real: &Variable,
        draw: Draw,
        report: &mut Report,
    ) -> Result<Option<Variable>> {
        let techniques = self.recipe.techniques;
        let mut terms: Vec<(&str, Variable)> = Vec::new();
        if let Some(encoder) = &mut self.encoder {
            match techniques.encoder {
                EncoderRecipe::None {} => {}
                EncoderRecipe::Entropy { weight } => {
                    let apart = made.latents.sub(&encoder.network.forward(&made.samples, Mode::Training)?)?;
                    let term = apart.square()?.sum(&[1])?.mean_all()?.scale(weight / 2.0)?;
                    terms.push(("latent reconstruction", term));
                }
                EncoderRecipe::ModeRegularization { distance, judgement } => {
                    let codes = encoder.network.forward(real, Mode::Training)?;
                    let rebuilt = self.generator.forward(&codes, Mode::Frozen)?;
                    let apart = real.sub(&rebuilt)?.square()?.mean_all()?.scale(distance)?;
                    let packed = pack(&rebuilt, techniques.packing)?;
                    let masks = &mut draw.stream("dropout/regularization");
                    let judged = self.critic.judge(None, &packed, Mode::Frozen, masks)?.output;
                    let missing = judged.neg()?.softplus()?.mean_all()?.scale(judgement)?;
                    terms.push(("mode regularization", apart.add(&missing)?));
                }
            }
        }
        if techniques.orthogonal > 0.0
            && let Some(term) = off_diagonal_penalty(&self.generator.weights)?
        {
            terms.push(("orthogonal", term.scale(techniques.orthogonal)?));
        }
        if let Some(history) = &self.history {
            let weight = techniques.historical_averaging;
            terms.push(("history/generator", history.generator.term(&self.generator.weights, weight)?));
        }
        sum_of(terms, Some(report))
    }

    /// One generator update on what it `made` through the frozen discriminator.
    pub(super) fn update_generator(
        &mut self,
        feed: &mut Feed,
        made: &Made,
        draw: Draw,
        report: &mut Report,
    ) -> Result<()> {
        let techniques = &self.recipe.techniques;
        let unrolls = techniques.unrolling.steps > 0;
        let matches_features = techniques.feature_matching.weight > 0.0;
        let sees_real = unrolls
            || matches_features
            || self.recipe.objective.generator_sees_real()
            || matches!(techniques.encoder, EncoderRecipe::ModeRegularization { .. });
        let real = if sees_real { feed.batch(draw.number)?.samples } else { made.samples.detach() };
        let shown = self.show(&real, &made.samples, "generator", draw)?;
        let weights = self.unrolled(&shown, draw)?;
        let mut masks = draw.stream("dropout/generator");
        let fake = self.critic.judge(weights.as_ref(), &shown.noisy_fake, Mode::Frozen, &mut masks)?;
        let real_verdict = if matches_features || self.recipe.objective.generator_sees_real() {
            self.critic.judge(weights.as_ref(), &shown.noisy_real, Mode::Frozen, &mut masks)?
        } else {
            fake.detach()
        };
        let mut loss = self.judged_generator_loss(&real_verdict, &fake, &shown)?;
        report.insert(GENERATOR_LOSS.into(), loss.scalar()?);
        if let Some(terms) = self.generator_terms(made, &real, draw, report)? {
            loss = loss.add(&terms)?;
        }
        let gradients = self.learning_gradients(&[whole(&loss)])?;
        self.step_generator(gradients, draw.step)
    }

    /// The gradients of the generator, and of the encoder if there is one.
    fn learning_gradients(&self, outputs: &[Output<'_>]) -> Result<Vec<Vec<Variable>>> {
        let networks: Vec<&Network> =
            std::iter::once(&self.generator).chain(self.encoder.as_ref().map(|it| &it.network)).collect();
        joint_gradients(&networks, outputs)
    }

    fn step_generator(&mut self, gradients: Vec<Vec<Variable>>, step: u64) -> Result<()> {
        let scale = self.recipe.schedule.at(step, self.steps);
        let mut gradients = gradients.into_iter();
        if let Some(own) = gradients.next() {
            self.optimizers.generator.scale = scale;
            self.optimizers.generator.step(&mut self.generator.weights, &own)?;
        }
        if let (Some(encoder), Some(own)) = (&mut self.encoder, gradients.next()) {
            encoder.optimizer.scale = scale;
            encoder.optimizer.step(&mut encoder.network.weights, &own)?;
        }
        match &mut self.history {
            Some(history) => history.generator.follow(&self.generator.weights),
            None => Ok(()),
        }
    }

    /// Both updates from one pass of the fakes through the discriminator before its step.
    ///
    /// Where no sample of the discriminator depends on another, the generator's gradient is the
    /// discriminator's own by its fakes, each sample rescaled: one backward pass serves both.
    pub(super) fn update_both(&mut self, feed: &mut Feed, draw: Draw, report: &mut Report) -> Result<()> {
        let real = feed.batch(draw.number)?.samples;
        let made = self.make(feed, "latents/discriminator", draw.number, Mode::Training)?;
        // Its own leaf, so that the discriminator's backward pass ends at the fakes.
        let leaf = Variable::leaf(made.samples.tensor().clone());
        let shown = self.show(&real, &leaf, "discriminator", draw)?;
        let judged = self.judge(None, &shown, Mode::Training, &mut draw.stream("dropout/discriminator"))?;
        self.report_verdict(&judged, report)?;
        let generator_loss = self.judged_generator_loss(&judged.real, &judged.fake, &shown)?;
        report.insert(GENERATOR_LOSS.into(), generator_loss.scalar()?);
        let terms = self.discriminator_terms(None, &shown, draw, Some(report))?;
        let apart = self.critic.network.couples_samples()
            || self.recipe.techniques.packing > 1
            || self.recipe.techniques.feature_matching.weight > 0.0;
        let verdict = scores(&judged.real, &judged.fake, &shown);
        let rescaling = if apart { None } else { self.recipe.objective.fake_rescaling(&verdict)? };
        let critic = &self.critic.network;
        let (mut gradients, pull) = match rescaling {
            Some(ratio) => {
                let mut gradients = critic.gradients(whole(&judged.loss), Some(&leaf), false)?;
                let pull = gradients.pop().map(|own| per_sample(&own, &ratio)).transpose()?;
                (gradients, pull)
            }
            None => {
                let options = GradientOptions { retain_graph: true, ..GradientOptions::default() };
                let pull =
                    grad_of(&[whole(&generator_loss)], &[&leaf], options)?.into_iter().flatten().next();
                (critic.gradients(whole(&judged.loss), None, false)?, pull)
            }
        };
        if let Some(terms) = terms {
            let own = critic.gradients_or_none(&terms)?;
            gradients = gradients
                .iter()
                .zip(own)
                .map(|(sum, own)| Ok(own.map_or_else(|| Ok(sum.clone()), |own| sum.add(&own))?))
                .collect::<Result<_>>()?;
        }
        let own_terms = self.generator_terms(&made, &real, draw, report)?;
        let mut outputs = vec![Output { variable: &made.samples, weight: pull.as_ref() }];
        outputs.extend(own_terms.as_ref().map(whole));
        let pulled = self.learning_gradients(&outputs)?;
        self.step_discriminator(&gradients, draw.step, report)?;
        self.step_generator(pulled, draw.step)
    }

    /// The discriminator's updates of one step, and the generator's unless it comes on fresh latents.
    pub(super) fn update_round(
        &mut self,
        feed: &mut Feed,
        draw: Draw,
        last: bool,
        report: &mut Report,
    ) -> Result<()> {
        match self.recipe.update.order {
            Order::Merged if last => self.update_both(feed, draw, report),
            Order::SharedFakes if last => {
                let made = self.make(feed, "latents/discriminator", draw.number, Mode::Training)?;
                self.update_discriminator(feed, &made.samples, draw, report)?;
                self.update_generator(feed, &made, draw, report)
            }
            _ => {
                let made = without_recording(|| {
                    self.make(feed, "latents/discriminator", draw.number, Mode::Frozen)
                })?;
                self.update_discriminator(feed, &made.samples, draw, report)
            }
        }
    }
}

/// Everything an objective may look at.
fn scores<'a>(real: &'a Observed, fake: &'a Observed, shown: &'a Shown) -> Scores<'a> {
    Scores {
        real: &real.output,
        fake: &fake.output,
        samples: Some((&shown.real, &shown.fake)),
        fake_features: fake.features.as_ref(),
    }
}

/// The terms' sum, each reported under its name.
fn sum_of(terms: Vec<(&str, Variable)>, mut report: Option<&mut Report>) -> Result<Option<Variable>> {
    let mut sum: Option<Variable> = None;
    for (name, term) in terms {
        if let Some(report) = &mut report {
            report.insert(name.into(), term.scalar()?);
        }
        sum = Some(match sum {
            Some(sum) => sum.add(&term)?,
            None => term,
        });
    }
    Ok(sum)
}

/// A scalar loss as an output to differentiate.
fn whole(loss: &Variable) -> Output<'_> {
    Output { variable: loss, weight: None }
}

/// Each sample's gradient `[batch, ...]` times its factor `[batch]`.
fn per_sample(gradient: &Variable, factors: &Variable) -> Result<Variable> {
    let mut shape = vec![1; gradient.rank()];
    shape[0] = factors.elements();
    Ok(gradient.mul(&factors.reshape(&shape)?)?)
}

/// The share of scores above `threshold`.
fn share_above(scores: &Variable, threshold: f64) -> Result<f64> {
    let scores = scores.to_vec_f32()?;
    let above = scores.iter().filter(|&&score| f64::from(score) > threshold).count();
    Ok(above as f64 / scores.len().max(1) as f64)
}
