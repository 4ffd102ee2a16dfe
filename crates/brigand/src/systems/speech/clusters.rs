//! Clusters of vectors: k-means (Lloyd 1982) from centres that are far apart (Arthur and Vassilvitskii 2007).

use brigand_core::random::Stream;

/// Most rounds of assigning and averaging.
const ROUNDS: usize = 15;

/// Squared distance.
fn distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// The number of the centre nearest to `point`.
pub(super) fn nearest(centres: &[Vec<f32>], point: &[f32]) -> usize {
    let distances = centres.iter().map(|centre| distance(centre, point)).enumerate();
    distances.min_by(|(_, a), (_, b)| a.total_cmp(b)).map_or(0, |(number, _)| number)
}

/// The centres of `count` clusters of `points`, beginning with `start` where there are some; fewer where there are not so many
/// different points.
pub(super) fn centres(
    points: &[Vec<f32>],
    count: usize,
    start: Option<Vec<Vec<f32>>>,
    stream: &mut Stream,
) -> Vec<Vec<f32>> {
    let mut centres = start.unwrap_or_else(|| far_apart(points, count, stream));
    let mut assigned: Vec<usize> = Vec::new();
    for _ in 0..ROUNDS {
        let next: Vec<usize> = points.iter().map(|point| nearest(&centres, point)).collect();
        if next == assigned {
            break;
        }
        assigned = next;
        let size = points.first().map_or(0, Vec::len);
        let mut sums = vec![(vec![0.0; size], 0.0); centres.len()];
        for (point, &centre) in points.iter().zip(&assigned) {
            if let Some((sum, members)) = sums.get_mut(centre) {
                sum.iter_mut().zip(point).for_each(|(sum, value)| *sum += value);
                *members += 1.0;
            }
        }
        for (centre, (sum, members)) in centres.iter_mut().zip(sums) {
            // A cluster without members stays where it is.
            if members > 0.0 {
                *centre = sum.into_iter().map(|sum| sum / members).collect();
            }
        }
    }
    centres
}

/// Points each of which is drawn in proportion to its squared distance from those before it.
fn far_apart(points: &[Vec<f32>], count: usize, stream: &mut Stream) -> Vec<Vec<f32>> {
    let mut chosen: Vec<Vec<f32>> = Vec::new();
    let mut distances = vec![1.0_f32; points.len()];
    while chosen.len() < count {
        let total: f64 = distances.iter().map(|d| f64::from(*d)).sum();
        if total <= 0.0 {
            break;
        }
        let mut rest = f64::from(stream.number(0.0, 1.0)) * total;
        let drawn = distances.iter().position(|d| {
            rest -= f64::from(*d);
            rest < 0.0
        });
        let last = distances.iter().rposition(|d| *d > 0.0);
        let Some(point) = drawn.or(last).and_then(|place| points.get(place)) else { break };
        let first = chosen.is_empty();
        for (own, other) in distances.iter_mut().zip(points) {
            let new = distance(other, point);
            *own = if first { new } else { own.min(new) };
        }
        chosen.push(point.clone());
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinct_groups_become_clusters() {
        let stream = &mut Stream::new(1, "test", 0);
        let points: Vec<Vec<f32>> = (0..90)
            .map(|number| {
                stream.normal(2).iter().map(|noise| 0.1 * noise + 5.0 * (number % 3) as f32).collect()
            })
            .collect();
        let found = centres(&points, 3, None, stream);
        let groups: std::collections::BTreeSet<(usize, usize)> =
            points.iter().enumerate().map(|(number, point)| (number % 3, nearest(&found, point))).collect();
        assert_eq!(groups.len(), 3, "{found:?}");
        // Two different points have two clusters.
        let two: Vec<Vec<f32>> = (0..10).map(|number| vec![(number % 2) as f32]).collect();
        assert_eq!(centres(&two, 4, None, stream).len(), 2);
    }
}
