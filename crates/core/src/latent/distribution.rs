//! What a part of a latent is drawn from.

use std::sync::Arc;

use statrs::distribution::{ContinuousCDF, Normal};

use crate::planar::Planar;
use crate::random::Stream;

/// Draws by which a shape's coordinates are measured.
const POOLED: usize = 2000;

/// What a part of a latent is drawn from.
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    /// Independent normal coordinates around 0.
    Normal {
        /// How many.
        size: usize,
        /// Their standard deviation.
        deviation: f64,
    },
    /// Independent uniform coordinates.
    Uniform {
        /// How many.
        size: usize,
        /// The lower end.
        low: f64,
        /// The upper end.
        high: f64,
    },
    /// One of several categories, as a row of zeros with a one.
    Category {
        /// How often each is drawn; they need not sum to 1.
        shares: Vec<f64>,
    },
    /// A shape in the plane.
    Planar(Planar),
    /// One of several given points, all equally likely.
    Points {
        /// Coordinates of each.
        size: usize,
        /// The points, row by row.
        rows: Arc<[f32]>,
    },
}

impl Distribution {
    /// Coordinates it takes.
    pub fn size(&self) -> usize {
        match self {
            Self::Normal { size, .. } | Self::Uniform { size, .. } | Self::Points { size, .. } => *size,
            Self::Category { shares } => shares.len(),
            Self::Planar(_) => 2,
        }
    }

    /// `count` draws, row by row.
    pub fn draw(&self, count: usize, stream: &mut Stream) -> Vec<f32> {
        match self {
            Self::Normal { size, deviation } => {
                let scaled = |value: f32| (f64::from(value) * deviation) as f32;
                stream.normal(count * size).into_iter().map(scaled).collect()
            }
            Self::Uniform { size, low, high } => stream.uniform(count * size, *low as f32, *high as f32),
            Self::Category { shares } => {
                let choices = choose(shares, count, stream);
                let mut rows = vec![0.0; count * shares.len()];
                for (row, choice) in rows.chunks_mut(shares.len().max(1)).zip(choices) {
                    row[choice] = 1.0;
                }
                rows
            }
            Self::Planar(planar) => planar.draw(&planar.choose(count, stream), stream),
            Self::Points { size, rows } => {
                let points: Vec<&[f32]> = rows.chunks_exact((*size).max(1)).collect();
                (0..count)
                    .flat_map(|_| stream.choose(&points).copied().unwrap_or_default().to_vec())
                    .collect()
            }
        }
    }

    /// The value below which a coordinate lies with probability `share` in (0, 1), of any axis where they differ;
    /// `None` for what has no coordinates of its own.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        match self {
            Self::Normal { deviation, .. } => Some(deviation * Normal::standard().inverse_cdf(share)),
            Self::Uniform { low, high, .. } => Some(low + (high - low) * share),
            Self::Category { .. } => None,
            Self::Planar(_) | Self::Points { .. } => {
                let mut pooled = self.pooled();
                pooled.sort_by(f64::total_cmp);
                let place = (share.clamp(0.0, 1.0) * pooled.len().saturating_sub(1) as f64).round();
                pooled.get(place as usize).copied()
            }
        }
    }

    /// The standard deviation of a coordinate; `None` for what has no coordinates of its own.
    pub fn deviation(&self) -> Option<f64> {
        match self {
            Self::Normal { deviation, .. } => Some(*deviation),
            Self::Uniform { low, high, .. } => Some((high - low) / 12.0_f64.sqrt()),
            Self::Category { .. } => None,
            Self::Planar(_) | Self::Points { .. } => {
                let pooled = self.pooled();
                let count = pooled.len().max(1) as f64;
                let mean = pooled.iter().sum::<f64>() / count;
                Some((pooled.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt())
            }
        }
    }

    /// The coordinates of many draws, all axes together.
    fn pooled(&self) -> Vec<f64> {
        let values = match self {
            Self::Points { rows, .. } => rows.to_vec(),
            other => other.draw(POOLED, &mut Stream::new(0, "latent/pooled", 0)),
        };
        values.into_iter().map(f64::from).collect()
    }
}

/// `count` numbers of shares, each as often as its share says.
fn choose(shares: &[f64], count: usize, stream: &mut Stream) -> Vec<usize> {
    let mut sum = 0.0;
    let sums: Vec<f64> = shares
        .iter()
        .map(|share| {
            sum += share.max(0.0);
            sum
        })
        .collect();
    let last = shares.len().saturating_sub(1);
    let place = |draw: f32| sums.partition_point(|&below| below <= f64::from(draw) * sum).min(last);
    stream.uniform(count, 0.0, 1.0).into_iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_distribution() {
        let normal = Distribution::Normal { size: 1, deviation: 2.0 };
        assert!((normal.quantile(0.975).unwrap() - 2.0 * 1.959_963_985).abs() < 1e-6);
        assert_eq!(Distribution::Uniform { size: 1, low: 0.0, high: 4.0 }.quantile(0.25), Some(1.0));
        assert_eq!(Distribution::Category { shares: vec![1.0] }.quantile(0.5), None);
    }

    #[test]
    fn shapes_have_the_quantiles_and_deviations_of_all_their_coordinates() {
        let given = Distribution::Points { size: 2, rows: vec![3.0, 1.0, 5.0, 7.0, 9.0].into() };
        assert_eq!([0.0, 0.5, 1.0].map(|share| given.quantile(share).unwrap()), [1.0, 5.0, 9.0]);
        assert!((given.deviation().unwrap() - 8.0_f64.sqrt()).abs() < 1e-12);
        // Half of the mean square radius of the wheel: (1.4² + 0.5² + 0.1²) / 2.
        let wheel = Distribution::Planar(Planar::GaussianWheel { components: 10 });
        assert!((wheel.deviation().unwrap() - 1.11_f64.sqrt()).abs() < 0.03);
        assert!(wheel.quantile(0.5).unwrap().abs() < 0.1);
    }

    #[test]
    fn given_points_are_drawn_whole() {
        let given = Distribution::Points { size: 2, rows: vec![1.0, 2.0, 3.0, 4.0].into() };
        let drawn = given.draw(200, &mut Stream::new(1, "a test", 0));
        let first = drawn.chunks(2).filter(|point| *point == [1.0, 2.0]).count();
        let second = drawn.chunks(2).filter(|point| *point == [3.0, 4.0]).count();
        assert!(first + second == 200 && (70..=130).contains(&first), "{first} {second}");
    }
}
