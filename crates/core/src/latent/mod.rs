//! Latent spaces: the noise, classes and codes that generators start from.

mod distribution;

pub use distribution::Distribution;

use std::ops::Range;

use brigand_autograd::Variable;
use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
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
/// The name of the part that is the tokens of a caption, as whole numbers.
pub const CAPTION: &str = "caption";
/// The name of the part that chooses one of several generators.
pub const MEMBER: &str = "member";

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

    /// How many coordinates at the end of a latent choose something, a class, a caption or one of several generators; a path
    /// through the latent space keeps them.
    pub fn choices(&self) -> usize {
        let chooses = |part: &&LatentPart| {
            matches!(part.distribution, Distribution::Category { .. })
                || [MEMBER, CAPTION].contains(&part.name)
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
        self.with_coordinates(latents, range, chosen)
    }

    /// `latents` with the part called `name` replaced by `rows`, `[batch, coordinates of the part]`.
    ///
    /// # Errors
    /// If the latents are not of this space, it has no such part, or the rows do not fit.
    pub fn with_part(&self, latents: &Variable, name: &str, rows: Variable) -> Result<Variable> {
        self.check(latents)?;
        let (range, _) =
            self.part(name).ok_or_else(|| Error::Request(format!("this system's latents have no {name}")))?;
        if *rows.shape() != [latents.shape()[0], range.len()] {
            return Err(Error::Request(format!(
                "a {name} of shape {:?} for {} latents, whose {name} has {} numbers",
                rows.shape(),
                latents.shape()[0],
                range.len()
            )));
        }
        self.with_coordinates(latents, range, rows)
    }

    fn with_coordinates(&self, latents: &Variable, range: Range<usize>, rows: Variable) -> Result<Variable> {
        let rest = range.end..self.size();
        let mut parts = Vec::new();
        if range.start > 0 {
            parts.push(latents.narrow(1, 0, range.start)?);
        }
        parts.push(rows);
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
}
