//! Divergences of two densities on the line, integrated over a grid.

use std::f64::consts::LN_2;

use super::checks::{Result, refused};

/// How far the integral of a density over the grid may be from 1.
const SLACK: f64 = 1e-4;

/// Equally spaced places on which densities are integrated by Simpson's rule. It should cover all mass: eight
/// standard deviations beyond the outermost component.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    low: f64,
    high: f64,
    intervals: usize,
}

impl Grid {
    /// An even number of intervals, `intervals` or one more, from `low` to `high`.
    ///
    /// # Errors
    /// If there is no interval or `low` is not below `high`.
    pub fn new(low: f64, high: f64, intervals: usize) -> Result<Self> {
        if intervals == 0 || !(low < high && (high - low).is_finite()) {
            return refused(format!(
                "a grid of {intervals} intervals from {low} to {high}; give at least one and an increasing range"
            ));
        }
        Ok(Self { low, high, intervals: intervals.next_multiple_of(2) })
    }

    /// The places, both ends among them.
    pub fn places(&self) -> Vec<f64> {
        (0..=self.intervals).map(|index| self.low + self.step() * index as f64).collect()
    }

    /// The distance between neighbouring places.
    pub fn step(&self) -> f64 {
        (self.high - self.low) / self.intervals as f64
    }

    /// The integral of `integrand` by Simpson's rule.
    pub fn integral(&self, integrand: impl Fn(f64) -> f64) -> f64 {
        let weight = |index: usize| match index {
            0 => 1.0,
            last if last == self.intervals => 1.0,
            odd if odd % 2 == 1 => 4.0,
            _ => 2.0,
        };
        let sum: f64 =
            self.places().into_iter().enumerate().map(|(index, x)| weight(index) * integrand(x)).sum();
        sum * self.step() / 3.0
    }

    /// `KL(p || q)` of densities given by their logarithms (minus infinity where there is no mass).
    ///
    /// # Errors
    /// As for all divergences of densities: if a log density is NaN, or the mass on the grid is not 1.
    pub fn kl(&self, log_p: &dyn Fn(f64) -> f64, log_q: &dyn Fn(f64) -> f64) -> Result<f64> {
        self.compare(log_p, log_q, relative)
    }

    /// The Jensen-Shannon divergence, at most `ln 2`.
    ///
    /// # Errors
    /// As [`Grid::kl`].
    pub fn js(&self, log_p: &dyn Fn(f64) -> f64, log_q: &dyn Fn(f64) -> f64) -> Result<f64> {
        self.compare(log_p, log_q, jensen_shannon)
    }

    /// The total variation distance `1/2 integral |p - q|`.
    ///
    /// # Errors
    /// As [`Grid::kl`].
    pub fn total_variation(&self, log_p: &dyn Fn(f64) -> f64, log_q: &dyn Fn(f64) -> f64) -> Result<f64> {
        self.compare(log_p, log_q, |p, q| 0.5 * (p.exp() - q.exp()).abs())
    }

    /// The squared Hellinger distance `integral (sqrt p - sqrt q)²`, between 0 and 2.
    ///
    /// # Errors
    /// As [`Grid::kl`].
    pub fn squared_hellinger(&self, log_p: &dyn Fn(f64) -> f64, log_q: &dyn Fn(f64) -> f64) -> Result<f64> {
        self.compare(log_p, log_q, |p, q| ((p / 2.0).exp() - (q / 2.0).exp()).powi(2))
    }

    fn compare(
        &self,
        log_p: &dyn Fn(f64) -> f64,
        log_q: &dyn Fn(f64) -> f64,
        integrand: impl Fn(f64, f64) -> f64,
    ) -> Result<f64> {
        self.check("the first density", log_p)?;
        self.check("the second density", log_q)?;
        Ok(self.integral(|x| integrand(log_p(x), log_q(x))))
    }

    fn check(&self, what: &str, log_density: &dyn Fn(f64) -> f64) -> Result<()> {
        if let Some(x) = self.places().into_iter().find(|&x| log_density(x).is_nan()) {
            return refused(format!("{what}: its logarithm at {x} is NaN"));
        }
        let mass = self.integral(|x| log_density(x).exp());
        // Written so that an infinite mass is refused too.
        if (mass - 1.0).abs() <= SLACK {
            Ok(())
        } else {
            refused(format!(
                "{what}: its mass between {} and {} is {mass}; widen the grid or give it more intervals",
                self.low, self.high
            ))
        }
    }
}

/// The integrand of `KL(p || q)` from logarithms.
pub(super) fn relative(p: f64, q: f64) -> f64 {
    if p == f64::NEG_INFINITY { 0.0 } else { p.exp() * (p - q) }
}

/// The integrand of the Jensen-Shannon divergence from logarithms.
pub(super) fn jensen_shannon(p: f64, q: f64) -> f64 {
    let top = p.max(q);
    if top == f64::NEG_INFINITY {
        return 0.0;
    }
    let middle = top + ((p - top).exp() + (q - top).exp()).ln() - LN_2;
    f64::midpoint(relative(p, middle), relative(q, middle))
}

#[cfg(test)]
mod tests {
    use super::super::Normal;
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-6, "{found} instead of {expected}");
    }

    #[test]
    fn shifted_normals() {
        let grid = Grid::new(-9.0, 10.0, 2000).unwrap();
        let (p, q) = (Normal::new(0.0, 1.0).unwrap(), Normal::new(1.0, 1.0).unwrap());
        let (p, q) = (&|x| p.log_density(x), &|x| q.log_density(x));
        close(grid.kl(p, q).unwrap(), 0.5);
        close(grid.kl(q, p).unwrap(), 0.5);
        close(grid.js(p, q).unwrap(), 0.111421);
        close(grid.total_variation(p, q).unwrap(), 0.382925);
        close(grid.squared_hellinger(p, q).unwrap(), 0.235006);
    }

    #[test]
    fn densities_without_common_mass_are_as_far_apart_as_can_be() {
        let grid = Grid::new(0.0, 4.0, 4000).unwrap();
        // Triangles on [0, 2] and [2, 4].
        let (p, q) = (&|x: f64| (1.0 - (x - 1.0).abs()).max(0.0).ln(), &|x: f64| {
            (1.0 - (x - 3.0).abs()).max(0.0).ln()
        });
        close(grid.js(p, q).unwrap(), LN_2);
        close(grid.total_variation(p, q).unwrap(), 1.0);
        close(grid.squared_hellinger(p, q).unwrap(), 2.0);
        assert_eq!(grid.kl(p, q).unwrap(), f64::INFINITY);
    }

    #[test]
    fn a_grid_that_misses_mass_is_refused() {
        let normal = Normal::new(0.0, 1.0).unwrap();
        let (good, bad) = (&|x| normal.log_density(x), &|_| f64::NAN);
        let narrow = Grid::new(-1.0, 1.0, 100).unwrap().kl(good, good).unwrap_err().to_string();
        assert!(narrow.contains("first density") && narrow.contains("0.682"), "{narrow}");
        let wide = Grid::new(-9.0, 9.0, 500).unwrap();
        assert!(wide.js(good, bad).unwrap_err().to_string().contains("second density"));
        assert!(Grid::new(1.0, 0.0, 10).is_err() && Grid::new(0.0, f64::INFINITY, 10).is_err());
    }
}
