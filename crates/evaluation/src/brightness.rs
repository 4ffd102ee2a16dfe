//! The mean brightness of generated images, and of real ones for comparison.

use super::average::Average;
use super::inputs::Inputs;
use super::metric::{Better, MetricRow, ScoreRow};
use super::need::Need;
use super::score::Score;
use brigand_core::error::Result;

/// Its row of the table.
pub(super) const ROW: MetricRow = MetricRow {
    name: "brightness",
    summary: "mean brightness of generated images, from -1 to 1, and of real ones for comparison",
    needs: &[Need::RealSamples, Need::GeneratedSamples],
    scores: &[
        ScoreRow { name: "brightness", better: Better::Neither },
        ScoreRow { name: "brightness-of-real", better: Better::Neither },
    ],
    usual: false,
    slow: false,
    measure,
};

fn measure(inputs: &Inputs<'_>) -> Result<Vec<Score>> {
    let mut scores = Vec::new();
    for (samples, name) in
        [(inputs.generated_samples(), "brightness"), (inputs.real_samples(), "brightness-of-real")]
    {
        let samples = inputs.needed(samples, "the images themselves")?;
        let all: Vec<usize> = (0..samples.count()).collect();
        let values = inputs.values(samples, &all)?;
        let images = values.chunks((values.len() / all.len()).max(1));
        let means = images.map(|image| image.iter().map(|&v| f64::from(v)).sum::<f64>() / image.len() as f64);
        let protocol = inputs.setting_of_pixels("none").protocol(name, []);
        scores.push(Average::new(means.collect())?.score(protocol, vec![])?);
    }
    Ok(scores)
}
