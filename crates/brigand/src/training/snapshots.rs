//! The picture of the same latents that a run takes again and again.

use brigand_autograd::Variable;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::pictures::{Grid, Histogram, Picture, Scatter, image_grid};
use crate::random::Stream;
use crate::recipe::Common;
use crate::systems::System;

/// Points in a picture of points, real and generated.
const POINTS: usize = 2000;
const BINS: usize = 60;

enum Backdrop {
    Images,
    Plane(Scatter),
    Line(Histogram),
}

/// Fixed latents, and what their samples are drawn upon.
pub(super) struct Snapshots {
    latents: Variable,
    backdrop: Backdrop,
}

impl Snapshots {
    pub(super) fn new(system: &dyn System, data: &Dataset, common: &Common) -> Result<Self> {
        let real = || data.get(&(0..POINTS.min(data.len())).collect::<Vec<_>>());
        let (count, backdrop) = match system.sample_shape().dims()[..] {
            [_, _, _] => (common.samples.count, Backdrop::Images),
            [2] => (POINTS, Backdrop::Plane(Scatter::new(&real()?.values)?)),
            [1] => (POINTS, Backdrop::Line(Histogram::new(&real()?.values, BINS)?)),
            ref other => {
                return Err(Error::Network(format!("samples of shape {other:?} have no picture; use images or 1-D or 2-D points")));
            }
        };
        let latents = system.latents(count, &mut Stream::new(common.training.seed, "samples/latents", 0))?;
        Ok(Self { latents, backdrop })
    }

    pub(super) fn draw(&self, system: &dyn System, step: u64) -> Result<Picture> {
        let samples = system.generate(&self.latents)?;
        let values = samples.to_vec_f32()?;
        Ok(match &self.backdrop {
            Backdrop::Images => {
                let (count, channels, height, width) = samples.dims4("samples")?;
                image_grid(&values, [count, channels, height, width], Grid::default())?
            }
            Backdrop::Plane(scatter) => scatter.draw(&values, &format!("step {step}"))?,
            Backdrop::Line(histogram) => histogram.draw(&values, &format!("step {step}"))?,
        })
    }
}
