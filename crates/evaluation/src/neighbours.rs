//! Distances between all pairs of two sets, block by block, and the neighbourhoods of samples.

use std::borrow::Cow;

use rayon::prelude::*;

use super::error::{Result, refused};
use super::features::Features;
use brigand_linear_algebra::inner_products;

/// Rows of either set whose pairs are in memory at once.
const BLOCK: usize = 1024;
/// Below this share of the squared norms a squared distance from norms and products has lost its digits.
const CANCELLED: f64 = 1e-10;

/// Some consecutive rows of a set.
struct Block<'a> {
    first: usize,
    rows: Cow<'a, [f64]>,
    norms: Vec<f64>,
    width: usize,
}

impl<'a> Block<'a> {
    fn of(features: &'a Features, first: usize) -> Self {
        let (width, end) = (features.dimensions(), features.count().min(first + BLOCK));
        let rows = features.rows(first..end);
        let norms = rows.par_chunks_exact(width).map(|row| row.iter().map(|value| value * value).sum());
        let norms = norms.collect();
        Self { first, rows, norms, width }
    }

    fn all(features: &'a Features) -> impl Iterator<Item = Self> {
        (0..features.count()).step_by(BLOCK).map(|first| Self::of(features, first))
    }

    /// The squared distances to the rows of `other`, `[rows, other rows]`, into `found`, which grows to that.
    fn distances(&self, other: &Self, found: &mut Vec<f64>) {
        let columns = other.norms.len();
        found.resize(self.norms.len() * columns, 0.0);
        inner_products(&self.rows, &other.rows, self.width, found);
        let own = self.rows.par_chunks_exact(self.width).zip(&self.norms);
        found.par_chunks_exact_mut(columns).zip(own).for_each(|(distances, (x, x_norm))| {
            let others = other.rows.chunks_exact(self.width).zip(&other.norms);
            for (distance, (y, y_norm)) in distances.iter_mut().zip(others) {
                let norms = x_norm + y_norm;
                let quick = norms - 2.0 * *distance;
                *distance = if quick > CANCELLED * norms { quick } else { squared_distance(x, y) };
            }
        });
    }
}

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
    let mut states = vec![start; queries.count()];
    let mut distances = Vec::new();
    for (a, states) in Block::all(queries).zip(states.chunks_mut(BLOCK)) {
        for b in Block::all(references) {
            a.distances(&b, &mut distances);
            fold_rows(&a, &b, &distances, states, &step);
        }
    }
    Ok(states)
}

/// [`fold_distances`] for both sets at once, from one computation of the distances: `row(state, query, first, distances)`
/// as there, and `column(state, reference, query, distance)` for each pair, in rising order of queries.
/// `observe(done, total)` counts blocks of pairs.
///
/// # Errors
/// If the dimensions differ.
pub(crate) fn fold_both<R: Clone + Send + Sync, C: Clone + Send + Sync>(
    (queries, references): (&Features, &Features),
    (row_start, column_start): (R, C),
    row: impl Fn(&mut R, usize, usize, &[f64]) + Sync,
    column: impl Fn(&mut C, usize, usize, f64) + Sync,
    observe: &mut dyn FnMut(usize, usize),
) -> Result<(Vec<R>, Vec<C>)> {
    queries.check_dimensions(references)?;
    let (mut rows, mut columns) = (vec![row_start; queries.count()], vec![column_start; references.count()]);
    let mut distances = Vec::new();
    let (mut done, total) = (0, queries.count().div_ceil(BLOCK) * references.count().div_ceil(BLOCK));
    for (a, rows) in Block::all(queries).zip(rows.chunks_mut(BLOCK)) {
        for (b, columns) in Block::all(references).zip(columns.chunks_mut(BLOCK)) {
            a.distances(&b, &mut distances);
            fold_rows(&a, &b, &distances, rows, &row);
            fold_columns(&a, &b, &distances, columns, &column);
            done += 1;
            observe(done, total);
        }
    }
    Ok((rows, columns))
}

fn fold_rows<S: Send>(
    a: &Block<'_>,
    b: &Block<'_>,
    distances: &[f64],
    states: &mut [S],
    step: &(impl Fn(&mut S, usize, usize, &[f64]) + Sync),
) {
    let rows = states.par_iter_mut().zip(distances.par_chunks_exact(b.norms.len())).enumerate();
    rows.for_each(|(row, (state, distances))| step(state, a.first + row, b.first, distances));
}

/// Columns that are folded by one thread, so that their parts of a row share cache lines.
const COLUMNS: usize = 64;

fn fold_columns<S: Send>(
    a: &Block<'_>,
    b: &Block<'_>,
    distances: &[f64],
    states: &mut [S],
    step: &(impl Fn(&mut S, usize, usize, f64) + Sync),
) {
    states.par_chunks_mut(COLUMNS).enumerate().for_each(|(chunk, states)| {
        let first = chunk * COLUMNS;
        for (query, row) in (a.first..).zip(distances.chunks_exact(b.norms.len())) {
            for (column, (state, &distance)) in states.iter_mut().zip(row.iter().skip(first)).enumerate() {
                step(state, b.first + first + column, query, distance);
            }
        }
    });
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
        Self::observed(features, most, &mut |_, _| {})
    }

    /// The same; `observe(done, total)` counts blocks of pairs.
    ///
    /// # Errors
    /// As [`Neighbourhoods::new`].
    pub fn observed(
        features: &'a Features,
        most: usize,
        observe: &mut dyn FnMut(usize, usize),
    ) -> Result<Self> {
        if most == 0 || most >= features.count() {
            return refused(format!(
                "{} samples have no {most} nearest others; give more samples or ask for fewer neighbours, at least 1",
                features.count()
            ));
        }
        let mut nearest = vec![vec![f64::INFINITY; most]; features.count()];
        let mut distances = Vec::new();
        let blocks = features.count().div_ceil(BLOCK);
        let (mut done, total) = (0, blocks * (blocks + 1) / 2);
        // Each pair of blocks once: a distance counts for both of its ends.
        for a in Block::all(features) {
            for b in Block::all(features).skip(a.first / BLOCK) {
                a.distances(&b, &mut distances);
                let ends = a.first + a.norms.len();
                let rows = nearest.get_mut(a.first..ends).unwrap_or_default();
                fold_rows(&a, &b, &distances, rows, &|nearest: &mut Vec<f64>, query, first, distances| {
                    for (other, &distance) in (first..).zip(distances) {
                        if other != query {
                            insert(nearest, distance);
                        }
                    }
                });
                done += 1;
                observe(done, total);
                if a.first == b.first {
                    continue;
                }
                let columns = nearest.get_mut(b.first..b.first + b.norms.len()).unwrap_or_default();
                fold_columns(&a, &b, &distances, columns, &|nearest: &mut Vec<f64>, _, _, distance| {
                    insert(nearest, distance);
                });
            }
        }
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
    fn both_sets_are_folded_from_the_same_distances() {
        let (a, b) = (random(1100, 6, 1), random(2100, 6, 2));
        let row = |nearest: &mut f64, _, _, distances: &[f64]| {
            *nearest = distances.iter().copied().fold(*nearest, f64::min);
        };
        let column = |(nearest, pairs): &mut (f64, usize), _, query, distance: f64| {
            assert_eq!(*pairs, query);
            (*nearest, *pairs) = (nearest.min(distance), *pairs + 1);
        };
        let (rows, columns) =
            fold_both((&a, &b), (f64::INFINITY, (f64::INFINITY, 0)), row, column, &mut |_, _| {}).unwrap();
        let wanted = fold_distances(&b, &a, f64::INFINITY, row).unwrap();
        assert_eq!(rows, fold_distances(&a, &b, f64::INFINITY, row).unwrap());
        for (found, wanted) in columns.iter().zip(&wanted) {
            assert!((found.0 - wanted).abs() < 1e-12 * (1.0 + wanted) && found.1 == 1100);
        }
    }

    #[test]
    fn neighbours_are_found_across_blocks() {
        let all = random(2300, 3, 4);
        let found = Neighbourhoods::new(&all, 3).unwrap();
        for (sample, distances) in all_distances(&all, &all).into_iter().enumerate().step_by(97) {
            let mut others: Vec<f64> = distances
                .into_iter()
                .enumerate()
                .filter(|(other, _)| *other != sample)
                .map(|of| of.1)
                .collect();
            others.sort_by(f64::total_cmp);
            for k in 1..=3 {
                let radius = found.squared_radii(k).unwrap()[sample];
                assert!((radius - others[k - 1]).abs() < 1e-12 * (1.0 + radius), "{sample} {k}");
            }
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
