//! Toy data: points of the plane, and numbers as a histogram. The axes come from the real data once,
//! so that pictures of different steps compare.

use plotters::prelude::*;

use super::canvas::{Area, DrawingError, INK, Labels, QUIET, colour, draw_line, drawn, framed, px, text};
use super::picture::{Picture, PictureError};

pub(super) const SIDE: u32 = 480;
pub(super) const HEADER: u32 = 30;
/// More points than this only blacken the picture.
const MOST_POINTS: usize = 4000;
/// Numbers of the colours for what is real and what is generated.
const REAL: usize = 4;
const GENERATED: usize = 1;

/// Samples over real points of the plane.
#[derive(Clone, Debug, PartialEq)]
pub struct Scatter {
    pub(super) data: Vec<(f64, f64)>,
    pub(super) centre: (f64, f64),
    pub(super) reach: f64,
}

impl Scatter {
    /// Takes the real points, `[n, 2]`, and lays axes around them, with the same unit on both and a
    /// quarter of room beyond the farthest.
    ///
    /// # Errors
    /// [`PictureError::Shape`] when the numbers do not pair up or no pair is finite.
    pub fn new(data: &[f32]) -> Result<Self, PictureError> {
        let points: Vec<(f64, f64)> =
            pairs(data)?.into_iter().filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
        let range = |values: &mut dyn Iterator<Item = f64>| {
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
        };
        let x = range(&mut points.iter().map(|point| point.0));
        let y = range(&mut points.iter().map(|point| point.1));
        if points.is_empty() {
            return Err(PictureError::Shape("no finite point among the real data to draw".to_owned()));
        }
        let widest = (x.1 - x.0).max(y.1 - y.0);
        let reach = if widest > 0.0 { 0.625 * widest } else { 1.0 };
        Ok(Scatter { data: points, centre: (f64::midpoint(x.0, x.1), f64::midpoint(y.0, y.1)), reach })
    }

    /// Draws `samples`, `[n, 2]`, over the real points with `caption` above. Samples beyond the axes
    /// are not drawn but counted in the caption, those that are no numbers too.
    ///
    /// # Errors
    /// [`PictureError::Shape`] when the numbers do not pair up.
    pub fn draw(&self, samples: &[f32], caption: &str) -> Result<Picture, PictureError> {
        let samples = pairs(samples)?;
        let x = (self.centre.0 - self.reach, self.centre.0 + self.reach);
        let y = (self.centre.1 - self.reach, self.centre.1 + self.reach);
        let inside = |p: &(f64, f64)| x.0 <= p.0 && p.0 <= x.1 && y.0 <= p.1 && p.1 <= y.1;
        let seen: Vec<(f64, f64)> = samples.iter().copied().filter(inside).collect();
        let caption = with_missing(caption, samples.len() - seen.len());
        drawn((SIDE, SIDE + HEADER), "a scatter plot", |area| {
            let (header, body) = area.split_vertically(px(HEADER as i32));
            draw_header(&header, &caption)?;
            let mut chart = framed(&body, x, y, &Labels { x: "", y: "", right: px(16) })?;
            for (points, number, strength) in [(&self.data, REAL, 0.5), (&seen, GENERATED, 0.65)] {
                let ink = colour(number).mix(strength).filled();
                chart.draw_series(thinned(points).map(|point| Circle::new(point, px(2), ink)))?;
            }
            Ok(())
        })
    }
}

/// Samples beside real numbers, as densities over bins.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    range: (f64, f64),
    data: Vec<f64>,
}

impl Histogram {
    /// Takes the real numbers and cuts their range, widened by a quarter, into `bins`.
    ///
    /// # Errors
    /// [`PictureError::Shape`] when no number is finite or `bins` is zero.
    pub fn new(data: &[f32], bins: usize) -> Result<Self, PictureError> {
        let finite = data.iter().map(|&v| f64::from(v)).filter(|v| v.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        if !low.is_finite() || bins == 0 {
            return Err(PictureError::Shape(
                "a histogram needs at least one finite real number and one bin".to_owned(),
            ));
        }
        let reach = if high > low { 0.625 * (high - low) } else { 1.0 };
        let middle = f64::midpoint(low, high);
        let range = (middle - reach, middle + reach);
        let (data, _) = densities(data, range, bins);
        Ok(Histogram { range, data })
    }

    /// Draws the density of `samples` as a line over that of the real numbers with `caption` above.
    /// Samples beyond the range are counted in the caption.
    ///
    /// # Errors
    /// [`PictureError::Drawing`] when the drawing library refuses.
    pub fn draw(&self, samples: &[f32], caption: &str) -> Result<Picture, PictureError> {
        let bins = self.data.len();
        let (seen, missing) = densities(samples, self.range, bins);
        let caption = with_missing(caption, missing);
        let top = 1.6 * self.data.iter().copied().fold(0.0, f64::max);
        let width = (self.range.1 - self.range.0) / bins as f64;
        let edge = |bin: usize| self.range.0 + width * bin as f64;
        drawn((SIDE, SIDE * 2 / 3 + HEADER), "a histogram", |area| {
            let (header, body) = area.split_vertically(px(HEADER as i32));
            draw_header(&header, &caption)?;
            let mut chart = framed(&body, self.range, (0.0, top), &Labels { x: "", y: "", right: px(16) })?;
            let bars = self.data.iter().enumerate().map(|(bin, &density)| {
                Rectangle::new([(edge(bin), 0.0), (edge(bin + 1), density)], colour(REAL).mix(0.5).filled())
            });
            chart.draw_series(bars)?;
            let outline = seen
                .iter()
                .enumerate()
                .flat_map(|(bin, &density)| [edge(bin), edge(bin + 1)].map(|x| (x, density.min(top))));
            draw_line(&chart, outline, colour(GENERATED).to_rgba(), 2)
        })
    }
}

pub(super) fn pairs(values: &[f32]) -> Result<Vec<(f64, f64)>, PictureError> {
    let (points, rest) = values.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(PictureError::Shape(format!("{} numbers are no points of shape [n, 2]", values.len())));
    }
    Ok(points.iter().map(|&[x, y]| (f64::from(x), f64::from(y))).collect())
}

/// At most [`MOST_POINTS`] of the points, evenly chosen.
fn thinned(points: &[(f64, f64)]) -> impl Iterator<Item = (f64, f64)> {
    points.iter().copied().step_by(points.len().div_ceil(MOST_POINTS).max(1))
}

/// Density of `values` in each bin of `range`, relative to all of them, and how many are beyond it.
fn densities(values: &[f32], (low, high): (f64, f64), bins: usize) -> (Vec<f64>, usize) {
    let width = (high - low) / bins as f64;
    let mut counts = vec![0.0; bins];
    let mut missing = 0;
    for &value in values {
        let place = (f64::from(value) - low) / width;
        // A NaN fails the comparison.
        let bin = if place >= 0.0 { counts.get_mut(place as usize) } else { None };
        match bin {
            Some(count) => *count += 1.0,
            None => missing += 1,
        }
    }
    let unit = width * values.len().max(1) as f64;
    (counts.into_iter().map(|count: f64| count / unit).collect(), missing)
}

pub(super) fn with_missing(caption: &str, missing: usize) -> String {
    match missing {
        0 => caption.to_owned(),
        some => format!("{caption}  ({some} outside)"),
    }
}

/// The caption on the left; on the right which colour is real and which generated.
fn draw_header(header: &Area<'_>, caption: &str) -> Result<(), DrawingError> {
    header.draw_text(caption, &text(16, INK), (px(14), px(9)))?;
    for (name, number, left) in [("real", REAL, 330), ("generated", GENERATED, 386)] {
        header.draw(&Circle::new((px(left), px(17)), px(4), colour(number).filled()))?;
        header.draw_text(name, &text(14, QUIET), (px(left + 9), px(10)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orange(picture: &Picture) -> usize {
        let near = |p: &[u8]| p[0] > 200 && p[1] < 190 && p[2] < 140;
        picture.pixels().chunks_exact(3).filter(|p| near(p)).count()
    }

    const SQUARE: [f32; 8] = [-1.0, -1.0, 1.0, -1.0, 1.0, 1.0, -1.0, 1.0];

    #[test]
    fn samples_are_drawn_inside_fixed_axes_and_counted_outside() {
        let scatter = Scatter::new(&SQUARE).unwrap();
        assert_eq!((scatter.centre, scatter.reach), ((0.0, 0.0), 1.25));
        let none = orange(&scatter.draw(&[], "step 0").unwrap());
        let one = orange(&scatter.draw(&[0.0, 0.0], "step 0").unwrap());
        assert!((8..=30).contains(&(one - none)), "{one} {none}");
        let far = scatter.draw(&[9.0, 0.0, f32::NAN, 0.0], "step 0").unwrap();
        assert_eq!(far, scatter.draw(&[0.0, f32::INFINITY, 0.0, -4.0], "step 0").unwrap());
        assert_ne!(far, scatter.draw(&[], "step 0").unwrap());
        assert_eq!(with_missing("step 0", 2), "step 0  (2 outside)");
    }

    #[test]
    fn densities_integrate_to_the_share_inside() {
        let (density, missing) = densities(&[0.1, 0.2, 0.9, 1.5, f32::NAN, -0.1, 0.6, 0.7], (0.0, 1.0), 2);
        assert_eq!(missing, 3);
        assert_eq!(density, [0.5, 0.75]);
    }

    #[test]
    fn bad_data_is_refused_and_degenerate_data_drawn() {
        assert!(Scatter::new(&[1.0, 2.0, 3.0]).is_err());
        assert!(Scatter::new(&[f32::NAN, 2.0]).is_err());
        assert!(Scatter::new(&[]).is_err());
        assert!(Histogram::new(&[f32::NAN], 10).is_err());
        assert!(Histogram::new(&[1.0], 0).is_err());
        assert!(Scatter::new(&[3.0, 3.0]).unwrap().draw(&[3.0, 3.0], "").is_ok());
        assert!(Histogram::new(&[3.0], 5).unwrap().draw(&[3.0, f32::INFINITY], "").is_ok());
    }
}
