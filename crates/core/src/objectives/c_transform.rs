//! The Wasserstein distance by c-transforms (Mallasto et al. 2019, arXiv:1910.00535): the second potential is
//! computed from the first over the batch, so no Lipschitz constraint is needed.

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use super::{AdversarialLoss, Energies, Merging, Properties, ScoreShape, Scores, check_range};
use crate::error::Result;

/// The cost `c(x, y)` of moving mass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransportCost {
    /// `|x - y|`: the value estimates W1.
    Euclidean,
    /// `|x - y|²`: the value estimates W2².
    Squared,
}

/// Optimal transport between the batches.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CTransform {
    /// The cost of moving.
    pub cost: TransportCost,
    /// The softness of the minimum; 0 is the exact one.
    pub epsilon: f64,
}

impl Default for CTransform {
    fn default() -> Self {
        Self { cost: TransportCost::Euclidean, epsilon: 0.0 }
    }
}

impl CTransform {
    /// `phi^c(y_j) = min_i c(x_i, y_j) - phi(x_i)` over the real batch, `[batch]`; with `epsilon > 0` the soft
    /// minimum `-epsilon ln mean_i exp(-(c - phi) / epsilon)`.
    fn transform(&self, scores: &Scores<'_>) -> Result<Variable> {
        let epsilon = self.epsilon;
        let (real, fake) = scores.samples("c-transform")?;
        let (real, fake) = (real.flatten_from_second()?, fake.flatten_from_second()?);
        let count = real.shape()[0];
        // |x - y|² = |x|² + |y|² - 2 x.y, rows are real samples; rounding may leave it just below zero.
        let squares = |rows: &Variable| rows.square()?.sum(&[1]);
        let products = real.matmul(&fake.transposed()?)?.scale(-2.0)?;
        let squared = products.add(&squares(&real)?.reshape(&[count, 1])?)?.add(&squares(&fake)?)?.relu()?;
        let cost = match self.cost {
            TransportCost::Euclidean => squared.safe_sqrt()?,
            TransportCost::Squared => squared,
        };
        let slack = cost.sub(&scores.real.reshape(&[count, 1])?)?;
        if epsilon == 0.0 {
            return Ok(slack.min(0)?);
        }
        let sum = slack.scale(-1.0 / epsilon)?.log_sum_exp_keeping(0)?;
        Ok(sum.affine(-epsilon, epsilon * (count as f64).ln())?.reshape(&[fake.shape()[0]])?)
    }
}

impl AdversarialLoss for CTransform {
    /// `-(mean phi(x) + mean phi^c(y))`: minus the batches' transport cost at its optimum.
    fn discriminator(&self, scores: &Scores<'_>) -> Result<Variable> {
        let other = self.transform(scores)?.mean_all()?;
        Ok(scores.real.mean_all()?.add(&other)?.neg()?)
    }

    /// `mean phi^c(y)`; the gradient reaches the generated samples through the cost alone.
    fn generator(&self, scores: &Scores<'_>) -> Result<Variable> {
        Ok(self.transform(scores)?.mean_all()?)
    }

    fn properties(&self) -> Properties {
        Properties {
            generator_uses_real: true,
            compares_samples: true,
            scores: ScoreShape::PerSample,
            energies: Energies::Refused,
            threshold: None,
            equilibrium: None,
            merging: Merging::Apart,
        }
    }

    fn check(&self) -> Result<()> {
        check_range("epsilon", self.epsilon, self.epsilon >= 0.0, "0 or more")
    }

    fn paper(&self) -> &'static str {
        "1910.00535"
    }
}
