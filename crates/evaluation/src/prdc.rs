//! The row of precision and recall, density and coverage.

use super::density_coverage::{DensityCoverage, balls_around};
use super::error::Result;
use super::features::Features;
use super::gathering::Progress;
use super::inputs::Inputs;
use super::metric::{Better, MetricRow, ScoreRow};
use super::need::Need;
use super::neighbours::{Neighbourhoods, fold_both};
use super::precision_recall::{PrecisionRecall, is_inside};
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
    let mut observe = |progress| inputs.progress(progress);
    let (precision, density) = compare(inputs.real_features()?, inputs.generated_features()?, &mut observe)?;
    let setting = inputs.setting();
    Ok(precision.scores(setting)?.into_iter().chain(density.scores(setting)?).collect())
}

/// Both from one computation of the distances between the sets, which are most of the work.
fn compare(
    real: &Features,
    generated: &Features,
    observe: &mut dyn FnMut(Progress),
) -> Result<(PrecisionRecall, DensityCoverage)> {
    let mut report = |what, done, total| observe(Progress { what, done, total });
    let balls = Neighbourhoods::observed(real, BALL_OF_DENSITY, &mut |done, total| {
        report("distances of real samples", done, total);
    })?;
    let around = Neighbourhoods::observed(generated, BALL_OF_PRECISION, &mut |done, total| {
        report("distances of generated samples", done, total);
    })?;
    let density_radii = balls.squared_radii(BALL_OF_DENSITY)?;
    let real_radii = balls.squared_radii(BALL_OF_PRECISION)?;
    let generated_radii = around.squared_radii(BALL_OF_PRECISION)?;
    let (of_generated, of_real) = fold_both(
        (generated, real),
        ((false, 0), (false, f64::INFINITY)),
        |(inside, balls), _, first, distances| {
            *inside |= is_inside(distances, &real_radii, first);
            *balls += balls_around(distances, &density_radii, first);
        },
        |(inside, nearest), _, query, distance| {
            *inside |= generated_radii.get(query).is_some_and(|radius| distance < *radius);
            *nearest = distance.min(*nearest);
        },
        &mut |done, total| report("distances between the sets", done, total),
    )?;
    let inside = (of_generated.iter().map(|of| of.0), of_real.iter().map(|of| of.0));
    let (counts, nearest) = (of_generated.iter().map(|of| of.1), of_real.iter().map(|of| of.1));
    Ok((
        PrecisionRecall::from_parts(inside.0, inside.1, BALL_OF_PRECISION)?,
        DensityCoverage::from_parts(counts, nearest, &density_radii, BALL_OF_DENSITY)?,
    ))
}

#[cfg(test)]
mod tests {
    use brigand_core::random::Stream;

    use super::*;

    #[test]
    fn all_four_at_once_are_those_of_each() {
        let draw = |seed, count: usize| {
            Features::new(Stream::new(seed, "features", 0).normal(4 * count), 4).unwrap()
        };
        let (real, generated) = (draw(1, 1300), draw(2, 1100));
        let balls = (Neighbourhoods::new(&real, 5).unwrap(), Neighbourhoods::new(&generated, 3).unwrap());
        let wanted = (
            PrecisionRecall::of(&balls.0, &balls.1, 3).unwrap(),
            DensityCoverage::of(&balls.0, &generated, 5).unwrap(),
        );
        assert_eq!(compare(&real, &generated, &mut |_| {}).unwrap(), wanted);
        assert_ne!(wanted.0.precision.mean(), wanted.0.recall.mean());
    }
}
