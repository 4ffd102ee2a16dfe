//! A lower bound of the Jensen-Shannon divergence from a discriminator's scores.

use std::f64::consts::LN_2;

use super::checks::{Result, finite};

/// The lower bound of the Jensen-Shannon divergence that follows from a discriminator's scores (logits),
/// `ln 2 + 1/2 (mean ln D(x) + mean ln(1 - D(y)))` (Goodfellow et al. 2014, arXiv:1406.2661, section 4.1): tight for the optimal
/// discriminator, negative for one worse than chance. Use held-out samples: on its training samples an
/// overfitted discriminator gives `ln 2` for any two distributions.
///
/// # Errors
/// If there is no score or one is not finite.
pub fn js_lower_bound(real: &[f64], fake: &[f64]) -> Result<f64> {
    finite("scores of real samples", real)?;
    finite("scores of fake samples", fake)?;
    let mean = |scores: &mut dyn Iterator<Item = f64>, count: usize| scores.sum::<f64>() / count as f64;
    let real = mean(&mut real.iter().map(|&score| softplus(-score)), real.len());
    let fake = mean(&mut fake.iter().map(|&score| softplus(score)), fake.len());
    Ok(LN_2 - 0.5 * (real + fake))
}

/// `ln(1 + e^x)`, without overflow.
pub(super) fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_discriminators() {
        let logit = |d: f64| (d / (1.0 - d)).ln();
        let bound = |real, fake| js_lower_bound(&[logit(real)], &[logit(fake), logit(fake)]).unwrap();
        assert!((bound(0.8, 0.2) - 0.470004).abs() < 1e-6);
        assert!(bound(0.5, 0.5).abs() < 1e-12 && bound(0.4, 0.6) < 0.0);
        assert!((js_lower_bound(&[1e4], &[-1e4]).unwrap() - LN_2).abs() < 1e-12);
        assert!(js_lower_bound(&[f64::NAN], &[0.0]).is_err() && js_lower_bound(&[], &[0.0]).is_err());
    }

    #[test]
    fn the_optimal_discriminator_reaches_the_divergence() {
        // N(0, 1) against N(1, 1), whose optimal logit is 1/2 - x, at equally likely quantiles.
        let normal = super::super::Normal::new(0.0, 1.0).unwrap();
        let grid: Vec<f64> = (0..20_000).map(|i| -10.0 + f64::from(i) / 1000.0).collect();
        let quantiles: Vec<f64> = (0..2000)
            .map(|i| grid[grid.partition_point(|&x| normal.cdf(x) < (f64::from(i) + 0.5) / 2000.0)])
            .collect();
        let real: Vec<f64> = quantiles.iter().map(|x| 0.5 - x).collect();
        let fake: Vec<f64> = quantiles.iter().map(|x| 0.5 - (x + 1.0)).collect();
        assert!((js_lower_bound(&real, &fake).unwrap() - 0.111421).abs() < 5e-4);
    }
}
