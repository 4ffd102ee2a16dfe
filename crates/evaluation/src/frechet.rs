//! The Fréchet distance between Gaussians fitted to features (Heusel et al. 2017). With Inception features it is
//! known as FID; with others it is a different number, so a score always names its extractor.

use super::bootstrap::bootstrap;
use super::error::{EvaluationError, Result};
use super::features::{Features, check_dimensions};
use super::moments::Moments;
use super::protocol::Setting;
use super::score::{Interval, Score};
use brigand_core::random::Stream;
use brigand_linear_algebra::trace_of_root_of_product;

/// What the groups of the interval are drawn for.
pub(super) const GROUPS: &str = "evaluation/fid/groups";

/// Below so many samples the bias of the distance is larger than most differences between generators.
const FEW: u64 = 10_000;

/// `|m1 - m2|² + tr(S1 + S2 - 2 (S1 S2)^(1/2))`, and its two parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrechetDistance {
    /// The distance.
    pub value: f64,
    /// What the means contribute.
    pub means: f64,
    /// What the covariances contribute.
    pub covariances: f64,
}

impl FrechetDistance {
    /// The distance between two Gaussians. Neither covariance need have full rank; the distance of a set to itself
    /// is 0 up to rounding, and never negative or NaN.
    ///
    /// # Errors
    /// If the dimensions differ or a covariance is none.
    pub fn between(real: &Moments, generated: &Moments) -> Result<Self> {
        check_dimensions(real.dimensions(), generated.dimensions())?;
        let means = real.mean().iter().zip(generated.mean()).map(|(a, b)| (a - b).powi(2)).sum();
        let variance = real.total_variance() + generated.total_variance();
        let root = trace_of_root_of_product(real.covariance(), generated.covariance(), real.dimensions())?;
        let covariances = variance - 2.0 * root;
        if !covariances.is_finite() {
            return Err(EvaluationError::Computation(
                "the variances of the features are too large to add up; scale the features down".into(),
            ));
        }
        // Rounding can push the distance of equal Gaussians a little below 0.
        let covariances = covariances.max(0.0);
        Ok(Self { value: means + covariances, means, covariances })
    }

    /// The distance as a score.
    ///
    /// # Errors
    /// If it is not finite.
    pub fn score(self, setting: &Setting, dimensions: usize, interval: Option<Interval>) -> Result<Score> {
        let protocol = setting.protocol(
            "fid",
            [("covariance", "n-1".into()), ("groups", format!("seeded permutation {}", GROUPS).into())],
        );
        Score::new(self.value, interval, protocol, warnings(setting, dimensions))
    }
}

/// The interval of a distance under resampling of the generated samples, `resamples` whole distances.
///
/// # Errors
/// As [`FrechetDistance::between`].
pub fn bootstrap_frechet(
    distance: FrechetDistance,
    real: &Moments,
    generated: &Features,
    resamples: usize,
    seed: u64,
) -> Result<Interval> {
    let mut stream = Stream::new(seed, "evaluation/fid/bootstrap", 0);
    bootstrap(distance.value, generated.count(), resamples, &mut stream, |rows| {
        let moments = Moments::of(&generated.select(rows)?)?;
        Ok(FrechetDistance::between(real, &moments)?.value)
    })
}

fn warnings(setting: &Setting, dimensions: usize) -> Vec<String> {
    let mut warnings = Vec::new();
    for (whose, count) in [("real", setting.real.count), ("generated", setting.generated)] {
        match count {
            None => warnings.push(format!(
                "the file does not record its number of {whose} samples; compare only with scores against the same file"
            )),
            Some(count) if count <= dimensions as u64 => warnings.push(format!(
                "{count} {whose} samples span at most {} of {dimensions} feature dimensions: the distance is far \
                 too large; use more than {dimensions}, better {FEW}",
                count.saturating_sub(1)
            )),
            Some(count) if count < FEW => warnings.push(format!(
                "{count} {whose} samples bias the distance upward, roughly by a constant over their number; \
                 compare only with scores of the same number, or use {FEW}"
            )),
            Some(_) => {}
        }
    }
    if let (Some(real), Some(generated)) = (setting.real.count, setting.generated)
        && real != generated
    {
        warnings.push(format!(
            "{generated} generated against {real} real samples: the bias differs from that of equal numbers"
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::super::protocol::tests::setting;
    use super::*;

    fn of(values: &[f64], width: usize) -> Moments {
        Moments::of(&Features::new(values.to_vec(), width).unwrap()).unwrap()
    }

    fn gaussian(mean: &[f64], covariance: &[f64]) -> Moments {
        Moments::new(mean.to_vec(), covariance.to_vec(), None).unwrap()
    }

    #[track_caller]
    fn check(a: &Moments, b: &Moments, expected: f64) {
        for (a, b) in [(a, b), (b, a)] {
            let found = FrechetDistance::between(a, b).unwrap();
            assert!((found.value - expected).abs() < 1e-5, "{found:?} instead of {expected}");
            assert!((found.means + found.covariances - found.value).abs() < 1e-12);
        }
    }

    fn random(count: usize, width: usize, scale: f32, seed: u64) -> Features {
        let values: Vec<f32> =
            Stream::new(seed, "features", 0).normal(count * width).iter().map(|v| v * scale + 1.0).collect();
        Features::new(values, width).unwrap()
    }

    #[test]
    fn small_examples() {
        check(&of(&[0.0, 2.0], 1), &of(&[1.0, 5.0], 1), 6.0);
        check(&gaussian(&[0.0], &[1.0]), &gaussian(&[1.0], &[4.0]), 2.0);
        let correlated = gaussian(&[1.0, -1.0], &[2.0, 1.0, 1.0, 2.0]);
        check(&correlated, &gaussian(&[0.0, 0.0], &[1.0, 0.0, 0.0, 3.0]), 2.516685);
    }

    #[test]
    fn gaussians_that_commute_have_a_closed_form() {
        // Diagonal covariances: the squared differences of means and of standard deviations.
        let deviations = |shift: f64| (0..20).map(move |i| 0.1 + shift * f64::from(i));
        let diagonal = |shift: f64| {
            let mut covariance = vec![0.0; 400];
            deviations(shift).enumerate().for_each(|(i, s)| covariance[21 * i] = s * s);
            gaussian(&[shift; 20], &covariance)
        };
        let expected: f64 = deviations(0.3).zip(deviations(0.5)).map(|(a, b)| (a - b).powi(2)).sum();
        check(&diagonal(0.3), &diagonal(0.5), expected + 20.0 * 0.04);
    }

    #[test]
    fn a_set_is_at_no_distance_from_itself_whatever_its_rank() {
        for (count, width) in [(400, 30), (20, 300), (2, 64)] {
            let moments = Moments::of(&random(count, width, 3.0, 1)).unwrap();
            let found = FrechetDistance::between(&moments, &moments).unwrap();
            assert!((0.0..1e-3).contains(&found.value), "{count} x {width}: {found:?}");
        }
        let constant = of(&[2.0; 12], 3);
        assert_eq!(FrechetDistance::between(&constant, &constant).unwrap().value, 0.0);
    }

    #[test]
    fn fewer_samples_than_features_agree_with_the_singular_values() {
        // tr (S1 S2)^(1/2) is the nuclear norm of X1 X2ᵀ / (n - 1): for 2 and 2 samples, a single number.
        let (a, b) = (random(2, 50, 1.0, 1), random(2, 50, 1.0, 2));
        let half = |x: &Features| -> Vec<f64> {
            let rows = x.rows(0..2);
            (0..50).map(|i| (rows[i] - rows[50 + i]) / 2f64.sqrt()).collect()
        };
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        let (p, q) = (half(&a), half(&b));
        let (a, b) = (Moments::of(&a).unwrap(), Moments::of(&b).unwrap());
        let means: f64 = a.mean().iter().zip(b.mean()).map(|(a, b)| (a - b).powi(2)).sum();
        check(&a, &b, means + dot(&p, &p) + dot(&q, &q) - 2.0 * dot(&p, &q).abs());
    }

    #[test]
    fn a_shift_adds_its_square_and_order_does_not_matter() {
        let features = random(900, 16, 1.0, 3);
        let shifted: Vec<f64> = features.rows(0..900).iter().map(|v| v + 0.5).collect();
        let moments = Moments::of(&features).unwrap();
        check(&moments, &of(&shifted, 16), 16.0 * 0.25);
        let order = Stream::new(1, "order", 0).permutation(900);
        check(&moments, &Moments::of(&features.select(&order).unwrap()).unwrap(), 0.0);
    }

    #[test]
    fn what_is_no_covariance_and_other_dimensions_are_refused() {
        let bad = gaussian(&[0.0, 0.0], &[1.0, 3.0, 3.0, 1.0]);
        let good = gaussian(&[0.0, 0.0], &[1.0, 0.0, 0.0, 1.0]);
        assert!(FrechetDistance::between(&good, &bad).is_err());
        assert!(FrechetDistance::between(&bad, &good).is_err());
        let message = FrechetDistance::between(&good, &of(&[0.0, 1.0], 1)).unwrap_err().to_string();
        assert!(message.contains("2 features a sample and the other 1"), "{message}");
    }

    #[test]
    fn too_few_samples_give_warnings() {
        let distance = FrechetDistance { value: 1.0, means: 1.0, covariances: 0.0 };
        let warnings = |real, generated| {
            distance.score(&setting(real, generated), 2048, None).unwrap().warnings.join("\n")
        };
        assert_eq!(warnings(10_000, 10_000), "");
        assert!(warnings(10_000, 2000).contains("span at most 1999 of 2048"));
        assert!(warnings(10_000, 5000).contains("5000 generated samples bias the distance upward"));
        assert!(warnings(50_000, 10_000).contains("10000 generated against 50000 real"));
    }

    #[test]
    fn the_interval_surrounds_the_distance() {
        let (real, fake) = (Moments::of(&random(300, 4, 1.0, 1)).unwrap(), random(300, 4, 1.2, 2));
        let distance = FrechetDistance::between(&real, &Moments::of(&fake).unwrap()).unwrap();
        let interval = bootstrap_frechet(distance, &real, &fake, 50, 0).unwrap();
        assert!(interval.low < distance.value && distance.value < interval.high, "{interval:?} {distance:?}");
        assert!(interval.high - interval.low < 0.5, "{interval:?}");
    }
}
