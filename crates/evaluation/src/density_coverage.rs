//! Density and coverage (Naeem et al. 2020).

use super::average::Average;
use super::error::Result;
use super::features::Features;
use super::neighbours::{Neighbourhoods, fold_both};
use super::precision_recall::sample_warnings;
use super::protocol::Setting;
use super::score::Score;

/// How densely generated samples lie among the real ones, and how many real ones have company.
///
/// Unlike precision and recall both look at balls around real samples only, so a few generated outliers do not help.
#[derive(Clone, Debug, PartialEq)]
pub struct DensityCoverage {
    /// For each generated sample the number of real balls it lies in over `k`; can exceed 1.
    pub density: Average,
    /// 1 for each real sample whose ball holds a generated one.
    pub coverage: Average,
    neighbours: usize,
}

impl DensityCoverage {
    /// Compares two sets; the ball of a real sample reaches to its `k`-th nearest real other (the paper's `k` is 5),
    /// and a sample on its surface is outside.
    ///
    /// # Errors
    /// If the dimensions differ, or fewer than `k` neighbours were found.
    pub fn of(real: &Neighbourhoods<'_>, generated: &Features, k: usize) -> Result<Self> {
        let radii = real.squared_radii(k)?;
        let (balls, nearest) = fold_both(
            (generated, real.features()),
            (0, f64::INFINITY),
            |balls, _, first, distances| *balls += balls_around(distances, &radii, first),
            |nearest, _, _, distance| *nearest = distance.min(*nearest),
            &mut |_, _| {},
        )?;
        Self::from_parts(balls, nearest, &radii, k)
    }

    /// In how many balls each generated sample is, the squared distance of each real sample to the nearest generated one,
    /// and the squared radii of the real balls.
    pub(super) fn from_parts(
        balls: impl IntoIterator<Item = usize>,
        nearest: impl IntoIterator<Item = f64>,
        radii: &[f64],
        k: usize,
    ) -> Result<Self> {
        let covered =
            nearest.into_iter().zip(radii).map(|(nearest, &radius)| f64::from(u8::from(nearest < radius)));
        Ok(Self {
            density: Average::new(balls.into_iter().map(|balls| balls as f64 / k as f64).collect())?,
            coverage: Average::new(covered.collect())?,
            neighbours: k,
        })
    }

    /// What coverage to expect of a perfect generator: about `1 - 2^-k`.
    pub fn expected_coverage(&self) -> f64 {
        1.0 - 0.5_f64.powi(i32::try_from(self.neighbours).unwrap_or(i32::MAX))
    }

    /// Density and coverage as scores.
    ///
    /// # Errors
    /// If one is not finite.
    pub fn scores(&self, setting: &Setting) -> Result<[Score; 2]> {
        let parameters = || [("neighbours", self.neighbours.into()), ("boundary", "outside".into())];
        let (generated, real) = (self.density.values().len(), self.coverage.values().len());
        let warnings = || sample_warnings(real, generated);
        Ok([
            self.density.score(setting.protocol("density", parameters()), warnings())?,
            self.coverage.score(setting.protocol("coverage", parameters()), warnings())?,
        ])
    }
}

/// How many of the squared `distances`, to the samples from `first` on, are below the squared radii of their balls.
pub(super) fn balls_around(distances: &[f64], radii: &[f64], first: usize) -> usize {
    distances.iter().zip(radii.iter().skip(first)).filter(|(distance, radius)| distance < radius).count()
}

#[cfg(test)]
mod tests {
    use super::super::protocol::tests::setting;
    use super::*;
    use brigand_core::random::Stream;

    fn measure(real: &Features, generated: &Features, k: usize) -> DensityCoverage {
        DensityCoverage::of(&Neighbourhoods::new(real, k).unwrap(), generated, k).unwrap()
    }

    #[test]
    fn the_small_example() {
        let real = Features::new(vec![0.0, 1.0, 2.0], 1).unwrap();
        let found = measure(&real, &Features::new(vec![0.5, 10.0], 1).unwrap(), 1);
        assert_eq!(found.density.mean(), 1.0);
        assert!((found.coverage.mean() - 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn equal_distributions_have_the_expected_values() {
        let draw = |seed| Features::new(Stream::new(seed, "features", 0).normal(8000), 4).unwrap();
        for (k, expected) in [(1, 0.495), (3, 0.876), (5, 0.965)] {
            let found = measure(&draw(1), &draw(2), k);
            assert!((found.coverage.mean() - expected).abs() < 0.03, "{k}: {}", found.coverage.mean());
            assert!((found.expected_coverage() - expected).abs() < 0.01);
            assert!((found.density.mean() - 1.0).abs() < 0.1, "{k}: {}", found.density.mean());
        }
        let scores = measure(&draw(1), &draw(2), 5).scores(&setting(2000, 2000)).unwrap();
        assert_eq!(scores[0].protocol.metric, "density");
        assert_eq!(scores[1].protocol.parameters["neighbours"], 5);
    }

    #[test]
    fn other_dimensions_are_refused() {
        let real = Features::new(vec![0.0, 1.0, 2.0], 1).unwrap();
        let balls = Neighbourhoods::new(&real, 1).unwrap();
        assert!(DensityCoverage::of(&balls, &Features::new(vec![0.0; 4], 2).unwrap(), 1).is_err());
    }
}
