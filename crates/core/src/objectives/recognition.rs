//! Losses of classifiers and of predictors of codes: classes, categories and continuous codes.

use brigand_autograd::Variable;

use crate::error::Result;

/// Minus the mean logarithm of the probability of the right class, in nats: `-mean_i sum_k t_ik ln softmax(logits)_ik`
/// for targets `t` `[batch, classes]`, usually one-hot.
pub fn cross_entropy(logits: &Variable, targets: &Variable) -> Result<Variable> {
    Ok(logits.log_softmax(1)?.mul(targets)?.sum(&[1])?.mean_all()?.neg()?)
}

/// Minus the mean logarithm of the probability that each of several labels has its value, in nats:
/// `mean_ik softplus(a_ik) - t_ik a_ik` for logits `a` and targets `t` in [0, 1], both `[batch, labels]`.
pub fn binary_cross_entropy(logits: &Variable, targets: &Variable) -> Result<Variable> {
    Ok(logits.softplus()?.sub(&logits.mul(targets)?)?.mean_all()?)
}

/// The entropy of each row's distribution, `[n]`, in nats: `H(softmax(logits)_i)` for logits `[n, classes]`.
pub fn entropies(logits: &Variable) -> Result<Variable> {
    Ok(logits.softmax(1)?.mul(&logits.log_softmax(1)?)?.sum(&[1])?.neg()?)
}

/// The mean entropy of the rows' distributions, in nats: `mean_i H(softmax(logits)_i)`.
pub fn mean_entropy(logits: &Variable) -> Result<Variable> {
    Ok(entropies(logits)?.mean_all()?)
}

/// The entropy of the batch's mean distribution, in nats: `H(mean_i softmax(logits)_i)`.
pub fn entropy_of_mean(logits: &Variable) -> Result<Variable> {
    let mean = logits.softmax(1)?.mean(&[0])?;
    Ok(mean.mul(&mean.safe_log(1e-12)?)?.sum_all()?.neg()?)
}

/// How many rows of `logits` `[labels, classes]` are largest at their label.
pub fn count_correct(logits: &[f32], labels: &[u32]) -> usize {
    let classes = logits.len() / labels.len().max(1);
    let rows = logits.chunks_exact(classes.max(1)).zip(labels);
    rows.filter(|(row, label)| largest(row) == **label as usize).count()
}

/// The place of the first largest number of a row; no place of it where all are NaN.
pub fn largest(row: &[f32]) -> usize {
    let better = |best: (usize, f32), next: (usize, &f32)| {
        if *next.1 > best.1 { (next.0, *next.1) } else { best }
    };
    row.iter().enumerate().fold((usize::MAX, f32::NEG_INFINITY), better).0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logits() -> Variable {
        // Rows (1/4, 3/4) and (1/2, 1/2).
        Variable::from_slice(&[0.0_f32, 3.0_f32.ln(), 2.0, 2.0], &[2, 2]).unwrap()
    }

    fn close(value: &Variable, expected: f64) -> bool {
        (value.scalar().unwrap() - expected).abs() < 1e-6
    }

    #[test]
    fn known_distributions_have_known_losses() {
        let targets = Variable::from_slice(&[0.0_f32, 1.0, 1.0, 0.0], &[2, 2]).unwrap();
        let expected = ((4.0_f64 / 3.0).ln() + 2.0_f64.ln()) / 2.0;
        assert!(close(&cross_entropy(&logits(), &targets).unwrap(), expected));
        let entropy = |p: f64| -p * p.ln() - (1.0 - p) * (1.0 - p).ln();
        assert!(close(&mean_entropy(&logits()).unwrap(), (entropy(0.25) + entropy(0.5)) / 2.0));
        assert!(close(&entropy_of_mean(&logits()).unwrap(), entropy(0.375)));
    }

    #[test]
    fn rows_are_correct_that_are_largest_at_their_label() {
        let logits = [0.0, 1.0, -1.0, 5.0, 4.0, 3.0, f32::NAN, 0.0, 1.0];
        assert_eq!(count_correct(&logits, &[1, 0, 2]), 3);
        assert_eq!(count_correct(&logits, &[0, 0, 0]), 1);
    }
}
