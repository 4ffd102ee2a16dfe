//! Divergences of two histograms over the same bins, and how samples become one.

use super::checks::{Result, distribution, finite, positive, refused, same_length};

/// The Kullback-Leibler divergence `KL(p || q) = sum p ln(p / q)`, with `0 ln 0 = 0`; infinite where `q = 0 < p`.
///
/// # Errors
/// As for all divergences of histograms: if the lengths differ, a number is negative or not finite, or a sum is
/// not 1.
pub fn kl(p: &[f64], q: &[f64]) -> Result<f64> {
    check(p, q)?;
    Ok(p.iter().zip(q).map(|(&p, &q)| relative(p, q)).sum())
}

/// The reverse divergence `KL(q || p)`.
///
/// # Errors
/// As [`kl`].
pub fn reverse_kl(p: &[f64], q: &[f64]) -> Result<f64> {
    kl(q, p)
}

/// The Jensen-Shannon divergence `KL(p || m) / 2 + KL(q || m) / 2` with `m = (p + q) / 2`; at most `ln 2`.
///
/// # Errors
/// As [`kl`].
pub fn js(p: &[f64], q: &[f64]) -> Result<f64> {
    check(p, q)?;
    let term = |(&p, &q): (&f64, &f64)| {
        let middle = f64::midpoint(p, q);
        f64::midpoint(relative(p, middle), relative(q, middle))
    };
    Ok(p.iter().zip(q).map(term).sum())
}

/// The total variation distance `1/2 sum |p - q|`.
///
/// # Errors
/// As [`kl`].
pub fn total_variation(p: &[f64], q: &[f64]) -> Result<f64> {
    check(p, q)?;
    Ok(0.5 * p.iter().zip(q).map(|(p, q)| (p - q).abs()).sum::<f64>())
}

fn check(p: &[f64], q: &[f64]) -> Result<()> {
    same_length("histograms", p.len(), q.len())?;
    distribution("the first histogram", p)?;
    distribution("the second histogram", q)
}

fn relative(p: f64, q: f64) -> f64 {
    if p == 0.0 { 0.0 } else { p * (p / q).ln() }
}

/// Bins of equal width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bins {
    low: f64,
    high: f64,
    count: usize,
}

/// The share of samples in each bin.
#[derive(Clone, Debug, PartialEq)]
pub struct Shares {
    /// A probability for each bin; they sum to 1.
    pub shares: Vec<f64>,
    /// How many samples lay outside all bins; they are not in `shares`.
    pub outside: usize,
}

impl Bins {
    /// `count` bins from `low` to `high`.
    ///
    /// # Errors
    /// If there is no bin or `low` is not below `high`.
    pub fn new(low: f64, high: f64, count: usize) -> Result<Self> {
        if count == 0 || !(low < high && (high - low).is_finite()) {
            return refused(format!(
                "{count} bins from {low} to {high}; give at least one and an increasing range"
            ));
        }
        Ok(Self { low, high, count })
    }

    /// The middle of each bin.
    pub fn centres(&self) -> Vec<f64> {
        (0..self.count).map(|bin| self.low + self.width() * (bin as f64 + 0.5)).collect()
    }

    /// The width of a bin.
    pub fn width(&self) -> f64 {
        (self.high - self.low) / self.count as f64
    }

    /// The share of `values` in each bin, `(n_bin + smoothing) / sum`. The upper end belongs to the last bin.
    ///
    /// # Errors
    /// If a value is not finite, the smoothing is negative, or no value lies in any bin and none is added.
    pub fn shares(&self, values: &[f64], smoothing: f64) -> Result<Shares> {
        finite("samples", values)?;
        if smoothing != 0.0 {
            positive("smoothing", smoothing)?;
        }
        let (mut counts, mut outside) = (vec![smoothing; self.count], 0);
        for &value in values {
            let place = ((value - self.low) / self.width()).floor();
            let bin = if value == self.high { self.count - 1 } else { place as usize };
            match counts.get_mut(bin) {
                Some(count) if place >= 0.0 => *count += 1.0,
                _ => outside += 1,
            }
        }
        let sum: f64 = counts.iter().sum();
        if sum == 0.0 {
            return refused(format!(
                "all {outside} samples lie outside {} to {}; widen the bins",
                self.low, self.high
            ));
        }
        Ok(Shares { shares: counts.into_iter().map(|count| count / sum).collect(), outside })
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::LN_2;

    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-6, "{found} instead of {expected}");
    }

    #[test]
    fn half_overlapping_histograms() {
        let (p, q) = ([0.5, 0.5, 0.0], [0.25, 0.25, 0.5]);
        close(kl(&p, &q).unwrap(), LN_2);
        assert_eq!(reverse_kl(&p, &q).unwrap(), f64::INFINITY);
        close(js(&p, &q).unwrap(), 0.215762);
        close(total_variation(&p, &q).unwrap(), 0.5);
    }

    #[test]
    fn equal_and_disjoint_histograms_are_the_extremes() {
        let (p, q) = ([0.3, 0.7, 0.0, 0.0], [0.0, 0.0, 0.4, 0.6]);
        for divergence in [kl, reverse_kl, js, total_variation] {
            assert_eq!(divergence(&p, &p).unwrap(), 0.0);
        }
        close(js(&p, &q).unwrap(), LN_2);
        assert_eq!(total_variation(&p, &q).unwrap(), 1.0);
        assert_eq!(kl(&p, &q).unwrap(), f64::INFINITY);
    }

    #[test]
    fn what_is_no_distribution_is_refused() {
        let message = |p: &[f64], q: &[f64]| js(p, q).unwrap_err().to_string();
        assert!(message(&[1.0], &[0.5, 0.5]).contains("1 and 2 numbers"));
        assert!(message(&[0.5, 0.5], &[0.5, f64::NAN]).contains("second histogram: number 1 is NaN"));
        assert!(message(&[1.5, -0.5], &[0.5, 0.5]).contains("probability 1 is negative"));
        assert!(message(&[0.5, 0.6], &[0.5, 0.5]).contains("sum to 1.1"));
        assert!(message(&[], &[]).contains("no numbers"));
    }

    #[test]
    fn samples_are_counted_inside_and_outside() {
        let bins = Bins::new(0.0, 2.0, 4).unwrap();
        assert_eq!(bins.centres(), [0.25, 0.75, 1.25, 1.75]);
        let counted = bins.shares(&[0.0, 0.6, 0.7, 2.0, -0.1, 2.1], 0.0).unwrap();
        assert_eq!(counted, Shares { shares: vec![0.25, 0.5, 0.0, 0.25], outside: 2 });
        let smooth = bins.shares(&[0.1, 5.0], 1.0).unwrap();
        assert_eq!(smooth, Shares { shares: vec![0.4, 0.2, 0.2, 0.2], outside: 1 });
        assert!(bins.shares(&[5.0], 0.0).is_err());
        assert!(bins.shares(&[f64::NAN], 0.0).is_err());
        assert!(bins.shares(&[1.0], -1.0).is_err());
        assert!(Bins::new(1.0, 1.0, 3).is_err() && Bins::new(0.0, 1.0, 0).is_err());
    }
}
