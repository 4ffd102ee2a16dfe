//! The picture of generated images beside the training images nearest to them.

use super::gathering::take_alike;
use super::inputs::Pair;
use super::samples::{Samples, common_shape};
use crate::pictures::{Grid, Picture, image_grid};
use brigand_core::error::{Error, Result};

/// Pairs in the picture, and in each of its rows.
const PAIRS: usize = 32;
const IN_ROW: usize = 4;

/// The first of the `nearest` pairs, each generated image with its training image to the right, four pairs in a row.
///
/// # Errors
/// If there are no pairs or the samples are no images.
pub fn draw_pairs(nearest: &[Pair], generated: &dyn Samples, train: &dyn Samples) -> Result<Picture> {
    let [channels, height, width] = *common_shape(train, generated)? else {
        return Err(Error::Request("only pairs of images can be drawn".into()));
    };
    let mut values = Vec::new();
    for &(own, other, _) in nearest.iter().take(PAIRS) {
        for (samples, index) in [(generated, own), (train, other)] {
            values.extend(take_alike(samples, &[index])?.flatten_all()?.to_vec1::<f32>()?);
        }
    }
    let count = 2 * nearest.len().min(PAIRS);
    let layout = Grid { columns: Some(2 * IN_ROW), ..Grid::default() };
    Ok(image_grid(&values, [count, channels, height, width], layout)?)
}
