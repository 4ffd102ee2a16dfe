//! The pictures that a run takes again and again, of the same latents, and what it measures beside them.

use brigand_autograd::Variable;

use super::load_data;
use crate::data::{Dataset, Modes};
use crate::error::Result;
use crate::evaluation::{Features, ModeCoverage};
use crate::networks::{SampleKind, SampleShape};
use crate::pictures::{Picture, SQUARES};
use crate::random::Stream;
use crate::recipe::{Common, Recipe};
use crate::sampling::{Backdrop, POINTS};
use crate::systems::{Report, System};

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
    modes: Option<Modes>,
}

/// The series of pictures of samples.
pub(super) const SAMPLES: &str = "samples";

/// Pictures by the name of their series, and measurements.
pub(super) struct Snapshot {
    pub(super) pictures: Vec<(&'static str, Picture)>,
    pub(super) measured: Report,
}

impl Snapshots {
    pub(super) fn new(system: &dyn System, data: &Dataset, common: &Common) -> Result<Self> {
        let backdrop = Backdrop::new(data)?;
        let count = if matches!(backdrop, Backdrop::Images) { common.samples.count } else { POINTS };
        let latents = system.latents(count, &mut Stream::new(common.training.seed, "samples/latents", 0))?;
        Ok(Self { latents, backdrop, modes: data.modes().cloned() })
    }

    /// Samples; in the plane also their density and the discriminator's opinion of every place; and how well the
    /// modes are covered where the data has modes.
    pub(super) fn take(&self, system: &dyn System, step: u64) -> Result<Snapshot> {
        let samples = system.generate(&self.latents)?;
        let (values, caption) = (samples.to_vec_f32()?, format!("step {step}"));
        let mut pictures = vec![(SAMPLES, self.backdrop.draw(&values, samples.shape(), None, &caption)?)];
        if let Backdrop::Plane(plane) = &self.backdrop {
            pictures.push(("density", plane.draw_density(&values, &caption)?));
            let places = Variable::from_slice(&plane.places(), &[SQUARES * SQUARES, 2])?;
            if let Some((scores, slopes)) = system.opinion(&places.to_device(samples.device())?)? {
                let (scores, slopes) = (scores.to_vec_f32()?, slopes.to_vec_f32()?);
                pictures.push(("field", plane.draw_field(&scores, &slopes, &caption)?));
            }
        }
        let measured = match &self.modes {
            Some(modes) => coverage(values, modes)?,
            None => Report::new(),
        };
        Ok(Snapshot { pictures, measured })
    }
}

/// Modes with a sample within three standard deviations, the share of such samples, and the divergence of their
/// counts from uniform (none without such samples).
fn coverage(samples: Vec<f32>, modes: &Modes) -> Result<Report> {
    let width = modes.centres.first().map_or(1, Vec::len);
    // A generator that left the numbers behind covers nothing; its step is refused elsewhere.
    if samples.iter().any(|value| !value.is_finite()) {
        return Ok(Report::new());
    }
    let coverage = ModeCoverage::of(&Features::new(samples, width)?, modes)?;
    let mut report = Report::new();
    report.insert("modes covered".into(), coverage.covered(1) as f64);
    report.insert("high-quality share".into(), coverage.high_quality.mean());
    if let Some(divergence) = coverage.divergence_from_uniform() {
        report.insert("KL of modes to uniform".into(), divergence);
    }
    Ok(report)
}
