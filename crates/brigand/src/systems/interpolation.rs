//! Walks between two latents, which show whether a generator has learnt a space or only single samples.

use brigand_autograd::Variable;
use candle_core::{Device, Tensor};

use super::System;
use crate::error::Result;
use crate::random::Stream;

/// Below this sine of the angle between two latents the arc is replaced by the straight line.
const NEARLY_PARALLEL: f64 = 1e-6;

/// The way from one latent to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// The straight line, [`lerp`].
    Linear,
    /// The great arc, [`slerp`].
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
    let lengths = (dot(start, start) * dot(end, end)).sqrt();
    let cosine = if lengths > 0.0 { (dot(start, end) / lengths).clamp(-1.0, 1.0) } else { 1.0 };
    let angle = cosine.acos();
    if angle.sin() < NEARLY_PARALLEL {
        return lerp(start, end, t);
    }
    weighted(start, end, ((1.0 - t) * angle).sin() / angle.sin(), (t * angle).sin() / angle.sin())
}

fn weighted(start: &[f32], end: &[f32], of_start: f64, of_end: f64) -> Vec<f32> {
    start.iter().zip(end).map(|(&a, &b)| (of_start * f64::from(a) + of_end * f64::from(b)) as f32).collect()
}

/// Walks through a system's latent space, each from one drawn latent to another.
#[derive(Clone, Debug)]
pub struct Interpolation {
    starts: Vec<f32>,
    ends: Vec<f32>,
    shape: Vec<usize>,
    device: Device,
}

impl Interpolation {
    /// `rows` walks for `seed`.
    ///
    /// # Errors
    /// If the system has no latent space.
    pub fn new(system: &dyn System, rows: usize, seed: u64) -> Result<Self> {
        let starts = system.latents(rows, &mut Stream::new(seed, "interpolation/start", 0))?;
        let ends = system.latents(rows, &mut Stream::new(seed, "interpolation/end", 0))?;
        Ok(Self {
            shape: starts.shape().to_vec(),
            device: starts.device().clone(),
            starts: starts.to_vec_f32()?,
            ends: ends.to_vec_f32()?,
        })
    }

    /// The samples that all walks are at when the share `t` in [0, 1] of the way is done, `[rows, sample...]`.
    pub fn at(&self, system: &dyn System, path: Path, t: f64) -> Result<Variable> {
        let between = match path {
            Path::Linear => lerp,
            Path::Spherical => slerp,
        };
        let size = self.shape.iter().skip(1).product::<usize>().max(1);
        let pairs = self.starts.chunks(size).zip(self.ends.chunks(size));
        let latents: Vec<f32> = pairs.flat_map(|(start, end)| between(start, end, t)).collect();
        let latents =
            Tensor::from_vec(latents, self.shape.as_slice(), &Device::Cpu)?.to_device(&self.device)?;
        system.generate(&Variable::constant(latents))
    }

    /// The samples of all walks at `columns` evenly spaced moments, row by row: `[rows * columns, sample...]`.
    pub fn grid(&self, system: &dyn System, path: Path, columns: usize) -> Result<Variable> {
        let moments: Vec<Variable> =
            moments(columns).map(|t| self.at(system, path, t)).collect::<Result<_>>()?;
        let rows = self.shape.first().copied().unwrap_or(0);
        let mut tiles = Vec::with_capacity(rows * columns);
        for row in 0..rows {
            for moment in &moments {
                tiles.push(moment.narrow(0, row, 1)?);
            }
        }
        Ok(Variable::concatenate(&tiles.iter().collect::<Vec<_>>(), 0)?)
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
    fn moments_are_evenly_spaced_from_start_to_end() {
        assert_eq!(moments(5).collect::<Vec<_>>(), [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(moments(1).collect::<Vec<_>>(), [0.0]);
    }
}
