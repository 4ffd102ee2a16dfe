//! `history.png`: how losses and accuracies went.

use brigand_core::measurements::{ACCURACY_ON_FAKE, ACCURACY_ON_REAL, DISCRIMINATOR_LOSS, GENERATOR_LOSS};

use super::curves::Curves;
use crate::pictures::{LineChart, LineStyle, Picture, PictureError, ReferenceLine, Series};

const PANEL_SIZE: (u32, u32) = (640, 380);
/// A mean runs over this share of the records, so that any run is smoothed alike.
const WINDOW_SHARE: usize = 40;
/// But over no more records than this, which smooth any noise.
const WIDEST_WINDOW: usize = 500;

/// A panel of the picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Panel {
    /// [`DISCRIMINATOR_LOSS`] and [`GENERATOR_LOSS`].
    Losses,
    /// [`ACCURACY_ON_REAL`] and [`ACCURACY_ON_FAKE`], from 0 to 1, with a line at 0.5.
    Accuracy,
    /// Any other measurement, by its name.
    Measurement(String),
}

/// A value the theory predicts, drawn as a dashed line.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// Its name.
    pub label: String,
    /// Where it is drawn.
    pub panel: Panel,
    /// The value.
    pub value: f64,
}

/// Draws losses and discriminator accuracy (where they were measured) side by side, then every other measurement in the order of
/// the names. Each curve is the moving mean over a fortieth of the values, the values themselves pale
/// behind it. A measurement that is nowhere finite has an empty panel.
///
/// # Errors
/// [`PictureError`] when the drawing library refuses.
pub fn draw(curves: &Curves, references: &[Reference]) -> Result<Picture, PictureError> {
    let mut panels = vec![losses(curves, references), accuracies(curves, references)];
    // A critic has no accuracy, a system without players neither.
    if !curves.is_empty() {
        panels.retain(|panel| !panel.series.is_empty());
    }
    let standard = [DISCRIMINATOR_LOSS, GENERATOR_LOSS, ACCURACY_ON_REAL, ACCURACY_ON_FAKE];
    for name in curves.names().filter(|name| !standard.contains(name)) {
        let mut chart = chart(&Panel::Measurement(name.to_owned()), &readable(name), references);
        chart.series = lines(curves, name, "", 2);
        panels.push(chart);
    }
    let pictures = panels.iter().map(LineChart::draw).collect::<Result<Vec<_>, _>>()?;
    Picture::mosaic(&pictures, 2)
}

fn losses(curves: &Curves, references: &[Reference]) -> LineChart {
    let mut chart = chart(&Panel::Losses, "loss", references);
    chart.series = both(
        lines(curves, DISCRIMINATOR_LOSS, "discriminator", 0),
        lines(curves, GENERATOR_LOSS, "generator", 1),
    );
    chart
}

fn accuracies(curves: &Curves, references: &[Reference]) -> LineChart {
    let mut chart = chart(&Panel::Accuracy, "discriminator accuracy", references);
    chart.references.push(ReferenceLine { label: "chance: 0.5".to_owned(), value: 0.5 });
    chart.series =
        both(lines(curves, ACCURACY_ON_REAL, "on real", 0), lines(curves, ACCURACY_ON_FAKE, "on fake", 1));
    chart.y_range = Some((-0.03, 1.03));
    chart
}

fn chart(panel: &Panel, title: &str, references: &[Reference]) -> LineChart {
    let wanted = references.iter().filter(|reference| reference.panel == *panel);
    LineChart {
        title: title.to_owned(),
        x_label: "step".to_owned(),
        references: wanted
            .map(|reference| ReferenceLine { label: reference.label.clone(), value: reference.value })
            .collect(),
        size: PANEL_SIZE,
        ..LineChart::default()
    }
}

/// Pale lines first, so that none covers a mean.
fn both(first: Vec<Series>, second: Vec<Series>) -> Vec<Series> {
    let mut all: Vec<Series> = first.into_iter().chain(second).collect();
    all.sort_by_key(|series| series.style == LineStyle::Plain);
    all
}

/// The values of one measurement, pale, and their moving mean; nothing when there are none.
fn lines(curves: &Curves, name: &str, label: &str, colour: usize) -> Vec<Series> {
    let Some(curve) = curves.get(name) else { return Vec::new() };
    let window = (curve.count() / WINDOW_SHARE).min(WIDEST_WINDOW);
    let mut series = Vec::new();
    if window > 1 {
        series.push(Series { label: String::new(), points: curve.points(), colour, style: LineStyle::Faint });
    }
    let points = curve.moving_mean(window);
    series.push(Series { label: label.to_owned(), points, colour, style: LineStyle::Plain });
    series
}

/// `gradient_norm` as `gradient norm`.
fn readable(name: &str) -> String {
    name.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::metrics::Record;

    fn curves(records: &[(u64, &[(&str, f64)])]) -> Curves {
        let mut curves = Curves::default();
        for &(step, values) in records {
            let values = values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
            curves.push(&Record { step, time: None, values });
        }
        curves
    }

    #[test]
    fn every_other_measurement_gets_a_panel() {
        let size = |records| {
            let picture = draw(&curves(records), &[]).unwrap();
            (picture.width(), picture.height())
        };
        assert_eq!(size(&[(1, &[(GENERATOR_LOSS, 1.0)])]), (640, 380));
        assert_eq!(size(&[(1, &[(GENERATOR_LOSS, 1.0), (ACCURACY_ON_REAL, 0.5)])]), (1280, 380));
        let three: &[(u64, &[(&str, f64)])] =
            &[(1, &[(GENERATOR_LOSS, 1.0), ("a", 1.0)]), (2, &[("b", f64::NAN)])];
        assert_eq!(size(three).1, 2 * 380);
        assert_eq!(size(&[]).1, 380);
    }

    #[test]
    fn references_reach_their_panel_only() {
        let references = [
            Reference { label: "ln 4".to_owned(), panel: Panel::Losses, value: 4_f64.ln() },
            Reference { label: "one".to_owned(), panel: Panel::Measurement("a".to_owned()), value: 1.0 },
        ];
        assert_eq!(losses(&curves(&[]), &references).references[0].value, 4_f64.ln());
        assert_eq!(losses(&curves(&[]), &references).references.len(), 1);
        let halves: Vec<f64> =
            accuracies(&curves(&[]), &references).references.iter().map(|line| line.value).collect();
        assert_eq!(halves, [0.5]);
    }
}
