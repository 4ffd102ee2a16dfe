//! A network in training.

use std::ops::Range;

use brigand_autograd::Variable;

use super::average::{Average, AverageRecipe};
use super::gateway::{Permit, shortened};
use super::optimizer::{Optimizer, UnrolledOptimizer};
use super::optimizer_recipe::OptimizerRecipe;
use super::schedule::Schedule;
use super::weight_terms::WeightTerm;
use crate::error::{Error, Result};
use crate::modules::{
    Estimate, How, Mode, Network, Parameters, Part, Pass, Statistics, Weights, is_at_or_below,
};
use crate::random::Stream;
use crate::state::State;

/// A player without the type of its module, as the gateway needs it.
pub trait Learner {
    /// Its parameters.
    fn parameters(&self) -> &Parameters;

    /// What its steps are called after: its name, unless it steps by another optimizer than its own.
    fn stepped(&self) -> &str {
        self.parameters().name()
    }

    /// Which of its weights are trained, in their order.
    fn active(&self) -> Vec<usize>;

    /// The terms of its weights, by name.
    fn terms(&self) -> Result<Vec<(&'static str, Variable)>>;

    /// The factor of its step size at a step of a run.
    fn scale(&self, step: u64, steps: u64) -> f64;

    /// One step along gradients that passed the gateway. Returns its measurements, by name.
    fn step(
        &mut self,
        gradients: &[Variable],
        scale: f64,
        permit: Permit,
    ) -> Result<Vec<(&'static str, Variable)>>;
}

/// A network, the optimizer of its weights, and what follows them.
pub struct Player<M> {
    network: Network<M>,
    optimizer: Optimizer,
    schedule: Schedule,
    average: Option<Average>,
    terms: Vec<Box<dyn WeightTerm>>,
    /// The largest value of a weight, enforced after each step.
    bound: Option<f64>,
    /// The largest norm of the gradients of a step, taken together.
    longest: Option<f64>,
    /// The first parts of the paths of the weights that are trained; all where absent.
    active: Option<Vec<String>>,
    /// The steps of the run that its schedule is spread over; all where absent.
    during: Option<Range<u64>>,
}

/// Name of the share of a player's weights that stand at their bound.
pub const CLIPPED_WEIGHTS: &str = "clipped_weights";

impl<M> Player<M> {
    /// A player that has not stepped yet.
    pub fn new(network: Network<M>, recipe: OptimizerRecipe) -> Result<Self> {
        let optimizer = Optimizer::new(recipe, network.parameters().weights())?;
        let (schedule, terms) = (Schedule::Constant {}, Vec::new());
        Ok(Self {
            network,
            optimizer,
            schedule,
            average: None,
            terms,
            bound: None,
            longest: None,
            active: None,
            during: None,
        })
    }

    /// The same, sampling from the exponential average of its weights, if the recipe has one.
    #[must_use]
    pub fn averaged(mut self, recipe: AverageRecipe) -> Self {
        self.average = Average::new(recipe, self.weights());
        self
    }

    /// The same with step sizes that change.
    #[must_use]
    pub fn scheduled(self, schedule: Schedule) -> Self {
        Self { schedule, ..self }
    }

    /// The same, trained in these steps of the run alone: its schedule is spread over them.
    #[must_use]
    pub fn during(self, steps: Range<u64>) -> Self {
        Self { during: Some(steps), ..self }
    }

    /// The same with a term of its weights in every loss, if there is one.
    #[must_use]
    pub fn with_term(mut self, term: Option<impl WeightTerm + 'static>) -> Self {
        self.terms.extend(term.map(|term| Box::new(term) as Box<dyn WeightTerm>));
        self
    }

    /// The same with weights cut to `[-bound, bound]` after each step.
    #[must_use]
    pub fn clipped(self, bound: Option<f64>) -> Self {
        Self { bound, ..self }
    }

    /// The same with the gradients of a step, taken together, shortened to norm `limit` where they are longer (Pascanu et
    /// al. 2012, arXiv:1211.5063).
    #[must_use]
    pub fn shortening(self, limit: Option<f64>) -> Self {
        Self { longest: limit, ..self }
    }

    /// From now on only the weights at or below one of `paths` are trained (`level1` names `level1.weight` and not
    /// `level10.weight`): the blocks of a growing network, what is fine-tuned. `None` trains all.
    pub fn restrict(&mut self, paths: Option<&[&str]>) {
        self.active = paths.map(|paths| paths.iter().map(|path| (*path).to_owned()).collect());
    }

    /// Takes over the weights of `other`, which has the same parameters; its average starts there too. The optimizer keeps its
    /// moments.
    ///
    /// # Errors
    /// If the parameters of the two differ in number or shape.
    pub fn start_from(&mut self, other: &Self) -> Result<()> {
        let (own, theirs) = (self.weights(), other.weights());
        let shapes =
            |of: &Weights| of.values().iter().map(|value| value.shape().to_vec()).collect::<Vec<_>>();
        if shapes(own) != shapes(theirs) {
            return Err(Error::Internal(format!(
                "`{}` cannot start from the weights of `{}`: their parameters have other shapes",
                self.name(),
                other.name()
            )));
        }
        let weights = own.with_values(theirs.values().to_vec())?;
        if let Some(average) = &mut self.average {
            average.restart(&weights);
        }
        self.network.parameters.weights = weights;
        Ok(())
    }

    /// Its name, for example `generator`.
    pub fn name(&self) -> &str {
        self.network.parameters().name()
    }

    /// The computation.
    pub fn module(&self) -> &M {
        &self.network.module
    }

    /// A pass in this mode; dropout and noise draw from `stream`.
    pub fn run<R>(
        &mut self,
        mode: Mode,
        stream: &mut Stream,
        forward: impl FnOnce(&M, &mut Pass<'_>) -> Result<R>,
    ) -> Result<R> {
        self.network.run(How { weights: None, mode, random: Some(stream) }, forward)
    }

    /// A pass with other weights than its own, if given.
    pub fn run_with<R>(
        &mut self,
        how: How<'_>,
        forward: impl FnOnce(&M, &mut Pass<'_>) -> Result<R>,
    ) -> Result<R> {
        self.network.run(how, forward)
    }

    /// A pass of training that draws nothing.
    pub fn train<R>(&mut self, forward: impl FnOnce(&M, &mut Pass<'_>) -> Result<R>) -> Result<R> {
        self.network.run(How::plain(Mode::Training), forward)
    }

    /// A pass for use: averaged weights where there are any, running statistics; recorded only if `input` has a history.
    pub fn sample<R>(
        &self,
        input: &Variable,
        forward: impl FnOnce(&M, &mut Pass<'_>) -> Result<R>,
    ) -> Result<R> {
        self.network.sample(self.average.as_ref().map(Average::weights), input, forward)
    }

    /// As [`Player::sample`] with stored statistics, or estimating them.
    pub fn sample_with<R>(
        &self,
        input: &Variable,
        statistics: &mut Statistics<'_>,
        forward: impl FnOnce(&M, &mut Pass<'_>) -> Result<R>,
    ) -> Result<R> {
        let weights = self.average.as_ref().map(Average::weights);
        self.network.sample_with(weights, input, statistics, forward)
    }

    /// As [`Player::sample`], always recorded.
    pub fn evaluate<R>(&self, forward: impl FnOnce(&M, &mut Pass<'_>) -> Result<R>) -> Result<R> {
        self.network.evaluate(self.average.as_ref().map(Average::weights), forward)
    }

    /// Its weights.
    pub fn weights(&self) -> &Weights {
        self.network.parameters().weights()
    }

    /// The weights that it samples with: averaged ones where there are any.
    pub fn sampling_weights(&self) -> &Weights {
        self.average.as_ref().map_or_else(|| self.weights(), Average::weights)
    }

    /// The terms of `weights`, its own or unrolled ones, by name.
    pub(super) fn terms_of(&self, weights: &Weights) -> Result<Vec<(&'static str, Variable)>> {
        let terms = self.terms.iter().map(|term| Ok((term.name(), term.term(weights)?)));
        let present = terms.map(|term| term.map(|(name, term)| term.map(|term| (name, term))));
        Ok(present.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    /// `weights` cut to its bound, if it has one, with their history.
    pub(super) fn cut(&self, weights: Weights) -> Result<Weights> {
        let Some(bound) = self.bound else { return Ok(weights) };
        let cut = weights.values().iter().map(|value| Ok(value.clamp(-bound, bound)?));
        weights.with_values(cut.collect::<Result<_>>()?)
    }

    /// Where differentiable steps of `scale` times the step size would start.
    pub fn unrolled(&self, scale: f64) -> Result<UnrolledOptimizer> {
        self.optimizer.unrolled(self.weights(), scale)
    }

    /// It, stepping by another optimizer.
    pub fn by<'a>(&'a mut self, optimizer: &'a mut Optimizer) -> By<'a, M> {
        By { player: self, optimizer }
    }
}

impl<M> Learner for Player<M> {
    fn parameters(&self) -> &Parameters {
        self.network.parameters()
    }

    fn active(&self) -> Vec<usize> {
        let names = self.weights().names().iter().enumerate();
        let chosen = |name: &str| match &self.active {
            Some(paths) => paths.iter().any(|path| is_at_or_below(name, path)),
            None => true,
        };
        names.filter(|(_, name)| chosen(name)).map(|(index, _)| index).collect()
    }

    fn terms(&self) -> Result<Vec<(&'static str, Variable)>> {
        self.terms_of(self.weights())
    }

    fn scale(&self, step: u64, steps: u64) -> f64 {
        match &self.during {
            Some(Range { start, end }) => {
                self.schedule.at(step.saturating_sub(*start), end.saturating_sub(*start))
            }
            None => self.schedule.at(step, steps),
        }
    }

    fn step(
        &mut self,
        gradients: &[Variable],
        scale: f64,
        _: Permit,
    ) -> Result<Vec<(&'static str, Variable)>> {
        let active = self.active();
        let shorter = self.longest.map(|limit| shortened(gradients, limit)).transpose()?;
        let gradients = shorter.as_deref().unwrap_or(gradients);
        let mut weights =
            self.optimizer.step(self.network.parameters().weights(), (&active, gradients), scale)?;
        let mut measured = Vec::new();
        if let Some(bound) = self.bound {
            let (clipped, share) = clip(&weights, bound)?;
            weights = clipped;
            measured.extend(share.map(|share| (CLIPPED_WEIGHTS, share)));
        }
        if let Some(average) = &mut self.average {
            average.follow(&weights)?;
        }
        self.terms.iter_mut().try_for_each(|term| term.follow(&weights))?;
        self.network.parameters.weights = weights;
        Ok(measured)
    }
}

/// The weights cut to `[-bound, bound]`, and the share of them that then stands at a bound.
fn clip(weights: &Weights, bound: f64) -> Result<(Weights, Option<Variable>)> {
    let (mut cut, mut at_bound) = (Vec::with_capacity(weights.values().len()), None::<Variable>);
    for value in weights.values() {
        let value = value.detach().clamp(-bound, bound)?;
        let own = value.abs()?.at_least(&value.full_like(bound)?)?.sum_all()?;
        at_bound = Some(match at_bound {
            Some(sum) => sum.add(&own)?,
            None => own,
        });
        cut.push(Variable::leaf(value.into_tensor()));
    }
    let share = at_bound.map(|sum| sum.scale(1.0 / weights.count().max(1) as f64)).transpose()?;
    Ok((weights.with_values(cut)?, share))
}

/// A player that steps by another optimizer than its own: the phases of an adversarial auto-encoder.
pub struct By<'a, M> {
    player: &'a mut Player<M>,
    optimizer: &'a mut Optimizer,
}

impl<M> Learner for By<'_, M> {
    fn parameters(&self) -> &Parameters {
        Learner::parameters(&*self.player)
    }

    fn stepped(&self) -> &str {
        "another optimizer"
    }

    fn active(&self) -> Vec<usize> {
        self.player.active()
    }

    fn terms(&self) -> Result<Vec<(&'static str, Variable)>> {
        self.player.terms()
    }

    fn scale(&self, step: u64, steps: u64) -> f64 {
        self.player.scale(step, steps)
    }

    fn step(
        &mut self,
        gradients: &[Variable],
        scale: f64,
        permit: Permit,
    ) -> Result<Vec<(&'static str, Variable)>> {
        std::mem::swap(&mut self.player.optimizer, self.optimizer);
        let done = self.player.step(gradients, scale, permit);
        std::mem::swap(&mut self.player.optimizer, self.optimizer);
        done
    }
}

impl<M> Part for Player<M> {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        self.network.save(name, state)?;
        self.optimizer.save(&format!("optimizer.{name}"), state)?;
        self.average.save(&format!("average.{name}"), state)?;
        self.terms.iter().try_for_each(|term| term.save(&format!("{}.{name}", term.name()), state))
    }

    fn restore(&mut self, name: &str, state: &mut State) -> Result<()> {
        self.network.restore(name, state)?;
        self.optimizer.restore(&format!("optimizer.{name}"), state)?;
        self.average.restore(&format!("average.{name}"), state)?;
        let mut terms = self.terms.iter_mut();
        terms.try_for_each(|term| term.restore(&format!("{}.{name}", term.name()), state))
    }

    fn parameters(&self) -> Vec<&Parameters> {
        vec![self.network.parameters()]
    }

    fn sample_by(&mut self, estimate: Option<&Estimate>) -> usize {
        self.network.sample_by(estimate)
    }
}
