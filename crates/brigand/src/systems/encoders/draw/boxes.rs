//! The places that attention reads and writes at, drawn as boxes over images.

use brigand_autograd::Variable;
use brigand_core::Result;
use brigand_core::modules::{Glimpse, GlimpsePlace};

/// What boxes are drawn in: red, in [-1, 1].
const COLOUR: [f32; 3] = [1.0, -0.6, -0.6];
/// Images are enlarged to about this side, so that a box hides little of them.
const SIDE: usize = 84;
/// The thickest border, in pixels of the enlarged image.
const THICKEST: f64 = 6.0;

/// The filters of a step.
pub(super) struct DrawnBoxes {
    /// Where the image was read.
    pub(super) read: Option<Glimpse>,
    /// Where the canvas was written.
    pub(super) written: Option<Glimpse>,
}

/// `images` `[n, channels, height, width]` enlarged by a whole number.
pub(super) fn scaled(images: &Variable) -> Result<Variable> {
    let (_, _, height, width) = images.dims4("images with boxes")?;
    let factor = factor([height, width]);
    Ok(images.resize_nearest(height * factor, width * factor)?)
}

fn factor([height, width]: [usize; 2]) -> usize {
    (SIDE / height.max(width).max(1)).max(1)
}

/// `images` that were enlarged from `[channels, height, width]`, in colour, each with the box of its filters, as thick as
/// their deviation.
pub(super) fn draw_boxes(
    images: &Variable,
    glimpse: Option<&Glimpse>,
    &[channels, height, width]: &[usize; 3],
) -> Result<Variable> {
    let (count, _, tall, wide) = images.dims4("images with boxes")?;
    let coloured = if channels == 3 {
        images.clone()
    } else {
        images.narrow(1, 0, 1)?.broadcast_to(&[count, 3, tall, wide])?
    };
    let Some(glimpse) = glimpse else { return Ok(coloured) };
    let scale = factor([height, width]) as f64;
    let mut values = coloured.to_vec_f32()?;
    for (image, place) in values.chunks_exact_mut(3 * tall * wide).zip(glimpse.places()?) {
        for (at, pixel) in (0..tall * wide).map(|at| (at, (at / wide, at % wide))) {
            if on_border(place, scale, pixel) {
                for (plane, colour) in COLOUR.into_iter().enumerate() {
                    if let Some(value) = image.get_mut(plane * tall * wide + at) {
                        *value = colour;
                    }
                }
            }
        }
    }
    Ok(Variable::from_slice(&values, &[count, 3, tall, wide])?)
}

/// Whether a pixel (row, column, counted from 0) of an image that was enlarged by `scale` is on the border of a box.
fn on_border(place: GlimpsePlace, scale: f64, (row, column): (usize, usize)) -> bool {
    let from_centre = |pixel: usize, centre: f64| (pixel as f64 + 0.5 - (centre - 0.5) * scale).abs();
    let [across, down] = place.centre;
    let distance = from_centre(column, across).max(from_centre(row, down));
    let thick = (place.deviation * scale / 2.0).clamp(1.0, THICKEST);
    (distance - place.side * scale / 2.0).abs() <= thick / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_stands_where_the_filters_are() {
        // Centre on the second pixel of four, sides of two pixels, images enlarged four times.
        let place = GlimpsePlace { centre: [2.0, 3.0], side: 2.0, deviation: 0.1 };
        // The centre is at column 6 and row 10 of the enlarged image; the border is 4 away.
        assert!(on_border(place, 4.0, (10, 2)) && on_border(place, 4.0, (10, 9)));
        assert!(on_border(place, 4.0, (6, 6)) && on_border(place, 4.0, (13, 6)));
        assert!(!on_border(place, 4.0, (10, 6)) && !on_border(place, 4.0, (10, 12)));
    }
}
