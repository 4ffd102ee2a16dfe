//! All chosen metrics of two sets.

use super::average::Average;
use super::classes::ClassHistogram;
use super::classification;
use super::density_coverage::DensityCoverage;
use super::extractors;
use super::features::Features;
use super::frechet::FrechetDistance;
use super::gathering::{Gathered, PORTION, Progress, Side, Wanted, features_of, gather, needed, take};
use super::inception_score::InceptionScore;
use super::kernel_distance::{KernelDistance, Subsets};
use super::latent_paths;
use super::memorisation::{Memorisation, NearestNeighbourAccuracy};
use super::metric::Metric;
use super::modes::ModeCoverage;
use super::neighbours::Neighbourhoods;
use super::pair_similarity::{PairSimilarity, Pairs};
use super::parzen::{ParzenLikelihood, usual_bandwidths};
use super::precision_recall::PrecisionRecall;
use super::protocol::{Extractor, Setting};
use super::reference::Reference;
use super::samples::Samples;
use super::score::Score;
use super::similarity::Images;
use super::stacked_digits::StackedDigits;
use crate::error::Result;
use crate::pictures::{Grid, Picture, image_grid};

/// Neighbours that reach to the edge of a ball, in the papers of precision and recall, and of density and coverage.
const BALL_OF_PRECISION: usize = 3;
const BALL_OF_DENSITY: usize = 5;
/// Splits of the Inception Score, as everywhere.
const SPLITS: usize = 10;
/// Images among which pairs are drawn, and pairs.
const IMAGES_IN_PAIRS: usize = 1000;
const PAIRS: usize = 500;
/// Without samples held out, the last of every so many real ones stand for them.
const HELD_OUT_OF: usize = 6;
/// Bandwidths tried where values have no usual scale, from a hundredth of their deviation to all of it.
const BANDWIDTHS: u8 = 20;
/// Pairs in the picture, and in each of its rows.
const PAIRS_SHOWN: usize = 32;
const PAIRS_IN_ROW: usize = 4;

/// What to measure, and with what.
pub struct Request<'a> {
    /// The metrics, in the order of their scores.
    pub metrics: &'a [Metric],
    /// What makes features of samples.
    pub extractor: &'a extractors::Extractor,
    /// What subsets and resamples are drawn with.
    pub seed: u64,
    /// The samples that the generator was trained on, where the real ones are others.
    pub train: Option<&'a dyn Samples>,
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The scores.
    pub scores: Vec<Score>,
    /// The statistics of the real samples, where the Fréchet distance was among the metrics.
    pub reference: Option<Reference>,
    /// A generated sample, the training sample nearest to it and their distance, the nearest pairs first; where
    /// memorisation was among the metrics. Training samples are counted in [`Request::train`] or the real set.
    pub nearest: Vec<(usize, usize, f64)>,
}

/// Measures every chosen metric. Samples go through the extractor once, in portions; features are kept only where a
/// metric needs them one by one, which the Fréchet distance does not.
///
/// # Errors
/// If a set is empty, holds a value that is no number, or does not fit the other, the extractor or a metric.
pub fn evaluate(
    request: &Request<'_>,
    real: Side<'_>,
    generated: Side<'_>,
    observe: &mut dyn FnMut(Progress),
) -> Result<Measured> {
    if let (Side::Samples(real), Side::Samples(generated)) = (real, generated) {
        check_shapes(request, real, generated)?;
    }
    let any = |property: fn(Metric) -> bool| request.metrics.iter().any(|&metric| property(metric));
    let moments = request.metrics.contains(&Metric::Frechet);
    let classes = any(Metric::needs_classes);
    let wanted = |what, groups, features| Wanted { what, moments, groups, features, classes };
    let from_real = gather(
        real,
        request.extractor,
        wanted("features of the real samples", false, any(Metric::needs_real_features)),
        observe,
    )?;
    let from_generated = gather(
        generated,
        request.extractor,
        wanted("features of the generated samples", true, any(Metric::needs_features)),
        observe,
    )?;
    let (mut real_origin, mut generated_origin) = (from_real.origin.clone(), from_generated.origin.clone());
    // A file of another program does not tell its extractor: it is the user's word that it is the same.
    let trusted =
        [real, generated].map(|side| matches!(side, Side::Statistics(Reference { origin: None, .. }, _)));
    match trusted {
        [true, _] => real_origin.extractor = generated_origin.extractor.clone(),
        [_, true] => generated_origin.extractor = real_origin.extractor.clone(),
        _ => {}
    }
    let setting = Setting::new(&real_origin, &generated_origin, request.seed)?;
    let mut measurement =
        Measurement { request, setting, real, generated, from_real, from_generated, nearest: Vec::new() };
    let (mut scores, total) = (Vec::new(), request.metrics.len());
    for (done, metric) in request.metrics.iter().enumerate() {
        observe(Progress { what: "metrics", done, total });
        scores.extend(measurement.measure(*metric, observe)?);
    }
    observe(Progress { what: "metrics", done: total, total });
    scores.iter_mut().for_each(|score| score.warnings.extend(doubt(&score.protocol.setting)));
    let Measurement { from_real, nearest, .. } = measurement;
    let reference = from_real.moments.map(|moments| Reference { moments, origin: Some(from_real.origin) });
    Ok(Measured { scores, reference, nearest })
}

/// What is doubtful about an extractor for these samples.
fn doubt(setting: &Setting) -> Option<String> {
    let grey = matches!(setting.real.shape.as_deref(), Some([1, _, _]));
    (grey && setting.extractor.name.starts_with("inception")).then(|| {
        "Inception was never trained on grey images: a classifier of the same data says more (brigand train \
         classifier, --features classifier:RUN)"
            .to_owned()
    })
}

/// The nearest pairs, each generated image with its training image to the right, four pairs in a row.
///
/// # Errors
/// If there are no pairs or the samples are no images.
pub fn draw_pairs(
    nearest: &[(usize, usize, f64)],
    generated: &dyn Samples,
    train: &dyn Samples,
) -> Result<Picture> {
    let &[channels, height, width] = generated.shape() else {
        return Err(crate::Error::Request("only pairs of images can be drawn".into()));
    };
    let mut values = Vec::new();
    for &(own, other, _) in nearest.iter().take(PAIRS_SHOWN) {
        for (samples, index) in [(generated, own), (train, other)] {
            values.extend(samples.get(index..index + 1)?.flatten_all()?.to_vec1::<f32>()?);
        }
    }
    let count = 2 * nearest.len().min(PAIRS_SHOWN);
    let layout = Grid { columns: Some(2 * PAIRS_IN_ROW), ..Grid::default() };
    Ok(image_grid(&values, [count, channels, height, width], layout)?)
}

fn check_shapes(request: &Request<'_>, real: &dyn Samples, generated: &dyn Samples) -> Result<()> {
    // Stacked digits are taken apart, and compared with no real ones.
    let alone = request.metrics.iter().all(|metric| *metric == Metric::StackedDigits);
    if real.shape() == generated.shape() || alone {
        return Ok(());
    }
    Err(crate::Error::Request(format!(
        "real samples ({}) have the shape {:?} and generated ones ({}) {:?}; bring both to the same size and colours",
        real.source().name,
        real.shape(),
        generated.source().name,
        generated.shape()
    )))
}

struct Measurement<'a> {
    request: &'a Request<'a>,
    setting: Setting,
    real: Side<'a>,
    generated: Side<'a>,
    from_real: Gathered<'a>,
    from_generated: Gathered<'a>,
    nearest: Vec<(usize, usize, f64)>,
}

impl Measurement<'_> {
    fn measure(&mut self, metric: Metric, observe: &mut dyn FnMut(Progress)) -> Result<Vec<Score>> {
        let (setting, seed) = (&self.setting, self.request.seed);
        Ok(match metric {
            Metric::Frechet => vec![self.frechet()?],
            Metric::Kernel => {
                let (real, generated) = self.features()?;
                // Subsets of nearly all samples would be alike, and their scatter would tell nothing.
                let half = real.count().min(generated.count()) / 2;
                let size = Subsets::default().size.min(half.max(2));
                let subsets = Subsets { size, ..Subsets::default() };
                vec![KernelDistance::between(real, generated, subsets, seed)?.score(setting)?]
            }
            Metric::InceptionScore => {
                let generated = self.from_generated.features.as_ref();
                let probabilities = generated.and_then(|features| features.probabilities());
                let probabilities = needed(probabilities, "is", CLASSES_NEEDED)?;
                let splits = SPLITS.min(probabilities.count());
                vec![InceptionScore::of(probabilities, splits)?.score(setting)?]
            }
            Metric::PrecisionRecall => {
                let (real, generated) = self.features()?;
                let real = Neighbourhoods::new(real, BALL_OF_DENSITY)?;
                let around = Neighbourhoods::new(generated, BALL_OF_PRECISION)?;
                let mut scores =
                    PrecisionRecall::of(&real, &around, BALL_OF_PRECISION)?.scores(setting)?.to_vec();
                scores.extend(DensityCoverage::of(&real, generated, BALL_OF_DENSITY)?.scores(setting)?);
                scores
            }
            Metric::Parzen => vec![self.parzen()?],
            Metric::Similarity => self.similarity()?,
            Metric::Modes => self.modes()?,
            Metric::ClassMatch => vec![self.class_match()?],
            Metric::StackedDigits => self.stacked_digits()?,
            Metric::Memorisation => self.memorisation(observe)?,
            Metric::PathLength => vec![self.path_length(observe)?],
            Metric::ClassificationAccuracy => vec![self.classification(observe)?],
            Metric::NearestNeighbour => {
                let (real, generated) = self.features()?;
                let count = real.count().min(generated.count());
                let first: Vec<usize> = (0..count).collect();
                let (real, generated) = (real.select(&first)?, generated.select(&first)?);
                vec![NearestNeighbourAccuracy::of(&real, &generated)?.score(setting)?]
            }
        })
    }

    fn features(&self) -> Result<(&Features, &Features)> {
        let needed = |features| needed(features, "this metric", "features of both sets");
        let [real, generated] = [&self.from_real, &self.from_generated].map(|side| side.features.as_deref());
        Ok((needed(real)?, needed(generated)?))
    }

    fn frechet(&self) -> Result<Score> {
        let needed = |moments| needed(moments, "fid", "statistics of both sets");
        let real = needed(self.from_real.moments.as_ref())?;
        let generated = needed(self.from_generated.moments.as_ref())?;
        let distance = FrechetDistance::between(real, generated)?;
        let groups = self.from_generated.groups.as_ref();
        let interval = groups.map(|groups| groups.interval(real, distance.value)).transpose()?;
        let mut score = distance.score(&self.setting, real.dimensions(), interval.flatten())?;
        score
            .warnings
            .extend([self.real, self.generated].into_iter().filter_map(|side| self.assumption(side)));
        Ok(score)
    }

    /// What has to be assumed of statistics that do not tell where they are from.
    fn assumption(&self, side: Side<'_>) -> Option<String> {
        let Side::Statistics(Reference { origin: None, .. }, name) = side else { return None };
        let Extractor { name: extractor, sha256, resizing } = &self.setting.extractor;
        let hash = sha256.as_deref().and_then(|hash| hash.get(..8)).unwrap_or("no weights");
        Some(format!(
            "{name} does not tell what made its features; assumed is the extractor of the other side, {extractor} \
             ({hash}; {resizing})"
        ))
    }

    /// In pixels from 0 to 1 for images, as papers report it, or else in features.
    fn parzen(&self) -> Result<Score> {
        let (real, generated, setting, bandwidths) = match (self.real, self.generated) {
            (Side::Samples(real), Side::Samples(generated)) if real.shape().len() == 3 => {
                let setting = self.of_pixels("from 0 to 1", self.setting.generated);
                (unit_pixels(real)?, unit_pixels(generated)?, setting, usual_bandwidths())
            }
            _ => {
                let (real, generated) = self.features()?;
                let bandwidths = scaled_bandwidths(real)?;
                (real.clone(), generated.clone(), self.setting.clone(), bandwidths)
            }
        };
        let half = |from: usize| real.select(&(from..real.count()).step_by(2).collect::<Vec<_>>());
        Ok(ParzenLikelihood::of(&generated, &half(0)?, &half(1)?, &bandwidths)?.score(&setting)?)
    }

    /// That of generated images, and of real ones beside it.
    fn similarity(&self) -> Result<Vec<Score>> {
        let mut scores = Vec::new();
        for (side, suffix) in [(self.generated, ""), (self.real, "-of-real")] {
            let Side::Samples(samples) = side else {
                return needed(None, "ms-ssim", "the images themselves");
            };
            let &[channels, height, width] = samples.shape() else {
                return needed(None, "ms-ssim", "images, these are points");
            };
            let count = samples.count().min(IMAGES_IN_PAIRS);
            let values = values(samples, count)?;
            let images = Images::new(&values, [count, channels, height, width], (-1.0, 1.0))?;
            let pairs = Pairs { count: PAIRS, scales: images.scales() };
            let setting = self.of_pixels("none", Some(count as u64));
            let mut score = PairSimilarity::of(images, None, pairs, self.request.seed)?.score(&setting)?;
            score.protocol.metric.push_str(suffix);
            scores.push(score);
        }
        Ok(scores)
    }

    fn of_pixels(&self, preparation: &str, generated: Option<u64>) -> Setting {
        let extractor = Extractor { name: "pixels".into(), sha256: None, resizing: preparation.into() };
        Setting { extractor, generated, ..self.setting.clone() }
    }

    fn modes(&self) -> Result<Vec<Score>> {
        let (real, generated) = self.features()?;
        if let Side::Samples(samples) = self.real
            && let Some(modes) = samples.modes()
        {
            return Ok(ModeCoverage::of(generated, modes)?.scores(1, &self.setting)?);
        }
        let histogram = |features: &Features| {
            let probabilities = needed(features.probabilities(), "modes", MODES_NEEDED)?;
            Ok::<_, crate::Error>(ClassHistogram::of(&probabilities.predictions(), probabilities.classes())?)
        };
        let (real, generated) = (histogram(real)?, histogram(generated)?);
        let mut covered = generated.covered_score(&self.setting)?;
        match generated.divergence_score(&real, &self.setting) {
            Ok(divergence) => Ok(vec![covered, divergence]),
            Err(reason) => {
                covered.warnings.push(reason.to_string());
                Ok(vec![covered])
            }
        }
    }

    /// The share of samples that the extractor takes for the class that was asked for.
    fn class_match(&self) -> Result<Score> {
        let asked = match self.generated {
            Side::Samples(samples) => samples.labels(),
            _ => None,
        };
        let asked = needed(asked, "class-match", "classes that were asked for; give a conditional run")?;
        let features = self.from_generated.features.as_deref();
        let probabilities =
            needed(features.and_then(Features::probabilities), "class-match", CLASSES_NEEDED)?;
        let found = probabilities.predictions();
        let right = found.iter().zip(&asked.values).map(|(found, asked)| f64::from(found == asked)).collect();
        let protocol = self.setting.protocol("class-match", [("classes", asked.classes.len().into())]);
        Ok(Average::new(right)?.score(protocol, Vec::new())?)
    }

    fn stacked_digits(&self) -> Result<Vec<Score>> {
        let Side::Samples(samples) = self.generated else {
            return needed(None, "stacked-digits", "the images themselves");
        };
        let &[3, height, width] = samples.shape() else {
            return needed(None, "stacked-digits", "images of three channels, a digit in each");
        };
        let mut digits = Vec::new();
        for first in (0..samples.count()).step_by(PORTION) {
            let portion = take(samples, first..samples.count().min(first + PORTION))?;
            let count = portion.dim(0)?;
            let apart =
                features_of(self.request.extractor, &portion.reshape((3 * count, 1, height, width))?)?;
            let found = needed(apart.probabilities(), "stacked-digits", CLASSES_NEEDED)?.predictions();
            digits.extend(found.as_chunks::<3>().0);
        }
        Ok(StackedDigits::of(&digits)?.scores(&self.setting)?.to_vec())
    }

    fn path_length(&self, observe: &mut dyn FnMut(Progress)) -> Result<Score> {
        let generator = match self.generated {
            Side::Samples(samples) => samples.generator().map(|system| (system, samples.count())),
            _ => None,
        };
        let (system, pairs) = needed(generator, "path-length", GENERATOR_NEEDED)?;
        let length = latent_paths::follow(system, self.request.extractor, pairs, self.request.seed, observe)?;
        let extractor = latent_paths::described(self.request.extractor);
        Ok(length.score(&Setting { extractor, ..self.setting.clone() })?)
    }

    fn classification(&self, observe: &mut dyn FnMut(Progress)) -> Result<Score> {
        let (Side::Samples(real), Side::Samples(generated)) = (self.real, self.generated) else {
            return needed(None, "cas", "the images themselves and their classes");
        };
        classification::measure(real, generated, &self.setting, observe)
    }

    fn memorisation(&mut self, observe: &mut dyn FnMut(Progress)) -> Result<Vec<Score>> {
        let (real, generated) = self.features()?;
        let all = || 0..real.count();
        let is_held_out = |index: &usize| (index + 1).is_multiple_of(HELD_OUT_OF);
        // Which sample each row of the training features is.
        let (train, held_out, places) = match self.request.train {
            Some(train) => {
                let wanted = Wanted::features("features of the training samples", false);
                let gathered = gather(Side::Samples(train), self.request.extractor, wanted, observe)?;
                let features = needed(gathered.features, "memorisation", "training samples")?;
                (features.into_owned(), real.clone(), (0..train.count()).collect::<Vec<_>>())
            }
            None => {
                let places: Vec<usize> = all().filter(|index| !is_held_out(index)).collect();
                let held_out: Vec<usize> = all().filter(is_held_out).collect();
                (real.select(&places)?, real.select(&held_out)?, places)
            }
        };
        let found = Memorisation::of(&train, generated, &held_out)?;
        let pair = |(own, &(row, distance)): (usize, &(usize, f64))| Some((own, *places.get(row)?, distance));
        let mut nearest: Vec<(usize, usize, f64)> =
            found.nearest.iter().enumerate().filter_map(pair).collect();
        nearest.sort_by(|a, b| a.2.total_cmp(&b.2).then(a.0.cmp(&b.0)));
        let scores = found.scores(&self.setting)?.to_vec();
        self.nearest = nearest;
        Ok(scores)
    }
}

const GENERATOR_NEEDED: &str = "a generator, to follow paths through its latent space; give a run";
const CLASSES_NEEDED: &str =
    "an extractor that knows classes; choose --features classifier, classifier:RUN or inception:FILE";
const MODES_NEEDED: &str = "points of a mixture, or images and an extractor that knows classes; choose --features \
                            classifier, classifier:RUN or inception:FILE";

/// The values of the first `count` samples.
fn values(samples: &dyn Samples, count: usize) -> Result<Vec<f32>> {
    let mut values = Vec::new();
    for first in (0..count).step_by(PORTION) {
        let portion = take(samples, first..count.min(first + PORTION))?;
        values.extend(portion.flatten_all()?.to_vec1::<f32>()?);
    }
    Ok(values)
}

fn unit_pixels(samples: &dyn Samples) -> Result<Features> {
    let values: Vec<f32> = values(samples, samples.count())?
        .into_iter()
        .map(|value| (value.clamp(-1.0, 1.0) + 1.0) / 2.0)
        .collect();
    Ok(Features::new(values, samples.shape().iter().product())?)
}

/// Bandwidths from a hundredth of the mean deviation of a feature to all of it, on a logarithmic scale.
fn scaled_bandwidths(real: &Features) -> Result<Vec<f64>> {
    let moments = super::moments::Moments::of(real)?;
    let deviation = (moments.total_variance() / moments.dimensions() as f64).sqrt();
    let share = |index: u8| f64::from(index) / f64::from(BANDWIDTHS - 1);
    Ok((0..BANDWIDTHS).map(|index| deviation * 10_f64.powf(2.0 * share(index) - 2.0)).collect())
}

#[cfg(test)]
mod tests {
    use super::super::protocol::tests::setting;
    use super::*;

    #[test]
    fn inception_is_doubted_on_grey_images_only() {
        let doubts = |name: &str, channels: usize| {
            let mut setting = setting(5, 5);
            setting.extractor.name = name.into();
            setting.real.shape = Some(vec![channels, 28, 28]);
            doubt(&setting)
        };
        assert!(doubts("inception-2015-12-05", 1).unwrap().contains("grey"));
        assert_eq!((doubts("inception-2015-12-05", 3), doubts("classifier", 1)), (None, None));
        assert_eq!(doubt(&setting(5, 5)), None);
    }
}
