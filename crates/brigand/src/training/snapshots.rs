//! The pictures and texts that a run takes again and again, of the same latents and real samples, and what it measures
//! beside them.

use brigand_autograd::Variable;
use brigand_core::batch::{Batch, Feed, SampleKind, SampleShape};
use brigand_core::capability::{Content, Exhibit, Sampler, SequenceSampler, Showing};
use brigand_core::latent::{CATEGORY, CLASS, CODE};
use brigand_core::players::Measurements;
use brigand_core::system::System;

use super::load_data;
use crate::data::{Dataset, Modes};
use crate::error::Result;
use crate::evaluation::{Features, ModeCoverage};
use crate::latent_tools::{
    LatentGrid, category_grid, code_grid, continuous_coordinates, draw_codes, examples, manifold, reconstruct,
};
use crate::pictures::{Grid, Names, Picture, SQUARES, cluster_montage, image_grid, with_row_names};
use crate::random::Stream;
use crate::recipe::{Common, Recipe};
use crate::sampling::{Backdrop, POINTS};

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
/// Samples of each source that systems show something of.
const EXAMPLES: usize = 8;
/// Sequences in a text of samples.
const SEQUENCES: usize = 20;

/// Fixed latents and real samples, and what their pictures are drawn upon.
pub(super) struct Snapshots {
    seed: u64,
    /// Real samples for whatever the system itself shows, held-out ones where it keeps some.
    examples: Batch,
    count: usize,
    /// Nothing for a system that makes no images or points from latents.
    sampled: Option<Sampled>,
    /// Real images or points for systems that encode, rebuild or classify them, where the data is images or points.
    real: Option<RealExamples>,
}

/// What a sampler's pictures are made of.
struct Sampled {
    latents: Variable,
    grids: Vec<(String, LatentGrid)>,
    /// What the classes are called.
    classes: Vec<String>,
    backdrop: Backdrop,
    modes: Option<Modes>,
}

/// What is to be rebuilt, and what is to be encoded or classified, with the names of its classes.
struct RealExamples {
    rebuilt: Batch,
    encoded: Batch,
    classes: Vec<String>,
    backdrop: Backdrop,
}

/// Pictures, animations and texts by the name of their series, and measurements.
#[derive(Default)]
pub(super) struct Snapshot {
    pub(super) pictures: Vec<(String, Picture)>,
    pub(super) animations: Vec<(String, Vec<Picture>)>,
    pub(super) texts: Vec<(String, Vec<String>)>,
    pub(super) measured: Measurements,
}

impl Snapshots {
    pub(super) fn new(
        system: &dyn System,
        feed: &Feed,
        data: Option<&Dataset>,
        common: &Common,
    ) -> Result<Self> {
        let (seed, count) = (common.training.seed, common.samples.count);
        let shown = EXAMPLES.min(feed.count());
        let examples = match feed.held_out_count() >= shown {
            true => feed.held_out(0..shown)?,
            false => feed.samples(&(0..shown).collect::<Vec<_>>())?,
        };
        let sampled = match (system.as_sampler(), data) {
            (Some(sampler), Some(data)) => Some(Sampled::new(sampler, data, common)?),
            (Some(_), None) | (None, _) => None,
        };
        let real = data.map(|data| RealExamples::new(system, feed, data)).transpose()?.flatten();
        Ok(Self { seed, examples, count, sampled, real })
    }

    /// Samples; of what the latents mean a grid each; real samples as they are rebuilt; in the plane also their density and
    /// the discriminator's scores of every place; how well the modes are covered where the data has modes; sequences as
    /// text; and whatever the system itself shows.
    pub(super) fn take(&self, system: &dyn System, step: u64) -> Result<Snapshot> {
        let caption = format!("step {step}");
        let mut snapshot = Snapshot::default();
        if let (Some(sampled), Some(sampler)) = (&self.sampled, system.as_sampler()) {
            sampled.take(system, sampler, &caption, &mut snapshot)?;
        }
        if let Some(real) = &self.real {
            snapshot.pictures.extend(real.take(system, &caption)?);
        }
        if let Some(sequences) = system.as_sequence_sampler() {
            snapshot.texts.push((SAMPLES.to_owned(), self.sequences(sequences)?));
        }
        let showing = Showing { seed: self.seed, examples: &self.examples, count: self.count };
        for Exhibit { series, content } in system.show(&showing)? {
            match content {
                Content::Images { images, columns } => {
                    snapshot.pictures.push((series, image_picture(&images, columns)?));
                }
                Content::Rows { images, names, columns } => {
                    let grid = image_picture(&images, columns)?;
                    let rows = images.shape().first().map_or(0, |count| count.div_ceil(columns.max(1)));
                    let picture = with_row_names(&grid, rows, Names::Captions(&names))?;
                    snapshot.pictures.push((series.clone(), picture));
                    snapshot.texts.push((series, names));
                }
                Content::Animation { frames, columns } => {
                    let frames = frames.iter().map(|images| image_picture(images, columns));
                    snapshot.animations.push((series, frames.collect::<Result<_>>()?));
                }
                Content::Text(lines) => snapshot.texts.push((series, lines)),
            }
        }
        Ok(snapshot)
    }

    fn sequences(&self, sampler: &dyn SequenceSampler) -> Result<Vec<String>> {
        let sequences = sampler.sequences(SEQUENCES, &mut Stream::new(self.seed, "samples/sequences", 0))?;
        Ok(sequences.iter().map(|tokens| sampler.text(tokens)).collect())
    }
}

fn image_picture(images: &Variable, columns: usize) -> Result<Picture> {
    let (count, channels, height, width) = images.dims4("a picture of images")?;
    let grid = Grid { columns: Some(columns), ..Grid::default() };
    Ok(image_grid(&images.to_vec_f32()?, [count, channels, height, width], grid)?)
}

impl Sampled {
    fn new(sampler: &dyn Sampler, data: &Dataset, common: &Common) -> Result<Self> {
        let (backdrop, seed) = (Backdrop::new(data)?, common.training.seed);
        let images = matches!(backdrop, Backdrop::Images);
        let count = if images { common.samples.count } else { POINTS };
        let latents = sampler.latents(count, &mut Stream::new(seed, "samples/latents", 0))?;
        let grids = if images { grids(sampler, seed)? } else { Vec::new() };
        let classes = data.labels().map_or_else(Vec::new, |labels| labels.classes.clone());
        Ok(Self { latents, grids, classes, backdrop, modes: data.modes().cloned() })
    }

    fn take(
        &self,
        system: &dyn System,
        sampler: &dyn Sampler,
        caption: &str,
        snapshot: &mut Snapshot,
    ) -> Result<()> {
        let samples = sampler.generate(&self.latents)?;
        let values = samples.to_vec_f32()?;
        let drawn = self.backdrop.draw(&values, samples.shape(), None, caption)?;
        snapshot.pictures.push((SAMPLES.to_owned(), drawn));
        for (series, grid) in &self.grids {
            let mut picture = grid.draw(sampler, &self.backdrop, caption)?;
            if series == CLASSES {
                picture = with_row_names(&picture, grid.rows(), Names::Classes(&self.classes))?;
            }
            snapshot.pictures.push((series.clone(), picture));
        }
        if let Backdrop::Plane(plane) = &self.backdrop {
            snapshot.pictures.push(("density".to_owned(), plane.draw_density(&values, caption)?));
            if let Some(field) = system.as_score_field() {
                let places = Variable::from_slice(&plane.places(), &[SQUARES * SQUARES, 2])?;
                let (scores, slopes) = field.field(&places.to_device(samples.device())?)?;
                let (scores, slopes) = (scores.to_vec_f32()?, slopes.to_vec_f32()?);
                snapshot.pictures.push(("field".to_owned(), plane.draw_field(&scores, &slopes, caption)?));
            }
        }
        if let Some(modes) = &self.modes {
            snapshot.measured.extend(coverage(values, modes)?);
        }
        Ok(())
    }
}

impl RealExamples {
    /// Nothing for a system that neither rebuilds, encodes nor classifies.
    fn new(system: &dyn System, feed: &Feed, data: &Dataset) -> Result<Option<Self>> {
        let (device, backdrop) = (&feed.place().device, Backdrop::new(data)?);
        let count = if matches!(backdrop, Backdrop::Images) { REBUILT.0 } else { POINTS };
        let encodes = system.as_encoder().is_some();
        let rebuilds = encodes || system.as_reconstructor().is_some();
        let classifies = system.as_classifier().is_some() && system.as_sampler().is_some();
        if !rebuilds && !classifies {
            return Ok(None);
        }
        let rebuilt = examples(data, count, device)?;
        // Reading thousands of images is worth it only for a system that draws something of them.
        let in_plane = encodes
            && system.as_sampler().is_some_and(|sampler| continuous_coordinates(sampler.space()).len() == 2);
        let encoded = if classifies || in_plane { examples(data, POINTS, device)? } else { rebuilt.clone() };
        let classes = data.labels().map_or_else(Vec::new, |labels| labels.classes.clone());
        Ok(Some(Self { rebuilt, encoded, classes, backdrop }))
    }

    fn take(&self, system: &dyn System, caption: &str) -> Result<Vec<(String, Picture)>> {
        let mut pictures = Vec::new();
        if let Some(rebuilt) = reconstruct(system, &self.rebuilt)? {
            let count = self.rebuilt.samples()?.shape().first().copied().unwrap_or(1);
            let picture = rebuilt.draw(&self.backdrop, REBUILT.1.min(count), caption)?;
            pictures.push(("reconstructions".to_owned(), picture));
        }
        if let Some(picture) = draw_codes(system, &self.encoded, &self.classes, caption)? {
            pictures.push(("codes".to_owned(), picture));
        }
        if let Some(picture) = self.clusters(system, caption)? {
            pictures.push(("clusters".to_owned(), picture));
        }
        Ok(pictures)
    }

    /// The classes or clusters of a system that assigns them: the regions of the plane, or the images of each cluster.
    fn clusters(&self, system: &dyn System, caption: &str) -> Result<Option<Picture>> {
        let (Some(classifier), Some(_)) = (system.as_classifier(), system.as_sampler()) else {
            return Ok(None);
        };
        let places = match &self.backdrop {
            Backdrop::Images => self.encoded.samples()?.clone(),
            Backdrop::Plane(plane) => {
                let places = Variable::from_slice(&plane.places(), &[SQUARES * SQUARES, 2])?;
                places.to_device(self.encoded.samples()?.device())?
            }
            Backdrop::Line(_) => return Ok(None),
        };
        let found = classifier.classify(&Batch::of(places.clone()))?;
        let clusters = found.elements() / places.shape()[0].max(1);
        let found = found.to_vec_f32()?;
        Ok(Some(match &self.backdrop {
            Backdrop::Plane(plane) => plane.draw_regions(&found, clusters, caption)?,
            Backdrop::Images | Backdrop::Line(_) => {
                let shape = places.dims4("clusters")?;
                let shape = [shape.0, shape.1, shape.2, shape.3];
                cluster_montage(&places.to_vec_f32()?, shape, (&found, clusters), COLUMNS)?
            }
        }))
    }
}

/// A grid for everything that the system's latents can be asked for, by the name of its series.
fn grids(sampler: &dyn Sampler, seed: u64) -> Result<Vec<(String, LatentGrid)>> {
    let space = sampler.space();
    let mut grids = Vec::new();
    for (name, series) in [(CLASS, CLASSES), (CATEGORY, "categories")] {
        if space.category(name).is_ok() {
            grids.push((series.to_owned(), category_grid(sampler, name, MOST_ROWS, COLUMNS, seed)?));
        }
    }
    let codes = space.part(CODE).map_or(0..0, |(range, _)| range);
    for (number, axis) in codes.enumerate().take(MOST_CODES) {
        grids.push((format!("code-{number}"), code_grid(sampler, axis, COLUMNS, COLUMNS, seed)?));
    }
    if let [across, up] = *continuous_coordinates(space) {
        grids.push(("manifold".to_owned(), manifold(sampler, Some([across, up]), PLANE, seed)?));
    }
    Ok(grids)
}

/// Modes with a sample within three standard deviations, the share of such samples, and the divergence of their
/// counts from uniform (none without such samples).
fn coverage(samples: Vec<f32>, modes: &Modes) -> Result<Measurements> {
    let width = modes.centres.first().map_or(1, Vec::len);
    // A generator that left the numbers behind covers nothing; its step is refused elsewhere.
    if samples.iter().any(|value| !value.is_finite()) {
        return Ok(Measurements::new());
    }
    let coverage = ModeCoverage::of(&Features::new(samples, width)?, modes)?;
    let mut measured = Measurements::new();
    measured.insert("modes_covered".into(), coverage.covered(1) as f64);
    measured.insert("high_quality_share".into(), coverage.high_quality.mean());
    if let Some(divergence) = coverage.divergence_from_uniform() {
        measured.insert("modes_divergence_from_uniform".into(), divergence);
    }
    Ok(measured)
}
