//! Batches of images as one picture.

use super::picture::{Picture, PictureError};

/// A tile is enlarged by whole numbers until its longer side has this many pixels.
const READABLE_SIDE: usize = 40;
/// Pixels between tiles and around them.
pub(super) const GAP: usize = 2;
/// Grey between tiles: neither the black nor the white of most images.
const GAP_GREY: u8 = 96;
/// Colour of a value that is no number or infinite.
const BROKEN: [u8; 3] = [255, 0, 255];

/// How [`image_grid`] lays out its tiles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grid {
    /// Tiles in a row; `None` takes the smallest number that makes the grid at least as wide as high.
    pub columns: Option<usize>,
    /// Whole number each image pixel is enlarged by; `None` makes small images readable (8x8 becomes
    /// 40x40) and leaves those of 40 pixels and more as they are.
    pub scale: Option<usize>,
}

impl Grid {
    /// Columns and scale of a grid of `n` images of `height` and `width`.
    fn resolved(self, n: usize, [height, width]: [usize; 2]) -> (usize, usize) {
        let columns = self.columns.unwrap_or_else(|| near_square(n)).clamp(1, n.max(1));
        let scale = self.scale.unwrap_or_else(|| READABLE_SIDE.div_ceil(height.max(width).max(1)));
        (columns, scale.max(1))
    }

    /// Refuses a grid of `n` images that would be too large for a picture, before there are images.
    ///
    /// # Errors
    /// [`PictureError::Shape`], with the size that it would have.
    pub fn refuse_too_large(self, n: usize, [height, width]: [usize; 2]) -> Result<(), PictureError> {
        let (columns, scale) = self.resolved(n, [height, width]);
        size(n, columns, [height.saturating_mul(scale), width.saturating_mul(scale)]).map(|_| ())
    }
}

/// Width and height of a grid of `tiles`.
fn size(
    tiles: usize,
    columns: usize,
    [tile_height, tile_width]: [usize; 2],
) -> Result<(usize, usize), PictureError> {
    let side = |count: usize, tile: usize| count.saturating_mul(tile.saturating_add(GAP)).saturating_add(GAP);
    let (width, height) = (side(columns, tile_width), side(tiles.div_ceil(columns.max(1)), tile_height));
    if width.max(height) > usize::from(u16::MAX) {
        return Err(PictureError::Shape(format!(
            "a grid of {tiles} tiles of {tile_width}x{tile_height} would be {width}x{height} pixels; draw fewer"
        )));
    }
    Ok((width, height))
}

/// Draws `images` of shape `[n, channels, height, width]`, values in [-1, 1], as tiles of a grid, row
/// by row. Each value becomes the byte nearest to `(value + 1) / 2 * 255`, clamped; enlarging repeats
/// pixels and smooths nothing. A NaN or infinite value is drawn in magenta, for which a grey grid
/// becomes a colour one.
///
/// # Errors
/// [`PictureError::Shape`] when there is no image, `channels` is neither 1 nor 3, or the number of
/// values does not fit the shape.
///
/// ```
/// # use brigand_evaluation::pictures::{Grid, image_grid};
/// let picture = image_grid(&[-1.0, 1.0, 0.0, 0.0], [1, 1, 2, 2], Grid { scale: Some(1), columns: None })?;
/// assert_eq!(picture.pixel(2, 2), Some(&[0][..]));
/// assert_eq!(picture.pixel(3, 2), Some(&[255][..]));
/// # Ok::<(), brigand_evaluation::pictures::PictureError>(())
/// ```
pub fn image_grid(images: &[f32], shape: [usize; 4], layout: Grid) -> Result<Picture, PictureError> {
    let [n, channels, height, width] = shape;
    let count = shape.iter().try_fold(1_usize, |product, &side| product.checked_mul(side));
    if count != Some(images.len()) || images.is_empty() {
        return Err(PictureError::Shape(format!(
            "{} values are no batch of images of shape [{n}, {channels}, {height}, {width}]",
            images.len()
        )));
    }
    if channels != 1 && channels != 3 {
        return Err(PictureError::Shape(format!(
            "images of {channels} channels cannot be drawn, only of 1 (grey) or 3 (colour)"
        )));
    }
    let (columns, scale) = layout.resolved(n, [height, width]);
    let colour = channels == 3 || images.iter().any(|value| !value.is_finite());
    let mut canvas = Canvas::new(n, columns, height * scale, width * scale, if colour { 3 } else { 1 })?;
    for (index, image) in images.chunks_exact(channels * height * width).enumerate() {
        let bytes = interleave(image, channels, height * width, colour);
        canvas.place(index, &bytes, width, scale);
    }
    Picture::new(canvas.width, canvas.height, canvas.channels, canvas.pixels)
}

/// Draws one image of shape `[channels, height, width]`, values in [-1, 1], at its own size. Values become
/// bytes as in [`image_grid`].
///
/// # Errors
/// As [`image_grid`].
pub fn single_image(image: &[f32], shape: [usize; 3]) -> Result<Picture, PictureError> {
    let [channels, height, width] = shape;
    let colour = channels == 3 || image.iter().any(|value| !value.is_finite());
    if ![1, 3].contains(&channels) || channels * height * width != image.len() {
        return Err(PictureError::Shape(format!("{} values are no image of shape {shape:?}", image.len())));
    }
    let bytes = interleave(image, channels, height * width, colour);
    Picture::new(width, height, if colour { 3 } else { 1 }, bytes)
}

/// The smallest number of columns that makes a grid of `n` at least as wide as high.
fn near_square(n: usize) -> usize {
    let root = n.isqrt();
    if root * root == n { root } else { root + 1 }
}

/// `[channels, area]` values to `[area, channels]` bytes, with three channels when `colour`.
fn interleave(image: &[f32], channels: usize, area: usize, colour: bool) -> Vec<u8> {
    let value = |channel: usize, place: usize| image.get(channel * area + place).copied().unwrap_or(f32::NAN);
    let mut bytes = Vec::with_capacity(area * if colour { 3 } else { 1 });
    for place in 0..area {
        let broken = (0..channels).any(|channel| !value(channel, place).is_finite());
        match (colour, broken) {
            (true, true) => bytes.extend(BROKEN),
            (true, false) => bytes.extend((0..3).map(|channel| to_byte(value(channel % channels, place)))),
            (false, _) => bytes.push(to_byte(value(0, place))),
        }
    }
    bytes
}

fn to_byte(value: f32) -> u8 {
    // The conversion saturates, so values beyond [-1, 1] clamp.
    ((value + 1.0) * 127.5).round() as u8
}

struct Canvas {
    width: usize,
    height: usize,
    channels: usize,
    columns: usize,
    tile_height: usize,
    tile_width: usize,
    pixels: Vec<u8>,
}

impl Canvas {
    fn new(
        tiles: usize,
        columns: usize,
        tile_height: usize,
        tile_width: usize,
        channels: usize,
    ) -> Result<Self, PictureError> {
        let (width, height) = size(tiles, columns, [tile_height, tile_width])?;
        let pixels = vec![GAP_GREY; width * height * channels];
        Ok(Canvas { width, height, channels, columns, tile_height, tile_width, pixels })
    }

    /// Copies one image of `[height, width, channels]` bytes into its tile, each pixel `scale` times
    /// across and down.
    fn place(&mut self, index: usize, image: &[u8], width: usize, scale: usize) {
        let top = GAP + index / self.columns * (self.tile_height + GAP);
        let left = GAP + index % self.columns * (self.tile_width + GAP);
        let (channels, stride) = (self.channels, self.width * self.channels);
        let lines = self.pixels.chunks_exact_mut(stride).skip(top).take(self.tile_height);
        for (y, line) in lines.enumerate() {
            let source = image.chunks_exact(width * channels).nth(y / scale).unwrap_or_default();
            let enlarged = source.chunks_exact(channels).flat_map(|pixel| std::iter::repeat_n(pixel, scale));
            for (target, pixel) in line.chunks_exact_mut(channels).skip(left).zip(enlarged) {
                target.copy_from_slice(pixel);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pixels_are_where_and_what_they_should_be() {
        // Two 1x2 images, scale 3: tiles 6x3 at (2, 2) and (10, 2).
        let layout = Grid { columns: Some(2), scale: Some(3) };
        let picture = image_grid(&[-1.0, 0.0, 1.0, 0.5], [2, 1, 1, 2], layout).unwrap();
        assert_eq!((picture.width(), picture.height(), picture.channels()), (18, 7, 1));
        for y in 0..7 {
            for x in 0..18 {
                let expected = match (x, y) {
                    (2..=4, 2..=4) => 0,
                    (5..=7, 2..=4) => 128,
                    (10..=12, 2..=4) => 255,
                    (13..=15, 2..=4) => 191,
                    _ => GAP_GREY,
                };
                assert_eq!(picture.pixel(x, y), Some(&[expected][..]), "at {x}, {y}");
            }
        }
    }

    #[test]
    fn colour_planes_become_colour_pixels() {
        let picture =
            image_grid(&[1.0, -1.0, 0.0], [1, 3, 1, 1], Grid { scale: Some(1), columns: None }).unwrap();
        assert_eq!(picture.pixel(2, 2), Some(&[255, 0, 128][..]));
    }

    #[test]
    fn values_beyond_the_range_clamp_and_broken_ones_turn_magenta() {
        let values = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 9.0, -9.0, 0.0];
        let picture = image_grid(&values, [1, 1, 1, 6], Grid { scale: Some(1), columns: None }).unwrap();
        let seen: Vec<&[u8]> = (2..8).filter_map(|x| picture.pixel(x, 2)).collect();
        assert_eq!(seen, [BROKEN, BROKEN, BROKEN, [255; 3], [0; 3], [128; 3]]);
    }

    #[test]
    fn columns_and_scale_are_chosen_for_reading() {
        assert_eq!([1, 2, 3, 4, 5, 12, 16, 17, 64].map(near_square), [1, 2, 2, 2, 3, 4, 4, 5, 8]);
        for (side, tile) in [(8, 40), (16, 48), (28, 56), (32, 64), (64, 64)] {
            let picture = image_grid(&vec![0.0; side * side], [1, 1, side, side], Grid::default()).unwrap();
            assert_eq!(picture.width(), tile + 2 * GAP, "image of {side}");
        }
    }

    #[test]
    fn wrong_shapes_are_refused_with_the_shape() {
        let message = image_grid(&[0.0; 7], [2, 1, 2, 2], Grid::default()).unwrap_err().to_string();
        assert_eq!(message, "7 values are no batch of images of shape [2, 1, 2, 2]");
        assert!(image_grid(&[0.0; 8], [1, 2, 2, 2], Grid::default()).is_err());
        assert!(image_grid(&[], [0, 1, 2, 2], Grid::default()).is_err());
        let huge = Grid { columns: None, scale: Some(100_000) };
        assert!(image_grid(&[0.0; 4], [1, 1, 2, 2], huge).is_err());
    }

    proptest! {
        #[test]
        fn any_values_draw(bits in proptest::collection::vec(any::<u32>(), 24), columns in 0_usize..9) {
            let values: Vec<f32> = bits.into_iter().map(f32::from_bits).collect();
            let layout = Grid { columns: Some(columns), scale: None };
            prop_assert!(image_grid(&values, [6, 1, 2, 2], layout).is_ok());
            prop_assert!(image_grid(&values, [2, 3, 2, 2], layout).is_ok());
        }
    }

    #[test]
    fn a_single_image_keeps_its_size() {
        let picture = single_image(&[-1.0, 1.0, 0.0, 1.0, -1.0, 1.0], [3, 1, 2]).unwrap();
        assert_eq!((picture.width(), picture.height()), (2, 1));
        assert_eq!((picture.pixel(0, 0), picture.pixel(1, 0)), (Some(&[0, 128, 0][..]), Some(&[255; 3][..])));
        assert!(single_image(&[0.0; 5], [1, 2, 2]).is_err() && single_image(&[0.0; 8], [2, 2, 2]).is_err());
    }
}
