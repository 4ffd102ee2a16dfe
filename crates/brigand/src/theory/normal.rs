//! Normal distributions: closed forms.

use std::f64::consts::{SQRT_2, TAU};

use super::checks::{Result, finite, positive, refused};

/// A normal distribution on the line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normal {
    mean: f64,
    deviation: f64,
}

impl Normal {
    /// The normal distribution with this mean and standard deviation.
    ///
    /// # Errors
    /// If the mean is not finite or the deviation not positive.
    pub fn new(mean: f64, deviation: f64) -> Result<Self> {
        finite("the mean of a normal", &[mean])?;
        positive("the deviation of a normal", deviation)?;
        Ok(Self { mean, deviation })
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The standard deviation.
    pub fn deviation(&self) -> f64 {
        self.deviation
    }

    /// The logarithm of the density at `x`.
    pub fn log_density(&self, x: f64) -> f64 {
        let z = (x - self.mean) / self.deviation;
        -0.5 * z * z - self.deviation.ln() - 0.5 * TAU.ln()
    }

    /// The density at `x`.
    pub fn density(&self, x: f64) -> f64 {
        self.log_density(x).exp()
    }

    /// The probability of values up to `x`.
    pub fn cdf(&self, x: f64) -> f64 {
        0.5 * libm::erfc((self.mean - x) / (self.deviation * SQRT_2))
    }

    /// `KL(self || other) = ln(s2 / s1) + (s1² + (m1 - m2)²) / (2 s2²) - 1/2`.
    pub fn kl(&self, other: &Self) -> f64 {
        let spread = self.deviation.powi(2) + (self.mean - other.mean).powi(2);
        (other.deviation / self.deviation).ln() + spread / (2.0 * other.deviation.powi(2)) - 0.5
    }

    /// The Wasserstein distance of order 2, `sqrt((m1 - m2)² + (s1 - s2)²)`.
    pub fn wasserstein_2(&self, other: &Self) -> f64 {
        (self.mean - other.mean).hypot(self.deviation - other.deviation)
    }
}

/// `KL(N1 || N2) = 1/2 (tr(S2^-1 S1) + dm^T S2^-1 dm - d + ln |S2| / |S1|)` of normal distributions in `d`
/// dimensions, each given by its mean `[d]` and its covariance `[d, d]`, row by row.
///
/// # Errors
/// If sizes do not fit, a number is not finite, or a covariance is not symmetric and positive definite.
pub fn gaussian_kl(first: (&[f64], &[f64]), second: (&[f64], &[f64])) -> Result<f64> {
    let size = first.0.len();
    if second.0.len() != size {
        return refused(format!("means of {size} and {} dimensions cannot be compared", second.0.len()));
    }
    let (one, two) = (cholesky("the first", first, size)?, cholesky("the second", second, size)?);
    let difference: Vec<f64> = first.0.iter().zip(second.0).map(|(a, b)| b - a).collect();
    let square = |vector: Vec<f64>| vector.iter().map(|x| x * x).sum::<f64>();
    // tr(S2^-1 S1) is the squared norm of L2^-1 L1, column by column.
    let trace: f64 =
        (0..size).map(|column| square(solved(&two, one.iter().map(|row| row[column]).collect()))).sum();
    let log_determinants: f64 =
        (0..size).map(|index| 2.0 * (two[index][index] / one[index][index]).ln()).sum();
    Ok(0.5 * (trace + square(solved(&two, difference)) - size as f64 + log_determinants))
}

/// The lower triangle `L` with `L L^T` the covariance, by rows.
fn cholesky(what: &str, (mean, covariance): (&[f64], &[f64]), size: usize) -> Result<Vec<Vec<f64>>> {
    finite(&format!("{what} mean"), mean)?;
    finite(&format!("{what} covariance"), covariance)?;
    if covariance.len() != size * size {
        return refused(format!("{what} covariance has {} numbers; give {size} x {size}", covariance.len()));
    }
    let entry = |row: usize, column: usize| covariance[row * size + column];
    let mut triangle = vec![vec![0.0; size]; size];
    for row in 0..size {
        for column in 0..=row {
            let (value, mirrored) = (entry(row, column), entry(column, row));
            if (value - mirrored).abs() > 1e-9 * value.abs().max(1.0) {
                return refused(format!("{what} covariance is not symmetric: {value} against {mirrored}"));
            }
            let known: f64 = (0..column).map(|k| triangle[row][k] * triangle[column][k]).sum();
            let rest = value - known;
            triangle[row][column] = match row == column {
                true if rest > 0.0 => rest.sqrt(),
                true => {
                    return refused(format!(
                        "{what} covariance is not positive definite; add a small multiple of the identity"
                    ));
                }
                false => rest / triangle[column][column],
            };
        }
    }
    Ok(triangle)
}

/// `L^-1 vector`.
fn solved(triangle: &[Vec<f64>], mut vector: Vec<f64>) -> Vec<f64> {
    for (row, entries) in triangle.iter().enumerate() {
        let known: f64 = entries.iter().zip(&vector).take(row).map(|(a, b)| a * b).sum();
        vector[row] = (vector[row] - known) / entries[row];
    }
    vector
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_forms_on_the_line() {
        let (a, b) = (Normal::new(0.0, 1.0).unwrap(), Normal::new(1.0, 1.0).unwrap());
        assert!((a.kl(&b) - 0.5).abs() < 1e-12 && (b.kl(&a) - 0.5).abs() < 1e-12);
        assert!((a.wasserstein_2(&b) - 1.0).abs() < 1e-12);
        let wide = Normal::new(3.0, 5.0).unwrap();
        assert!((a.wasserstein_2(&wide) - 5.0).abs() < 1e-12);
        // 2 Phi(1/2) - 1 is the total variation of a and b.
        assert!((2.0 * a.cdf(0.5) - 1.0 - 0.382925).abs() < 1e-6);
        assert!((a.density(0.0) - 0.398942).abs() < 1e-6);
        assert!(Normal::new(0.0, 0.0).is_err() && Normal::new(f64::NAN, 1.0).is_err());
    }

    #[test]
    fn closed_forms_in_space() {
        let round = [1.0, 0.0, 0.0, 1.0];
        // Against the line's formula, one coordinate shifted and the other stretched by 2.
        let found = gaussian_kl((&[0.0, 0.0], &round), (&[1.0, 0.0], &[1.0, 0.0, 0.0, 4.0])).unwrap();
        let line = Normal::new(0.0, 1.0).unwrap().kl(&Normal::new(0.0, 2.0).unwrap());
        assert!((found - 0.5 - line).abs() < 1e-12, "{found}");
        // Turning both by 45 degrees changes nothing.
        let half = 0.5_f64.sqrt();
        let turned = gaussian_kl((&[0.0, 0.0], &round), (&[half, half], &[2.5, -1.5, -1.5, 2.5])).unwrap();
        assert!((turned - found).abs() < 1e-12, "{turned}");
        let same = [2.0, 1.0, 1.0, 3.0];
        assert!(gaussian_kl((&[1.0, 2.0], &same), (&[1.0, 2.0], &same)).unwrap().abs() < 1e-12);
    }

    #[test]
    fn what_is_no_covariance_is_refused() {
        let message = |covariance: &[f64]| {
            gaussian_kl((&[0.0, 0.0], &[1.0, 0.0, 0.0, 1.0]), (&[0.0, 0.0], covariance))
                .unwrap_err()
                .to_string()
        };
        assert!(message(&[1.0, 2.0, 2.0, 1.0]).contains("not positive definite"));
        assert!(message(&[1.0, 0.5, 0.2, 1.0]).contains("not symmetric"));
        assert!(message(&[1.0]).contains("give 2 x 2"));
        assert!(message(&[1.0, f64::NAN, 0.0, 1.0]).contains("NaN"));
        assert!(gaussian_kl((&[0.0], &[1.0]), (&[0.0, 0.0], &[1.0; 4])).is_err());
    }
}
