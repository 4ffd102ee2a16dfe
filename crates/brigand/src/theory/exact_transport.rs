//! Exact optimal transport between finitely many places.

use pathfinding::prelude::{Matrix, kuhn_munkres_min};

use super::checks::{Result, TheoryError, distribution, refused, same_length};
use super::flow::cheapest_flow;
use super::points::{Costs, Points};

/// The solver counts in whole numbers: the largest sum of costs becomes about this many units.
const UNITS: f64 = (1_u64 << 60) as f64;

/// How much mass goes from each source to each target.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// `[sources, targets]`, by rows.
    pub mass: Vec<Vec<f64>>,
    /// The sum of mass times cost.
    pub cost: f64,
}

impl Plan {
    /// The plan with this mass under these costs.
    ///
    /// # Errors
    /// If the sizes differ.
    pub fn new(mass: Vec<Vec<f64>>, costs: &Costs) -> Result<Self> {
        same_length("rows of plan and costs", mass.len(), costs.rows().len())?;
        let mut cost = 0.0;
        for (mass, costs) in mass.iter().zip(costs.rows()) {
            same_length("columns of plan and costs", mass.len(), costs.len())?;
            cost += mass.iter().zip(costs).map(|(mass, cost)| mass * cost).sum::<f64>();
        }
        Ok(Self { mass, cost })
    }
}

/// The target of each source in the one-to-one matching of least cost, for as many sources as targets
/// (Kuhn and Munkres; up to about 2000).
///
/// # Errors
/// If the costs are not square.
pub fn optimal_assignment(costs: &Costs) -> Result<Vec<usize>> {
    let (sources, targets) = costs.sizes();
    if sources != targets {
        return refused(format!("{sources} sources cannot be matched one to one with {targets} targets"));
    }
    let largest = costs.rows().iter().flatten().fold(0_f64, |largest, cost| largest.max(cost.abs()));
    let scale = if largest > 0.0 { UNITS / (largest * sources as f64) } else { 1.0 };
    let whole = |cost: &f64| (cost * scale).round() as i64;
    let matrix = Matrix::from_rows(costs.rows().iter().map(|row| row.iter().map(whole).collect::<Vec<_>>()))
        .map_err(|reason| TheoryError(reason.to_string()))?;
    Ok(kuhn_munkres_min(&matrix).1)
}

/// The plan of least cost that turns the probabilities `from` into `to` (successive shortest paths).
///
/// # Errors
/// If sizes do not fit or the probabilities are none.
pub fn optimal_plan(costs: &Costs, from: &[f64], to: &[f64]) -> Result<Plan> {
    let (sources, targets) = costs.sizes();
    same_length("sources and their probabilities", sources, from.len())?;
    same_length("targets and their probabilities", targets, to.len())?;
    distribution("source probabilities", from)?;
    distribution("target probabilities", to)?;
    let mass = cheapest_flow(costs.rows(), from, to);
    Plan::new(mass, costs)
}

/// The earth mover's distance between as many points as points: the mean Euclidean distance of the best
/// one-to-one matching, which is the Wasserstein distance of order 1 of the two samples.
///
/// # Errors
/// If the numbers of points or of their coordinates differ.
pub fn earth_mover(x: Points<'_>, y: Points<'_>) -> Result<f64> {
    let costs = Costs::euclidean(x, y, 1.0)?;
    let matching = optimal_assignment(&costs)?;
    let total: f64 = costs.rows().iter().zip(&matching).filter_map(|(row, &target)| row.get(target)).sum();
    Ok(total / matching.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::super::wasserstein_weighted;
    use super::*;
    use crate::random::Stream;

    const A: [f64; 6] = [0.0, 0.0, 1.0, 0.0, 0.0, 2.0];
    const B: [f64; 6] = [0.0, 1.0, 1.0, 1.0, 3.0, 0.0];

    fn points(values: &[f64]) -> Points<'_> {
        Points::new(values, 2).unwrap()
    }

    #[test]
    fn three_points_are_matched_in_the_best_way() {
        // A0 to B1, A1 to B2, A2 to B0; A0 to B0 and A2 to B1 cost the same.
        let expected = (2_f64.sqrt() + 2.0 + 1.0) / 3.0;
        assert!((expected - 1.471405).abs() < 1e-6);
        assert!((earth_mover(points(&A), points(&B)).unwrap() - expected).abs() < 1e-12);
    }

    #[test]
    fn the_plan_agrees_with_matching_and_with_sorting() {
        let costs = Costs::euclidean(points(&A), points(&B), 1.0).unwrap();
        let third = [1.0 / 3.0; 3];
        let plan = optimal_plan(&costs, &third, &third).unwrap();
        assert!((plan.cost - earth_mover(points(&A), points(&B)).unwrap()).abs() < 1e-9);
        let (x, y) = ([0.0, 1.0, 4.0], [2.0, 2.5]);
        let (p, q) = ([0.2, 0.5, 0.3], [0.6, 0.4]);
        let costs = Costs::euclidean(Points::new(&x, 1).unwrap(), Points::new(&y, 1).unwrap(), 1.0).unwrap();
        let plan = optimal_plan(&costs, &p, &q).unwrap();
        let sorted = wasserstein_weighted((&x, &p), (&y, &q), 1.0).unwrap();
        assert!((plan.cost - sorted).abs() < 1e-9, "{} {sorted}", plan.cost);
        for (row, share) in plan.mass.iter().zip(p) {
            assert!((row.iter().sum::<f64>() - share).abs() < 1e-9);
        }
    }

    #[test]
    fn random_plans_agree_with_sorting() {
        let mut stream = Stream::new(1, "plans", 0);
        for (sources, targets) in [(1, 7), (20, 20), (13, 31)] {
            let mut side = |count: usize| {
                let places: Vec<f64> = stream.normal(count).into_iter().map(f64::from).collect();
                let raw: Vec<f64> = stream.uniform(count, 0.0, 1.0).into_iter().map(f64::from).collect();
                let sum: f64 = raw.iter().sum();
                (places, raw.into_iter().map(|share| share / sum).collect::<Vec<f64>>())
            };
            let ((x, p), (y, q)) = (side(sources), side(targets));
            for power in [1.0, 2.0] {
                let line = |places| Points::new(places, 1).unwrap();
                let costs = Costs::euclidean(line(&x), line(&y), power).unwrap();
                let plan = optimal_plan(&costs, &p, &q).unwrap();
                let sorted = wasserstein_weighted((&x, &p), (&y, &q), power).unwrap().powf(power);
                assert!((plan.cost - sorted).abs() < 1e-9, "{} {sorted}", plan.cost);
                for (target, share) in q.iter().enumerate() {
                    assert!((plan.mass.iter().map(|row| row[target]).sum::<f64>() - share).abs() < 1e-9);
                }
                assert!(plan.mass.iter().flatten().all(|&mass| mass >= 0.0));
            }
        }
    }

    #[test]
    fn far_clouds_keep_their_precision() {
        let far: Vec<f64> = A.iter().map(|x| x * 1e-6 + 1e6).collect();
        let found = earth_mover(points(&A), points(&far)).unwrap();
        assert!((found / 2_f64.sqrt() / 1e6 - 1.0).abs() < 1e-5, "{found}");
        assert_eq!(earth_mover(points(&A), points(&A)).unwrap(), 0.0);
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        assert!(earth_mover(points(&A), points(&B[..4])).is_err());
        assert!(earth_mover(points(&A), Points::new(&B, 3).unwrap()).is_err());
        assert!(Points::new(&B[..5], 2).is_err() && Points::new(&[f64::NAN, 0.0], 2).is_err());
        let costs = Costs::new(vec![vec![0.0, 1.0]; 2]).unwrap();
        assert!(optimal_plan(&costs, &[0.5, 0.5], &[1.0]).is_err());
        assert!(optimal_plan(&costs, &[0.5, 0.6], &[0.5, 0.5]).is_err());
        assert!(Costs::new(vec![vec![0.0], vec![0.0, 1.0]]).is_err());
    }
}
