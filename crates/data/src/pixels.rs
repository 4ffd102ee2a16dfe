//! Pictures as bytes: fitting them to a size and to grey or colour.

use image::imageops::{self, FilterType};
use image::{DynamicImage, GenericImageView, GrayImage, RgbImage};

use super::dataset::{Dataset, Labels, Values};
use super::error::DataError;
use super::load::Options;
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
/// on both ends. Reducing averages (Lanczos, after a box filter for very large images), enlarging is bicubic.
pub(crate) fn fit(image: &DynamicImage, size: usize) -> DynamicImage {
    let (width, height) = image.dimensions();
    let (side, size) = (width.min(height), size as u32);
    let square = image.crop_imm((width - side) / 2, (height - side) / 2, side, side);
    if side == size {
        return square;
    }
    // A box filter to a few times the target costs a fraction of Lanczos from a full photograph.
    let near = if side > 8 * size { square.thumbnail_exact(4 * size, 4 * size) } else { square };
    let filter = if side > size { FilterType::Lanczos3 } else { FilterType::CatmullRom };
    match near {
        DynamicImage::ImageLuma8(grey) => imageops::resize(&grey, size, size, filter).into(),
        other => imageops::resize(&other.into_rgb8(), size, size, filter).into(),
    }
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
