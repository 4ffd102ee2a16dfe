//! Landmarks as a line drawing, which networks take as an image.

use super::landmarks::{Edge, Points};

/// The part of a frame that is kept and scaled to `size`: its centre square.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fitting {
    left: f64,
    top: f64,
    scale: f64,
}

impl Fitting {
    /// Of frames `[width, height]`.
    pub(crate) fn new([width, height]: [u32; 2], size: usize) -> Self {
        let side = width.min(height).max(1);
        let [left, top] = [width, height].map(|length| f64::from((length - side.min(length)) / 2));
        Self { left, top, scale: size as f64 / f64::from(side) }
    }

    /// Where points of a frame lie in the part that is kept.
    pub(crate) fn apply(&self, points: &Points) -> Points {
        let moved = |[x, y]: [f64; 2]| [(x - self.left) * self.scale, (y - self.top) * self.scale];
        points.iter().map(|point| point.map(moved)).collect()
    }
}

/// The drawing `[3, size, size]` of landmarks in pixels: lines on black, smooth at their edges and a pixel wide at 32 pixels; a
/// white dot for each point where there are no lines. Lines to points that are not seen are left out.
pub(crate) fn draw(points: &Points, edges: &[Edge], size: usize) -> Vec<u8> {
    let mut drawn = vec![0_u8; 3 * size * size];
    let width = 0.5 + size as f64 / 64.0;
    let seen = |place: usize| points.get(place).copied().flatten();
    let ends = edges.iter().filter_map(|edge| {
        let [from, to] = edge.ends;
        Some((seen(from)?, seen(to)?, edge.colour))
    });
    let dots = points.iter().flatten().filter(|_| edges.is_empty()).map(|&point| (point, point, [255; 3]));
    for (from, to, colour) in ends.chain(dots) {
        let reach = width / 2.0 + 1.0;
        let span = |axis: usize| {
            let (low, high) = (from[axis].min(to[axis]) - reach, from[axis].max(to[axis]) + reach);
            let bound = |value: f64| value.clamp(0.0, size as f64) as usize;
            bound(low.floor())..bound(high.ceil())
        };
        for row in span(1) {
            for column in span(0) {
                let place = [column as f64 + 0.5, row as f64 + 0.5];
                let cover = (width / 2.0 + 0.5 - distance(place, from, to)).clamp(0.0, 1.0);
                for (channel, level) in colour.into_iter().enumerate() {
                    if let Some(pixel) = drawn.get_mut((channel * size + row) * size + column) {
                        *pixel = (*pixel).max((f64::from(level) * cover).round() as u8);
                    }
                }
            }
        }
    }
    drawn
}

/// How far a place is from the line between two points.
fn distance(place: [f64; 2], from: [f64; 2], to: [f64; 2]) -> f64 {
    let along = [to[0] - from[0], to[1] - from[1]];
    let offset = [place[0] - from[0], place[1] - from[1]];
    let length = along[0] * along[0] + along[1] * along[1];
    let share = if length > 0.0 { (offset[0] * along[0] + offset[1] * along[1]) / length } else { 0.0 };
    let share = share.clamp(0.0, 1.0);
    (offset[0] - share * along[0]).hypot(offset[1] - share * along[1])
}
