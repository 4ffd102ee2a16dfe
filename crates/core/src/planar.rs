//! Mixtures in the plane whose components can be drawn from one by one: priors of codes.

use std::f64::consts::{PI, TAU};

use crate::random::Stream;

/// Mean and deviation along a spoke of the wheel, and the deviation across it.
const SPOKE: (f64, f64, f64) = (1.4, 0.5, 0.1);
/// The roll's radius at its end.
const ROLL_RADIUS: f64 = 3.0;
/// Places on each of the roll's intervals that a point is compared with.
const ROLL_PLACES: usize = 64;

/// A mixture of equally likely components in the plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planar {
    /// Gaussians along the spokes of a wheel: along `N(1.4, 0.5²)`, across `N(0, 0.1²)`, turned by `2 pi k / components`.
    GaussianWheel {
        /// How many spokes.
        components: usize,
    },
    /// A roll of two turns, `r (cos a, sin a)` with `r = 3 sqrt(u)` and `a = 4 pi sqrt(u)`, cut into intervals of `u` of
    /// equal length.
    SwissRoll {
        /// How many intervals.
        components: usize,
    },
}

impl Planar {
    /// How many components it has.
    pub fn components(&self) -> usize {
        match *self {
            Self::GaussianWheel { components } | Self::SwissRoll { components } => components,
        }
    }

    /// `count` components, all equally likely.
    pub fn choose(&self, count: usize, stream: &mut Stream) -> Vec<usize> {
        (0..count).map(|_| stream.index(self.components())).collect()
    }

    /// A point of each of `components` in turn, `[components, 2]` row by row.
    pub fn draw(&self, components: &[usize], stream: &mut Stream) -> Vec<f32> {
        let count = components.len();
        let points: Vec<[f64; 2]> = match self {
            Self::GaussianWheel { .. } => {
                let normal = stream.normal(2 * count);
                let (pairs, _) = normal.as_chunks::<2>();
                let spoke = |(&component, &[along, across]): (&usize, &[f32; 2])| {
                    let place = [SPOKE.0 + SPOKE.1 * f64::from(along), SPOKE.2 * f64::from(across)];
                    turned(place, self.angle(component))
                };
                components.iter().zip(pairs).map(spoke).collect()
            }
            Self::SwissRoll { .. } => {
                let shares = stream.uniform(count, 0.0, 1.0);
                let place = |(&component, share): (&usize, f32)| self.on_roll(component, share.into());
                components.iter().zip(shares).map(place).collect()
            }
        };
        points.into_iter().flatten().map(|value| value as f32).collect()
    }

    /// The component that a point most likely is of: the spoke of the largest density, or the interval of the nearest
    /// place on the roll.
    pub fn component_of(&self, point: [f64; 2]) -> usize {
        let distance = |component: usize| match self {
            Self::GaussianWheel { .. } => {
                let [along, across] = turned(point, -self.angle(component));
                ((along - SPOKE.0) / SPOKE.1).powi(2) + (across / SPOKE.2).powi(2)
            }
            Self::SwissRoll { .. } => (0..ROLL_PLACES)
                .map(|place| {
                    let [x, y] = self.on_roll(component, (place as f64 + 0.5) / ROLL_PLACES as f64);
                    (point[0] - x).powi(2) + (point[1] - y).powi(2)
                })
                .fold(f64::INFINITY, f64::min),
        };
        let nearer = |best: (usize, f64), component: usize| {
            let next = distance(component);
            if next < best.1 { (component, next) } else { best }
        };
        (0..self.components()).fold((0, f64::INFINITY), nearer).0
    }

    /// Where a spoke points to.
    fn angle(&self, component: usize) -> f64 {
        TAU * component as f64 / self.components() as f64
    }

    /// The place on the roll at a `share` of a component's interval.
    fn on_roll(&self, component: usize, share: f64) -> [f64; 2] {
        let root = ((component as f64 + share) / self.components() as f64).sqrt();
        let (sin, cos) = (4.0 * PI * root).sin_cos();
        [ROLL_RADIUS * root * cos, ROLL_RADIUS * root * sin]
    }
}

/// A place turned around the origin.
fn turned([x, y]: [f64; 2], angle: f64) -> [f64; 2] {
    let (sin, cos) = angle.sin_cos();
    [cos * x - sin * y, sin * x + cos * y]
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Planar; 2] =
        [Planar::GaussianWheel { components: 10 }, Planar::SwissRoll { components: 10 }];

    #[test]
    fn points_are_of_the_component_they_were_drawn_from() {
        for (planar, least) in BOTH.into_iter().zip([0.97, 0.97]) {
            let mut stream = Stream::new(3, "a test", 0);
            let components = planar.choose(2000, &mut stream);
            let points = planar.draw(&components, &mut stream);
            let (pairs, _) = points.as_chunks::<2>();
            let right = components
                .iter()
                .zip(pairs)
                .filter(|(component, point)| planar.component_of(point.map(f64::from)) == **component);
            let share = right.count() as f64 / 2000.0;
            assert!(share > least, "{planar:?}: {share}");
        }
    }

    #[test]
    fn a_spoke_has_its_mean_and_deviations() {
        let [wheel, _] = BOTH;
        let points = wheel.draw(&[0; 4000], &mut Stream::new(3, "a test", 0));
        let moments = |axis: usize| {
            let values = || points.iter().skip(axis).step_by(2).map(|&value| f64::from(value));
            let mean = values().sum::<f64>() / 4000.0;
            (mean, (values().map(|value| (value - mean).powi(2)).sum::<f64>() / 4000.0).sqrt())
        };
        let ((along, length), (across, width)) = (moments(0), moments(1));
        assert!((along - 1.4).abs() < 0.03 && (length - 0.5).abs() < 0.03, "{along} {length}");
        assert!(across.abs() < 0.006 && (width - 0.1).abs() < 0.006, "{across} {width}");
    }

    #[test]
    fn the_roll_makes_two_turns_and_ends_at_its_radius() {
        let [_, roll] = BOTH;
        let [x, y] = roll.on_roll(9, 1.0);
        assert!((x - 3.0).abs() < 1e-9 && y.abs() < 1e-9, "{x} {y}");
        let [x, y] = roll.on_roll(2, 0.5);
        assert!((x + 1.5).abs() < 1e-9 || (x.hypot(y) - 1.5).abs() < 1e-9, "{x} {y}");
    }
}
