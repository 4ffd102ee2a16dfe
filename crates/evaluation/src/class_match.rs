//! The share of samples of class-conditional generators that are classified as their condition.

use super::average::Average;
use super::inputs::Inputs;
use super::metric::{Better, MetricRow, ScoreRow};
use super::need::{GENERATED_CLASSES, Need};
use super::score::Score;
use brigand_core::error::Result;

/// Its row of the table.
pub(super) const ROW: MetricRow = MetricRow {
    name: "class-match",
    summary: "the share of samples that the extractor classifies as the class they were conditioned on",
    needs: &[Need::GeneratedFeatures, Need::Classes, Need::GeneratedClasses],
    scores: &[ScoreRow { name: "class-match", better: Better::Higher }],
    usual: false,
    slow: false,
    measure,
};

fn measure(inputs: &Inputs<'_>) -> Result<Vec<Score>> {
    let conditions = inputs.needed(inputs.generated_classes(), GENERATED_CLASSES)?;
    let found = inputs.generated_probabilities()?.predictions();
    let right =
        found.iter().zip(&conditions.values).map(|(found, given)| f64::from(found == given)).collect();
    let protocol = inputs.setting().protocol("class-match", [("classes", conditions.classes.len().into())]);
    Ok(vec![Average::new(right)?.score(protocol, Vec::new())?])
}
