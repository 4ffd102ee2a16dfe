//! Line charts.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::canvas::{
    Area, Chart, DrawingError, INK, Labels, colour, draw_line, drawn, framed, px, stroke, text,
};
use super::picture::{Picture, PictureError};

/// Height of the line above the frame with title and legend, in pixels.
const HEADER: i32 = 34;
/// Height of a reference line's name.
const NAME_SIZE: u32 = 13;

/// How strongly a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineStyle {
    /// Two pixels wide, named in the legend.
    Plain,
    /// One pixel, pale, not in the legend: for raw values behind their mean.
    Faint,
}

/// One line of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub label: String,
    /// Points `(x, y)` in order of x; one that is not finite interrupts the line.
    pub points: Vec<(f64, f64)>,
    /// Number of its colour; lines of one number share a colour.
    pub colour: usize,
    /// How strongly it is drawn.
    pub style: LineStyle,
}

/// A dashed horizontal line with a name: a value the theory predicts.
#[derive(Clone, Debug, PartialEq)]
pub struct ReferenceLine {
    /// Its name, written to its right.
    pub label: String,
    /// Where it runs.
    pub value: f64,
}

/// Lines over a common axis.
///
/// ```
/// # use brigand_evaluation::pictures::{LineChart, LineStyle, Series};
/// let points = (0..100).map(|x| (f64::from(x), f64::from(x * x))).collect();
/// let series = vec![Series { label: "x^2".to_owned(), points, colour: 0, style: LineStyle::Plain }];
/// let picture = LineChart { title: "a parabola".to_owned(), series, ..LineChart::default() }.draw()?;
/// assert_eq!((picture.width(), picture.height()), (640, 360));
/// # Ok::<(), brigand_evaluation::pictures::PictureError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LineChart {
    /// Written above the frame.
    pub title: String,
    /// Name of the horizontal axis.
    pub x_label: String,
    /// Name of the vertical axis; may be empty.
    pub y_label: String,
    /// The lines, drawn in this order.
    pub series: Vec<Series>,
    /// Horizontal lines to compare with.
    pub references: Vec<ReferenceLine>,
    /// Vertical range; `None` takes what holds all reference lines and all but the most extreme
    /// hundredth of the values, which run along the edge.
    pub y_range: Option<(f64, f64)>,
    /// Width and height in pixels.
    pub size: (u32, u32),
}

impl Default for LineChart {
    fn default() -> Self {
        LineChart {
            title: String::new(),
            x_label: String::new(),
            y_label: String::new(),
            series: Vec::new(),
            references: Vec::new(),
            y_range: None,
            size: (640, 360),
        }
    }
}

impl LineChart {
    /// Draws the chart. Without any finite point the frame stays empty.
    ///
    /// # Errors
    /// [`PictureError::Drawing`] when the size leaves no room to draw in.
    pub fn draw(&self) -> Result<Picture, PictureError> {
        drawn(self.size, "a line chart", |area| {
            let (header, body) = area.split_vertically(px(HEADER));
            self.draw_header(&header)?;
            let y_range = self.y_range.unwrap_or_else(|| self.fitting_y_range());
            let right = self.room_for_names(area)?;
            let labels = Labels { x: &self.x_label, y: &self.y_label, right };
            let mut chart = framed(&body, self.x_range(), y_range, &labels)?;
            for series in &self.series {
                draw_series(&mut chart, series, y_range)?;
            }
            self.draw_references(&mut chart, y_range)
        })
    }

    /// Title on the left, legend on the right.
    fn draw_header(&self, header: &Area<'_>) -> Result<(), DrawingError> {
        header.draw_text(&self.title, &text(17, INK), (px(14), px(11)))?;
        let style = text(14, INK);
        let named = |series: &&Series| series.style == LineStyle::Plain && !series.label.is_empty();
        let mut right = px(self.size.0 as i32 - 16);
        for series in self.series.iter().rev().filter(named) {
            let (width, _) = header.estimate_text_size(&series.label, &style)?;
            let left = right - width as i32;
            header.draw_text(&series.label, &style, (left, px(13)))?;
            let swatch = [(left - px(24), px(18)), (left - px(6), px(21))];
            header.draw(&Rectangle::new(swatch, colour(series.colour).filled()))?;
            right = left - px(40);
        }
        Ok(())
    }

    fn x_range(&self) -> (f64, f64) {
        let finite = self.series.iter().flat_map(|series| &series.points).filter(|(x, y)| is_finite(*x, *y));
        let (low, high) = finite
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (x, _)| (low.min(*x), high.max(*x)));
        if low < high { (low, high) } else { widened(low) }
    }

    fn fitting_y_range(&self) -> (f64, f64) {
        let mut values: Vec<f64> = self
            .series
            .iter()
            .flat_map(|series| &series.points)
            .filter(|(x, y)| is_finite(*x, *y))
            .map(|(_, y)| *y)
            .collect();
        values.sort_by(f64::total_cmp);
        let cut = values.len() / 200;
        let kept = values.get(cut..values.len() - cut).unwrap_or_default();
        let references = self.references.iter().map(|line| line.value).filter(|value| value.is_finite());
        let (low, high) = kept
            .iter()
            .copied()
            .chain(references)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| (low.min(y), high.max(y)));
        if low >= high || !low.is_finite() {
            return widened(low);
        }
        let margin = 0.06 * (high - low);
        (low - margin, high + margin)
    }

    /// Pixels to the right of the frame that the names of the reference lines need.
    fn room_for_names(&self, area: &Area<'_>) -> Result<i32, DrawingError> {
        let style = text(NAME_SIZE, INK);
        let mut room = px(16);
        for line in &self.references {
            let (width, _) = area.estimate_text_size(&line.label, &style)?;
            room = room.max(width as i32 + px(14));
        }
        Ok(room)
    }

    fn draw_references(&self, chart: &mut Chart<'_, '_>, y_range: (f64, f64)) -> Result<(), DrawingError> {
        let (left, right) = self.x_range();
        let middle = Pos::new(HPos::Left, VPos::Center);
        for line in &self.references {
            if line.value < y_range.0 || line.value > y_range.1 || !line.value.is_finite() {
                continue;
            }
            let ends = [(left, line.value), (right, line.value)];
            chart.draw_series(DashedLineSeries::new(ends, px(7), px(5), stroke(INK.mix(0.8), 1)))?;
            let name = EmptyElement::at((right, line.value))
                + Text::new(line.label.clone(), (px(6), 0), text(NAME_SIZE, INK).pos(middle));
            chart.draw_series([name])?;
        }
        Ok(())
    }
}

fn draw_series(chart: &mut Chart<'_, '_>, series: &Series, y_range: (f64, f64)) -> Result<(), DrawingError> {
    let ink = colour(series.colour);
    let (line_ink, width) = match series.style {
        LineStyle::Plain => (ink.to_rgba(), 2),
        LineStyle::Faint => (ink.mix(0.28), 1),
    };
    for run in series.points.split(|(x, y)| !is_finite(*x, *y)) {
        let clamped = run.iter().map(|(x, y)| (*x, y.clamp(y_range.0, y_range.1)));
        match run {
            [] => {}
            [_] => {
                draw_line(chart, clamped, ink.to_rgba(), 4)?;
            }
            _ => draw_line(chart, clamped, line_ink, width)?,
        }
    }
    Ok(())
}

fn is_finite(x: f64, y: f64) -> bool {
    x.is_finite() && y.is_finite()
}

/// A range around a single value, or around nothing at all.
fn widened(value: f64) -> (f64, f64) {
    let middle = if value.is_finite() { value } else { 0.0 };
    let reach = 0.5_f64.max(middle.abs() * 0.1);
    (middle - reach, middle + reach)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(points: Vec<(f64, f64)>) -> LineChart {
        let series = vec![Series { label: "a".to_owned(), points, colour: 0, style: LineStyle::Plain }];
        LineChart { series, ..LineChart::default() }
    }

    fn blue_rows(picture: &Picture) -> Vec<usize> {
        let blue = |x, y| picture.pixel(x, y).is_some_and(|p| p == [0, 114, 178]);
        // Below the header, where the legend's swatch has the same colour.
        (HEADER as usize..picture.height()).filter(|&y| (0..picture.width()).any(|x| blue(x, y))).collect()
    }

    #[test]
    fn a_horizontal_line_is_drawn_once_at_its_height() {
        let mut chart = line(vec![(0.0, 0.5), (10.0, 0.5)]);
        chart.y_range = Some((0.0, 1.0));
        let rows = blue_rows(&chart.draw().unwrap());
        assert!((1..=3).contains(&rows.len()), "{rows:?}");
        // The frame spans rows 40 to 336: its middle is row 188.
        assert!(rows.iter().all(|row| (184..=192).contains(row)), "{rows:?}");
    }

    #[test]
    fn extreme_values_do_not_set_the_range_but_references_do() {
        let mut points: Vec<(f64, f64)> =
            (0..1000).map(|i| (f64::from(i), f64::from(i % 10) / 9.0)).collect();
        points[500].1 = 1e9;
        let mut chart = line(points);
        let (low, high) = chart.fitting_y_range();
        assert!((low + 0.06).abs() < 1e-9 && (high - 1.06).abs() < 1e-9, "{low} {high}");
        chart.references.push(ReferenceLine { label: "two".to_owned(), value: 2.0 });
        assert!((chart.fitting_y_range().1 - 2.12).abs() < 1e-9);
    }

    /// Curves that turn sharply left their frame, over titles and ticks.
    #[test]
    fn no_curve_leaves_its_frame() {
        let frame = {
            let mut empty = line(vec![(0.0, f64::NAN), (100.0, f64::NAN)]);
            (empty.y_range, empty.title) = (Some((0.0, 1.0)), String::new());
            empty.series[0].label.clear();
            empty
        };
        for style in [LineStyle::Plain, LineStyle::Faint] {
            let mut chart = frame.clone();
            let zigzag = (0..=400).map(|i| {
                let height = match i % 4 {
                    0 => -9.0,
                    1 => 0.02,
                    2 => 9.0,
                    _ => 0.97,
                };
                (f64::from(i) / 4.0, height)
            });
            chart.series[0].points = zigzag.collect();
            chart.series[0].style = style;
            let drawn = chart.draw().unwrap();
            let (mut rows, mut columns) = ((usize::MAX, 0), (usize::MAX, 0));
            for y in 0..drawn.height() {
                for x in 0..drawn.width() {
                    let outside = !(42..=624).contains(&x) || !(40..=336).contains(&y);
                    let [red, _, blue] = *drawn.pixel(x, y).unwrap() else { panic!("not in colour") };
                    if blue > red.saturating_add(30) {
                        assert!(!outside, "{style:?} drawn at {x}, {y}");
                        rows = (rows.0.min(y), rows.1.max(y));
                        columns = (columns.0.min(x), columns.1.max(x));
                    }
                }
            }
            assert!(rows.1 - rows.0 > 280 && columns.1 - columns.0 > 560, "{rows:?} {columns:?}");
        }
    }

    #[test]
    fn broken_empty_and_single_values_draw() {
        let nan = f64::NAN;
        for points in [vec![], vec![(1.0, nan)], vec![(3.0, 4.0)], vec![(0.0, 1.0), (1.0, nan), (2.0, 1.0)]] {
            let mut chart = line(points);
            chart.references.push(ReferenceLine { label: "nan".to_owned(), value: nan });
            assert!(chart.draw().is_ok());
        }
        let interrupted = line(vec![(0.0, 1.0), (1.0, f64::INFINITY), (2.0, 1.0)]).draw().unwrap();
        let whole = line(vec![(0.0, 1.0), (1.0, 1.0), (2.0, 1.0)]).draw().unwrap();
        let blue = |p: &Picture| p.pixels().chunks_exact(3).filter(|c| *c == [0, 114, 178]).count();
        assert!(blue(&interrupted) < blue(&whole) / 2);
    }
}
