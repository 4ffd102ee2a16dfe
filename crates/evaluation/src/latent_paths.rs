//! Paths through the latent space of a generator, in an extractor's features.

use super::inputs::Inputs;
use super::metric::{Better, MetricRow, ScoreRow};
use super::need::Need;
use super::protocol::Setting;
use super::score::Score;
use brigand_autograd::Variable;
use brigand_core::capability::Sampler;
use candle_core::{Device, Tensor};

use super::extractors;
use super::gathering::{self, Progress};
use super::path_length::{PathLength, PathSettings};
use super::protocol::Extractor;
use brigand_core::error::Result;
use brigand_core::random::Stream;

/// The row of the path length.
pub(super) const ROW: MetricRow = MetricRow {
    name: "path-length",
    summary: "how fast features change along great arcs between latents",
    needs: &[Need::GeneratedSamples, Need::Generator],
    // A generator that gives one sample for all latents has the shortest paths, so they choose no best.
    scores: &[ScoreRow { name: "perceptual-path-length", better: Better::Neither }],
    usual: false,
    slow: false,
    measure,
};

fn measure(inputs: &Inputs<'_>) -> Result<Vec<Score>> {
    let (generator, pairs) = inputs.generator()?;
    let setting = inputs.setting();
    let mut observe = |progress| inputs.progress(progress);
    let length = follow(generator, inputs.extractor(), pairs, setting.seed, &mut observe)?;
    let extractor = described(inputs.extractor());
    Ok(vec![length.score(&Setting { extractor, ..setting.clone() })?])
}

/// The extractor as a protocol names it where nothing is rounded to 8 bits.
fn described(extractor: &extractors::Extractor) -> Extractor {
    let rounded = gathering::described(extractor);
    Extractor { resizing: rounded.resizing.replace("8 bits", "not rounded to 8 bits"), ..rounded }
}

/// The path length of `generator` along `pairs` great arcs between its latents.
///
/// The two samples at a step are closer than the 256 levels of a saved picture, so they are compared unrounded.
///
/// # Errors
/// If latents cannot be drawn, or its samples do not fit the extractor.
fn follow(
    generator: &dyn Sampler,
    extractor: &extractors::Extractor,
    pairs: usize,
    seed: u64,
    observe: &mut dyn FnMut(Progress),
) -> Result<PathLength> {
    let one = generator.latents(1, &mut Stream::new(seed, "evaluation/path-length", 0))?;
    let settings = PathSettings { pairs, choices: generator.space().choices(), ..PathSettings::default() };
    let (dimensions, mut done) = (one.elements(), 0);
    let ends = |count: usize, stream: &mut Stream| {
        let ends = generator.latents(count, stream)?.to_vec_f32()?;
        Ok(ends.into_iter().map(f64::from).collect())
    };
    let features = |points: &[f64]| {
        let mut shape = one.shape().to_vec();
        shape.iter_mut().take(1).for_each(|count| *count = points.len() / dimensions);
        let points = points.iter().map(|&coordinate| coordinate as f32).collect();
        let latents = Tensor::from_vec(points, shape.as_slice(), &Device::Cpu)?.to_device(one.device())?;
        let samples = generator.generate(&Variable::constant(latents))?.into_tensor();
        let found = extractor.extract_unrounded(&samples)?.features;
        done += shape.first().copied().unwrap_or(0) / 2;
        observe(Progress { what: "paths through the latent space", done, total: pairs });
        Ok(found.flatten_all()?.to_vec1::<f32>()?.into_iter().map(f64::from).collect())
    };
    PathLength::of(settings, dimensions, seed, ends, features)
}
