//! The players' updates.

use brigand_autograd::{GradientOptions, Output, Variable, grad_of, without_recording};

use super::super::Report;
use super::super::adversary::share_above;
use super::super::feed::Feed;
use super::super::latent::CLASS;
use super::super::recognition::labels;
use super::Duel;
use super::conditions::{CATEGORY_LOSS, INFORMATION, Learner, Told};
use super::recipe::Order;
use crate::error::{Error, Result};
use crate::layers::{Mode, Weights};
use crate::networks::{Network, Observed, Setting, joint_gradients};
use crate::objectives::{Scores, SharedPass};
use crate::random::Stream;
use crate::techniques::{EncoderRecipe, off_diagonal_penalty, pack};
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
    /// What real sample and fake of a pair are of and are not of.
    told: Told,
}

impl Shown {
    /// The condition of each pair's real sample and fake, where the discriminator hears one.
    fn condition(&self, heard: bool) -> Option<&Variable> {
        self.told.classes.as_ref().filter(|_| heard)
    }
}

/// What the discriminator said about both.
struct Judged {
    real: Observed,
    fake: Observed,
    /// The objective's part of the loss.
    adversarial: Variable,
    /// What its second head adds, by name.
    recognition: Vec<(&'static str, Variable)>,
}

impl Judged {
    fn loss(&self) -> Result<Variable> {
        let add = |sum: Variable, (_, term): &(&str, Variable)| Ok(sum.add(term)?);
        self.recognition.iter().try_fold(self.adversarial.clone(), add)
    }
}

/// The generator's batch: its latents and what it made of them.
pub(super) struct Made {
    pub(super) latents: Variable,
    pub(super) samples: Variable,
    /// The classes that were asked for: those of the real batch it is compared with.
    classes: Option<Vec<u32>>,
}

impl Duel {
    /// Fakes for the real batch of `draw`, from latents drawn for `purpose`. Conditional fakes are of that batch's
    /// classes, so that no prior of classes tells them apart.
    pub(super) fn make(
        &mut self,
        feed: &mut Feed,
        purpose: &str,
        (number, draw): (u64, Draw),
        mode: Mode,
    ) -> Result<Made> {
        let mut stream = Stream::new(feed.seed(), purpose, number);
        let mut latents = self.space.draw(feed.batch_size(), &mut stream, &self.device)?;
        let classes = match self.recipe.condition.is_on() {
            true => Some(labels(&feed.batch(draw.number)?)?.to_vec()),
            false => None,
        };
        if let Some(classes) = &classes {
            latents = self.space.with_category(&latents, CLASS, classes)?;
        }
        let (input, condition) = self.heard(&latents)?;
        let setting = Setting { condition: condition.as_ref(), ..Setting::plain(mode) };
        let samples = self.generator.network.observe(setting, &input)?.output;
        Ok(Made { latents, samples, classes })
    }

    /// What is true of the pairs, and a wrong class for each.
    fn told(&self, made: &Made, draw: Draw) -> Result<Told> {
        let (classes, latents) = (self.space.classes(), made.latents.clone());
        let Some(right) = &made.classes else { return Ok(Told { latents, classes: None, wrong: None }) };
        let mut stream = draw.stream("wrong classes");
        let wrong: Vec<u32> = right
            .iter()
            .map(|&class| ((class as usize + 1 + stream.index(classes.max(2) - 1)) % classes.max(1)) as u32)
            .collect();
        let one_hot = |of: &[u32]| Variable::one_hot(of, classes, latents.dtype(), &self.device);
        Ok(Told { classes: Some(one_hot(right)?), wrong: Some(one_hot(&wrong)?), latents })
    }

    /// Both batches as the discriminator gets them; `purpose` keeps the players' noise apart.
    fn show(&self, real: &Variable, fake: &Variable, told: Told, purpose: &str, draw: Draw) -> Result<Shown> {
        let techniques = &self.recipe.techniques;
        let (real, fake) = (pack(real, techniques.packing)?, pack(fake, techniques.packing)?);
        let mut stream = draw.stream(&format!("noise/{purpose}"));
        let noise = techniques.instance_noise;
        let noisy_real = noise.add(&real, draw.step, &mut stream)?;
        let noisy_fake = noise.add(&fake, draw.step, &mut stream)?;
        Ok(Shown { real, fake, noisy_real, noisy_fake, told })
    }

    /// The discriminator's verdict on both batches and its loss, penalties aside.
    fn judge(
        &mut self,
        weights: Option<&Weights>,
        shown: &Shown,
        mode: Mode,
        stream: &mut Stream,
    ) -> Result<Judged> {
        let condition = shown.condition(self.conditions_critic());
        let real = self.critic.judge(weights, (&shown.noisy_real, condition), mode, stream)?;
        let fake = self.critic.judge(weights, (&shown.noisy_fake, condition), mode, stream)?;
        let adversarial = self.recipe.objective.discriminator_loss(&scores(&real, &fake, shown))?;
        let recognition = self.recognition_terms(Learner::Discriminator, &real, &fake, &shown.told)?;
        Ok(Judged { real, fake, adversarial, recognition })
    }

    /// What a second head adds to a learner's loss.
    fn recognition_terms(
        &self,
        learner: Learner,
        real: &Observed,
        fake: &Observed,
        told: &Told,
    ) -> Result<Vec<(&'static str, Variable)>> {
        match (&real.second, &fake.second) {
            (Some(real), Some(fake)) => self.recognition.terms(learner, (real, fake), told, &self.space),
            _ => Ok(Vec::new()),
        }
    }

    fn report_verdict(&self, judged: &Judged, report: &mut Report) -> Result<()> {
        report.insert(DISCRIMINATOR_LOSS.into(), judged.adversarial.scalar()?);
        for (name, term) in &judged.recognition {
            report.insert((*name).into(), term.scalar()?);
        }
        if let Some(&loss) = report.get(CATEGORY_LOSS)
            && let Some(information) = self.recognition.information(loss)
        {
            report.insert(INFORMATION.into(), information);
        }
        if let Some(threshold) = self.recipe.objective.properties().threshold {
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
        let condition = shown.condition(self.conditions_critic());
        let critic = &mut self.critic;
        // A probe may hold both sides of every pair, one after the other.
        let mut scores = |samples: &Variable| {
            let sides = samples.shape()[0] / shown.real.shape()[0].max(1);
            let of_sides = condition
                .map(|of_pairs| Variable::concatenate(&vec![of_pairs; sides.max(1)], 0))
                .transpose()?;
            Ok(critic.judge(weights, (samples, of_sides.as_ref()), Mode::Frozen, &mut masks)?.output)
        };
        let (real, fake) = (shown.real.detach(), shown.fake.detach());
        let penalty = self.recipe.penalty.term(&mut scores, &real, &fake, &mut draw.stream("penalty"))?;
        terms.extend(penalty.map(|term| ("penalty", term)));
        if techniques.consistency.weight > 0.0 {
            let mut masks = draw.stream("consistency");
            let mut pass =
                || self.critic.judge(weights, (&shown.noisy_real, condition), Mode::Frozen, &mut masks);
            let (first, second) = (pass()?, pass()?);
            terms.push(("consistency", techniques.consistency.term(&first, &second)?));
        }
        if let Some(history) = &self.history {
            let weights = weights.unwrap_or(&self.critic.player.network.weights);
            let term = history.discriminator.term(weights, techniques.historical_averaging)?;
            terms.push(("history/discriminator", term));
        }
        sum_of(terms, report)
    }

    /// One discriminator update on a fresh real batch and what was `made`, through which no gradient flows.
    pub(super) fn update_discriminator(
        &mut self,
        feed: &mut Feed,
        made: &Made,
        draw: Draw,
        report: &mut Report,
    ) -> Result<()> {
        let real = feed.batch(draw.number)?.samples;
        let told = self.told(made, draw)?;
        let shown = self.show(&real, &made.samples.detach(), told, "discriminator", draw)?;
        let judged = self.judge(None, &shown, Mode::Training, &mut draw.stream("dropout/discriminator"))?;
        self.report_verdict(&judged, report)?;
        let mut loss = judged.loss()?;
        if let Some(terms) = self.discriminator_terms(None, &shown, draw, Some(report))? {
            loss = loss.add(&terms)?;
        }
        let gradients = self.critic.player.network.gradients(whole(&loss), None, false)?;
        self.step_discriminator(&gradients, draw.step, report)
    }

    fn step_discriminator(&mut self, gradients: &[Variable], step: u64, report: &mut Report) -> Result<()> {
        self.critic.player.step(gradients, self.recipe.schedule.at(step, self.steps))?;
        if let Some(share) = self.critic.clip()? {
            report.insert("share of clipped weights".into(), share);
        }
        match &mut self.history {
            Some(history) => history.discriminator.follow(&self.critic.player.network.weights),
            None => Ok(()),
        }
    }

    /// The discriminator's weights after the unrolled steps on this batch, as functions of the fakes.
    fn unrolled(&mut self, shown: &Shown, draw: Draw) -> Result<Option<Weights>> {
        let unrolling = self.recipe.techniques.unrolling;
        if unrolling.steps == 0 {
            return Ok(None);
        }
        let mut weights = self.critic.player.network.weights.clone();
        let mut optimizer = self.critic.player.optimizer.unrolled(&weights)?;
        for number in 0..unrolling.steps {
            let mut masks = draw.stream(&format!("dropout/unrolled/{number}"));
            let judged = self.judge(Some(&weights), shown, Mode::Frozen, &mut masks)?;
            let mut loss = judged.loss()?;
            if let Some(terms) = self.discriminator_terms(Some(&weights), shown, draw, None)? {
                loss = loss.add(&terms)?;
            }
            let inputs: Vec<&Variable> = weights.values().iter().collect();
            let full = unrolling.gradient.differentiates_steps();
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
        if matching.weight == 0.0 {
            return objective();
        }
        let (Some(real), Some(fake)) = (&real.features, &fake.features) else {
            return Err(Error::Internal("feature matching got no features of the discriminator".into()));
        };
        let term = matching.term(real, fake)?;
        if matching.alone { Ok(term) } else { Ok(objective()?.add(&term)?) }
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
                    let rebuilt = self.generator.network.forward(&codes, Mode::Frozen)?;
                    let apart = real.sub(&rebuilt)?.square()?.mean_all()?.scale(distance)?;
                    let packed = pack(&rebuilt, techniques.packing)?;
                    let masks = &mut draw.stream("dropout/regularization");
                    let judged = self.critic.judge(None, (&packed, None), Mode::Frozen, masks)?.output;
                    let missing = judged.neg()?.softplus()?.mean_all()?.scale(judgement)?;
                    terms.push(("mode regularization", apart.add(&missing)?));
                }
            }
        }
        if techniques.orthogonal > 0.0
            && let Some(term) = off_diagonal_penalty(&self.generator.network.weights)?
        {
            terms.push(("orthogonal", term.scale(techniques.orthogonal)?));
        }
        if let Some(history) = &self.history {
            let weight = techniques.historical_averaging;
            terms.push((
                "history/generator",
                history.generator.term(&self.generator.network.weights, weight)?,
            ));
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
        let objective_uses_real = self.recipe.objective.properties().generator_uses_real;
        let sees_real =
            unrolls || matches_features || objective_uses_real || techniques.encoder.uses_real_samples();
        let real = if sees_real { feed.batch(draw.number)?.samples } else { made.samples.detach() };
        let shown = self.show(&real, &made.samples, self.told(made, draw)?, "generator", draw)?;
        let weights = self.unrolled(&shown, draw)?;
        let mut masks = draw.stream("dropout/generator");
        let condition = shown.condition(self.conditions_critic());
        let mut judge =
            |samples| self.critic.judge(weights.as_ref(), (samples, condition), Mode::Frozen, &mut masks);
        let fake = judge(&shown.noisy_fake)?;
        let real_verdict =
            if matches_features || objective_uses_real { judge(&shown.noisy_real)? } else { fake.detach() };
        let mut loss = self.judged_generator_loss(&real_verdict, &fake, &shown)?;
        report.insert(GENERATOR_LOSS.into(), loss.scalar()?);
        for (_, term) in self.recognition_terms(Learner::Generator, &real_verdict, &fake, &shown.told)? {
            loss = loss.add(&term)?;
        }
        if let Some(terms) = self.generator_terms(made, &real, draw, report)? {
            loss = loss.add(&terms)?;
        }
        let gradients = self.learning_gradients(&[whole(&loss)])?;
        self.step_generator(gradients, draw.step)
    }

    /// The gradients of the generator, and of the encoder if there is one.
    fn learning_gradients(&self, outputs: &[Output<'_>]) -> Result<Vec<Vec<Variable>>> {
        let networks: Vec<&Network> =
            [&self.generator].into_iter().chain(&self.encoder).map(|player| &player.network).collect();
        joint_gradients(&networks, outputs)
    }

    fn step_generator(&mut self, gradients: Vec<Vec<Variable>>, step: u64) -> Result<()> {
        let scale = self.recipe.schedule.at(step, self.steps);
        let learning = [&mut self.generator].into_iter().chain(&mut self.encoder);
        learning.zip(gradients).try_for_each(|(player, own)| player.step(&own, scale))?;
        match &mut self.history {
            Some(history) => history.generator.follow(&self.generator.network.weights),
            None => Ok(()),
        }
    }

    /// Both updates from one pass of the fakes through the discriminator before its step.
    ///
    /// Where no sample of the discriminator depends on another and the objective allows it, the generator's gradient
    /// is the discriminator's own by the generated samples, each rescaled: one backward pass serves both.
    pub(super) fn update_both(&mut self, feed: &mut Feed, draw: Draw, report: &mut Report) -> Result<()> {
        let real = feed.batch(draw.number)?.samples;
        let made = self.make(feed, "latents/discriminator", (draw.number, draw), Mode::Training)?;
        // Its own leaf, so that the discriminator's backward pass ends at the fakes.
        let leaf = Variable::leaf(made.samples.tensor().clone());
        let shown = self.show(&real, &leaf, self.told(&made, draw)?, "discriminator", draw)?;
        let judged = self.judge(None, &shown, Mode::Training, &mut draw.stream("dropout/discriminator"))?;
        self.report_verdict(&judged, report)?;
        let mut generator_loss = self.judged_generator_loss(&judged.real, &judged.fake, &shown)?;
        report.insert(GENERATOR_LOSS.into(), generator_loss.scalar()?);
        let verdicts = (&judged.real, &judged.fake);
        for (_, term) in self.recognition_terms(Learner::Generator, verdicts.0, verdicts.1, &shown.told)? {
            generator_loss = generator_loss.add(&term)?;
        }
        let terms = self.discriminator_terms(None, &shown, draw, Some(report))?;
        let apart = self.critic.player.network.couples_samples()
            || self.recognition.size().is_some()
            || self.recipe.techniques.packing > 1
            || self.recipe.techniques.feature_matching.weight > 0.0;
        let verdict = scores(&judged.real, &judged.fake, &shown);
        let shared = if apart { None } else { self.recipe.objective.shared_pass(&verdict)? };
        let critic = &self.critic.player.network;
        let (mut gradients, pull) = match shared {
            Some(SharedPass { real, fake, factors }) => {
                let outputs = [
                    Output { variable: verdict.real, weight: Some(&real) },
                    Output { variable: verdict.fake, weight: Some(&fake) },
                ];
                let (gradients, own) = critic.gradients_and(&outputs, &leaf)?;
                (gradients, per_sample(&own, &factors)?)
            }
            None => {
                let options = GradientOptions { retain_graph: true, ..GradientOptions::default() };
                let pull =
                    grad_of(&[whole(&generator_loss)], &[&leaf], options)?.into_iter().flatten().next();
                let pull = pull.ok_or_else(|| {
                    Error::Internal("the merged update found no gradient by the generated samples".into())
                })?;
                (critic.gradients(whole(&judged.loss()?), None, false)?, pull)
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
        let mut outputs = vec![Output { variable: &made.samples, weight: Some(&pull) }];
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
        let order = if last { self.recipe.update.order } else { Order::Alternating };
        match order {
            Order::Merged => self.update_both(feed, draw, report),
            Order::SharedFakes => {
                let made = self.make(feed, "latents/discriminator", (draw.number, draw), Mode::Training)?;
                self.update_discriminator(feed, &made, draw, report)?;
                self.update_generator(feed, &made, draw, report)
            }
            Order::Alternating => {
                let made = without_recording(|| {
                    self.make(feed, "latents/discriminator", (draw.number, draw), Mode::Frozen)
                })?;
                self.update_discriminator(feed, &made, draw, report)
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
