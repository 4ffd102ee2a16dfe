//! Wasserstein distances of projections on the line.

use super::checks::{Result, refused};
use super::line_transport::wasserstein;
use super::points::Points;
use crate::random::Stream;

/// The sliced Wasserstein distance of order `power`: `(mean_theta W_p(theta x, theta y)^p)^(1/p)` over `directions`
/// random unit vectors (Rabin et al. 2011). The numbers of points may differ.
///
/// # Errors
/// If the points have different numbers of coordinates, `power` is below 1 or there is no direction.
pub fn sliced_wasserstein(
    x: Points<'_>,
    y: Points<'_>,
    power: f64,
    directions: usize,
    stream: &mut Stream,
) -> Result<f64> {
    check(x, y, directions)?;
    let mut sum = 0.0;
    for _ in 0..directions {
        sum += along(&unit(stream, x.dimensions()), x, y, power)?.powf(power);
    }
    Ok((sum / directions as f64).powf(power.recip()))
}

/// The largest distance of any projection (Deshpande et al. 2019, arXiv:1904.05877), by random search: the best
/// of `directions` unit vectors, then as many ever smaller changes to it, each kept when it is better.
///
/// # Errors
/// As [`sliced_wasserstein`].
pub fn max_sliced_wasserstein(
    x: Points<'_>,
    y: Points<'_>,
    power: f64,
    directions: usize,
    stream: &mut Stream,
) -> Result<f64> {
    check(x, y, directions)?;
    let (mut best, mut distance) = (Vec::<f64>::new(), f64::NEG_INFINITY);
    for turn in 0..2 * directions {
        let fresh = unit(stream, x.dimensions());
        let reach = 1.0 - turn.saturating_sub(directions) as f64 / directions as f64;
        let moved = || best.iter().zip(&fresh).map(|(&best, fresh)| best + reach * fresh).collect();
        let direction = if turn < directions { fresh.clone() } else { normalized(moved()) };
        let found = along(&direction, x, y, power)?;
        if found > distance {
            (best, distance) = (direction, found);
        }
    }
    Ok(distance)
}

fn check(x: Points<'_>, y: Points<'_>, directions: usize) -> Result<()> {
    if x.dimensions() != y.dimensions() {
        return refused(format!(
            "points of {} and of {} coordinates cannot be compared",
            x.dimensions(),
            y.dimensions()
        ));
    }
    if directions == 0 { refused("0 directions; give at least one".to_owned()) } else { Ok(()) }
}

fn along(direction: &[f64], x: Points<'_>, y: Points<'_>, power: f64) -> Result<f64> {
    let projected = |points: Points<'_>| -> Vec<f64> {
        points.iter().map(|point| point.iter().zip(direction).map(|(a, b)| a * b).sum()).collect()
    };
    wasserstein(&projected(x), &projected(y), power)
}

/// A unit vector, all directions equally likely.
fn unit(stream: &mut Stream, dimensions: usize) -> Vec<f64> {
    normalized(stream.normal(dimensions).into_iter().map(f64::from).collect())
}

fn normalized(vector: Vec<f64>) -> Vec<f64> {
    let length = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
    vector.into_iter().map(|x| x / length.max(f64::MIN_POSITIVE)).collect()
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;

    #[test]
    fn a_shift_in_the_plane() {
        let x: Vec<f64> = Stream::new(1, "cloud", 0).normal(80).into_iter().map(f64::from).collect();
        let y: Vec<f64> = x.chunks(2).flat_map(|p| [p[0] + 3.0, p[1] - 4.0]).collect();
        let (x, y) = (Points::new(&x, 2).unwrap(), Points::new(&y, 2).unwrap());
        let slices = |power| sliced_wasserstein(x, y, power, 2000, &mut Stream::new(1, "slices", 0)).unwrap();
        assert!((slices(1.0) / (5.0 * 2.0 / PI) - 1.0).abs() < 0.03, "{}", slices(1.0));
        assert!((slices(2.0) / (5.0 / 2_f64.sqrt()) - 1.0).abs() < 0.03, "{}", slices(2.0));
        let largest = max_sliced_wasserstein(x, y, 1.0, 100, &mut Stream::new(1, "slices", 0)).unwrap();
        assert!((4.99..=5.000_001).contains(&largest), "{largest}");
        assert!(sliced_wasserstein(x, x, 1.0, 10, &mut Stream::new(1, "slices", 0)).unwrap() < 1e-12);
    }

    #[test]
    fn bad_input_is_refused() {
        let mut stream = Stream::new(1, "slices", 0);
        let values = [0.0, 1.0, 2.0, 3.0];
        let (flat, line) = (Points::new(&values, 2).unwrap(), Points::new(&values, 1).unwrap());
        assert!(sliced_wasserstein(flat, line, 1.0, 10, &mut stream).is_err());
        assert!(sliced_wasserstein(flat, flat, 1.0, 0, &mut stream).is_err());
        assert!(max_sliced_wasserstein(flat, flat, 0.5, 10, &mut stream).is_err());
    }
}
