//! A system in training with its data: what a run is without its folder.

use std::collections::BTreeMap;

use brigand_autograd::Variable;

use crate::batch::{Feed, Source};
use crate::capability::Sampler;
use crate::error::{Error, Result};
use crate::modules::{Parameters, Part};
use crate::place::Place;
use crate::players::{Gateway, Report, Turn};
use crate::random::Stream;
use crate::recipe::Recipe;
use crate::setup::Setup;
use crate::state::State;
use crate::system::{System, estimate_statistics};

/// The gateway's name in checkpoints.
const GATEWAY: &str = "gateway";

/// How long a system trains, how much at once, and with which seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Steps of the whole run.
    pub steps: u64,
    /// Samples in a batch.
    pub batch: usize,
    /// Decides first weights, batches and every draw.
    pub seed: u64,
}

/// A system in training with its data.
pub struct Session {
    system: Box<dyn System>,
    feed: Feed,
    gateway: Gateway,
    span: Span,
    step: u64,
    /// Whether its networks sample with estimated statistics.
    estimated: bool,
}

impl Session {
    /// Builds the system that `recipe` describes for what `sources` have.
    ///
    /// # Errors
    /// If the data lacks something, a batch is larger than it, no network fits it, or two networks start with the same weights.
    pub fn new(
        recipe: &dyn Recipe,
        sources: Vec<Box<dyn Source>>,
        span: Span,
        place: &Place,
    ) -> Result<Self> {
        let feed = Feed::new(sources, span.batch, span.seed, place)?;
        let Span { steps, batch, seed } = span;
        let setup = Setup { schema: feed.schema().clone(), batch, steps, seed, place: place.clone() };
        let mut system = recipe.build(&setup)?;
        refuse_equal_networks(system.as_mut())?;
        Ok(Self { system, feed, gateway: Gateway::default(), span, step: 0, estimated: false })
    }

    /// The same with stages that gradients pass through.
    #[must_use]
    pub fn with_gateway(self, gateway: Gateway) -> Self {
        Self { gateway, ..self }
    }

    /// The system.
    pub fn system(&self) -> &dyn System {
        self.system.as_ref()
    }

    /// The system, for counting its parameters.
    pub fn system_mut(&mut self) -> &mut dyn System {
        self.system.as_mut()
    }

    /// The data.
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// Keeps samples for measuring, as [`Feed::hold_out`].
    ///
    /// # Errors
    /// As [`Feed::hold_out`].
    pub fn hold_out(&mut self, apart: Vec<Option<Box<dyn Source>>>) -> Result<()> {
        self.feed.hold_out(apart)
    }

    /// Steps done so far.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Steps, batch and seed.
    pub fn span(&self) -> Span {
        self.span
    }

    /// One step; returns its report.
    ///
    /// # Errors
    /// If a computation fails.
    pub fn advance(&mut self) -> Result<Report> {
        let (at, seed) = ((self.step, self.span.steps), self.span.seed);
        let mut turn = Turn::new(at, seed, (0, 1), &mut self.feed, &mut self.gateway);
        // What training computes must not depend on when statistics were estimated.
        if std::mem::take(&mut self.estimated) {
            self.system.parts().into_iter().for_each(|(_, part)| {
                part.sample_by(None);
            });
        }
        self.system.train_step(&mut turn)?;
        self.step += 1;
        Ok(turn.report)
    }

    /// Steps until so many are done.
    ///
    /// # Errors
    /// As [`Session::advance`], and if a number that the last step reports is not finite.
    pub fn advance_to(&mut self, step: u64) -> Result<crate::players::Measurements> {
        let mut last = Report::default();
        while self.step < step {
            last = self.advance()?;
        }
        last.read(self.step)
    }

    /// Estimates the statistics with which it samples until the next step, as [`estimate_statistics`], over so many batches
    /// of the recipe's size, always of the same latents.
    ///
    /// # Errors
    /// If a computation fails.
    pub fn estimate_statistics(&mut self, batches: usize) -> Result<()> {
        let Span { batch, seed, .. } = self.span;
        let latents = |sampler: &dyn Sampler, number: u64| {
            sampler.latents(batch, &mut Stream::new(seed, "statistics", number))
        };
        self.estimated = true;
        estimate_statistics(self.system.as_mut(), batches, &latents)
    }

    /// What a checkpoint holds.
    ///
    /// # Errors
    /// If a value is not finite: it would replace a good checkpoint.
    pub fn save(&mut self) -> Result<State> {
        let mut state = self.system.save()?;
        self.gateway.save(GATEWAY, &mut state)?;
        state.refuse_not_finite(self.step)?;
        Ok(state)
    }

    /// Goes on from what was saved after `step` steps.
    ///
    /// # Errors
    /// If something is missing, does not fit, or is left over.
    pub fn restore(&mut self, mut state: State, step: u64) -> Result<()> {
        self.gateway.restore(GATEWAY, &mut state)?;
        self.system.restore(state)?;
        (self.step, self.estimated) = (step, true);
        Ok(())
    }
}

/// Restores a system alone from what a session saved, for use without its data.
///
/// # Errors
/// If something is missing, does not fit, or is left over.
pub fn restore_system(system: &mut dyn System, mut state: State) -> Result<()> {
    state.ignore(GATEWAY);
    system.restore(state)
}

/// First weights depend on the seed and on the network's name and paths: two networks of one name and seed start equal.
fn refuse_equal_networks(system: &mut dyn System) -> Result<()> {
    let parts = system.parts();
    let networks: Vec<&Parameters> = parts.iter().flat_map(|(_, part)| part.parameters()).collect();
    let mut first = BTreeMap::new();
    for network in networks {
        let Some(other) = first.insert(network.name(), network) else { continue };
        let values = |network: &Parameters| {
            network
                .weights()
                .values()
                .iter()
                .map(Variable::to_vec)
                .collect::<brigand_autograd::Result<Vec<_>>>()
        };
        if values(other)? == values(network)? {
            return Err(Error::Internal(format!(
                "two networks are called `{}` and start with the same weights; give each a name of its own where it is built",
                network.name()
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Schema;
    use crate::modules::{DCGAN, Linear, Network, Plan};
    use crate::system::Parts;

    struct Two([Network<Linear>; 2]);

    impl System for Two {
        fn parts(&mut self) -> Parts<'_> {
            let [first, second] = &mut self.0;
            vec![("first", first as &mut dyn Part), ("second", second as &mut dyn Part)]
        }

        fn train_step(&mut self, _turn: &mut Turn<'_>) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn two_networks_that_start_equal_are_refused() {
        let (schema, place) = (Schema::of_samples(&[2], &[]), Place::cpu());
        let setup = Setup { schema, batch: 1, steps: 1, seed: 0, place };
        let two = |names: [&str; 2]| {
            let plan = Plan::new(DCGAN);
            Two(names.map(|name| Network::build(name, &setup, |b| Linear::new(b, 2, 2, &plan)).unwrap()))
        };
        assert!(refuse_equal_networks(&mut two(["first", "second"])).is_ok());
        let message = refuse_equal_networks(&mut two(["generator"; 2])).unwrap_err().to_string();
        assert!(message.contains("two networks are called `generator`"), "{message}");
    }
}
