//! Sums and differences of what samples have in common (Radford et al. 2015, arXiv:1511.06434, section 6.3.2).

use super::grid::{LatentGrid, to_rows};
use crate::error::{Error, Result};
use crate::random::Stream;
use brigand_core::capability::Sampler;
use brigand_core::latent::{Distribution, LatentSpace};

/// Half the width of the uniform noise around the result, in standard deviations of a normal coordinate.
const NOISE: f32 = 0.25;
/// Samples in a row of the picture.
const COLUMNS: usize = 3;

/// What is added and subtracted: numbers of samples, several for each concept, whose latents are averaged.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// Where to start.
    pub start: &'a [usize],
    /// What is taken away.
    pub minus: &'a [usize],
    /// What is put in its place.
    pub plus: &'a [usize],
}

/// `mean(start) - mean(minus) + mean(plus)` of the latents of samples numbered as [`Sampler::sample`] draws `count` of
/// them for `seed`. The grid's first row are the three means; the nine below are the result in their middle, with
/// small noise added around it. The result is as long as the samples' latents on average, because a sum of latents
/// has a larger norm than the latents of training; uniform coordinates stay in their range, and a category becomes a mixture.
///
/// # Errors
/// If the system has no latents, or a number is not below `count`.
pub fn arithmetic(sampler: &dyn Sampler, count: usize, seed: u64, terms: Terms<'_>) -> Result<LatentGrid> {
    let space = sampler.space();
    let drawn = to_rows(&sampler.latents(count, &mut Stream::new(seed, "sample", 0))?)?;
    let [start, minus, plus] = [
        chosen(&drawn, terms.start, "start")?,
        chosen(&drawn, terms.minus, "minus")?,
        chosen(&drawn, terms.plus, "plus")?,
    ];
    let means = [mean(&start), mean(&minus), mean(&plus)];
    let all = [start, minus, plus].concat();
    let lengths = part_lengths(space, &all);
    let [a, b, c] = &means;
    let sum: Vec<f32> = a.iter().zip(b).zip(c).map(|((a, b), c)| a - b + c).collect();
    let result = settled(space, &rescaled(space, &sum, &lengths));
    let mut latents = means.to_vec();
    let mut stream = Stream::new(seed, "arithmetic/noise", 0);
    for place in 0..COLUMNS * COLUMNS {
        let noise = stream.uniform(space.size(), -NOISE, NOISE);
        let around = place != COLUMNS * COLUMNS / 2;
        latents.push(if around {
            settled(space, &with_noise(space, &result, &noise))
        } else {
            result.clone()
        });
    }
    LatentGrid::new(&latents, COLUMNS, &sampler.place().device)
}

fn chosen<'a>(drawn: &'a [Vec<f32>], numbers: &[usize], what: &str) -> Result<Vec<&'a [f32]>> {
    if numbers.is_empty() {
        return Err(Error::Request(format!("no samples are given for {what}; give one or more, best three")));
    }
    let find = |&number: &usize| {
        drawn.get(number).map(Vec::as_slice).ok_or_else(|| {
            Error::Request(format!(
                "{what}: there is no sample {number} among {}, counted from 0; look at them with `brigand sample`, or \
                 draw more with -n",
                drawn.len()
            ))
        })
    };
    numbers.iter().map(find).collect()
}

fn mean(latents: &[&[f32]]) -> Vec<f32> {
    let size = latents.first().map_or(0, |latent| latent.len());
    let average = |at: usize| {
        let sum: f64 =
            latents.iter().filter_map(|latent| latent.get(at)).map(|&value| f64::from(value)).sum();
        (sum / latents.len().max(1) as f64) as f32
    };
    (0..size).map(average).collect()
}

fn length(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt()
}

/// The mean length of each part of `latents`.
fn part_lengths(space: &LatentSpace, latents: &[&[f32]]) -> Vec<f64> {
    let of_part = |(range, _): (std::ops::Range<usize>, _)| {
        let sum: f64 = latents.iter().filter_map(|latent| latent.get(range.clone())).map(length).sum();
        sum / latents.len().max(1) as f64
    };
    space.placed().map(of_part).collect()
}

/// `latent` with its normal parts as long as `lengths` says.
fn rescaled(space: &LatentSpace, latent: &[f32], lengths: &[f64]) -> Vec<f32> {
    let mut result = latent.to_vec();
    for ((range, part), wanted) in space.placed().zip(lengths) {
        let Some(values) = result.get_mut(range) else { continue };
        let own = length(values);
        if matches!(part.distribution, Distribution::Normal { .. }) && own > 0.0 {
            values.iter_mut().for_each(|value| *value = (f64::from(*value) * wanted / own) as f32);
        }
    }
    result
}

/// `latent` within what its space can hold: uniform coordinates in their range, categories as shares that sum to 1.
pub(super) fn settled(space: &LatentSpace, latent: &[f32]) -> Vec<f32> {
    let mut result = latent.to_vec();
    for (range, part) in space.placed() {
        let Some(values) = result.get_mut(range) else { continue };
        match part.distribution {
            Distribution::Normal { .. } | Distribution::Planar(_) | Distribution::Points { .. } => {}
            Distribution::Uniform { low, high, .. } => {
                values.iter_mut().for_each(|value| *value = value.clamp(low as f32, high as f32));
            }
            Distribution::Category { .. } => {
                values.iter_mut().for_each(|value| *value = value.max(0.0));
                let sum: f32 = values.iter().sum();
                let even = 1.0 / values.len().max(1) as f32;
                values.iter_mut().for_each(|value| *value = if sum > 0.0 { *value / sum } else { even });
            }
        }
    }
    result
}

/// `latent` with `noise` on what is no category, as wide as each part is.
fn with_noise(space: &LatentSpace, latent: &[f32], noise: &[f32]) -> Vec<f32> {
    let mut result = latent.to_vec();
    for (range, part) in space.placed() {
        let scale = match part.distribution {
            Distribution::Uniform { low, high, .. } => (high - low) as f32 / 2.0,
            _ => part.distribution.deviation().unwrap_or(0.0) as f32,
        };
        let (Some(values), Some(noise)) = (result.get_mut(range.clone()), noise.get(range)) else { continue };
        values.iter_mut().zip(noise).for_each(|(value, noise)| *value += scale * noise);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use brigand_core::latent::{CLASS, LatentPart, LatentRecipe, Prior};

    fn space() -> LatentSpace {
        LatentSpace::new(vec![
            LatentRecipe { size: 2, prior: Prior::Normal }.part(),
            LatentPart {
                name: "tilt",
                distribution: Distribution::Uniform { size: 1, low: -1.0, high: 1.0 },
            },
            LatentPart { name: CLASS, distribution: Distribution::Category { shares: vec![1.0; 3] } },
        ])
    }

    #[test]
    fn a_result_has_the_length_of_its_operands_and_stays_in_its_space() {
        let operands: [&[f32]; 2] = [&[3.0, 4.0, 0.5, 1.0, 0.0, 0.0], &[0.0, 1.0, 0.5, 0.0, 1.0, 0.0]];
        let lengths = part_lengths(&space(), &operands);
        assert!((lengths[0] - 3.0).abs() < 1e-12 && (lengths[1] - 0.5).abs() < 1e-7, "{lengths:?}");
        let result = settled(&space(), &rescaled(&space(), &[6.0, 8.0, 1.5, 1.0, -1.0, 1.0], &lengths));
        for (found, wanted) in result.iter().zip([1.8, 2.4, 1.0, 0.5, 0.0, 0.5]) {
            assert!((found - wanted).abs() < 1e-6, "{result:?}");
        }
        assert_eq!(settled(&space(), &[0.0, 0.0, 0.0, -1.0, 0.0, 0.0])[3..], [1.0 / 3.0; 3]);
    }

    #[test]
    fn noise_leaves_categories_alone() {
        let noisy = with_noise(&space(), &[0.0; 6], &[0.25; 6]);
        assert_eq!(noisy, [0.25, 0.25, 0.25, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn samples_that_do_not_exist_are_refused() {
        let drawn = [vec![1.0], vec![3.0]];
        assert_eq!(mean(&chosen(&drawn, &[0, 1, 1], "start").unwrap()), [7.0 / 3.0]);
        let refusal = |numbers: &[usize]| chosen(&drawn, numbers, "minus").unwrap_err().to_string();
        assert!(refusal(&[0, 2]).contains("minus: there is no sample 2 among 2"));
        assert!(refusal(&[]).contains("no samples are given for minus"));
    }
}
