//! The distribution of a sample's code: normal, with independent coordinates.

use brigand_autograd::Variable;
use brigand_core::latent::{LatentRecipe, Prior};
use brigand_core::limits::at_least_zero;
use brigand_core::players::Draw;
use brigand_core::{Error, Place, Result};

/// Name of the divergence of the codes from their prior, in nats a sample.
pub(in crate::systems) const KL_DIVERGENCE: &str = "kl_divergence";

/// Log-variances beyond these would overflow or divide by nothing.
const LOG_VARIANCE: (f64, f64) = (-10.0, 10.0);

/// `N(mean, exp(log_variance))` for every sample of a batch.
pub(in crate::systems) struct Posterior {
    mean: Variable,
    log_variance: Variable,
}

impl Posterior {
    /// Numbers of an encoder for each coordinate of a code.
    pub(in crate::systems) const NUMBERS: usize = 2;

    /// The posterior in the encoder's outputs `[batch, 2 size]`: the means, then the log-variances.
    pub(in crate::systems) fn of(outputs: &Variable) -> Result<Self> {
        let size = outputs.elements() / outputs.shape()[0].max(1) / Self::NUMBERS;
        let (low, high) = LOG_VARIANCE;
        Ok(Self {
            mean: outputs.narrow(1, 0, size)?,
            log_variance: outputs.narrow(1, size, size)?.clamp(low, high)?,
        })
    }

    /// The shape of its codes, `[batch, size]`.
    pub(in crate::systems) fn shape(&self) -> &[usize] {
        self.mean.shape()
    }

    /// The means, `[batch, size]`.
    pub(in crate::systems) fn mean(&self) -> &Variable {
        &self.mean
    }

    /// Standard normal noise for a training batch's codes, `[batch, size]`.
    pub(in crate::systems) fn noise(&self, draw: Draw, place: &Place) -> Result<Variable> {
        let (count, size) = (self.shape()[0], self.mean.elements() / self.shape()[0].max(1));
        draw.rows("codes", count, |count, stream| place.normal(&[count, size], stream))
    }

    /// A code for every sample, `[batch, size]`, through which gradients flow (Kingma and Welling 2013,
    /// arXiv:1312.6114): `mean + exp(log_variance / 2) noise` of standard normal `noise` `[batch, size]`.
    pub(in crate::systems) fn sample(&self, noise: &Variable) -> Result<Variable> {
        let deviation = self.log_variance.scale(0.5)?.exp()?;
        Ok(self.mean.add(&deviation.mul(noise)?)?)
    }

    /// The Kullback-Leibler divergence from the standard normal in nats, averaged over the batch:
    /// `mean_i 1/2 sum_j (mean² + variance - ln variance - 1)`.
    pub(in crate::systems) fn divergence(&self) -> Result<Variable> {
        let spread = self.log_variance.exp()?.sub(&self.log_variance)?;
        Ok(self.mean.square()?.add(&spread)?.affine(0.5, -0.5)?.sum(&[1])?.mean_all()?)
    }
}

/// Refuses codes whose divergence from their prior has no formula here, and a weight that makes no sense.
pub(super) fn check_gaussian(latent: &LatentRecipe, beta: f64) -> Result<()> {
    latent.check()?;
    if latent.prior != Prior::Normal {
        return Err(Error::Recipe(
            "latent.prior must be normal: the codes' divergence from it is computed exactly".into(),
        ));
    }
    at_least_zero(&[("losses.beta", beta)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use brigand_core::random::Stream;

    #[test]
    fn divergence_is_that_of_normals() {
        // Means (1, -2) and (0, 0), variances (1, e) and (1, 1).
        let outputs = Variable::from_slice(&[1.0_f32, -2.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0], &[2, 4]).unwrap();
        let expected = 0.5 * (1.0 + 4.0 + (std::f64::consts::E - 1.0 - 1.0)) / 2.0;
        let found = Posterior::of(&outputs).unwrap().divergence().unwrap().scalar().unwrap();
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }

    #[test]
    fn draws_have_the_mean_and_the_variance_and_extreme_variances_stay_finite() {
        let (count, variance) = (20_000, 0.25_f32);
        let outputs = Variable::from_slice(&[3.0, variance.ln()].repeat(count), &[count, 2]).unwrap();
        let noise = Place::cpu().normal(&[count, 1], &mut Stream::new(1, "a test", 0)).unwrap();
        let values = Posterior::of(&outputs).unwrap().sample(&noise).unwrap().to_vec().unwrap();
        let mean = values.iter().sum::<f64>() / count as f64;
        let spread = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count as f64;
        assert!((mean - 3.0).abs() < 0.02 && (spread - 0.25).abs() < 0.01, "{mean} {spread}");
        let extreme = Variable::from_slice(&[0.0_f32, 1e6, 0.0, -1e6], &[2, 2]).unwrap();
        let divergence = Posterior::of(&extreme).unwrap().divergence().unwrap().scalar().unwrap();
        assert!((divergence - 0.25 * (10_f64.exp() + (-10_f64).exp() - 2.0)).abs() < 0.1, "{divergence}");
    }
}
