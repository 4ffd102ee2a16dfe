//! Planes and lines through latent spaces, along their coordinates.

use std::ops::Range;

use super::grid::{LatentGrid, to_rows};
use crate::error::{Error, Result};
use crate::random::Stream;
use brigand_core::capability::Sampler;
use brigand_core::latent::{CATEGORY, CODE, Distribution, LatentSpace};

/// Shares of the distribution at the edges of a plane.
const EDGES: (f64, f64) = (0.05, 0.95);
/// Standard deviations on both sides that a normal coordinate is moved through.
const NORMAL_REACH: f64 = 3.0;
/// Coordinates that are moved when none are chosen.
const MOVED: usize = 10;

/// The coordinates that can be moved: all but those of categories.
pub fn continuous_coordinates(space: &LatentSpace) -> Vec<usize> {
    let continuous = |(range, part): (Range<usize>, &brigand_core::latent::LatentPart)| {
        let moves = !matches!(part.distribution, Distribution::Category { .. });
        if moves { range } else { 0..0 }
    };
    space.placed().flat_map(continuous).collect()
}

/// What coordinate `axis` is drawn from.
///
/// # Errors
/// If there is no such coordinate, or it is part of a category.
fn distribution(space: &LatentSpace, axis: usize) -> Result<&Distribution> {
    match space.placed().find(|(range, _)| range.contains(&axis)) {
        None => Err(Error::Request(format!(
            "there is no axis {axis}; this system's latents have {} coordinates, counted from 0",
            space.size()
        ))),
        Some((_, part)) if matches!(part.distribution, Distribution::Category { .. }) => {
            let free: Vec<String> = space
                .placed()
                .filter(|(_, part)| !matches!(part.distribution, Distribution::Category { .. }))
                .map(|(range, part)| {
                    format!("{} to {} ({})", range.start, range.end.saturating_sub(1), part.name)
                })
                .collect();
            let free = if free.is_empty() { "none".to_owned() } else { free.join(", ") };
            Err(Error::Request(format!(
                "axis {axis} belongs to the {}, which is one of several values and cannot be moved; axes that can: {free}",
                part.name
            )))
        }
        Some((_, part)) => Ok(&part.distribution),
    }
}

/// `count` evenly spaced shares of a distribution from 5 to 95 percent; the half for one.
pub fn quantile_shares(count: usize) -> Vec<f64> {
    let (low, high) = EDGES;
    match count {
        1 => vec![0.5],
        _ => (0..count).map(|at| low + (high - low) * at as f64 / (count - 1) as f64).collect(),
    }
}

/// The plane of two coordinates at evenly spaced quantiles of their distributions (Kingma and Welling 2013,
/// arXiv:1312.6114, figure 4), `count` by `count`: the first from left to right, the second from bottom to top. The
/// other coordinates are those of a latent drawn for `seed`. Without `axes` it takes the only two there are.
///
/// # Errors
/// If an axis does not exist or is part of a category, the two are one, or none are given and there are not just two.
pub fn manifold(
    sampler: &dyn Sampler,
    axes: Option<[usize; 2]>,
    count: usize,
    seed: u64,
) -> Result<LatentGrid> {
    let space = sampler.space();
    let [across, up] = match (axes, continuous_coordinates(space).as_slice()) {
        (Some(axes), _) => axes,
        (None, &[first, second]) => [first, second],
        (None, all) => {
            return Err(Error::Request(format!(
                "this system's latents have {} coordinates that can be moved, a plane has two; choose with --axes I,J, \
                 or train with --set latent.size=2",
                all.len()
            )));
        }
    };
    if across == up {
        return Err(Error::Request(format!("a plane needs two different axes; {across} was given twice")));
    }
    let places = |axis: usize| -> Result<Vec<f32>> {
        let of = distribution(space, axis)?;
        Ok(quantile_shares(count)
            .into_iter()
            .filter_map(|share| of.quantile(share))
            .map(|at| at as f32)
            .collect())
    };
    let (columns, rows) = (places(across)?, places(up)?);
    let start = sampler.latents(1, &mut Stream::new(seed, "manifold", 0))?.to_vec_f32()?;
    let mut latents = Vec::with_capacity(count * count);
    for &y in rows.iter().rev() {
        for &x in &columns {
            latents.push(moved(&start, &[(across, x), (up, y)]));
        }
    }
    LatentGrid::new(&latents, count, &sampler.place().device)
}

/// One latent drawn for `seed`, each of `axes` moved through its range in a row of its own: three standard deviations
/// to both sides of 0 for normal coordinates, twice the width for uniform ones, as far as codes can be stretched (Chen
/// et al. 2016, arXiv:1606.03657, figure 2). Without `axes` it moves the codes that are to mean something, or else the
/// first ten coordinates.
///
/// # Errors
/// If an axis does not exist or is part of a category, or there is none to move.
pub fn traversal(sampler: &dyn Sampler, axes: &[usize], columns: usize, seed: u64) -> Result<LatentGrid> {
    let space = sampler.space();
    let axes = match space.part(CODE) {
        _ if !axes.is_empty() => axes.to_vec(),
        Some((range, _)) => range.collect(),
        None => continuous_coordinates(space).into_iter().take(MOVED).collect(),
    };
    if axes.is_empty() {
        return Err(Error::Request("this system's latents are categories only; nothing can be moved".into()));
    }
    let start = sampler.latents(1, &mut Stream::new(seed, "traversal", 0))?.to_vec_f32()?;
    let mut latents = Vec::with_capacity(axes.len() * columns);
    for axis in axes {
        for place in places(distribution(space, axis)?, columns) {
            latents.push(moved(&start, &[(axis, place)]));
        }
    }
    LatentGrid::new(&latents, columns, &sampler.place().device)
}

/// The continuous code `axis` from left to right through twice its range. Each row is another value of the categorical
/// code where there is one, with the same noise everywhere; or else another latent (`most` rows of either).
///
/// # Errors
/// If the axis does not exist or is part of a category.
pub fn code_grid(
    sampler: &dyn Sampler,
    axis: usize,
    most: usize,
    columns: usize,
    seed: u64,
) -> Result<LatentGrid> {
    let space = sampler.space();
    let places = places(distribution(space, axis)?, columns);
    let mut stream = Stream::new(seed, "code-grid", 0);
    let starts = match space.category(CATEGORY) {
        Ok((range, _)) => {
            let values: Vec<u32> = (0..range.len().min(most) as u32).collect();
            let same = sampler.latents(1, &mut stream)?;
            let copies = same.broadcast_to(&[values.len(), space.size()])?;
            space.with_category(&copies, CATEGORY, &values)?
        }
        Err(_) => sampler.latents(most, &mut stream)?,
    };
    let starts = to_rows(&starts)?;
    let latents: Vec<Vec<f32>> =
        starts.iter().flat_map(|start| places.iter().map(|&place| moved(start, &[(axis, place)]))).collect();
    LatentGrid::new(&latents, columns, &sampler.place().device)
}

/// `columns` evenly spaced places through the range a coordinate is moved through.
fn places(distribution: &Distribution, columns: usize) -> Vec<f32> {
    let (low, high) = match distribution {
        Distribution::Normal { deviation, .. } => (-NORMAL_REACH * deviation, NORMAL_REACH * deviation),
        Distribution::Uniform { low, high, .. } => (low - (high - low) / 2.0, high + (high - low) / 2.0),
        Distribution::Planar(_) | Distribution::Points { .. } => {
            let end = |share| distribution.quantile(share).unwrap_or(0.0);
            (end(0.0), end(1.0))
        }
        Distribution::Category { .. } => (0.0, 0.0),
    };
    super::moments(columns).map(|t| (low + (high - low) * t) as f32).collect()
}

fn moved(start: &[f32], to: &[(usize, f32)]) -> Vec<f32> {
    let mut latent = start.to_vec();
    for &(axis, place) in to {
        if let Some(coordinate) = latent.get_mut(axis) {
            *coordinate = place;
        }
    }
    latent
}

#[cfg(test)]
mod tests {
    use super::*;
    use brigand_core::latent::{CLASS, LatentPart, LatentRecipe, Prior};

    fn space() -> LatentSpace {
        LatentSpace::new(vec![
            LatentPart { name: CLASS, distribution: Distribution::Category { shares: vec![1.0; 3] } },
            LatentRecipe { size: 2, prior: Prior::Normal }.part(),
            LatentPart { name: CODE, distribution: Distribution::Uniform { size: 1, low: -1.0, high: 1.0 } },
        ])
    }

    #[test]
    fn shares_run_from_edge_to_edge() {
        let shares = quantile_shares(4);
        for (share, expected) in shares.iter().zip([0.05, 0.35, 0.65, 0.95]) {
            assert!((share - expected).abs() < 1e-12, "{shares:?}");
        }
        assert_eq!((quantile_shares(1), quantile_shares(0)), (vec![0.5], vec![]));
    }

    #[test]
    fn only_coordinates_outside_categories_move() {
        assert_eq!(continuous_coordinates(&space()), [3, 4, 5]);
        let refusal = |axis| distribution(&space(), axis).unwrap_err().to_string();
        assert!(refusal(6).contains("no axis 6") && refusal(6).contains("6 coordinates"), "{}", refusal(6));
        let message = refusal(2);
        assert!(
            message.contains("axis 2 belongs to the class")
                && message.contains("3 to 4 (noise), 5 to 5 (code)")
        );
    }

    #[test]
    fn a_code_is_stretched_to_twice_its_range() {
        let of = |axis| places(distribution(&space(), axis).unwrap(), 5);
        assert_eq!(of(5), [-2.0, -1.0, 0.0, 1.0, 2.0]);
        assert_eq!(of(3), [-3.0, -1.5, 0.0, 1.5, 3.0]);
        assert_eq!(moved(&[1.0, 2.0], &[(1, 5.0), (9, 0.0)]), [1.0, 5.0]);
    }
}
