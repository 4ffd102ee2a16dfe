//! How likely a decoder makes a sample, in nats.

use brigand_autograd::Variable;
use brigand_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// The smallest variance that is fitted.
const SMALLEST_VARIANCE: f64 = 1e-6;

/// The distribution of a sample around the decoder's output.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Likelihood {
    /// Every pixel is the probability of white, `(x + 1) / 2`; the decoder ends in logits `a`, and its image is
    /// `2 sigmoid(a) - 1`.
    Bernoulli {},
    /// `N(decoder, deviation²)`.
    Normal {
        /// The standard deviation of every number, on the scale of the samples (images are in [-1, 1]).
        #[serde(default = "tenth")]
        deviation: f64,
    },
    /// `N(decoder, s²)` with the `s²` under which the batch is most likely, its mean squared error (Rybkin et al.
    /// 2020, arXiv:2006.13202), so that no recipe has to fix how sharp samples are.
    FittedNormal {},
}

fn tenth() -> f64 {
    0.1
}

impl Likelihood {
    /// Refuses a deviation that no normal has.
    pub(super) fn check(&self) -> Result<()> {
        match *self {
            Self::Normal { deviation } if !(deviation > 0.0 && deviation.is_finite()) => {
                Err(Error::Recipe(format!("likelihood.deviation is {deviation}; give a positive number")))
            }
            _ => Ok(()),
        }
    }

    /// Whether the decoder ends in logits.
    pub(super) fn takes_logits(&self) -> bool {
        matches!(self, Self::Bernoulli {})
    }

    /// Minus the log-likelihood of `samples` `[batch, sample...]` given the decoder's `outputs` of the same shape,
    /// summed over each sample and averaged over the batch.
    pub(super) fn loss(&self, outputs: &Variable, samples: &Variable) -> Result<Variable> {
        let count = samples.shape()[0].max(1);
        let numbers = samples.elements() as f64 / count as f64;
        let squares = || outputs.sub(samples)?.square()?.sum_all();
        match *self {
            Self::Bernoulli {} => {
                let white = samples.affine(0.5, 0.5)?;
                let losses = outputs.softplus()?.sub(&outputs.mul(&white)?)?;
                Ok(losses.sum_all()?.scale(1.0 / count as f64)?)
            }
            Self::Normal { deviation } => {
                let variance = deviation * deviation;
                let shift = 0.5 * numbers * (std::f64::consts::TAU * variance).ln();
                Ok(squares()?.affine(0.5 / (variance * count as f64), shift)?)
            }
            Self::FittedNormal {} => {
                let error = squares()?.affine(1.0 / samples.elements() as f64, SMALLEST_VARIANCE)?;
                let shift = 0.5 * numbers * (std::f64::consts::TAU.ln() + 1.0);
                Ok(error.log()?.affine(0.5 * numbers, shift)?)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(likelihood: Likelihood, outputs: &[f32], samples: &[f32]) -> f64 {
        let shape = [2, samples.len() / 2];
        let (outputs, samples) =
            (Variable::from_slice(outputs, &shape).unwrap(), Variable::from_slice(samples, &shape).unwrap());
        likelihood.loss(&outputs, &samples).unwrap().scalar().unwrap()
    }

    #[test]
    fn losses_are_nats_of_a_whole_sample() {
        let ln_2 = std::f64::consts::LN_2;
        // Logits of 0 lose ln 2 at every pixel, whatever the pixel.
        assert!(
            (loss(Likelihood::Bernoulli {}, &[0.0; 6], &[1.0, -1.0, 0.3, 1.0, 1.0, -1.0]) - 3.0 * ln_2).abs()
                < 1e-6
        );
        let sure = loss(Likelihood::Bernoulli {}, &[2.0, -2.0], &[1.0, -1.0]);
        assert!((sure - (1.0 + (-2.0_f64).exp()).ln()).abs() < 1e-6, "{sure}");
        // Two numbers, each off by the deviation: 1/2 and ln(s sqrt(2 pi)) for each.
        let normal =
            loss(Likelihood::Normal { deviation: 0.5 }, &[0.5, 0.0, 0.0, -0.5], &[0.0, 0.5, 0.5, 0.0]);
        let expected = 2.0 * (0.5 + (0.5 * std::f64::consts::TAU.sqrt()).ln());
        assert!((normal - expected).abs() < 1e-6, "{normal} {expected}");
    }

    #[test]
    fn the_fitted_variance_is_the_best_one() {
        let (outputs, samples) = ([0.5, 0.0, 0.0, -0.5], [0.0, 0.5, 0.5, 0.0]);
        let fitted = loss(Likelihood::FittedNormal {}, &outputs, &samples);
        let best = loss(Likelihood::Normal { deviation: 0.5 }, &outputs, &samples);
        assert!((fitted - best).abs() < 1e-4, "{fitted} {best}");
        for deviation in [0.45, 0.55] {
            assert!(loss(Likelihood::Normal { deviation }, &outputs, &samples) > fitted + 0.01);
        }
        assert!(Likelihood::Normal { deviation: 0.0 }.check().is_err());
    }
}
