//! The row of precision and recall, density and coverage.

use super::density_coverage::DensityCoverage;
use super::inputs::Inputs;
use super::metric::{Better, MetricRow, ScoreRow};
use super::need::Need;
use super::neighbours::Neighbourhoods;
use super::precision_recall::PrecisionRecall;
use super::score::Score;

/// Neighbours that reach to the edge of a ball, in the papers of precision and recall, and of density and coverage.
const BALL_OF_PRECISION: usize = 3;
const BALL_OF_DENSITY: usize = 5;

/// The row of precision and recall, density and coverage, which share their distances.
pub(super) const ROW: MetricRow = MetricRow {
    name: "prdc",
    summary: "precision and density: samples lie where real ones do; recall and coverage: real ones have samples near",
    needs: &[Need::RealFeatures, Need::GeneratedFeatures],
    scores: &[
        ScoreRow { name: "precision", better: Better::Higher },
        ScoreRow { name: "recall", better: Better::Higher },
        ScoreRow { name: "density", better: Better::Higher },
        ScoreRow { name: "coverage", better: Better::Higher },
    ],
    usual: true,
    slow: false,
    measure,
};

fn measure(inputs: &Inputs<'_>) -> brigand_core::error::Result<Vec<Score>> {
    let (real, generated) = (inputs.real_features()?, inputs.generated_features()?);
    let balls = Neighbourhoods::new(real, BALL_OF_DENSITY)?;
    let around = Neighbourhoods::new(generated, BALL_OF_PRECISION)?;
    let mut scores =
        PrecisionRecall::of(&balls, &around, BALL_OF_PRECISION)?.scores(inputs.setting())?.to_vec();
    scores.extend(DensityCoverage::of(&balls, generated, BALL_OF_DENSITY)?.scores(inputs.setting())?);
    Ok(scores)
}
