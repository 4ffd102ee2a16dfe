//! What a discriminator of pairs is trained on: right pairs, pairs that do not belong together, and generated ones. Without
//! the second a discriminator that ignores the condition does as well (Reed et al. 2016, arXiv:1605.05396).

use super::input::Input;
use crate::error::Result;

/// A sample and a condition that belong together, that do not, and a generated sample with its condition.
pub struct Triple<S> {
    /// Real samples under their own conditions.
    pub right: S,
    /// Real samples under conditions of others.
    pub wrong: S,
    /// Generated samples under the conditions that they were generated for.
    pub generated: S,
}

impl<S: Input> Triple<S> {
    /// The real and the fake side of the comparison: losses are means over a side, so wrong and generated pairs count half
    /// each, and right ones, which stand there twice, as much as both together.
    ///
    /// # Errors
    /// If some have a condition and others none.
    pub fn sides(&self) -> Result<(S, S)> {
        Ok((self.right.beside(&self.right)?, self.generated.beside(&self.wrong)?))
    }
}

/// For each row of `rows`, which has `size` values each, the number of another one that differs from it: the next one in a
/// circle. `None` where all are equal, so that no pair of a row and a condition is wrong.
pub fn partners(rows: &[f32], size: usize) -> Option<Vec<u32>> {
    let rows: Vec<&[f32]> = rows.chunks_exact(size.max(1)).collect();
    let count = rows.len();
    let other = |(number, own): (usize, &&[f32])| {
        let next = (1..count).map(|step| (number + step) % count);
        next.into_iter().find(|&other| rows.get(other) != Some(own)).map(|other| other as u32)
    };
    rows.iter().enumerate().map(other).collect()
}

#[cfg(test)]
mod tests {
    use brigand_autograd::Variable;

    use super::*;
    use crate::objectives::{Objective, Scores};
    use crate::players::Conditioned;

    /// Claim: the losses of the two sides are `softplus(-right) + (softplus(wrong) + softplus(generated)) / 2`.
    #[test]
    fn wrong_and_generated_pairs_count_half_each() {
        let of = |values: [f32; 2]| {
            let numbers = Variable::from_slice(&values, &[2, 1]).unwrap();
            Conditioned::under(numbers.clone(), numbers)
        };
        let triple = Triple { right: of([0.5, 2.0]), wrong: of([-1.0, 0.25]), generated: of([1.5, -0.75]) };
        let (real, fake) = triple.sides().unwrap();
        assert_eq!(fake.samples.to_vec().unwrap(), [1.5, -0.75, -1.0, 0.25]);
        assert_eq!(fake.condition.unwrap().to_vec().unwrap(), [1.5, -0.75, -1.0, 0.25]);
        let flat = |of: &Variable| of.reshape(&[4]).unwrap();
        let scores = (flat(&real.samples), flat(&fake.samples));
        let loss = Objective::NON_SATURATING.discriminator_loss(&Scores::new(&scores.0, &scores.1)).unwrap();
        let softplus = |x: f64| x.exp().ln_1p();
        let mean = |of: [f64; 2]| of.map(softplus).iter().sum::<f64>() / 2.0;
        let expected = mean([-0.5, -2.0]) + 0.5 * (mean([-1.0, 0.25]) + mean([1.5, -0.75]));
        assert!((loss.scalar().unwrap() - expected).abs() < 1e-6);
    }

    #[test]
    fn a_partner_is_the_next_row_that_differs() {
        let rows = [0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0];
        assert_eq!(partners(&rows, 2), Some(vec![2, 2, 3, 2]));
        assert_eq!(partners(&[1.0, 1.0, 1.0], 1), None);
        assert_eq!(partners(&[1.0], 1), None);
    }
}
