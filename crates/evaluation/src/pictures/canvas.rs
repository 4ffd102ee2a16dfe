//! What every drawn chart shares: the embedded font, the colours, the frame with its ticks.

use std::fmt::Display;
use std::sync::OnceLock;

use plotters::chart::ChartContext;
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::register_font;

use super::picture::{Picture, PictureError};

pub(super) type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;
pub(super) type Chart<'a, 'b> =
    ChartContext<'b, BitMapBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
pub(super) type DrawingError = DrawingAreaErrorKind<<BitMapBackend<'static> as DrawingBackend>::ErrorType>;

/// Name under which the font is registered with the drawing library.
const FONT: &str = "brigand";
/// A fresh machine may have no font at all, so one travels with the library.
static FONT_FILE: &[u8] = include_bytes!("font/DejaVuSans-subset.ttf");
static FONT_READY: OnceLock<bool> = OnceLock::new();

pub(super) const INK: RGBColor = RGBColor(40, 44, 52);
pub(super) const QUIET: RGBColor = RGBColor(110, 116, 128);
const RULE: RGBColor = RGBColor(232, 234, 238);
/// Colours of Okabe and Ito, distinguishable for colour-blind readers too.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
];

/// Charts are drawn this many times as large and then made smaller, which smooths every edge.
const DETAIL: u32 = 2;

/// A length of the finished chart in the pixels it is drawn with.
pub(super) fn px(length: i32) -> i32 {
    length * DETAIL as i32
}

/// A style's line of `width` pixels in the finished chart.
pub(super) fn stroke(colour: impl Color, width: u32) -> ShapeStyle {
    colour.stroke_width(width * DETAIL)
}

/// The `index`-th colour; they begin again after the last.
pub(super) fn colour(index: usize) -> RGBColor {
    COLOURS.get(index % COLOURS.len()).copied().unwrap_or(INK)
}

/// Text of `size` pixels in `colour`.
pub(super) fn text(size: u32, colour: RGBColor) -> TextStyle<'static> {
    (FontFamily::Name(FONT), size * DETAIL).into_font().color(&colour)
}

/// Runs `paint` on a white canvas and returns what it drew. `what` names the picture in an error.
pub(super) fn drawn(
    (width, height): (u32, u32),
    what: &'static str,
    paint: impl FnOnce(&Area<'_>) -> Result<(), DrawingError>,
) -> Result<Picture, PictureError> {
    let failed = |reason: &dyn Display| PictureError::Drawing { what, reason: reason.to_string() };
    if !FONT_READY.get_or_init(|| register_font(FONT, FontStyle::Normal, FONT_FILE).is_ok()) {
        return Err(failed(&"the embedded font is damaged"));
    }
    let (columns, rows) = (width * DETAIL, height * DETAIL);
    let mut pixels = vec![u8::MAX; columns as usize * rows as usize * 3];
    {
        let area = BitMapBackend::with_buffer(&mut pixels, (columns, rows)).into_drawing_area();
        paint(&area).and_then(|()| area.present()).map_err(|reason| failed(&reason))?;
    }
    let large = Picture::new(columns as usize, rows as usize, 3, pixels)?;
    Ok(large.shrunk_to(width.max(height) as usize))
}

/// The names a frame carries; an empty one takes no room.
pub(super) struct Labels<'a> {
    pub(super) x: &'a str,
    pub(super) y: &'a str,
    /// Room to the right of the frame, in drawn pixels.
    pub(super) right: i32,
}

/// A plotting frame over `x` and `y` with light rules, ticks and axis names.
pub(super) fn framed<'a, 'b>(
    area: &'b Area<'a>,
    x: (f64, f64),
    y: (f64, f64),
    labels: &Labels<'_>,
) -> Result<Chart<'a, 'b>, DrawingError> {
    let mut chart = ChartBuilder::on(area)
        .margin_right(labels.right)
        .margin_left(px(if labels.y.is_empty() { 2 } else { 6 }))
        .margin_top(px(6))
        .margin_bottom(px(if labels.x.is_empty() { 2 } else { 6 }))
        .x_label_area_size(px(if labels.x.is_empty() { 22 } else { 40 }))
        .y_label_area_size(px(if labels.y.is_empty() { 40 } else { 56 }))
        .build_cartesian_2d(x.0..x.1, y.0..y.1)?;
    chart
        .configure_mesh()
        .x_labels(7)
        .y_labels(6)
        .max_light_lines(0)
        .bold_line_style(stroke(RULE, 1))
        .axis_style(stroke(QUIET, 1))
        .set_all_tick_mark_size(px(4))
        .label_style(text(13, QUIET))
        .axis_desc_style(text(14, QUIET))
        .x_label_formatter(&|value| tick(*value))
        .y_label_formatter(&|value| tick(*value))
        .x_desc(labels.x)
        .y_desc(labels.y)
        .draw()?;
    Ok(chart)
}

/// Draws a line of `width` pixels in the finished chart through `points`, no part of it outside the frame.
///
/// The drawing library joins the pieces of a thick line by pointed corners, whose inner ends lie outside the frame where
/// the line turns sharply, so pieces are drawn one by one with round joints. Where pieces overlap a transparent colour
/// would add up; its mixture with white is drawn instead.
pub(super) fn draw_line(
    chart: &Chart<'_, '_>,
    points: impl IntoIterator<Item = (f64, f64)>,
    ink: RGBAColor,
    width: u32,
) -> Result<(), DrawingError> {
    let frame = chart.plotting_area().strip_coord_spec();
    let (left, top) = frame.get_base_pixel();
    let (across, down) = frame.dim_in_pixel();
    let half = (width * DETAIL / 2) as i32;
    let inside = |place: i32, length: u32| place.clamp(half, (length as i32 - 1 - half).max(half));
    let (style, joint) = (stroke(on_white(ink), width), on_white(ink).filled());
    let mut before = None;
    for point in points {
        let (x, y) = chart.backend_coord(&point);
        let place = (inside(x - left, across), inside(y - top, down));
        if before == Some(place) {
            continue;
        }
        if let Some(before) = before {
            frame.draw(&PathElement::new([before, place], style))?;
        }
        frame.draw(&Circle::new(place, half, joint))?;
        before = Some(place);
    }
    Ok(())
}

/// The colour that a transparent one has on white.
fn on_white(ink: RGBAColor) -> RGBColor {
    let mix = |channel: u8| (255.0 + ink.alpha() * (f64::from(channel) - 255.0)).round() as u8;
    let (red, green, blue) = ink.rgb();
    RGBColor(mix(red), mix(green), mix(blue))
}

/// What is smaller is the rounding error of a tick at 0.
const NOTHING: f64 = 1e-12;

/// A tick's number in few characters: `0.25`, `1500`, `20k`, `1.5M`.
pub(super) fn tick(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        size if size >= 1e6 => (value / 1e6, "M"),
        size if size >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let scaled = if scaled.abs() < NOTHING { 0.0 } else { scaled };
    let digits = if scaled != 0.0 && scaled.abs() < 1e-3 { format!("{scaled:.1e}") } else { trimmed(scaled) };
    format!("{digits}{unit}").replace('-', "\u{2212}")
}

fn trimmed(value: f64) -> String {
    let digits = format!("{value:.4}");
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    if digits == "-0" { "0".to_owned() } else { digits.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_short() {
        let cases = [
            (0.0, "0"),
            (-0.0, "0"),
            (0.30000000000000004, "0.3"),
            (-1.5, "\u{2212}1.5"),
            (2000.0, "2000"),
            (20_000.0, "20k"),
            (1_500_000.0, "1.5M"),
            (0.0002, "2.0e\u{2212}4"),
            (-5.6e-17, "0"),
        ];
        for (value, expected) in cases {
            assert_eq!(tick(value), expected);
        }
    }

    #[test]
    fn the_embedded_font_draws_letters() {
        let blank = drawn((60, 30), "a test", |_| Ok(())).unwrap();
        let lettered =
            drawn((60, 30), "a test", |area| area.draw_text("loss", &text(16, INK), (px(4), px(4)))).unwrap();
        let dark = |picture: &Picture| picture.pixels().iter().filter(|&&byte| byte < 128).count();
        assert_eq!(dark(&blank), 0);
        assert!((100..1500).contains(&dark(&lettered)), "{}", dark(&lettered));
    }
}
