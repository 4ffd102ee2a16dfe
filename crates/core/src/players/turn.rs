//! One step of a run, as a system's `train_step` gets it: data, random streams, report, and optimizer steps.

use crate::random::Stream;
use brigand_autograd::{GradientOptions, Output, Variable, grad_of};

use super::gateway::Gateway;
use super::player::Learner;
use super::report::Report;
use crate::batch::{Batch, Feed};
use crate::error::{Error, Result};

/// Which draw of the run random choices belong to, at which step.
#[derive(Clone, Copy, Debug)]
pub struct Draw {
    /// Of the run.
    pub seed: u64,
    /// Counts the batches of the run.
    pub number: u64,
    /// Counts the steps of the run.
    pub step: u64,
    /// The number of this process among those that share the run, and how many there are.
    pub shard: (usize, usize),
}

impl Draw {
    /// The random numbers of this draw for `purpose`.
    pub fn stream(&self, purpose: &str) -> Stream {
        match self.shard.0 {
            0 => Stream::new(self.seed, purpose, self.number),
            rank => Stream::new(self.seed, &format!("{purpose}/rank {rank}"), self.number),
        }
    }

    /// This process's `count` rows of a draw that all processes share, so that a run does not depend on how many there
    /// are: `make` draws the rows of all.
    pub fn rows(
        &self,
        purpose: &str,
        count: usize,
        make: impl FnOnce(usize, &mut Stream) -> Result<Variable>,
    ) -> Result<Variable> {
        let (rank, ranks) = self.shard;
        let all = make(count * ranks, &mut Stream::new(self.seed, purpose, self.number))?;
        Ok(if ranks == 1 { all } else { all.narrow(0, rank * count, count)? })
    }
}

/// One step of a run.
pub struct Turn<'a> {
    /// The step, counted from 0.
    pub step: u64,
    /// Steps of the whole run.
    pub steps: u64,
    /// What the step reports.
    pub report: Report,
    seed: u64,
    shard: (usize, usize),
    feed: &'a mut Feed,
    gateway: &'a mut Gateway,
}

impl<'a> Turn<'a> {
    /// Step `at.0` of a run of `at.1` steps, of which this is process `shard.0` of `shard.1`.
    pub fn new(
        at: (u64, u64),
        seed: u64,
        shard: (usize, usize),
        feed: &'a mut Feed,
        gateway: &'a mut Gateway,
    ) -> Self {
        Self { step: at.0, steps: at.1, report: Report::default(), seed, shard, feed, gateway }
    }

    /// Draw number `number` of the run.
    pub fn draw(&self, number: u64) -> Draw {
        Draw { seed: self.seed, number, step: self.step, shard: self.shard }
    }

    /// The draw of a system that draws once in a step.
    pub fn only_draw(&self) -> Draw {
        self.draw(self.step)
    }

    /// The draws of a step in which a discriminator is updated `count` times, on a batch each time: those before the last,
    /// and the last, which the generator's update shares.
    ///
    /// # Errors
    /// If there are none.
    pub fn rounds(&self, count: u64) -> Result<(Vec<Draw>, Draw)> {
        let mut draws: Vec<Draw> =
            (self.step * count..(self.step + 1) * count).map(|number| self.draw(number)).collect();
        let last = draws.pop().ok_or_else(|| Error::Internal("a step without an update".into()))?;
        Ok((draws, last))
    }

    /// The real batch of a draw.
    pub fn batch(&mut self, draw: Draw) -> Result<Batch> {
        self.feed.batch(draw.number)
    }

    /// Notes a one-element variable without reading it.
    pub fn note(&mut self, name: &str, value: &Variable) {
        self.report.note(name, value);
    }

    /// One step of all `learners` down scalar `loss`. Networks that it passes through without being named here stay as
    /// they are.
    ///
    /// # Errors
    /// If the loss does not depend on one of their parameters: it would silently never be trained.
    pub fn descend(&mut self, learners: &mut [&mut dyn Learner], loss: &Variable) -> Result<()> {
        self.descend_outputs(learners, &[Output { variable: loss, weight: None }])
    }

    /// The same for weighted outputs.
    ///
    /// # Errors
    /// As [`Turn::descend`].
    pub fn descend_outputs(
        &mut self,
        learners: &mut [&mut dyn Learner],
        outputs: &[Output<'_>],
    ) -> Result<()> {
        let gradients = {
            let views: Vec<&dyn Learner> = learners.iter().map(|learner| &**learner).collect();
            self.gradients(&views, outputs, &[], false)?.0
        };
        self.step(learners, gradients)
    }

    /// The gradients of `outputs` and of the learners' own terms by every active parameter of each learner, and by each of
    /// `also`. Where losses are scaled, these are the gradients of the losses themselves again. For systems that
    /// differentiate one graph several times before anything steps.
    ///
    /// # Errors
    /// As [`Turn::descend`].
    pub fn gradients(
        &mut self,
        learners: &[&dyn Learner],
        outputs: &[Output<'_>],
        also: &[&Variable],
        retain_graph: bool,
    ) -> Result<(Vec<Vec<Variable>>, Vec<Variable>)> {
        let mut terms = Vec::new();
        for learner in learners {
            for (name, term) in learner.terms()? {
                self.report.note(&format!("{}/{name}", learner.parameters().name()), &term);
                terms.push(term);
            }
        }
        let factor = self.gateway.factor();
        let terms = terms.iter().map(|variable| Output { variable, weight: None });
        let outputs: Vec<Output<'_>> =
            outputs.iter().map(|output| Output { ..*output }).chain(terms).collect();
        // Weights of the outputs are needed only where losses are scaled.
        let weights = outputs.iter().map(|output| {
            Ok(match (output.weight, factor == 1.0) {
                (Some(weight), true) => Some(weight.clone()),
                (Some(weight), false) => Some(weight.scale(factor)?),
                (None, true) => None,
                (None, false) => Some(output.variable.full_like(factor)?),
            })
        });
        let weights: Vec<Option<Variable>> = weights.collect::<Result<_>>()?;
        let weighted = outputs.iter().zip(&weights);
        let weighted: Vec<Output<'_>> = weighted
            .map(|(output, weight)| Output { variable: output.variable, weight: weight.as_ref() })
            .collect();
        let actives: Vec<Vec<usize>> = learners.iter().map(|learner| learner.active()).collect();
        let own = learners.iter().zip(&actives).flat_map(|(learner, active)| {
            let weights = learner.parameters().weights().values();
            active.iter().filter_map(move |&index| weights.get(index))
        });
        let inputs: Vec<&Variable> = own.chain(also.iter().copied()).collect();
        let options = GradientOptions { retain_graph, ..GradientOptions::default() };
        let found = grad_of(&weighted, &inputs, options).map_err(|error| named(error, learners))?;
        if found.len() != inputs.len() || found.iter().any(Option::is_none) {
            return Err(Error::Internal(format!("{} gradients for {} inputs", found.len(), inputs.len())));
        }
        // At once, because the factor may be another one when these gradients reach the gateway.
        let unscaled = |of: Variable| Ok(if factor == 1.0 { of } else { of.scale(1.0 / factor)? });
        let mut found: Vec<Variable> = found.into_iter().flatten().map(unscaled).collect::<Result<_>>()?;
        let also = found.split_off(inputs.len() - also.len());
        let mut found = found.into_iter();
        let of = |active: &Vec<usize>| -> Vec<Variable> { found.by_ref().take(active.len()).collect() };
        Ok((actives.iter().map(of).collect(), also))
    }

    /// One step of each learner along its gradients, which pass the gateway.
    ///
    /// # Errors
    /// If there are not gradients for every learner.
    pub fn step(&mut self, learners: &mut [&mut dyn Learner], gradients: Vec<Vec<Variable>>) -> Result<()> {
        if gradients.len() != learners.len() {
            return Err(Error::Internal(format!(
                "{} lists of gradients for {} learners",
                gradients.len(),
                learners.len()
            )));
        }
        for (learner, own) in learners.iter_mut().zip(gradients) {
            let scale = learner.scale(self.step, self.steps);
            if let Some((own, permit)) = self.gateway.pass(learner.parameters(), own)? {
                self.report.note_trained(learner.stepped());
                for (name, value) in learner.step(&own, scale, permit)? {
                    self.report.note(name, &value);
                }
            }
        }
        Ok(())
    }

    /// Notes what `derive` computes from `values` if it is read.
    pub fn note_derived(
        &mut self,
        name: &str,
        values: &Variable,
        derive: impl Fn(&[f32]) -> f64 + Send + 'static,
    ) {
        self.report.note_derived(name, values, derive);
    }

    /// The data, for held-out and labelled samples.
    pub fn feed(&mut self) -> &mut Feed {
        self.feed
    }

    /// Whether this step is one of every `every` after which something is measured; 0 is never.
    pub fn is_due(&self, every: u64) -> bool {
        every > 0 && (self.step + 1).is_multiple_of(every)
    }

    /// The factor of a learner's step size at this step.
    pub fn scale_of(&self, learner: &dyn Learner) -> f64 {
        learner.scale(self.step, self.steps)
    }
}

/// An unused input as the parameter that it is.
fn named(error: brigand_autograd::Error, learners: &[&dyn Learner]) -> Error {
    let mut owners = learners.iter().flat_map(|learner| {
        let (name, names) = (learner.parameters().name(), learner.parameters().weights().names());
        learner.active().into_iter().filter_map(move |index| Some((name, names.get(index)?)))
    });
    let unused = match &error {
        brigand_autograd::Error::Unused { index, .. } => owners.nth(*index),
        _ => None,
    };
    match unused {
        Some((network, path)) => Error::Network(format!(
            "the loss does not depend on `{network}.{path}`, so it would never learn; leave that block out or use \
             its output"
        )),
        None => error.into(),
    }
}
