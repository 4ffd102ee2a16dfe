//! Latent spaces: the noise, classes and codes that generators start from.

use std::ops::Range;
use std::sync::Arc;

use brigand_autograd::Variable;
use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use crate::error::{Error, Result};
use crate::planar::Planar;
use crate::random::Stream;

/// How a latent's coordinates are distributed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prior {
    /// Standard normal.
    Normal,
    /// Uniform in [-1, 1].
    Uniform,
}

/// The noise a generator starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatentRecipe {
    /// Coordinates of a latent.
    pub size: usize,
    /// Their distribution; all are independent.
    pub prior: Prior,
}

impl LatentRecipe {
    /// Refuses a latent space that no network can start from.
    pub fn check(&self) -> Result<()> {
        if self.size == 0 || self.size > 65_536 {
            return Err(Error::Recipe(format!("latent.size is {}; give 1 to 65536", self.size)));
        }
        Ok(())
    }

    /// The part of a latent space that is this noise.
    pub fn part(&self) -> LatentPart {
        let distribution = match self.prior {
            Prior::Normal => Distribution::Normal { size: self.size, deviation: 1.0 },
            Prior::Uniform => Distribution::Uniform { size: self.size, low: -1.0, high: 1.0 },
        };
        LatentPart { name: NOISE, distribution }
    }

    /// `count` latents, `[count, size]`.
    pub fn draw(&self, count: usize, stream: &mut Stream, device: &Device) -> Result<Variable> {
        LatentSpace::new(vec![self.part()]).draw(count, stream, device)
    }
}

/// The name of the part that is only noise.
pub const NOISE: &str = "noise";
/// The name of the part that is the class condition of a sample.
pub const CLASS: &str = "class";
/// The name of the part that is a categorical code.
pub const CATEGORY: &str = "category";
/// The name of the part that is continuous codes.
pub const CODE: &str = "code";
/// The name of the part that chooses one of several generators.
pub const MEMBER: &str = "member";

/// Draws by which a shape's coordinates are measured.
const POOLED: usize = 2000;

/// What a part of a latent is drawn from.
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    /// Independent normal coordinates around 0.
    Normal {
        /// How many.
        size: usize,
        /// Their standard deviation.
        deviation: f64,
    },
    /// Independent uniform coordinates.
    Uniform {
        /// How many.
        size: usize,
        /// The lower end.
        low: f64,
        /// The upper end.
        high: f64,
    },
    /// One of several categories, as a row of zeros with a one.
    Category {
        /// How often each is drawn; they need not sum to 1.
        shares: Vec<f64>,
    },
    /// A shape in the plane.
    Planar(Planar),
    /// One of several given points, all equally likely.
    Points {
        /// Coordinates of each.
        size: usize,
        /// The points, row by row.
        rows: Arc<[f32]>,
    },
}

impl Distribution {
    /// Coordinates it takes.
    pub fn size(&self) -> usize {
        match self {
            Self::Normal { size, .. } | Self::Uniform { size, .. } | Self::Points { size, .. } => *size,
            Self::Category { shares } => shares.len(),
            Self::Planar(_) => 2,
        }
    }

    /// `count` draws, row by row.
    pub fn draw(&self, count: usize, stream: &mut Stream) -> Vec<f32> {
        match self {
            Self::Normal { size, deviation } => {
                let scaled = |value: f32| (f64::from(value) * deviation) as f32;
                stream.normal(count * size).into_iter().map(scaled).collect()
            }
            Self::Uniform { size, low, high } => stream.uniform(count * size, *low as f32, *high as f32),
            Self::Category { shares } => {
                let choices = choose(shares, count, stream);
                let mut rows = vec![0.0; count * shares.len()];
                for (row, choice) in rows.chunks_mut(shares.len().max(1)).zip(choices) {
                    row[choice] = 1.0;
                }
                rows
            }
            Self::Planar(planar) => planar.draw(&planar.choose(count, stream), stream),
            Self::Points { size, rows } => {
                let points: Vec<&[f32]> = rows.chunks_exact((*size).max(1)).collect();
                (0..count)
                    .flat_map(|_| stream.choose(&points).copied().unwrap_or_default().to_vec())
                    .collect()
            }
        }
    }

    /// The value below which a coordinate lies with probability `share` in (0, 1), of any axis where they differ;
    /// `None` for what has no coordinates of its own.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        match self {
            Self::Normal { deviation, .. } => Some(deviation * Normal::standard().inverse_cdf(share)),
            Self::Uniform { low, high, .. } => Some(low + (high - low) * share),
            Self::Category { .. } => None,
            Self::Planar(_) | Self::Points { .. } => {
                let mut pooled = self.pooled();
                pooled.sort_by(f64::total_cmp);
                let place = (share.clamp(0.0, 1.0) * pooled.len().saturating_sub(1) as f64).round();
                pooled.get(place as usize).copied()
            }
        }
    }

    /// The standard deviation of a coordinate; `None` for what has no coordinates of its own.
    pub fn deviation(&self) -> Option<f64> {
        match self {
            Self::Normal { deviation, .. } => Some(*deviation),
            Self::Uniform { low, high, .. } => Some((high - low) / 12.0_f64.sqrt()),
            Self::Category { .. } => None,
            Self::Planar(_) | Self::Points { .. } => {
                let pooled = self.pooled();
                let count = pooled.len().max(1) as f64;
                let mean = pooled.iter().sum::<f64>() / count;
                Some((pooled.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt())
            }
        }
    }

    /// The coordinates of many draws, all axes together.
    fn pooled(&self) -> Vec<f64> {
        let values = match self {
            Self::Points { rows, .. } => rows.to_vec(),
            other => other.draw(POOLED, &mut Stream::new(0, "latent/pooled", 0)),
        };
        values.into_iter().map(f64::from).collect()
    }
}

/// `count` numbers of shares, each as often as its share says.
fn choose(shares: &[f64], count: usize, stream: &mut Stream) -> Vec<usize> {
    let mut sum = 0.0;
    let sums: Vec<f64> = shares
        .iter()
        .map(|share| {
            sum += share.max(0.0);
            sum
        })
        .collect();
    let last = shares.len().saturating_sub(1);
    let place = |draw: f32| sums.partition_point(|&below| below <= f64::from(draw) * sum).min(last);
    stream.uniform(count, 0.0, 1.0).into_iter().map(place).collect()
}

/// A part of a latent, with its name.
#[derive(Clone, Debug, PartialEq)]
pub struct LatentPart {
    /// For example [`NOISE`] or [`CLASS`].
    pub name: &'static str,
    /// What it is drawn from.
    pub distribution: Distribution,
}

/// What the latents of a system consist of: parts beside each other, `[count, size]`.
#[derive(Clone, Debug, PartialEq)]
pub struct LatentSpace {
    parts: Vec<LatentPart>,
}

impl LatentSpace {
    /// Parts in the order of their coordinates.
    pub fn new(parts: Vec<LatentPart>) -> Self {
        Self { parts }
    }

    /// The parts.
    pub fn parts(&self) -> &[LatentPart] {
        &self.parts
    }

    /// Coordinates of a latent.
    pub fn size(&self) -> usize {
        self.parts.iter().map(|part| part.distribution.size()).sum()
    }

    /// The parts, each with the coordinates it takes.
    pub fn placed(&self) -> impl Iterator<Item = (Range<usize>, &LatentPart)> {
        let mut start = 0;
        self.parts.iter().map(move |part| {
            let range = start..start + part.distribution.size();
            start = range.end;
            (range, part)
        })
    }

    /// The coordinates of the part called `name`, and what it is drawn from.
    pub fn part(&self, name: &str) -> Option<(Range<usize>, &Distribution)> {
        let (range, part) = self.placed().find(|(_, part)| part.name == name)?;
        Some((range, &part.distribution))
    }

    /// The coordinates of the category called `name`, and how often each of its values is drawn.
    ///
    /// # Errors
    /// If there is no such category, saying what has one.
    pub fn category(&self, name: &str) -> Result<(Range<usize>, &[f64])> {
        match self.part(name) {
            Some((range, Distribution::Category { shares })) => Ok((range, shares)),
            _ => {
                let instead = match name {
                    CLASS => {
                        "train a conditional one on labelled data, for example `brigand train cgan`".into()
                    }
                    _ => {
                        let parts: Vec<&str> = self.parts.iter().map(|part| part.name).collect();
                        format!("its latents consist of {}", parts.join(", "))
                    }
                };
                Err(Error::Request(format!("this system's latents have no {name}; {instead}")))
            }
        }
    }

    /// How many classes the latents' class condition has; 0 where there is none.
    pub fn classes(&self) -> usize {
        self.part(CLASS).map_or(0, |(range, _)| range.len())
    }

    /// How many coordinates at the end of a latent choose something, a class or one of several generators; a path
    /// through the latent space keeps them.
    pub fn choices(&self) -> usize {
        let chooses = |part: &&LatentPart| {
            matches!(part.distribution, Distribution::Category { .. }) || part.name == MEMBER
        };
        self.parts.iter().rev().take_while(chooses).map(|part| part.distribution.size()).sum()
    }

    /// `count` latents, `[count, size]`, part after part from the same stream.
    pub fn draw(&self, count: usize, stream: &mut Stream, device: &Device) -> Result<Variable> {
        let drawn: Vec<(usize, Vec<f32>)> = self
            .parts
            .iter()
            .map(|part| (part.distribution.size(), part.distribution.draw(count, stream)))
            .collect();
        let mut rows = Vec::with_capacity(count * self.size());
        for row in 0..count {
            for (size, values) in &drawn {
                rows.extend_from_slice(&values[row * size..][..*size]);
            }
        }
        let tensor = Tensor::from_vec(rows, (count, self.size()), &Device::Cpu)?.to_device(device)?;
        Ok(Variable::constant(tensor))
    }

    /// `latents` with the category called `name` set, row by row, to `choices`.
    ///
    /// # Errors
    /// If the latents are not of this space, there is no such category, or a choice is none of its.
    pub fn with_category(&self, latents: &Variable, name: &str, choices: &[u32]) -> Result<Variable> {
        self.check(latents)?;
        let (range, shares) = self.category(name)?;
        if let Some(wrong) = choices.iter().find(|&&choice| choice as usize >= shares.len()) {
            return Err(Error::Request(format!(
                "there is no {name} {wrong}; there are {} of them, counted from 0",
                shares.len()
            )));
        }
        if choices.len() != latents.shape()[0] {
            return Err(Error::Request(format!(
                "{} choices of {name} for {} latents; give one for each",
                choices.len(),
                latents.shape()[0]
            )));
        }
        let chosen = Variable::one_hot(choices, shares.len(), latents.dtype(), latents.device())?;
        let rest = range.end..self.size();
        let mut parts = Vec::new();
        if range.start > 0 {
            parts.push(latents.narrow(1, 0, range.start)?);
        }
        parts.push(chosen);
        if !rest.is_empty() {
            parts.push(latents.narrow(1, rest.start, rest.len())?);
        }
        Ok(Variable::concatenate(&parts.iter().collect::<Vec<_>>(), 1)?)
    }

    /// Refuses latents of another space.
    pub fn check(&self, latents: &Variable) -> Result<()> {
        match *latents.shape() {
            [_, size] if size == self.size() => Ok(()),
            ref other => Err(Error::Request(format!(
                "latents of shape {other:?} are given, this system's have {} numbers: [n, {}]",
                self.size(),
                self.size()
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space() -> LatentSpace {
        LatentSpace::new(vec![
            LatentPart { name: CLASS, distribution: Distribution::Category { shares: vec![1.0, 0.0, 3.0] } },
            LatentRecipe { size: 2, prior: Prior::Normal }.part(),
            LatentPart {
                name: "tilt",
                distribution: Distribution::Uniform { size: 1, low: -1.0, high: 1.0 },
            },
        ])
    }

    #[test]
    fn every_part_is_drawn_from_its_own_distribution() {
        let (space, count) = (space(), 4000);
        let values =
            space.draw(count, &mut Stream::new(1, "a test", 0), &Device::Cpu).unwrap().to_vec_f32().unwrap();
        let column =
            |at: usize| -> Vec<f64> { values.iter().skip(at).step_by(6).map(|&v| v.into()).collect() };
        let mean = |of: &[f64]| of.iter().sum::<f64>() / count as f64;
        let shares: Vec<f64> = (0..3).map(|at| mean(&column(at))).collect();
        assert!((shares[0] - 0.25).abs() < 0.03 && shares[1] == 0.0 && (shares[2] - 0.75).abs() < 0.03);
        let square = mean(&column(3).iter().map(|value| value * value).collect::<Vec<_>>());
        assert!((square - 1.0).abs() < 0.1, "{square}");
        assert!(column(5).iter().all(|value| value.abs() <= 1.0) && mean(&column(5)).abs() < 0.05);
    }

    #[test]
    fn a_class_can_be_asked_for_and_nothing_else_moves() {
        let space = space();
        let latents = space.draw(2, &mut Stream::new(1, "a test", 0), &Device::Cpu).unwrap();
        let changed = space.with_category(&latents, CLASS, &[1, 2]).unwrap();
        let (before, after) = (latents.to_vec_f32().unwrap(), changed.to_vec_f32().unwrap());
        assert_eq!((&after[..3], &after[6..9]), (&[0.0, 1.0, 0.0][..], &[0.0, 0.0, 1.0][..]));
        assert_eq!((&after[3..6], &after[9..]), (&before[3..6], &before[9..]));
        let refusal = |result: Result<Variable>| result.err().unwrap().to_string();
        assert!(refusal(space.with_category(&latents, CLASS, &[0, 3])).contains("no class 3"));
        assert!(refusal(space.with_category(&latents, CLASS, &[0])).contains("1 choices"));
        assert_eq!((space.choices(), space.classes()), (0, 3));
        assert!(refusal(space.with_category(&latents, "style", &[0, 0])).contains("style"));
        let short = latents.narrow(1, 0, 4).unwrap();
        assert!(refusal(space.with_category(&short, CLASS, &[0, 0])).contains("have 6 numbers"));
    }

    #[test]
    fn quantiles_are_those_of_the_distribution() {
        let normal = Distribution::Normal { size: 1, deviation: 2.0 };
        assert!((normal.quantile(0.975).unwrap() - 2.0 * 1.959_963_985).abs() < 1e-6);
        assert_eq!(Distribution::Uniform { size: 1, low: 0.0, high: 4.0 }.quantile(0.25), Some(1.0));
        assert_eq!(Distribution::Category { shares: vec![1.0] }.quantile(0.5), None);
    }

    #[test]
    fn shapes_have_the_quantiles_and_deviations_of_all_their_coordinates() {
        let given = Distribution::Points { size: 2, rows: vec![3.0, 1.0, 5.0, 7.0, 9.0].into() };
        assert_eq!([0.0, 0.5, 1.0].map(|share| given.quantile(share).unwrap()), [1.0, 5.0, 9.0]);
        assert!((given.deviation().unwrap() - 8.0_f64.sqrt()).abs() < 1e-12);
        // Half of the mean square radius of the wheel: (1.4² + 0.5² + 0.1²) / 2.
        let wheel = Distribution::Planar(Planar::GaussianWheel { components: 10 });
        assert!((wheel.deviation().unwrap() - 1.11_f64.sqrt()).abs() < 0.03);
        assert!(wheel.quantile(0.5).unwrap().abs() < 0.1);
    }

    #[test]
    fn given_points_are_drawn_whole() {
        let given = Distribution::Points { size: 2, rows: vec![1.0, 2.0, 3.0, 4.0].into() };
        let drawn = given.draw(200, &mut Stream::new(1, "a test", 0));
        let first = drawn.chunks(2).filter(|point| *point == [1.0, 2.0]).count();
        let second = drawn.chunks(2).filter(|point| *point == [3.0, 4.0]).count();
        assert!(first + second == 200 && (70..=130).contains(&first), "{first} {second}");
    }
}
