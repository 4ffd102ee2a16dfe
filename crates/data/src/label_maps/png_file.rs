//! A label map in a PNG, as it is stored: indices, grey levels or colours.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::panic::catch_unwind;
use std::path::Path;

use brigand_core::batch::MapLabel;
use png::{BitDepth, ColorType, Decoder, Transformations};

use crate::folder::LONGEST_SIDE;

/// The colour of each number that pixels have.
pub(crate) type Colours = BTreeMap<u8, [u8; 3]>;

/// The pixels of a map, row by row.
#[derive(Clone, Debug)]
enum Pixels {
    /// Grey levels, unscaled: the labels themselves.
    Levels(Vec<u8>),
    /// Places in the file's own palette, which follows.
    Indices(Vec<u8>, Vec<[u8; 3]>),
    /// Colours.
    Colours(Vec<[u8; 3]>),
}

/// A label map as a file has it.
#[derive(Clone, Debug)]
pub(crate) struct RawMap {
    /// Height and width.
    pub(crate) size: [usize; 2],
    pixels: Pixels,
}

/// The map in the PNG at `path`; or why it cannot be read.
pub(crate) fn read_map(path: &Path) -> Result<RawMap, String> {
    catch_unwind(|| decode(path)).unwrap_or_else(|_| Err("its decoder failed".to_owned()))
}

fn decode(path: &Path) -> Result<RawMap, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut decoder = Decoder::new(BufReader::new(file));
    decoder.set_transformations(Transformations::IDENTITY);
    let no_png =
        |error: png::DecodingError| format!("a label map is a PNG, and it cannot be read as one: {error}");
    let mut reader = decoder.read_info().map_err(no_png)?;
    let (width, height) = reader.info().size();
    if width > LONGEST_SIDE || height > LONGEST_SIDE {
        return Err(format!("it states a size of {width}x{height}"));
    }
    let own = reader.info().palette.as_deref().unwrap_or_default().as_chunks::<3>().0.to_vec();
    let length =
        reader.output_buffer_size().ok_or_else(|| format!("it states a size of {width}x{height}"))?;
    let mut bytes = vec![0; length];
    let frame = reader.next_frame(&mut bytes).map_err(|error| error.to_string())?;
    let size = [height as usize, width as usize];
    let bits = match frame.bit_depth {
        BitDepth::One => 1,
        BitDepth::Two => 2,
        BitDepth::Four => 4,
        BitDepth::Eight => 8,
        BitDepth::Sixteen => {
            return Err("it has 16 bits for each value; label maps have at most 8, for 256 labels".into());
        }
    };
    let rows = || bytes.chunks(frame.line_size.max(1)).take(size[0]);
    let packed = || rows().flat_map(|row| unpacked(row, bits, size[1])).collect::<Vec<u8>>();
    let opaque = |channels: usize| {
        let mut alphas = rows().flat_map(|row| row.iter().skip(channels - 1).step_by(channels));
        match alphas.all(|&alpha| alpha == u8::MAX) {
            true => Ok(()),
            false => Err("it has transparent pixels, which have no label"),
        }
    };
    let pixels = match frame.color_type {
        ColorType::Grayscale => Pixels::Levels(packed()),
        ColorType::Indexed => Pixels::Indices(packed(), own),
        ColorType::GrayscaleAlpha => {
            opaque(2)?;
            Pixels::Levels(rows().flat_map(|row| row.iter().step_by(2).copied()).collect())
        }
        ColorType::Rgb => Pixels::Colours(rows().flat_map(|row| row.as_chunks::<3>().0.to_vec()).collect()),
        ColorType::Rgba => {
            opaque(4)?;
            let colours = rows().flat_map(|row| row.as_chunks::<4>().0.iter().map(|&[r, g, b, _]| [r, g, b]));
            Pixels::Colours(colours.collect())
        }
    };
    Ok(RawMap { size, pixels })
}

/// The first `width` values of `bits` each, of which the first stands in the highest bits of a byte.
fn unpacked(row: &[u8], bits: u32, width: usize) -> impl Iterator<Item = u8> + '_ {
    let in_byte = 8 / bits;
    let values = row.iter().flat_map(move |&byte| {
        (0..in_byte).map(move |place| (byte >> (8 - bits * (place + 1))) & (u8::MAX >> (8 - bits)))
    });
    values.take(width)
}

impl RawMap {
    /// The labels of its pixels, row by row. Grey levels are numbers of `labels`; colours are those of `labels`, and so are the
    /// indices of a file whose own palette does not agree with them.
    ///
    /// # Errors
    /// Says which pixel has no such label.
    pub(crate) fn labels(&self, labels: &[MapLabel]) -> Result<Vec<u8>, String> {
        let known: BTreeMap<[u8; 3], u8> =
            labels.iter().zip(0..=u8::MAX).map(|(label, number)| (label.colour, number)).collect();
        let named = |colour: [u8; 3], place: usize| {
            known.get(&colour).copied().ok_or_else(|| self.unknown_colour(colour, place, labels.len()))
        };
        match &self.pixels {
            Pixels::Levels(levels) => {
                match levels.iter().enumerate().find(|(_, level)| usize::from(**level) >= labels.len()) {
                    Some((place, level)) => Err(self.beyond(*level, place, labels.len())),
                    None => Ok(levels.clone()),
                }
            }
            Pixels::Indices(indices, own) => {
                let colours: Vec<([u8; 3], usize)> = self.used(indices, own)?.into_values().collect();
                let agrees = |&index: &u8| {
                    let label = labels.get(usize::from(index)).map(|label| label.colour);
                    label.is_some() && label == own.get(usize::from(index)).copied()
                };
                if indices.iter().all(agrees) {
                    return Ok(indices.clone());
                }
                let missing = colours.iter().find(|(colour, _)| !known.contains_key(colour));
                if let Some(&(colour, place)) = missing {
                    return Err(self.unknown_colour(colour, place, labels.len()));
                }
                let colour = |index: &u8| own.get(usize::from(*index)).copied().unwrap_or_default();
                indices.iter().enumerate().map(|(place, index)| named(colour(index), place)).collect()
            }
            Pixels::Colours(colours) => {
                colours.iter().enumerate().map(|(place, &colour)| named(colour, place)).collect()
            }
        }
    }

    /// Its indices or grey levels as labels, and the colours of those that have one.
    ///
    /// # Errors
    /// If it has colours alone.
    pub(crate) fn numbers(&self) -> Result<(Vec<u8>, Colours), String> {
        match &self.pixels {
            Pixels::Levels(levels) => Ok((levels.clone(), BTreeMap::new())),
            Pixels::Indices(indices, own) => {
                let used = self.used(indices, own)?;
                Ok((indices.clone(), used.into_iter().map(|(index, (colour, _))| (index, colour)).collect()))
            }
            Pixels::Colours(_) => {
                Err("its pixels are colours; say which labels they stand for by a palette, \
                                       labels:IMAGES,MAPS,PALETTE, or save it with an index for each pixel"
                    .into())
            }
        }
    }

    /// The colours of the indices that occur, each with the first pixel that has it.
    fn used(&self, indices: &[u8], own: &[[u8; 3]]) -> Result<BTreeMap<u8, ([u8; 3], usize)>, String> {
        let mut used = BTreeMap::new();
        for (place, &index) in indices.iter().enumerate() {
            let colour = own.get(usize::from(index)).ok_or_else(|| self.beyond(index, place, own.len()))?;
            used.entry(index).or_insert((*colour, place));
        }
        Ok(used)
    }

    fn beyond(&self, label: u8, place: usize, count: usize) -> String {
        let last = count.saturating_sub(1);
        format!("{} has label {label}, and there are {count} labels (0 to {last})", self.pixel(place))
    }

    fn unknown_colour(&self, [red, green, blue]: [u8; 3], place: usize, count: usize) -> String {
        format!(
            "{} is #{red:02x}{green:02x}{blue:02x}, which is no colour of the {count} labels; draw without smoothing, in their \
             colours exactly, or save grey levels that are the labels' numbers",
            self.pixel(place)
        )
    }

    fn pixel(&self, place: usize) -> String {
        let width = self.size[1].max(1);
        format!("the pixel in column {} of row {}", place % width, place / width)
    }
}
