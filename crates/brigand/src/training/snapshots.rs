//! The picture of the same latents that a run takes again and again.

use brigand_autograd::Variable;

use super::load_data;
use crate::data::Dataset;
use crate::error::Result;
use crate::networks::{SampleKind, SampleShape};
use crate::pictures::Picture;
use crate::random::Stream;
use crate::recipe::{Common, Recipe};
use crate::sampling::{Backdrop, POINTS};
use crate::systems::System;

/// What samples of a run are drawn upon. Only points need the real data for it.
///
/// # Errors
/// If the data cannot be read or has no picture.
pub fn backdrop_for(recipe: &Recipe, sample: SampleShape) -> Result<Backdrop> {
    match sample.kind() {
        SampleKind::Image => Ok(Backdrop::Images),
        SampleKind::Points => Backdrop::new(&load_data(recipe)?),
    }
}

/// Fixed latents, and what their samples are drawn upon.
pub(super) struct Snapshots {
    latents: Variable,
    backdrop: Backdrop,
}

impl Snapshots {
    pub(super) fn new(system: &dyn System, data: &Dataset, common: &Common) -> Result<Self> {
        let backdrop = Backdrop::new(data)?;
        let count = if matches!(backdrop, Backdrop::Images) { common.samples.count } else { POINTS };
        let latents = system.latents(count, &mut Stream::new(common.training.seed, "samples/latents", 0))?;
        Ok(Self { latents, backdrop })
    }

    pub(super) fn draw(&self, system: &dyn System, step: u64) -> Result<Picture> {
        let samples = system.generate(&self.latents)?;
        self.backdrop.draw(&samples.to_vec_f32()?, samples.shape(), None, &format!("step {step}"))
    }
}
