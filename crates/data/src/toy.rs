//! Distributions of points in the plane, on which the training of a GAN can be drawn.

use std::f32::consts::{PI, TAU};

use super::dataset::{Dataset, Labels, Modes, Values};
use super::error::DataError;
use super::options::Options;
use super::split::Split;
use brigand_core::random::Stream;

/// Points drawn for a data set.
pub const POINTS: usize = 50_000;

/// The terms of use of generated points.
pub(crate) const LICENCE: &str = "none needed, generated";

/// A distribution of points with one or two coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toy {
    /// Eight Gaussians on a circle of radius 2, sd 0.02 (Metz et al. 2017, Unrolled GANs).
    Ring8,
    /// 25 Gaussians at {-4, -2, 0, 2, 4}², sd 0.05 (Lin et al. 2018, PacGAN).
    Grid25,
    /// A spiral `t (cos t, sin t) / 7.5`, t in [1.5 pi, 4.5 pi], with noise of sd 0.25 / 7.5 (Gulrajani et al. 2017).
    SwissRoll,
    /// Two interleaved half circles of radius 1, noise of sd 0.1.
    TwoMoons,
    /// Five swirled arms (Johnson et al. 2016): radius 1 + 0.3 n, width 0.1 n, turned by 0.25 e^radius.
    Pinwheel,
    /// Uniform on the eight black squares of a 4x4 board covering [-4, 4]².
    Checkerboard,
    /// One coordinate, normal with mean 4 and sd 0.5.
    Normal,
    /// One coordinate, equal parts of normals at -3, 0 and 3, sd 0.5.
    Mixture1d,
    /// Uniform on the segments x = 0 and x = 1 with y in [0, 1]: supports that do not meet, as in example 1 of
    /// Arjovsky et al. 2017.
    ParallelLines,
    /// Uniform on two discs of radius 0.5 around (-1, 0) and (1, 0).
    Discs,
    /// Two circles around 0 of radius 0.3 and 1, noise of sd 0.05.
    Circles,
}

impl Toy {
    /// Every toy.
    pub const ALL: [Self; 11] = [
        Self::Ring8,
        Self::Grid25,
        Self::SwissRoll,
        Self::TwoMoons,
        Self::Pinwheel,
        Self::Checkerboard,
        Self::Normal,
        Self::Mixture1d,
        Self::ParallelLines,
        Self::Discs,
        Self::Circles,
    ];

    /// Its name in a SPEC.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ring8 => "ring8",
            Self::Grid25 => "grid25",
            Self::SwissRoll => "swiss-roll",
            Self::TwoMoons => "two-moons",
            Self::Pinwheel => "pinwheel",
            Self::Checkerboard => "checkerboard",
            Self::Normal => "normal",
            Self::Mixture1d => "mixture1d",
            Self::ParallelLines => "parallel-lines",
            Self::Discs => "discs",
            Self::Circles => "circles",
        }
    }

    /// What it is, in a few words.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Ring8 => "8 Gaussians on a circle of radius 2",
            Self::Grid25 => "25 Gaussians on a 5x5 grid",
            Self::SwissRoll => "a spiral",
            Self::TwoMoons => "two interleaved half circles",
            Self::Pinwheel => "five swirled arms",
            Self::Checkerboard => "the black squares of a 4x4 board",
            Self::Normal => "1-D normal, mean 4, sd 0.5",
            Self::Mixture1d => "1-D normals at -3, 0 and 3, sd 0.5",
            Self::ParallelLines => "two parallel segments",
            Self::Discs => "two separate discs",
            Self::Circles => "two concentric circles",
        }
    }

    /// Coordinates of a point: 1 or 2.
    pub fn dimensions(self) -> usize {
        if matches!(self, Self::Normal | Self::Mixture1d) { 1 } else { 2 }
    }

    /// Equally likely parts it consists of; they are the classes when there is more than one.
    pub fn parts(self) -> usize {
        match self {
            Self::SwissRoll | Self::Normal => 1,
            Self::TwoMoons | Self::ParallelLines | Self::Discs | Self::Circles => 2,
            Self::Mixture1d => 3,
            Self::Pinwheel => 5,
            Self::Ring8 | Self::Checkerboard => 8,
            Self::Grid25 => 25,
        }
    }

    /// Its components, when it is a mixture of Gaussians.
    pub fn modes(self) -> Option<Modes> {
        let deviation = match self {
            Self::Ring8 => 0.02,
            Self::Grid25 => 0.05,
            Self::Normal | Self::Mixture1d => 0.5,
            _ => return None,
        };
        let centre = |part: usize| match self {
            Self::Ring8 => {
                let angle = TAU * part as f32 / 8.0;
                vec![2.0 * angle.cos(), 2.0 * angle.sin()]
            }
            Self::Grid25 => vec![(part / 5) as f32 * 2.0 - 4.0, (part % 5) as f32 * 2.0 - 4.0],
            Self::Normal => vec![4.0],
            _ => vec![part as f32 * 3.0 - 3.0],
        };
        Some(Modes { centres: (0..self.parts()).map(centre).collect(), deviation })
    }

    /// `count` points, row-major `[count, dimensions]`, and the part each is of.
    pub fn draw(self, count: usize, stream: &mut Stream) -> (Vec<f32>, Vec<u32>) {
        let modes = self.modes();
        let parts: Vec<usize> = (0..count).map(|_| stream.index(self.parts())).collect();
        let uniform = stream.uniform(2 * count, 0.0, 1.0);
        let normal = stream.normal(2 * count);
        let mut points = Vec::with_capacity(count * self.dimensions());
        for ((&part, u), n) in parts.iter().zip(uniform.chunks(2)).zip(normal.chunks(2)) {
            match (&modes, u, n) {
                (Some(modes), ..) => {
                    let centre = modes.centres.iter().skip(part).take(1).flatten();
                    points.extend(centre.zip(n).map(|(c, n)| c + modes.deviation * n));
                }
                (None, &[u, v], &[n, m]) => points.extend(self.shape(part, [u, v], [n, m])),
                _ => {}
            }
        }
        (points, parts.into_iter().map(|part| part as u32).collect())
    }

    /// A point of a two-dimensional shape, from its part, two uniform and two normal numbers.
    fn shape(self, part: usize, [u, v]: [f32; 2], [n, m]: [f32; 2]) -> [f32; 2] {
        let side = part as f32;
        match self {
            Self::SwissRoll => {
                let t = 1.5 * PI * (1.0 + 2.0 * u);
                [(t * t.cos() + 0.25 * n) / 7.5, (t * t.sin() + 0.25 * m) / 7.5]
            }
            Self::TwoMoons => {
                let (sin, cos) = (PI * u).sin_cos();
                let [x, y] = if part == 0 { [cos, sin] } else { [1.0 - cos, 0.5 - sin] };
                [x + 0.1 * n, y + 0.1 * m]
            }
            Self::Pinwheel => {
                let (along, across) = (1.0 + 0.3 * n, 0.1 * m);
                let (sin, cos) = (TAU * side / 5.0 + 0.25 * along.exp()).sin_cos();
                [along * cos - across * sin, along * sin + across * cos]
            }
            Self::Checkerboard => {
                let (row, column) = (part / 2, 2 * (part % 2) + part / 2 % 2);
                [2.0 * (column as f32 + u) - 4.0, 2.0 * (row as f32 + v) - 4.0]
            }
            Self::ParallelLines => [side, u],
            Self::Circles => {
                let (sin, cos) = (TAU * u).sin_cos();
                let radius = 0.3 + 0.7 * side;
                [radius * cos + 0.05 * n, radius * sin + 0.05 * m]
            }
            _ => {
                let (sin, cos) = (TAU * v).sin_cos();
                let radius = 0.5 * u.sqrt();
                [2.0 * side - 1.0 + radius * cos, radius * sin]
            }
        }
    }
}

/// [`POINTS`] points of `toy` under the options' seed; the test split holds other points than the training one.
pub(crate) fn load(toy: Toy, options: &Options) -> Result<Dataset, DataError> {
    let asked = [("size", options.size), ("channels", options.channels)];
    if let Some((option, given)) = asked.into_iter().find_map(|(key, value)| Some((key, value?))) {
        let allowed = format!("it is for images and `{}` holds points; leave it out", toy.name());
        return Err(DataError::BadOption { option, given: given.to_string(), allowed });
    }
    let part = match options.split {
        Split::Train => "train",
        Split::Test => "test",
    };
    let mut stream = Stream::new(options.seed, &format!("data/{}/{part}", toy.name()), 0);
    let (points, parts) = toy.draw(POINTS, &mut stream);
    let labels = (toy.parts() > 1).then(|| Labels::numbered(parts));
    let set = Dataset::new(toy.name(), Values::Points(points), vec![toy.dimensions()], labels, LICENCE)?;
    Ok(set.with_modes(toy.modes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(toy: Toy) -> (Vec<[f32; 2]>, Vec<u32>) {
        let (points, parts) = toy.draw(20_000, &mut Stream::new(3, "toy", 0));
        (points.chunks(2).map(|p| [p[0], p[1]]).collect(), parts)
    }

    fn mean(values: impl Iterator<Item = f32> + Clone) -> f32 {
        values.clone().sum::<f32>() / values.count() as f32
    }

    #[test]
    fn mixtures_have_their_modes() {
        for toy in [Toy::Ring8, Toy::Grid25, Toy::Normal, Toy::Mixture1d] {
            let modes = toy.modes().unwrap();
            assert_eq!(modes.centres.len(), toy.parts());
            let (points, parts) = toy.draw(20_000, &mut Stream::new(3, "toy", 0));
            for (mode, centre) in modes.centres.iter().enumerate() {
                let own: Vec<&[f32]> = points
                    .chunks(toy.dimensions())
                    .zip(&parts)
                    .filter(|(_, part)| **part as usize == mode)
                    .map(|(point, _)| point)
                    .collect();
                let expected = 20_000.0 / toy.parts() as f32;
                assert!((own.len() as f32 - expected).abs() < 4.0 * expected.sqrt() + 1.0, "{toy:?} {mode}");
                for (axis, &c) in centre.iter().enumerate() {
                    let offset = mean(own.iter().map(|p| p[axis] - c));
                    assert!(offset.abs() < 4.5 * modes.deviation / (own.len() as f32).sqrt(), "{toy:?}");
                    let deviation = mean(own.iter().map(|p| (p[axis] - c).powi(2))).sqrt() / modes.deviation;
                    assert!((0.88..1.12).contains(&deviation), "{toy:?} {mode} {deviation}");
                }
            }
        }
        assert_eq!(Toy::Ring8.modes().unwrap().centres[0], [2.0, 0.0]);
        assert_eq!(Toy::Grid25.modes().unwrap().centres[7], [-2.0, 0.0]);
        assert_eq!(Toy::Normal.modes().unwrap(), Modes { centres: vec![vec![4.0]], deviation: 0.5 });
    }

    #[test]
    fn shapes_lie_where_they_should() {
        let radius = |p: &[f32; 2], x: f32, y: f32| (p[0] - x).hypot(p[1] - y);
        let (roll, _) = points(Toy::SwissRoll);
        assert!(roll.iter().all(|p| (0.45..2.07).contains(&radius(p, 0.0, 0.0))));
        let (moons, parts) = points(Toy::TwoMoons);
        let own = |p: &[f32; 2], part: u32| if part == 0 { radius(p, 0.0, 0.0) } else { radius(p, 1.0, 0.5) };
        let off = mean(moons.iter().zip(&parts).map(|(p, &part)| (own(p, part) - 1.0).powi(2)));
        assert!((0.009..0.0115).contains(&off), "{off}");
        let (board, _) = points(Toy::Checkerboard);
        assert!(board.iter().all(|p| (p[0] / 2.0).floor() as i32 % 2 == (p[1] / 2.0).floor() as i32 % 2
            || ((p[0] / 2.0).floor() as i32 + (p[1] / 2.0).floor() as i32) % 2 == 0));
        assert!(mean(board.iter().map(|p| p[0])).abs() < 0.08 && board.iter().all(|p| p[1].abs() <= 4.0));
        let (lines, _) = points(Toy::ParallelLines);
        assert!(lines.iter().all(|p| (p[0] == 0.0 || p[0] == 1.0) && (0.0..1.0).contains(&p[1])));
        assert!((mean(lines.iter().map(|p| p[0])) - 0.5).abs() < 0.015);
        let (discs, parts) = points(Toy::Discs);
        let inside = |(p, &part): (&[f32; 2], &u32)| radius(p, 2.0 * part as f32 - 1.0, 0.0);
        assert!(discs.iter().zip(&parts).all(|pair| inside(pair) <= 0.5 + 1e-6));
        assert!((mean(discs.iter().zip(&parts).map(inside)) - 1.0 / 3.0).abs() < 0.004);
        let (circles, parts) = points(Toy::Circles);
        let off = circles.iter().zip(&parts).map(|(p, &part)| radius(p, 0.0, 0.0) - 0.3 - 0.7 * part as f32);
        let deviation = mean(off.map(|off| off * off)).sqrt();
        assert!((0.047..0.053).contains(&deviation), "{deviation}");
        let (wheel, _) = points(Toy::Pinwheel);
        assert!((mean(wheel.iter().map(|p| p[0].powi(2) + p[1].powi(2))) - 1.1).abs() < 0.02);
        assert!(mean(wheel.iter().map(|p| p[0])).abs() < 0.03);
    }

    #[test]
    fn seed_and_split_decide_the_points() {
        let first = |seed, split| {
            let options = Options { seed, split, ..Options::default() };
            load(Toy::Ring8, &options).unwrap().get(&[0]).unwrap()
        };
        assert_eq!(first(1, Split::Train), first(1, Split::Train));
        assert_ne!(first(1, Split::Train), first(2, Split::Train));
        assert_ne!(first(1, Split::Train), first(1, Split::Test));
    }

    #[test]
    fn image_options_are_refused() {
        let options = Options { size: Some(32), ..Options::default() };
        let message = load(Toy::Ring8, &options).unwrap_err().to_string();
        assert!(message.contains("data.size cannot be 32") && message.contains("`ring8`"), "{message}");
    }
}
