//! `history.png`: how losses and accuracies went.

use std::collections::BTreeSet;

use brigand_core::measurements::{ACCURACY_ON_FAKE, ACCURACY_ON_REAL, DISCRIMINATOR_LOSS, GENERATOR_LOSS};

use super::metrics::Record;
use crate::pictures::{LineChart, LineStyle, Picture, PictureError, ReferenceLine, Series};

const PANEL_SIZE: (u32, u32) = (640, 380);
/// A mean runs over this share of the records, so that any run is smoothed alike.
const WINDOW_SHARE: usize = 40;
/// But over no more records than this, which smooth any noise.
const WIDEST_WINDOW: usize = 500;
/// Beyond this many points of one line, only the extremes of each stretch are drawn.
const MOST_POINTS: usize = 1200;

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
/// the names. Each curve is the moving mean over a fortieth of the records, the records themselves pale
/// behind it. A measurement that is nowhere finite has an empty panel.
///
/// # Errors
/// [`PictureError`] when the drawing library refuses.
pub fn draw(records: &[Record], references: &[Reference]) -> Result<Picture, PictureError> {
    let mut panels = vec![losses(records, references), accuracies(records, references)];
    // A critic has no accuracy, a system without players neither.
    if !records.is_empty() {
        panels.retain(|panel| !panel.series.is_empty());
    }
    let standard = [DISCRIMINATOR_LOSS, GENERATOR_LOSS, ACCURACY_ON_REAL, ACCURACY_ON_FAKE];
    let names: BTreeSet<&String> = records.iter().flat_map(|record| record.values.keys()).collect();
    for name in names.into_iter().filter(|name| !standard.contains(&name.as_str())) {
        let mut chart = chart(&Panel::Measurement(name.clone()), &readable(name), references);
        chart.series = curves(records, name, "", 2);
        panels.push(chart);
    }
    let pictures = panels.iter().map(LineChart::draw).collect::<Result<Vec<_>, _>>()?;
    Picture::mosaic(&pictures, 2)
}

fn losses(records: &[Record], references: &[Reference]) -> LineChart {
    let mut chart = chart(&Panel::Losses, "loss", references);
    chart.series = both(
        curves(records, DISCRIMINATOR_LOSS, "discriminator", 0),
        curves(records, GENERATOR_LOSS, "generator", 1),
    );
    chart
}

fn accuracies(records: &[Record], references: &[Reference]) -> LineChart {
    let mut chart = chart(&Panel::Accuracy, "discriminator accuracy", references);
    chart.references.push(ReferenceLine { label: "chance: 0.5".to_owned(), value: 0.5 });
    chart.series = both(
        curves(records, ACCURACY_ON_REAL, "on real", 0),
        curves(records, ACCURACY_ON_FAKE, "on fake", 1),
    );
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

/// The records of one measurement, pale, and their moving mean; nothing when there are none.
fn curves(records: &[Record], name: &str, label: &str, colour: usize) -> Vec<Series> {
    let raw: Vec<(f64, f64)> =
        records.iter().filter_map(|record| Some((record.step as f64, *record.values.get(name)?))).collect();
    if raw.is_empty() {
        return Vec::new();
    }
    let window = (raw.len() / WINDOW_SHARE).min(WIDEST_WINDOW);
    let mean = thinned(moving_mean(&raw, window));
    let mut series = Vec::new();
    if window > 1 {
        let points = thinned(raw);
        series.push(Series { label: String::new(), points, colour, style: LineStyle::Faint });
    }
    series.push(Series { label: label.to_owned(), points: mean, colour, style: LineStyle::Plain });
    series
}

/// The mean of the finite values within `window / 2` records before and after each; NaN where the
/// value itself is not finite, so that a gap stays a gap.
fn moving_mean(points: &[(f64, f64)], window: usize) -> Vec<(f64, f64)> {
    let reach = window / 2;
    points
        .iter()
        .enumerate()
        .map(|(index, &(x, y))| {
            let end = (index + reach + 1).min(points.len());
            let around = points.get(index.saturating_sub(reach)..end).unwrap_or_default();
            let finite = || around.iter().map(|point| point.1).filter(|value| value.is_finite());
            let mean = finite().sum::<f64>() / finite().count() as f64;
            (x, if y.is_finite() { mean } else { f64::NAN })
        })
        .collect()
}

/// Of each stretch of a long line its lowest and highest point, in order; broken values stay.
fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let stretch = (2 * points.len()).div_ceil(MOST_POINTS);
    if points.len() <= MOST_POINTS {
        return points;
    }
    points
        .chunks(stretch)
        .flat_map(|part| {
            let places = 0..part.len();
            let value = |&place: &usize| part.get(place).map_or(f64::NAN, |point| point.1);
            let lowest = places.clone().min_by(|a, b| value(a).total_cmp(&value(b)));
            let highest = places.max_by(|a, b| value(a).total_cmp(&value(b)));
            let kept = BTreeSet::from([lowest.unwrap_or(0), highest.unwrap_or(0)]);
            kept.into_iter().filter_map(|place| part.get(place).copied()).collect::<Vec<_>>()
        })
        .collect()
}

/// `gradient_norm` as `gradient norm`.
fn readable(name: &str) -> String {
    name.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn record(step: u64, values: &[(&str, f64)]) -> Record {
        let values: BTreeMap<String, f64> = values.iter().map(|(name, v)| ((*name).to_owned(), *v)).collect();
        Record { step, time: None, values }
    }

    #[test]
    fn every_other_measurement_gets_a_panel() {
        let critic = draw(&[record(1, &[(GENERATOR_LOSS, 1.0)])], &[]).unwrap();
        assert_eq!((critic.width(), critic.height()), (640, 380));
        let two = draw(&[record(1, &[(GENERATOR_LOSS, 1.0), (ACCURACY_ON_REAL, 0.5)])], &[]).unwrap();
        assert_eq!((two.width(), two.height()), (1280, 380));
        let three =
            draw(&[record(1, &[(GENERATOR_LOSS, 1.0), ("a", 1.0)]), record(2, &[("b", f64::NAN)])], &[]);
        assert_eq!(three.unwrap().height(), 2 * 380);
        assert_eq!(draw(&[], &[]).unwrap().height(), 380);
    }

    #[test]
    fn references_reach_their_panel_only() {
        let references = [
            Reference { label: "ln 4".to_owned(), panel: Panel::Losses, value: 4_f64.ln() },
            Reference { label: "one".to_owned(), panel: Panel::Measurement("a".to_owned()), value: 1.0 },
        ];
        assert_eq!(losses(&[], &references).references[0].value, 4_f64.ln());
        assert_eq!(losses(&[], &references).references.len(), 1);
        let halves: Vec<f64> =
            accuracies(&[], &references).references.iter().map(|line| line.value).collect();
        assert_eq!(halves, [0.5]);
    }

    #[test]
    fn the_mean_smooths_noise_keeps_slopes_and_gaps() {
        let line: Vec<(f64, f64)> = (0..50).map(|i| (f64::from(i), 2.0 * f64::from(i))).collect();
        let smooth = moving_mean(&line, 9);
        assert!(smooth[4..46].iter().zip(&line[4..46]).all(|(smooth, raw)| (smooth.1 - raw.1).abs() < 1e-9));
        assert_eq!((smooth[0].1, smooth[49].1), (4.0, 94.0));
        let mut noise: Vec<(f64, f64)> = (0..50).map(|i| (f64::from(i), f64::from(i % 2))).collect();
        noise[25].1 = f64::NAN;
        let smooth = moving_mean(&noise, 9);
        assert!(smooth[25].1.is_nan());
        assert!(smooth[10..40].iter().filter(|p| p.1.is_finite()).all(|p| (0.37..0.56).contains(&p.1)));
    }

    #[test]
    fn thinning_keeps_extremes_in_order() {
        let mut long: Vec<(f64, f64)> = (0..100_000).map(|i| (f64::from(i), 0.5)).collect();
        long[777].1 = 9.0;
        long[55_555].1 = -9.0;
        let short = thinned(long.clone());
        assert!((600..=MOST_POINTS).contains(&short.len()), "{}", short.len());
        assert!(short.contains(&(777.0, 9.0)) && short.contains(&(55_555.0, -9.0)));
        assert!(short.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(thinned(long[..1000].to_vec()), long[..1000]);
    }
}
