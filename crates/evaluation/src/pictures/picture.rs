//! The one picture type and its PNG file.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use png::{BitDepth, ColorType, Decoder, Encoder, Transformations};

use brigand_data::files::{FileError, write_atomically};

/// Why a picture could not be made, read or written.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The numbers given do not describe a picture.
    #[error("{0}")]
    Shape(String),
    /// The drawing library refused.
    #[error("cannot draw {what}: {reason}")]
    Drawing {
        /// The picture being drawn.
        what: &'static str,
        /// The library's reason.
        reason: String,
    },
    /// A picture could not be coded as PNG or GIF.
    #[error("cannot encode a {width}x{height} picture as {format}: {reason}")]
    Encoding {
        /// `PNG` or `GIF`.
        format: &'static str,
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// The coder's reason.
        reason: String,
    },
    /// A file is no picture this library can read.
    #[error("{} is not a readable PNG picture: {reason}; delete or replace it", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The decoder's reason.
        reason: String,
    },
    /// The operating system refused.
    #[error(transparent)]
    File(#[from] FileError),
}

impl From<PictureError> for brigand_core::Error {
    fn from(error: PictureError) -> Self {
        Self::other(error)
    }
}

/// A picture of 8-bit pixels: row after row, the channels of a pixel side by side
/// (`[height, width, channels]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    channels: usize,
    pixels: Vec<u8>,
}

impl Picture {
    /// Wraps `pixels` of shape `[height, width, channels]`.
    ///
    /// # Errors
    /// [`PictureError::Shape`] when `channels` is neither 1 (grey) nor 3 (red, green, blue), a side is
    /// zero, or the number of pixels does not fit the shape.
    pub fn new(width: usize, height: usize, channels: usize, pixels: Vec<u8>) -> Result<Self, PictureError> {
        if channels != 1 && channels != 3 {
            return Err(PictureError::Shape(format!(
                "a picture has 1 channel (grey) or 3 (colour), not {channels}"
            )));
        }
        let expected = width.checked_mul(height).and_then(|area| area.checked_mul(channels));
        if width == 0 || height == 0 || expected != Some(pixels.len()) {
            return Err(PictureError::Shape(format!(
                "{} bytes are no picture {width} wide, {height} high with {channels} channels",
                pixels.len()
            )));
        }
        Ok(Picture { width, height, channels, pixels })
    }

    /// A picture of one colour; `colour` has 1 or 3 numbers.
    ///
    /// # Errors
    /// As [`Picture::new`].
    pub fn filled(width: usize, height: usize, colour: &[u8]) -> Result<Self, PictureError> {
        let pixels = colour.repeat(width.saturating_mul(height));
        Picture::new(width, height, colour.len(), pixels)
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// 1 for grey, 3 for red, green, blue.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The pixels, `[height, width, channels]`.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The colour at a place, one number per channel; `None` outside the picture.
    pub fn pixel(&self, x: usize, y: usize) -> Option<&[u8]> {
        if x >= self.width || y >= self.height {
            return None;
        }
        self.pixels.chunks_exact(self.channels).nth(y * self.width + x)
    }

    /// The same picture with three channels.
    pub fn to_colour(&self) -> Picture {
        let pixels = match self.channels {
            1 => self.pixels.iter().flat_map(|&grey| [grey; 3]).collect(),
            _ => self.pixels.clone(),
        };
        Picture { channels: 3, pixels, ..*self }
    }

    /// Made smaller by the least whole number that brings the longer side to `longest` pixels or
    /// fewer; each new pixel is the mean of those it covers. A picture that fits is returned as it is.
    pub fn shrunk_to(&self, longest: usize) -> Picture {
        let factor = self.width.max(self.height).div_ceil(longest.max(1));
        if factor <= 1 {
            return self.clone();
        }
        let (width, height) = (self.width.div_ceil(factor), self.height.div_ceil(factor));
        let mut pixels = Vec::with_capacity(width * height * self.channels);
        for y in 0..height {
            for x in 0..width {
                for channel in 0..self.channels {
                    pixels.push(self.mean_of_block(x * factor, y * factor, factor, channel));
                }
            }
        }
        Picture { width, height, channels: self.channels, pixels }
    }

    fn mean_of_block(&self, left: usize, top: usize, side: usize, channel: usize) -> u8 {
        let (mut sum, mut count) = (0_usize, 0_usize);
        let stride = self.width * self.channels;
        for row in self.pixels.chunks_exact(stride).skip(top).take(side) {
            for pixel in row.chunks_exact(self.channels).skip(left).take(side) {
                sum += pixel.get(channel).copied().map_or(0, usize::from);
                count += 1;
            }
        }
        // A mean of bytes is a byte.
        ((sum + count / 2) / count.max(1)) as u8
    }

    /// Sets pictures of one size beside and below each other, row by row, without gaps; places left
    /// over in the last row are white. The result has colour when any of them has.
    ///
    /// # Errors
    /// [`PictureError::Shape`] when there is none or their sizes differ.
    pub fn mosaic(pictures: &[Picture], columns: usize) -> Result<Picture, PictureError> {
        let Some(first) = pictures.first() else {
            return Err(PictureError::Shape("a mosaic needs at least one picture".to_owned()));
        };
        let (width, height) = (first.width, first.height);
        if let Some(other) = pictures.iter().find(|other| (other.width, other.height) != (width, height)) {
            return Err(PictureError::Shape(format!(
                "pictures of {width}x{height} and {}x{} do not make a mosaic",
                other.width, other.height
            )));
        }
        let columns = columns.clamp(1, pictures.len());
        let channels = pictures.iter().map(|picture| picture.channels).max().unwrap_or(1);
        let mut pixels = Vec::new();
        for row in pictures.chunks(columns) {
            let row: Vec<Picture> =
                row.iter().map(|p| if channels == 3 { p.to_colour() } else { p.clone() }).collect();
            for y in 0..height {
                for picture in &row {
                    let line = picture.pixels.chunks_exact(width * channels).nth(y).unwrap_or_default();
                    pixels.extend_from_slice(line);
                }
                pixels.resize(pixels.len() + (columns - row.len()) * width * channels, u8::MAX);
            }
        }
        Picture::new(width * columns, height * pictures.len().div_ceil(columns), channels, pixels)
    }

    /// The picture as the bytes of a PNG file. The same picture gives the same bytes.
    ///
    /// # Errors
    /// [`PictureError::Encoding`] when a side is beyond PNG's limits.
    pub fn to_png(&self) -> Result<Vec<u8>, PictureError> {
        let failed = |reason: String| PictureError::Encoding {
            format: "PNG",
            width: self.width,
            height: self.height,
            reason,
        };
        let width = u32::try_from(self.width).map_err(|reason| failed(reason.to_string()))?;
        let height = u32::try_from(self.height).map_err(|reason| failed(reason.to_string()))?;
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, width, height);
        encoder.set_color(if self.channels == 3 { ColorType::Rgb } else { ColorType::Grayscale });
        encoder.set_depth(BitDepth::Eight);
        encoder
            .write_header()
            .and_then(|mut writer| {
                writer.write_image_data(&self.pixels)?;
                writer.finish()
            })
            .map_err(|reason| failed(reason.to_string()))?;
        Ok(bytes)
    }

    /// Writes a PNG file; a reader never sees half of it.
    ///
    /// # Errors
    /// As [`Picture::to_png`], and [`PictureError::File`] when the file cannot be written.
    pub fn save_png(&self, path: &Path) -> Result<(), PictureError> {
        Ok(write_atomically(path, &self.to_png()?)?)
    }

    /// Reads a PNG file as grey or colour, 8 bits, transparency dropped.
    ///
    /// # Errors
    /// [`PictureError::File`] when it cannot be read, [`PictureError::Unreadable`] when it is no PNG.
    pub fn read_png(path: &Path) -> Result<Picture, PictureError> {
        let bytes = std::fs::read(path).map_err(FileError::when("read", path))?;
        let decoded = decode(&bytes).map_err(|reason| reason.to_string());
        let picture = decoded.and_then(|(width, height, channels, pixels)| {
            Picture::new(width, height, channels, pixels).map_err(|reason| reason.to_string())
        });
        picture.map_err(|reason| PictureError::Unreadable { path: path.to_owned(), reason })
    }
}

/// Width, height, channels without transparency, and pixels of 8 bits.
fn decode(file: &[u8]) -> Result<(usize, usize, usize, Vec<u8>), png::DecodingError> {
    let mut decoder = Decoder::new(Cursor::new(file));
    decoder.set_transformations(Transformations::normalize_to_color8());
    let mut reader = decoder.read_info()?;
    let size = reader.output_buffer_size().ok_or(png::DecodingError::LimitsExceeded)?;
    let mut pixels = vec![0; size];
    let frame = reader.next_frame(&mut pixels)?;
    pixels.truncate(frame.buffer_size());
    let stored = frame.color_type.samples();
    let channels = if stored >= 3 { 3 } else { 1 };
    let opaque = pixels.chunks_exact(stored).flat_map(|pixel| pixel.iter().take(channels)).copied().collect();
    Ok((frame.width as usize, frame.height as usize, channels, opaque))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counting(width: usize, height: usize, channels: usize) -> Picture {
        let pixels = (0..width * height * channels).map(|i| (i * 7 % 256) as u8).collect();
        Picture::new(width, height, channels, pixels).unwrap()
    }

    #[test]
    fn png_round_trip_is_exact_for_grey_and_colour() {
        let folder = tempfile::tempdir().unwrap();
        for channels in [1, 3] {
            let picture = counting(13, 5, channels);
            let path = folder.path().join("a.png");
            picture.save_png(&path).unwrap();
            assert_eq!(Picture::read_png(&path).unwrap(), picture);
            assert_eq!(picture.to_png().unwrap(), picture.to_png().unwrap());
        }
    }

    #[test]
    fn wrong_shapes_are_refused() {
        assert!(Picture::new(2, 2, 1, vec![0; 4]).is_ok());
        for (width, height, channels, bytes) in
            [(2, 2, 1, 3), (2, 2, 2, 8), (0, 2, 1, 0), (usize::MAX, 2, 3, 4)]
        {
            assert!(Picture::new(width, height, channels, vec![0; bytes]).is_err());
        }
    }

    #[test]
    fn shrinking_takes_means_and_keeps_what_fits() {
        let picture = Picture::new(3, 2, 1, vec![0, 10, 30, 20, 30, 50]).unwrap();
        assert_eq!(picture.shrunk_to(3), picture);
        let small = picture.shrunk_to(2);
        assert_eq!((small.width(), small.height()), (2, 1));
        assert_eq!(small.pixels(), [15, 40]);
    }

    #[test]
    fn mosaic_places_pictures_and_turns_to_colour_when_one_has_it() {
        let grey = Picture::filled(2, 1, &[9]).unwrap();
        let red = Picture::filled(2, 1, &[255, 0, 0]).unwrap();
        let all = Picture::mosaic(&[grey.clone(), red.clone(), grey.clone()], 2).unwrap();
        assert_eq!((all.width(), all.height(), all.channels()), (4, 2, 3));
        assert_eq!(all.pixel(0, 0), Some(&[9, 9, 9][..]));
        assert_eq!(all.pixel(2, 0), Some(&[255, 0, 0][..]));
        assert_eq!(all.pixel(1, 1), Some(&[9, 9, 9][..]));
        assert_eq!(all.pixel(3, 1), Some(&[255, 255, 255][..]));
        assert_eq!(all.pixel(4, 0), None);
        assert!(Picture::mosaic(&[grey, Picture::filled(1, 1, &[0]).unwrap()], 2).is_err());
        assert!(Picture::mosaic(&[], 2).is_err());
    }

    #[test]
    fn transparency_is_dropped_and_a_cut_file_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 2, 1);
        encoder.set_color(ColorType::Rgba);
        encoder.write_header().unwrap().write_image_data(&[1, 2, 3, 0, 4, 5, 6, 255]).unwrap();
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(Picture::read_png(&path).unwrap().pixels(), [1, 2, 3, 4, 5, 6]);
        std::fs::write(&path, &bytes[..45]).unwrap();
        assert!(matches!(Picture::read_png(&path), Err(PictureError::Unreadable { .. })));
    }

    #[test]
    fn a_file_that_is_no_png_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        std::fs::write(&path, "no picture").unwrap();
        let message = Picture::read_png(&path).unwrap_err().to_string();
        assert!(message.contains("a.png is not a readable PNG"), "{message}");
        let absent = Picture::read_png(&folder.path().join("b.png")).unwrap_err().to_string();
        assert!(absent.contains("cannot read") && absent.contains("b.png"), "{absent}");
    }
}
