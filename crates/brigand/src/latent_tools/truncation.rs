//! Latents in the middle of their space (Brock et al. 2018, arXiv:1809.11096, section 3.1), and the statistics they need.

use brigand_autograd::Variable;
use statrs::distribution::{ContinuousCDF, Normal};

use super::grid::{to_rows, to_variable};
use crate::error::{Error, Result};
use crate::random::Stream;
use brigand_core::capability::Sampler;
use brigand_core::latent::{Distribution, LatentSpace};
use brigand_core::modules::Estimate;
use brigand_core::system::estimate;

/// Batches of truncated latents that statistics are estimated over, and the latents in each.
const STATISTICS: (usize, usize) = (50, 64);

/// `latents` of `space` with every normal coordinate beyond `limit` standard deviations drawn again among those
/// within. For one stream the new draws are the same at every limit, up to their scale.
///
/// # Errors
/// If no part is normal, or the limit is not positive.
pub fn truncate(
    space: &LatentSpace,
    latents: &Variable,
    limit: f64,
    stream: &mut Stream,
) -> Result<Variable> {
    space.check(latents)?;
    if !(limit > 0.0 && limit.is_finite()) {
        return Err(Error::Request(format!(
            "a truncation at {limit} keeps nothing; give a positive number of standard deviations, for example 1"
        )));
    }
    let deviations: Vec<Option<f64>> = space
        .placed()
        .flat_map(|(range, part)| {
            let deviation = match part.distribution {
                Distribution::Normal { deviation, .. } => Some(deviation),
                _ => None,
            };
            range.map(move |_| deviation)
        })
        .collect();
    if deviations.iter().all(Option::is_none) {
        return Err(Error::Request(
            "no part of this system's latents is normal, so there is nothing to truncate; train with \
             --set latent.prior=normal where the system can"
                .into(),
        ));
    }
    let normal = Normal::standard();
    let outside = normal.cdf(-limit);
    let mut rows = to_rows(latents)?;
    for row in &mut rows {
        // All are drawn, so that which ones are used does not shift the rest.
        let shares = stream.uniform(row.len(), 0.0, 1.0);
        for ((value, deviation), share) in row.iter_mut().zip(&deviations).zip(shares) {
            let Some(deviation) = deviation else { continue };
            if f64::from(*value).abs() > limit * deviation {
                let share = outside + (1.0 - 2.0 * outside) * f64::from(share);
                *value = (deviation * normal.inverse_cdf(share).clamp(-limit, limit)) as f32;
            }
        }
    }
    to_variable(&rows, latents.device())
}

/// The statistics of latents within `limit` standard deviations, of all classes, always of the same draws; nothing
/// without a limit, and where latents do not modulate the generator's normalisation
/// ([`Sampler::is_modulated_by_latents`]): then the stored statistics are the right ones.
///
/// # Errors
/// If nothing can be truncated.
pub(super) fn truncated_statistics(sampler: &dyn Sampler, limit: Option<f64>) -> Result<Option<Estimate>> {
    let Some(limit) = limit.filter(|_| sampler.is_modulated_by_latents()) else { return Ok(None) };
    let (batches, batch) = STATISTICS;
    let latents = |sampler: &dyn Sampler, number: u64| {
        let drawn = sampler.latents(batch, &mut Stream::new(0, "truncated statistics", number))?;
        let mut stream = Stream::new(0, "truncated statistics/truncation", number);
        truncate(sampler.space(), &drawn, limit, &mut stream)
    };
    estimate(sampler, batches, &latents).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use brigand_core::latent::{LatentPart, LatentRecipe, Prior};
    use candle_core::Device;

    fn space() -> LatentSpace {
        LatentSpace::new(vec![
            LatentPart { name: "wide", distribution: Distribution::Normal { size: 2, deviation: 2.0 } },
            LatentRecipe { size: 1, prior: Prior::Uniform }.part(),
        ])
    }

    fn drawn(count: usize) -> Variable {
        space().draw(count, &mut Stream::new(3, "a test", 0), &Device::Cpu).unwrap()
    }

    fn truncated(limit: f64) -> Vec<f32> {
        truncate(&space(), &drawn(2000), limit, &mut Stream::new(4, "a test", 0))
            .unwrap()
            .to_vec_f32()
            .unwrap()
    }

    #[test]
    fn what_is_within_stays_and_what_is_beyond_is_drawn_again() {
        let (before, after) = (drawn(2000).to_vec_f32().unwrap(), truncated(0.5));
        let (mut kept, mut squares) = (0, 0.0);
        for (place, (before, after)) in before.iter().zip(&after).enumerate() {
            if place % 3 == 2 || before.abs() <= 1.0 {
                assert_eq!(before, after);
            }
            if place % 3 < 2 {
                assert!(after.abs() <= 1.0);
                kept += usize::from(before == after);
                squares += f64::from(after / 2.0).powi(2);
            }
        }
        // Of normal draws 38.29 % are within half a deviation, and their mean square is 1 - 2 t phi(t) / P = 0.0806.
        assert!((kept as f64 / 4000.0 - 0.3829).abs() < 0.03, "{kept}");
        assert!((squares / 4000.0 - 0.0806).abs() < 0.004, "{squares}");
    }

    #[test]
    fn far_limits_change_nothing() {
        assert_eq!(truncated(50.0), drawn(2000).to_vec_f32().unwrap());
    }

    #[test]
    fn what_cannot_be_truncated_is_refused() {
        let refusal = |space: &LatentSpace, limit| {
            let latents = space.draw(2, &mut Stream::new(3, "a test", 0), &Device::Cpu).unwrap();
            truncate(space, &latents, limit, &mut Stream::new(4, "a test", 0)).err().unwrap().to_string()
        };
        let uniform = LatentSpace::new(vec![LatentRecipe { size: 2, prior: Prior::Uniform }.part()]);
        assert!(refusal(&uniform, 1.0).contains("no part"));
        for limit in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(refusal(&space(), limit).contains("keeps nothing"));
        }
    }
}
