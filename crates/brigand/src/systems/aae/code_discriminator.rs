//! A discriminator between codes and draws of their prior.

use brigand_autograd::Variable;

use super::Turn;
use super::recipe::Tables;
use crate::error::Result;
use crate::networks::{Head, Hearing, Network, SampleShape};
use crate::systems::state::{Fragment, State};
use crate::systems::{Adversary, Seen, Setup};

/// The discriminator of codes and what its measurements are called.
pub(super) struct CodeDiscriminator {
    adversary: Adversary,
    /// The name of the network.
    name: &'static str,
    /// The names of its loss and of the encoder's.
    losses: [&'static str; 2],
}

impl CodeDiscriminator {
    /// A discriminator called `name` of codes of `size` coordinates, beside which it hears `heard` numbers (0 for
    /// none).
    pub(super) fn new(
        name: &'static str,
        losses: [&'static str; 2],
        (size, heard): (usize, usize),
        tables: &Tables,
        setup: &Setup<'_>,
    ) -> Result<Self> {
        let condition = if heard > 0 { Hearing::Sample(heard) } else { Hearing::Nothing };
        let (codes, head) = (SampleShape::Points { dimensions: size }, Head { condition, ..Head::default() });
        let network = tables.discriminator.discriminator(name, codes, head, setup.seed, setup.device)?;
        let adversary = Adversary::new(network, tables.optimizer.discriminator, tables.objective);
        Ok(Self { adversary, name, losses })
    }

    /// One step of it; answers the loss of the encoder that made the codes.
    pub(super) fn play(&mut self, prior: Seen<'_>, codes: Seen<'_>, turn: &mut Turn<'_>) -> Result<Variable> {
        let mut stream = turn.stream(self.name);
        let [own, encoder] = self.losses;
        let loss = self.adversary.learn(prior, codes, &mut stream, turn.scale)?;
        turn.report.insert(own.into(), loss);
        let fooling = self.adversary.fooled(prior, codes, &mut stream)?;
        turn.note(encoder, &fooling)?;
        Ok(fooling)
    }

    /// The network.
    pub(super) fn network(&self) -> &Network {
        &self.adversary.player.network
    }
}

impl Fragment for CodeDiscriminator {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        self.adversary.save(name, state)
    }

    fn restore(&mut self, name: &str, state: &State) -> Result<()> {
        self.adversary.restore(name, state)
    }
}
