//! Where an encoder puts samples.

use super::continuous_coordinates;
use crate::error::Result;
use crate::pictures::{Picture, code_scatter};
use brigand_core::batch::Batch;
use brigand_core::system::System;

/// The codes of `real` in the plane, coloured by class, where the system has an encoder and its latents two coordinates
/// that are no category. `classes` are the names of the labels.
///
/// # Errors
/// If the samples cannot be encoded, or no code is finite.
pub fn draw_codes(
    system: &dyn System,
    real: &Batch,
    classes: &[String],
    caption: &str,
) -> Result<Option<Picture>> {
    let (Some(sampler), Some(encoder)) = (system.as_sampler(), system.as_encoder()) else { return Ok(None) };
    let [first, second] = *continuous_coordinates(sampler.space()) else { return Ok(None) };
    let latents = encoder.encode(real)?;
    let codes = latents.index_select(1, &[first as u32, second as u32])?.to_vec_f32()?;
    Ok(Some(code_scatter(&codes, real.labels(), classes, caption)?))
}
