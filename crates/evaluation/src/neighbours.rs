//! Distances between all pairs of two sets, block by block, and the neighbourhoods of samples.

use rayon::prelude::*;

use super::error::{Result, refused};
use super::features::Features;
use super::linear_algebra::inner_products;

/// Rows of either set whose pairs are in memory at once.
const BLOCK: usize = 1024;
/// Below this share of the squared norms a squared distance from norms and products has lost its digits.
const CANCELLED: f64 = 1e-10;

/// For each row of `queries`: a fold over the squared Euclidean distances to all rows of `references`.
///
/// `step(state, query, first, distances)` is given the distances to the references `first..first + distances.len()`,
/// in rising order of `first`. Memory is bounded by a block of pairs, and equal rows are at distance exactly 0.
///
/// # Errors
/// If the dimensions differ.
pub(crate) fn fold_distances<S: Clone + Send + Sync>(
    queries: &Features,
    references: &Features,
    start: S,
    step: impl Fn(&mut S, usize, usize, &[f64]) + Sync,
) -> Result<Vec<S>> {
    queries.check_dimensions(references)?;
    let width = queries.dimensions();
    let mut states = vec![start; queries.count()];
    let mut products = vec![0.0; BLOCK.min(queries.count()) * BLOCK.min(references.count())];
    for (block, states) in states.chunks_mut(BLOCK).enumerate() {
        let first_query = block * BLOCK;
        let a = queries.rows(first_query..first_query + states.len());
        let a_norms = squared_norms(&a, width);
        for first in (0..references.count()).step_by(BLOCK) {
            let b = references.rows(first..references.count().min(first + BLOCK));
            let b_norms = squared_norms(&b, width);
            let columns = b_norms.len();
            let Some(products) = products.get_mut(..states.len() * columns) else { continue };
            inner_products(&a, &b, width, products);
            states
                .par_iter_mut()
                .zip(products.par_chunks_exact_mut(columns))
                .zip(a.par_chunks_exact(width).zip(&a_norms))
                .enumerate()
                .for_each(|(row, ((state, distances), (x, x_norm)))| {
                    let others = b.chunks_exact(width).zip(&b_norms);
                    for (distance, (y, y_norm)) in distances.iter_mut().zip(others) {
                        let norms = x_norm + y_norm;
                        let quick = norms - 2.0 * *distance;
                        *distance = if quick > CANCELLED * norms { quick } else { squared_distance(x, y) };
                    }
                    step(state, first_query + row, first, distances);
                });
        }
    }
    Ok(states)
}

fn squared_norms(rows: &[f64], width: usize) -> Vec<f64> {
    rows.par_chunks_exact(width).map(|row| row.iter().map(|value| value * value).sum()).collect()
}

fn squared_distance(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| (x - y).powi(2)).sum()
}

/// A set with the distances from each sample to its nearest others: balls that stand for the region it fills.
#[derive(Clone, Debug)]
pub struct Neighbourhoods<'a> {
    features: &'a Features,
    /// Squared, in rising order, `[count, most]`.
    nearest: Vec<f64>,
    most: usize,
}

impl<'a> Neighbourhoods<'a> {
    /// Finds the `most` nearest others of every sample.
    ///
    /// # Errors
    /// If there are not that many others.
    pub fn new(features: &'a Features, most: usize) -> Result<Self> {
        if most == 0 || most >= features.count() {
            return refused(format!(
                "{} samples have no {most} nearest others; give more samples or ask for fewer neighbours, at least 1",
                features.count()
            ));
        }
        let start = vec![f64::INFINITY; most];
        let nearest = fold_distances(features, features, start, |nearest, query, first, distances| {
            for (other, &distance) in (first..).zip(distances) {
                if other != query {
                    insert(nearest, distance);
                }
            }
        })?;
        Ok(Self { features, nearest: nearest.concat(), most })
    }

    /// The set.
    pub fn features(&self) -> &'a Features {
        self.features
    }

    /// The squared distance of each sample to its `k`-th nearest other.
    ///
    /// # Errors
    /// If fewer were found.
    pub(crate) fn squared_radii(&self, k: usize) -> Result<Vec<f64>> {
        if k == 0 || k > self.most {
            return refused(format!("neighbour {k} was asked for and {} were found", self.most));
        }
        Ok(self.nearest.iter().skip(k - 1).step_by(self.most).copied().collect())
    }
}

/// Puts a number in its place among the smallest ones found so far.
fn insert(smallest: &mut [f64], value: f64) {
    if smallest.last().is_some_and(|&largest| value < largest) {
        let place = smallest.partition_point(|&other| other <= value);
        if let Some(tail) = smallest.get_mut(place..) {
            tail.rotate_right(1);
            tail.iter_mut().take(1).for_each(|first| *first = value);
        }
    }
}

/// For each query the nearest reference, the first one of several, and the distance to it.
///
/// # Errors
/// If the dimensions differ.
pub fn nearest(queries: &Features, references: &Features) -> Result<Vec<(usize, f64)>> {
    let found = fold_distances(queries, references, (0, f64::INFINITY), |best, _, first, distances| {
        for (reference, &distance) in (first..).zip(distances) {
            if distance < best.1 {
                *best = (reference, distance);
            }
        }
    })?;
    Ok(found.into_iter().map(|(reference, squared)| (reference, squared.sqrt())).collect())
}

/// For each query the `few` nearest references, nearest first, the first ones of several.
///
/// # Errors
/// If there are not so many, or the dimensions differ.
pub fn nearest_few(queries: &Features, references: &Features, few: usize) -> Result<Vec<Vec<usize>>> {
    if few == 0 || few > references.count() {
        return refused(format!(
            "{few} nearest ones were asked for among {}; ask for 1 to that",
            references.count()
        ));
    }
    let start = vec![(0, f64::INFINITY); few];
    let found = fold_distances(queries, references, start, |nearest, _, first, distances| {
        for (reference, &distance) in (first..).zip(distances) {
            let place = nearest.partition_point(|&(_, other)| other <= distance);
            if let Some(tail) = nearest.get_mut(place..) {
                tail.rotate_right(tail.len().min(1));
                tail.iter_mut().take(1).for_each(|slot| *slot = (reference, distance));
            }
        }
    })?;
    Ok(found.into_iter().map(|nearest| nearest.into_iter().map(|(place, _)| place).collect()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use brigand_core::random::Stream;

    fn random(count: usize, width: usize, seed: u64) -> Features {
        Features::new(Stream::new(seed, "features", 0).normal(count * width), width).unwrap()
    }

    fn all_distances(a: &Features, b: &Features) -> Vec<Vec<f64>> {
        let (a_rows, b_rows) = (a.rows(0..a.count()), b.rows(0..b.count()));
        a_rows
            .chunks(a.dimensions())
            .map(|x| b_rows.chunks(b.dimensions()).map(|y| squared_distance(x, y)).collect())
            .collect()
    }

    #[test]
    fn blocks_give_every_distance_once_and_in_order() {
        let (a, b) = (random(1500, 6, 1), random(2500, 6, 2));
        let found = fold_distances(&a, &b, Vec::new(), |all: &mut Vec<f64>, _, first, distances| {
            assert_eq!(all.len(), first);
            all.extend(distances);
        })
        .unwrap();
        for (found, expected) in found.iter().zip(all_distances(&a, &b)) {
            assert!(found.iter().zip(&expected).all(|(f, e)| (f - e).abs() < 1e-12 * (1.0 + e)));
            assert_eq!(found.len(), expected.len());
        }
    }

    #[test]
    fn equal_rows_are_at_no_distance_however_long() {
        let far: Vec<f64> = random(30, 64, 1).rows(0..30).iter().map(|value| value + 1e4).collect();
        let features = Features::new([far.clone(), far].concat(), 64).unwrap();
        let radii = Neighbourhoods::new(&features, 1).unwrap().squared_radii(1).unwrap();
        assert_eq!(radii, vec![0.0; 60]);
    }

    #[test]
    fn radii_leave_the_sample_itself_out() {
        let features = Features::new(vec![0.0, 1.0, 3.0, 7.0], 1).unwrap();
        let found = Neighbourhoods::new(&features, 3).unwrap();
        assert_eq!(found.squared_radii(1).unwrap(), [1.0, 1.0, 4.0, 16.0]);
        assert_eq!(found.squared_radii(3).unwrap(), [49.0, 36.0, 16.0, 49.0]);
        assert!(found.squared_radii(4).is_err() && found.squared_radii(0).is_err());
        let message = Neighbourhoods::new(&features, 4).unwrap_err().to_string();
        assert!(message.contains("4 samples have no 4 nearest others"), "{message}");
    }

    #[test]
    fn a_few_nearest_come_in_order() {
        let references = Features::new(vec![5.0, 1.0, 1.0, 3.0], 1).unwrap();
        let queries = Features::new(vec![1.5, 3.0, 9.0], 1).unwrap();
        let found = nearest_few(&queries, &references, 3).unwrap();
        assert_eq!(found, [[1, 2, 3], [3, 0, 1], [0, 3, 1]]);
        assert!(
            nearest_few(&queries, &references, 5).is_err() && nearest_few(&queries, &references, 0).is_err()
        );
    }

    #[test]
    fn the_nearest_is_the_first_of_equals() {
        let references = Features::new(vec![5.0, 1.0, 1.0, 3.0], 1).unwrap();
        let queries = Features::new(vec![1.5, 3.0], 1).unwrap();
        assert_eq!(nearest(&queries, &references).unwrap(), [(1, 0.5), (3, 0.0)]);
        assert!(nearest(&queries, &random(3, 2, 1)).is_err());
    }

    #[test]
    fn smallest_numbers_stay_sorted() {
        let mut smallest = [f64::INFINITY; 3];
        [5.0, 2.0, 9.0, 2.0, 3.0, 1.0].into_iter().for_each(|value| insert(&mut smallest, value));
        assert_eq!(smallest, [1.0, 2.0, 2.0]);
    }
}
