//! Entropic optimal transport (Cuturi 2013, arXiv:1306.0895), computed on logarithms.

use super::checks::{Result, distribution, positive, refused, same_length};
use super::points::{Costs, Points};

/// How to solve `min <P, C> + epsilon KL(P || a b^T)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sinkhorn {
    /// The weight of the entropy, in units of cost. Small is near to exact transport, and slow.
    pub epsilon: f64,
    /// The most that the plan's marginals may differ from the given ones, in total.
    pub tolerance: f64,
    /// Iterations after which it is given up.
    pub most_iterations: usize,
}

/// A plan and what it costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Entropic {
    /// How much mass goes from each source to each target, `[sources, targets]`.
    pub mass: Vec<Vec<f64>>,
    /// `<P, C>`, without the entropy.
    pub transport_cost: f64,
    /// `<P, C> + epsilon KL(P || a b^T)`.
    pub objective: f64,
}

impl Sinkhorn {
    /// Marginals to 1e-6, at most 10,000 iterations.
    pub fn new(epsilon: f64) -> Self {
        Self { epsilon, tolerance: 1e-6, most_iterations: 10_000 }
    }

    /// The best plan from probabilities `a` to `b`: `u_i = -epsilon LSE_j(ln b_j + (v_j - C_ij) / epsilon)`, the same
    /// for `v` with `a`, in turns.
    ///
    /// # Errors
    /// If sizes do not fit, the probabilities are none, epsilon or the tolerance is not positive, or the marginals
    /// are still off after the last iteration.
    pub fn plan(&self, costs: &Costs, a: &[f64], b: &[f64]) -> Result<Entropic> {
        positive("epsilon", self.epsilon)?;
        positive("the tolerance", self.tolerance)?;
        same_length("sources and their probabilities", costs.sizes().0, a.len())?;
        same_length("targets and their probabilities", costs.sizes().1, b.len())?;
        distribution("source probabilities", a)?;
        distribution("target probabilities", b)?;
        let columns: Vec<Vec<f64>> =
            (0..b.len()).map(|column| costs.rows().iter().map(|row| row[column]).collect()).collect();
        let mut v = vec![0.0; b.len()];
        for _ in 0..self.most_iterations {
            let u = self.potentials(costs.rows(), b, &v);
            v = self.potentials(&columns, a, &u);
            let mass = self.mass(costs, (a, &u), (b, &v));
            // The columns are exact after their turn; the rows show how far there is to go.
            let error: f64 = mass.iter().zip(a).map(|(row, a)| (row.iter().sum::<f64>() - a).abs()).sum();
            if error <= self.tolerance {
                return Ok(self.entropic(mass, costs, (a, &u), (b, &v)));
            }
        }
        refused(format!(
            "marginals are off by more than {} after {} iterations; raise epsilon ({}) or allow more",
            self.tolerance, self.most_iterations, self.epsilon
        ))
    }

    fn potentials(&self, costs: &[Vec<f64>], shares: &[f64], other: &[f64]) -> Vec<f64> {
        let one = |row: &Vec<f64>| {
            let terms = || {
                row.iter()
                    .zip(shares.iter().zip(other))
                    .map(|(cost, (share, other))| share.ln() + (other - cost) / self.epsilon)
            };
            let top = terms().fold(f64::NEG_INFINITY, f64::max);
            -self.epsilon * (top + terms().map(|term| (term - top).exp()).sum::<f64>().ln())
        };
        costs.iter().map(one).collect()
    }

    fn mass(&self, costs: &Costs, (a, u): (&[f64], &[f64]), (b, v): (&[f64], &[f64])) -> Vec<Vec<f64>> {
        let entry = |a: f64, u: f64, b: f64, v: f64, cost: f64| a * b * ((u + v - cost) / self.epsilon).exp();
        let row = |((a, u), costs): ((&f64, &f64), &Vec<f64>)| {
            costs.iter().zip(b.iter().zip(v)).map(|(cost, (b, v))| entry(*a, *u, *b, *v, *cost)).collect()
        };
        a.iter().zip(u).zip(costs.rows()).map(row).collect()
    }

    fn entropic(
        &self,
        mass: Vec<Vec<f64>>,
        costs: &Costs,
        (a, u): (&[f64], &[f64]),
        (b, v): (&[f64], &[f64]),
    ) -> Entropic {
        let pairs = mass.iter().zip(costs.rows()).flat_map(|(mass, costs)| mass.iter().zip(costs));
        let transport_cost = pairs.map(|(mass, cost)| mass * cost).sum();
        // At the optimum the objective is the dual's value.
        let dual = |shares: &[f64], potentials: &[f64]| -> f64 {
            let held = shares.iter().zip(potentials).filter(|(share, _)| **share > 0.0);
            held.map(|(share, potential)| share * potential).sum()
        };
        Entropic { mass, transport_cost, objective: dual(a, u) + dual(b, v) }
    }

    /// The Sinkhorn divergence `OT(x, y) - OT(x, x) / 2 - OT(y, y) / 2` of equally weighted points, with the
    /// Euclidean distance to the power `power` as cost (Feydy et al. 2018, arXiv:1810.08278). It is 0 for equal
    /// samples, which the entropic cost alone is not.
    ///
    /// # Errors
    /// As [`Sinkhorn::plan`].
    pub fn debiased(&self, x: Points<'_>, y: Points<'_>, power: f64) -> Result<f64> {
        let equal = |points: Points<'_>| vec![1.0 / points.len() as f64; points.len()];
        let cost = |x: Points<'_>, y: Points<'_>| -> Result<f64> {
            Ok(self.plan(&Costs::euclidean(x, y, power)?, &equal(x), &equal(y))?.objective)
        };
        Ok(cost(x, y)? - 0.5 * cost(x, x)? - 0.5 * cost(y, y)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn swap(epsilon: f64) -> Entropic {
        let costs = Costs::new(vec![vec![0.0, 1.0], vec![1.0, 0.0]]).unwrap();
        Sinkhorn::new(epsilon).plan(&costs, &[0.5, 0.5], &[0.5, 0.5]).unwrap()
    }

    #[test]
    fn two_places() {
        let found = swap(1.0);
        for (value, expected) in [
            (found.mass[0][0], 0.365529),
            (found.mass[1][0], 0.134471),
            (found.transport_cost, 0.268941),
            (found.objective, 0.379885),
        ] {
            assert!((value - expected).abs() < 1e-6, "{value} instead of {expected}");
        }
        assert!(swap(1e-3).transport_cost < 1e-9);
        assert!((swap(1e4).transport_cost - 0.5).abs() < 1e-4);
    }

    #[test]
    fn the_divergence_vanishes_for_equal_samples_and_nears_the_exact_cost() {
        let x = [0.0, 0.0, 1.0, 0.0, 0.0, 2.0];
        let y: Vec<f64> = x.iter().map(|value| value + 3.0).collect();
        let (x, y) = (Points::new(&x, 2).unwrap(), Points::new(&y, 2).unwrap());
        let solver = Sinkhorn { tolerance: 1e-9, ..Sinkhorn::new(0.05) };
        assert!(solver.debiased(x, x, 1.0).unwrap().abs() < 1e-6);
        // A shifted cloud is exactly its shift away.
        let found = solver.debiased(x, y, 1.0).unwrap();
        assert!((found - 18_f64.sqrt()).abs() < 0.02, "{found}");
        let squared = Sinkhorn { tolerance: 1e-9, ..Sinkhorn::new(4.0) }.debiased(x, y, 2.0).unwrap();
        assert!((squared - 18.0).abs() < 1e-4, "{squared}");
    }

    #[test]
    fn places_without_mass_stay_empty() {
        let costs = Costs::new(vec![vec![0.0, 1.0], vec![1.0, 0.0]]).unwrap();
        let found = Sinkhorn::new(0.1).plan(&costs, &[1.0, 0.0], &[0.5, 0.5]).unwrap();
        assert!(found.mass[1].iter().all(|&mass| mass == 0.0));
        assert!((found.transport_cost - 0.5).abs() < 1e-6 && found.objective.is_finite());
    }

    #[test]
    fn what_cannot_converge_is_an_error() {
        let costs = Costs::new(vec![vec![0.0, 1.0], vec![1.0, 0.5]]).unwrap();
        let hasty = Sinkhorn { most_iterations: 1, tolerance: 1e-12, ..Sinkhorn::new(0.01) };
        let message = hasty.plan(&costs, &[0.3, 0.7], &[0.5, 0.5]).unwrap_err().to_string();
        assert!(message.contains("raise epsilon"), "{message}");
        assert!(Sinkhorn::new(0.0).plan(&costs, &[0.3, 0.7], &[0.5, 0.5]).is_err());
        assert!(Sinkhorn::new(1.0).plan(&costs, &[f64::NAN, 0.7], &[0.5, 0.5]).is_err());
        assert!(Sinkhorn::new(1.0).plan(&costs, &[1.0], &[0.5, 0.5]).is_err());
    }
}
