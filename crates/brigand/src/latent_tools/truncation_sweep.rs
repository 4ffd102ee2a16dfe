//! Quality and variety of samples at several truncations (Brock et al. 2018, arXiv:1809.11096, section 3.1).

use brigand_autograd::Variable;

use super::Choice;
use super::grid::to_rows;
use super::truncation::truncated_statistics;
use crate::error::Result;
use crate::evaluation::extractors::Extractor;
use crate::evaluation::{Features, Moments, Probabilities, features_of};
use crate::pictures::{Ink, Mark, Panel, Picture, Shape, Sheet};
use crate::sampling::check_count;
use brigand_core::capability::Sampler;
use brigand_core::latent::{CLASS, LatentSpace};
use brigand_core::modules::{Estimate, Statistics};

/// How good and how varied samples are at a truncation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Truncated {
    /// Standard deviations that normal coordinates stay within; `None` for all of them.
    pub limit: Option<f64>,
    /// The mean over samples of the extractor's largest class probability, where it has classes.
    pub confidence: Option<f64>,
    /// The share of samples that the extractor assigns to the class they were conditioned on, where both have the same
    /// number of classes.
    pub class_match: Option<f64>,
    /// The sum of the variances of the extractor's features.
    pub variance: f64,
    /// The mean over samples of the sum of the variances within their class, where latents have a class.
    pub within_classes: Option<f64>,
}

/// Samples of the same draws at several limits, each with the statistics that such latents need.
pub struct TruncationSweep<'a> {
    sampler: &'a dyn Sampler,
    limits: Vec<(Option<f64>, Option<Estimate>)>,
}

impl<'a> TruncationSweep<'a> {
    /// A sweep over `limits`; `None` is without truncation.
    ///
    /// # Errors
    /// As [`truncate`](super::truncate).
    pub fn new(sampler: &'a dyn Sampler, limits: &[Option<f64>]) -> Result<Self> {
        let at = |&limit: &Option<f64>| Ok((limit, truncated_statistics(sampler, limit)?));
        Ok(Self { sampler, limits: limits.iter().map(at).collect::<Result<_>>()? })
    }

    /// Latents and samples of `seed` at a limit.
    fn at(
        &self,
        (limit, estimate): &(Option<f64>, Option<Estimate>),
        count: usize,
        seed: u64,
    ) -> Result<(Variable, Variable)> {
        let choice = Choice { truncation: *limit, ..Choice::default() };
        let latents = choice.latents(self.sampler, count, seed)?;
        let samples = match estimate {
            Some(estimate) => self.sampler.generate_all_with(&latents, &mut Statistics::Given(estimate)),
            None => self.sampler.generate_all(&latents),
        };
        Ok((latents, samples?))
    }

    /// The same samples at each limit, a row of `columns` each, `[limits * columns, sample...]`.
    ///
    /// # Errors
    /// If they would not fit into memory.
    pub fn rows(&self, columns: usize, seed: u64) -> Result<Variable> {
        check_count(self.limits.len() * columns, self.sampler.sample_shape())?;
        let rows = self.limits.iter().map(|limit| Ok(self.at(limit, columns, seed)?.1));
        let rows: Vec<Variable> = rows.collect::<Result<_>>()?;
        Ok(Variable::concatenate(&rows.iter().collect::<Vec<_>>(), 0)?)
    }

    /// Measures `count` samples for `seed` at each limit.
    ///
    /// # Errors
    /// If the extractor does not take the samples.
    pub fn measure(&self, extractor: &Extractor, count: usize, seed: u64) -> Result<Vec<Truncated>> {
        let measure = |limit: &(Option<f64>, Option<Estimate>)| {
            let (latents, samples) = self.at(limit, count, seed)?;
            let features = features_of(extractor, samples.tensor())?;
            let probabilities = features.probabilities();
            let classes = classes_of(self.sampler.space(), &latents)?;
            let known = self.sampler.space().classes();
            let class_match = match (&classes, probabilities) {
                (Some(classes), Some(found)) if found.classes() == known => {
                    let pairs = found.predictions().into_iter().zip(classes);
                    let right = pairs.filter(|(found, asked)| found == *asked).count();
                    Some(right as f64 / count.max(1) as f64)
                }
                (Some(_) | None, Some(_) | None) => None,
            };
            let within = classes.map(|classes| variance_within(&features, &classes, known)).transpose()?;
            Ok(Truncated {
                limit: limit.0,
                confidence: probabilities.map(Probabilities::mean_confidence),
                class_match,
                variance: Moments::of(&features)?.total_variance(),
                within_classes: within,
            })
        };
        self.limits.iter().map(measure).collect()
    }
}

/// The number of each latent's class, where latents have one.
fn classes_of(space: &LatentSpace, latents: &Variable) -> Result<Option<Vec<u32>>> {
    let Some((range, _)) = space.part(CLASS) else { return Ok(None) };
    let one_hot = to_rows(&latents.narrow(1, range.start, range.len())?)?;
    let largest = |row: &Vec<f32>| {
        let most = row.iter().zip(0_u32..).max_by(|a, b| a.0.total_cmp(b.0));
        most.map_or(0, |(_, class)| class)
    };
    Ok(Some(one_hot.iter().map(largest).collect()))
}

/// The mean over samples of the total variance within their class; classes of fewer than two samples do not count.
fn variance_within(features: &Features, classes: &[u32], known: usize) -> Result<f64> {
    let (mut sum, mut counted) = (0.0, 0);
    for class in 0..known as u32 {
        let own = classes.iter().enumerate().filter(|(_, of)| **of == class);
        let rows: Vec<usize> = own.map(|(row, _)| row).collect();
        if rows.len() >= 2 {
            sum += rows.len() as f64 * Moments::of(&features.select(&rows)?)?.total_variance();
            counted += rows.len();
        }
    }
    Ok(sum / counted.max(1) as f64)
}

/// Fidelity over variety, a dot for each limit: class match over the variance within classes, or confidence over the whole
/// variance where there are no classes; `None` where the extractor has none.
///
/// # Errors
/// If it cannot be drawn.
pub fn truncation_curve(measured: &[Truncated]) -> Result<Option<Picture>> {
    let has_both = |at: &Truncated| at.class_match.is_some() && at.within_classes.is_some();
    let by_class = measured.iter().all(has_both);
    let place = |at: &Truncated| {
        if by_class {
            at.within_classes.zip(at.class_match)
        } else {
            at.confidence.map(|confidence| (at.variance, confidence))
        }
    };
    let places: Vec<(f64, f64)> = measured.iter().filter_map(place).collect();
    if places.is_empty() || places.len() < measured.len() {
        return Ok(None);
    }
    let (x_label, y_label) =
        if by_class { ("variance within classes", "class match") } else { ("variance", "confidence") };
    let widest = places.iter().fold(0.0_f64, |most, place| most.max(place.0)).max(f64::MIN_POSITIVE);
    let lowest = places.iter().fold(1.0_f64, |least, place| least.min(place.1));
    let mut marks = vec![
        Mark::new(Ink::Hue(0), Shape::Line(places.clone())),
        Mark::new(Ink::Hue(0), Shape::Dots(places.clone(), 4)),
    ];
    for (at, (x, y)) in measured.iter().zip(&places) {
        // The blank keeps the words off their dot.
        let words = at.limit.map_or_else(|| " none".to_owned(), |limit| format!(" {limit}"));
        marks.push(Mark::new(Ink::Dark, Shape::Words(*x, *y, words)));
    }
    let panel = Panel {
        title: "truncation: fidelity and variety".into(),
        x_label: x_label.into(),
        y_label: y_label.into(),
        x: (0.0, 1.15 * widest),
        y: ((lowest - 0.1 * (1.0 - lowest).max(0.02)).max(0.0), 1.0 + 0.1 * (1.0 - lowest).max(0.02)),
        marks,
    };
    let sheet = Sheet { title: String::new(), panels: vec![panel], columns: 1, size: (480, 360) };
    Ok(Some(sheet.draw()?))
}
