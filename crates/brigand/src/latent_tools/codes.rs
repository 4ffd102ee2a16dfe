//! Where an encoder puts samples.

use super::continuous_coordinates;
use crate::error::Result;
use crate::pictures::{Picture, code_scatter};
use crate::systems::{RealBatch, System};

/// The codes of `real` in the plane, coloured by class, where the system has an encoder and its latents two coordinates
/// that are no category. `classes` are the names of the labels.
///
/// # Errors
/// If the samples cannot be encoded, or no code is finite.
pub fn draw_codes(
    system: &dyn System,
    real: &RealBatch,
    classes: &[String],
    caption: &str,
) -> Result<Option<Picture>> {
    let [first, second] = *continuous_coordinates(&system.latent_space()?) else { return Ok(None) };
    let Some(latents) = system.encode(&real.samples, real.labels.as_deref())? else { return Ok(None) };
    let codes = latents.index_select(1, &[first as u32, second as u32])?.to_vec_f32()?;
    Ok(Some(code_scatter(&codes, real.labels.as_deref(), classes, caption)?))
}
