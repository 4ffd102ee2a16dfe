//! Latents of samples without an encoder, by gradient descent on the squared error (Creswell and Bharath 2016,
//! arXiv:1611.05644).

use brigand_autograd::{Variable, grad};

use super::arithmetic::settled;
use super::grid::{to_rows, to_variable};
use super::reconstruction::{check_shape, squared_errors};
use crate::error::{Error, Result};
use crate::random::Stream;
use brigand_core::capability::Sampler;
use brigand_core::latent::{Distribution, LatentSpace};
use brigand_core::modules::Weights;
use brigand_core::players::Optimizer;
use brigand_core::players::OptimizerRecipe;

const STEP_SIZE: f64 = 0.05;
/// Weight of the mean square of a latent, which keeps it in the range of the prior.
const PRIOR_WEIGHT: f64 = 1e-3;

/// How long is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchSettings {
    /// Steps of each descent.
    pub steps: usize,
    /// Descents for each sample, from other latents; the best counts.
    pub restarts: usize,
    /// Decides where they start.
    pub seed: u64,
}

impl Default for SearchSettings {
    fn default() -> Self {
        Self { steps: 300, restarts: 4, seed: 0 }
    }
}

/// The latents `[n, size]` whose samples come nearest to `samples` `[n, sample...]`: Adam on the mean squared error
/// plus 0.001 times the latent's mean square. A restart's categories stay as they were drawn.
///
/// # Errors
/// If the samples are of another shape than the system's, or it gives no gradients by its latents.
pub fn search(sampler: &dyn Sampler, samples: &Variable, settings: SearchSettings) -> Result<Variable> {
    let space = sampler.space();
    check_shape(sampler, samples)?;
    let count = samples.shape().first().copied().unwrap_or(0);
    if count == 0 || settings.restarts == 0 || settings.steps == 0 {
        return Err(Error::Request(
            "nothing is to be searched; give at least 1 sample, restart and step".into(),
        ));
    }
    let mut best: Vec<(f64, Vec<f32>)> = vec![(f64::INFINITY, Vec::new()); count];
    for restart in 0..settings.restarts {
        let start = sampler.latents(count, &mut Stream::new(settings.seed, "search", restart as u64))?;
        let found = descend(sampler, space, samples, &start, settings.steps)?;
        let errors = squared_errors(samples, &sampler.generate_all(&found)?)?;
        for ((best, error), latent) in best.iter_mut().zip(errors).zip(to_rows(&found)?) {
            if error < best.0 {
                *best = (error, latent);
            }
        }
    }
    if best.iter().any(|(error, _)| !error.is_finite()) {
        return Err(Error::Request("the search ended nowhere: errors are no finite numbers".into()));
    }
    to_variable(&best.into_iter().map(|(_, latent)| latent).collect::<Vec<_>>(), &sampler.place().device)
}

fn descend(
    sampler: &dyn Sampler,
    space: &LatentSpace,
    samples: &Variable,
    start: &Variable,
    steps: usize,
) -> Result<Variable> {
    let count = samples.shape().first().copied().unwrap_or(0) as f64;
    let free: Vec<f32> = space
        .placed()
        .flat_map(|(range, part)| {
            let fixed = matches!(part.distribution, Distribution::Category { .. });
            range.map(move |_| if fixed { 0.0 } else { 1.0 })
        })
        .collect();
    let free = to_variable(&[free], &sampler.place().device)?;
    let bounded = space.placed().any(|(_, part)| matches!(part.distribution, Distribution::Uniform { .. }));
    let mut place = Weights::alone("latents", start.tensor().clone());
    let mut optimizer = Optimizer::new(OptimizerRecipe::adam(STEP_SIZE, 0.9, 0.999), &place)?;
    for _ in 0..steps {
        let Some(latents) = place.values().first().cloned() else { break };
        let made = sampler.generate(&latents)?;
        if !made.has_history() {
            return Err(Error::Request(
                "this system gives no gradients by its latents, so they cannot be searched; use a run whose generator \
                 is one network, or one with an encoder"
                    .into(),
            ));
        }
        // Samples do not influence each other, so a sum of their losses descends for each.
        let apart = made.sub(samples)?.square()?.mean_all()?;
        let loss = apart.add(&latents.square()?.mean_all()?.scale(PRIOR_WEIGHT)?)?.scale(count)?;
        let slopes = grad(&loss, &[&latents], false)?;
        let slopes: Vec<Variable> =
            slopes.iter().map(|slope| Ok(slope.mul(&free)?)).collect::<Result<_>>()?;
        place = optimizer.step_all(&place, &slopes)?;
        if bounded && let Some(latents) = place.values().first() {
            let rows: Vec<Vec<f32>> = to_rows(latents)?.iter().map(|row| settled(space, row)).collect();
            let kept = to_variable(&rows, &sampler.place().device)?.into_tensor();
            place = place.with_values(vec![Variable::leaf(kept)])?;
        }
    }
    Ok(place.values().first().map_or_else(|| start.clone(), Variable::detach))
}
