//! Loss-sensitive GAN (Qi 2017, arXiv:1701.06264): the score of a generated sample must stay below that of its real
//! sample by a margin that grows with their distance. `L = -score` is the loss of a sample, low on real ones.

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use super::wasserstein::mean_score;
use super::{AdversarialLoss, Energies, Merging, Properties, ScoreShape, Scores, check_range};
use crate::error::Result;

/// Losses with margins that grow with the distance of the pair.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LossSensitive {
    /// The margin for each unit of the pair's L1 distance.
    pub lambda: f64,
    /// The weight of the real samples' own loss.
    pub gamma: f64,
    /// The slope of the cost below zero.
    pub slope: f64,
}

impl Default for LossSensitive {
    fn default() -> Self {
        Self { lambda: 2e-4, gamma: 0.0, slope: 0.0 }
    }
}

impl AdversarialLoss for LossSensitive {
    /// `gamma mean L(x) + mean C(margin_i + L(x_i) - L(y_i))` with margins `lambda |x_i - y_i|_1` (constants) and
    /// `C(a) = max(a, slope a)`: slope 0 is the paper's, slope 1 makes it a Wasserstein GAN plus a constant.
    fn discriminator(&self, scores: &Scores<'_>) -> Result<Variable> {
        let (real, fake) = scores.samples("loss-sensitive")?;
        let margins =
            real.detach().sub(&fake.detach())?.flatten_from_second()?.abs()?.sum(&[1])?.scale(self.lambda)?;
        let excess = margins.add(&scores.fake.sub(scores.real)?)?;
        let cost = excess.leaky_relu(self.slope)?.mean_all()?;
        Ok(if self.gamma == 0.0 { cost } else { cost.sub(&scores.real.mean_all()?.scale(self.gamma)?)? })
    }

    /// `-mean fake`.
    fn generator(&self, scores: &Scores<'_>) -> Result<Variable> {
        mean_score(scores)
    }

    fn properties(&self) -> Properties {
        Properties {
            generator_uses_real: false,
            compares_samples: true,
            scores: ScoreShape::PerSample,
            energies: Energies::Accepted,
            threshold: None,
            equilibrium: None,
            // With slope 0 the cost ignores pairs that keep their margin.
            merging: if self.slope > 0.0 { Merging::Rescaled } else { Merging::Apart },
        }
    }

    fn check(&self) -> Result<()> {
        check_range("lambda", self.lambda, self.lambda > 0.0, "a positive number")?;
        check_range("gamma", self.gamma, self.gamma >= 0.0, "0 or more")?;
        check_range("slope", self.slope, (0.0..=1.0).contains(&self.slope), "0 to 1")
    }

    fn paper(&self) -> &'static str {
        "1701.06264"
    }
}
