//! Walks between two latents, which show whether a generator has learnt a space or only single samples.

use brigand_autograd::Variable;
use candle_core::Device;

use super::grid::{LatentGrid, to_rows, to_variable};
use crate::error::Result;
use crate::random::Stream;
use brigand_core::capability::Sampler;
use brigand_core::latent::{CLASS, Distribution, LatentSpace};
use brigand_evaluation::great_arc::arc_weights;

/// The way from one latent to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// The straight line, [`lerp`].
    Linear,
    /// The great arc, [`slerp`], through the parts of a latent that are normal, and the straight line through the
    /// others.
    Spherical,
}

impl Path {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Linear, Self::Spherical];

    /// `linear` or `spherical`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Spherical => "spherical",
        }
    }

    /// Whether it differs from the straight line in `space`.
    pub fn fits(self, space: &LatentSpace) -> bool {
        self == Self::Linear || space.placed().any(|(_, part)| is_normal(&part.distribution))
    }

    /// The latent of `space` at `t` in [0, 1] of the way from `start` to `end`.
    pub fn at(self, space: &LatentSpace, start: &[f32], end: &[f32], t: f64) -> Vec<f32> {
        let mut latent = lerp(start, end, t);
        if self == Self::Spherical {
            for (range, _) in space.placed().filter(|(_, part)| is_normal(&part.distribution)) {
                let ends = (start.get(range.clone()), end.get(range.clone()), latent.get_mut(range));
                if let (Some(start), Some(end), Some(between)) = ends {
                    between.copy_from_slice(&slerp(start, end, t));
                }
            }
        }
        latent
    }
}

fn is_normal(distribution: &Distribution) -> bool {
    matches!(distribution, Distribution::Normal { .. })
}

/// The point at `t` in [0, 1] of the straight line from `start` to `end`: `(1 - t) start + t end`.
pub fn lerp(start: &[f32], end: &[f32], t: f64) -> Vec<f32> {
    weighted(start, end, 1.0 - t, t)
}

/// The point at `t` in [0, 1] of the great arc from `start` to `end`, with `w` the angle between them:
/// `sin((1 - t) w) / sin w start + sin(t w) / sin w end` (Shoemake 1985, Animating rotation with quaternion
/// curves). A normal latent of many coordinates lies near a sphere, which the straight line leaves. For vectors
/// that are nearly parallel, opposite or zero it is [`lerp`].
pub fn slerp(start: &[f32], end: &[f32], t: f64) -> Vec<f32> {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    let (of_start, of_end) = arc_weights(dot(start, end), dot(start, start) * dot(end, end), t);
    weighted(start, end, of_start, of_end)
}

fn weighted(start: &[f32], end: &[f32], of_start: f64, of_end: f64) -> Vec<f32> {
    start.iter().zip(end).map(|(&a, &b)| (of_start * f64::from(a) + of_end * f64::from(b)) as f32).collect()
}

/// Walks through a system's latent space, each from one latent to another.
#[derive(Clone, Debug)]
pub struct Interpolation {
    starts: Vec<Vec<f32>>,
    ends: Vec<Vec<f32>>,
    space: LatentSpace,
    device: Device,
}

impl Interpolation {
    /// `rows` walks between latents drawn for `seed`.
    ///
    /// # Errors
    /// If the system has no latent space.
    pub fn new(sampler: &dyn Sampler, rows: usize, seed: u64) -> Result<Self> {
        let starts = sampler.latents(rows, &mut Stream::new(seed, "interpolation/start", 0))?;
        let ends = sampler.latents(rows, &mut Stream::new(seed, "interpolation/end", 0))?;
        Self::between(sampler, &starts, &ends)
    }

    /// `rows` walks from class `from` to class `to`, each with the same other coordinates all the way.
    ///
    /// # Errors
    /// If the system has no classes or not these.
    pub fn of_classes(sampler: &dyn Sampler, (from, to): (u32, u32), rows: usize, seed: u64) -> Result<Self> {
        let space = sampler.space();
        let drawn = sampler.latents(rows, &mut Stream::new(seed, "interpolation/start", 0))?;
        let of = |class| space.with_category(&drawn, CLASS, &vec![class; rows]);
        Self::between(sampler, &of(from)?, &of(to)?)
    }

    fn between(sampler: &dyn Sampler, starts: &Variable, ends: &Variable) -> Result<Self> {
        Ok(Self {
            starts: to_rows(starts)?,
            ends: to_rows(ends)?,
            space: sampler.space().clone(),
            device: sampler.place().device.clone(),
        })
    }

    /// The samples that all walks are at when the share `t` in [0, 1] of the way is done, `[rows, sample...]`.
    pub fn at(&self, sampler: &dyn Sampler, path: Path, t: f64) -> Result<Variable> {
        let latents: Vec<Vec<f32>> =
            self.walks().map(|(start, end)| path.at(&self.space, start, end, t)).collect();
        sampler.generate_all(&to_variable(&latents, &self.device)?)
    }

    /// All walks at `columns` evenly spaced moments, a row each.
    ///
    /// # Errors
    /// If there are no walks or no columns.
    pub fn grid(&self, path: Path, columns: usize) -> Result<LatentGrid> {
        let latents: Vec<Vec<f32>> = self
            .walks()
            .flat_map(|(start, end)| moments(columns).map(move |t| path.at(&self.space, start, end, t)))
            .collect();
        LatentGrid::new(&latents, columns, &self.device)
    }

    fn walks(&self) -> impl Iterator<Item = (&Vec<f32>, &Vec<f32>)> {
        self.starts.iter().zip(&self.ends)
    }
}

/// `count` evenly spaced moments from 0 to 1.
pub fn moments(count: usize) -> impl Iterator<Item = f64> {
    (0..count).map(move |index| index as f64 / count.saturating_sub(1).max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: &[f32], b: &[f32]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6)
    }

    #[test]
    fn the_arc_between_perpendicular_vectors_keeps_their_length() {
        let (a, b) = ([2.0, 0.0, 0.0], [0.0, 0.0, 2.0]);
        let half = 2.0_f32.sqrt();
        assert!(close(&slerp(&a, &b, 0.5), &[half, 0.0, half]));
        // A third of a right angle: 30 degrees.
        assert!(close(&slerp(&a, &b, 1.0 / 3.0), &[3.0_f32.sqrt(), 0.0, 1.0]));
        assert!(close(&lerp(&a, &b, 0.25), &[1.5, 0.0, 0.5]));
    }

    #[test]
    fn both_ways_begin_and_end_at_the_latents() {
        let (a, b) = ([0.3, -1.2, 0.7], [-2.0, 0.1, 0.4]);
        for between in [lerp, slerp] {
            assert!(close(&between(&a, &b, 0.0), &a) && close(&between(&a, &b, 1.0), &b));
        }
    }

    #[test]
    fn where_there_is_no_arc_the_line_is_taken() {
        for (a, b) in [([1.0, 2.0], [2.0, 4.0]), ([1.0, 0.0], [-1.0, 0.0]), ([0.0, 0.0], [1.0, 3.0])] {
            let expected: Vec<f32> = a.iter().zip(&b).map(|(a, b)| 0.75 * a + 0.25 * b).collect();
            assert!(close(&slerp(&a, &b, 0.25), &expected));
        }
        // Just wide enough for an arc.
        assert!(close(&slerp(&[1.0, 0.0], &[1.0, 1e-5], 0.5), &[1.0, 5e-6]));
    }

    #[test]
    fn only_normal_parts_go_along_the_arc() {
        use brigand_core::latent::{LatentPart, LatentRecipe, Prior};
        let uniform = LatentRecipe { size: 1, prior: Prior::Uniform }.part();
        let normal = LatentRecipe { size: 2, prior: Prior::Normal }.part();
        let of_class =
            LatentPart { name: CLASS, distribution: Distribution::Category { shares: vec![1.0; 2] } };
        let space = LatentSpace::new(vec![uniform.clone(), normal, of_class]);
        let (start, end) = ([1.0, 2.0, 0.0, 1.0, 0.0], [-1.0, 0.0, 2.0, 0.0, 1.0]);
        let half = 2.0_f32.sqrt();
        assert!(close(&Path::Spherical.at(&space, &start, &end, 0.5), &[0.0, half, half, 0.5, 0.5]));
        assert!(close(&Path::Linear.at(&space, &start, &end, 0.5), &[0.0, 1.0, 1.0, 0.5, 0.5]));
        assert!(Path::Spherical.fits(&space) && !Path::Spherical.fits(&LatentSpace::new(vec![uniform])));
    }

    #[test]
    fn moments_are_evenly_spaced_from_start_to_end() {
        assert_eq!(moments(5).collect::<Vec<_>>(), [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(moments(1).collect::<Vec<_>>(), [0.0]);
    }
}
