//! `aae`: codes that follow a prior.

use brigand_autograd::Variable;

use super::code_discriminator::CodeDiscriminator;
use super::prior::PriorRecipe;
use super::recipe::Tables;
use super::{Form, Turn};
use crate::error::Result;
use crate::layers::Mode;
use crate::networks::{Network, SampleKind};
use crate::systems::state::{Fragment, State};
use crate::systems::{LatentPart, LatentSpace, NOISE, Seen, Setup};
use crate::training::history::{DISCRIMINATOR_LOSS, GENERATOR_LOSS};

/// The encoder says a code, and the code is the latent.
pub(super) struct Unsupervised {
    discriminator: CodeDiscriminator,
    space: LatentSpace,
}

impl Form for Unsupervised {
    fn defaults(kind: SampleKind) -> Tables {
        Tables { prior: Some(PriorRecipe::Normal { deviation: 1.0 }), ..Tables::ordinary(kind, 2) }
    }

    fn new(tables: &Tables, setup: &Setup<'_>) -> Result<Self> {
        let size = tables.latent.size;
        let prior = tables.prior.clone().unwrap_or(PriorRecipe::Normal { deviation: 1.0 });
        let distribution = prior.distribution(size, setup.classes.len())?;
        let losses = [DISCRIMINATOR_LOSS, GENERATOR_LOSS];
        Ok(Self {
            discriminator: CodeDiscriminator::new("discriminator", losses, (size, 0), tables, setup)?,
            space: LatentSpace::new(vec![LatentPart { name: NOISE, distribution }]),
        })
    }

    fn outputs(&self) -> usize {
        self.space.size()
    }

    fn latent_space(&self) -> LatentSpace {
        self.space.clone()
    }

    fn latents(&self, said: &Variable, _: Option<&[u32]>) -> Result<Variable> {
        Ok(said.clone())
    }

    fn regularize(&mut self, encoder: &mut Network, turn: &mut Turn<'_>) -> Result<Variable> {
        let codes = encoder.forward(&turn.batch.samples, Mode::Training)?;
        let drawn = self.space.draw(codes.shape()[0], &mut turn.stream("prior"), codes.device())?;
        self.discriminator.play(Seen::alone(&drawn), Seen::alone(&codes), turn)
    }

    fn networks(&self) -> Vec<&Network> {
        vec![self.discriminator.network()]
    }
}

impl Fragment for Unsupervised {
    fn save(&self, _: &str, state: &mut State) -> Result<()> {
        self.discriminator.save("discriminator", state)
    }

    fn restore(&mut self, _: &str, state: &State) -> Result<()> {
        self.discriminator.restore("discriminator", state)
    }
}
