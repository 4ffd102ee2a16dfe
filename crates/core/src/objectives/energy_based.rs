//! Energy-based GAN (Zhao et al. 2016, arXiv:1609.03126): the discriminator is an auto-encoder whose
//! reconstruction error is an energy, `E = -score >= 0`.

use brigand_autograd::Variable;
use serde::{Deserialize, Serialize};

use super::{AdversarialLoss, Energies, Merging, Properties, ScoreShape, Scores, check_range};
use crate::error::{Error, Result};

/// Energies with a margin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EnergyBased {
    /// The energy above which a generated sample adds nothing to the discriminator's loss.
    pub margin: f64,
    /// Whether that energy is `margin` times the mean energy of the real samples instead, so that it falls as the
    /// auto-encoder learns.
    pub relative: bool,
    /// The weight of the pull-away term in the generator's loss.
    pub pull_away: f64,
}

impl Default for EnergyBased {
    fn default() -> Self {
        Self { margin: 1.0, relative: false, pull_away: 0.1 }
    }
}

impl AdversarialLoss for EnergyBased {
    /// `mean E(x) + mean max(0, m - E(y))` with `m = margin`, or `m = margin mean E(x)`, through which no gradient
    /// flows.
    fn discriminator(&self, scores: &Scores<'_>) -> Result<Variable> {
        let real = scores.real.mean_all()?;
        let above = match self.relative {
            true => scores.fake.sub(&real.detach().scale(self.margin)?)?,
            false => scores.fake.affine(1.0, self.margin)?,
        };
        Ok(above.relu()?.mean_all()?.sub(&real)?)
    }

    /// `mean E(y) + pull_away PT(codes of y)`.
    fn generator(&self, scores: &Scores<'_>) -> Result<Variable> {
        let energy = scores.fake.mean_all()?.neg()?;
        if self.pull_away == 0.0 {
            return Ok(energy);
        }
        let missing = || {
            Error::Internal(
                "the pull-away term was given no codes of the discriminator for the generated samples".into(),
            )
        };
        let codes = scores.fake_features.ok_or_else(missing)?;
        Ok(energy.add(&pull_away(codes)?.scale(self.pull_away)?)?)
    }

    fn properties(&self) -> Properties {
        Properties {
            generator_uses_real: false,
            compares_samples: false,
            scores: ScoreShape::PerSample,
            energies: Energies::Required,
            threshold: None,
            equilibrium: None,
            merging: Merging::Apart,
        }
    }

    fn check(&self) -> Result<()> {
        if self.relative {
            let wanted = "more than 1 with objective.relative=true: generated samples must lie above the real ones' energy";
            check_range("margin", self.margin, self.margin > 1.0, wanted)?;
        }
        check_range("margin", self.margin, self.margin > 0.0, "a positive number")?;
        check_range("pull_away", self.pull_away, self.pull_away >= 0.0, "0 or more")
    }

    fn paper(&self) -> &'static str {
        "1609.03126"
    }
}

/// The repelling term of the generated samples' codes `[batch, features]`: the mean squared cosine over all pairs of
/// different samples.
pub fn pull_away(codes: &Variable) -> Result<Variable> {
    let codes = codes.flatten_from_second()?;
    let count = codes.shape()[0] as f64;
    let directions = codes.div(&codes.norm_keeping(&[1])?)?;
    let cosines = directions.matmul(&directions.transposed()?)?;
    let own = directions.square()?.sum(&[1])?.square()?.sum_all()?;
    Ok(cosines.square()?.sum_all()?.sub(&own)?.scale(1.0 / (count * (count - 1.0)).max(1.0))?)
}
