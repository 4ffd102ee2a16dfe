//! Heat maps of the plane: how dense samples are, and what a critic thinks of every place. The axes are those of the
//! scatter plots.

use plotters::prelude::*;

use super::canvas::{Chart, DrawingError, INK, Labels, drawn, framed, px, stroke, text};
use super::picture::{Picture, PictureError};
use super::scatter::{HEADER, SIDE, Scatter, pairs, with_missing};

/// Squares along each side of a heat map.
pub const SQUARES: usize = 64;
/// One arrow for every so many squares, each way.
const ARROW_EVERY: usize = 4;

/// Colours from nothing to much.
const DENSITY: [[f64; 3]; 6] = [
    [255.0, 255.0, 255.0],
    [254.0, 224.0, 144.0],
    [244.0, 140.0, 70.0],
    [200.0, 50.0, 60.0],
    [110.0, 15.0, 80.0],
    [25.0, 8.0, 40.0],
];
/// Colours from low over the middle to high.
const SCORE_COLOURS: [[f64; 3]; 3] = [[213.0, 94.0, 0.0], [247.0, 247.0, 247.0], [0.0, 114.0, 178.0]];

/// The colour of a density, from 0 for nothing to 1 for the most.
pub(super) fn density(share: f64) -> RGBColor {
    between(&DENSITY, share)
}

/// The colour at `share`, 0 to 1, of a row of colours.
fn between(colours: &[[f64; 3]], share: f64) -> RGBColor {
    let place = share.clamp(0.0, 1.0) * (colours.len() - 1) as f64;
    let below = (place.floor() as usize).min(colours.len().saturating_sub(2));
    let part = place - below as f64;
    let mix = |channel: usize| {
        let (low, high) = (colours[below][channel], colours[below + 1][channel]);
        (low + part * (high - low)).round() as u8
    };
    RGBColor(mix(0), mix(1), mix(2))
}

impl Scatter {
    fn left_bottom(&self) -> (f64, f64) {
        (self.centre.0 - self.reach, self.centre.1 - self.reach)
    }

    /// The middles of the squares of a heat map, `[SQUARES², 2]`, row by row from below.
    pub fn places(&self) -> Vec<f32> {
        let (left, bottom) = self.left_bottom();
        let size = 2.0 * self.reach / SQUARES as f64;
        let middle = |start: f64, index: usize| (start + size * (index as f64 + 0.5)) as f32;
        (0..SQUARES * SQUARES)
            .flat_map(|index| [middle(left, index % SQUARES), middle(bottom, index / SQUARES)])
            .collect()
    }

    /// How dense `samples`, `[n, 2]`, lie: dark is dense, on the scale of the real points' densest square. Samples
    /// beyond the axes are counted in the caption.
    ///
    /// # Errors
    /// [`PictureError::Shape`] when the numbers do not pair up.
    pub fn draw_density(&self, samples: &[f32], caption: &str) -> Result<Picture, PictureError> {
        let samples = pairs(samples)?;
        let (counts, missing) = self.counted(&samples);
        let (real, _) = self.counted(&self.data);
        let densest = real.iter().copied().max().unwrap_or(0) as f64 / self.data.len().max(1) as f64;
        let scale = 1.0 / (densest * samples.len().max(1) as f64).max(1e-9);
        // The root shows thin bridges between modes, which a linear scale would hide.
        let shares: Vec<f64> = counts.iter().map(|&count| (count as f64 * scale).sqrt()).collect();
        self.drawn_squares(&with_missing(caption, missing), |chart| {
            self.fill(chart, |index| between(&DENSITY, shares[index]), |index| counts[index] > 0)
        })
    }

    /// A critic's scores at [`Scatter::places`]: `scores` as colours from the lowest (orange) to the highest
    /// (blue), `slopes` `[SQUARES², 2]` as arrows uphill, the longest for the steepest, and the real points.
    ///
    /// # Errors
    /// [`PictureError::Shape`] when there are not as many scores and slopes as places.
    pub fn draw_field(&self, scores: &[f32], slopes: &[f32], caption: &str) -> Result<Picture, PictureError> {
        let slopes = pairs(slopes)?;
        if scores.len() != SQUARES * SQUARES || slopes.len() != scores.len() {
            return Err(PictureError::Shape(format!(
                "a field needs {} scores and as many slopes, these are {} and {}",
                SQUARES * SQUARES,
                scores.len(),
                slopes.len()
            )));
        }
        let (low, high) = scores.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &score| {
            (low.min(score), high.max(score))
        });
        let caption = format!("{caption}, scores {low:.3} to {high:.3}");
        let share = |index: usize| f64::from(scores[index] - low) / f64::from((high - low).max(1e-12));
        let steepest = slopes.iter().map(|(x, y)| x.hypot(*y)).fold(1e-12, f64::max);
        let size = 2.0 * self.reach / SQUARES as f64;
        let places = pairs(&self.places())?;
        self.drawn_squares(&caption, |chart| {
            self.fill(chart, |index| between(&SCORE_COLOURS, share(index)), |_| true)?;
            let dot = INK.mix(0.35).filled();
            chart.draw_series(self.data.iter().map(|&point| Circle::new(point, px(1), dot)))?;
            let middle = ARROW_EVERY / 2;
            let with_arrow = |index: &usize| {
                index % SQUARES % ARROW_EVERY == middle && index / SQUARES % ARROW_EVERY == middle
            };
            let reach = size * ARROW_EVERY as f64 * 0.9;
            chart.draw_series((0..places.len()).filter(with_arrow).map(|index| {
                let (from, slope) = (places[index], slopes[index]);
                let length = reach * (slope.0.hypot(slope.1) / steepest).sqrt();
                let norm = slope.0.hypot(slope.1).max(1e-12);
                let to = (from.0 + length * slope.0 / norm, from.1 + length * slope.1 / norm);
                PathElement::new(vec![from, to], stroke(INK, 1))
            }))?;
            chart.draw_series(
                (0..places.len())
                    .filter(with_arrow)
                    .map(|index| Circle::new(places[index], px(1), INK.filled())),
            )?;
            Ok(())
        })
    }

    /// Points in each square, and those in none.
    fn counted(&self, points: &[(f64, f64)]) -> (Vec<usize>, usize) {
        let (left, bottom) = self.left_bottom();
        let size = 2.0 * self.reach / SQUARES as f64;
        let (mut counts, mut missing) = (vec![0; SQUARES * SQUARES], 0);
        for &(x, y) in points {
            let (column, row) = (((x - left) / size).floor(), ((y - bottom) / size).floor());
            let inside = |place: f64| (0.0..SQUARES as f64).contains(&place);
            if inside(column) && inside(row) {
                counts[row as usize * SQUARES + column as usize] += 1;
            } else {
                missing += 1;
            }
        }
        (counts, missing)
    }

    pub(super) fn drawn_squares(
        &self,
        caption: &str,
        paint: impl FnOnce(&mut Chart<'_, '_>) -> Result<(), DrawingError>,
    ) -> Result<Picture, PictureError> {
        let (left, bottom) = self.left_bottom();
        let (x, y) = ((left, left + 2.0 * self.reach), (bottom, bottom + 2.0 * self.reach));
        drawn((SIDE, SIDE + HEADER), "a heat map", |area| {
            let (header, body) = area.split_vertically(px(HEADER as i32));
            header.draw_text(caption, &text(16, INK), (px(14), px(9)))?;
            let mut chart = framed(&body, x, y, &Labels { x: "", y: "", right: px(16) })?;
            paint(&mut chart)
        })
    }

    pub(super) fn fill(
        &self,
        chart: &mut Chart<'_, '_>,
        colour: impl Fn(usize) -> RGBColor,
        shown: impl Fn(usize) -> bool,
    ) -> Result<(), DrawingError> {
        let (left, bottom) = self.left_bottom();
        let size = 2.0 * self.reach / SQUARES as f64;
        let corner = |column: usize, row: usize| (left + size * column as f64, bottom + size * row as f64);
        chart.draw_series((0..SQUARES * SQUARES).filter(|&index| shown(index)).map(|index| {
            let (column, row) = (index % SQUARES, index / SQUARES);
            Rectangle::new([corner(column, row), corner(column + 1, row + 1)], colour(index).filled())
        }))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQUARE: [f32; 8] = [-1.0, -1.0, 1.0, -1.0, 1.0, 1.0, -1.0, 1.0];

    #[test]
    fn squares_hold_what_lies_in_them() {
        let scatter = Scatter::new(&SQUARE).unwrap();
        let places = scatter.places();
        assert_eq!(places.len(), 2 * SQUARES * SQUARES);
        // The middle of the first square, bottom left of axes that reach 1.25 each way.
        assert!((places[0] + 1.25 - 1.25 / 64.0).abs() < 1e-6 && places[0] == places[1]);
        let (counts, missing) =
            scatter.counted(&[(-1.24, -1.24), (1.24, -1.24), (9.0, 0.0), (f64::NAN, 0.0)]);
        assert_eq!((counts[0], counts[SQUARES - 1], missing), (1, 1, 2));
        assert_eq!(counts.iter().sum::<usize>(), 2);
    }

    #[test]
    fn denser_is_darker() {
        let scatter = Scatter::new(&SQUARE).unwrap();
        let light = |samples: &[f32]| -> u64 {
            let picture = scatter.draw_density(samples, "step 0").unwrap();
            picture.pixels().iter().map(|&value| u64::from(value)).sum()
        };
        assert!(light(&[0.0, 0.0, 0.5, 0.5]) < light(&[]));
        assert!(light(&[0.0, 0.0, 0.0, 0.0]) > light(&[0.0, 0.0, 0.5, 0.5]));
    }

    #[test]
    fn a_field_needs_every_place() {
        let scatter = Scatter::new(&SQUARE).unwrap();
        let scores: Vec<f32> = scatter.places().chunks(2).map(|place| place[0]).collect();
        let slopes: Vec<f32> = scores.iter().flat_map(|_| [1.0, 0.0]).collect();
        let picture = scatter.draw_field(&scores, &slopes, "step 0").unwrap();
        // Low is orange on the left, high is blue on the right.
        let (left, right) = (picture.pixel(80, 260).unwrap(), picture.pixel(440, 260).unwrap());
        assert!(left[0] > left[2] && right[2] > right[0], "{left:?} {right:?}");
        assert!(scatter.draw_field(&scores[1..], &slopes, "").is_err());
    }
}
