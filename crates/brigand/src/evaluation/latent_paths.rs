//! Paths through the latent space of a system, in an extractor's features.

use brigand_autograd::Variable;
use candle_core::{Device, Tensor};

use super::extractors;
use super::gathering::{self, Progress};
use super::path_length::{PathLength, PathSettings};
use super::protocol::Extractor;
use crate::error::Result;
use crate::random::Stream;
use crate::systems::System;

/// The extractor as a protocol names it where nothing is rounded to 8 bits.
pub(super) fn described(extractor: &extractors::Extractor) -> Extractor {
    let rounded = gathering::described(extractor);
    Extractor { resizing: rounded.resizing.replace("8 bits", "not rounded to 8 bits"), ..rounded }
}

/// The path length of `system` along `pairs` great arcs between its latents.
///
/// The two samples at a step are closer than the 256 levels of a saved picture, so they are compared unrounded.
///
/// # Errors
/// If the system has no latent space, or its samples do not fit the extractor.
pub(super) fn follow(
    system: &dyn System,
    extractor: &extractors::Extractor,
    pairs: usize,
    seed: u64,
    observe: &mut dyn FnMut(Progress),
) -> Result<PathLength> {
    let one = system.latents(1, &mut Stream::new(seed, "evaluation/path-length", 0))?;
    let settings =
        PathSettings { pairs, choices: system.latent_space()?.choices(), ..PathSettings::default() };
    let (dimensions, mut done) = (one.elements(), 0);
    let ends = |count: usize, stream: &mut Stream| {
        let ends = system.latents(count, stream)?.to_vec_f32()?;
        Ok(ends.into_iter().map(f64::from).collect())
    };
    let features = |points: &[f64]| {
        let mut shape = one.shape().to_vec();
        shape.iter_mut().take(1).for_each(|count| *count = points.len() / dimensions);
        let points = points.iter().map(|&coordinate| coordinate as f32).collect();
        let latents = Tensor::from_vec(points, shape.as_slice(), &Device::Cpu)?.to_device(one.device())?;
        let samples = system.generate(&Variable::constant(latents))?.into_tensor();
        let found = extractor.extract_unrounded(&samples)?.features;
        done += shape.first().copied().unwrap_or(0) / 2;
        observe(Progress { what: "paths through the latent space", done, total: pairs });
        Ok(found.flatten_all()?.to_vec1::<f32>()?.into_iter().map(f64::from).collect())
    };
    PathLength::of(settings, dimensions, seed, ends, features)
}
