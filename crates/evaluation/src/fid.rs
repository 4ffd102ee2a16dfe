//! The row of the Fréchet distance.

use super::frechet::FrechetDistance;
use super::gathering::Side;
use super::inputs::Inputs;
use super::metric::{Better, MetricRow, ScoreRow};
use super::need::Need;
use super::protocol::{Extractor, Setting};
use super::reference::Reference;
use super::score::Score;

/// Its row of the table.
pub(super) const ROW: MetricRow = MetricRow {
    name: "fid",
    summary: "the distance between two Gaussians fitted to the features; quality and variety together",
    needs: &[Need::Moments],
    scores: &[ScoreRow { name: "fid", better: Better::Lower }],
    usual: true,
    slow: false,
    measure,
};

fn measure(inputs: &Inputs<'_>) -> brigand_core::error::Result<Vec<Score>> {
    let (real, generated) = inputs.moments()?;
    let distance = FrechetDistance::between(real, generated)?;
    let interval = inputs.groups().map(|groups| groups.interval(real, distance.value)).transpose()?;
    let mut score = distance.score(inputs.setting(), real.dimensions(), interval.flatten())?;
    score.warnings.extend(inputs.sides.into_iter().filter_map(|side| assumption(side, inputs.setting())));
    Ok(vec![score])
}

/// A warning about statistics whose file does not record the extractor.
fn assumption(side: Side<'_>, setting: &Setting) -> Option<String> {
    let Side::Statistics(Reference { origin: None, .. }, name) = side else { return None };
    let Extractor { name: extractor, sha256, resizing } = &setting.extractor;
    let hash = sha256.as_deref().and_then(|hash| hash.get(..8)).unwrap_or("no weights");
    Some(format!(
        "{name} does not record its feature extractor; assumed is that of the other side, {extractor} ({hash}; \
         {resizing})"
    ))
}
