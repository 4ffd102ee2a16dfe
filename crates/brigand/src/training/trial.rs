//! A run in small, to measure what a run takes.

use candle_core::Device;

use super::checkpoint::Snapshot;
use super::prepared::Prepared;
use super::snapshots::Snapshots;
use crate::data::RunData;
use crate::error::Result;
use crate::recipe::Recipe;

/// Does in memory what a run does again and again, in batches of `batch` samples: two steps (the second has the moments
/// that the first made), a checkpoint and pictures. Nothing of it stays.
///
/// # Errors
/// As [`Prepared::with`] and a run's steps.
pub fn trial(recipe: &Recipe, data: &RunData, batch: usize, device: &Device) -> Result<()> {
    let mut recipe = recipe.clone();
    recipe.common.training.batch = batch;
    let Prepared { recipe, mut session, data, .. } = Prepared::with(recipe, data.clone(), device)?;
    let dataset = data.dataset.as_deref();
    let snapshots = Snapshots::new(session.system(), session.feed(), dataset, &recipe.common)?;
    session.advance()?;
    session.advance()?;
    Snapshot::of(&session.save()?)?.laid_out()?;
    snapshots.take(session.system(), session.step())?;
    Ok(())
}
