//! Which normal distribution is nearest to a density, under which divergence.

use super::Normal;
use super::checks::{Result, finite, refused};
use super::density::{Grid, jensen_shannon, relative};

/// The divergence to make small between the data `p` and the model `q`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// `KL(p || q)`, maximum likelihood.
    Forward,
    /// `KL(q || p)`.
    Reverse,
    /// The Jensen-Shannon divergence.
    JensenShannon,
}

/// The nearest normal distribution and how far it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// The distribution.
    pub normal: Normal,
    /// The divergence that is left.
    pub divergence: f64,
}

/// Places tried along each parameter at once.
const TRIED: usize = 11;
/// Times that the search narrows to three tenths around the best place.
const ROUNDS: usize = 16;

/// The normal distribution nearest to the density whose logarithm is `log_density`, with its mean between `means`
/// and its deviation between `deviations`: a grid of both, narrowed again and again around its best place.
///
/// # Errors
/// If a range is empty, deviations are not positive, or the density has no logarithm somewhere on the grid.
pub fn fit_normal(
    grid: Grid,
    log_density: &dyn Fn(f64) -> f64,
    target: Target,
    means: (f64, f64),
    deviations: (f64, f64),
) -> Result<Fit> {
    finite("the search ranges", &[means.0, means.1, deviations.0, deviations.1])?;
    if means.0 > means.1 || deviations.0 > deviations.1 || deviations.0 <= 0.0 {
        return refused(format!(
            "cannot search means {means:?} and deviations {deviations:?}; give increasing ranges of positive deviations"
        ));
    }
    let places = grid.places();
    let logs: Vec<f64> = places.iter().map(|&x| log_density(x)).collect();
    if logs.iter().any(|log| log.is_nan()) {
        return refused("the density to fit: its logarithm is NaN on the grid".to_owned());
    }
    let divergence = |normal: &Normal| {
        // Both densities are smooth and vanish at the ends: the plain sum is as good as Simpson's rule.
        let step = grid.step();
        let sum: f64 = places
            .iter()
            .zip(&logs)
            .map(|(&x, &p)| match target {
                Target::Forward => relative(p, normal.log_density(x)),
                Target::Reverse => relative(normal.log_density(x), p),
                Target::JensenShannon => jensen_shannon(p, normal.log_density(x)),
            })
            .sum();
        sum * step
    };
    let middle = |(low, high): (f64, f64)| f64::midpoint(low, high);
    let half = |(low, high): (f64, f64)| (high - low) / 2.0;
    let (mut centre, mut reach) = ((middle(means), middle(deviations)), (half(means), half(deviations)));
    let mut best = Fit { normal: Normal::new(centre.0, centre.1)?, divergence: f64::INFINITY };
    for _ in 0..ROUNDS {
        for (mean, deviation) in around(centre, reach) {
            let inside = mean.clamp(means.0, means.1);
            let normal = Normal::new(inside, deviation.clamp(deviations.0, deviations.1))?;
            let found = divergence(&normal);
            if found < best.divergence {
                best = Fit { normal, divergence: found };
            }
        }
        centre = (best.normal.mean(), best.normal.deviation());
        reach = (0.3 * reach.0, 0.3 * reach.1);
    }
    Ok(best)
}

/// A grid of pairs.
fn around(centre: (f64, f64), reach: (f64, f64)) -> impl Iterator<Item = (f64, f64)> {
    let offset = |index: usize| 2.0 * index as f64 / (TRIED - 1) as f64 - 1.0;
    (0..TRIED * TRIED).map(move |index| {
        (centre.0 + reach.0 * offset(index / TRIED), centre.1 + reach.1 * offset(index % TRIED))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fit to an even mixture of normals at `-mu` and `mu`.
    fn fitted(mu: f64, target: Target) -> [f64; 3] {
        let grid = Grid::new(-18.0, 18.0, 1200).unwrap();
        let log_density = |x: f64| {
            let (left, right) = (Normal::new(-mu, 1.0).unwrap(), Normal::new(mu, 1.0).unwrap());
            f64::midpoint(left.density(x), right.density(x)).ln()
        };
        let fit = fit_normal(grid, &log_density, target, (0.0, mu + 1.0), (0.3, mu + 2.0)).unwrap();
        [fit.normal.mean(), fit.normal.deviation(), fit.divergence]
    }

    #[test]
    fn each_divergence_has_its_own_best_normal() {
        for (mu, target, expected) in [
            (1.0, Target::Forward, [0.0, 2_f64.sqrt(), 0.009743]),
            (2.0, Target::Forward, [0.0, 2.236068, 0.171999]),
            (3.0, Target::Forward, [0.0, 3.162278, 0.461995]),
            (1.0, Target::Reverse, [0.0, 1.393732, 0.010888]),
            (2.0, Target::Reverse, [0.0, 2.047010, 0.226508]),
            (3.0, Target::Reverse, [2.984306, 1.023369, 0.688769]),
            (1.0, Target::JensenShannon, [0.0, 1.406596, 0.002537]),
            (2.0, Target::JensenShannon, [0.0, 2.196360, 0.046089]),
            (3.0, Target::JensenShannon, [0.0, 3.119832, 0.128411]),
        ] {
            for (found, expected) in fitted(mu, target).into_iter().zip(expected) {
                assert!((found - expected).abs() < 1e-5, "{mu} {target:?}: {found} instead of {expected}");
            }
        }
    }

    #[test]
    fn reverse_divergence_from_a_far_mode_tends_to_ln_2() {
        assert!((fitted(6.0, Target::Reverse)[2] - std::f64::consts::LN_2).abs() < 1e-4);
    }

    #[test]
    fn empty_ranges_are_refused() {
        let grid = Grid::new(-9.0, 9.0, 100).unwrap();
        let log_density = |x: f64| -x * x;
        let fit = |means, deviations| fit_normal(grid, &log_density, Target::Forward, means, deviations);
        assert!(fit((1.0, 0.0), (1.0, 2.0)).is_err());
        assert!(fit((0.0, 1.0), (0.0, 2.0)).is_err());
        assert!(fit((0.0, f64::NAN), (1.0, 2.0)).is_err());
    }
}
