//! Optimal transport on the line: sort, then couple equal quantiles.

use super::checks::{Result, distribution, finite, positive, same_length};

/// Some mass and where it goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    /// Number of the source, in the order given.
    pub source: usize,
    /// Number of the target.
    pub target: usize,
    /// How much.
    pub mass: f64,
}

/// The Wasserstein distance of order `power` between samples on the line, all of equal weight: for equally many,
/// `(mean |x_(i) - y_(i)|^power)^(1/power)` after sorting.
///
/// # Errors
/// If there is no sample, one is not finite, or `power` is below 1.
pub fn wasserstein(x: &[f64], y: &[f64], power: f64) -> Result<f64> {
    let equal = |n: usize| vec![1.0 / n.max(1) as f64; n];
    wasserstein_weighted((x, &equal(x.len())), (y, &equal(y.len())), power)
}

/// The Wasserstein distance of order `power` between places with probabilities on the line. For order 1 it is
/// `integral |F - G|` of the distribution functions.
///
/// # Errors
/// If places and probabilities do not pair up, a number is not finite, the probabilities do not sum to 1, or
/// `power` is below 1.
pub fn wasserstein_weighted(p: (&[f64], &[f64]), q: (&[f64], &[f64]), power: f64) -> Result<f64> {
    positive("the order", power)?;
    if power < 1.0 {
        return super::checks::refused(format!("the order is {power}; give 1 or more"));
    }
    let pieces = quantile_coupling(p, q)?;
    let cost = |piece: &Piece| piece.mass * (p.0[piece.source] - q.0[piece.target]).abs().powf(power);
    Ok(pieces.iter().map(cost).sum::<f64>().powf(power.recip()))
}

/// The plan that moves each quantile of `p` to the same quantile of `q`: optimal for every convex cost of the
/// distance. Each distribution is given by its places and their probabilities.
///
/// # Errors
/// As [`wasserstein_weighted`].
pub fn quantile_coupling(p: (&[f64], &[f64]), q: (&[f64], &[f64])) -> Result<Vec<Piece>> {
    for (what, (places, shares)) in [("the first", p), ("the second", q)] {
        finite(&format!("{what} places"), places)?;
        same_length(&format!("{what} places and probabilities"), places.len(), shares.len())?;
        distribution(&format!("{what} probabilities"), shares)?;
    }
    let mut sources = sorted(p).into_iter();
    let mut targets = sorted(q).into_iter();
    let (mut source, mut target) = (sources.next(), targets.next());
    let mut pieces = Vec::new();
    while let (Some((from, supply)), Some((to, demand))) = (source, target) {
        let mass = supply.min(demand);
        if mass > 0.0 {
            pieces.push(Piece { source: from, target: to, mass });
        }
        source = if supply <= demand { sources.next() } else { Some((from, supply - mass)) };
        target = if demand <= supply { targets.next() } else { Some((to, demand - mass)) };
    }
    Ok(pieces)
}

/// Numbers and probabilities of the places, in order of the place.
fn sorted((places, shares): (&[f64], &[f64])) -> Vec<(usize, f64)> {
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|&a, &b| places[a].total_cmp(&places[b]));
    order.into_iter().map(|index| (index, shares[index])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-6, "{found} instead of {expected}");
    }

    #[test]
    fn examples_by_hand() {
        close(wasserstein(&[0.0, 1.0, 3.0], &[8.0, 5.0, 6.0], 1.0).unwrap(), 5.0);
        close(wasserstein(&[0.0, 1.0], &[0.0, 3.0, 0.0], 1.0).unwrap(), 0.833333);
        close(wasserstein(&[0.0, 0.0], &[3.0, 4.0], 2.0).unwrap(), 12.5_f64.sqrt());
        let weighted = wasserstein_weighted((&[0.0, 1.0], &[0.75, 0.25]), (&[2.0], &[1.0]), 1.0).unwrap();
        close(weighted, 1.75);
    }

    #[test]
    fn normals_one_apart() {
        let normal = super::super::Normal::new(0.0, 1.0).unwrap();
        let places: Vec<f64> = (0..2000).map(|i| -9.0 + f64::from(i) / 100.0).collect();
        let shares = |mean: f64| {
            let raw: Vec<f64> = places.iter().map(|x| normal.density(x - mean)).collect();
            let sum: f64 = raw.iter().sum();
            raw.into_iter().map(|share| share / sum).collect::<Vec<f64>>()
        };
        let (p, q) = (shares(0.0), shares(1.0));
        close(wasserstein_weighted((&places, &p), (&places, &q), 1.0).unwrap(), 1.0);
    }

    #[test]
    fn order_of_the_samples_does_not_matter_and_bad_input_is_refused() {
        let (x, y) = ([3.0, -1.0, 2.0], [0.5, 9.0, 0.1]);
        let turned = wasserstein(&[2.0, 3.0, -1.0], &[9.0, 0.1, 0.5], 2.0).unwrap();
        close(wasserstein(&x, &y, 2.0).unwrap(), turned);
        close(wasserstein(&x, &x, 1.0).unwrap(), 0.0);
        assert!(wasserstein(&x, &[f64::NAN], 1.0).is_err());
        assert!(wasserstein(&x, &[], 1.0).is_err());
        assert!(wasserstein(&x, &y, 0.5).is_err());
        assert!(wasserstein_weighted((&x, &[1.0]), (&y, &[0.2, 0.3, 0.5]), 1.0).is_err());
    }
}
