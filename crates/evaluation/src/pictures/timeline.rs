//! What lies where in time: a picture of levels over time, and rows of named segments above it.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::canvas::{INK, QUIET, drawn, px, stroke, text};
use super::heat::density;
use super::picture::{Picture, PictureError};

/// Pixels of a time.
const STEP: i32 = 8;
/// Pixels of a level.
const LEVEL: i32 = 4;
/// Height of a row of segments.
const ROW: i32 = 20;
/// Room on the left for the names of the rows.
const LEFT: i32 = 56;
/// Size of the names.
const SIZE: u32 = 13;
/// No more times are drawn.
const MOST: usize = 250;

/// A row of segments.
#[derive(Clone, Debug)]
pub struct Lane {
    /// What it is called.
    pub name: String,
    /// The time before which each of its segments ends, and the segment's name.
    pub segments: Vec<(usize, String)>,
}

/// Levels over time, the first band at the bottom, with rows of segments above them whose ends go through the levels.
#[derive(Clone, Debug)]
pub struct Timeline<'a> {
    /// `[times, bands]` in row-major order.
    pub levels: &'a [f32],
    /// Bands of a time.
    pub bands: usize,
    /// The rows, from the top.
    pub lanes: Vec<Lane>,
}

impl Timeline<'_> {
    /// The picture. Of long ones the beginning is drawn.
    ///
    /// # Errors
    /// [`PictureError::Shape`] where there is no time or no band.
    pub fn draw(&self) -> Result<Picture, PictureError> {
        let times = (self.levels.len() / self.bands.max(1)).min(MOST) as i32;
        if times == 0 || self.bands == 0 {
            return Err(PictureError::Shape("a timeline of no time or no band cannot be drawn".into()));
        }
        let finite = self.levels.iter().copied().filter(|level| level.is_finite());
        let (low, high) = finite.fold((f32::MAX, f32::MIN), |(low, high), x| (low.min(x), high.max(x)));
        let share = |level: f32| f64::from((level - low) / (high - low).max(f32::MIN_POSITIVE));
        let (bands, rows) = (self.bands as i32, self.lanes.len() as i32);
        let (top, width, height) = (rows * ROW, LEFT + times * STEP, rows * ROW + bands * LEVEL);
        drawn((width as u32, height as u32), "timeline", |area| {
            for (time, column) in (0..times).zip(self.levels.chunks_exact(self.bands)) {
                for (band, &level) in (0..).zip(column) {
                    let (x, y) = (LEFT + time * STEP, height - (band + 1) * LEVEL);
                    let square = [(px(x), px(y)), (px(x + STEP), px(y + LEVEL))];
                    area.draw(&Rectangle::new(square, density(share(level)).filled()))?;
                }
            }
            for (row, lane) in (0..).zip(&self.lanes) {
                let middle = row * ROW + ROW / 2;
                let right = text(SIZE, INK).pos(Pos::new(HPos::Right, VPos::Center));
                area.draw_text(&lane.name, &right, (px(LEFT - 6), px(middle)))?;
                let centred = text(SIZE, INK).pos(Pos::new(HPos::Center, VPos::Center));
                let mut start = 0;
                for (end, name) in &lane.segments {
                    let end = (*end as i32).min(times);
                    if start >= times {
                        break;
                    }
                    area.draw_text(name, &centred, (px(LEFT + (start + end) * STEP / 2), px(middle)))?;
                    let x = px(LEFT + end * STEP);
                    let line = vec![(x, px(row * ROW)), (x, px((row + 1) * ROW))];
                    area.draw(&PathElement::new(line, stroke(INK, 1)))?;
                    // The first row's ends go through the levels.
                    if row == 0 {
                        area.draw(&PathElement::new(vec![(x, px(top)), (x, px(height))], stroke(QUIET, 1)))?;
                    }
                    start = end;
                }
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_above_the_levels() {
        let levels: Vec<f32> = (0..60).map(|place| (place % 6) as f32).collect();
        let lane = |name: &str| Lane { name: name.into(), segments: vec![(4, "a".into()), (10, "b".into())] };
        let picture =
            Timeline { levels: &levels, bands: 6, lanes: vec![lane("true"), lane("found")] }.draw().unwrap();
        assert_eq!((picture.width(), picture.height()), (56 + 10 * 8, 2 * 20 + 6 * 4));
        // The lowest band is white, the highest dark; the first row's end is at the fourth time.
        assert!(picture.pixel(60, 63).unwrap()[0] > 240 && picture.pixel(60, 41).unwrap()[0] < 80);
        assert!((55..58).any(|x| picture.pixel(x + 32, 10).unwrap()[0] < 200));
        assert!(Timeline { levels: &[], bands: 6, lanes: Vec::new() }.draw().is_err());
    }
}
