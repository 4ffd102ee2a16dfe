//! Pictures as bytes: fitting them to a size and to grey or colour.

use image::imageops::{self, FilterType};
use image::{DynamicImage, GenericImageView, GrayImage, ImageBuffer, Pixel, RgbImage};

use super::dataset::{Dataset, Labels, Values};
use super::error::DataError;
use super::options::Options;
use super::parallel;

/// The largest side length images are resized to.
pub const LARGEST_SIZE: usize = 1024;

/// Equally sized images as a reader finds them: bytes of `[count, channels, height, width]`, levels `0..=top`.
pub(crate) struct Images {
    pub(crate) bytes: Vec<u8>,
    pub(crate) channels: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) top: u8,
}

impl Images {
    /// The data set of these images, fitted to the options' size and channels.
    pub(crate) fn into_dataset(
        self,
        name: impl Into<String>,
        labels: Option<Labels>,
        licence: impl Into<String>,
        options: &Options,
    ) -> Result<Dataset, DataError> {
        let fitted = self.fitted(options)?;
        let shape = vec![fitted.channels, fitted.height, fitted.width];
        Dataset::new(name, Values::Levels { bytes: fitted.bytes, top: fitted.top }, shape, labels, licence)
    }

    fn fitted(self, options: &Options) -> Result<Self, DataError> {
        check(options)?;
        let size = options.size.filter(|&size| (self.height, self.width) != (size, size));
        let channels = options.channels.unwrap_or(self.channels);
        if size.is_none() && channels == self.channels {
            return Ok(self);
        }
        let top = if size.is_none() { self.top } else { u8::MAX };
        let stretched = |level: u8| (f32::from(level) * f32::from(top) / f32::from(self.top)).round() as u8;
        let samples: Vec<&[u8]> = self.bytes.chunks(self.channels * self.height * self.width).collect();
        let fitted = parallel::map(&samples, |sample| {
            let levels: Vec<u8> = sample.iter().map(|&level| stretched(level)).collect();
            let stored = from_planes(&levels, self.height, self.width)?;
            Some(match size {
                Some(size) => to_planes(&fit(&stored, size), channels),
                None => to_planes(&stored, channels),
            })
        });
        let bytes: Option<Vec<Vec<u8>>> = fitted.into_iter().collect();
        let bytes = bytes.map(|samples| samples.concat()).unwrap_or_default();
        let (height, width) = size.map_or((self.height, self.width), |size| (size, size));
        Ok(Self { bytes, channels, height, width, top })
    }
}

/// Refuses sizes and channel numbers no image can have.
///
/// # Errors
/// [`DataError::BadOption`] for a size of 0 or above [`LARGEST_SIZE`], or channels other than 1 and 3.
pub(crate) fn check(options: &Options) -> Result<(), DataError> {
    let bad = |option, given: usize, allowed: String| {
        Err(DataError::BadOption { option, given: given.to_string(), allowed })
    };
    match (options.size, options.channels) {
        (Some(size), _) if size == 0 || size > LARGEST_SIZE => {
            bad("size", size, format!("give 1 to {LARGEST_SIZE} pixels"))
        }
        (_, Some(channels)) if channels != 1 && channels != 3 => {
            bad("channels", channels, "1 is grey, 3 is colour".to_owned())
        }
        _ => Ok(()),
    }
}

/// The centre square of `image`, scaled to `size` x `size`: the short side fits exactly, the long side is cut
/// on both ends. Reducing averages (Lanczos, after exact means of areas for very large images), enlarging is bicubic.
pub(crate) fn fit(image: &DynamicImage, size: usize) -> DynamicImage {
    let (width, height) = image.dimensions();
    let (side, size) = (width.min(height), size as u32);
    let square = image.crop_imm((width - side) / 2, (height - side) / 2, side, side);
    if side == size {
        return square;
    }
    let filter = if side > size { FilterType::Lanczos3 } else { FilterType::CatmullRom };
    match square {
        DynamicImage::ImageLuma8(grey) => imageops::resize(&near(grey, size), size, size, filter).into(),
        other => imageops::resize(&near(other.into_rgb8(), size), size, size, filter).into(),
    }
}

/// A square image reduced to a few times `size` where it is much larger: averaging costs a fraction of Lanczos from a
/// full photograph.
fn near<P: Pixel<Subpixel = u8> + 'static>(
    square: ImageBuffer<P, Vec<u8>>,
    size: u32,
) -> ImageBuffer<P, Vec<u8>> {
    let (side, target) = (square.width(), 4 * size);
    if side <= 2 * target {
        return square;
    }
    let pixels = averaged(square.as_raw(), side as usize, target as usize, P::CHANNEL_COUNT.into());
    ImageBuffer::from_raw(target, target, pixels).unwrap_or(square)
}

/// A square of `side` reduced to one of `target` (at most as large): each new pixel is the mean over exactly the area
/// it covers, with the shares of the old pixels at its edges, so nothing moves. `[side, side, channels]` levels.
fn averaged(levels: &[u8], side: usize, target: usize, channels: usize) -> Vec<u8> {
    // In units in which an old pixel is `target` wide and a new one `side`: the first new pixel each old one lies in,
    // and its share there; the rest is its share in the next.
    let shares: Vec<(usize, u64)> = (0..side)
        .map(|old| {
            let new = old * target / side;
            (new, (((new + 1) * side).min((old + 1) * target) - old * target) as u64)
        })
        .collect();
    let (whole, area) = (target as u64, (side * side) as u64);
    let width = target * channels;
    // Beyond the last new pixel nothing is left over, but a place for it saves asking.
    let mut sums = vec![0_u64; (target + 1) * width];
    let mut line = vec![0_u64; width + channels];
    for (row, &(new_row, share)) in levels.chunks_exact(side * channels).zip(&shares) {
        line.fill(0);
        for (pixel, &(new, share)) in row.chunks_exact(channels).zip(&shares) {
            let place = new * channels;
            let [first, second] = [place, place + channels];
            for (channel, &level) in pixel.iter().enumerate() {
                line[first + channel] += share * u64::from(level);
                line[second + channel] += (whole - share) * u64::from(level);
            }
        }
        let (first, second) = (new_row * width, (new_row + 1) * width);
        for (column, &sum) in line[..width].iter().enumerate() {
            sums[first + column] += share * sum;
            sums[second + column] += (whole - share) * sum;
        }
    }
    sums[..target * width].iter().map(|sum| ((sum + area / 2) / area) as u8).collect()
}

/// An image of grey (one plane) or colour (three planes) levels; none when the numbers do not fit.
fn from_planes(planes: &[u8], height: usize, width: usize) -> Option<DynamicImage> {
    let area = height * width;
    let (width, height) = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    if planes.len() == area {
        return GrayImage::from_raw(width, height, planes.to_vec()).map(Into::into);
    }
    let (red, rest) = planes.split_at_checked(area)?;
    let (green, blue) = rest.split_at_checked(area)?;
    let pixels = red.iter().zip(green).zip(blue).flat_map(|((&r, &g), &b)| [r, g, b]).collect();
    RgbImage::from_raw(width, height, pixels).map(Into::into)
}

/// The image as `channels` planes, one after another: 1 is the luma (0.2126 R + 0.7152 G + 0.0722 B), 3 is RGB.
pub(crate) fn to_planes(image: &DynamicImage, channels: usize) -> Vec<u8> {
    if channels == 1 {
        return image.to_luma8().into_raw();
    }
    let pixels = image.to_rgb8().into_raw();
    (0..3).flat_map(|channel| pixels.iter().skip(channel).step_by(3).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(bytes: Vec<u8>, shape: [usize; 3], size: Option<usize>, channels: Option<usize>) -> Images {
        let [c, height, width] = shape;
        let options = Options { size, channels, ..Options::default() };
        Images { bytes, channels: c, height, width, top: 255 }.fitted(&options).unwrap()
    }

    #[test]
    fn nothing_asked_changes_nothing() {
        let bytes: Vec<u8> = (0..24).collect();
        assert_eq!(fitted(bytes.clone(), [1, 3, 4], None, Some(1)).bytes, bytes);
        assert_eq!(fitted(bytes[..18].to_vec(), [1, 3, 3], Some(3), None).bytes, bytes[..18]);
    }

    #[test]
    fn channels_follow_the_luma_and_back() {
        let colour = fitted(vec![9, 200, 0, 255], [1, 1, 2], None, Some(3));
        assert_eq!(colour.bytes, [9, 200, 9, 200, 9, 200, 0, 255, 0, 255, 0, 255]);
        assert_eq!(fitted(colour.bytes, [3, 1, 2], None, Some(1)).bytes, [9, 200, 0, 255]);
        let primaries = fitted(vec![255, 0, 0, 0, 255, 0, 0, 0, 255], [3, 1, 3], None, Some(1)).bytes;
        assert!(primaries.iter().zip([54u8, 182, 18]).all(|(&a, b)| a.abs_diff(b) <= 1), "{primaries:?}");
    }

    #[test]
    fn the_centre_is_kept_and_scaled() {
        // Columns 0, 60, 60, 0 of height 2: the centre square is all 60, at any size.
        let wide = vec![0, 60, 60, 0, 0, 60, 60, 0];
        for size in [1, 2, 7] {
            assert_eq!(fitted(wide.clone(), [1, 2, 4], Some(size), None).bytes, vec![60; size * size]);
        }
        // Reduction averages: a checkerboard of 0 and 200 becomes its mean.
        let board: Vec<u8> = (0..64).map(|i| if (i / 8 + i % 8) % 2 == 0 { 0 } else { 200 }).collect();
        let small = fitted(board, [1, 8, 8], Some(2), None).bytes;
        assert!(small.iter().all(|v| v.abs_diff(100) <= 3), "{small:?}");
    }

    #[test]
    fn a_very_large_image_keeps_its_mean() {
        let ramp = GrayImage::from_fn(640, 600, |x, _| image::Luma([(x / 4) as u8])).into();
        let small = fit(&ramp, 4).to_luma8().into_raw();
        for row in small.chunks(4) {
            assert!(row.iter().zip([24u8, 61, 99, 136]).all(|(a, b)| a.abs_diff(b) <= 3), "{row:?}");
        }
    }

    /// A tilted plane of grey has at the middle of each new pixel the level of that place, whatever the sizes: images
    /// reduced more than 8 times were shifted by up to 0.064 pixels.
    #[test]
    fn a_ramp_is_read_at_the_middles_of_the_new_pixels() {
        for (side, size) in [(1999, 16), (1024, 16), (1025, 16), (999, 64), (300, 16), (129, 16), (100, 16)] {
            let scale = 250.0 / f64::from(2 * side);
            // The level at a place, in old pixels from the upper left corner.
            let level = |x: f64, y: f64| 2.0 + scale * (x + y);
            let ramp = GrayImage::from_fn(side, side, |x, y| {
                image::Luma([level(f64::from(x) + 0.5, f64::from(y) + 0.5).round() as u8])
            });
            let small = fit(&ramp.into(), size as usize).to_luma8();
            let step = f64::from(side) / f64::from(size);
            let middle = |index: u32| (f64::from(index) + 0.5) * step;
            // Lanczos reaches 3 new pixels, and bends at the borders.
            let inner = small
                .enumerate_pixels()
                .filter(|(x, y, _)| (3..size - 3).contains(x) && (3..size - 3).contains(y));
            let (sum, count) = inner.fold((0.0, 0.0), |(sum, count), (x, y, pixel)| {
                let error = f64::from(pixel[0]) - level(middle(x), middle(y));
                assert!(error.abs() <= 1.01, "{side} to {size} at {x}, {y}: {error}");
                (sum + error, count + 1.0)
            });
            // In new pixels, along both axes at once.
            let shift = sum / count / (2.0 * scale * step);
            assert!(shift.abs() < 0.01, "{side} to {size}: shifted by {shift} pixels");
        }
    }

    #[test]
    fn areas_are_averaged_with_the_shares_at_their_edges() {
        // 3 to 2: a new pixel is 1.5 old ones wide.
        let levels = [0, 90, 30, 60, 90, 0, 30, 60, 120];
        let expected = [
            (0.0 + 45.0 + 30.0 + 22.5) / 2.25,
            (45.0 + 30.0 + 22.5 + 0.0) / 2.25,
            (30.0 + 22.5 + 30.0 + 30.0) / 2.25,
            (22.5 + 0.0 + 30.0 + 120.0) / 2.25,
        ];
        assert_eq!(averaged(&levels, 3, 2, 1), expected.map(|mean: f64| mean.round() as u8));
        assert_eq!(averaged(&levels, 3, 3, 1), levels);
        let colour: Vec<u8> = levels.iter().flat_map(|&level| [level, 7, 255 - level]).collect();
        let small = averaged(&colour, 3, 2, 3);
        assert_eq!([small[0], small[1], small[2]], [43, 7, 212]);
        assert_eq!(averaged(&vec![255; 811 * 811], 811, 7, 1), [255; 49]);
    }

    #[test]
    fn impossible_options_are_refused() {
        for (size, channels) in
            [(Some(0), None), (Some(LARGEST_SIZE + 1), None), (None, Some(2)), (None, Some(0))]
        {
            assert!(check(&Options { size, channels, ..Options::default() }).is_err());
        }
        assert!(
            check(&Options { size: Some(LARGEST_SIZE), channels: Some(3), ..Options::default() }).is_ok()
        );
    }
}
