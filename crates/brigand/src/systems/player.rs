//! A network that learns, and the step that several take together.

use brigand_autograd::{Output, Variable};

use super::Optimizer;
use super::state::{Fragment, State};
use crate::error::Result;
use crate::networks::{Network, joint_gradients};
use crate::systems::OptimizerRecipe;

/// A network and the optimizer of its weights.
pub struct Player {
    /// The network.
    pub network: Network,
    /// How its weights step.
    pub optimizer: Optimizer,
}

impl Player {
    /// A player that has not stepped yet.
    pub fn new(network: Network, recipe: OptimizerRecipe) -> Self {
        Self { network, optimizer: Optimizer::new(recipe) }
    }

    /// One step along `gradients`, in the weights' order, with `scale` times the step size.
    ///
    /// # Errors
    /// If the gradients are not those of its weights.
    pub fn step(&mut self, gradients: &[Variable], scale: f64) -> Result<()> {
        self.optimizer.scale = scale;
        self.optimizer.step(&mut self.network.weights, gradients)
    }
}

/// One step of all `players` down scalar `loss`, with `scale` times their step sizes. Networks that the loss passes
/// through without being named here stay as they are.
///
/// # Errors
/// If the loss does not depend on one of their parameters.
pub fn descend(players: &mut [&mut Player], loss: &Variable, scale: f64) -> Result<()> {
    let networks: Vec<&Network> = players.iter().map(|player| &player.network).collect();
    let gradients = joint_gradients(&networks, &[Output { variable: loss, weight: None }])?;
    players.iter_mut().zip(gradients).try_for_each(|(player, own)| player.step(&own, scale))
}

impl Fragment for Player {
    fn save(&self, name: &str, state: &mut State) -> Result<()> {
        self.network.save(name, state)?;
        self.optimizer.save(&format!("optimizer.{name}"), state)
    }

    fn restore(&mut self, name: &str, state: &State) -> Result<()> {
        self.network.restore(name, state)?;
        self.optimizer.restore(&format!("optimizer.{name}"), state)
    }
}
