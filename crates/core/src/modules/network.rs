//! A module with its parameters.

use crate::random::Stream;
use brigand_autograd::{Variable, without_recording};

use super::builder::Builder;
use super::estimate::{Estimate, Identity, Statistics};
use super::parameters::{Buffers, Parameters, Weights};
use super::part::Part;
use super::pass::{Mode, Pass};
use crate::error::Result;
use crate::setup::Setup;
use crate::state::State;

/// A module `M`, whose `forward` has whatever inputs and outputs it needs, and its parameters.
pub struct Network<M> {
    /// The computation.
    pub module: M,
    pub(crate) parameters: Parameters,
    /// Statistics for sampling that were estimated for the present weights; without them sampling takes training's.
    sampling: Option<Buffers>,
    identity: Identity,
}

/// How a network is run.
pub struct How<'a> {
    /// Other weights than its own: averaged or unrolled ones.
    pub weights: Option<&'a Weights>,
    /// How statistics of the batch are used.
    pub mode: Mode,
    /// Where dropout and noise draw from.
    pub random: Option<&'a mut Stream>,
}

impl How<'_> {
    /// The network's own weights, without random draws.
    pub fn plain(mode: Mode) -> Self {
        Self { weights: None, mode, random: None }
    }
}

impl<M> Network<M> {
    /// Builds the network called `name`; its first values depend on the seed and the parameters' paths alone.
    pub fn build(name: &str, setup: &Setup, make: impl FnOnce(&mut Builder) -> Result<M>) -> Result<Self> {
        let mut builder = Builder::new(name, setup.seed, &setup.place);
        let module = make(&mut builder)?;
        Ok(Self { module, parameters: builder.finish(), sampling: None, identity: Identity::new() })
    }

    /// The same parameters under another computation.
    pub fn map<N>(self, change: impl FnOnce(M) -> N) -> Network<N> {
        Network {
            module: change(self.module),
            parameters: self.parameters,
            sampling: self.sampling,
            identity: self.identity,
        }
    }

    /// Its parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// One pass: `forward` calls the module with its inputs.
    pub fn run<R>(
        &mut self,
        how: How<'_>,
        forward: impl FnOnce(&M, &mut Pass<'_>) -> Result<R>,
    ) -> Result<R> {
        let Parameters { weights, buffers, place, .. } = &self.parameters;
        let mut pass = Pass::new(how.weights.unwrap_or(weights), buffers, how.mode, place, how.random);
        let output = forward(&self.module, &mut pass)?;
        for (id, value) in std::mem::take(&mut pass.updates) {
            self.parameters.buffers.set(id, value)?;
        }
        Ok(output)
    }

    /// One pass with running statistics, which changes nothing; recorded, so that gradients can flow to the inputs.
    pub fn evaluate<R>(
        &self,
        weights: Option<&Weights>,
        forward: impl FnOnce(&M, &mut Pass<'_>) -> Result<R>,
    ) -> Result<R> {
        self.evaluate_by(None, weights, forward)
    }

    /// As [`Network::evaluate`], with given statistics where there are some.
    fn evaluate_by<R>(
        &self,
        given: Option<&Buffers>,
        weights: Option<&Weights>,
        forward: impl FnOnce(&M, &mut Pass<'_>) -> Result<R>,
    ) -> Result<R> {
        let Parameters { weights: own, buffers, place, .. } = &self.parameters;
        let buffers = given.or(self.sampling.as_ref()).unwrap_or(buffers);
        forward(&self.module, &mut Pass::new(weights.unwrap_or(own), buffers, Mode::Sampling, place, None))
    }

    /// As [`Network::sample`] with stored or given statistics; or, to estimate them, one unrecorded pass with those of its
    /// batch, which the estimate takes in.
    pub fn sample_with<R>(
        &self,
        weights: Option<&Weights>,
        input: &Variable,
        statistics: &mut Statistics<'_>,
        forward: impl FnOnce(&M, &mut Pass<'_>) -> Result<R>,
    ) -> Result<R> {
        let estimate = match statistics {
            Statistics::Stored => return self.sample(weights, input, forward),
            Statistics::Given(estimate) => {
                let run = || self.evaluate_by(estimate.found(self.identity), weights, forward);
                return if input.has_history() { run() } else { without_recording(run) };
            }
            Statistics::Estimated(estimate) => estimate,
        };
        let Parameters { weights: own, buffers, place, .. } = &self.parameters;
        let (found, seen) = estimate.so_far(self.identity, buffers);
        let mode = Mode::Estimating { seen };
        let mut pass = Pass::new(weights.unwrap_or(own), found, mode, place, None);
        let output = without_recording(|| forward(&self.module, &mut pass))?;
        let updates = std::mem::take(&mut pass.updates);
        if !updates.is_empty() {
            let mut found = found.clone();
            for (id, value) in updates {
                found.set(id, value)?;
            }
            estimate.add(self.identity, found);
        }
        Ok(output)
    }

    /// As [`Network::evaluate`], recorded only if `input` has a history, as latents have that are searched for.
    pub fn sample<R>(
        &self,
        weights: Option<&Weights>,
        input: &Variable,
        forward: impl FnOnce(&M, &mut Pass<'_>) -> Result<R>,
    ) -> Result<R> {
        let run = || self.evaluate(weights, forward);
        if input.has_history() { run() } else { without_recording(run) }
    }
}

impl<M> Part for Network<M> {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        self.parameters.save(name, state)?;
        self.sampling.as_ref().map_or(Ok(()), |found| found.save(&format!("sampling.{name}"), state))
    }

    fn restore(&mut self, name: &str, state: &mut State) -> Result<()> {
        self.parameters.restore(name, state)?;
        let mut found = self.parameters.buffers.clone();
        let name = format!("sampling.{name}");
        let held = found.names().first().is_some_and(|path| state.holds(&format!("{name}.{path}")));
        self.sampling = if held {
            found.restore(&name, state)?;
            Some(found)
        } else {
            None
        };
        Ok(())
    }

    fn sample_by(&mut self, estimate: Option<&Estimate>) -> usize {
        self.sampling = estimate.and_then(|estimate| estimate.found(self.identity)).cloned();
        usize::from(self.sampling.is_some())
    }

    fn parameters(&self) -> Vec<&Parameters> {
        vec![&self.parameters]
    }
}
