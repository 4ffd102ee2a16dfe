//! Figures of several panels, each with its own axes, marks and legend.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::canvas::{
    Area, Chart, DrawingError, INK, Labels, QUIET, draw_line, drawn, framed, px, stroke, text,
};
use super::marks::{Mark, Shape};
use super::picture::{Picture, PictureError};

/// Height of the sheet's title line.
const TITLE: i32 = 40;
/// Height of a panel's title line and of each line of its legend.
const LINE: i32 = 21;
const LEGEND_SIZE: u32 = 13;
/// Points of a line drawn as one shape.
const PIECE: usize = 16;

/// A frame with axes and what is in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Panel {
    /// Above the frame.
    pub title: String,
    /// Name of the horizontal axis; may be empty.
    pub x_label: String,
    /// Name of the vertical axis; may be empty.
    pub y_label: String,
    /// Ends of the horizontal axis.
    pub x: (f64, f64),
    /// Ends of the vertical axis.
    pub y: (f64, f64),
    /// What is in it, drawn in this order.
    pub marks: Vec<Mark>,
}

/// Panels in rows.
///
/// ```
/// # use brigand_evaluation::pictures::{Ink, Mark, Panel, Shape, Sheet};
/// let line = Shape::Line((0..50).map(|i| f64::from(i) / 10.0).map(|x| (x, x.sin())).collect());
/// let panel = Panel {
///     title: "a wave".to_owned(),
///     x: (0.0, 5.0),
///     y: (-1.1, 1.1),
///     marks: vec![Mark::named("sin x", Ink::Hue(0), line)],
///     ..Panel::default()
/// };
/// let sheet = Sheet { title: "waves".to_owned(), panels: vec![panel], columns: 1, size: (400, 300) };
/// assert_eq!(sheet.draw()?.width(), 400);
/// # Ok::<(), brigand_evaluation::pictures::PictureError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sheet {
    /// Above all panels; none if empty.
    pub title: String,
    /// The panels, row by row.
    pub panels: Vec<Panel>,
    /// Panels beside each other.
    pub columns: usize,
    /// Width and height in pixels.
    pub size: (u32, u32),
}

impl Sheet {
    /// Draws the sheet.
    ///
    /// # Errors
    /// [`PictureError::Drawing`] when the size leaves no room to draw in.
    pub fn draw(&self) -> Result<Picture, PictureError> {
        drawn(self.size, "a figure", |area| {
            let (header, body) = area.split_vertically(px(if self.title.is_empty() { 0 } else { TITLE }));
            if !self.title.is_empty() {
                header.draw_text(&self.title, &text(18, INK), (px(14), px(13)))?;
            }
            let columns = self.columns.max(1);
            let places = body.split_evenly((self.panels.len().div_ceil(columns), columns));
            self.panels.iter().zip(&places).try_for_each(|(panel, place)| panel.draw(place))
        })
    }
}

impl Panel {
    fn draw(&self, area: &Area<'_>) -> Result<(), DrawingError> {
        let legend = self.legend(area)?;
        let lines = legend.iter().map(|entry| entry.line + 1).max().unwrap_or(0);
        let titled = i32::from(!self.title.is_empty());
        let (header, body) = area.split_vertically(px(LINE * (lines + titled) + 6));
        header.draw_text(&self.title, &text(15, INK), (px(14), px(5)))?;
        for entry in &legend {
            entry.draw(&header, px(LINE * (entry.line + titled) + 5))?;
        }
        let labels = Labels { x: &self.x_label, y: &self.y_label, right: px(16) };
        let mut chart = framed(&body, self.x, self.y, &labels)?;
        self.marks.iter().try_for_each(|mark| self.draw_mark(&mut chart, mark))
    }

    /// Where each named mark stands in the legend: from left to right, line by line.
    fn legend<'a>(&'a self, area: &Area<'_>) -> Result<Vec<Entry<'a>>, DrawingError> {
        let (room, _) = area.dim_in_pixel();
        let (mut left, mut line, mut entries) = (px(14), 0, Vec::new());
        for mark in self.marks.iter().filter(|mark| !mark.label.is_empty()) {
            let (width, _) = area.estimate_text_size(&mark.label, &text(LEGEND_SIZE, QUIET))?;
            let width = width as i32 + px(24 + 16);
            if left + width > room as i32 && left > px(14) {
                (left, line) = (px(14), line + 1);
            }
            entries.push(Entry { mark, left, line });
            left += width;
        }
        Ok(entries)
    }

    fn draw_mark(&self, chart: &mut Chart<'_, '_>, mark: &Mark) -> Result<(), DrawingError> {
        let ink = mark.ink.colour();
        match &mark.shape {
            Shape::Line(points) => {
                for run in self.visible(points) {
                    draw_line(chart, run, ink, 2)?;
                }
            }
            Shape::Dashed(points) => {
                for run in self.visible(points) {
                    chart.draw_series(DashedLineSeries::new(run, px(6), px(4), stroke(ink, 2)))?;
                }
            }
            Shape::Area(points) => {
                let ground = 0.0_f64.clamp(self.y.0, self.y.1);
                let inside = points.iter().filter(|(x, y)| self.x.0 <= *x && *x <= self.x.1 && y.is_finite());
                let mut outline: Vec<(f64, f64)> =
                    inside.map(|&(x, y)| (x, y.clamp(self.y.0, self.y.1))).collect();
                if let (Some(first), Some(last)) = (outline.first().copied(), outline.last().copied()) {
                    outline.extend([(last.0, ground), (first.0, ground)]);
                    chart.draw_series([Polygon::new(outline, ink.mix(0.4 * ink.alpha()))])?;
                }
            }
            Shape::Columns(heights, width) => self.draw_columns(chart, heights, *width, ink)?,
            Shape::Dots(points, radius) => {
                let seen = points.iter().copied().filter(|&point| self.holds(point));
                chart.draw_series(seen.map(|point| Circle::new(point, px(*radius as i32), ink.filled())))?;
            }
            Shape::Arrows(arrows) => {
                arrows.iter().try_for_each(|arrow| self.draw_arrow(chart, *arrow, ink))?;
            }
            Shape::Cells(cells) => {
                let square = |&(x, y, strength): &(f64, f64, f64)| {
                    let corners = [(x - 0.5, y - 0.5), (x + 0.5, y + 0.5)];
                    Rectangle::new(corners, ink.mix(strength.clamp(0.0, 1.0)).filled())
                };
                chart.draw_series(cells.iter().map(square))?;
            }
            Shape::Words(x, y, words) => {
                let style = text(LEGEND_SIZE, INK).color(&ink).pos(Pos::new(HPos::Left, VPos::Center));
                let element = EmptyElement::at((*x, *y)) + Text::new(words.clone(), (px(5), 0), style);
                chart.draw_series([element])?;
            }
        }
        Ok(())
    }

    fn draw_columns(
        &self,
        chart: &mut Chart<'_, '_>,
        heights: &[(f64, f64)],
        width: f64,
        ink: RGBAColor,
    ) -> Result<(), DrawingError> {
        let column = |&(middle, height): &(f64, f64)| {
            let side = |x: f64| x.clamp(self.x.0, self.x.1);
            let (low, high) = (0.0_f64.clamp(self.y.0, self.y.1), height.clamp(self.y.0, self.y.1));
            let corners = [(side(middle - width / 2.0), low), (side(middle + width / 2.0), high)];
            Rectangle::new(corners, ink.mix(0.55 * ink.alpha()).filled())
        };
        chart.draw_series(heights.iter().filter(|(_, height)| height.is_finite()).map(column))?;
        Ok(())
    }

    /// An arrow with a head of a few pixels.
    fn draw_arrow(
        &self,
        chart: &mut Chart<'_, '_>,
        [from, to]: [(f64, f64); 2],
        ink: RGBAColor,
    ) -> Result<(), DrawingError> {
        let Some([from, to]) = self.clipped(from, to) else { return Ok(()) };
        chart.draw_series([PathElement::new([from, to], stroke(ink, 1))])?;
        let (tail, tip) = (chart.backend_coord(&from), chart.backend_coord(&to));
        let (dx, dy) = (f64::from(tip.0 - tail.0), f64::from(tip.1 - tail.1));
        let length = dx.hypot(dy);
        if length < 1.0 {
            return Ok(());
        }
        let (reach, half) = (f64::from(px(5)).min(length), f64::from(px(2)));
        let corner = |side: f64| {
            let along = (-dx / length * reach, -dy / length * reach);
            let across = (-dy / length * half * side, dx / length * half * side);
            ((along.0 + across.0).round() as i32, (along.1 + across.1).round() as i32)
        };
        let head = EmptyElement::at(to) + Polygon::new([(0, 0), corner(1.0), corner(-1.0)], ink.filled());
        chart.draw_series([head])?;
        Ok(())
    }

    fn holds(&self, (x, y): (f64, f64)) -> bool {
        self.x.0 <= x && x <= self.x.1 && self.y.0 <= y && y <= self.y.1
    }

    /// The parts of a line inside the axes.
    fn visible(&self, points: &[(f64, f64)]) -> Vec<Vec<(f64, f64)>> {
        let mut runs: Vec<Vec<(f64, f64)>> = Vec::new();
        for pair in points.windows(2) {
            let &[from, to] = pair else { continue };
            let Some([from, to]) = self.clipped(from, to) else { continue };
            match runs.last_mut() {
                // A thick line drawn as one shape has holes where it crosses itself; short pieces do not.
                Some(run) if run.last() == Some(&from) && run.len() < PIECE => run.push(to),
                _ => runs.push(vec![from, to]),
            }
        }
        runs
    }

    /// The part of a segment inside the axes (Liang and Barsky 1984); none if an end is not finite.
    fn clipped(&self, from: (f64, f64), to: (f64, f64)) -> Option<[(f64, f64); 2]> {
        if [from.0, from.1, to.0, to.1].iter().any(|value| !value.is_finite()) {
            return None;
        }
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
        for (step, room) in [
            (-dx, from.0 - self.x.0),
            (dx, self.x.1 - from.0),
            (-dy, from.1 - self.y.0),
            (dy, self.y.1 - from.1),
        ] {
            if step == 0.0 && room < 0.0 {
                return None;
            } else if step < 0.0 {
                enter = enter.max(room / step);
            } else if step > 0.0 {
                leave = leave.min(room / step);
            }
        }
        let at = |share: f64| (from.0 + share * dx, from.1 + share * dy);
        // Ends inside stay what they are to the last bit, so that runs join.
        let (start, end) =
            (if enter > 0.0 { at(enter) } else { from }, if leave < 1.0 { at(leave) } else { to });
        (enter <= leave).then_some([start, end])
    }
}

/// A mark's place in the legend.
struct Entry<'a> {
    mark: &'a Mark,
    left: i32,
    line: i32,
}

impl Entry<'_> {
    fn draw(&self, header: &Area<'_>, top: i32) -> Result<(), DrawingError> {
        let ink = self.mark.ink.colour();
        let (left, middle) = (self.left, top + px(8));
        let bar = |from: i32, to: i32, half: i32, ink: RGBAColor| {
            Rectangle::new([(left + px(from), middle - half), (left + px(to), middle + half)], ink.filled())
        };
        match &self.mark.shape {
            Shape::Dots(..) => header.draw(&Circle::new((left + px(9), middle), px(4), ink.filled()))?,
            Shape::Area(_) | Shape::Columns(..) => {
                header.draw(&bar(0, 18, px(5), ink.mix(0.45 * ink.alpha())))?
            }
            Shape::Cells(_) => header.draw(&bar(4, 14, px(5), ink))?,
            Shape::Dashed(_) => {
                header.draw(&bar(0, 7, px(1), ink))?;
                header.draw(&bar(11, 18, px(1), ink))?;
            }
            _ => header.draw(&bar(0, 18, px(1), ink))?,
        }
        header.draw_text(&self.mark.label, &text(LEGEND_SIZE, QUIET), (left + px(24), top))
    }
}

#[cfg(test)]
mod tests {
    use super::super::marks::Ink;
    use super::*;

    fn panel(marks: Vec<Mark>) -> Panel {
        Panel { x: (0.0, 1.0), y: (0.0, 1.0), marks, ..Panel::default() }
    }

    fn sheet(panels: Vec<Panel>) -> Picture {
        Sheet { title: "t".to_owned(), panels, columns: 2, size: (400, 300) }.draw().unwrap()
    }

    fn blue(picture: &Picture) -> usize {
        picture.pixels().chunks_exact(3).filter(|pixel| *pixel == [0, 114, 178]).count()
    }

    #[test]
    fn lines_are_cut_at_the_axes() {
        let frame = panel(vec![]);
        assert_eq!(frame.clipped((-1.0, 0.5), (2.0, 0.5)), Some([(0.0, 0.5), (1.0, 0.5)]));
        assert_eq!(frame.clipped((0.2, 0.3), (0.4, 0.5)), Some([(0.2, 0.3), (0.4, 0.5)]));
        assert_eq!(frame.clipped((-1.0, 2.0), (2.0, 2.0)), None);
        assert_eq!(frame.clipped((0.0, f64::NAN), (1.0, 1.0)), None);
        let bridge = [(-1.0, 0.5), (0.5, 0.5), (0.6, 0.6), (0.7, f64::INFINITY), (0.8, 0.5), (0.9, 0.5)];
        let runs = frame.visible(&bridge);
        assert_eq!(runs, [vec![(0.0, 0.5), (0.5, 0.5), (0.6, 0.6)], vec![(0.8, 0.5), (0.9, 0.5)]]);
    }

    #[test]
    fn what_lies_outside_is_not_drawn() {
        let nothing = blue(&sheet(vec![panel(vec![])]));
        let far = [
            Shape::Line(vec![(2.0, 2.0), (3.0, 3.0)]),
            Shape::Dots(vec![(2.0, 0.5), (f64::NAN, 0.5)], 3),
            Shape::Arrows(vec![[(2.0, 2.0), (3.0, 2.0)]]),
        ];
        let outside = far.map(|shape| Mark::new(Ink::Hue(0), shape)).to_vec();
        assert_eq!(blue(&sheet(vec![panel(outside)])), nothing);
        let inside = vec![Mark::new(Ink::Hue(0), Shape::Line(vec![(0.0, 0.5), (1.0, 0.5)]))];
        assert!(blue(&sheet(vec![panel(inside)])) > nothing + 100);
    }

    #[test]
    fn every_shape_is_drawn_and_named() {
        let middle = (0.5, 0.5);
        for shape in [
            Shape::Line(vec![(0.0, 0.0), middle]),
            Shape::Dashed(vec![(0.0, 0.0), middle]),
            Shape::Area(vec![(0.0, 0.2), middle]),
            Shape::Columns(vec![middle], 0.2),
            Shape::Dots(vec![middle], 3),
            Shape::Arrows(vec![[(0.1, 0.1), middle]]),
            Shape::Cells(vec![(0.5, 0.5, 1.0)]),
            Shape::Words(0.1, 0.5, "here".to_owned()),
        ] {
            let plain = sheet(vec![panel(vec![Mark::new(Ink::Hue(0), shape.clone())])]);
            let named = sheet(vec![panel(vec![Mark::named("name", Ink::Hue(0), shape.clone())])]);
            assert_ne!(plain, sheet(vec![panel(vec![])]), "{shape:?}");
            assert_ne!(plain, named, "{shape:?}");
        }
    }

    #[test]
    fn a_long_legend_takes_more_lines() {
        let marks: Vec<Mark> = (0..6)
            .map(|index| Mark::named(format!("line number {index}"), Ink::Hue(index), Shape::Dots(vec![], 1)))
            .collect();
        let whole = panel(marks);
        drawn((300, 300), "a test", |area| {
            let legend = whole.legend(area)?;
            assert!(legend.iter().map(|entry| entry.line).max() >= Some(2));
            assert_eq!(
                legend.iter().filter(|entry| entry.left == px(14)).count(),
                1 + legend[5].line as usize
            );
            Ok(())
        })
        .unwrap();
    }
}
