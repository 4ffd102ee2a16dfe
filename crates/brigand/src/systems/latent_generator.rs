//! A generator in training, with the space of its latents.

use brigand_autograd::Variable;
use brigand_core::capability::{Sampler, Sampling};
use brigand_core::latent::{LatentRecipe, LatentSpace};
use brigand_core::modules::{Estimate, How, Mode, Parameters, Part, Statistics};
use brigand_core::networks::{Generator, GeneratorOptions, NetworkRecipe};
use brigand_core::players::{Draw, OptimizerRecipe, Player, Schedule};
use brigand_core::state::State;
use brigand_core::{Result, Setup};

/// A generator from noise, and how it steps.
pub struct LatentGenerator {
    /// The network and its optimizer.
    pub player: Player<Generator>,
    sampling: Sampling,
}

impl LatentGenerator {
    /// A generator of the data's samples, called `name`. Two of one system need different names, or they would start
    /// with the same weights.
    ///
    /// # Errors
    /// If the network does not fit the samples.
    pub fn new(
        name: &str,
        network: &NetworkRecipe,
        latent: LatentRecipe,
        (optimizer, schedule): (OptimizerRecipe, Schedule),
        setup: &Setup,
    ) -> Result<Self> {
        let sample = setup.schema.sample_shape()?;
        let network = network.generator(name, setup, GeneratorOptions::new(latent.size, sample))?;
        Ok(Self {
            player: Player::new(network, optimizer)?.scheduled(schedule),
            sampling: Sampling::new(LatentSpace::new(vec![latent.part()]), setup)?,
        })
    }

    /// `count` latents for `purpose`, `[count, size]`.
    ///
    /// # Errors
    /// If they do not fit the device.
    pub fn draw(&self, draw: Draw, purpose: &str, count: usize) -> Result<Variable> {
        draw.rows(purpose, count, |count, stream| self.latents(count, stream))
    }

    /// The samples of `latents` in training, with gradients to the generator's weights.
    ///
    /// # Errors
    /// If the latents do not fit the network.
    pub fn generate_batch(&mut self, latents: &Variable, mode: Mode) -> Result<Variable> {
        self.player.run_with(How::plain(mode), |generator, pass| generator.forward(pass, latents, None))
    }
}

impl Sampler for LatentGenerator {
    fn sampling(&self) -> &Sampling {
        &self.sampling
    }

    fn generate_with(&self, latents: &Variable, statistics: &mut Statistics<'_>) -> Result<Variable> {
        self.sampling.space.check(latents)?;
        self.player.sample_with(latents, statistics, |generator, pass| generator.forward(pass, latents, None))
    }
}

impl Part for LatentGenerator {
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
