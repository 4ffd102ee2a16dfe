//! Maps that give every pixel of an image a label: a number from 0 on.
//!
//! They are resized without interpolation only: between label 1 and label 3 there is no label 2.

mod files;
mod images;
mod palette;
mod png_file;

use std::sync::Arc;

use brigand_core::batch::{HostBatch, HostField, Kind, LABEL_MAP, MapLabel, NumberKey, Schema, Source};
use brigand_core::random::Stream;
use brigand_core::{Error, Result};

use super::beside::Beside;
use super::fingerprint::{Content, Fingerprint};
use super::run_data::MorePart;

pub use files::MapFiles;
pub(crate) use images::load_labelled;
pub(crate) use palette::{default_colour, read_palette};
pub(crate) use png_file::read_map;

/// Label maps of one size in memory.
#[derive(Clone, Debug)]
pub(crate) struct LabelMaps {
    labels: Vec<MapLabel>,
    /// Height and width.
    size: [usize; 2],
    /// The label of each pixel, row by row, map after map; all below the number of labels.
    values: Vec<u8>,
}

impl LabelMaps {
    /// Maps of `size` `[height, width]` one after another.
    ///
    /// # Errors
    /// If the values are no whole number of maps, or one is no label.
    pub(crate) fn new(labels: Vec<MapLabel>, size: [usize; 2], values: Vec<u8>) -> Result<Self> {
        let area = size[0] * size[1];
        if area == 0 || values.is_empty() || !values.len().is_multiple_of(area) {
            return Err(Error::Internal(format!("{} values cannot be label maps of {size:?}", values.len())));
        }
        match values.iter().find(|&&value| usize::from(value) >= labels.len()) {
            Some(value) => Err(Error::Internal(format!("label {value} of {} in a map", labels.len()))),
            None => Ok(Self { labels, size, values }),
        }
    }

    fn shape(&self) -> [usize; 3] {
        [self.labels.len(), self.size[0], self.size[1]]
    }

    fn count(&self) -> usize {
        self.values.len() / (self.size[0] * self.size[1])
    }
}

/// One-hot planes `[labels, pixels]` of the labels of a map.
pub(crate) fn one_hot(values: &[u8], labels: usize) -> impl Iterator<Item = f32> + '_ {
    (0..labels).flat_map(move |label| {
        values.iter().map(move |&value| f32::from(u8::from(usize::from(value) == label)))
    })
}

/// The square in the middle of a map of `[height, width]`, at a side of `side`: each new pixel has the label at its centre. The
/// square is the one that images are cut to.
pub(crate) fn fit(values: &[u8], [height, width]: [usize; 2], side: usize) -> Vec<u8> {
    let square = height.min(width);
    let (top, left) = ((height - square) / 2, (width - square) / 2);
    let nearest = |place: usize| (2 * place + 1) * square / (2 * side.max(1));
    let pixels = (0..side).flat_map(|row| (0..side).map(move |column| (row, column)));
    let label = |(row, column)| values.get((top + nearest(row)) * width + left + nearest(column)).copied();
    pixels.filter_map(label).collect()
}

/// Label maps as a source of batches, one-hot.
pub(crate) struct LabelMapSource(pub(crate) Arc<LabelMaps>);

impl Source for LabelMapSource {
    fn count(&self) -> usize {
        self.0.count()
    }

    fn schema(&self) -> Schema {
        let kind = Kind::LabelMap { labels: self.0.labels.clone() };
        Schema::default().with(LABEL_MAP.0, kind, &self.0.shape())
    }

    fn get(&self, numbers: &[usize], _: &mut Stream) -> Result<HostBatch> {
        let [labels, height, width] = self.0.shape();
        let mut planes = Vec::with_capacity(numbers.len() * labels * height * width);
        for &number in numbers {
            let missing = || Error::Data(format!("there is no label map {number}"));
            let map = self.0.values.chunks_exact(height * width).nth(number).ok_or_else(missing)?;
            planes.extend(one_hot(map, labels));
        }
        let shape = vec![numbers.len(), labels, height, width];
        Ok(HostBatch::from([(LABEL_MAP.0, HostField::Numbers(planes, shape))]))
    }
}

impl MorePart for LabelMaps {
    fn fingerprint(&self) -> Fingerprint {
        let mut content = Content::default();
        content.bytes(&self.values);
        let name = |label: &MapLabel| {
            let [red, green, blue] = label.colour;
            format!("{} #{red:02x}{green:02x}{blue:02x}", label.name)
        };
        Fingerprint {
            samples: self.count(),
            shape: self.shape().to_vec(),
            classes: self.labels.iter().map(name).collect(),
            sha256: content.finish(),
        }
    }

    fn needed_field(&self) -> Option<(NumberKey, &'static str, &'static str)> {
        Some((LABEL_MAP, "images with label maps", "gaugan, which makes images of maps"))
    }
}

impl Beside for LabelMaps {
    type Source = LabelMapSource;

    const IMAGES_ARE_SAMPLES: bool = false;

    fn source(beside: Arc<Self>) -> LabelMapSource {
        LabelMapSource(beside)
    }
}

#[cfg(test)]
mod tests;
