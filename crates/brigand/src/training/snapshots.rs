//! The pictures that a run takes again and again, of the same latents, and what it measures beside them.

use brigand_autograd::Variable;

use super::load_data;
use crate::data::{Dataset, Modes};
use crate::error::Result;
use crate::evaluation::{Features, ModeCoverage};
use crate::latent_tools::{
    LatentGrid, category_grid, code_grid, continuous_coordinates, draw_codes, examples, manifold, reconstruct,
};
use crate::networks::{SampleKind, SampleShape};
use crate::pictures::{Picture, SQUARES, cluster_montage, with_row_names};
use crate::random::Stream;
use crate::recipe::{Common, Recipe};
use crate::sampling::{Backdrop, POINTS};
use crate::systems::{CATEGORY, CLASS, CODE, RealBatch, Report, System};

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

/// Fixed latents and real samples, and what their pictures are drawn upon.
pub(super) struct Snapshots {
    latents: Variable,
    grids: Vec<(String, LatentGrid)>,
    /// What is to be rebuilt.
    real: RealBatch,
    /// What is to be encoded, and what its classes are called.
    encoded: RealBatch,
    classes: Vec<String>,
    backdrop: Backdrop,
    modes: Option<Modes>,
}

/// The series of pictures of samples.
pub(super) const SAMPLES: &str = "samples";
/// The series of grids with a class in each row.
const CLASSES: &str = "classes";
/// Samples in a row of a grid.
const COLUMNS: usize = 10;
/// Rows of a grid.
const MOST_ROWS: usize = 20;
/// Continuous codes that have a grid of their own.
const MOST_CODES: usize = 10;
/// Images that are rebuilt, and how many of them stand in a row.
const REBUILT: (usize, usize) = (32, 8);
/// Samples along each side of a plane of latents.
const PLANE: usize = 12;

/// Pictures by the name of their series, and measurements.
pub(super) struct Snapshot {
    pub(super) pictures: Vec<(String, Picture)>,
    pub(super) measured: Report,
}

impl Snapshots {
    pub(super) fn new(system: &dyn System, data: &Dataset, common: &Common) -> Result<Self> {
        let (backdrop, seed) = (Backdrop::new(data)?, common.training.seed);
        let images = matches!(backdrop, Backdrop::Images);
        let count = if images { common.samples.count } else { POINTS };
        let latents = system.latents(count, &mut Stream::new(seed, "samples/latents", 0))?;
        let grids = if images { grids(system, seed)? } else { Vec::new() };
        let rebuilt = if images { REBUILT.0 } else { POINTS };
        let real = examples(data, rebuilt, system.device())?;
        // Reading thousands of images is worth it only for a system that draws something of them.
        let in_plane = continuous_coordinates(&system.latent_space()?).len() == 2;
        let sorts = system.classify(&real.samples)?.is_some();
        let encoded = match sorts || (in_plane && reconstruct(system, &real)?.is_some()) {
            true => examples(data, POINTS, system.device())?,
            false => real.clone(),
        };
        let classes = data.labels().map_or_else(Vec::new, |labels| labels.classes.clone());
        Ok(Self { latents, grids, real, encoded, classes, backdrop, modes: data.modes().cloned() })
    }

    /// Samples; of what the latents mean a grid each; real samples as they are rebuilt; in the plane also their
    /// density and the discriminator's opinion of every place; and how well the modes are covered where the data has
    /// modes.
    pub(super) fn take(&self, system: &dyn System, step: u64) -> Result<Snapshot> {
        let samples = system.generate(&self.latents)?;
        let (values, caption) = (samples.to_vec_f32()?, format!("step {step}"));
        let drawn = self.backdrop.draw(&values, samples.shape(), None, &caption)?;
        let mut pictures = vec![(SAMPLES.to_owned(), drawn)];
        for (series, grid) in &self.grids {
            let mut picture = grid.draw(system, &self.backdrop, &caption)?;
            if series == CLASSES {
                picture = with_row_names(&picture, grid.rows(), &self.classes)?;
            }
            pictures.push((series.clone(), picture));
        }
        if let Some(rebuilt) = reconstruct(system, &self.real)? {
            let picture = rebuilt.draw(system, &self.backdrop, REBUILT.1, &caption)?;
            pictures.push(("reconstructions".to_owned(), picture));
        }
        if let Some(picture) = draw_codes(system, &self.encoded, &self.classes, &caption)? {
            pictures.push(("codes".to_owned(), picture));
        }
        if let Some(picture) = self.clusters(system, &caption)? {
            pictures.push(("clusters".to_owned(), picture));
        }
        if let Backdrop::Plane(plane) = &self.backdrop {
            pictures.push(("density".to_owned(), plane.draw_density(&values, &caption)?));
            let places = Variable::from_slice(&plane.places(), &[SQUARES * SQUARES, 2])?;
            if let Some((scores, slopes)) = system.opinion(&places.to_device(samples.device())?)? {
                let (scores, slopes) = (scores.to_vec_f32()?, slopes.to_vec_f32()?);
                pictures.push(("field".to_owned(), plane.draw_field(&scores, &slopes, &caption)?));
            }
        }
        let measured = match &self.modes {
            Some(modes) => coverage(values, modes)?,
            None => Report::new(),
        };
        Ok(Snapshot { pictures, measured })
    }

    /// What a system that tells samples apart makes of them: the regions of the plane, or the images of each cluster.
    fn clusters(&self, system: &dyn System, caption: &str) -> Result<Option<Picture>> {
        let places = match &self.backdrop {
            Backdrop::Images => self.encoded.samples.clone(),
            Backdrop::Plane(plane) => {
                let places = Variable::from_slice(&plane.places(), &[SQUARES * SQUARES, 2])?;
                places.to_device(system.device())?
            }
            Backdrop::Line(_) => return Ok(None),
        };
        let Some(found) = system.classify(&places)? else { return Ok(None) };
        let clusters = found.elements() / places.shape()[0].max(1);
        let found = found.to_vec_f32()?;
        Ok(Some(match &self.backdrop {
            Backdrop::Plane(plane) => plane.draw_regions(&found, clusters, caption)?,
            _ => {
                let shape = places.dims4("clusters")?;
                let shape = [shape.0, shape.1, shape.2, shape.3];
                cluster_montage(&places.to_vec_f32()?, shape, (&found, clusters), COLUMNS)?
            }
        }))
    }
}

/// A grid for everything that the system's latents can be asked for, by the name of its series.
fn grids(system: &dyn System, seed: u64) -> Result<Vec<(String, LatentGrid)>> {
    let space = system.latent_space()?;
    let mut grids = Vec::new();
    for (name, series) in [(CLASS, CLASSES), (CATEGORY, "categories")] {
        if space.category(name).is_ok() {
            grids.push((series.to_owned(), category_grid(system, name, MOST_ROWS, COLUMNS, seed)?));
        }
    }
    let codes = space.part(CODE).map_or(0..0, |(range, _)| range);
    for (number, axis) in codes.enumerate().take(MOST_CODES) {
        grids.push((format!("code-{number}"), code_grid(system, axis, COLUMNS, COLUMNS, seed)?));
    }
    if let [across, up] = *continuous_coordinates(&space) {
        grids.push(("manifold".to_owned(), manifold(system, Some([across, up]), PLANE, seed)?));
    }
    Ok(grids)
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
