//! Parzen-window log-likelihood (Breuleux et al. 2011; used by Goodfellow et al. 2014).

use super::average::Average;
use super::error::{Result, refused};
use super::features::Features;
use super::inputs::Inputs;
use super::metric::{Better, MetricRow, ScoreRow};
use super::moments::Moments;
use super::need::Need;
use super::neighbours::fold_distances;
use super::protocol::Setting;
use super::samples::{Samples, common_shape};
use super::score::Score;

/// Its row of the table.
pub(super) const ROW: MetricRow = MetricRow {
    name: "kde",
    summary: "the Parzen log-likelihood of real samples, for comparison with papers of 2014",
    needs: &[Need::RealFeatures, Need::GeneratedFeatures, Need::RealSamples],
    scores: &[ScoreRow { name: "parzen-log-likelihood", better: Better::Higher }],
    usual: false,
    slow: false,
    measure,
};

/// In pixels from 0 to 1 for images, as papers report it, or else in features.
fn measure(inputs: &Inputs<'_>) -> brigand_core::error::Result<Vec<Score>> {
    let images = |samples: &&dyn Samples| samples.shapes().channels().is_some();
    let both = (inputs.real_samples().filter(images), inputs.generated_samples().filter(images));
    let (real, generated, setting, bandwidths) = match both {
        (Some(real), Some(generated)) => {
            common_shape(real, generated)?;
            let setting = inputs.setting_of_pixels("from 0 to 1");
            (unit_pixels(inputs, real)?, unit_pixels(inputs, generated)?, setting, usual_bandwidths())
        }
        _ => {
            let (real, generated) = (inputs.real_features()?, inputs.generated_features()?);
            let bandwidths = scaled_bandwidths(real)?;
            (real.clone(), generated.clone(), inputs.setting().clone(), bandwidths)
        }
    };
    let mixed = inputs.permutation("halves", real.count());
    let (validation, test) = mixed.split_at(real.count().div_ceil(2));
    let (validation, test) = (real.select(validation)?, real.select(test)?);
    let score = ParzenLikelihood::of(&generated, &validation, &test, &bandwidths)?.score(&setting)?;
    Ok(vec![score.with_parameter("drawn", inputs.drawn("halves"))])
}

fn unit_pixels(inputs: &Inputs<'_>, samples: &dyn Samples) -> brigand_core::error::Result<Features> {
    let all: Vec<usize> = (0..samples.count()).collect();
    let level = |value: f32| f32::midpoint(value.clamp(-1.0, 1.0), 1.0);
    let values: Vec<f32> = inputs.values(samples, &all)?.into_iter().map(level).collect();
    Ok(Features::new(values, samples.shape()?.iter().product())?)
}

/// Bandwidths from a hundredth of the mean deviation of a feature to all of it, on a logarithmic scale.
fn scaled_bandwidths(real: &Features) -> Result<Vec<f64>> {
    let moments = Moments::of(real)?;
    let deviation = (moments.total_variance() / moments.dimensions() as f64).sqrt();
    let share = |index: u8| f64::from(index) / f64::from(BANDWIDTHS - 1);
    Ok((0..BANDWIDTHS).map(|index| deviation * 10_f64.powf(2.0 * share(index) - 2.0)).collect())
}

/// Bandwidths tried where values have no usual scale, from a hundredth of their deviation to all of it.
const BANDWIDTHS: u8 = 20;
/// From this many dimensions on the estimate is not informative about the generator (Theis et al. 2016).
const MANY_DIMENSIONS: usize = 20;

/// Log-likelihoods of test samples, in nats, under Gaussians of one bandwidth centred on generated samples.
#[derive(Clone, Debug, PartialEq)]
pub struct ParzenLikelihood {
    /// `ln p(x)` of each test sample.
    pub log_likelihood: Average,
    /// The standard deviation of the Gaussians.
    pub bandwidth: f64,
    /// Whether the bandwidth is the smallest or largest that was tried, so that a better one may lie beyond.
    pub at_edge: bool,
    dimensions: usize,
}

impl ParzenLikelihood {
    /// Chooses the bandwidth under which `validation` is likeliest, then measures `test`. The two must be different
    /// real samples, in the same units as the generated ones.
    ///
    /// # Errors
    /// If the dimensions differ or a bandwidth is not positive.
    pub fn of(
        generated: &Features,
        validation: &Features,
        test: &Features,
        bandwidths: &[f64],
    ) -> Result<Self> {
        let tried = log_likelihoods(generated, validation, bandwidths)?;
        let means: Vec<f64> = tried.iter().map(Average::mean).collect();
        let first = (0, f64::NEG_INFINITY);
        let (best, _) = means
            .iter()
            .enumerate()
            .fold(first, |best, (index, &mean)| if mean > best.1 { (index, mean) } else { best });
        let Some(&bandwidth) = bandwidths.get(best) else {
            return refused("there is no bandwidth to try; give at least one");
        };
        let log_likelihood = log_likelihood(generated, test, bandwidth)?;
        let at_edge = bandwidths.len() > 1 && (best == 0 || best + 1 == bandwidths.len());
        Ok(Self { log_likelihood, bandwidth, at_edge, dimensions: generated.dimensions() })
    }

    /// The mean log-likelihood as a score.
    ///
    /// # Errors
    /// If it is not finite.
    pub fn score(&self, setting: &Setting) -> Result<Score> {
        let mut warnings = Vec::new();
        if self.at_edge {
            warnings.push(format!(
                "the bandwidth {} lies at the edge of those tried; try a wider range",
                self.bandwidth
            ));
        }
        if self.dimensions >= MANY_DIMENSIONS {
            warnings.push(format!(
                "in {} dimensions a generator can have a high Parzen likelihood and bad samples, and the other way \
                 round; use it to compare with old papers only",
                self.dimensions
            ));
        }
        let parameters = [("bandwidth", "chosen on validation samples".into()), ("units", "nats".into())];
        self.log_likelihood.score(setting.protocol("parzen-log-likelihood", parameters), warnings)
    }
}

/// Ten bandwidths from 0.1 to 1, evenly spaced on a logarithmic scale: the usual grid for pixels in `[0, 1]`.
pub fn usual_bandwidths() -> Vec<f64> {
    (0..10).map(|i| 10f64.powf(f64::from(i) / 9.0 - 1.0)).collect()
}

/// `ln p(x) = ln sum_i exp(-|x - g_i|² / 2s²) - ln n - d/2 ln(2 pi s²)` of each row `x` of `samples`, with `g_i` the
/// rows of `generated` and `s` the bandwidth.
///
/// # Errors
/// If the dimensions differ or the bandwidth is not positive.
pub fn log_likelihood(generated: &Features, samples: &Features, bandwidth: f64) -> Result<Average> {
    match log_likelihoods(generated, samples, &[bandwidth])?.pop() {
        Some(found) => Ok(found),
        None => refused("there is no bandwidth"),
    }
}

/// A sum of exponentials as `scale` and `sum`, standing for `sum exp(scale)`.
#[derive(Clone, Copy)]
struct ExponentialSum {
    scale: f64,
    sum: f64,
}

impl ExponentialSum {
    fn add(&mut self, exponents: impl Iterator<Item = f64> + Clone) {
        let scale = exponents.clone().fold(self.scale, f64::max);
        let more: f64 = exponents.map(|exponent| (exponent - scale).exp()).sum();
        let before = if self.sum > 0.0 { self.sum * (self.scale - scale).exp() } else { 0.0 };
        *self = Self { scale, sum: before + more };
    }
}

/// [`log_likelihood`] for each of several bandwidths in one pass over the distances.
fn log_likelihoods(generated: &Features, samples: &Features, bandwidths: &[f64]) -> Result<Vec<Average>> {
    if let Some(bad) = bandwidths.iter().find(|&&s| !(s.is_finite() && s > 0.0)) {
        return refused(format!("a bandwidth of {bad} makes no density; give a positive number"));
    }
    let start = vec![ExponentialSum { scale: f64::NEG_INFINITY, sum: 0.0 }; bandwidths.len()];
    let sums = fold_distances(samples, generated, start, |sums, _, _, distances| {
        for (sum, s) in sums.iter_mut().zip(bandwidths) {
            sum.add(distances.iter().map(|distance| -distance / (2.0 * s * s)));
        }
    })?;
    let (count, dimensions) = (generated.count() as f64, generated.dimensions() as f64);
    let at = |index: usize, s: &f64| {
        let constant = count.ln() + dimensions / 2.0 * (std::f64::consts::TAU * s * s).ln();
        let each = sums.iter().filter_map(|sums| sums.get(index));
        Average::new(each.map(|sum| sum.scale + sum.sum.ln() - constant).collect())
    };
    bandwidths.iter().enumerate().map(|(index, s)| at(index, s)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::protocol::tests::setting;
    use super::*;
    use brigand_core::random::Stream;

    fn at_one(generated: &[f64]) -> f64 {
        let generated = Features::new(generated.to_vec(), 1).unwrap();
        log_likelihood(&generated, &Features::new(vec![1.0], 1).unwrap(), 1.0).unwrap().mean()
    }

    fn normal(count: usize, width: usize, seed: u64) -> Features {
        Features::new(Stream::new(seed, "features", 0).normal(count * width), width).unwrap()
    }

    #[test]
    fn small_examples() {
        assert!((at_one(&[0.0]) + 1.418939).abs() < 1e-6);
        assert!((at_one(&[0.0, 2.0]) + 1.418939).abs() < 1e-6);
        assert!((at_one(&[0.0, 3.0]) + 1.910672).abs() < 1e-6);
        // Far away the density is tiny, its logarithm is not.
        assert!((at_one(&[1001.0]) + 500_000.0 + 0.918939).abs() < 1e-3);
    }

    #[test]
    fn sums_over_blocks_equal_the_sum_over_all() {
        let (generated, test) = (normal(2500, 2, 1), normal(1, 2, 2));
        let (rows, x) = (generated.rows(0..2500), test.rows(0..1));
        let density: f64 = rows
            .chunks(2)
            .map(|g| (-((x[0] - g[0]).powi(2) + (x[1] - g[1]).powi(2)) / 0.5).exp())
            .sum::<f64>()
            / 2500.0
            / (std::f64::consts::TAU * 0.25);
        let found = log_likelihood(&generated, &test, 0.5).unwrap().mean();
        assert!((found - density.ln()).abs() < 1e-12, "{found} {}", density.ln());
    }

    #[test]
    fn the_bandwidth_is_chosen_on_the_validation_samples() {
        let bandwidths = [0.01, 0.1, 0.3, 1.0, 3.0];
        let found =
            ParzenLikelihood::of(&normal(1000, 2, 1), &normal(300, 2, 2), &normal(300, 2, 3), &bandwidths)
                .unwrap();
        assert_eq!((found.bandwidth, found.at_edge), (0.3, false));
        // The entropy of the plane's normal is ln(2 pi e), 2.8379.
        assert!((found.log_likelihood.mean() + 2.8379).abs() < 0.2, "{}", found.log_likelihood.mean());
        let narrow = ParzenLikelihood::of(
            &normal(100, 2, 1),
            &normal(100, 2, 2),
            &normal(100, 2, 3),
            &bandwidths[..2],
        )
        .unwrap();
        assert!(narrow.at_edge);
        assert!(narrow.score(&setting(100, 100)).unwrap().warnings[0].contains("wider range"));
    }

    #[test]
    fn the_usual_grid_and_impossible_ones() {
        let grid = usual_bandwidths();
        assert!((grid[0] - 0.1).abs() < 1e-12 && (grid[9] - 1.0).abs() < 1e-12 && grid.len() == 10);
        let x = normal(3, 2, 1);
        assert!(log_likelihood(&x, &x, 0.0).is_err());
        assert!(ParzenLikelihood::of(&x, &x, &x, &[]).is_err());
        assert!(log_likelihood(&x, &normal(3, 3, 1), 1.0).is_err());
    }
}
